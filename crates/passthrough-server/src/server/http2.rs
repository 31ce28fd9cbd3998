//! A caller that speaks HTTP/2: hyper's codec, the router, and a watch over slow callers.
//!
//! Extended CONNECT (RFC 8441) is not offered, so that a caller who keeps to the protocol opens its WebSocket
//! over HTTP/1.1; one that asks all the same has its stream reset. A plain CONNECT is answered by the doors.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tower::ServiceExt;

use super::slow::{self, Patience, Progress, Watched};
use super::worker::{Streams, Worker};
use crate::http::metrics::Peer;
use crate::rewound::Rewound;
use tokio::net::TcpStream;

/// Requests that one caller may have in flight on one connection.
const STREAMS: u32 = 200;

/// Serves one caller's connection until it ends, the caller is too slow, or the server stops.
pub(super) async fn serve(socket: Rewound<TcpStream>, peer: Option<Peer>, worker: Arc<Worker>) {
    let settings = worker.settings;
    let patience = Patience { head: settings.head, unread: settings.unread, rest: settings.rest };
    let progress = Progress::new();
    let io = TokioIo::new(Watched::new(socket, progress.clone()));
    let (noting, router) = (progress.clone(), worker.router.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let answering = router.clone().oneshot(request.map(Body::new));
        let progress = noting.clone();
        async move { Ok::<_, Infallible>(slow::noted(progress, patience.unread, unfailing(answering)).await) }
    });
    let mut builder = http2::Builder::new(Streams(Arc::clone(&worker)));
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(settings.limits.bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(settings.rest)
        .max_concurrent_streams(STREAMS);
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut watch = pin!(progress.watch(patience));
    tokio::select! {
        result = connection.as_mut() => return ended(result),
        () = watch.as_mut() => return tracing::debug!("a caller was too slow and is let go"),
        () = worker.stop.finish.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        result = connection => ended(result),
        // A caller that does not answer hyper's last ping must not hold the end of the server up.
        () = progress.resting() => {}
        () = watch => {}
    }
}

async fn unfailing(answering: impl Future<Output = Result<Response, Infallible>>) -> Response {
    match answering.await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn ended(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a caller's connection ended early");
    }
}
