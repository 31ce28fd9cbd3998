//! Interim answers (RFC 9110 §15.2), such as the hints of a 103, before the final one.

use http::StatusCode;

use super::inbound::{Shared, lock};
use crate::Field;
use crate::head::write_response;

/// Where the handler of a request puts interim answers. Cheap to clone, and without effect once the final
/// answer has begun.
#[derive(Debug, Clone)]
pub struct Interim(pub(super) Option<(Shared, u64)>);

impl Interim {
    /// Sends the head of an interim answer and says whether it will be written: not to a caller of HTTP/1.0,
    /// which knows none; not after the final answer has begun; not for ever to a caller that reads nothing;
    /// and never a 100, which is the connection's own, or a 101, which is final.
    pub fn send(&self, status: StatusCode, reason: &[u8], fields: &[Field]) -> bool {
        let Some((inbound, exchange)) = &self.0 else { return false };
        let own = matches!(status, StatusCode::CONTINUE | StatusCode::SWITCHING_PROTOCOLS);
        if own || !status.is_informational() {
            return false;
        }
        let mut inbound = lock(inbound);
        if inbound.exchange != *exchange {
            return false;
        }
        inbound.interim().is_some_and(|out| write_response(out, status, reason, fields).is_ok())
    }
}
