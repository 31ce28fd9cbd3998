//! How long an exchange may stand still, with few looks at the clock and hardly a timer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::error::Reason;

/// A timer that is armed late. One that is left over from an earlier wait, mostly on the same socket, is kept
/// as it is and moved only when it fires: the common case is that the answer comes long before.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready once `due` has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if sleep.deadline() > due {
            sleep.as_mut().reset(due);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
    }
}

/// A timer that fires so much too late says that this process stood still: it was stopped, or its machine was.
const STOOD_STILL: Duration = Duration::from_secs(1);
/// Then what came meanwhile lies unread in the socket, because timers are looked at before sockets are. This long is
/// left to read it: an answer that is there must not be thrown away, a rotated token in it least of all.
const TO_CATCH_UP: Duration = Duration::from_millis(200);

/// What is known about the movement of an exchange, and when all of it must be over.
#[derive(Debug)]
pub(super) struct Patience {
    deadline: Option<Instant>,
    /// How long the exchange has, whatever else is due, after the process stood still.
    reprieve: Option<Instant>,
    /// The count of movements when somebody last looked, and when that was.
    seen: Option<(u64, Instant)>,
}

impl Patience {
    pub(super) fn new(deadline: Option<Instant>) -> Self {
        Self { deadline, reprieve: None, seen: None }
    }

    /// Ready when nothing has moved for `idle`, or when the deadline has passed: with `reason`, or with the
    /// reason of the deadline. To be polled whenever the exchange has to wait.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut Timer,
        moves: u64,
        (idle, reason): (Duration, Reason),
    ) -> Poll<Reason> {
        let moved = match self.seen {
            Some((seen, at)) if seen == moves => at,
            _ => self.seen.insert((moves, Instant::now())).1,
        };
        let due = moved + idle;
        let (due, reason) = match self.deadline {
            Some(deadline) if deadline < due => (deadline, Reason::TotalTimeout),
            _ => (due, reason),
        };
        let due = self.reprieve.map_or(due, |reprieve| due.max(reprieve));
        ready!(timer.poll(cx, due));
        if self.reprieve.is_none() && Instant::now().saturating_duration_since(due) > STOOD_STILL {
            let reprieve = *self.reprieve.insert(Instant::now() + TO_CATCH_UP);
            ready!(timer.poll(cx, reprieve));
        }
        Poll::Ready(reason)
    }

    /// Whether the deadline has passed.
    pub(super) fn is_late(&self) -> bool {
        let ended = |at: Instant| Instant::now() >= at;
        self.deadline.is_some_and(ended) && self.reprieve.is_none_or(ended)
    }
}
