//! Who may refresh, and whose answer counts.

use passthrough_core::connection::ConnectionStatus;
use passthrough_core::id::ConnectionId;
use passthrough_store::{
    ChangeSubject, ConnectionPatch, CredentialTimes, DueRefresh, EventFilter, Lease, Leased, RefreshFailure,
    Store,
};
use tokio::task::JoinSet;

use crate::rig::{
    NOW, Rig, connection_id, credential, event, on_both_engines, production, refreshed, staging, stored,
};

on_both_engines! {
    of_fifty_at_once_one_takes_the_lease,
    of_fifty_at_once_one_takes_over_a_lease_that_ran_out,
    a_lease_is_its_owners_until_its_time_is_over,
    a_lease_that_never_ended_is_remembered_until_the_generation_moves_on,
    a_lease_of_an_older_generation_says_nothing,
    only_its_owner_extends_and_releases_a_lease,
    of_fifty_answers_at_once_one_is_stored,
    a_stored_answer_ends_lease_failures_and_cool_down,
    a_failure_is_noted_by_the_owner_of_the_lease_alone,
    of_fifty_refusals_at_once_one_disconnects,
    a_refusal_of_an_older_credential_disconnects_nothing,
    a_refusal_and_an_answer_at_once_never_leave_a_new_credential_disconnected,
    a_late_answer_reconnects_what_was_taken_for_lost,
    an_archived_connection_stays_archived_whatever_comes,
    a_patch_tells_what_it_did_to_the_status,
    a_user_given_credential_ends_what_was_said_of_the_old_one,
    what_is_due_is_listed_in_order,
    a_status_decides_whether_a_credential_is_due,
    nothing_of_a_refresh_is_done_from_another_environment,
}

const MINUTE: i64 = 60_000;
const CONNECTED: ConnectionStatus = ConnectionStatus::Connected;
const DISCONNECTED: ConnectionStatus = ConnectionStatus::Disconnected;

async fn one_connection(rig: Rig) -> (Rig, ConnectionId) {
    let rig = rig.ready().await;
    let connection = stored(&production(), 1);
    rig.store.insert_connection(&connection, None).await.unwrap();
    (rig, connection.connection.id)
}

async fn take(store: &Store, id: ConnectionId, generation: i64, owner: &str, now: i64) -> Leased {
    store.take_lease(&production(), id, generation, owner, now, now + MINUTE).await.unwrap()
}

async fn store_next(store: &Store, id: ConnectionId, text: &str, generation: i64) -> bool {
    let next = refreshed(&credential(text, generation), "k1");
    store.store_refreshed(&production(), id, &next, NOW).await.unwrap()
}

async fn refuse(store: &Store, id: ConnectionId, generation: i64) -> bool {
    store.disconnect(&production(), id, generation, "invalid_grant", &event(), NOW).await.unwrap()
}

async fn status(store: &Store, id: ConnectionId) -> ConnectionStatus {
    store.find_refresh_state(&production(), id).await.unwrap().unwrap().status
}

/// What was told, in order.
async fn told(rig: &Rig) -> Vec<String> {
    let page = rig.store.list_events(&production(), &EventFilter::default(), None, 500).await.unwrap();
    page.rows.into_iter().rev().map(|event| event.kind).collect()
}

const TAKEN: Leased = Leased::Taken { previous_expired: false };
const TAKEN_OVER: Leased = Leased::Taken { previous_expired: true };

async fn of_fifty_at_once_one_takes_the_lease(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let answers = fifty(&rig, move |store, number| async move {
        take(&store, id, 1, &format!("process {number}"), NOW).await
    });
    let answers = answers.await;
    assert_eq!(answers.iter().filter(|answer| **answer == TAKEN).count(), 1);
    let held = Leased::Held { until: NOW + MINUTE };
    assert_eq!(answers.iter().filter(|answer| **answer == held).count(), 49);
}

async fn of_fifty_at_once_one_takes_over_a_lease_that_ran_out(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    assert_eq!(take(&rig.store, id, 1, "gone", NOW - MINUTE).await, TAKEN);
    let answers = fifty(&rig, move |store, number| async move {
        take(&store, id, 1, &format!("process {number}"), NOW).await
    });
    assert_eq!(answers.await.iter().filter(|answer| **answer == TAKEN_OVER).count(), 1);
}

async fn a_lease_is_its_owners_until_its_time_is_over(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let store = &rig.store;
    assert_eq!(take(store, id, 1, "a", NOW).await, TAKEN);
    assert_eq!(take(store, id, 1, "b", NOW + MINUTE - 1).await, Leased::Held { until: NOW + MINUTE });
    assert_eq!(take(store, id, 1, "a", NOW + 5).await, TAKEN, "its own again");
    let lease = store.find_refresh_state(&production(), id).await.unwrap().unwrap().lease;
    assert_eq!(lease, Some(Lease { owner: "a".into(), until: NOW + 5 + MINUTE }));
    assert_eq!(take(store, id, 2, "b", NOW).await, Leased::Newer);
    assert_eq!(take(store, connection_id(9), 1, "b", NOW).await, Leased::Gone);
    assert_eq!(take(store, id, 1, "b", NOW + 5 + MINUTE).await, TAKEN_OVER);
}

async fn a_lease_that_never_ended_is_remembered_until_the_generation_moves_on(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let store = &rig.store;
    assert_eq!(take(store, id, 1, "gone", NOW - MINUTE).await, TAKEN);
    assert_eq!(take(store, id, 1, "b", NOW).await, TAKEN_OVER);
    assert_eq!(store.release_lease(&production(), id, "b").await, Ok(true));
    assert_eq!(take(store, id, 1, "c", NOW).await, TAKEN_OVER);
    assert!(store.find_refresh_state(&production(), id).await.unwrap().unwrap().abandoned);
    assert!(store_next(store, id, "next", 2).await);
    assert!(!store.find_refresh_state(&production(), id).await.unwrap().unwrap().abandoned);
    assert_eq!(take(store, id, 2, "b", NOW).await, TAKEN);
}

async fn a_lease_of_an_older_generation_says_nothing(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let store = &rig.store;
    assert_eq!(take(store, id, 1, "gone", NOW - MINUTE).await, TAKEN);
    assert_eq!(take(store, id, 1, "a", NOW).await, TAKEN_OVER);
    // As a program writes that does not know of leases.
    sqlx::query("update credentials set generation = 2").execute(&rig.backdoor().await).await.unwrap();
    let state = store.find_refresh_state(&production(), id).await.unwrap().unwrap();
    assert_eq!(state.lease, None);
    assert_eq!(store.extend_lease(&production(), id, 2, "a", NOW + MINUTE).await, Ok(false));
    assert_eq!(take(store, id, 2, "b", NOW).await, TAKEN);
}

async fn only_its_owner_extends_and_releases_a_lease(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let store = &rig.store;
    let (until, later) = (NOW + MINUTE, NOW + 2 * MINUTE);
    assert_eq!(store.release_lease(&production(), id, "a").await, Ok(false));
    assert_eq!(store.extend_lease(&production(), id, 1, "a", later).await, Ok(false));
    assert_eq!(take(store, id, 1, "a", NOW).await, TAKEN);
    assert_eq!(store.extend_lease(&production(), id, 1, "b", later).await, Ok(false));
    assert_eq!(store.extend_lease(&production(), id, 2, "a", later).await, Ok(false));
    assert_eq!(store.release_lease(&production(), id, "b").await, Ok(false));
    assert_eq!(take(store, id, 1, "b", NOW).await, Leased::Held { until });
    assert_eq!(store.extend_lease(&production(), id, 1, "a", later).await, Ok(true));
    assert_eq!(take(store, id, 1, "b", NOW).await, Leased::Held { until: later });
    assert_eq!(store.release_lease(&production(), id, "a").await, Ok(true));
    assert_eq!(take(store, id, 1, "b", NOW).await, TAKEN);
}

async fn of_fifty_answers_at_once_one_is_stored(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let before = rig.store.latest_change().await.unwrap();
    let answers = fifty(&rig, move |store, number| async move {
        store_next(&store, id, &format!("token {number}"), 2).await.then_some(number)
    });
    let winners: Vec<_> = answers.await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    let found = rig.store.find_refresh_state(&production(), id).await.unwrap().unwrap();
    assert_eq!(found.credential, credential(&format!("token {}", winners[0]), 2));
    assert_eq!(told(&rig).await, ["connection.refreshed"]);
    let changes = rig.store.list_changes_after(before, 10).await.unwrap();
    assert_eq!(changes.into_iter().map(|c| c.subject).collect::<Vec<_>>(), [ChangeSubject::Credential(id)]);
}

fn failure(number: i64) -> RefreshFailure {
    RefreshFailure { failures: number, not_before: NOW + MINUTE, error: "http_503".into() }
}

async fn a_stored_answer_ends_lease_failures_and_cool_down(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let store = &rig.store;
    take(store, id, 1, "a", NOW).await;
    assert_eq!(store.note_refresh_failure(&production(), id, 1, "a", &failure(1)).await, Ok(true));
    take(store, id, 1, "b", NOW).await;
    let mut next = refreshed(&credential("next", 2), "k2");
    next.times = CredentialTimes { refresh_expires_at: Some(NOW + 9), due_at: Some(NOW + 8) };
    next.credential.expires_at = Some(NOW + 7);
    assert_eq!(store.store_refreshed(&production(), id, &next, NOW + 3).await, Ok(true));
    let state = store.find_refresh_state(&production(), id).await.unwrap().unwrap();
    assert_eq!(state.credential, next.credential);
    assert_eq!((state.lease, state.failures, state.not_before, state.error), (None, 0, None, None));
    assert_eq!((state.refreshed_at, state.times), (Some(NOW + 3), next.times));
    let found = store.find_connection(&production(), id).await.unwrap().unwrap();
    assert_eq!((found.credential_key_id.as_str(), found.credential_times), ("k2", next.times));
    assert_eq!(found.connection.updated_at, NOW + 1, "a refresh is no change of the connection");
}

async fn a_failure_is_noted_by_the_owner_of_the_lease_alone(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let store = &rig.store;
    let note = async |owner, generation, number| {
        store.note_refresh_failure(&production(), id, generation, owner, &failure(number)).await.unwrap()
    };
    assert!(!note("a", 1, 1).await);
    take(store, id, 1, "a", NOW).await;
    assert!(!note("b", 1, 2).await);
    assert!(!note("a", 2, 3).await);
    let state = store.find_refresh_state(&production(), id).await.unwrap().unwrap();
    assert_eq!((state.failures, state.error), (0, None));
    assert!(note("a", 1, 4).await);
    let state = store.find_refresh_state(&production(), id).await.unwrap().unwrap();
    assert_eq!((state.failures, state.error.as_deref()), (4, Some("http_503")));
    assert_eq!((state.not_before, state.lease), (Some(NOW + MINUTE), None));
    assert_eq!(state.status, CONNECTED);
    assert!(!note("a", 1, 5).await, "it is given back");
}

async fn of_fifty_refusals_at_once_one_disconnects(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    take(&rig.store, id, 1, "a", NOW).await;
    let answers = fifty(&rig, move |store, _| async move { refuse(&store, id, 1).await });
    assert_eq!(answers.await.into_iter().filter(|disconnected| *disconnected).count(), 1);
    assert_eq!(told(&rig).await, ["connection.disconnected"]);
    let state = rig.store.find_refresh_state(&production(), id).await.unwrap().unwrap();
    assert_eq!((state.status, state.error.as_deref()), (DISCONNECTED, Some("invalid_grant")));
    assert_eq!(state.lease, None);
}

async fn a_refusal_of_an_older_credential_disconnects_nothing(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    assert!(store_next(&rig.store, id, "next", 2).await);
    assert!(!refuse(&rig.store, id, 1).await);
    assert!(!refuse(&rig.store, connection_id(9), 1).await);
    assert_eq!(status(&rig.store, id).await, CONNECTED);
    assert_eq!(told(&rig).await, ["connection.refreshed"]);
}

async fn a_refusal_and_an_answer_at_once_never_leave_a_new_credential_disconnected(rig: Rig) {
    let rig = rig.ready().await;
    for number in 0..20 {
        let connection = stored(&production(), number);
        let id = connection.connection.id;
        rig.store.insert_connection(&connection, None).await.unwrap();
        let (one, other) = (rig.store.clone(), rig.store.clone());
        let refusal = tokio::spawn(async move { refuse(&one, id, 1).await });
        let answer = tokio::spawn(async move { store_next(&other, id, "next", 2).await });
        refusal.await.unwrap();
        assert!(answer.await.unwrap());
        assert_eq!(status(&rig.store, id).await, CONNECTED);
    }
}

async fn a_late_answer_reconnects_what_was_taken_for_lost(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    assert!(refuse(&rig.store, id, 1).await);
    let before = rig.store.latest_change().await.unwrap();
    assert!(store_next(&rig.store, id, "from the spool", 2).await);
    assert_eq!(status(&rig.store, id).await, CONNECTED);
    assert_eq!(told(&rig).await, ["connection.disconnected", "connection.reconnected"]);
    let changes = rig.store.list_changes_after(before, 10).await.unwrap();
    assert_eq!(changes.into_iter().map(|c| c.subject).collect::<Vec<_>>(), [ChangeSubject::Connection(id)]);
}

async fn an_archived_connection_stays_archived_whatever_comes(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let archive = ConnectionPatch { status: Some(ConnectionStatus::Archived), ..ConnectionPatch::default() };
    assert_eq!(rig.store.update_connection(&production(), id, &archive, NOW).await, Ok(true));
    assert!(!refuse(&rig.store, id, 1).await);
    assert!(store_next(&rig.store, id, "next", 2).await);
    let revive = ConnectionPatch { revive: true, event: Some(event()), ..ConnectionPatch::default() };
    assert_eq!(rig.store.update_connection(&production(), id, &revive, NOW).await, Ok(true));
    assert_eq!(status(&rig.store, id).await, ConnectionStatus::Archived);
    assert_eq!(told(&rig).await, ["connection.refreshed"]);
}

async fn a_patch_tells_what_it_did_to_the_status(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let patch = async |status, revive| {
        let patch = ConnectionPatch { status, revive, event: Some(event()), ..ConnectionPatch::default() };
        assert_eq!(rig.store.update_connection(&production(), id, &patch, NOW).await, Ok(true));
    };
    patch(None, true).await;
    patch(Some(CONNECTED), false).await;
    patch(Some(DISCONNECTED), false).await;
    patch(Some(DISCONNECTED), true).await;
    patch(None, false).await;
    patch(None, true).await;
    patch(None, true).await;
    assert_eq!(told(&rig).await, ["connection.disconnected", "connection.reconnected"]);
    let stale = ConnectionPatch {
        status: Some(DISCONNECTED),
        event: Some(event()),
        if_generation: Some(7),
        ..ConnectionPatch::default()
    };
    assert_eq!(rig.store.update_connection(&production(), id, &stale, NOW).await, Ok(false));
    assert_eq!(told(&rig).await.len(), 2);
}

async fn a_user_given_credential_ends_what_was_said_of_the_old_one(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let store = &rig.store;
    take(store, id, 1, "gone", NOW - MINUTE).await;
    take(store, id, 1, "a", NOW).await;
    assert_eq!(store.note_refresh_failure(&production(), id, 1, "a", &failure(3)).await, Ok(true));
    take(store, id, 1, "a", NOW).await;
    let times = CredentialTimes { refresh_expires_at: Some(NOW + 5), due_at: Some(NOW + 4) };
    let patch = ConnectionPatch {
        credential: Some((credential("given", 2), "k1".into())),
        credential_times: times,
        ..ConnectionPatch::default()
    };
    assert_eq!(store.update_connection(&production(), id, &patch, NOW + 2).await, Ok(true));
    let state = store.find_refresh_state(&production(), id).await.unwrap().unwrap();
    assert_eq!((state.lease, state.abandoned, state.failures), (None, false, 0));
    assert_eq!((state.not_before, state.error), (None, None));
    assert_eq!((state.times, state.refreshed_at), (times, Some(NOW + 2)));
    assert_eq!(store.extend_lease(&production(), id, 1, "a", NOW + MINUTE).await, Ok(false));
    assert!(!store_next(store, id, "the old owner's", 2).await);
}

async fn due(store: &Store, now: i64, limit: u32) -> Vec<i64> {
    let due = store.list_due(now, limit).await.unwrap();
    let number = |due: DueRefresh| due.id.ulid().timestamp_ms() as i64 - NOW;
    due.into_iter().map(number).collect()
}

async fn what_is_due_is_listed_in_order(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    for (number, due_at) in [(1, Some(30)), (2, Some(10)), (3, None), (4, Some(20)), (5, Some(10_000))] {
        let mut connection = stored(&production(), number);
        connection.credential_times.due_at = due_at.map(|due_at| NOW + due_at);
        store.insert_connection(&connection, None).await.unwrap();
    }
    assert_eq!(due(store, NOW + 9, 9).await, [0; 0]);
    assert_eq!(due(store, NOW + 30, 9).await, [2, 4, 1]);
    assert_eq!(due(store, NOW + 30, 2).await, [2, 4]);
    let first = store.list_due(NOW + 30, 1).await.unwrap();
    let expected = DueRefresh { environment: production(), id: connection_id(2), generation: 1 };
    assert_eq!(first, [expected]);
    // One is being refreshed, another has just failed.
    take(store, connection_id(2), 1, "a", NOW + 30).await;
    take(store, connection_id(4), 1, "a", NOW + 30).await;
    store.note_refresh_failure(&production(), connection_id(4), 1, "a", &failure(1)).await.unwrap();
    assert_eq!(due(store, NOW + 30, 9).await, [1]);
    assert_eq!(due(store, NOW + MINUTE, 9).await, [1, 5, 4]);
    assert_eq!(due(store, NOW + MINUTE + 30, 9).await, [2, 1, 5, 4]);
    assert_eq!(store.update_due(&production(), connection_id(1), 1, None).await, Ok(true));
    assert_eq!(store.update_due(&production(), connection_id(5), 2, None).await, Ok(false));
    assert_eq!(store.update_due(&production(), connection_id(3), 1, Some(NOW)).await, Ok(true));
    assert_eq!(due(store, NOW + MINUTE + 30, 9).await, [3, 2, 5, 4]);
}

async fn a_status_decides_whether_a_credential_is_due(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    let mut connection = stored(&production(), 1);
    let id = connection.connection.id;
    connection.credential.expires_at = Some(NOW + 100);
    connection.credential_times.due_at = Some(NOW + 50);
    store.insert_connection(&connection, None).await.unwrap();
    store.insert_connection(&stored(&production(), 2), None).await.unwrap();
    let set = async |id, status, at| {
        let patch = ConnectionPatch { status: Some(status), ..ConnectionPatch::default() };
        assert_eq!(store.update_connection(&production(), id, &patch, NOW + at).await, Ok(true));
    };
    set(id, ConnectionStatus::Archived, 1).await;
    assert_eq!(due(store, NOW + 99, 9).await, [0; 0]);
    set(id, CONNECTED, 2).await;
    assert_eq!(due(store, NOW + 2, 9).await, [1], "somebody has to see when it is due");
    assert!(refuse(store, id, 1).await);
    assert_eq!(due(store, NOW + 99, 9).await, [0; 0]);
    // One that never expires is not looked at for having been put away.
    set(connection_id(2), ConnectionStatus::Archived, 3).await;
    set(connection_id(2), CONNECTED, 4).await;
    assert_eq!(due(store, i64::MAX, 9).await, [0; 0]);
}

async fn nothing_of_a_refresh_is_done_from_another_environment(rig: Rig) {
    let (rig, id) = one_connection(rig).await;
    let (store, there) = (&rig.store, staging());
    let before = store.find_refresh_state(&production(), id).await;
    assert_eq!(store.take_lease(&there, id, 1, "a", NOW, NOW + MINUTE).await, Ok(Leased::Gone));
    take(store, id, 1, "a", NOW).await;
    assert_eq!(store.extend_lease(&there, id, 1, "a", NOW + 2 * MINUTE).await, Ok(false));
    assert_eq!(store.note_refresh_failure(&there, id, 1, "a", &failure(1)).await, Ok(false));
    assert_eq!(store.release_lease(&there, id, "a").await, Ok(false));
    assert_eq!(store.release_lease(&production(), id, "a").await, Ok(true));
    let next = refreshed(&credential("theirs", 2), "k1");
    assert_eq!(store.store_refreshed(&there, id, &next, NOW).await, Ok(false));
    assert_eq!(store.disconnect(&there, id, 1, "invalid_grant", &event(), NOW).await, Ok(false));
    assert_eq!(store.update_due(&there, id, 1, Some(NOW)).await, Ok(false));
    assert_eq!(store.find_refresh_state(&there, id).await, Ok(None));
    assert_eq!(store.find_refresh_state(&production(), id).await, before);
    assert_eq!(told(&rig).await, [""; 0]);
}

/// What fifty tasks are answered that do the same at once.
async fn fifty<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    rig: &Rig,
    act: impl Fn(Store, usize) -> F,
) -> Vec<T> {
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        tasks.spawn(act(rig.store.clone(), number));
    }
    tasks.join_all().await
}
