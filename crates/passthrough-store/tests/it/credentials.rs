use tokio::task::JoinSet;

use crate::rig::{
    NOW, Rig, connection_id, credential, find_credential, on_both_engines, production, refresh, stored,
};

on_both_engines! {
    a_credential_is_replaced_only_from_the_generation_before,
    of_many_refreshes_at_once_exactly_one_wins,
}

async fn a_credential_is_replaced_only_from_the_generation_before(rig: Rig) {
    let rig = rig.ready().await;
    let connection = stored(&production(), 1);
    let id = connection.connection.id;
    rig.store.insert_connection(&connection, None).await.unwrap();
    assert_eq!(find_credential(&rig.store, &production(), id).await, Some(connection.credential));

    let mut newer = credential("newer", 2);
    newer.expires_at = Some(NOW + 3_600_000);
    assert_eq!(refresh(&rig.store, &production(), id, &newer, "k2").await, Ok(true));
    let late = credential("late", 2);
    assert_eq!(refresh(&rig.store, &production(), id, &late, "k2").await, Ok(false));
    let stale = credential("stale", 1);
    assert_eq!(refresh(&rig.store, &production(), id, &stale, "k2").await, Ok(false));

    let found = rig.store.find_connection(&production(), id).await.unwrap().unwrap();
    assert_eq!((found.credential, found.credential_key_id), (newer, "k2".to_owned()));
    let unknown = connection_id(2);
    assert_eq!(refresh(&rig.store, &production(), unknown, &late, "k2").await, Ok(false));
}

async fn of_many_refreshes_at_once_exactly_one_wins(rig: Rig) {
    let rig = rig.ready().await;
    let connection = stored(&production(), 1);
    let id = connection.connection.id;
    rig.store.insert_connection(&connection, None).await.unwrap();
    let mut refreshes = JoinSet::new();
    for number in 0..12 {
        let store = rig.store.clone();
        refreshes.spawn(async move {
            let mine = credential(&format!("token {number}"), 2);
            let won = refresh(&store, &production(), id, &mine, "k1").await.unwrap();
            won.then_some(mine)
        });
    }
    let winners: Vec<_> = refreshes.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(find_credential(&rig.store, &production(), id).await.as_ref(), winners.first());
}
