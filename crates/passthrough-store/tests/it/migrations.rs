use passthrough_core::connection::ConnectionStatus;
use passthrough_store::{CredentialTimes, Store, StoreError};
use sqlx::migrate::{Migration, MigrationType};
use sqlx::{AssertSqlSafe, SqlSafeStr};
use tokio::task::JoinSet;

use crate::rig::{Rig, connection_id, credential, on_both_engines, production, refresh};

on_both_engines! {
    several_processes_may_start_on_an_empty_database_at_once,
    migrating_again_changes_nothing,
    a_database_that_was_not_migrated_says_so,
    a_newer_database_is_refused,
    a_migration_that_was_changed_after_it_was_applied_is_refused,
    a_connection_of_the_second_version_goes_on_as_it_was,
}

async fn several_processes_may_start_on_an_empty_database_at_once(rig: Rig) {
    let mut starts = JoinSet::new();
    for _ in 0..8 {
        let url = rig.url.clone();
        starts.spawn(async move { Store::open(&url).await?.migrate().await });
    }
    let applied: Vec<_> = starts.join_all().await.into_iter().map(|start| start.unwrap().len()).collect();
    assert_eq!(applied.iter().filter(|applied| **applied > 0).count(), 1, "{applied:?}");
    assert_eq!(rig.store.pending_migrations().await, Ok(vec![]));
}

async fn migrating_again_changes_nothing(rig: Rig) {
    let pending = rig.store.pending_migrations().await.unwrap();
    assert_eq!(pending.first().map(|first| (first.version, first.name)), Some((1, "initial")));
    assert_eq!(rig.store.migrate().await, Ok(pending));
    assert_eq!(rig.store.pending_migrations().await, Ok(vec![]));
    assert_eq!(rig.store.migrate().await, Ok(vec![]));
}

async fn a_database_that_was_not_migrated_says_so(rig: Rig) {
    assert_eq!(rig.store.count_api_keys().await, Err(StoreError::NotMigrated));
    assert_eq!(rig.store.ping().await, Ok(()));
}

async fn a_newer_database_is_refused(rig: Rig) {
    rig.store.migrate().await.unwrap();
    sqlx::query("insert into schema_migrations (version, name, checksum) values (999, 'later', $1)")
        .bind(vec![1_u8])
        .execute(&rig.backdoor().await)
        .await
        .unwrap();
    for refused in [rig.store.migrate().await, rig.store.pending_migrations().await] {
        assert!(matches!(refused, Err(StoreError::TooNew { found: 999, .. })), "{refused:?}");
    }
}

async fn a_migration_that_was_changed_after_it_was_applied_is_refused(rig: Rig) {
    rig.store.migrate().await.unwrap();
    sqlx::query("update schema_migrations set checksum = $1 where version = 1")
        .bind(vec![1_u8])
        .execute(&rig.backdoor().await)
        .await
        .unwrap();
    assert_eq!(rig.store.migrate().await, Err(StoreError::MigrationChanged(1)));
}

/// The texts of the first two migrations.
fn first_two(rig: &Rig) -> [&'static str; 2] {
    if rig.url.starts_with("sqlite") {
        [
            include_str!("../../migrations/sqlite/0001_initial.sql"),
            include_str!("../../migrations/sqlite/0002_request_batches.sql"),
        ]
    } else {
        [
            include_str!("../../migrations/postgres/0001_initial.sql"),
            include_str!("../../migrations/postgres/0002_request_batches.sql"),
        ]
    }
}

async fn a_connection_of_the_second_version_goes_on_as_it_was(rig: Rig) {
    let backdoor = rig.backdoor().await;
    let bytes = if rig.url.starts_with("sqlite") { "blob" } else { "bytea" };
    let table = format!(
        "create table schema_migrations (version bigint not null primary key, name text not null, \
         checksum {bytes} not null)"
    );
    sqlx::raw_sql(AssertSqlSafe(table)).execute(&backdoor).await.unwrap();
    for (version, text) in (1_i64..).zip(first_two(&rig)) {
        sqlx::raw_sql(text).execute(&backdoor).await.unwrap();
        let sql = text.into_sql_str();
        let migration = Migration::new(version, "old".into(), MigrationType::Simple, sql, false);
        sqlx::query("insert into schema_migrations (version, name, checksum) values ($1, 'old', $2)")
            .bind(version)
            .bind(migration.checksum.into_owned())
            .execute(&backdoor)
            .await
            .unwrap();
    }
    let hex = if bytes == "blob" { "x'63'" } else { "'\\x63'" };
    // An account id that no index entry of PostgreSQL could hold as a whole.
    let account: String =
        (0..20_000_u32).map(|n| char::from(b'!' + (n.wrapping_mul(n) / 7 % 90) as u8)).collect();
    let rows = format!(
        "insert into environments values ('production', 1); \
         insert into connections values ('{id}', 'production', 'acme', 'acme', 'api_key', 'connected', null, null, \
         '{account}', null, 5, 6, null, {hex}, {hex}, 'k1', 3); \
         insert into connections select '{other}', environment, provider, integration, auth, status, name, 'user 1', null, \
         account_label, 7, updated_at, verified_at, token_hash, sealed_variables, variables_key_id, \
         variables_generation from connections; \
         insert into credentials values ('{id}', 'production', 4, {hex}, 'k1', 77)",
        id = connection_id(1),
        other = connection_id(2),
        account = account.replace('\'', "''"),
    );
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&backdoor).await.unwrap();

    assert_eq!(rig.store.migrate().await.unwrap().len(), 2);
    let user = rig.store.find_linked_user_by_origin(&production(), "user 1").await.unwrap().unwrap();
    assert_eq!((user.id.ulid(), user.created_at, &user.alias), (connection_id(2).ulid(), 7, &None));
    assert_eq!(rig.store.list_linked_users(&production(), None, 9).await.unwrap().rows, [user]);
    let state = rig.store.find_refresh_state(&production(), connection_id(1)).await.unwrap().unwrap();
    assert_eq!((state.status, state.credential.generation), (ConnectionStatus::Connected, 4));
    assert_eq!((state.credential.sealed, state.credential.expires_at), (b"c".to_vec(), Some(77)));
    assert_eq!((state.lease, state.abandoned, state.failures), (None, false, 0));
    assert_eq!((state.not_before, state.error, state.refreshed_at), (None, None, None));
    assert_eq!(state.times, CredentialTimes::default());
    assert_eq!(rig.store.list_due(i64::MAX, 9).await, Ok(vec![]));
    let found =
        rig.store.find_connection_by_account(&production(), "acme", &account, None).await.unwrap().unwrap();
    assert_eq!((found.connection.id, found.sealed_variables.generation), (connection_id(1), 3));
    let next = credential("next", 5);
    assert_eq!(refresh(&rig.store, &production(), connection_id(1), &next, "k1").await, Ok(true));
}
