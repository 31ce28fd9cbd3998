use std::time::Duration;

use passthrough_core::connection::ConnectionStatus;
use passthrough_store::{Change, ChangeSubject, ConnectionPatch, SealedPlace, Store};
use tokio::task::JoinSet;

use crate::rig::{NOW, Rig, api_key, credential, on_both_engines, production, refresh, sealed, stored};

on_both_engines! {
    every_change_leaves_a_line_in_order,
    what_changes_nothing_leaves_no_line,
    a_reader_that_follows_misses_nothing_of_many_writers,
    old_lines_go_and_numbers_are_never_used_again,
    a_line_of_a_newer_program_is_unknown_and_no_error,
}

async fn subjects(store: &Store, after: i64) -> Vec<ChangeSubject> {
    store.list_changes_after(after, 100).await.unwrap().into_iter().map(|change| change.subject).collect()
}

async fn every_change_leaves_a_line_in_order(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    assert_eq!(store.latest_change().await, Ok(0));
    let connection = stored(&production(), 1);
    let (id, key) = (connection.connection.id, api_key(&production(), 1));
    store.insert_api_key(&key).await.unwrap();
    store.insert_connection(&connection, None).await.unwrap();
    store.update_connection(&production(), id, &ConnectionPatch::default(), NOW).await.unwrap();
    store.update_variables(&production(), id, &sealed("v", 2), NOW).await.unwrap();
    refresh(store, &production(), id, &credential("c", 2), "k1").await.unwrap();
    store.update_token_hash(&production(), id, &[1], NOW).await.unwrap();
    for row in store.list_sealed_not_under("k2", 10).await.unwrap() {
        store.update_sealed(&row, b"again", "k2", NOW).await.unwrap();
    }
    store.delete_connection(&production(), id, NOW, None).await.unwrap();
    store.revoke_api_key(&production(), key.id, NOW).await.unwrap();
    let connection = || ChangeSubject::Connection(id);
    let credential = || ChangeSubject::Credential(id);
    let expected = [
        ChangeSubject::ApiKey(key.id),
        connection(),
        connection(),
        connection(),
        credential(),
        connection(),
        connection(),
        credential(),
        connection(),
        ChangeSubject::ApiKey(key.id),
    ];
    assert_eq!(subjects(store, 0).await, expected);
    let all = store.list_changes_after(0, 100).await.unwrap();
    assert!(all.is_sorted_by(|one, next| one.seq < next.seq));
    assert_eq!(store.latest_change().await, Ok(all[9].seq));
    assert_eq!(store.list_changes_after(all[3].seq, 2).await.unwrap(), all[4..6]);
    assert_eq!(store.list_changes_after(all[9].seq, 2).await, Ok(vec![]));
}

async fn what_changes_nothing_leaves_no_line(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    let connection = stored(&production(), 1);
    let id = connection.connection.id;
    store.insert_connection(&connection, None).await.unwrap();
    let key = api_key(&production(), 1);
    store.insert_api_key(&key).await.unwrap();
    let before = store.latest_change().await.unwrap();
    refresh(store, &production(), id, &credential("c", 7), "k1").await.unwrap();
    store.update_variables(&production(), id, &sealed("v", 7), NOW).await.unwrap();
    store.touch_api_key(key.id, NOW).await.unwrap();
    let mut rows = store.list_sealed_not_under("k2", 10).await.unwrap();
    rows.retain(|row| matches!(row.place, SealedPlace::Credential { .. }));
    rows[0].value.sealed = b"something else".to_vec();
    assert_eq!(store.update_sealed(&rows[0], b"again", "k2", NOW).await, Ok(false));
    assert_eq!(subjects(store, before).await, []);
}

async fn a_reader_that_follows_misses_nothing_of_many_writers(rig: Rig) {
    const WRITERS: u64 = 8;
    const WRITES: usize = 25;
    let rig = rig.ready().await;
    for number in 0..WRITERS {
        rig.store.insert_connection(&stored(&production(), number), None).await.unwrap();
    }
    let mut last = rig.store.latest_change().await.unwrap();
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let store = rig.store.clone();
        writers.spawn(async move {
            let patch =
                ConnectionPatch { status: Some(ConnectionStatus::Connected), ..ConnectionPatch::default() };
            let id = crate::rig::connection_id(number);
            for _ in 0..WRITES {
                store.update_connection(&production(), id, &patch, NOW).await.unwrap();
            }
        });
    }
    let mut seen = 0;
    let mut idle = 0;
    while idle < 3 {
        if writers.is_empty() {
            idle += 1;
        }
        while writers.try_join_next().is_some() {}
        let changes: Vec<Change> = rig.store.list_changes_after(last, 1000).await.unwrap();
        seen += changes.len();
        last = changes.last().map_or(last, |change| change.seq);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(seen, WRITES * WRITERS as usize);
}

async fn old_lines_go_and_numbers_are_never_used_again(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    for number in 0..3 {
        store.insert_connection(&stored(&production(), number), None).await.unwrap();
    }
    let latest = store.latest_change().await.unwrap();
    assert_eq!(store.delete_changes_before(NOW + 2).await, Ok(2));
    assert_eq!(subjects(store, 0).await, [ChangeSubject::Connection(crate::rig::connection_id(2))]);
    assert_eq!(store.delete_changes_before(NOW + 9).await, Ok(1));
    store.insert_connection(&stored(&production(), 9), None).await.unwrap();
    assert_eq!(subjects(store, latest).await, [ChangeSubject::Connection(crate::rig::connection_id(9))]);
}

async fn a_line_of_a_newer_program_is_unknown_and_no_error(rig: Rig) {
    let rig = rig.ready().await;
    sqlx::query("insert into changes (kind, subject_id, at) values ('policy', 'pol_1', 1)")
        .execute(&rig.backdoor().await)
        .await
        .unwrap();
    assert_eq!(subjects(&rig.store, 0).await, [ChangeSubject::Unknown]);
}
