//! The database behind the program's back: what an operator, a thief or an accident does to it.

use passthrough_testkit::program::Program;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Connection};

/// The database of a program that runs or is stopped.
pub struct Database {
    pool: AnyPool,
}

impl Database {
    /// Opens it. A write waits for those of the program.
    pub async fn of(program: &Program) -> Self {
        sqlx::any::install_default_drivers();
        let file = format!("sqlite://{}?mode=rw", program.data_dir().join("passthrough.db").display());
        let url = program.database_url().unwrap_or(&file);
        Self { pool: AnyPool::connect(url).await.unwrap() }
    }

    /// Runs a statement that changes something, and says how many rows it changed.
    pub async fn change(&self, sql: &str) -> u64 {
        let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&self.pool).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
    }

    /// Keeps everybody else from writing connections and credentials until it is let go of.
    pub async fn lock(&self) -> Lock {
        let mut connection = self.pool.acquire().await.unwrap().detach();
        let sql = match connection.backend_name() {
            "SQLite" => "begin immediate",
            _ => "begin; lock table connections, credentials in exclusive mode",
        };
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        Lock(connection)
    }

    /// Lets go of it.
    pub async fn close(self) {
        self.pool.close().await;
    }
}

/// What keeps everybody else from writing.
pub struct Lock(AnyConnection);

impl Lock {
    /// Lets them write again.
    pub async fn release(mut self) {
        sqlx::raw_sql("rollback").execute(&mut self.0).await.unwrap();
        self.0.close().await.unwrap();
    }
}
