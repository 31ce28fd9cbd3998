//! Callers: what puts load on a proxy.

pub mod crowd;
pub mod http;
pub mod open_loop;
pub mod transfer;
pub mod wrk;
