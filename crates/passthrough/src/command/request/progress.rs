//! A bar for bodies that take a while.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Below this many bytes nobody waits.
const WORTH_SHOWING: u64 = 1024 * 1024;

/// Shows how far a body is, once it turns out to be long.
pub(super) struct Progress {
    word: &'static str,
    length: Option<u64>,
    enabled: bool,
    moved: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(word: &'static str, length: Option<u64>, enabled: bool) -> Self {
        Self { word, length, enabled, moved: 0, bar: None }
    }

    pub(super) fn advance(&mut self, bytes: u64) {
        self.moved += bytes;
        if !self.enabled || self.moved < WORTH_SHOWING {
            return;
        }
        let (word, length) = (self.word, self.length);
        self.bar.get_or_insert_with(|| bar(word, length)).set_position(self.moved);
    }

    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn bar(word: &'static str, length: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr()).with_message(word);
    let form = match length {
        Some(_) => "{msg} {bar:30} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left",
        None => "{msg} {bytes}, {binary_bytes_per_sec}",
    };
    match ProgressStyle::with_template(form) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
