//! One timer for all deadlines of a connection.

use std::pin::Pin;
use std::task::Context;

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that is cheap to move: the runtime's timer is touched only when a nearer deadline appears or
/// when it went off too early, not with every request.
#[derive(Debug)]
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    until: Instant,
}

impl Timer {
    pub(super) fn new(until: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(until)), until }
    }

    pub(super) fn set(&mut self, until: Instant) {
        self.until = until;
        if until < self.sleep.deadline() || self.sleep.is_elapsed() {
            self.sleep.as_mut().reset(until);
        }
    }

    /// Whether the deadline has passed. If not, the task is woken when it does.
    pub(super) fn poll_passed(&mut self, cx: &mut Context<'_>) -> bool {
        while self.sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= self.until {
                return true;
            }
            self.sleep.as_mut().reset(self.until);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;
    use std::time::Duration;

    use super::*;

    async fn passed(timer: &mut Timer) {
        poll_fn(|cx| if timer.poll_passed(cx) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    #[tokio::test]
    async fn a_deadline_that_was_moved_goes_off_when_it_was_moved_to() {
        let begin = Instant::now();
        let mut timer = Timer::new(begin + Duration::from_millis(20));
        timer.set(begin + Duration::from_millis(60));
        passed(&mut timer).await;
        assert!(begin.elapsed() >= Duration::from_millis(60));
        timer.set(begin + Duration::from_secs(3_600));
        timer.set(Instant::now() + Duration::from_millis(5));
        passed(&mut timer).await;
        assert!(begin.elapsed() < Duration::from_secs(60));
    }
}
