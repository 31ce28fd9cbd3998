//! The search for secrets in whatever a program left behind.

use std::fs;

use memchr::memmem;
use sqlx::Row;

use super::{CANARY, Program};

impl Program {
    /// Searches everything that the program has written for secrets.
    ///
    /// # Panics
    /// Where one is found.
    pub async fn assert_no_leak(&self) {
        let mut haystacks = vec![("the output".to_owned(), self.log().into_bytes())];
        let data = self.data_dir();
        let folders = [data.join("spool"), data].map(fs::read_dir);
        for entry in folders.into_iter().flatten().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            haystacks.push((name, fs::read(entry.path()).unwrap_or_default()));
        }
        if let Some(url) = &self.database_url {
            haystacks.push(("the database".to_owned(), dump(url).await));
        }
        let needles: Vec<String> =
            std::iter::once(CANARY).map(str::to_owned).chain(self.token_secrets()).collect();
        for needle in needles.iter().flat_map(|needle| spellings(needle)) {
            for (name, bytes) in &haystacks {
                if let Some(at) = memmem::find(bytes, &needle) {
                    let from = at.saturating_sub(200);
                    let around =
                        String::from_utf8_lossy(&bytes[from..(at + 60).min(bytes.len())]).into_owned();
                    panic!("a secret leaked into {name}: …{around}…");
                }
            }
        }
    }

    /// The secret parts of the tokens: their ids may be logged.
    fn token_secrets(&self) -> impl Iterator<Item = String> + '_ {
        self.secrets.iter().map(|token| token[token.len().saturating_sub(40)..].to_owned())
    }
}

/// Plain, hexadecimal (as PostgreSQL shows bytes), and base64 at its three alignments.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let mut all = vec![bytes.to_vec()];
    all.push(bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    for skip in 0..3 {
        let shifted: Vec<u8> = std::iter::repeat_n(0, skip).chain(bytes.iter().copied()).collect();
        let encoded = data_encoding::BASE64_NOPAD.encode(&shifted);
        let (first, last) = ((skip * 8).div_ceil(6), shifted.len() * 8 / 6);
        all.push(encoded.as_bytes()[first..last].to_vec());
    }
    all
}

/// Every row of every table of a PostgreSQL database, as text.
async fn dump(url: &str) -> Vec<u8> {
    let pool = sqlx::PgPool::connect(url).await.expect("the database can be read");
    let tables = sqlx::query("select tablename::text as name from pg_tables where schemaname = 'public'");
    let tables = tables.fetch_all(&pool).await.expect("the tables can be listed");
    let mut out = Vec::new();
    for table in tables {
        let name: String = table.get("name");
        let sql = format!("select t::text as row from \"{name}\" t");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&pool).await.expect("a table can be read");
        for row in rows {
            out.extend_from_slice(row.get::<String, _>("row").as_bytes());
            out.push(b'\n');
        }
    }
    pool.close().await;
    out
}
