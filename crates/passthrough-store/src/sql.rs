//! Statements with their values, and columns read back.
//!
//! A statement is put together from literals of this crate only; every value is bound. That is what makes
//! SQL injection impossible here by construction, not by care.

use std::borrow::Cow;
use std::str::FromStr;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyExecutor, Arguments, AssertSqlSafe, Decode, Encode, Row, Type};

use crate::error::{StoreError, TextFault};

/// A statement that is being written, with the values bound so far.
pub(crate) struct Statement {
    sql: Cow<'static, str>,
    arguments: AnyArguments,
    refused: Option<StoreError>,
    kept: bool,
}

impl Statement {
    /// Begins with a literal. Values bound with [`Statement::text`] and its like are its `$1`, `$2`, ….
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql: Cow::Borrowed(sql), arguments: AnyArguments::default(), refused: None, kept: true }
    }

    /// Says that the text varies too much to be kept prepared.
    pub(crate) fn once(mut self) -> Self {
        self.kept = false;
        self
    }

    /// Appends a literal.
    pub(crate) fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    /// Appends the placeholder of the next value, which must be bound right after.
    fn placeholder(&mut self) {
        let number = self.arguments.len() + 1;
        let sql = self.sql.to_mut();
        sql.push('$');
        sql.push_str(&number.to_string());
    }

    /// Appends a placeholder and binds a text to it.
    pub(crate) fn push_text(&mut self, value: &str) -> &mut Self {
        self.placeholder();
        self.bind_text(Some(value));
        self
    }

    /// Appends a placeholder and binds a text or null to it.
    pub(crate) fn push_optional_text(&mut self, value: Option<&str>) -> &mut Self {
        self.placeholder();
        self.bind_text(value);
        self
    }

    /// Appends a placeholder and binds an integer or null to it.
    pub(crate) fn push_integer(&mut self, value: impl Into<Option<i64>>) -> &mut Self {
        self.placeholder();
        self.bind(value.into());
        self
    }

    /// Appends a placeholder and binds bytes to it.
    pub(crate) fn push_bytes(&mut self, value: &[u8]) -> &mut Self {
        self.placeholder();
        self.bind(value);
        self
    }

    /// Binds the next text.
    pub(crate) fn text(self, value: &str) -> Self {
        self.optional_text(Some(value))
    }

    /// Binds the next text, or null.
    pub(crate) fn optional_text(mut self, value: Option<&str>) -> Self {
        self.bind_text(value);
        self
    }

    /// Binds the next integer, or null.
    pub(crate) fn integer(mut self, value: impl Into<Option<i64>>) -> Self {
        self.bind(value.into());
        self
    }

    /// Binds the next bytes.
    pub(crate) fn bytes(mut self, value: &[u8]) -> Self {
        self.bind(value);
        self
    }

    /// PostgreSQL has no NUL in text and SQLite cuts some functions at it: refused on both, in this one place.
    fn bind_text(&mut self, value: Option<&str>) {
        if value.is_some_and(|text| memchr::memchr(0, text.as_bytes()).is_some()) {
            self.refused = Some(StoreError::InvalidText(TextFault::Nul));
        }
        self.bind(value);
    }

    fn bind<'t, T: Encode<'t, Any> + Type<Any>>(&mut self, value: T) {
        if self.arguments.add(value).is_err() {
            self.refused = Some(StoreError::Unexpected("driver".into()));
        }
    }

    fn ready(self) -> Result<sqlx::query::Query<'static, Any, AnyArguments>, StoreError> {
        match self.refused {
            Some(error) => Err(error),
            None => Ok(sqlx::query_with(AssertSqlSafe(self.sql), self.arguments).persistent(self.kept)),
        }
    }

    /// Runs it and says how many rows it changed.
    pub(crate) async fn execute<'e>(self, on: impl AnyExecutor<'e>) -> Result<u64, StoreError> {
        Ok(self.ready()?.execute(on).await?.rows_affected())
    }

    /// Reads at most one row.
    pub(crate) async fn find<'e>(self, on: impl AnyExecutor<'e>) -> Result<Option<AnyRow>, StoreError> {
        Ok(self.ready()?.fetch_optional(on).await?)
    }

    /// Reads all rows.
    pub(crate) async fn list<'e>(self, on: impl AnyExecutor<'e>) -> Result<Vec<AnyRow>, StoreError> {
        Ok(self.ready()?.fetch_all(on).await?)
    }
}

/// Reads a column; an `Option` for one that may be null.
pub(crate) fn get<'r, T>(row: &'r AnyRow, column: &'static str) -> Result<T, StoreError>
where
    T: Decode<'r, Any> + Type<Any>,
{
    row.try_get(column).map_err(|_| StoreError::Corrupt(column))
}

/// Reads a text column into the value that it names.
pub(crate) fn parse<T: FromStr>(row: &AnyRow, column: &'static str) -> Result<T, StoreError> {
    get::<&str>(row, column)?.parse().map_err(|_| StoreError::Corrupt(column))
}

/// The same for a column that may be null.
pub(crate) fn parse_optional<T: FromStr>(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = get(row, column)?;
    text.map(|text| text.parse().map_err(|_| StoreError::Corrupt(column))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_never_becomes_part_of_the_text() {
        let mut statement = Statement::new("select * from t where a = ");
        statement.push_text("'; drop table t; --").push(" limit ").push_integer(3);
        assert_eq!(statement.sql, "select * from t where a = $1 limit $2");
        assert_eq!(statement.arguments.len(), 2);
    }

    #[test]
    fn a_nul_in_a_text_is_refused_before_the_database_sees_it() {
        let refused = Statement::new("select $1").text("a\0b").ready().err();
        assert_eq!(refused, Some(StoreError::InvalidText(TextFault::Nul)));
    }
}
