use passthrough_core::fault::{Door, Origin, Sent};
use passthrough_core::id::RequestId;
use passthrough_store::{Record, RequestFilter, StatusFilter};

use crate::rig::{NOW, Rig, connection_id, on_both_engines, production, record, staging};

on_both_engines! {
    records_of_every_shape_read_back,
    a_batch_that_is_sent_again_stores_nothing_twice,
    a_big_batch_goes_in_whole,
    every_filter_matches,
    records_come_in_pages,
    retention_deletes_the_oldest_first_and_in_bounds,
    a_nul_in_one_record_does_not_cost_the_batch,
}

fn failure(number: u64) -> Record {
    Record {
        connection_id: None,
        api_key_id: None,
        provider: None,
        door: Door::Proxy,
        method: "PROPFIND".into(),
        path: "/ü/%2F;a='b".into(),
        status_code: None,
        error_code: Some("gateway_timeout".into()),
        origin: Some(Origin::Provider),
        sent: Some(Sent::Unknown),
        attempts: 0,
        upstream_duration_ms: None,
        ..record(&production(), number)
    }
}

async fn records_of_every_shape_read_back(rig: Rig) {
    let rig = rig.ready().await;
    let mut batch = vec![record(&production(), 1), failure(2)];
    for (number, door) in (3..).zip([Door::Raw, Door::Terminal]) {
        batch.push(Record { door, ..record(&production(), number) });
    }
    for (number, origin) in (5..).zip([Origin::Caller, Origin::Connection, Origin::Passthrough]) {
        batch.push(Record { origin: Some(origin), sent: Some(Sent::No), ..failure(number) });
    }
    batch.push(Record { sent: Some(Sent::Yes), ..failure(8) });
    rig.store.insert_requests(&batch).await.unwrap();
    for record in batch {
        assert_eq!(rig.store.find_request(&production(), record.id).await, Ok(Some(record)));
    }
    assert_eq!(rig.store.find_request(&production(), RequestId::from_parts(1, 1)).await, Ok(None));
}

async fn a_batch_that_is_sent_again_stores_nothing_twice(rig: Rig) {
    let rig = rig.ready().await;
    rig.store.insert_requests(&[]).await.unwrap();
    rig.store.insert_requests(&[record(&production(), 1)]).await.unwrap();
    let again = Record { status_code: Some(500), ..record(&production(), 1) };
    rig.store.insert_requests(&[again.clone(), again, record(&production(), 2)]).await.unwrap();
    let page = rig.store.list_requests(&production(), &RequestFilter::default(), None, 50).await.unwrap();
    assert_eq!(page.rows, [record(&production(), 2), record(&production(), 1)]);
}

async fn a_big_batch_goes_in_whole(rig: Rig) {
    let rig = rig.ready().await;
    let batch: Vec<_> = (0..1234).map(|number| record(&production(), number)).collect();
    rig.store.insert_requests(&batch).await.unwrap();
    assert_eq!(rig.store.delete_requests_before(i64::MAX, 5000).await, Ok(1234));
}

async fn every_filter_matches(rig: Rig) {
    let rig = rig.ready().await;
    let mut batch: Vec<_> = (0..6).map(|number| record(&production(), number)).collect();
    batch[1].connection_id = Some(connection_id(2));
    batch[2].provider = Some("other".into());
    batch[3].status_code = Some(404);
    batch[4].status_code = Some(499);
    batch[5] = failure(5);
    rig.store.insert_requests(&batch).await.unwrap();
    let numbers = async |filter: RequestFilter| {
        let page = rig.store.list_requests(&production(), &filter, None, 50).await.unwrap();
        page.rows.iter().map(|row| row.started_at - NOW).collect::<Vec<_>>()
    };
    let none = RequestFilter::default;
    let status = |status| RequestFilter { status: Some(status), ..none() };
    assert_eq!(numbers(none()).await, [5, 4, 3, 2, 1, 0]);
    assert_eq!(numbers(RequestFilter { connection_id: Some(connection_id(2)), ..none() }).await, [1]);
    assert_eq!(numbers(RequestFilter { provider: Some("other".into()), ..none() }).await, [2]);
    assert_eq!(numbers(status(StatusFilter::Code(404))).await, [3]);
    assert_eq!(numbers(status(StatusFilter::Class(4))).await, [4, 3]);
    assert_eq!(numbers(status(StatusFilter::Class(2))).await, [2, 1, 0]);
    assert_eq!(numbers(status(StatusFilter::Class(5))).await, [0; 0]);
    assert_eq!(numbers(RequestFilter { error_code: Some("gateway_timeout".into()), ..none() }).await, [5]);
    assert_eq!(numbers(RequestFilter { since: Some(NOW + 2), until: Some(NOW + 4), ..none() }).await, [3, 2]);
}

async fn records_come_in_pages(rig: Rig) {
    let rig = rig.ready().await;
    let batch: Vec<_> = (0..5).map(|number| record(&production(), number)).collect();
    rig.store.insert_requests(&batch).await.unwrap();
    let all = RequestFilter::default();
    let first = rig.store.list_requests(&production(), &all, None, 3).await.unwrap();
    assert!(first.has_more);
    rig.store.insert_requests(&[record(&production(), 9)]).await.unwrap();
    let last = rig.store.list_requests(&production(), &all, Some(first.rows[2].id), 3).await.unwrap();
    assert_eq!(last.rows, [record(&production(), 1), record(&production(), 0)]);
    assert!(!last.has_more);
}

async fn retention_deletes_the_oldest_first_and_in_bounds(rig: Rig) {
    let rig = rig.ready().await;
    let batch: Vec<_> = (0..10).map(|number| record(&production(), number)).collect();
    rig.store.insert_requests(&batch).await.unwrap();
    rig.store.insert_requests(&[record(&staging(), 20)]).await.unwrap();
    assert_eq!(rig.store.delete_requests_before(NOW + 7, 4).await, Ok(4));
    assert_eq!(rig.store.find_request(&production(), batch[3].id).await, Ok(None));
    assert_eq!(rig.store.find_request(&production(), batch[4].id).await, Ok(Some(batch[4].clone())));
    assert_eq!(rig.store.delete_requests_before(NOW + 7, 4).await, Ok(3));
    assert_eq!(rig.store.delete_requests_before(NOW + 7, 4).await, Ok(0));
    assert_eq!(rig.store.find_request(&production(), batch[7].id).await, Ok(Some(batch[7].clone())));
}

async fn a_nul_in_one_record_does_not_cost_the_batch(rig: Rig) {
    let rig = rig.ready().await;
    let odd = Record { path: "/a\0b".into(), ..record(&production(), 1) };
    rig.store.insert_requests(&[odd.clone(), record(&production(), 2)]).await.unwrap();
    let found = rig.store.find_request(&production(), odd.id).await.unwrap().unwrap();
    assert_eq!(found.path, "/a\u{fffd}b");
}
