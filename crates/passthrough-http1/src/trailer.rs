//! Which fields may stand behind a body.
//!
//! Trailers come when a message has been judged already. Whoever merges them into its head would believe one that
//! frames, routes or authenticates it (RFC 9110 §6.5.1), so such a one is sent nowhere.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::Field;

/// The names that never stand in a trailer.
const NEVER: [HeaderName; 19] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::EXPECT,
    header::HOST,
    header::MAX_FORWARDS,
    header::PROXY_AUTHORIZATION,
    header::RANGE,
    header::SET_COOKIE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Whether a field may stand in a trailer.
#[must_use]
pub fn may_trail(name: &HeaderName) -> bool {
    !NEVER.contains(name)
}

/// The trailers without those that may not be.
#[must_use]
pub fn kept(trailers: &HeaderMap) -> HeaderMap {
    those_kept(trailers).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The same, as they are written.
pub(crate) fn fields(trailers: &HeaderMap) -> Vec<Field> {
    let bytes = Bytes::copy_from_slice;
    those_kept(trailers).map(|(name, value)| (bytes(name.as_ref()), bytes(value.as_bytes()))).collect()
}

fn those_kept(trailers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    trailers.iter().filter(|(name, _)| may_trail(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_frames_routes_or_authenticates_a_message_is_left_out() {
        let mut trailers: HeaderMap =
            NEVER.into_iter().map(|name| (name, HeaderValue::from_static("forged"))).collect();
        trailers.append("x-sum", HeaderValue::from_static("7"));
        trailers.append("x-sum", HeaderValue::from_static("8"));
        let left = kept(&trailers);
        assert_eq!(left.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["x-sum", "x-sum"]);
        let field = |value: &'static str| (Bytes::from("x-sum"), Bytes::from(value));
        assert_eq!(fields(&trailers), [field("7"), field("8")]);
    }
}
