use passthrough_store::{SealedPlace, SealedRow, Store};

use crate::rig::{NOW, Rig, credential, on_both_engines, production, refresh, sealed, staging, stored};

on_both_engines! {
    every_sealed_column_is_counted_and_listed,
    a_sweep_reaches_everything_and_then_nothing,
    a_sweep_never_overwrites_a_refresh,
    a_second_sweeper_loses,
    a_list_of_sealed_values_is_bounded,
}

async fn two_connections_and_a_pepper(store: &Store) {
    store.insert_installation_secret("pepper", &sealed("pepper", 1)).await.unwrap();
    store.insert_connection(&stored(&production(), 1), None).await.unwrap();
    let mut other = stored(&staging(), 2);
    other.credential_key_id = "k2".into();
    store.insert_connection(&other, None).await.unwrap();
}

async fn every_sealed_column_is_counted_and_listed(rig: Rig) {
    let rig = rig.ready().await;
    assert_eq!(rig.store.count_sealed_by_key().await, Ok(vec![]));
    two_connections_and_a_pepper(&rig.store).await;
    let counts = vec![("k1".to_owned(), 4), ("k2".to_owned(), 1)];
    assert_eq!(rig.store.count_sealed_by_key().await, Ok(counts));

    let (one, two) = (stored(&production(), 1).connection.id, stored(&staging(), 2).connection.id);
    let expected = vec![
        SealedRow {
            place: SealedPlace::InstallationSecret { name: "pepper".into() },
            value: sealed("pepper", 1),
        },
        SealedRow {
            place: SealedPlace::ConnectionVariables { environment: production(), id: one },
            value: sealed("variables", 1),
        },
        SealedRow {
            place: SealedPlace::ConnectionVariables { environment: staging(), id: two },
            value: sealed("variables", 1),
        },
        SealedRow {
            place: SealedPlace::Credential { environment: production(), id: one },
            value: sealed("credential", 1),
        },
    ];
    assert_eq!(rig.store.list_sealed_not_under("k2", 50).await, Ok(expected));
}

async fn a_sweep_reaches_everything_and_then_nothing(rig: Rig) {
    let rig = rig.ready().await;
    two_connections_and_a_pepper(&rig.store).await;
    loop {
        let rows = rig.store.list_sealed_not_under("k3", 2).await.unwrap();
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let again = [b"k3:", &*row.value.sealed].concat();
            assert_eq!(rig.store.update_sealed(&row, &again, "k3", NOW).await, Ok(true));
        }
    }
    assert_eq!(rig.store.count_sealed_by_key().await, Ok(vec![("k3".to_owned(), 5)]));
    let found = rig.store.find_connection(&production(), stored(&production(), 1).connection.id).await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.credential, credential("k3:credential", 1));
    assert_eq!(found.sealed_variables.sealed, b"k3:variables");
    let pepper = rig.store.find_installation_secret("pepper").await.unwrap().unwrap();
    assert_eq!((pepper.sealed, pepper.key_id, pepper.generation), (b"k3:pepper".to_vec(), "k3".into(), 1));
}

async fn a_sweep_never_overwrites_a_refresh(rig: Rig) {
    let rig = rig.ready().await;
    let connection = stored(&production(), 1);
    let id = connection.connection.id;
    rig.store.insert_connection(&connection, None).await.unwrap();
    let listed = rig.store.list_sealed_not_under("k2", 50).await.unwrap();

    let refreshed = credential("refreshed", 2);
    assert_eq!(refresh(&rig.store, &production(), id, &refreshed, "k1").await, Ok(true));
    let variables = sealed("changed", 2);
    assert_eq!(rig.store.update_variables(&production(), id, &variables, NOW).await, Ok(true));
    for row in &listed {
        assert_eq!(rig.store.update_sealed(row, b"older", "k2", NOW).await, Ok(false));
    }
    let found = rig.store.find_connection(&production(), id).await.unwrap().unwrap();
    assert_eq!((found.credential, found.sealed_variables), (refreshed, variables));
}

async fn a_second_sweeper_loses(rig: Rig) {
    let rig = rig.ready().await;
    two_connections_and_a_pepper(&rig.store).await;
    for row in rig.store.list_sealed_not_under("k3", 50).await.unwrap() {
        assert_eq!(rig.store.update_sealed(&row, b"first", "k3", NOW).await, Ok(true));
        assert_eq!(rig.store.update_sealed(&row, b"second", "k3", NOW).await, Ok(false));
        // The same key id and generation with other bytes is still not the value that was listed.
        let mut other = row.clone();
        other.value.key_id = "k3".into();
        assert_eq!(rig.store.update_sealed(&other, b"third", "k4", NOW).await, Ok(false));
    }
}

async fn a_list_of_sealed_values_is_bounded(rig: Rig) {
    let rig = rig.ready().await;
    two_connections_and_a_pepper(&rig.store).await;
    for limit in 0..6 {
        let rows = rig.store.list_sealed_not_under("k9", limit).await.unwrap();
        assert_eq!(rows.len(), limit.min(5) as usize);
    }
}
