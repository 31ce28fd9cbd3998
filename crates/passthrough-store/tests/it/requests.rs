use passthrough_core::fault::{Door, Origin, Sent};
use passthrough_core::id::{Environment, RequestId};
use passthrough_store::{
    ProviderLimit, Record, RecordPage, RequestBatch, RequestFilter, StatusFilter, Store,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};
use sqlx::Row;

use crate::rig::{NOW, Rig, batches, connection_id, insert, on_both_engines, production, record, staging};

on_both_engines! {
    records_of_every_shape_read_back,
    a_batch_that_is_sent_again_stores_nothing_twice,
    many_records_are_one_row,
    every_filter_matches,
    records_come_in_pages,
    overlapping_batches_read_as_if_each_record_had_its_row,
    a_rare_record_is_found_page_by_page,
    retention_deletes_the_oldest_first_and_in_bounds,
    a_nul_in_one_record_does_not_cost_the_batch,
    an_operator_can_read_the_records_with_sql,
    records_of_an_older_version_are_still_there,
}

fn failure(number: u64) -> Record<'static> {
    Record {
        connection_id: None,
        api_key_id: None,
        provider: None,
        door: Door::Proxy,
        method: "PROPFIND".into(),
        path: "/ü/%2F;a='b\"\\".into(),
        status_code: None,
        error_code: Some("gateway_timeout".into()),
        origin: Some(Origin::Provider),
        sent: Some(Sent::Unknown),
        attempts: 0,
        upstream_duration_ms: None,
        ..record(number)
    }
}

async fn all(store: &Store, environment: &Environment) -> Vec<Record<'static>> {
    store.list_requests(environment, &RequestFilter::default(), None, 500).await.unwrap().rows
}

fn every_shape() -> Vec<Record<'static>> {
    let mut records = vec![record(1), failure(2)];
    for (number, door) in (3..).zip([Door::Raw, Door::Terminal]) {
        records.push(Record { door, ..record(number) });
    }
    for (number, origin) in (5..).zip([Origin::Caller, Origin::Connection, Origin::Passthrough]) {
        records.push(Record { origin: Some(origin), sent: Some(Sent::No), ..failure(number) });
    }
    records.push(Record { sent: Some(Sent::Yes), ..failure(8) });
    records
}

async fn records_of_every_shape_read_back(rig: Rig) {
    let rig = rig.ready().await;
    let mut records = every_shape();
    let limits = [
        ProviderLimit { limit: Some(100), remaining: Some(0), resets_at: Some(NOW) },
        ProviderLimit { remaining: Some(i64::MAX), ..ProviderLimit::default() },
    ];
    for (number, provider_limit) in (9..).zip(limits) {
        records.push(Record { provider_limit, ..record(number) });
    }
    insert(&rig.store, &production(), &records).await.unwrap();
    for record in &records {
        let found = rig.store.find_request(&production(), record.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(record));
    }
    records.reverse();
    assert_eq!(all(&rig.store, &production()).await, records);
    assert_eq!(rig.store.find_request(&production(), RequestId::from_parts(1, 1)).await, Ok(None));
    let beside = RequestId::from_parts(NOW as u64 + 3, 4);
    assert_eq!(rig.store.find_request(&production(), beside).await, Ok(None));
}

async fn a_batch_that_is_sent_again_stores_nothing_twice(rig: Rig) {
    let rig = rig.ready().await;
    rig.store.insert_request_batches(&[]).await.unwrap();
    let sent = batches(&production(), &[record(1), record(2), failure(3)]);
    rig.store.insert_request_batches(&sent).await.unwrap();
    rig.store.insert_request_batches(&sent).await.unwrap();
    assert_eq!(rows(&rig).await, sent.len() as i64);
    // The same record in another batch.
    insert(&rig.store, &production(), &[record(1), record(4)]).await.unwrap();
    assert_eq!(all(&rig.store, &production()).await, [record(4), failure(3), record(2), record(1)]);
}

/// How many rows there are.
async fn rows(rig: &Rig) -> i64 {
    let backdoor = rig.backdoor().await;
    let row = sqlx::query("select count(*) as rows from request_batches").fetch_one(&backdoor).await;
    row.unwrap().get("rows")
}

async fn many_records_are_one_row(rig: Rig) {
    let rig = rig.ready().await;
    let records: Vec<_> = (0..1_234).map(record).collect();
    insert(&rig.store, &production(), &records).await.unwrap();
    assert_eq!(rows(&rig).await, 1);
    let page = rig.store.list_requests(&production(), &RequestFilter::default(), None, 2_000).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (500, Some(record(734).id)), "no page is longer than 500");
}

async fn every_filter_matches(rig: Rig) {
    let rig = rig.ready().await;
    let mut records: Vec<_> = (0..6).map(record).collect();
    records[1].connection_id = Some(connection_id(2));
    records[2].provider = Some("other".into());
    records[3].status_code = Some(404);
    records[4].status_code = Some(499);
    records[5] = failure(5);
    insert(&rig.store, &production(), &records).await.unwrap();
    let numbers = async |filter: RequestFilter| {
        let page = rig.store.list_requests(&production(), &filter, None, 50).await.unwrap();
        assert_eq!(page.next, None);
        page.rows.iter().map(|row| row.started_at - NOW).collect::<Vec<_>>()
    };
    let none = RequestFilter::default;
    let status = |status| RequestFilter { status: Some(status), ..none() };
    assert_eq!(numbers(none()).await, [5, 4, 3, 2, 1, 0]);
    assert_eq!(numbers(RequestFilter { connection_id: Some(connection_id(2)), ..none() }).await, [1]);
    // Of the same group as the first connection, but not the same.
    assert_eq!(numbers(RequestFilter { connection_id: Some(connection_id(33)), ..none() }).await, [0; 0]);
    assert_eq!(numbers(RequestFilter { provider: Some("other".into()), ..none() }).await, [2]);
    assert_eq!(numbers(status(StatusFilter::Code(404))).await, [3]);
    assert_eq!(numbers(status(StatusFilter::Class(4))).await, [4, 3]);
    assert_eq!(numbers(status(StatusFilter::Class(2))).await, [2, 1, 0]);
    assert_eq!(numbers(status(StatusFilter::Class(5))).await, [0; 0]);
    assert_eq!(numbers(RequestFilter { error_code: Some("gateway_timeout".into()), ..none() }).await, [5]);
    assert_eq!(numbers(RequestFilter { since: Some(NOW + 2), until: Some(NOW + 4), ..none() }).await, [3, 2]);
    assert_eq!(
        numbers(RequestFilter { since: Some(i64::MIN), until: Some(i64::MAX), ..none() }).await.len(),
        6
    );
    assert_eq!(
        numbers(RequestFilter { since: Some(i64::MAX), until: Some(i64::MIN), ..none() }).await,
        [0; 0]
    );
}

async fn records_come_in_pages(rig: Rig) {
    let rig = rig.ready().await;
    let records: Vec<_> = (0..5).map(record).collect();
    insert(&rig.store, &production(), &records).await.unwrap();
    let all = RequestFilter::default();
    let first = rig.store.list_requests(&production(), &all, None, 3).await.unwrap();
    assert_eq!(first.next, Some(record(2).id));
    insert(&rig.store, &production(), &[record(9)]).await.unwrap();
    let last = rig.store.list_requests(&production(), &all, first.next, 3).await.unwrap();
    assert_eq!(last, RecordPage { rows: vec![record(1), record(0)], next: None });
}

/// What a case of the property is made of: for each record its time, its connection, its status and the worker that
/// takes it in; and what is asked.
#[derive(Debug, Clone)]
struct Case {
    records: Vec<(u64, u64, u16, usize)>,
    /// After how many records the workers write what they have.
    flush: usize,
    filter: RequestFilter,
    limit: u32,
}

fn case() -> impl Strategy<Value = Case> {
    let status =
        prop_oneof![Just(None), Just(Some(StatusFilter::Code(200))), Just(Some(StatusFilter::Class(5)))];
    let time = || proptest::option::weighted(0.3, 0..20_000_i64);
    let filter = (proptest::option::weighted(0.4, 0..3_u64), status, time(), time()).prop_map(
        |(connection, status, since, until)| RequestFilter {
            connection_id: connection.map(connection_number),
            status,
            since: since.map(|ms| NOW + ms),
            until: until.map(|ms| NOW + ms),
            ..RequestFilter::default()
        },
    );
    let one = (0..20_000_u64, 0..3_u64, proptest::sample::select(vec![200, 204, 500, 503]), 0..3_usize);
    (proptest::collection::vec(one, 0..120), 1..40_usize, filter, 1..60_u32)
        .prop_map(|(records, flush, filter, limit)| Case { records, flush, filter, limit })
}

/// The first two are of one group, the third of another.
fn connection_number(number: u64) -> passthrough_core::id::ConnectionId {
    connection_id([1, 33, 2][number as usize])
}

impl Case {
    fn records(&self) -> Vec<Record<'static>> {
        let one = |(number, (ms, connection, status, _)): (usize, &(u64, u64, u16, usize))| Record {
            id: RequestId::from_parts(NOW as u64 + ms, number as u128),
            started_at: NOW + *ms as i64,
            connection_id: Some(connection_number(*connection)),
            status_code: Some(*status),
            ..record(0)
        };
        self.records.iter().enumerate().map(one).collect()
    }

    /// Each worker's records in batches of its own, as they overlap when several workers write.
    fn batches(&self, environment: &Environment) -> Vec<RequestBatch> {
        let (records, mut all) = (self.records(), Vec::new());
        for begin in (0..records.len()).step_by(self.flush) {
            for worker in 0..3 {
                let end = (begin + self.flush).min(records.len());
                let its: Vec<_> = (begin..end)
                    .filter(|at| self.records[*at].3 == worker)
                    .map(|at| records[at].clone())
                    .collect();
                all.extend(batches(environment, &its));
            }
        }
        all
    }

    /// What the list must be.
    fn expected(&self) -> Vec<Record<'static>> {
        let mut records = self.records();
        let filter = &self.filter;
        records.retain(|record| {
            let status = match filter.status {
                Some(StatusFilter::Code(code)) => record.status_code == Some(code),
                Some(StatusFilter::Class(class)) => record.status_code.unwrap() / 100 == u16::from(class),
                None => true,
            };
            let connection = filter.connection_id.is_none() || filter.connection_id == record.connection_id;
            let since = filter.since.is_none_or(|since| record.started_at >= since);
            status && connection && since && filter.until.is_none_or(|until| record.started_at < until)
        });
        records.sort_by_key(|record| std::cmp::Reverse(record.id));
        records
    }
}

async fn overlapping_batches_read_as_if_each_record_had_its_row(rig: Rig) {
    let rig = rig.ready().await;
    let config = ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    for number in 0..40 {
        let case = case().new_tree(&mut runner).unwrap().current();
        let room: Environment = format!("case-{number}").parse().unwrap();
        rig.store.insert_request_batches(&case.batches(&room)).await.unwrap();
        let (expected, mut found, mut after) = (case.expected(), Vec::new(), None);
        loop {
            let page = rig.store.list_requests(&room, &case.filter, after, case.limit).await.unwrap();
            assert!(page.next.is_none() || page.rows.len() == case.limit as usize, "{case:?}");
            found.extend(page.rows);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{case:?}");
        for record in case.records().iter().take(5) {
            let found = rig.store.find_request(&room, record.id).await.unwrap();
            assert_eq!(found.as_ref(), Some(record));
        }
    }
    assert_eq!(all(&rig.store, &production()).await, []);
}

async fn a_rare_record_is_found_page_by_page(rig: Rig) {
    let rig = rig.ready().await;
    let big = |number: u64| Record {
        path: "/a".repeat(200_000).into(),
        status_code: Some(if number == 5 || number == 99 { 404 } else { 200 }),
        ..record(number * 100)
    };
    for number in 0..100 {
        // The last record of each batch is as new as the first of the next but one.
        let late = Record { path: "/late".into(), status_code: Some(500), ..record(number * 100 + 150) };
        insert(&rig.store, &production(), &[big(number), late]).await.unwrap();
    }
    let rare = RequestFilter { status: Some(StatusFilter::Code(404)), ..RequestFilter::default() };
    let (mut found, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let page = rig.store.list_requests(&production(), &rare, after, 50).await.unwrap();
        found.extend(page.rows.iter().map(|record| record.id));
        pages += 1;
        assert!(page.next.is_none() || after.is_none_or(|after| page.next.unwrap() < after), "it goes on");
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, [record(9_900).id, record(500).id]);
    assert!((2..10).contains(&pages), "40 MB are not read at once: {pages}");
    assert_eq!(rig.store.find_request(&production(), record(500).id).await, Ok(Some(big(5))));
}

async fn retention_deletes_the_oldest_first_and_in_bounds(rig: Rig) {
    let rig = rig.ready().await;
    for number in 0..10 {
        insert(&rig.store, &production(), &[record(number), record(number + 1_000)]).await.unwrap();
    }
    insert(&rig.store, &staging(), &[record(500)]).await.unwrap();
    let left = async || {
        let mut left = all(&rig.store, &production()).await;
        left.retain(|record| record.started_at < NOW + 1_000);
        left.iter().rev().map(|record| record.started_at - NOW).collect::<Vec<_>>()
    };
    assert_eq!(rig.store.delete_requests_before(NOW + 1_000, 4).await, Ok(1), "the one in staging");
    assert_eq!(rig.store.delete_requests_before(NOW + 1_007, 4).await, Ok(4));
    assert_eq!(left().await, [4, 5, 6, 7, 8, 9]);
    assert_eq!(rig.store.delete_requests_before(NOW + 1_007, 4).await, Ok(3));
    assert_eq!(rig.store.delete_requests_before(NOW + 1_007, 4).await, Ok(0));
    assert_eq!(left().await, [7, 8, 9]);
    assert_eq!(all(&rig.store, &staging()).await, []);
    assert_eq!(rig.store.delete_requests_before(i64::MAX, 5_000).await, Ok(3));
}

async fn a_nul_in_one_record_does_not_cost_the_batch(rig: Rig) {
    let rig = rig.ready().await;
    let odd = Record { path: "/a\0b".into(), error_code: Some("\0".into()), ..record(1) };
    insert(&rig.store, &production(), &[odd.clone(), record(2)]).await.unwrap();
    let found = rig.store.find_request(&production(), odd.id).await.unwrap().unwrap();
    assert_eq!((found.path.as_ref(), found.error_code.as_deref()), ("/a\u{fffd}b", Some("\u{fffd}")));
    assert_eq!(all(&rig.store, &production()).await.len(), 2);
}

async fn an_operator_can_read_the_records_with_sql(rig: Rig) {
    let rig = rig.ready().await;
    insert(&rig.store, &production(), &every_shape()).await.unwrap();
    let sql = if rig.url.starts_with("sqlite") {
        "select cast(value ->> 'duration_ms' as text) as took from request_batches, json_each(records) \
         where value ->> 'error_code' = 'gateway_timeout'"
    } else {
        "select record ->> 'duration_ms' as took \
         from request_batches, jsonb_array_elements(records::jsonb) as record \
         where record ->> 'error_code' = 'gateway_timeout'"
    };
    let rows = sqlx::query(sql).fetch_all(&rig.backdoor().await).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<String, _>("took")).collect::<Vec<_>>(), ["12"; 5]);
}

/// The tables as the first version made them.
async fn to_the_first_version(rig: &Rig) {
    let first = if rig.url.starts_with("sqlite") {
        include_str!("../../migrations/sqlite/0001_initial.sql")
    } else {
        include_str!("../../migrations/postgres/0001_initial.sql")
    };
    let begin = first.find("create table requests").unwrap();
    let end = begin + first[begin..].find("-- What changed").unwrap();
    let sql = format!(
        "drop table request_batches; delete from schema_migrations where version = 2; {}",
        &first[begin..end]
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&rig.backdoor().await).await.unwrap();
}

async fn records_of_an_older_version_are_still_there(rig: Rig) {
    let rig = rig.ready().await;
    to_the_first_version(&rig).await;
    let mut records = every_shape();
    records.push(Record { connection_id: Some(connection_id(7)), ..record(70_000) });
    let backdoor = rig.backdoor().await;
    for record in &records {
        sqlx::query(
            "insert into requests values \
             ($1, 'production', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        )
        .bind(record.id.to_string())
        .bind(record.connection_id.map(|id| id.to_string()))
        .bind(record.api_key_id.map(|id| id.to_string()))
        .bind(record.provider.as_deref())
        .bind(record.door.as_str())
        .bind(record.method.as_ref())
        .bind(record.path.as_ref())
        .bind(record.status_code.map(i64::from))
        .bind(record.error_code.as_deref())
        .bind(record.origin.map(Origin::as_str))
        .bind(record.sent.map(Sent::as_str))
        .bind(i64::from(record.attempts))
        .bind(record.started_at)
        .bind(record.duration_ms)
        .bind(record.upstream_duration_ms)
        .bind(record.request_bytes)
        .bind(record.response_bytes)
        .execute(&backdoor)
        .await
        .unwrap();
    }
    assert_eq!(rig.store.migrate().await.unwrap().len(), 1);
    assert_eq!(rows(&rig).await, 3, "two groups at first, and one much later");
    for record in &records {
        let found = rig.store.find_request(&production(), record.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(record));
    }
    let of_one = RequestFilter { connection_id: Some(connection_id(7)), ..RequestFilter::default() };
    let page = rig.store.list_requests(&production(), &of_one, None, 50).await.unwrap();
    assert_eq!(page.rows, records[8..]);
    records.reverse();
    assert_eq!(all(&rig.store, &production()).await, records);
}
