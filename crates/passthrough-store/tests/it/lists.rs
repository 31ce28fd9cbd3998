use passthrough_core::connection::ConnectionStatus;
use passthrough_core::id::ConnectionId;
use passthrough_store::ConnectionFilter;

use crate::rig::{Rig, api_key, connection_id, on_both_engines, production, stored};

on_both_engines! {
    pages_neither_repeat_nor_skip_while_rows_come_and_go,
    every_filter_matches_exactly_and_filters_add_up,
    a_page_holds_at_least_one_and_at_most_500,
    keys_come_in_pages_too,
    environments_are_made_once,
}

async fn pages_neither_repeat_nor_skip_while_rows_come_and_go(rig: Rig) {
    let rig = rig.ready().await;
    for number in 0..25 {
        rig.store.insert_connection(&stored(&production(), 100 + number), None).await.unwrap();
    }
    let mut seen: Vec<ConnectionId> = Vec::new();
    let mut newcomer = 200;
    loop {
        let all = ConnectionFilter::default();
        let page = rig.store.list_connections(&production(), &all, seen.last().copied(), 10).await.unwrap();
        seen.extend(page.rows.iter().map(|row| row.id));
        if !page.has_more {
            break;
        }
        assert_eq!(page.rows.len(), 10);
        // Newer ones arrive, and the very row that the cursor points at goes.
        rig.store.insert_connection(&stored(&production(), newcomer), None).await.unwrap();
        rig.store.delete_connection(&production(), *seen.last().unwrap(), 0, None).await.unwrap();
        newcomer += 1;
    }
    let expected: Vec<_> = (0..25).rev().map(|number| connection_id(100 + number)).collect();
    assert_eq!(seen, expected);
}

async fn every_filter_matches_exactly_and_filters_add_up(rig: Rig) {
    let rig = rig.ready().await;
    for number in 0..8 {
        let mut row = stored(&production(), number);
        row.connection.provider = if number & 1 == 0 { "even" } else { "odd" }.into();
        row.connection.integration = row.connection.provider.clone();
        row.connection.external_id = Some(format!("user_{}", number / 2));
        row.connection.tags = vec!["all".into(), format!("tag{}", number / 4)];
        if number == 7 {
            row.connection.status = ConnectionStatus::Archived;
        }
        rig.store.insert_connection(&row, None).await.unwrap();
    }
    let numbers = async |filter: ConnectionFilter| {
        let page = rig.store.list_connections(&production(), &filter, None, 50).await.unwrap();
        page.rows.iter().map(|row| row.created_at - crate::rig::NOW).collect::<Vec<_>>()
    };
    let none = ConnectionFilter::default;
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(numbers(none()).await, [7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(numbers(ConnectionFilter { provider: some("odd"), ..none() }).await, [7, 5, 3, 1]);
    assert_eq!(numbers(ConnectionFilter { provider: some("od%"), ..none() }).await, [0; 0]);
    assert_eq!(numbers(ConnectionFilter { external_id: some("user_1"), ..none() }).await, [3, 2]);
    assert_eq!(numbers(ConnectionFilter { external_id: some("USER_1"), ..none() }).await, [0; 0]);
    assert_eq!(numbers(ConnectionFilter { tag: some("tag1"), ..none() }).await, [7, 6, 5, 4]);
    assert_eq!(numbers(ConnectionFilter { status: Some(ConnectionStatus::Archived), ..none() }).await, [7]);
    let several = ConnectionFilter {
        provider: some("odd"),
        tag: some("tag1"),
        status: Some(ConnectionStatus::Connected),
        external_id: some("user_2"),
        ..ConnectionFilter::default()
    };
    assert_eq!(numbers(several).await, [5]);
}

async fn a_page_holds_at_least_one_and_at_most_500(rig: Rig) {
    let rig = rig.ready().await;
    for number in 0..3 {
        rig.store.insert_connection(&stored(&production(), number), None).await.unwrap();
    }
    let all = ConnectionFilter::default();
    let page = rig.store.list_connections(&production(), &all, None, 0).await.unwrap();
    assert_eq!((page.rows.len(), page.has_more), (1, true));
    let page = rig.store.list_connections(&production(), &all, None, u32::MAX).await.unwrap();
    assert_eq!((page.rows.len(), page.has_more), (3, false));
    let page = rig.store.list_connections(&production(), &all, None, 3).await.unwrap();
    assert_eq!((page.rows.len(), page.has_more), (3, false));
}

async fn keys_come_in_pages_too(rig: Rig) {
    let rig = rig.ready().await;
    for number in 0..3 {
        rig.store.insert_api_key(&api_key(&production(), number)).await.unwrap();
    }
    let first = rig.store.list_api_keys(&production(), None, 2).await.unwrap();
    assert_eq!(first.rows, [api_key(&production(), 2), api_key(&production(), 1)]);
    assert!(first.has_more);
    let last = rig.store.list_api_keys(&production(), Some(first.rows[1].id), 2).await.unwrap();
    assert_eq!((last.rows, last.has_more), (vec![api_key(&production(), 0)], false));
}

async fn environments_are_made_once(rig: Rig) {
    let rig = rig.ready().await;
    assert_eq!(rig.store.ensure_environment(&"dev".parse().unwrap(), 1).await, Ok(true));
    assert_eq!(rig.store.ensure_environment(&"dev".parse().unwrap(), 2).await, Ok(false));
    let names = ["dev", "production", "staging"].map(|name| name.parse().unwrap());
    assert_eq!(rig.store.list_environments().await, Ok(names.to_vec()));
}
