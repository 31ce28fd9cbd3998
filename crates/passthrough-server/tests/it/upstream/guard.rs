use std::net::{IpAddr, Ipv6Addr};

use passthrough_server::upstream::{Dns, Reason, SendError, Sent};

use super::*;

/// Sends to `host` at the server's port under `policy`, which is expected to refuse.
async fn refusal(
    server: &RawServer,
    policy: AddressPolicy,
    dns: Dns,
    scheme: Scheme,
    host: Host,
) -> SendError {
    let upstream = upstream_with(|config| {
        config.address_policy = policy;
        config.dns = dns;
    });
    let mut call = get(server);
    call.origin = Arc::new(Origin { scheme, host, port: server.address().port() });
    upstream.send(call).await.unwrap_err()
}

#[tokio::test]
async fn closed_addresses_are_never_dialled_as_literals_nor_through_names() {
    let server = server(answering(OK)).await;
    for dns in [Dns::Hickory, Dns::System] {
        for host in [
            Host::Ip(server.address().ip()),
            Host::Ip(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            Host::Ip("::ffff:127.0.0.1".parse().unwrap()),
            Host::Domain("localhost".to_owned()),
        ] {
            let shown = format!("{host:?} {dns:?}");
            let error = refusal(&server, AddressPolicy::default(), dns, Scheme::Https, host).await;
            assert_eq!((error.reason, error.sent), (Reason::BlockedAddress, Sent::No), "{shown}");
        }
    }
    assert!(server.connections().is_empty());
}

#[tokio::test]
async fn plain_http_is_refused_where_it_is_not_opened() {
    let server = server(answering(OK)).await;
    for host in [Host::Ip(server.address().ip()), Host::Domain("localhost".to_owned())] {
        let policy = AddressPolicy { allow_http: Vec::new(), ..open_loopback() };
        let error = refusal(&server, policy, Dns::System, Scheme::Http, host).await;
        assert_eq!((error.reason, error.sent), (Reason::BlockedAddress, Sent::No));
    }
    assert!(server.connections().is_empty());
}

#[tokio::test]
async fn an_opened_name_is_reached_through_either_resolver() {
    let server = server(answering(OK)).await;
    for dns in [Dns::Hickory, Dns::System] {
        let upstream = upstream_with(|config| config.dns = dns);
        let mut call = get(&server);
        Arc::make_mut(&mut call.origin).host = Host::Domain("localhost".to_owned());
        assert_eq!(text(upstream.send(call).await.unwrap()).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn where_some_addresses_are_closed_the_others_are_dialled() {
    let server = server(answering(OK)).await;
    let only_v4 = vec!["127.0.0.0/8".parse().unwrap()];
    let upstream = upstream_with(|config| {
        config.address_policy =
            AddressPolicy { allow: only_v4.clone(), allow_http: only_v4, allow_http_hosts: Vec::new() };
    });
    let mut call = get(&server);
    Arc::make_mut(&mut call.origin).host = Host::Domain("localhost".to_owned());
    assert_eq!(text(upstream.send(call).await.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let elsewhere = server(answering(OK)).await;
    let location = format!("http://{}/", elsewhere.address());
    let answer =
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    let (server, upstream) = (server(answering(&answer)).await, upstream());
    let answer = upstream.send(post(&server, "secret")).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), &answer.fields.only("location").unwrap()[..]),
        (307, location.as_bytes())
    );
    text(answer).await.unwrap();
    assert!(elsewhere.connections().is_empty());
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_dns() {
    let server = server(answering(OK)).await;
    let mut call = get(&server);
    Arc::make_mut(&mut call.origin).host = Host::Domain("nothing.invalid".to_owned());
    let error = upstream().send(call).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::Dns, Sent::No));
}
