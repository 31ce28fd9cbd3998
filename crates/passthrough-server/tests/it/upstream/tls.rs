use std::sync::Arc;

use passthrough_server::upstream::{ClientIdentity, InvalidIdentity, Reason, Sent, UpstreamError};
use passthrough_testkit::raw_server::Authority;

use super::*;

fn authority() -> Authority {
    Authority::new("test authority").unwrap()
}

async fn tls_server(
    name: &str,
    authority: &Authority,
    clients: Option<&Authority>,
    answer: &str,
) -> RawServer {
    let tls = authority.server(name, clients).unwrap();
    RawServer::start_tls(vec![answering(answer)], tls).await.unwrap()
}

fn trusting(authority: &Authority) -> Upstream {
    upstream_with(|config| config.extra_roots_pem = Some(authority.pem().into_bytes()))
}

fn secure(server: &RawServer, host: &str) -> Call {
    let mut call = get(server);
    Arc::make_mut(&mut call.origin).scheme = Scheme::Https;
    Arc::make_mut(&mut call.origin).host =
        host.parse().map_or_else(|_| Host::Domain(host.to_owned()), Host::Ip);
    call
}

fn identity(authority: &Authority, name: &str) -> Arc<ClientIdentity> {
    let issued = authority.issue(name).unwrap();
    let identity = ClientIdentity::from_pem(issued.pem().as_bytes(), issued.key_pem().as_bytes());
    Arc::new(identity.unwrap())
}

#[tokio::test]
async fn a_trusted_certificate_for_the_name_or_address_is_accepted() {
    let authority = authority();
    for name in ["localhost", "127.0.0.1"] {
        let server = tls_server(name, &authority, None, OK).await;
        let upstream = trusting(&authority);
        for round in 0..2 {
            let answer = upstream.send(secure(&server, name)).await.unwrap();
            assert_eq!(answer.reused, round > 0);
            assert_eq!(text(answer).await.unwrap(), "ok");
            tokio::time::sleep(millis(20)).await;
        }
    }
}

#[tokio::test]
async fn an_unknown_authority_or_another_name_is_tls_and_nothing_is_sent() {
    let authority = authority();
    let server = tls_server("other.example", &authority, None, OK).await;
    for upstream in [upstream(), trusting(&authority)] {
        let error = upstream.send(secure(&server, "127.0.0.1")).await.unwrap_err();
        assert_eq!((error.reason, error.sent), (Reason::Tls, Sent::No));
    }
    assert!(server.connections().iter().all(|connection| connection.received.is_empty()));
}

#[tokio::test]
async fn plain_text_where_tls_was_expected_is_tls() {
    let server = server(vec![Step::write("HTTP/1.1 400 Bad Request\r\n\r\n"), Step::Hold]).await;
    let error = upstream().send(secure(&server, "127.0.0.1")).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::Tls, Sent::No));
}

#[tokio::test]
async fn client_certificates_are_presented_and_their_sockets_never_shared() {
    let (authority, clients) = (authority(), authority());
    let server = tls_server("localhost", &authority, Some(&clients), OK).await;
    let upstream = trusting(&authority);
    let (alice, bob) = (identity(&clients, "alice"), identity(&clients, "bob"));
    for identity in [&alice, &bob, &alice, &bob] {
        let mut call = secure(&server, "localhost");
        call.identity = Some(identity.clone());
        assert_eq!(text(upstream.send(call).await.unwrap()).await.unwrap(), "ok");
        tokio::time::sleep(millis(20)).await;
    }
    let seen = server.connections();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|connection| connection.client_certificate.is_some()));
    assert_ne!(seen[0].client_certificate, seen[1].client_certificate);

    let error = upstream.send(secure(&server, "localhost")).await.unwrap_err();
    assert_eq!(error.reason, Reason::Tls, "without a certificate: {error:?}");
    let mut call = secure(&server, "localhost");
    call.identity = Some(identity(&authority, "mallory"));
    let error = upstream.send(call).await.unwrap_err();
    assert_eq!(error.reason, Reason::Tls, "with a stranger's certificate: {error:?}");
}

#[tokio::test]
async fn a_body_without_length_that_tls_did_not_close_is_cut_short() {
    let authority = authority();
    let script =
        vec![Step::ReadRequest, Step::write("HTTP/1.1 200 OK\r\n\r\nhalf"), Step::pause(50), Step::Reset];
    let tls = authority.server("localhost", None).unwrap();
    let server = RawServer::start_tls(vec![script], tls).await.unwrap();
    let answer = trusting(&authority).send(secure(&server, "localhost")).await.unwrap();
    assert_eq!(text(answer).await.unwrap_err().reason, Reason::Reset);
}

#[test]
fn certificates_that_cannot_be_used_are_told_apart_and_never_shown() {
    let authority = authority();
    let (one, two) = (authority.issue("one").unwrap(), authority.issue("two").unwrap());
    let read = |chain: &str, key: &str| ClientIdentity::from_pem(chain.as_bytes(), key.as_bytes());
    let fails = |chain: &str, key: &str| read(chain, key).unwrap_err();
    assert_eq!(fails("", &one.key_pem()), InvalidIdentity::NoCertificate);
    assert_eq!(fails(&one.key_pem(), &one.key_pem()), InvalidIdentity::NoCertificate);
    assert_eq!(fails(&one.pem(), "nonsense"), InvalidIdentity::NoKey);
    assert_eq!(fails(&one.pem(), &two.key_pem()), InvalidIdentity::Mismatch);
    assert_eq!(format!("{:?}", read(&one.pem(), &one.key_pem()).unwrap()), "ClientIdentity(…)");
}

#[tokio::test]
async fn extra_roots_that_are_no_certificates_are_refused() {
    for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let config = UpstreamConfig { extra_roots_pem: Some(pem.into()), ..UpstreamConfig::default() };
        assert!(matches!(upstream::Upstream::new(config), Err(UpstreamError::ExtraRoots)), "{pem:?}");
    }
}
