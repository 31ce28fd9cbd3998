//! The trace that a caller is in: the header `traceparent` of W3C Trace Context.

use data_encoding::HEXLOWER;

/// A caller's place in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    pub(super) sampled: bool,
}

impl Context {
    /// Reads a header's value (W3C Trace Context section 3.2). `None` where it is not well-formed: then a new
    /// trace begins, and nobody is told.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let mut parts = text.split('-');
        let version: [u8; 1] = hex(parts.next()?)?;
        let trace_id: [u8; 16] = hex(parts.next()?)?;
        let span_id: [u8; 8] = hex(parts.next()?)?;
        let flags: [u8; 1] = hex(parts.next()?)?;
        // Later versions may have more parts; this one has four.
        let sound = match version[0] {
            0xff => false,
            0 => parts.next().is_none(),
            _ => true,
        };
        let is_some = trace_id != [0; 16] && span_id != [0; 8];
        (sound && is_some).then_some(Self { trace_id, span_id, sampled: flags[0] & 1 == 1 })
    }

    /// The header's value.
    pub(super) fn header(self) -> String {
        let flags = u8::from(self.sampled);
        format!("00-{}-{}-{flags:02x}", HEXLOWER.encode(&self.trace_id), HEXLOWER.encode(&self.span_id))
    }
}

/// Lower-case hex of exactly this many bytes.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_well_formed_is_no_context() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(Context::parse(good.as_bytes()).unwrap().sampled);
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more";
        assert!(!Context::parse(later.as_bytes()).unwrap().sampled);
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
        ] {
            assert_eq!(Context::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn whatever_comes_it_does_not_panic_and_what_is_written_is_read(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            trace_id: [u8; 16], span_id: [u8; 8], sampled: bool,
        ) {
            let _ = Context::parse(&bytes);
            prop_assume!(trace_id != [0; 16] && span_id != [0; 8]);
            let context = Context { trace_id, span_id, sampled };
            prop_assert_eq!(Context::parse(context.header().as_bytes()), Some(context));
        }
    }
}
