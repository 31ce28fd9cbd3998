//! Header fields as a message has them.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Header fields in their order and spelling, duplicates included: what HTTP/1.1 puts onto the wire.
///
/// Names are found without regard to case. The values may hold secrets, so they are not shown by `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(Bytes, Bytes)>);

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| String::from_utf8_lossy(name))).finish()
    }
}

impl Fields {
    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|(given, _)| is_named(given, name)).map(|(_, value)| value)
    }

    /// The value of a name that stands here once; `None` where it is missing or repeated.
    pub fn only(&self, name: &str) -> Option<&Bytes> {
        let mut values = self.0.iter().filter(|(given, _)| is_named(given, name));
        values.next().filter(|_| values.next().is_none()).map(|(_, value)| value)
    }

    /// The values of a name.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> + 'a {
        self.0.iter().filter(move |(given, _)| is_named(given, name)).map(|(_, value)| value)
    }

    /// Whether the name stands here.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(given, _)| is_named(given, name))
    }

    /// Adds a field at the end.
    pub fn push(&mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.0.push((name.into(), value.into()));
    }

    /// Sets a field: whatever stood under its name goes, and the new one stands at the end.
    pub fn set(&mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) {
        let name = name.into();
        self.0.retain(|(given, _)| !given.eq_ignore_ascii_case(&name));
        self.0.push((name, value.into()));
    }

    /// Takes a name out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(given, _)| !is_named(given, name));
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// The fields for looking things up, or for a protocol without spelling. What is no field is left out.
    pub fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.0.len());
        for (name, value) in &self.0 {
            let value = HeaderValue::from_maybe_shared(value.clone());
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) {
                map.append(name, value);
            }
        }
        map
    }
}

/// Names in lower case, values of one name together.
impl From<&HeaderMap> for Fields {
    fn from(map: &HeaderMap) -> Self {
        let bytes = |value: &HeaderValue| Bytes::copy_from_slice(value.as_bytes());
        let name = |name: &HeaderName| Bytes::copy_from_slice(name.as_ref());
        Self(map.iter().map(|(given, value)| (name(given), bytes(value))).collect())
    }
}

fn is_named(given: &[u8], name: &str) -> bool {
    given.eq_ignore_ascii_case(name.as_bytes())
}
