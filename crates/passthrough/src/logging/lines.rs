//! Log lines on their way out, written by a thread of their own.
//!
//! Whoever reads standard error may stop reading. A server that then waited in the middle of a request would
//! stop serving, so a line is put into memory, and where too much is there already, it is dropped and counted.
//! What is there is written in one piece: many lines cost one write.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The most that waits: some ten thousand lines.
const MAX_WAITING: usize = 4 * 1024 * 1024;

/// Takes lines in. Cheap to clone.
#[derive(Clone)]
pub struct Lines(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Something is there to be written.
    filled: Condvar,
    /// Everything is written.
    emptied: Condvar,
    most: usize,
    /// What is said of so many lines that were lost.
    notice: fn(u64) -> String,
    dropped: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    writing: bool,
}

impl Lines {
    /// Begins to write to `out`. `notice` words how many lines were lost, in the form of the log.
    pub fn to(out: impl Write + Send + 'static, notice: fn(u64) -> String) -> io::Result<Self> {
        Self::with_room(out, notice, MAX_WAITING)
    }

    fn with_room(
        out: impl Write + Send + 'static,
        notice: fn(u64) -> String,
        most: usize,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            most,
            notice,
            dropped: AtomicU64::new(0),
        });
        let lines = Self(Arc::clone(&shared));
        thread::Builder::new().name("log".to_owned()).spawn(move || shared.keep_writing(out))?;
        Ok(lines)
    }

    /// Waits until everything is written, but no longer than this: a reader who has stopped must not hold up
    /// the end of the program.
    pub fn flush(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let mut state = self.0.state();
        while state.writing || !state.waiting.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.0.emptied.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_writing(&self, mut out: impl Write) {
        let mut taken = Vec::new();
        loop {
            let mut state = self.state();
            state.writing = false;
            while state.waiting.is_empty() {
                self.emptied.notify_all();
                state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.writing = true;
            taken.clear();
            std::mem::swap(&mut taken, &mut state.waiting);
            drop(state);
            // Where nobody reads any more, there is nobody to tell.
            let _ = out.write_all(&taken);
            let dropped = self.dropped.swap(0, Ordering::Relaxed);
            if dropped > 0 {
                let _ = writeln!(out, "{}", (self.notice)(dropped));
            }
            let _ = out.flush();
        }
    }
}

/// One call is one line, as `tracing_subscriber` writes them.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.0.state();
        if state.waiting.len() + line.len() > self.0.most {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return Ok(line.len());
        }
        let was_empty = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if was_empty {
            self.0.filled.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// A reader who reads only when told to.
    struct Pipe {
        written: Arc<Mutex<Vec<u8>>>,
        may_write: Receiver<()>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.may_write.recv().map_err(io::Error::other)?;
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn pipe(most: usize) -> (Lines, Sender<()>, Arc<Mutex<Vec<u8>>>) {
        let (allow, may_write) = channel();
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let pipe = Pipe { written: Arc::clone(&written), may_write };
        (Lines::with_room(pipe, |count| format!("lost {count}"), most).unwrap(), allow, written)
    }

    #[test]
    fn lines_come_out_whole_and_in_order() {
        let (mut lines, allow, written) = pipe(1000);
        for line in ["one\n", "two\n", "three\n"] {
            allow.send(()).unwrap();
            lines.write_all(line.as_bytes()).unwrap();
        }
        lines.flush(SOON);
        assert_eq!(String::from_utf8_lossy(&written.lock().unwrap()), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_reader_who_stands_still_holds_nobody_up_and_what_is_lost_is_counted() {
        let (mut lines, allow, written) = pipe(100);
        for _ in 0..1000 {
            lines.write_all(b"a line of some twenty\n").unwrap();
        }
        lines.flush(Duration::from_millis(10));
        assert!(written.lock().unwrap().is_empty(), "it came back although nothing was written");
        for _ in 0..10 {
            allow.send(()).unwrap();
        }
        lines.flush(SOON);
        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let kept = written.lines().filter(|line| *line == "a line of some twenty").count();
        let lost = written.lines().find_map(|line| line.strip_prefix("lost ")).unwrap();
        assert_eq!(kept + lost.parse::<usize>().unwrap(), 1000, "{written}");
        assert!((4..=9).contains(&kept), "{kept}");
    }
}
