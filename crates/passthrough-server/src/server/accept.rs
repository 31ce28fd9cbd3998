//! Takes callers in, and goes on when there is no room for more.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use passthrough_core::id::RequestId;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use super::date::date;
use crate::http::doors::{REQUEST_ID, SOURCE};
use crate::http::error::ApiError;
use crate::metrics::Callers;
use crate::upstream::is_out_of_descriptors;

/// How often a shortage is told.
const SELDOM: Duration = Duration::from_secs(1);
/// How long it takes before there may be room again.
const PAUSE: Duration = Duration::from_millis(10);

/// The answer to a caller for whom there is no place. Short, so that any fresh socket takes it at once.
pub(super) fn full(id: RequestId, now_ms: i64) -> String {
    let error = ApiError::overloaded("there are too many connections; try again");
    let body = serde_json::to_string(&error.body(&id.to_string())).unwrap_or_default();
    let (length, date) = (body.len(), date(now_ms));
    let date = String::from_utf8_lossy(&date);
    format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         {REQUEST_ID}: {id}\r\n{SOURCE}: passthrough\r\nDate: {date}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n{body}"
    )
}

/// How many callers may be connected at once, over all workers.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    taken: AtomicUsize,
    numbers: Arc<Callers>,
}

impl Places {
    pub(super) fn new(most: usize, numbers: Arc<Callers>) -> Arc<Self> {
        Arc::new(Self { most, taken: AtomicUsize::new(0), numbers })
    }

    fn take(self: &Arc<Self>) -> Option<Place> {
        if self.taken.fetch_add(1, Ordering::Relaxed) < self.most {
            self.numbers.accepted.increment();
            self.numbers.open.increment();
            return Some(Place(Arc::clone(self)));
        }
        self.taken.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

/// A place that is given back when its caller has gone.
#[derive(Debug)]
pub(super) struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
        self.0.numbers.open.decrement();
    }
}

/// Accepts callers on one socket.
pub(super) struct Acceptor {
    listener: TcpListener,
    places: Arc<Places>,
    /// What a caller is told for whom there is no place.
    refusal: Box<dyn Fn() -> String + Send>,
    /// A file descriptor kept back, see [`Acceptor::shed`].
    reserve: Option<File>,
    told: Option<Instant>,
    /// Callers turned away since that was told.
    turned_away: u64,
}

impl Acceptor {
    pub(super) fn new(
        listener: TcpListener,
        places: Arc<Places>,
        refusal: Box<dyn Fn() -> String + Send>,
    ) -> Self {
        Self { listener, places, refusal, reserve: reserve(), told: None, turned_away: 0 }
    }

    /// The next caller for whom there is a place. Nothing is lost when it is dropped.
    pub(super) async fn next(&mut self) -> (TcpStream, Place) {
        loop {
            if self.reserve.is_none() {
                self.reserve = reserve();
            }
            match self.listener.accept().await {
                Ok((stream, _)) => match self.places.take() {
                    Some(place) => {
                        let _ = stream.set_nodelay(true);
                        return (stream, place);
                    }
                    None => {
                        // Accepted and told, because a caller that waits in the queue learns nothing.
                        let _ = SockRef::from(&stream).send((self.refusal)().as_bytes());
                        self.turn_away("`server.max_connections` is reached");
                    }
                },
                Err(error) if is_out_of_descriptors(&error) => self.shed().await,
                // The caller went away while it waited.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    self.turn_away(&error.to_string());
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Without a descriptor nobody can be accepted, and so nobody be turned away: the queue would stay full
    /// of callers who wait for nothing, and the socket would report them for ever. The reserve lets one in
    /// and out again.
    async fn shed(&mut self) {
        self.turn_away("this process may open no more files; raise the hard limit (ulimit -Hn)");
        self.reserve = None;
        let shed = tokio::time::timeout(Duration::ZERO, self.listener.accept()).await;
        drop(shed);
        self.reserve = reserve();
        tokio::time::sleep(PAUSE).await;
    }

    fn turn_away(&mut self, why: &str) {
        self.turned_away += 1;
        if self.told.is_none_or(|told| told.elapsed() >= SELDOM) {
            tracing::warn!(turned_away = self.turned_away, why, "callers cannot be taken in");
            (self.told, self.turned_away) = (Some(Instant::now()), 0);
        }
    }
}

fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_is_as_long_as_it_says() {
        let id = RequestId::from(ulid::Ulid::from_parts(1, 2));
        let text = full(id, 0);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["code"], &body["requestId"]), (&"overloaded".into(), &id.to_string().into()));
    }

    #[tokio::test]
    async fn who_finds_no_place_is_told_and_the_next_one_finds_it() {
        use tokio::io::AsyncReadExt;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut acceptor = Acceptor::new(
            listener,
            Places::new(1, Arc::default()),
            Box::new(|| full(RequestId::from(ulid::Ulid::from_parts(1, 2)), 0)),
        );
        let _first = TcpStream::connect(address).await.unwrap();
        let (_stream, place) = acceptor.next().await;
        let mut second = TcpStream::connect(address).await.unwrap();
        let mut answer = String::new();
        tokio::select! {
            _ = acceptor.next() => panic!("there is no place"),
            read = second.read_to_string(&mut answer) => read.unwrap(),
        };
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        drop(place);
        let _third = TcpStream::connect(address).await.unwrap();
        acceptor.next().await;
    }
}
