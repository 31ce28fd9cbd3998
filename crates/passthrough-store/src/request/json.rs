//! Writes a record as JSON, in the form that [`Record`]'s `Deserialize` reads.
//!
//! By hand, because it happens with every passthrough: a general serialiser looks at each character of names and
//! ids that need no escaping, which took a tenth of all the instructions of a proxied request.

use passthrough_core::id::MAX_TEXT;

use super::{ProviderLimit, Record};

impl Record<'_> {
    /// Appends the record.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        let mut id = [0; MAX_TEXT];
        out.extend_from_slice(b"{\"id\":\"");
        out.extend_from_slice(self.id.write(&mut id).as_bytes());
        out.push(b'"');
        if let Some(connection) = self.connection_id {
            plain(out, b",\"connection_id\":", connection.write(&mut id));
        }
        if let Some(api_key) = self.api_key_id {
            plain(out, b",\"api_key_id\":", api_key.write(&mut id));
        }
        if let Some(provider) = &self.provider {
            text(out, b",\"provider\":", provider);
        }
        plain(out, b",\"door\":", self.door.as_str());
        text(out, b",\"method\":", &self.method);
        text(out, b",\"path\":", &self.path);
        if let Some(status) = self.status_code {
            number(out, b",\"status_code\":", status);
        }
        if let Some(code) = &self.error_code {
            text(out, b",\"error_code\":", code);
        }
        if let Some(reason) = &self.error_reason {
            text(out, b",\"error_reason\":", reason);
        }
        if let Some(origin) = self.origin {
            plain(out, b",\"origin\":", origin.as_str());
        }
        if let Some(sent) = self.sent {
            plain(out, b",\"sent\":", sent.as_str());
        }
        number(out, b",\"attempts\":", self.attempts);
        number(out, b",\"started_at\":", self.started_at);
        number(out, b",\"duration_ms\":", self.duration_ms);
        if let Some(duration) = self.upstream_duration_ms {
            number(out, b",\"upstream_duration_ms\":", duration);
        }
        number(out, b",\"request_bytes\":", self.request_bytes);
        number(out, b",\"response_bytes\":", self.response_bytes);
        self.provider_limit.write_json(out);
        out.push(b'}');
    }
}

impl ProviderLimit {
    fn write_json(self, out: &mut Vec<u8>) {
        if self == Self::default() {
            return;
        }
        let members = [
            (&b"\"limit\":"[..], self.limit),
            (b"\"remaining\":", self.remaining),
            (b"\"resets_at\":", self.resets_at),
        ];
        let mut begin = &b",\"provider_limit\":{"[..];
        for (name, value) in members {
            if let Some(value) = value {
                out.extend_from_slice(begin);
                number(out, name, value);
                begin = b",";
            }
        }
        out.push(b'}');
    }
}

fn number(out: &mut Vec<u8>, name: &[u8], number: impl itoa::Integer) {
    out.extend_from_slice(name);
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A text of letters, digits and `_`.
fn plain(out: &mut Vec<u8>, name: &[u8], text: &str) {
    out.extend_from_slice(name);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Any text.
fn text(out: &mut Vec<u8>, name: &[u8], text: &str) {
    // No early exit: the compiler can then look at many bytes at once.
    let odd = |byte: u8| !(b' '..=b'~').contains(&byte) | (byte == b'"') | (byte == b'\\');
    if !text.bytes().fold(false, |is_odd, byte| is_odd | odd(byte)) {
        return plain(out, name, text);
    }
    out.extend_from_slice(name);
    // Text can always be written into memory.
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.extend_from_slice(b"\"\"");
    }
}

#[cfg(test)]
mod tests {
    use passthrough_core::fault::{Door, Origin, Sent};
    use passthrough_core::id::{ApiKeyId, ConnectionId, RequestId};
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn a_limit()(limit in of(any::<i64>()), remaining in of(any::<i64>()), resets_at in of(any::<i64>()))
            -> ProviderLimit
        {
            ProviderLimit { limit, remaining, resets_at }
        }
    }

    prop_compose! {
        fn a_record()(
            ids in any::<(u32, u128, u128, u128)>(),
            given in any::<[bool; 4]>(),
            texts in (".*", ".*", of(".*"), of("[\\x00-\\x7f]*"), of("[a-z_]*")),
            kinds in (0..5usize, 0..3usize, 0..3usize),
            numbers in any::<(u32, i64, i64, i64, i64)>(),
            optional in (of(any::<u16>()), of(any::<i64>())),
            provider_limit in a_limit(),
        ) -> Record<'static> {
            let time = u64::from(ids.0);
            Record {
                id: RequestId::from_parts(time, ids.1),
                connection_id: given[0].then(|| ConnectionId::from_parts(time, ids.2)),
                api_key_id: given[1].then(|| ApiKeyId::from_parts(time, ids.3)),
                provider: texts.2.map(Into::into),
                door: [Door::Envelope, Door::Raw, Door::Proxy, Door::Terminal, Door::Panora][kinds.0],
                method: texts.0.into(),
                path: texts.1.into(),
                status_code: optional.0,
                error_code: texts.3.map(Into::into),
                error_reason: texts.4.map(Into::into),
                origin: given[2].then_some([Origin::Caller, Origin::Passthrough, Origin::Provider][kinds.1]),
                sent: given[3].then_some([Sent::Yes, Sent::No, Sent::Unknown][kinds.2]),
                attempts: numbers.0,
                started_at: numbers.1,
                duration_ms: numbers.2,
                upstream_duration_ms: optional.1,
                request_bytes: numbers.3,
                response_bytes: numbers.4,
                provider_limit,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(record in a_record()) {
            let mut out = Vec::new();
            record.write_json(&mut out);
            prop_assert_eq!(serde_json::from_slice::<Record<'_>>(&out).unwrap(), record);
        }
    }
}
