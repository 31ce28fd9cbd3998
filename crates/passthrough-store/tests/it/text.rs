//! Text that one of the engines cannot hold is refused on both, clearly and before anything is written.

use passthrough_store::{ConnectionFilter, ConnectionPatch, StoreError, TextFault};

use crate::rig::{NOW, Rig, api_key, on_both_engines, production, stored};

on_both_engines! {
    a_nul_is_refused_wherever_it_stands,
    a_tag_that_would_part_in_two_is_refused,
    what_does_not_fit_an_index_is_refused,
    the_longest_allowed_texts_fit,
}

const NUL: Result<(), StoreError> = Err(StoreError::InvalidText(TextFault::Nul));

async fn a_nul_is_refused_wherever_it_stands(rig: Rig) {
    let rig = rig.ready().await;
    let text = || "a\0b".to_owned();
    let mut key = api_key(&production(), 1);
    key.name = text();
    assert_eq!(rig.store.insert_api_key(&key).await, NUL);

    let mut bad: Vec<_> = (0..6).map(|_| stored(&production(), 1)).collect();
    (bad[0].connection.provider, bad[0].connection.integration) = (text(), text());
    bad[1].connection.name = Some(text());
    bad[2].connection.external_id = Some(text());
    bad[3].connection.tags = vec![text()];
    bad[4].credential_key_id = text();
    bad[5].connection.account_label = Some(text());
    for connection in bad {
        assert_eq!(rig.store.insert_connection(&connection, None).await, NUL);
    }
    let good = stored(&production(), 1);
    rig.store.insert_connection(&good, None).await.unwrap();
    let patch = ConnectionPatch { name: Some(Some(text())), ..ConnectionPatch::default() };
    let patched = rig.store.update_connection(&production(), good.connection.id, &patch, NOW).await;
    assert_eq!(patched.map(drop), NUL);
    let filter = ConnectionFilter { external_id: Some(text()), ..ConnectionFilter::default() };
    assert_eq!(rig.store.list_connections(&production(), &filter, None, 5).await.map(drop), NUL);
    assert_eq!(rig.store.find_connection(&production(), good.connection.id).await, Ok(Some(good)));
}

async fn a_tag_that_would_part_in_two_is_refused(rig: Rig) {
    let rig = rig.ready().await;
    let mut connection = stored(&production(), 1);
    connection.connection.tags = vec!["one\u{1f}two".into()];
    let refused = rig.store.insert_connection(&connection, None).await;
    assert_eq!(refused, Err(StoreError::InvalidText(TextFault::Separator)));
}

async fn what_does_not_fit_an_index_is_refused(rig: Rig) {
    let rig = rig.ready().await;
    let long = "é".repeat(513);
    let refused = Err(StoreError::InvalidText(TextFault::TooLong));
    let mut connection = stored(&production(), 1);
    connection.connection.external_id = Some(long.clone());
    assert_eq!(rig.store.insert_connection(&connection, None).await, refused);
    connection.connection.external_id = None;
    connection.connection.tags = vec![long.clone()];
    assert_eq!(rig.store.insert_connection(&connection, None).await, refused);
    connection.connection.tags.clear();
    rig.store.insert_connection(&connection, None).await.unwrap();
    let patch = ConnectionPatch { external_id: Some(Some(long)), ..ConnectionPatch::default() };
    let patched = rig.store.update_connection(&production(), connection.connection.id, &patch, NOW).await;
    assert_eq!(patched.map(drop), refused);
}

async fn the_longest_allowed_texts_fit(rig: Rig) {
    let rig = rig.ready().await;
    // As good as incompressible, so that PostgreSQL cannot squeeze it into its index page.
    let mut state = 1_u64;
    let long: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + (state >> 33) as u8 % 90)
    })
    .take(passthrough_store::MAX_INDEXED_TEXT)
    .collect();
    let mut connection = stored(&production(), 1);
    connection.connection.external_id = Some(long.clone());
    connection.connection.tags = vec![long];
    connection.connection.name = Some("n".repeat(1_000_000));
    rig.store.insert_connection(&connection, None).await.unwrap();
    assert_eq!(
        rig.store.find_connection(&production(), connection.connection.id).await,
        Ok(Some(connection))
    );
}
