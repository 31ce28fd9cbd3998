//! One installation from its first start to a rotated key, as the server lives it.

use passthrough_core::connection::ConnectionStatus;
use passthrough_store::{
    Account, ChangeSubject, ConnectionFilter, ConnectionPatch, Record, RequestFilter, StatusFilter, Store,
};

use crate::rig::{
    NOW, Rig, api_key, connection_id, credential, find_credential, insert, on_both_engines, production,
    record, refresh, sealed, staging, stored,
};

on_both_engines! {
    an_installation_lives,
}

async fn an_installation_lives(rig: Rig) {
    let store = &rig.store;
    first_start(store).await;
    customers_come(store).await;
    a_second_process_follows(&rig.url, store).await;
    passthroughs_are_recorded(store).await;
    the_key_is_rotated(store).await;
    a_customer_leaves(store).await;
    a_restart_finds_everything(&rig).await;
}

async fn first_start(store: &Store) {
    assert!(!store.migrate().await.unwrap().is_empty());
    assert_eq!(store.migrate().await, Ok(vec![]));
    assert_eq!(store.count_api_keys().await, Ok(0));
    assert_eq!(store.ensure_environment(&production(), NOW).await, Ok(true));
    assert_eq!(store.ensure_environment(&staging(), NOW).await, Ok(true));
    let pepper = sealed("pepper", 1);
    assert_eq!(store.insert_installation_secret("pepper", &pepper).await, Ok(pepper));
    store.insert_api_key(&api_key(&production(), 1)).await.unwrap();
    store.insert_api_key(&api_key(&staging(), 2)).await.unwrap();
    assert_eq!(store.count_api_keys().await, Ok(2));
}

async fn customers_come(store: &Store) {
    for number in 1..=5 {
        let mut customer = stored(&production(), number);
        customer.connection.external_id = Some(format!("user-{number}"));
        customer.connection.tags = vec!["beta".into()];
        store.insert_connection(&customer, None).await.unwrap();
    }
    store.insert_connection(&stored(&staging(), 6), None).await.unwrap();
    let verified = ConnectionPatch {
        account: Some(Account { id: Some("acct_1".into()), label: Some("Müller & Söhne".into()) }),
        verified_at: Some(NOW + 50),
        ..ConnectionPatch::default()
    };
    assert_eq!(store.update_connection(&production(), connection_id(1), &verified, NOW + 50).await, Ok(true));
    let beta = ConnectionFilter { tag: Some("beta".into()), ..ConnectionFilter::default() };
    let page = store.list_connections(&production(), &beta, None, 3).await.unwrap();
    assert!(page.has_more);
    let rest = store.list_connections(&production(), &beta, Some(page.rows[2].id), 3).await.unwrap();
    assert_eq!(rest.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [connection_id(2), connection_id(1)]);
    assert_eq!(rest.rows[1].account_label.as_deref(), Some("Müller & Söhne"));
}

async fn a_second_process_follows(url: &str, store: &Store) {
    let other = Store::open(url).await.unwrap();
    assert_eq!(other.migrate().await, Ok(vec![]));
    let seen = other.latest_change().await.unwrap();
    let id = connection_id(2);
    // Both refresh the same credential; one of them must lose, and look again.
    let (mine, theirs) = (credential("mine", 2), credential("theirs", 2));
    assert_eq!(refresh(store, &production(), id, &mine, "k1").await, Ok(true));
    assert_eq!(refresh(&other, &production(), id, &theirs, "k1").await, Ok(false));
    assert_eq!(find_credential(&other, &production(), id).await, Some(mine));
    let key = api_key(&staging(), 2).id;
    assert_eq!(store.revoke_api_key(&staging(), key, NOW + 61).await, Ok(true));
    let changes = other.list_changes_after(seen, 10).await.unwrap();
    let subjects: Vec<_> = changes.into_iter().map(|change| change.subject).collect();
    assert_eq!(subjects, [ChangeSubject::Credential(id), ChangeSubject::ApiKey(key)]);
    assert_eq!(other.find_api_key(key).await.unwrap().unwrap().revoked_at, Some(NOW + 61));
    other.close().await;
}

async fn passthroughs_are_recorded(store: &Store) {
    let batch: Vec<_> = (0..300)
        .map(|number| Record {
            connection_id: Some(connection_id(1 + number % 5)),
            status_code: Some(if number % 10 == 0 { 503 } else { 200 }),
            ..record(number)
        })
        .collect();
    insert(store, &production(), &batch).await.unwrap();
    insert(store, &production(), &batch[290..]).await.unwrap();
    let failed = RequestFilter {
        connection_id: Some(connection_id(1)),
        status: Some(StatusFilter::Class(5)),
        ..RequestFilter::default()
    };
    let page = store.list_requests(&production(), &failed, None, 500).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (30, None));
    assert_eq!(store.find_request(&production(), batch[7].id).await, Ok(Some(batch[7].clone())));
    assert_eq!(store.delete_requests_before(NOW + 100, 60).await, Ok(0), "the batch is not old as a whole");
}

async fn the_key_is_rotated(store: &Store) {
    let counts = store.count_sealed_by_key().await.unwrap();
    assert_eq!(counts, [("k1".to_owned(), 13)]);
    for row in store.list_sealed_not_under("k2", 100).await.unwrap() {
        let again = [b"again ", &*row.value.sealed].concat();
        assert_eq!(store.update_sealed(&row, &again, "k2", NOW + 70).await, Ok(true));
    }
    assert_eq!(store.count_sealed_by_key().await, Ok(vec![("k2".to_owned(), 13)]));
    // The refresh goes on under the new key, from the same generation.
    let (id, next) = (connection_id(2), credential("third", 3));
    assert_eq!(refresh(store, &production(), id, &next, "k2").await, Ok(true));
}

async fn a_customer_leaves(store: &Store) {
    let gone = ConnectionPatch { status: Some(ConnectionStatus::Archived), ..ConnectionPatch::default() };
    assert_eq!(store.update_connection(&production(), connection_id(3), &gone, NOW + 80).await, Ok(true));
    assert_eq!(store.delete_connection(&production(), connection_id(4), NOW + 81, None).await, Ok(true));
    let of_theirs = RequestFilter { connection_id: Some(connection_id(4)), ..RequestFilter::default() };
    assert_eq!(store.list_requests(&production(), &of_theirs, None, 500).await.unwrap().rows.len(), 60);
    assert_eq!(store.count_sealed_by_key().await, Ok(vec![("k2".to_owned(), 11)]));
}

async fn a_restart_finds_everything(rig: &Rig) {
    rig.store.close().await;
    let store = Store::open(&rig.url).await.unwrap();
    assert_eq!(store.migrate().await, Ok(vec![]));
    let all = ConnectionFilter::default();
    let page = store.list_connections(&production(), &all, None, 50).await.unwrap();
    let left: Vec<_> = page.rows.iter().map(|row| (row.id, row.status)).collect();
    let connected = ConnectionStatus::Connected;
    assert_eq!(
        left,
        [
            (connection_id(5), connected),
            (connection_id(3), ConnectionStatus::Archived),
            (connection_id(2), connected),
            (connection_id(1), connected),
        ]
    );
    let second = store.find_connection(&production(), connection_id(2)).await.unwrap().unwrap();
    assert_eq!((second.credential, second.credential_key_id.as_str()), (credential("third", 3), "k2"));
    let pepper = store.find_installation_secret("pepper").await.unwrap().unwrap();
    assert_eq!(pepper.sealed, b"again pepper");
}
