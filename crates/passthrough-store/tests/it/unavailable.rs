//! What is not there, is locked or is something else: told apart, and never with a password in it.

use std::os::unix::fs::PermissionsExt;

use passthrough_store::{Store, StoreError, sqlite_url};
use passthrough_testkit::postgres::Postgres;
use sqlx::{AnyConnection, Connection};

use crate::rig::{NOW, Rig, api_key, insert, on_both_engines, production, record};

on_both_engines! {
    a_closed_store_is_unavailable,
}

fn is_unavailable<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

async fn a_closed_store_is_unavailable(rig: Rig) {
    let rig = rig.ready().await;
    rig.store.close().await;
    assert!(is_unavailable(rig.store.ping().await));
    assert!(is_unavailable(rig.store.insert_api_key(&api_key(&production(), 1)).await));
}

#[tokio::test]
async fn a_server_that_is_stopped_makes_every_call_unavailable() {
    let mut server = Postgres::start().await;
    let url = server.fresh_database().await;
    let store = Store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    store.ensure_environment(&production(), NOW).await.unwrap();
    assert_eq!(store.ping().await, Ok(()));
    server.stop();
    assert!(is_unavailable(store.ping().await));
    assert!(is_unavailable(store.find_api_key(api_key(&production(), 1).id).await));
    assert!(is_unavailable(store.insert_api_key(&api_key(&production(), 1)).await));
    assert!(is_unavailable(insert(&store, &production(), &[record(1)]).await));
    assert!(is_unavailable(Store::open(&url).await));
}

#[tokio::test]
async fn a_database_that_is_dropped_under_the_store_is_unavailable() {
    let server = Postgres::shared().await;
    let url = server.fresh_database().await;
    let store = Store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    let name = url.split('?').next().and_then(|url| url.rsplit('/').next()).unwrap();
    let mut admin = AnyConnection::connect(server.admin_url()).await.unwrap();
    let drop = sqlx::AssertSqlSafe(format!("drop database {name} with (force)"));
    sqlx::raw_sql(drop).execute(&mut admin).await.unwrap();
    assert!(is_unavailable(store.count_api_keys().await));
    assert!(is_unavailable(Store::open(&url).await));
}

#[tokio::test]
async fn no_error_and_no_debug_output_shows_the_password() {
    let refused = Store::open("postgres://user:hunter2@127.0.0.1:1/none").await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)));
    let mut shown = format!("{refused} {refused:?}");
    for url in [
        "postgres://user:hunter2@[bad/x",
        "mysql://user:hunter2@h/x",
        "postgres://u:hunter2@h/x?sslmode=hunter2",
    ] {
        let refused = Store::open(url).await.unwrap_err();
        assert!(matches!(refused, StoreError::InvalidUrl(_)), "{refused:?}");
        shown.push_str(&format!("{refused} {refused:?}"));
    }
    let rig = Rig::postgres().await;
    shown.push_str(&format!("{:?}", rig.store));
    assert!(!shown.contains("hunter2") && !shown.contains("localhost"), "{shown}");
}

#[tokio::test]
async fn a_file_whose_folder_is_missing_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(&folder.path().join("missing/passthrough.db"));
    assert!(is_unavailable(Store::open(&url).await));
    assert!(is_unavailable(Store::open(&sqlite_url(folder.path())).await));
}

#[tokio::test]
async fn a_file_that_is_something_else_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passthrough.db");
    std::fs::write(&path, "not a database at all, ".repeat(1000)).unwrap();
    assert!(matches!(Store::open(&sqlite_url(&path)).await, Err(StoreError::Corrupt(_))));
}

#[tokio::test]
async fn a_file_that_vanished_is_unavailable_and_not_made_again() {
    let rig = Rig::sqlite().await;
    let path = rig.url.strip_prefix("sqlite://").unwrap();
    std::fs::remove_file(path).unwrap();
    assert!(is_unavailable(rig.store.ping().await));
    assert!(is_unavailable(rig.store.migrate().await));
    assert!(!std::path::Path::new(path).exists());
}

#[tokio::test]
async fn the_file_and_its_journals_are_readable_by_their_owner_alone() {
    let rig = Rig::sqlite().await.ready().await;
    let path = rig.url.strip_prefix("sqlite://").unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(format!("{path}{suffix}")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn a_write_that_another_process_locks_out_is_unavailable_and_reads_go_on() {
    let rig = Rig::sqlite().await.ready().await;
    let mut other = AnyConnection::connect(&rig.url).await.unwrap();
    let transaction = other.begin_with("begin immediate").await.unwrap();
    let key = api_key(&production(), 1);
    assert_eq!(rig.store.find_api_key(key.id).await, Ok(None));
    assert!(is_unavailable(rig.store.insert_api_key(&key).await));
    transaction.rollback().await.unwrap();
    assert_eq!(rig.store.insert_api_key(&key).await, Ok(()));
}

/// On a full disk SQLite ends a transaction by itself, without the driver's knowing.
#[tokio::test]
async fn writes_go_on_after_sqlite_has_ended_a_transaction_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(&folder.path().join("full.db"));
    let store = Store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    store.ensure_environment(&production(), NOW).await.unwrap();
    let mut aside = AnyConnection::connect(&url).await.unwrap();
    let full = "create trigger full before insert on api_keys begin select raise(rollback, 'full'); end";
    sqlx::raw_sql(full).execute(&mut aside).await.unwrap();
    assert!(store.insert_api_key(&api_key(&production(), 1)).await.is_err());
    sqlx::raw_sql("drop trigger full").execute(&mut aside).await.unwrap();
    assert_eq!(store.insert_api_key(&api_key(&production(), 1)).await, Ok(()));
}
