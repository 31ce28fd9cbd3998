//! What several fuzz targets ask for.

use bytes::BytesMut;
use passthrough_http1::head::{HeadError, HeadReader, Limits};
use passthrough_wire::fields::FieldError;
use serde_json::Value;

/// A text that the seeds use as a secret value. Where it comes back, a secret would have come back.
pub const MARKER: &str = "s3cr3t";

/// No message may quote a value: what stands at the wrong place may be a credential. Names are quoted, so a
/// body that has the marker in a name proves nothing.
pub fn assert_nothing_is_echoed(json: &[u8], errors: &[FieldError]) {
    assert!(!errors.is_empty(), "refused without a reason");
    if serde_json::from_slice(json).is_ok_and(|value: Value| is_in_a_name(&value)) || is_repeated(json) {
        return;
    }
    for error in errors {
        assert!(!error.message.contains(MARKER), "a value is echoed: {error:?}");
    }
}

fn is_in_a_name(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, member)| name.contains(MARKER) || is_in_a_name(member))
        }
        Value::Array(items) => items.iter().any(is_in_a_name),
        _ => false,
    }
}

/// Whether the marker may stand in a name that the other reader does not see, because its object is replaced by
/// a later one of the same name.
fn is_repeated(json: &[u8]) -> bool {
    json.windows(MARKER.len()).filter(|window| *window == MARKER.as_bytes()).count() > 1
}

/// What a stranger's heads are read with; small, so that made-up bytes reach the limits.
pub const SMALL: Limits = Limits { bytes: 2048, fields: 40 };

/// What our own heads are read back with: they may be a few spaces longer than what was read.
pub const LARGE: Limits = Limits { bytes: 8192, fields: 40 };

/// Reads heads one after the other from bytes that arrive `read` at a time.
pub fn heads<T>(
    read_one: impl Fn(&mut HeadReader, &mut BytesMut, &Limits) -> Result<Option<T>, HeadError>,
    limits: &Limits,
    data: &[u8],
    read: usize,
) -> (Vec<T>, Option<HeadError>) {
    let (mut reader, mut buf, mut heads) = (HeadReader::new(), BytesMut::new(), Vec::new());
    for part in data.chunks(read.max(1)) {
        buf.extend_from_slice(part);
        loop {
            match read_one(&mut reader, &mut buf, limits) {
                Ok(Some(head)) => heads.push(head),
                Ok(None) => break,
                Err(error) => return (heads, Some(error)),
            }
        }
    }
    (heads, None)
}
