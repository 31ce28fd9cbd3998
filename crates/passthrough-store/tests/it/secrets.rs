use tokio::task::JoinSet;

use crate::rig::{Rig, on_both_engines, sealed};

on_both_engines! {
    two_first_starts_agree_on_one_secret,
    a_secret_that_was_not_stored_is_none,
}

async fn two_first_starts_agree_on_one_secret(rig: Rig) {
    let rig = rig.ready().await;
    let mut starts = JoinSet::new();
    for number in 0..8 {
        let store = rig.store.clone();
        starts.spawn(async move {
            store.insert_installation_secret("pepper", &sealed(&format!("pepper {number}"), 1)).await
        });
    }
    let seen: Vec<_> = starts.join_all().await.into_iter().map(Result::unwrap).collect();
    let stored = rig.store.find_installation_secret("pepper").await.unwrap().unwrap();
    assert_eq!(seen, vec![stored; 8]);
}

async fn a_secret_that_was_not_stored_is_none(rig: Rig) {
    let rig = rig.ready().await;
    assert_eq!(rig.store.find_installation_secret("pepper").await, Ok(None));
}
