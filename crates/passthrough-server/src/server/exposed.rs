//! Serves `/metrics` at an address of its own.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::http::metrics::alone;

/// How many may look at once.
const PLACES: usize = 32;
/// How long a request may take to arrive, and a socket to rest: scrapers come four times a minute.
const PATIENCE: Duration = Duration::from_secs(75);
/// After an error there may be room again.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is dropped.
pub(super) async fn serve(app: Arc<App>, listener: TcpListener) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the metrics cannot be served"),
    };
    let router = alone(app);
    let places = Arc::new(Semaphore::new(PLACES));
    let mut sockets = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream: TcpStream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        while sockets.try_join_next().is_some() {}
        let service = TowerToHyperService::new(router.clone());
        sockets.spawn(async move {
            let _place = place;
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(16 * 1024);
            // Whoever breaks off has gone; the next look is a new one.
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
