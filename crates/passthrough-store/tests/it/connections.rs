use passthrough_core::connection::ConnectionStatus;
use passthrough_store::{Account, ConnectionPatch, StoreError};

use crate::rig::{
    NOW, Rig, connection_id, environment, find_credential, on_both_engines, production, sealed, stored,
    stored_in_full,
};

on_both_engines! {
    a_connection_reads_back_byte_for_byte,
    a_connection_needs_its_environment_and_an_id_of_its_own,
    a_failed_insert_leaves_nothing_behind,
    a_patch_changes_only_what_it_gives,
    a_patch_can_take_names_away,
    a_tag_counts_once_and_keeps_its_place,
    variables_are_replaced_only_from_the_generation_before,
    a_rotated_token_hash_replaces_the_old_one,
    a_first_token_is_given_once,
    deleting_takes_tags_and_credential_along,
}

async fn a_connection_reads_back_byte_for_byte(rig: Rig) {
    let rig = rig.ready().await;
    let plain = stored(&production(), 1);
    let full = stored_in_full(&production(), 2);
    for connection in [&plain, &full] {
        rig.store.insert_connection(connection, None).await.unwrap();
        let id = connection.connection.id;
        assert_eq!(
            rig.store.find_connection(&production(), id).await.as_ref(),
            Ok(&Some(connection.clone()))
        );
        assert_eq!(
            rig.store.find_connection_to_authenticate(id).await.as_ref(),
            Ok(&Some(connection.clone()))
        );
    }
    assert_eq!(rig.store.find_connection(&production(), connection_id(3)).await, Ok(None));
    assert_eq!(rig.store.find_connection_to_authenticate(connection_id(3)).await, Ok(None));
}

async fn a_connection_needs_its_environment_and_an_id_of_its_own(rig: Rig) {
    let rig = rig.ready().await;
    let orphan = stored(&environment("nowhere"), 1);
    assert_eq!(rig.store.insert_connection(&orphan, None).await, Err(StoreError::MissingParent));
    rig.store.insert_connection(&stored(&production(), 1), None).await.unwrap();
    assert_eq!(rig.store.insert_connection(&stored(&production(), 1), None).await, Err(StoreError::Conflict));
}

async fn a_failed_insert_leaves_nothing_behind(rig: Rig) {
    let rig = rig.ready().await;
    let before = rig.store.latest_change().await;
    let mut bad = stored(&production(), 1);
    bad.connection.tags = vec!["good".into(), "x".repeat(1025)];
    assert!(matches!(rig.store.insert_connection(&bad, None).await, Err(StoreError::InvalidText(_))));
    assert_eq!(rig.store.find_connection(&production(), bad.connection.id).await, Ok(None));
    assert_eq!(rig.store.latest_change().await, before);
    rig.store.insert_connection(&stored(&production(), 1), None).await.unwrap();
}

async fn a_patch_changes_only_what_it_gives(rig: Rig) {
    let rig = rig.ready().await;
    let mut expected = stored_in_full(&production(), 1);
    let id = expected.connection.id;
    rig.store.insert_connection(&expected, None).await.unwrap();

    let nothing = ConnectionPatch::default();
    assert_eq!(rig.store.update_connection(&production(), id, &nothing, NOW + 10).await, Ok(true));
    expected.connection.updated_at = NOW + 10;
    assert_eq!(rig.store.find_connection(&production(), id).await, Ok(Some(expected.clone())));

    let status = ConnectionPatch { status: Some(ConnectionStatus::Archived), ..ConnectionPatch::default() };
    assert_eq!(rig.store.update_connection(&production(), id, &status, NOW + 11).await, Ok(true));
    expected.connection.status = ConnectionStatus::Archived;
    expected.credential_times.due_at = None;
    expected.connection.updated_at = NOW + 11;
    assert_eq!(rig.store.find_connection(&production(), id).await, Ok(Some(expected.clone())));

    let rest = ConnectionPatch {
        name: Some(Some("new".into())),
        external_id: Some(Some("user-1".into())),
        tags: Some(vec!["one".into(), "two".into()]),
        account: Some(Account { id: Some("a1".into()), label: Some("Acme".into()) }),
        verified_at: Some(NOW + 12),
        ..ConnectionPatch::default()
    };
    assert_eq!(rig.store.update_connection(&production(), id, &rest, NOW + 12).await, Ok(true));
    expected.connection.name = Some("new".into());
    expected.connection.external_id = Some("user-1".into());
    expected.connection.tags = vec!["one".into(), "two".into()];
    expected.connection.account_id = Some("a1".into());
    expected.connection.account_label = Some("Acme".into());
    expected.connection.verified_at = Some(NOW + 12);
    expected.connection.updated_at = NOW + 12;
    assert_eq!(rig.store.find_connection(&production(), id).await, Ok(Some(expected)));

    assert_eq!(rig.store.update_connection(&production(), connection_id(2), &rest, NOW).await, Ok(false));
}

async fn a_patch_can_take_names_away(rig: Rig) {
    let rig = rig.ready().await;
    let full = stored_in_full(&production(), 1);
    rig.store.insert_connection(&full, None).await.unwrap();
    let patch = ConnectionPatch {
        name: Some(None),
        external_id: Some(None),
        tags: Some(vec![]),
        account: Some(Account::default()),
        ..ConnectionPatch::default()
    };
    let id = full.connection.id;
    assert_eq!(rig.store.update_connection(&production(), id, &patch, NOW).await, Ok(true));
    let now = rig.store.find_connection(&production(), id).await.unwrap().unwrap().connection;
    assert_eq!((now.name, now.external_id, now.account_id, now.account_label), (None, None, None, None));
    assert_eq!(now.tags, Vec::<String>::new());
}

async fn a_tag_counts_once_and_keeps_its_place(rig: Rig) {
    let rig = rig.ready().await;
    let mut connection = stored(&production(), 1);
    connection.connection.tags = ["z", "a", "z", "m", "a"].map(str::to_owned).to_vec();
    rig.store.insert_connection(&connection, None).await.unwrap();
    let found = rig.store.find_connection(&production(), connection.connection.id).await.unwrap().unwrap();
    assert_eq!(found.connection.tags, ["z", "a", "m"]);
}

async fn variables_are_replaced_only_from_the_generation_before(rig: Rig) {
    let rig = rig.ready().await;
    let connection = stored(&production(), 1);
    let id = connection.connection.id;
    rig.store.insert_connection(&connection, None).await.unwrap();
    assert_eq!(rig.store.update_variables(&production(), id, &sealed("first", 2), NOW).await, Ok(true));
    assert_eq!(rig.store.update_variables(&production(), id, &sealed("second", 2), NOW).await, Ok(false));
    assert_eq!(rig.store.update_variables(&production(), id, &sealed("fourth", 4), NOW).await, Ok(false));
    let found = rig.store.find_connection(&production(), id).await.unwrap().unwrap();
    assert_eq!(found.sealed_variables, sealed("first", 2));
    assert_eq!(
        rig.store.update_variables(&production(), connection_id(2), &sealed("x", 2), NOW).await,
        Ok(false)
    );
}

async fn a_rotated_token_hash_replaces_the_old_one(rig: Rig) {
    let rig = rig.ready().await;
    let connection = stored(&production(), 1);
    let id = connection.connection.id;
    rig.store.insert_connection(&connection, None).await.unwrap();
    assert_eq!(rig.store.update_token_hash(&production(), id, &[9; 32], NOW + 4).await, Ok(true));
    let found = rig.store.find_connection_to_authenticate(id).await.unwrap().unwrap();
    assert_eq!((found.token_hash, found.connection.updated_at), (vec![9; 32], NOW + 4));
    assert_eq!(rig.store.update_token_hash(&production(), connection_id(2), &[9; 32], NOW).await, Ok(false));
}

async fn deleting_takes_tags_and_credential_along(rig: Rig) {
    let rig = rig.ready().await;
    let (gone, kept) = (stored_in_full(&production(), 1), stored_in_full(&production(), 2));
    rig.store.insert_connection(&gone, None).await.unwrap();
    rig.store.insert_connection(&kept, None).await.unwrap();
    let id = gone.connection.id;
    assert_eq!(rig.store.delete_connection(&production(), id, NOW, None).await, Ok(true));
    assert_eq!(rig.store.delete_connection(&production(), id, NOW, None).await, Ok(false));
    assert_eq!(rig.store.find_connection(&production(), id).await, Ok(None));
    assert_eq!(find_credential(&rig.store, &production(), id).await, None);
    let backdoor = rig.backdoor().await;
    for sql in [
        "select count(*) from connection_tags where connection_id = $1",
        "select count(*) from credentials where connection_id = $1",
    ] {
        let left: i64 = sqlx::query_scalar(sql).bind(id.to_string()).fetch_one(&backdoor).await.unwrap();
        assert_eq!(left, 0, "{sql}");
    }
    assert_eq!(rig.store.find_connection(&production(), kept.connection.id).await, Ok(Some(kept)));
}

async fn a_first_token_is_given_once(rig: Rig) {
    let rig = rig.ready().await;
    let mut linked = stored(&production(), 1);
    linked.token_hash = Vec::new();
    let id = linked.connection.id;
    rig.store.insert_connection(&linked, None).await.unwrap();
    let before = rig.store.latest_change().await.unwrap();
    let give = async |environment: &passthrough_core::id::Environment, hash: &[u8]| {
        rig.store.set_first_token_hash(environment, id, hash, NOW + 5).await.unwrap()
    };
    assert!(!give(&environment("staging"), &[7; 32]).await);
    assert_eq!(rig.store.latest_change().await, Ok(before));
    assert!(give(&production(), &[7; 32]).await);
    assert!(!give(&production(), &[8; 32]).await);
    let found = rig.store.find_connection(&production(), id).await.unwrap().unwrap();
    assert_eq!(found.token_hash, [7; 32]);
    assert!(rig.store.latest_change().await.unwrap() > before);
}
