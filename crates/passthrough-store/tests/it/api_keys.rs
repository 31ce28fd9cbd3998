use passthrough_store::StoreError;

use crate::rig::{NOW, Rig, api_key, environment, on_both_engines, production};

on_both_engines! {
    a_key_reads_back_as_it_was_stored,
    a_key_needs_its_environment_and_an_id_of_its_own,
    revoking_keeps_the_first_time,
    a_use_is_never_moved_back,
}

async fn a_key_reads_back_as_it_was_stored(rig: Rig) {
    let rig = rig.ready().await;
    let mut key = api_key(&production(), 1);
    key.expires_at = Some(NOW + 1);
    assert_eq!(rig.store.count_api_keys().await, Ok(0));
    rig.store.insert_api_key(&key).await.unwrap();
    assert_eq!(rig.store.find_api_key(key.id).await, Ok(Some(key)));
    assert_eq!(rig.store.find_api_key(api_key(&production(), 2).id).await, Ok(None));
    assert_eq!(rig.store.count_api_keys().await, Ok(1));
}

async fn a_key_needs_its_environment_and_an_id_of_its_own(rig: Rig) {
    let rig = rig.ready().await;
    let orphan = api_key(&environment("nowhere"), 1);
    assert_eq!(rig.store.insert_api_key(&orphan).await, Err(StoreError::MissingParent));
    let key = api_key(&production(), 1);
    rig.store.insert_api_key(&key).await.unwrap();
    assert_eq!(rig.store.insert_api_key(&key).await, Err(StoreError::Conflict));
    assert_eq!(rig.store.count_api_keys().await, Ok(1));
}

async fn revoking_keeps_the_first_time(rig: Rig) {
    let rig = rig.ready().await;
    let key = api_key(&production(), 1);
    rig.store.insert_api_key(&key).await.unwrap();
    assert_eq!(rig.store.revoke_api_key(&production(), key.id, NOW + 5).await, Ok(true));
    assert_eq!(rig.store.revoke_api_key(&production(), key.id, NOW + 9).await, Ok(true));
    assert_eq!(rig.store.find_api_key(key.id).await.unwrap().unwrap().revoked_at, Some(NOW + 5));
    let unknown = api_key(&production(), 2).id;
    assert_eq!(rig.store.revoke_api_key(&production(), unknown, NOW).await, Ok(false));
}

async fn a_use_is_never_moved_back(rig: Rig) {
    let rig = rig.ready().await;
    let key = api_key(&production(), 1);
    rig.store.insert_api_key(&key).await.unwrap();
    for at in [NOW + 5, NOW + 9, NOW + 7] {
        rig.store.touch_api_key(key.id, at).await.unwrap();
    }
    assert_eq!(rig.store.find_api_key(key.id).await.unwrap().unwrap().last_used_at, Some(NOW + 9));
}
