//! A row of another environment and a row that does not exist are the same answer, everywhere.

use passthrough_core::connection::ConnectionStatus;
use passthrough_store::{ConnectionFilter, ConnectionPatch, RequestFilter};

use crate::rig::{
    NOW, Rig, api_key, credential, find_credential, insert, on_both_engines, production, record, refresh,
    sealed, staging, stored, stored_in_full,
};

on_both_engines! {
    nothing_of_one_environment_is_seen_from_another,
    nothing_of_one_environment_is_changed_from_another,
}

async fn nothing_of_one_environment_is_seen_from_another(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    let connection = stored_in_full(&production(), 1);
    let id = connection.connection.id;
    store.insert_connection(&connection, None).await.unwrap();
    store.insert_api_key(&api_key(&production(), 1)).await.unwrap();
    insert(store, &production(), &[record(1)]).await.unwrap();

    assert_eq!(store.find_connection(&staging(), id).await, Ok(None));
    assert_eq!(find_credential(store, &staging(), id).await, None);
    assert_eq!(store.find_request(&staging(), record(1).id).await, Ok(None));
    assert!(store.list_api_keys(&staging(), None, 50).await.unwrap().rows.is_empty());
    assert!(
        store.list_requests(&staging(), &RequestFilter::default(), None, 50).await.unwrap().rows.is_empty()
    );
    let by_connection = RequestFilter { connection_id: Some(id), ..RequestFilter::default() };
    assert!(store.list_requests(&staging(), &by_connection, None, 50).await.unwrap().rows.is_empty());
    let filters = [
        ConnectionFilter::default(),
        ConnectionFilter { tag: Some("zebra".into()), ..ConnectionFilter::default() },
        ConnectionFilter {
            external_id: connection.connection.external_id.clone(),
            ..ConnectionFilter::default()
        },
    ];
    for filter in filters {
        assert!(store.list_connections(&staging(), &filter, None, 50).await.unwrap().rows.is_empty());
        assert_eq!(store.list_connections(&production(), &filter, None, 50).await.unwrap().rows.len(), 1);
    }
}

async fn nothing_of_one_environment_is_changed_from_another(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    let connection = stored(&production(), 1);
    let key = api_key(&production(), 1);
    let id = connection.connection.id;
    store.insert_connection(&connection, None).await.unwrap();
    store.insert_api_key(&key).await.unwrap();
    let changes = store.latest_change().await;

    let patch = ConnectionPatch {
        status: Some(ConnectionStatus::Archived),
        tags: Some(vec!["mine".into()]),
        ..ConnectionPatch::default()
    };
    assert_eq!(store.update_connection(&staging(), id, &patch, NOW).await, Ok(false));
    assert_eq!(store.update_variables(&staging(), id, &sealed("x", 2), NOW).await, Ok(false));
    assert_eq!(refresh(store, &staging(), id, &credential("x", 2), "k1").await, Ok(false));
    assert_eq!(store.update_token_hash(&staging(), id, &[1], NOW).await, Ok(false));
    assert_eq!(store.delete_connection(&staging(), id, NOW, None).await, Ok(false));
    assert_eq!(store.revoke_api_key(&staging(), key.id, NOW).await, Ok(false));

    assert_eq!(store.find_connection(&production(), id).await, Ok(Some(connection)));
    assert_eq!(store.find_api_key(key.id).await, Ok(Some(key)));
    assert_eq!(store.latest_change().await, changes);
}
