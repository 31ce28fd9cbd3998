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

/// What is known about the movement of an exchange, and when all of it must be over.
#[derive(Debug)]
pub(super) struct Patience {
    deadline: Option<Instant>,
    /// The count of movements when somebody last looked, and when that was.
    seen: Option<(u64, Instant)>,
}

impl Patience {
    pub(super) fn new(deadline: Option<Instant>) -> Self {
        Self { deadline, seen: None }
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
        timer.poll(cx, due).map(|()| reason)
    }

    /// Whether the deadline has passed.
    pub(super) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}
