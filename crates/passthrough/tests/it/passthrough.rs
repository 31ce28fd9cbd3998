//! The three doors, on real input.

use passthrough_testkit::program::Engine;

use crate::support::{on_both_databases, shop};

on_both_databases! {
    a_stored_credential_makes_its_first_call
    a_call_leaves_its_record
}

async fn a_stored_credential_makes_its_first_call(engine: Engine) {
    let shop = shop(engine).await;
    let envelope = shop.envelope(r#"{"method":"GET","path":"/orders?limit=2","query":{"page":1}}"#).await;
    assert_eq!(envelope["statusCode"], 200);
    assert_eq!(envelope["path"], "/orders?limit=2&page=1");
    assert_eq!(envelope["response"]["target"], "/base/orders?limit=2&page=1");
    assert_eq!(envelope["responseEncoding"], "json");
    let seen = shop.provider.last();
    assert_eq!(seen.header("authorization"), [format!("Bearer {}", shop.api_key)]);
    shop.program.finish().await;
}

async fn a_call_leaves_its_record(engine: Engine) {
    let shop = shop(engine).await;
    let envelope = shop.envelope(r#"{"method":"POST","path":"/orders?secret=1","body":{"a":1}}"#).await;
    let path = format!("/v1/requests/{}", envelope["requestId"].as_str().unwrap());
    let mut record = shop.program.api("GET", &path, "").await;
    while record.status == 404 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        record = shop.program.api("GET", &path, "").await;
    }
    let record: serde_json::Value = serde_json::from_slice(&record.body).unwrap();
    assert_eq!(record["path"], "/orders");
    assert_eq!(record["statusCode"], 200);
    assert_eq!(record["connectionId"], shop.connection.id);
    assert_eq!(record["requestBytes"], 7);
    shop.program.finish().await;
}
