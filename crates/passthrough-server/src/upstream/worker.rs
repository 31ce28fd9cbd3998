//! Which worker thread this is.
//!
//! Sockets stay with the worker that opened them, so that no two workers wait for each other at the pool.

use std::cell::Cell;

/// Workers that have something of their own; more than these share.
pub const WORKERS: usize = 64;

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// Says that this thread is worker `number`, counted from 1. Threads that never say so share the number 0.
pub fn set(number: usize) {
    NUMBER.set(number);
}

/// The number of this thread's own things, below [`WORKERS`].
pub fn current() -> usize {
    NUMBER.get() % WORKERS
}
