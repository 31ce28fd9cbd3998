//! What is sent, and what is made of the answer.

use passthrough_client::wire::connection::CreateConnection;
use passthrough_client::{ConnectionFilter, PassthroughRequest, Raw};

use crate::{KEY, TOKEN, answer, answering, client};

const ENVELOPE: &str = r#"{"method":"GET","path":"/a","statusCode":404,"headers":{"X":["1","2"]},
    "response":{"n": 12345678901234567890},"responseEncoding":"json","requestId":"req_1","durationMs":2,
    "upstreamDurationMs":1,"attempts":1}"#;

#[tokio::test]
async fn a_request_presents_key_and_token_and_any_status_of_the_provider_is_an_answer() {
    let server = answering(&answer("200 OK\r\ncontent-type: application/json", ENVELOPE)).await;
    let connection = client(&server).connection(TOKEN.into());
    let response = connection.request(&PassthroughRequest::get("/a")).await.unwrap();
    assert_eq!((response.status_code, response.header("x")), (404, Some("1")));
    assert_eq!(response.response.get(), r#"{"n": 12345678901234567890}"#);

    let sent = server.connections()[0].text();
    assert!(sent.starts_with("POST /v1/passthrough HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains(&format!("authorization: Bearer {KEY}\r\n")), "{sent}");
    assert!(sent.contains(&format!("connection-token: {TOKEN}\r\n")), "{sent}");
    assert!(sent.ends_with(r#"{"method":"GET","path":"/a"}"#), "{sent}");
}

#[tokio::test]
async fn raw_tells_the_providers_bytes_from_an_envelope() {
    let provider = answering(&answer("201 Created\r\npassthrough-source: provider", "bytes")).await;
    let connection = client(&provider).connection(TOKEN.into());
    let Raw::Provider(stream) = connection.raw(&PassthroughRequest::get("/a")).await.unwrap() else {
        panic!()
    };
    assert_eq!((stream.status().as_u16(), stream.content_length()), (201, Some(5)));
    assert_eq!(&stream.bytes().await.unwrap()[..], b"bytes");

    let envelope = answering(&answer("200 OK\r\npassthrough-source: envelope", ENVELOPE)).await;
    let connection = client(&envelope).connection(TOKEN.into());
    let Raw::Envelope(answer) = connection.raw(&PassthroughRequest::get("/a")).await.unwrap() else {
        panic!()
    };
    assert_eq!(answer.status_code, 404);
}

#[tokio::test]
async fn a_created_connection_sends_its_secrets_and_brings_its_token() {
    let body = r#"{"id":"conn_1","status":"connected","provider":"p","integration":"p","auth":"key","tags":[],
        "createdAt":"t","updatedAt":"t","token":"con_tkn_new"}"#;
    let server = answering(&answer("201 Created", body)).await;
    let mut request = CreateConnection { provider: Some("p".into()), ..Default::default() };
    request.credentials.insert("api_key".into(), "s3cret".into());
    let created = client(&server).create_connection(&request).await.unwrap();
    assert_eq!(created.token, "con_tkn_new");
    assert!(!format!("{created:?} {request:?}").contains("s3cret"));
    assert!(!format!("{created:?}").contains("con_tkn_new"));
    assert!(server.connections()[0].text().contains(r#""credentials":{"api_key":"s3cret"}"#));
}

#[tokio::test]
async fn filters_go_into_the_query_encoded() {
    let server = answering(&answer("200 OK", r#"{"results":[],"next":"c"}"#)).await;
    let filter =
        ConnectionFilter { external_id: Some("a b&c".into()), limit: Some(5), ..ConnectionFilter::default() };
    let page = client(&server).list_connections(&filter).await.unwrap();
    assert_eq!(page.next.as_deref(), Some("c"));
    let sent = server.connections()[0].text();
    assert!(sent.starts_with("GET /v1/connections?externalId=a%20b%26c&limit=5 HTTP/1.1\r\n"), "{sent}");
}

#[tokio::test]
async fn an_empty_answer_is_enough_where_nothing_is_expected() {
    let server = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    client(&server).delete_connection("conn_1/../x").await.unwrap();
    assert!(
        server.connections()[0].text().starts_with("DELETE /v1/connections/conn_1%2F..%2Fx HTTP/1.1\r\n")
    );
}
