//! Everybody at once: whoever writes waits for others in the same order, so that nobody waits in a circle.

use passthrough_core::connection::ConnectionStatus;
use passthrough_core::id::EndpointId;
use passthrough_store::{
    ConnectionPatch, DeliveryOutcome, RefreshFailure, SealedPlace, Store, StoreError, WebhookEndpoint,
};
use tokio::task::JoinSet;

use crate::rig::{
    NOW, Rig, connection_id, credential, event, integration, on_both_engines, production, refreshed, sealed,
    stored,
};

on_both_engines! {
    nobody_waits_in_a_circle,
}

const WRITERS: u64 = 12;
const ROUNDS: u64 = 40;

async fn nobody_waits_in_a_circle(rig: Rig) {
    let rig = rig.ready().await;
    rig.store.insert_integration(&integration(&production(), "acme")).await.unwrap();
    for number in 0..2 {
        rig.store.insert_connection(&stored(&production(), number), None).await.unwrap();
        rig.store.insert_endpoint(&endpoint(number)).await.unwrap();
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = rig.store.clone();
        writers.spawn(async move {
            for round in 0..ROUNDS {
                act(&store, writer * 7 + round * 5, &format!("process {writer}"), round as i64).await?;
            }
            Ok::<_, StoreError>(())
        });
    }
    for writer in writers.join_all().await {
        assert_eq!(writer, Ok(()));
    }
}

fn endpoint(number: u64) -> WebhookEndpoint {
    WebhookEndpoint {
        id: EndpointId::from_parts(NOW as u64 + number, u128::from(number)),
        environment: production(),
        url: "https://example.com/".into(),
        kinds: Vec::new(),
        sealed: sealed("secret", 1),
        enabled: true,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// One of all that can be done to two connections, from the generation that the first look sees.
async fn act(store: &Store, number: u64, owner: &str, at: i64) -> Result<(), StoreError> {
    let (here, id, now) = (production(), connection_id(number % 2), NOW + at);
    let Some(state) = store.find_refresh_state(&here, id).await? else {
        return allow(StoreError::Conflict, store.insert_connection(&stored(&here, number % 2), None).await);
    };
    let generation = state.credential.generation;
    match number % 11 {
        0 => store.take_lease(&here, id, generation, owner, now, now + 1).await.map(drop),
        1 => {
            let failure = RefreshFailure { failures: 1, not_before: now, error: "dns".into() };
            store.note_refresh_failure(&here, id, generation, owner, &failure).await.map(drop)
        }
        2 | 3 => {
            let next = refreshed(&credential("next", generation + 1), "k1");
            store.store_refreshed(&here, id, &next, now).await.map(drop)
        }
        4 => store.disconnect(&here, id, generation, "invalid_grant", &event(), now).await.map(drop),
        5 => {
            let patch = ConnectionPatch {
                credential: Some((credential("given", generation + 1), "k1".into())),
                revive: true,
                tags: Some(vec!["a".into(), "b".into()]),
                event: Some(event()),
                ..ConnectionPatch::default()
            };
            store.update_connection(&here, id, &patch, now).await.map(drop)
        }
        6 => {
            let status = Some(ConnectionStatus::Disconnected);
            let event = Some(event());
            let patch = ConnectionPatch {
                status,
                event,
                if_generation: Some(generation),
                ..ConnectionPatch::default()
            };
            store.update_connection(&here, id, &patch, now).await.map(drop)
        }
        7 => store.delete_connection(&here, id, now, None).await.map(drop),
        8 => {
            for row in store.list_sealed_not_under("k2", 20).await? {
                if matches!(row.place, SealedPlace::Credential { .. }) {
                    store.update_sealed(&row, b"again", "k2", now).await?;
                }
            }
            Ok(())
        }
        9 => {
            for claimed in store.claim_deliveries(now, now + 1, 5, &[]).await? {
                let outcome = DeliveryOutcome::Delivered { status: 200 };
                store.note_delivery(claimed.delivery.id, claimed.lease_until, &outcome, now).await?;
            }
            Ok(())
        }
        _ => {
            store.note_client_rejected(&here, "acme", 1, &event(), now).await?;
            store.note_client_accepted(&here, "acme", now).await?;
            store.delete_endpoint(&here, endpoint(number % 2).id).await?;
            allow(StoreError::Conflict, store.insert_endpoint(&endpoint(number % 2)).await)
        }
    }
}

/// Somebody else did it at the same moment.
fn allow(error: StoreError, result: Result<(), StoreError>) -> Result<(), StoreError> {
    if result == Err(error) { Ok(()) } else { result }
}
