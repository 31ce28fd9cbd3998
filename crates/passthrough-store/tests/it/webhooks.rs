//! What happened is told: every event with its deliveries, each delivery by one process at a time.

use std::collections::BTreeSet;

use passthrough_core::id::{DeliveryId, EndpointId, Environment, EventId};
use passthrough_store::{
    ClaimedDelivery, Delivery, DeliveryFilter, DeliveryOutcome, DeliveryStatus, EndpointPatch, Event,
    EventFilter, NewEvent, SealedPlace, Store, StoreError, WebhookEndpoint,
};
use tokio::task::JoinSet;

use crate::rig::{
    NOW, Rig, connection_id, credential, environment, event, on_both_engines, production, refreshed, sealed,
    staging, stored,
};

on_both_engines! {
    an_event_reads_back_as_it_was_told,
    events_come_in_pages_and_by_kind_and_connection,
    an_endpoint_lives,
    of_fifty_changes_of_the_secrets_of_an_endpoint_one_wins,
    an_event_is_queued_for_the_endpoints_that_want_it,
    what_did_not_happen_is_not_queued,
    of_fifty_claims_at_once_each_delivery_is_in_one,
    a_claim_brings_all_that_is_needed,
    a_delivery_whose_process_died_is_claimed_again,
    an_attempt_is_noted_by_whoever_has_claimed_it,
    a_disabled_endpoint_is_told_when_it_is_enabled_again,
    a_delivery_and_an_event_are_queued_anew_by_id,
    deliveries_are_listed_by_what_is_asked,
    an_endpoint_takes_its_deliveries_along,
    an_endpoint_that_goes_never_stops_what_happens,
    old_events_go_with_their_deliveries_unless_they_are_still_to_be_delivered,
    the_secrets_of_an_endpoint_are_sealed_again,
    nothing_of_a_webhook_is_seen_or_done_from_another_environment,
}

const MINUTE: i64 = 60_000;

fn endpoint(environment: &Environment, number: u64) -> WebhookEndpoint {
    WebhookEndpoint {
        id: EndpointId::from_parts(NOW as u64 + number, u128::from(number)),
        environment: environment.clone(),
        url: format!("https://example.com/{number}"),
        kinds: Vec::new(),
        sealed: sealed("secret", 1),
        enabled: true,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// With this many endpoints that want everything, and a connection.
async fn with_endpoints(rig: Rig, endpoints: u64) -> Rig {
    let rig = rig.ready().await;
    for number in 1..=endpoints {
        rig.store.insert_endpoint(&endpoint(&production(), number)).await.unwrap();
    }
    rig.store.insert_connection(&stored(&production(), 1), None).await.unwrap();
    rig
}

/// Refreshes the connection to this generation, so that there is something to tell.
async fn tell(store: &Store, generation: i64, at: i64) -> EventId {
    let next = refreshed(&credential("next", generation), "k1");
    assert_eq!(store.store_refreshed(&production(), connection_id(1), &next, at).await, Ok(true));
    next.event.id
}

async fn claim(store: &Store, now: i64, limit: u32) -> Vec<ClaimedDelivery> {
    store.claim_deliveries(now, now + MINUTE, limit, &[]).await.unwrap()
}

async fn all(store: &Store) -> Vec<Delivery> {
    store.list_deliveries(&production(), &DeliveryFilter::default(), None, 500).await.unwrap().rows
}

const TAKEN: DeliveryOutcome = DeliveryOutcome::Delivered { status: 204 };

async fn an_event_reads_back_as_it_was_told(rig: Rig) {
    let rig = rig.ready().await;
    rig.store.insert_connection(&stored(&production(), 1), None).await.unwrap();
    let told = NewEvent { data: "{\"why\":\"o'brien 🦀\"}".into(), ..event() };
    let id = connection_id(1);
    assert_eq!(rig.store.disconnect(&production(), id, 1, "invalid_grant", &told, NOW + 7).await, Ok(true));
    let expected = Event {
        id: told.id,
        environment: production(),
        kind: "connection.disconnected".into(),
        connection_id: Some(id),
        integration: Some("acme".into()),
        data: told.data,
        created_at: NOW + 7,
    };
    assert_eq!(rig.store.find_event(&production(), told.id).await, Ok(Some(expected)));
    assert_eq!(rig.store.find_event(&production(), event().id).await, Ok(None));
}

async fn events_come_in_pages_and_by_kind_and_connection(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    let mut told = Vec::new();
    for number in 1..=2 {
        store.insert_connection(&stored(&production(), number), None).await.unwrap();
    }
    for generation in 2..=4 {
        for number in 1..=2 {
            let next = refreshed(&credential("next", generation), "k1");
            store.store_refreshed(&production(), connection_id(number), &next, NOW).await.unwrap();
            told.push(next.event.id);
        }
    }
    let refusal = event();
    store.disconnect(&production(), connection_id(1), 4, "invalid_grant", &refusal, NOW).await.unwrap();
    let list = async |kind: Option<&str>, connection, after, limit| {
        let filter = EventFilter { kind: kind.map(str::to_owned), connection_id: connection };
        let page = store.list_events(&production(), &filter, after, limit).await.unwrap();
        (page.rows.into_iter().map(|event| event.id).collect::<Vec<_>>(), page.has_more)
    };
    let newest_first = |ids: &[usize]| ids.iter().map(|index| told[*index]).collect::<Vec<_>>();
    let (first, more) = list(None, None, None, 3).await;
    assert_eq!((first, more), (vec![refusal.id, told[5], told[4]], true));
    assert_eq!(list(None, None, Some(told[4]), 9).await, (newest_first(&[3, 2, 1, 0]), false));
    let kind = Some("connection.refreshed");
    assert_eq!(list(kind, None, None, 9).await.0, newest_first(&[5, 4, 3, 2, 1, 0]));
    assert_eq!(list(None, Some(connection_id(2)), None, 9).await.0, newest_first(&[5, 3, 1]));
    assert_eq!(list(kind, Some(connection_id(1)), Some(told[4]), 1).await, (newest_first(&[2]), true));
    assert_eq!(list(Some("connection.refreshe_"), None, None, 9).await.0, []);
}

async fn an_endpoint_lives(rig: Rig) {
    let rig = rig.ready().await;
    let store = &rig.store;
    let mut one = WebhookEndpoint { kinds: vec!["a'b".into(), "🦀".into()], ..endpoint(&production(), 1) };
    store.insert_endpoint(&one).await.unwrap();
    assert_eq!(store.insert_endpoint(&one).await, Err(StoreError::Conflict));
    let orphan = endpoint(&environment("nowhere"), 9);
    assert_eq!(store.insert_endpoint(&orphan).await, Err(StoreError::MissingParent));
    assert_eq!(store.find_endpoint(&production(), one.id).await, Ok(Some(one.clone())));
    let patch = async |patch: EndpointPatch, at| {
        store.update_endpoint(&production(), one.id, &patch, NOW + at).await.unwrap()
    };
    let nothing = EndpointPatch::default;
    assert!(patch(nothing(), 1).await);
    assert!(
        !patch(EndpointPatch { enabled: Some(false), sealed: Some(sealed("x", 1)), ..nothing() }, 2).await
    );
    one.updated_at = NOW + 1;
    assert_eq!(store.find_endpoint(&production(), one.id).await, Ok(Some(one.clone())));
    let everything = EndpointPatch {
        url: Some("https://example.org/".into()),
        kinds: Some(vec![]),
        enabled: Some(false),
        sealed: Some(sealed("newer", 2)),
    };
    assert!(patch(everything, 3).await);
    let id = one.id;
    one = WebhookEndpoint {
        url: "https://example.org/".into(),
        kinds: vec![],
        enabled: false,
        sealed: sealed("newer", 2),
        updated_at: NOW + 3,
        ..one
    };
    assert_eq!(store.find_endpoint(&production(), id).await, Ok(Some(one.clone())));
    let two = endpoint(&production(), 2);
    store.insert_endpoint(&two).await.unwrap();
    let page = store.list_endpoints(&production(), None, 1).await.unwrap();
    assert_eq!((page.rows, page.has_more), (vec![two.clone()], true));
    let page = store.list_endpoints(&production(), Some(two.id), 1).await.unwrap();
    assert_eq!((page.rows, page.has_more), (vec![one], false));
    assert_eq!(store.delete_endpoint(&production(), id).await, Ok(true));
    assert_eq!(store.delete_endpoint(&production(), id).await, Ok(false));
    assert_eq!(store.find_endpoint(&production(), id).await, Ok(None));
}

async fn of_fifty_changes_of_the_secrets_of_an_endpoint_one_wins(rig: Rig) {
    let rig = with_endpoints(rig, 1).await;
    let id = endpoint(&production(), 1).id;
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let store = rig.store.clone();
        tasks.spawn(async move {
            let mine = sealed(&format!("secret {number}"), 2);
            let patch = EndpointPatch { sealed: Some(mine.clone()), ..EndpointPatch::default() };
            store.update_endpoint(&production(), id, &patch, NOW).await.unwrap().then_some(mine)
        });
    }
    let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners, [rig.store.find_endpoint(&production(), id).await.unwrap().unwrap().sealed]);
}

async fn an_event_is_queued_for_the_endpoints_that_want_it(rig: Rig) {
    let rig = with_endpoints(rig, 1).await;
    let store = &rig.store;
    let kinds = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect();
    for other in [
        WebhookEndpoint {
            kinds: kinds(&["connection.disconnected", "connection.refreshed"]),
            ..endpoint(&production(), 2)
        },
        WebhookEndpoint { kinds: kinds(&["connection.disconnected"]), ..endpoint(&production(), 3) },
        WebhookEndpoint { enabled: false, ..endpoint(&production(), 4) },
        endpoint(&staging(), 5),
    ] {
        store.insert_endpoint(&other).await.unwrap();
    }
    let event_id = tell(store, 2, NOW + 3).await;
    let expected = [1, 2].map(|number| {
        let endpoint_id = endpoint(&production(), number).id;
        Delivery {
            id: DeliveryId::of(event_id, endpoint_id),
            environment: production(),
            endpoint_id,
            event_id,
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: Some(NOW + 3),
            last_status: None,
            last_error: None,
            created_at: NOW + 3,
            delivered_at: None,
        }
    });
    let mut queued = all(store).await;
    queued.sort_by_key(|delivery| delivery.endpoint_id);
    assert_eq!(queued, expected);
    let found = store.find_delivery(&production(), expected[1].id).await;
    assert_eq!(found, Ok(Some(expected[1].clone())));
}

async fn what_did_not_happen_is_not_queued(rig: Rig) {
    let rig = with_endpoints(rig, 1).await;
    let late = refreshed(&credential("late", 7), "k1");
    let id = connection_id(1);
    assert_eq!(rig.store.store_refreshed(&production(), id, &late, NOW).await, Ok(false));
    let refused = rig.store.disconnect(&production(), id, 7, "invalid_grant", &event(), NOW).await;
    assert_eq!(refused, Ok(false));
    // Told and then refused: the whole of it is undone.
    let odd = NewEvent { data: "\0".into(), ..event() };
    let failed = rig.store.disconnect(&production(), id, 1, "invalid_grant", &odd, NOW).await;
    assert!(matches!(failed, Err(StoreError::InvalidText(_))));
    let state = rig.store.find_refresh_state(&production(), id).await.unwrap().unwrap();
    assert_eq!((state.status.as_str(), state.error), ("connected", None));
    let events = rig.store.list_events(&production(), &EventFilter::default(), None, 9).await.unwrap();
    assert_eq!((events.rows, all(&rig.store).await), (vec![], vec![]));
}

async fn of_fifty_claims_at_once_each_delivery_is_in_one(rig: Rig) {
    let rig = with_endpoints(rig, 5).await;
    for generation in 2..22 {
        tell(&rig.store, generation, NOW).await;
    }
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let store = rig.store.clone();
        tasks.spawn(async move { claim(&store, NOW, 7).await });
    }
    let claims = tasks.join_all().await;
    assert!(claims.iter().all(|claim| claim.len() <= 7));
    let mut claimed: Vec<_> = claims.into_iter().flatten().map(|claimed| claimed.delivery.id).collect();
    // Who comes while all are locked gets none, so that some may be left.
    claimed.extend(claim(&rig.store, NOW, 500).await.into_iter().map(|claimed| claimed.delivery.id));
    assert_eq!(claimed.len(), 100);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 100);
    assert!(all(&rig.store).await.iter().all(|delivery| delivery.attempts == 1));
}

async fn a_claim_brings_all_that_is_needed(rig: Rig) {
    let rig = with_endpoints(rig, 1).await;
    let id = tell(&rig.store, 2, NOW + 3).await;
    assert_eq!(claim(&rig.store, NOW + 2, 9).await, []);
    let claimed = claim(&rig.store, NOW + 3, 9).await.remove(0);
    assert_eq!(Some(&claimed.delivery), all(&rig.store).await.first());
    assert_eq!(Some(&claimed.event), rig.store.find_event(&production(), id).await.unwrap().as_ref());
    assert_eq!((claimed.url.as_str(), claimed.sealed), ("https://example.com/1", sealed("secret", 1)));
    assert_eq!(claimed.lease_until, NOW + 3 + MINUTE);
}

async fn a_delivery_whose_process_died_is_claimed_again(rig: Rig) {
    let rig = with_endpoints(rig, 1).await;
    let store = &rig.store;
    tell(store, 2, NOW).await;
    let first = claim(store, NOW, 9).await.remove(0);
    assert_eq!(claim(store, NOW + MINUTE - 1, 9).await, []);
    let second = claim(store, NOW + MINUTE, 9).await.remove(0);
    assert_eq!((first.delivery.attempts, second.delivery.attempts), (1, 2));
    // The first comes back late: what failed for it says nothing, what it delivered is delivered.
    let id = first.delivery.id;
    let failed = DeliveryOutcome::Failed { status: None, error: "timeout".into() };
    assert_eq!(store.note_delivery(id, first.lease_until, &failed, NOW).await, Ok(false));
    assert_eq!(store.note_delivery(id, first.lease_until, &TAKEN, NOW).await, Ok(true));
    assert_eq!(store.note_delivery(id, second.lease_until, &failed, NOW).await, Ok(false));
    assert_eq!(all(store).await[0].status, DeliveryStatus::Delivered);
}

async fn an_attempt_is_noted_by_whoever_has_claimed_it(rig: Rig) {
    let rig = with_endpoints(rig, 1).await;
    let store = &rig.store;
    tell(store, 2, NOW).await;
    let state = async || {
        let delivery = all(store).await.remove(0);
        (delivery.status, delivery.next_attempt_at, delivery.last_status, delivery.last_error)
    };
    let claimed = claim(store, NOW, 9).await.remove(0);
    let note = async |claimed: &ClaimedDelivery, outcome| {
        store.note_delivery(claimed.delivery.id, claimed.lease_until, &outcome, NOW + 9).await.unwrap()
    };
    let again = || DeliveryOutcome::Again { at: NOW + 5, status: Some(503), error: "http_503".into() };
    assert!(note(&claimed, again()).await);
    assert!(!note(&claimed, again()).await, "the claim has ended");
    let error = |error: &str| Some(error.to_owned());
    assert_eq!(state().await, (DeliveryStatus::Pending, Some(NOW + 5), Some(503), error("http_503")));
    assert_eq!(claim(store, NOW + 4, 9).await, []);
    let claimed = claim(store, NOW + 5, 9).await.remove(0);
    assert!(note(&claimed, DeliveryOutcome::Failed { status: None, error: "dns".into() }).await);
    assert_eq!(state().await, (DeliveryStatus::Failed, None, None, error("dns")));
    assert_eq!(claim(store, i64::MAX - MINUTE, 9).await, []);
    assert_eq!(store.replay_delivery(&production(), claimed.delivery.id, NOW + 6).await, Ok(true));
    let claimed = claim(store, NOW + 6, 9).await.remove(0);
    assert!(note(&claimed, TAKEN).await);
    assert_eq!(state().await, (DeliveryStatus::Delivered, None, Some(204), None));
    assert_eq!(all(store).await[0].delivered_at, Some(NOW + 9));
}

async fn a_disabled_endpoint_is_told_when_it_is_enabled_again(rig: Rig) {
    let rig = with_endpoints(rig, 1).await;
    let store = &rig.store;
    tell(store, 2, NOW).await;
    let enable = async |enabled| {
        let patch = EndpointPatch { enabled: Some(enabled), ..EndpointPatch::default() };
        let id = endpoint(&production(), 1).id;
        assert_eq!(store.update_endpoint(&production(), id, &patch, NOW).await, Ok(true));
    };
    enable(false).await;
    assert_eq!(claim(store, NOW, 9).await, []);
    tell(store, 3, NOW).await;
    enable(true).await;
    assert_eq!(claim(store, NOW, 9).await.len(), 1, "what happened meanwhile was not queued");
}

async fn a_delivery_and_an_event_are_queued_anew_by_id(rig: Rig) {
    let rig = with_endpoints(rig, 2).await;
    let store = &rig.store;
    let told = tell(store, 2, NOW).await;
    let claimed = claim(store, NOW, 9).await;
    let (one, other) = (&claimed[0], &claimed[1]);
    store.note_delivery(one.delivery.id, one.lease_until, &TAKEN, NOW).await.unwrap();
    let replay = async |id, at| store.replay_delivery(&production(), id, NOW + at).await.unwrap();
    assert!(!replay(other.delivery.id, 1).await, "it is being tried");
    assert!(replay(one.delivery.id, 1).await);
    let again = claim(store, NOW + 1, 9).await.remove(0);
    assert_eq!((again.delivery.id, again.delivery.attempts), (one.delivery.id, 1));
    assert_eq!((again.event.id, again.delivery.delivered_at), (told, None));
    store.note_delivery(one.delivery.id, again.lease_until, &TAKEN, NOW + 2).await.unwrap();

    store.insert_endpoint(&endpoint(&production(), 3)).await.unwrap();
    assert_eq!(store.replay_event(&production(), told, NOW + 3).await, Ok(Some(3)));
    assert_eq!(store.replay_event(&production(), event().id, NOW + 3).await, Ok(None));
    let queued = claim(store, NOW + 3, 9).await;
    let endpoints: BTreeSet<_> = queued.iter().map(|claimed| claimed.delivery.endpoint_id).collect();
    let expected = BTreeSet::from([one.delivery.endpoint_id, endpoint(&production(), 3).id]);
    assert_eq!(endpoints, expected, "the other is still being tried");
    assert_eq!(all(store).await.len(), 3);
}

async fn deliveries_are_listed_by_what_is_asked(rig: Rig) {
    let rig = with_endpoints(rig, 2).await;
    let store = &rig.store;
    let (first, second) = (tell(store, 2, NOW).await, tell(store, 3, NOW + 1).await);
    let claimed = claim(store, NOW, 9).await.remove(0);
    store.note_delivery(claimed.delivery.id, claimed.lease_until, &TAKEN, NOW).await.unwrap();
    let list = async |endpoint_id, event_id, status| {
        let filter = DeliveryFilter { endpoint_id, event_id, status };
        store.list_deliveries(&production(), &filter, None, 9).await.unwrap().rows
    };
    assert_eq!(list(None, Some(first), None).await.len(), 2);
    let of_one = endpoint(&production(), 1).id;
    assert!(list(Some(of_one), None, None).await.iter().all(|delivery| delivery.endpoint_id == of_one));
    assert_eq!(list(Some(of_one), Some(second), None).await.len(), 1);
    let delivered = list(None, None, Some(DeliveryStatus::Delivered)).await;
    assert_eq!(delivered.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [claimed.delivery.id]);
    let mut seen = Vec::new();
    loop {
        let filter = DeliveryFilter::default();
        let page = store.list_deliveries(&production(), &filter, seen.last().copied(), 3).await.unwrap();
        seen.extend(page.rows.iter().map(|delivery| delivery.id));
        if !page.has_more {
            break;
        }
    }
    assert_eq!(seen, all(store).await.iter().map(|delivery| delivery.id).collect::<Vec<_>>());
    assert!(seen.is_sorted_by(|one, next| one > next));
}

async fn an_endpoint_takes_its_deliveries_along(rig: Rig) {
    let rig = with_endpoints(rig, 2).await;
    tell(&rig.store, 2, NOW).await;
    let (gone, kept) = (endpoint(&production(), 1).id, endpoint(&production(), 2).id);
    assert_eq!(rig.store.delete_endpoint(&production(), gone).await, Ok(true));
    let left = all(&rig.store).await;
    assert_eq!(left.iter().map(|delivery| delivery.endpoint_id).collect::<Vec<_>>(), [kept]);
}

async fn an_endpoint_that_goes_never_stops_what_happens(rig: Rig) {
    let rig = with_endpoints(rig, 0).await;
    for number in 1..=20 {
        let one = endpoint(&production(), number);
        rig.store.insert_endpoint(&one).await.unwrap();
        let (store, other) = (rig.store.clone(), rig.store.clone());
        let told = tokio::spawn(async move { tell(&store, number as i64 + 1, NOW).await });
        let gone = tokio::spawn(async move { other.delete_endpoint(&production(), one.id).await });
        told.await.unwrap();
        assert_eq!(gone.await.unwrap(), Ok(true));
        assert_eq!(all(&rig.store).await, []);
    }
}

async fn old_events_go_with_their_deliveries_unless_they_are_still_to_be_delivered(rig: Rig) {
    let rig = with_endpoints(rig, 1).await;
    let store = &rig.store;
    let mut told = Vec::new();
    for number in 0..6 {
        told.push(tell(store, 2 + number, NOW + number).await);
    }
    // The last three are still to be delivered.
    for claimed in claim(store, NOW + 2, 9).await {
        store.note_delivery(claimed.delivery.id, claimed.lease_until, &TAKEN, NOW).await.unwrap();
    }
    let left = async || {
        let page = store.list_events(&production(), &EventFilter::default(), None, 9).await.unwrap();
        page.rows.into_iter().rev().map(|event| event.id).collect::<Vec<_>>()
    };
    assert_eq!(store.delete_events_before(NOW + 5, 2).await, Ok(2));
    assert_eq!(left().await, told[2..]);
    assert_eq!(store.delete_events_before(NOW + 5, 9).await, Ok(1));
    assert_eq!(left().await, told[3..]);
    assert_eq!(all(store).await.len(), 3);
    let off = EndpointPatch { enabled: Some(false), ..EndpointPatch::default() };
    store.update_endpoint(&production(), endpoint(&production(), 1).id, &off, NOW).await.unwrap();
    assert_eq!(store.delete_events_before(NOW + 5, 9).await, Ok(2));
    assert_eq!((left().await, all(store).await.len()), (told[5..].to_vec(), 1));
}

async fn the_secrets_of_an_endpoint_are_sealed_again(rig: Rig) {
    let rig = rig.ready().await;
    let one = endpoint(&production(), 1);
    rig.store.insert_endpoint(&one).await.unwrap();
    assert_eq!(rig.store.count_sealed_by_key().await, Ok(vec![("k1".to_owned(), 1)]));
    let rows = rig.store.list_sealed_not_under("k2", 9).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].place, SealedPlace::WebhookEndpoint { environment: production(), id: one.id });
    assert_eq!(rig.store.update_sealed(&rows[0], b"again", "k2", NOW).await, Ok(true));
    assert_eq!(rig.store.update_sealed(&rows[0], b"twice", "k3", NOW).await, Ok(false));
    let found = rig.store.find_endpoint(&production(), one.id).await.unwrap().unwrap().sealed;
    assert_eq!((found.sealed, found.key_id, found.generation), (b"again".to_vec(), "k2".to_owned(), 1));
}

async fn nothing_of_a_webhook_is_seen_or_done_from_another_environment(rig: Rig) {
    let rig = with_endpoints(rig, 1).await;
    let (store, there) = (&rig.store, staging());
    let told = tell(store, 2, NOW).await;
    let (one, before) = (endpoint(&production(), 1).id, all(store).await);
    assert_eq!(store.find_event(&there, told).await, Ok(None));
    assert_eq!(store.find_endpoint(&there, one).await, Ok(None));
    assert_eq!(store.find_delivery(&there, before[0].id).await, Ok(None));
    assert!(store.list_events(&there, &EventFilter::default(), None, 9).await.unwrap().rows.is_empty());
    assert!(store.list_endpoints(&there, None, 9).await.unwrap().rows.is_empty());
    let filter = DeliveryFilter { event_id: Some(told), ..DeliveryFilter::default() };
    assert!(store.list_deliveries(&there, &filter, None, 9).await.unwrap().rows.is_empty());
    let patch = EndpointPatch { enabled: Some(false), ..EndpointPatch::default() };
    assert_eq!(store.update_endpoint(&there, one, &patch, NOW).await, Ok(false));
    assert_eq!(store.replay_delivery(&there, before[0].id, NOW + 1).await, Ok(false));
    assert_eq!(store.replay_event(&there, told, NOW + 1).await, Ok(None));
    assert_eq!(store.delete_endpoint(&there, one).await, Ok(false));
    assert_eq!(all(store).await, before);
}
