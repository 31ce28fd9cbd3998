//! From a one-time URL to a connection: every step once, in time, and by the same browser.

use passthrough_core::connection::ConnectionStatus;
use passthrough_core::id::{LinkSessionId, PublicTokenId};
use passthrough_store::{
    Consent, LinkEnd, LinkSession, LinkStatus, PublicToken, Store, StoreError, StoredConnection,
};
use tokio::task::JoinSet;

use crate::rig::{
    NOW, Rig, connection_id, environment, on_both_engines, production, sealed, staging, stored,
};

on_both_engines! {
    a_link_session_lives_from_its_url_to_its_connection,
    a_link_session_reads_back_as_it_was_written,
    of_fifty_browsers_at_once_one_opens_the_url,
    of_fifty_callbacks_at_once_one_takes_the_state,
    a_state_is_not_taken_by_another_browser_environment_or_time,
    a_second_consent_takes_the_place_of_the_first,
    a_consent_begins_only_in_the_browser_that_opened_the_url,
    of_fifty_consents_at_once_one_begins,
    a_link_session_ends_once_and_keeps_nothing_sealed,
    a_key_of_a_link_session_counts_as_used,
    old_link_sessions_and_tokens_go,
    of_fifty_exchanges_at_once_one_uses_the_token,
    a_public_token_is_of_a_connection_of_its_environment,
    the_connection_of_an_account_is_found_again,
    of_fifty_who_link_an_account_at_once_one_makes_a_connection,
}

const BROWSER: &[u8] = b"browser";
const LATER: i64 = NOW + 30 * 60_000;

fn session(number: u64) -> LinkSession {
    LinkSession {
        id: LinkSessionId::from_parts(NOW as u64 + number, u128::from(number)),
        environment: production(),
        secret_hash: vec![1; 32],
        browser_hash: None,
        choices: "[]".into(),
        connection_id: None,
        external_id: None,
        name: None,
        tags: Vec::new(),
        redirect_url: None,
        origin: None,
        locale: None,
        status: LinkStatus::Open,
        error: None,
        integration: None,
        sealed: None,
        generation: 0,
        created_at: NOW,
        expires_at: LATER,
    }
}

fn consent(state: &str, generation: i64) -> Consent {
    Consent {
        browser_hash: BROWSER.to_vec(),
        integration: "acme".into(),
        state_hash: state.as_bytes().to_vec(),
        sealed: sealed("verifier", generation),
    }
}

async fn opened(rig: Rig) -> (Rig, LinkSessionId) {
    let rig = rig.ready().await;
    let session = session(1);
    rig.store.insert_link_session(&session).await.unwrap();
    assert_eq!(rig.store.bind_browser(&production(), session.id, BROWSER, NOW).await, Ok(true));
    (rig, session.id)
}

async fn begin(store: &Store, id: LinkSessionId, consent: &Consent) -> bool {
    store.begin_consent(&production(), id, consent, NOW).await.unwrap()
}

async fn consume(store: &Store, state: &str) -> Option<LinkSession> {
    store.consume_state(&production(), state.as_bytes(), BROWSER, NOW).await.unwrap()
}

async fn a_link_session_lives_from_its_url_to_its_connection(rig: Rig) {
    let (rig, id) = opened(rig).await;
    assert!(begin(&rig.store, id, &consent("state", 1)).await);
    let mut expected = LinkSession {
        browser_hash: Some(BROWSER.to_vec()),
        status: LinkStatus::Started,
        integration: Some("acme".into()),
        sealed: Some(sealed("verifier", 1)),
        generation: 1,
        ..session(1)
    };
    assert_eq!(rig.store.find_link_session(id).await, Ok(Some(expected.clone())));
    assert_eq!(consume(&rig.store, "state").await, Some(expected.clone()));
    assert_eq!(consume(&rig.store, "state").await, None);
    let done = LinkEnd::Done(connection_id(1));
    assert_eq!(rig.store.finish_link_session(&production(), id, &done).await, Ok(true));
    (expected.status, expected.sealed) = (LinkStatus::Done, None);
    expected.connection_id = Some(connection_id(1));
    assert_eq!(rig.store.find_link_session(id).await, Ok(Some(expected)));
}

async fn a_link_session_reads_back_as_it_was_written(rig: Rig) {
    let rig = rig.ready().await;
    let full = LinkSession {
        choices: "[\"acme\",\"o'brien\"]".into(),
        connection_id: Some(connection_id(9)),
        external_id: Some("' or '1'='1".into()),
        name: Some("漢字 🦀".into()),
        tags: vec!["a,b".into(), String::new(), "\"\u{1f}\0".into()],
        redirect_url: Some("https://example.com/?a=b".into()),
        origin: Some("https://example.com".into()),
        locale: Some("de-AT".into()),
        ..session(1)
    };
    rig.store.insert_link_session(&full).await.unwrap();
    assert_eq!(rig.store.find_link_session(full.id).await, Ok(Some(full.clone())));
    assert_eq!(rig.store.find_link_session(session(2).id).await, Ok(None));
    assert_eq!(rig.store.insert_link_session(&full).await, Err(StoreError::Conflict));
    let orphan = LinkSession { environment: environment("nowhere"), ..session(3) };
    assert_eq!(rig.store.insert_link_session(&orphan).await, Err(StoreError::MissingParent));
}

async fn of_fifty_browsers_at_once_one_opens_the_url(rig: Rig) {
    let rig = rig.ready().await;
    let (id, old) = (session(1).id, LinkSession { expires_at: NOW, ..session(2) });
    rig.store.insert_link_session(&session(1)).await.unwrap();
    rig.store.insert_link_session(&old).await.unwrap();
    assert_eq!(rig.store.bind_browser(&production(), old.id, BROWSER, NOW).await, Ok(false));
    assert_eq!(rig.store.bind_browser(&staging(), id, BROWSER, NOW).await, Ok(false));
    let mut tasks = JoinSet::new();
    for number in 0..50_u8 {
        let store = rig.store.clone();
        tasks.spawn(async move {
            store.bind_browser(&production(), id, &[number], NOW).await.unwrap().then_some(vec![number])
        });
    }
    let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    let found = rig.store.find_link_session(id).await.unwrap().unwrap();
    assert_eq!(found.browser_hash.as_ref(), winners.first());
}

async fn of_fifty_callbacks_at_once_one_takes_the_state(rig: Rig) {
    let (rig, id) = opened(rig).await;
    assert!(begin(&rig.store, id, &consent("state", 1)).await);
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let store = rig.store.clone();
        tasks.spawn(async move { consume(&store, "state").await });
    }
    assert_eq!(tasks.join_all().await.into_iter().flatten().count(), 1);
}

async fn a_state_is_not_taken_by_another_browser_environment_or_time(rig: Rig) {
    let (rig, id) = opened(rig).await;
    let store = &rig.store;
    assert!(begin(store, id, &consent("state", 1)).await);
    let (state, home) = (b"state".as_slice(), production());
    assert_eq!(store.consume_state(&home, state, b"another", NOW).await, Ok(None));
    assert_eq!(store.consume_state(&staging(), state, BROWSER, NOW).await, Ok(None));
    assert_eq!(store.consume_state(&home, b"stat", BROWSER, NOW).await, Ok(None));
    assert_eq!(store.consume_state(&home, state, BROWSER, LATER).await, Ok(None));
    assert!(store.consume_state(&home, state, BROWSER, LATER - 1).await.unwrap().is_some());
}

async fn a_second_consent_takes_the_place_of_the_first(rig: Rig) {
    let (rig, id) = opened(rig).await;
    assert!(begin(&rig.store, id, &consent("first", 1)).await);
    let second = Consent { integration: "other".into(), ..consent("second", 2) };
    assert!(begin(&rig.store, id, &second).await);
    assert_eq!(consume(&rig.store, "first").await, None);
    let found = consume(&rig.store, "second").await.unwrap();
    assert_eq!((found.integration.as_deref(), found.generation), (Some("other"), 2));
    // A consent that was taken and came to nothing may be begun anew.
    assert!(begin(&rig.store, id, &consent("third", 3)).await);
    assert!(consume(&rig.store, "third").await.is_some());
}

async fn a_consent_begins_only_in_the_browser_that_opened_the_url(rig: Rig) {
    let (rig, id) = opened(rig).await;
    let store = &rig.store;
    let another = Consent { browser_hash: b"another".to_vec(), ..consent("state", 1) };
    assert!(!begin(store, id, &another).await);
    assert!(!begin(store, id, &consent("state", 2)).await, "of another generation");
    assert!(!begin(store, session(9).id, &consent("state", 1)).await);
    let here = consent("state", 1);
    assert_eq!(store.begin_consent(&staging(), id, &here, NOW).await, Ok(false));
    assert_eq!(store.begin_consent(&production(), id, &here, LATER).await, Ok(false));
    store.insert_link_session(&session(2)).await.unwrap();
    assert!(!begin(store, session(2).id, &here).await, "nobody has opened it");
    assert!(begin(store, id, &here).await);
    assert_eq!(store.bind_browser(&production(), session(2).id, BROWSER, NOW).await, Ok(true));
    let same = store.begin_consent(&production(), session(2).id, &here, NOW).await;
    assert_eq!(same, Err(StoreError::Conflict), "a state is of one session");
}

async fn of_fifty_consents_at_once_one_begins(rig: Rig) {
    let (rig, id) = opened(rig).await;
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let store = rig.store.clone();
        tasks.spawn(async move {
            let state = format!("state {number}");
            begin(&store, id, &consent(&state, 1)).await.then_some(state)
        });
    }
    let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert!(consume(&rig.store, &winners[0]).await.is_some());
}

async fn a_link_session_ends_once_and_keeps_nothing_sealed(rig: Rig) {
    let (rig, id) = opened(rig).await;
    let store = &rig.store;
    assert!(begin(store, id, &consent("state", 1)).await);
    assert_eq!(store.finish_link_session(&staging(), id, &LinkEnd::Cancelled).await, Ok(false));
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let store = store.clone();
        tasks.spawn(async move {
            let end = LinkEnd::Failed(format!("reason_{number}"));
            store.finish_link_session(&production(), id, &end).await.unwrap().then_some(number)
        });
    }
    let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    let found = store.find_link_session(id).await.unwrap().unwrap();
    assert_eq!((found.status, found.error), (LinkStatus::Failed, Some(format!("reason_{}", winners[0]))));
    assert_eq!((found.sealed, found.connection_id), (None, None));
    assert_eq!(store.count_sealed_by_key().await, Ok(vec![]));
    assert_eq!(consume(store, "state").await, None);
    assert!(!begin(store, id, &consent("state", 2)).await);
}

async fn a_key_of_a_link_session_counts_as_used(rig: Rig) {
    let (rig, id) = opened(rig).await;
    assert_eq!(rig.store.count_sealed_by_key().await, Ok(vec![]));
    assert!(begin(&rig.store, id, &consent("state", 1)).await);
    assert_eq!(rig.store.count_sealed_by_key().await, Ok(vec![("k1".to_owned(), 1)]));
    assert_eq!(rig.store.list_sealed_not_under("k2", 9).await, Ok(vec![]));
}

async fn old_link_sessions_and_tokens_go(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    store.insert_connection(&stored(&production(), 1), None).await.unwrap();
    for number in 1..=5 {
        let expires_at = NOW + number as i64;
        store.insert_link_session(&LinkSession { expires_at, ..session(number) }).await.unwrap();
        store.insert_public_token(&PublicToken { expires_at, ..token(number) }).await.unwrap();
    }
    assert_eq!(store.delete_link_sessions_before(NOW + 4, 2).await, Ok(2));
    assert_eq!(store.delete_link_sessions_before(NOW + 4, 2).await, Ok(1));
    assert_eq!(store.delete_link_sessions_before(NOW + 4, 2).await, Ok(0));
    assert!(store.find_link_session(session(4).id).await.unwrap().is_some());
    assert_eq!(store.delete_public_tokens_before(NOW + 4, 2).await, Ok(2));
    assert_eq!(store.delete_public_tokens_before(NOW + 4, 9).await, Ok(1));
    assert!(store.find_public_token(token(4).id).await.unwrap().is_some());
}

fn token(number: u64) -> PublicToken {
    PublicToken {
        id: PublicTokenId::from_parts(NOW as u64 + number, u128::from(number)),
        environment: production(),
        secret_hash: vec![3; 32],
        connection_id: connection_id(1),
        created_at: NOW,
        expires_at: LATER,
        used_at: None,
    }
}

async fn of_fifty_exchanges_at_once_one_uses_the_token(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    store.insert_connection(&stored(&production(), 1), None).await.unwrap();
    store.insert_public_token(&token(1)).await.unwrap();
    store.insert_public_token(&token(2)).await.unwrap();
    assert_eq!(store.find_public_token(token(1).id).await, Ok(Some(token(1))));
    let id = token(1).id;
    assert_eq!(store.consume_public_token(&staging(), id, NOW).await, Ok(false));
    assert_eq!(store.consume_public_token(&production(), id, LATER).await, Ok(false));
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        tasks.spawn(async move { store.consume_public_token(&production(), id, NOW + 5).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|used| *used).count(), 1);
    let used = PublicToken { used_at: Some(NOW + 5), ..token(1) };
    assert_eq!(store.find_public_token(id).await, Ok(Some(used)));
    assert_eq!(store.find_public_token(token(2).id).await, Ok(Some(token(2))));
}

async fn a_public_token_is_of_a_connection_of_its_environment(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    assert_eq!(store.insert_public_token(&token(1)).await, Err(StoreError::MissingParent));
    store.insert_connection(&stored(&production(), 1), None).await.unwrap();
    let theirs = PublicToken { environment: staging(), ..token(1) };
    assert_eq!(store.insert_public_token(&theirs).await, Err(StoreError::MissingParent));
    assert_eq!(store.insert_public_token(&token(1)).await, Ok(()));
    assert_eq!(store.insert_public_token(&token(1)).await, Err(StoreError::Conflict));
    store.delete_connection(&production(), connection_id(1), NOW, None).await.unwrap();
    assert_eq!(store.find_public_token(token(1).id).await, Ok(None));
}

async fn the_connection_of_an_account_is_found_again(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    let long = |end: &str| "é".repeat(3_000) + end;
    let rows = [
        (1, "a1", Some("u1"), ConnectionStatus::Connected),
        (2, "a1", None, ConnectionStatus::Disconnected),
        (3, "a1", Some("u2"), ConnectionStatus::Archived),
        (4, "a2", Some("u1"), ConnectionStatus::Connected),
        (5, &long("1"), None, ConnectionStatus::Connected),
        (6, &long("2"), None, ConnectionStatus::Connected),
        (7, &long("1"), None, ConnectionStatus::Connected),
    ];
    for (number, account, external_id, status) in rows {
        let mut one = stored(&production(), number);
        one.connection.account_id = Some(account.to_owned());
        one.connection.external_id = external_id.map(str::to_owned);
        one.connection.status = status;
        store.insert_connection(&one, None).await.unwrap();
    }
    let find = async |integration, account: &str, external_id| {
        let found = store.find_connection_by_account(&production(), integration, account, external_id).await;
        found.unwrap().map(|found| found.connection.created_at - NOW)
    };
    assert_eq!(find("acme", "a1", Some("u1")).await, Some(1));
    assert_eq!(find("acme", "a1", None).await, Some(2));
    assert_eq!(find("acme", "a1", Some("u2")).await, None, "archived");
    assert_eq!(find("acme", "a2", None).await, None, "another customer's");
    assert_eq!(find("acme", "A1", None).await, None);
    assert_eq!(find("other", "a1", None).await, None);
    assert_eq!(find("acme", &long("2"), None).await, Some(6));
    assert_eq!(find("acme", &long("1"), None).await, Some(7), "the newest");
    assert_eq!(find("acme", &long(""), None).await, None);
    assert_eq!(store.find_connection_by_account(&staging(), "acme", "a1", None).await, Ok(None));
}

async fn of_fifty_who_link_an_account_at_once_one_makes_a_connection(rig: Rig) {
    let rig = rig.ready().await;
    let of_account = |number: u64, external_id: Option<&str>| {
        let mut one = stored(&production(), number);
        one.connection.account_id = Some("a1".to_owned());
        one.connection.external_id = external_id.map(str::to_owned);
        one
    };
    let insert = async |store: &Store, one: &StoredConnection, newest| {
        store.insert_connection_after(one, "a1", newest, None).await.unwrap()
    };
    let mut before = None;
    for external_id in [None, Some("u1")] {
        // Some saw none of it, and some saw an older one of another customer.
        let mut tasks = JoinSet::new();
        for number in 1..=50 {
            let store = rig.store.clone();
            let one = of_account(number + if external_id.is_some() { 100 } else { 0 }, external_id);
            let newest = before.filter(|_| number % 2 == 0);
            tasks.spawn(async move { (insert(&store, &one, newest).await, one.connection.id) });
        }
        let made: Vec<_> = tasks.join_all().await.into_iter().filter(|(made, _)| *made).collect();
        assert_eq!(made.len(), 1, "{made:?}");
        before = Some(made[0].1);
    }
    // The next one must have seen it.
    let (next, last) = (of_account(200, Some("u1")), of_account(201, Some("u1")));
    assert!(!insert(&rig.store, &next, None).await);
    assert!(insert(&rig.store, &next, before).await);
    assert!(!insert(&rig.store, &last, before).await);
}
