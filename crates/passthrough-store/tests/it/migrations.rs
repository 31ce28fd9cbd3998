use passthrough_store::{Store, StoreError};
use tokio::task::JoinSet;

use crate::rig::{Rig, on_both_engines};

on_both_engines! {
    several_processes_may_start_on_an_empty_database_at_once,
    migrating_again_changes_nothing,
    a_database_that_was_not_migrated_says_so,
    a_newer_database_is_refused,
    a_migration_that_was_changed_after_it_was_applied_is_refused,
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
