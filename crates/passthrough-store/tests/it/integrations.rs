use passthrough_core::id::Environment;
use passthrough_store::{ChangeSubject, Integration, IntegrationPatch, Store, StoreError};
use tokio::task::JoinSet;

use crate::rig::{
    NOW, Rig, environment, event, integration, on_both_engines, production, sealed, staging, stored,
};

on_both_engines! {
    an_integration_reads_back_as_it_was_written,
    an_integration_needs_its_environment_and_a_key_of_its_own,
    a_patch_of_an_integration_changes_only_what_it_gives,
    of_many_changes_of_the_secrets_at_once_exactly_one_wins,
    integrations_come_in_pages_by_key,
    a_refused_client_is_told_once_and_forgotten_with_its_secrets,
    an_integration_in_use_is_not_deleted,
    a_connection_needs_its_integration,
    no_connection_is_left_without_its_integration_whoever_is_first,
    nothing_of_an_integration_is_done_from_another_environment,
    every_change_of_an_integration_leaves_a_line,
}

async fn find(store: &Store, key: &str) -> Integration {
    store.find_integration(&production(), key).await.unwrap().unwrap()
}

async fn an_integration_reads_back_as_it_was_written(rig: Rig) {
    let rig = rig.ready().await;
    let plain = integration(&production(), "acme");
    let full = Integration {
        key: "acme-2/'--\"".into(),
        provider: "o'brien".into(),
        name: Some("Zażółć 漢字 🦀".into()),
        settings: "{\"scopes\":[\"a\",\"b'; --\"]}".into(),
        client_rejected_at: Some(NOW + 9),
        ..plain.clone()
    };
    for one in [&plain, &full] {
        rig.store.insert_integration(one).await.unwrap();
        assert_eq!(find(&rig.store, &one.key).await, *one);
    }
    assert_eq!(rig.store.find_integration(&production(), "acme-3").await, Ok(None));
}

async fn an_integration_needs_its_environment_and_a_key_of_its_own(rig: Rig) {
    let rig = rig.ready().await;
    let insert = async |environment: &Environment, key| {
        rig.store.insert_integration(&integration(environment, key)).await
    };
    assert_eq!(insert(&environment("nowhere"), "acme").await, Err(StoreError::MissingParent));
    assert_eq!(insert(&production(), "acme").await, Ok(()));
    assert_eq!(insert(&production(), "acme").await, Err(StoreError::Conflict));
    assert_eq!(insert(&staging(), "acme").await, Ok(()));
}

async fn a_patch_of_an_integration_changes_only_what_it_gives(rig: Rig) {
    let rig = rig.ready().await;
    let mut expected = integration(&production(), "acme");
    rig.store.insert_integration(&expected).await.unwrap();
    let patch = async |patch: IntegrationPatch, at| {
        rig.store.update_integration(&production(), "acme", &patch, NOW + at).await.unwrap()
    };
    let nothing = IntegrationPatch::default;
    assert!(patch(nothing(), 1).await);
    expected.updated_at = NOW + 1;
    assert_eq!(find(&rig.store, "acme").await, expected);
    assert!(patch(IntegrationPatch { name: Some(Some("mine".into())), ..nothing() }, 2).await);
    assert!(patch(IntegrationPatch { settings: Some("{\"a\":1}".into()), ..nothing() }, 3).await);
    (expected.name, expected.settings, expected.updated_at) =
        (Some("mine".into()), "{\"a\":1}".into(), NOW + 3);
    assert_eq!(find(&rig.store, "acme").await, expected);
    let stale = IntegrationPatch { name: Some(None), sealed: Some(sealed("stale", 1)), ..nothing() };
    assert!(!patch(stale, 4).await);
    assert_eq!(find(&rig.store, "acme").await, expected);
    let newer = IntegrationPatch { name: Some(None), sealed: Some(sealed("newer", 2)), ..nothing() };
    assert!(patch(newer, 5).await);
    (expected.name, expected.sealed, expected.updated_at) = (None, sealed("newer", 2), NOW + 5);
    assert_eq!(find(&rig.store, "acme").await, expected);
}

async fn of_many_changes_of_the_secrets_at_once_exactly_one_wins(rig: Rig) {
    let rig = rig.ready().await;
    rig.store.insert_integration(&integration(&production(), "acme")).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let store = rig.store.clone();
        tasks.spawn(async move {
            let mine = sealed(&format!("client {number}"), 2);
            let patch = IntegrationPatch { sealed: Some(mine.clone()), ..IntegrationPatch::default() };
            store.update_integration(&production(), "acme", &patch, NOW).await.unwrap().then_some(mine)
        });
    }
    let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners, [find(&rig.store, "acme").await.sealed]);
}

async fn integrations_come_in_pages_by_key(rig: Rig) {
    let rig = rig.ready().await;
    for key in ["b", "a-1", "c", "a"] {
        let mut one = integration(&production(), key);
        one.provider = if key == "c" { "other" } else { "acme" }.into();
        rig.store.insert_integration(&one).await.unwrap();
    }
    let list = async |provider, after, limit| {
        let page = rig.store.list_integrations(&production(), provider, after, limit).await.unwrap();
        (page.rows.into_iter().map(|row| row.key).collect::<Vec<_>>().join(" "), page.has_more)
    };
    assert_eq!(list(None, None, 9).await, ("a a-1 b c".into(), false));
    assert_eq!(list(None, None, 2).await, ("a a-1".into(), true));
    assert_eq!(list(None, Some("a-1"), 2).await, ("b c".into(), false));
    assert_eq!(list(Some("acme"), Some("a"), 9).await, ("a-1 b".into(), false));
}

async fn a_refused_client_is_told_once_and_forgotten_with_its_secrets(rig: Rig) {
    let rig = rig.ready().await;
    rig.store.insert_integration(&integration(&production(), "acme")).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let store = rig.store.clone();
        tasks.spawn(async move {
            store.note_client_rejected(&production(), "acme", 1, &event(), NOW + 5).await.unwrap()
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|told| *told).count(), 1);
    assert_eq!(find(&rig.store, "acme").await.client_rejected_at, Some(NOW + 5));
    let patch = IntegrationPatch { sealed: Some(sealed("newer", 2)), ..IntegrationPatch::default() };
    assert_eq!(rig.store.update_integration(&production(), "acme", &patch, NOW + 6).await, Ok(true));
    assert_eq!(find(&rig.store, "acme").await.client_rejected_at, None);
    let rejected = async |key, generation| {
        rig.store.note_client_rejected(&production(), key, generation, &event(), NOW).await.unwrap()
    };
    assert!(!rejected("acme", 1).await, "that was said of the old secrets");
    assert!(!rejected("acme-2", 1).await);
    assert!(rejected("acme", 2).await);
    assert_eq!(rig.store.note_client_accepted(&production(), "acme", NOW).await, Ok(true));
    assert_eq!(rig.store.note_client_accepted(&production(), "acme", NOW).await, Ok(false));
    assert_eq!(find(&rig.store, "acme").await.client_rejected_at, None);
    let told: Vec<String> = sqlx::query_scalar("select kind || ' ' || integration from events")
        .fetch_all(&rig.backdoor().await)
        .await
        .unwrap();
    assert_eq!(told, ["integration.client_rejected acme"; 2]);
}

async fn an_integration_in_use_is_not_deleted(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    for (environment, key) in [(production(), "mine"), (production(), "unused"), (staging(), "mine")] {
        store.insert_integration(&integration(&environment, key)).await.unwrap();
    }
    let mut connection = stored(&production(), 1);
    connection.connection.integration = "mine".into();
    store.insert_connection(&connection, None).await.unwrap();
    assert_eq!(store.delete_integration(&production(), "mine", NOW).await, Err(StoreError::InUse));
    assert_eq!(find(store, "mine").await, integration(&production(), "mine"));
    assert_eq!(store.delete_integration(&production(), "unused", NOW).await, Ok(true));
    assert_eq!(store.delete_integration(&production(), "unused", NOW).await, Ok(false));
    assert_eq!(store.delete_integration(&staging(), "mine", NOW).await, Ok(true));
    store.delete_connection(&production(), connection.connection.id, NOW, None).await.unwrap();
    assert_eq!(store.delete_integration(&production(), "mine", NOW).await, Ok(true));
    // Nothing is deleted of an integration that is only implicit.
    store.insert_connection(&stored(&production(), 2), None).await.unwrap();
    assert_eq!(store.delete_integration(&production(), "acme", NOW).await, Ok(false));
}

async fn a_connection_needs_its_integration(rig: Rig) {
    let rig = rig.ready().await;
    let mut connection = stored(&production(), 1);
    connection.connection.integration = "mine".into();
    rig.store.insert_integration(&integration(&staging(), "mine")).await.unwrap();
    assert_eq!(rig.store.insert_connection(&connection, None).await, Err(StoreError::MissingParent));
    rig.store.insert_integration(&integration(&production(), "mine")).await.unwrap();
    assert_eq!(rig.store.insert_connection(&connection, None).await, Ok(()));
}

async fn no_connection_is_left_without_its_integration_whoever_is_first(rig: Rig) {
    let rig = rig.ready().await;
    for number in 0..20 {
        let key = format!("mine-{number}");
        rig.store.insert_integration(&integration(&production(), &key)).await.unwrap();
        let mut connection = stored(&production(), number);
        connection.connection.integration = key.clone();
        let (one, other) = (rig.store.clone(), rig.store.clone());
        let insert = tokio::spawn(async move { one.insert_connection(&connection, None).await });
        let delete = tokio::spawn(async move { other.delete_integration(&production(), &key, NOW).await });
        let both = (insert.await.unwrap(), delete.await.unwrap());
        let inserted = (Ok(()), Err(StoreError::InUse));
        let deleted = (Err(StoreError::MissingParent), Ok(true));
        assert!(both == inserted || both == deleted, "{both:?}");
    }
}

async fn nothing_of_an_integration_is_done_from_another_environment(rig: Rig) {
    let rig = rig.ready().await;
    let (store, there) = (&rig.store, staging());
    store.insert_integration(&integration(&production(), "acme")).await.unwrap();
    let before = store.latest_change().await;
    assert_eq!(store.find_integration(&there, "acme").await, Ok(None));
    assert!(store.list_integrations(&there, None, None, 9).await.unwrap().rows.is_empty());
    let patch = IntegrationPatch { sealed: Some(sealed("theirs", 2)), ..IntegrationPatch::default() };
    assert_eq!(store.update_integration(&there, "acme", &patch, NOW).await, Ok(false));
    assert_eq!(store.note_client_rejected(&there, "acme", 1, &event(), NOW).await, Ok(false));
    assert_eq!(store.delete_integration(&there, "acme", NOW).await, Ok(false));
    assert_eq!(find(store, "acme").await, integration(&production(), "acme"));
    assert_eq!(store.latest_change().await, before);
}

async fn every_change_of_an_integration_leaves_a_line(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    store.insert_integration(&integration(&production(), "acme/eu")).await.unwrap();
    let patch = IntegrationPatch::default();
    store.update_integration(&production(), "acme/eu", &patch, NOW).await.unwrap();
    store.note_client_rejected(&production(), "acme/eu", 1, &event(), NOW).await.unwrap();
    store.note_client_accepted(&production(), "acme/eu", NOW).await.unwrap();
    let row = store.list_sealed_not_under("k2", 9).await.unwrap().remove(0);
    assert_eq!(store.update_sealed(&row, b"again", "k2", NOW).await, Ok(true));
    store.delete_integration(&production(), "acme/eu", NOW).await.unwrap();
    let changes = store.list_changes_after(0, 10).await.unwrap();
    let subject = ChangeSubject::Integration { environment: production(), key: "acme/eu".into() };
    assert_eq!(changes.into_iter().map(|change| change.subject).collect::<Vec<_>>(), vec![subject; 6]);
}
