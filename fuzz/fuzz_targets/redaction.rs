//! Secrets in texts that are shown. Input: two secrets, on lines of their own, then a text in which the bytes 1 to
//! 8 stand for spellings of the first, and 14 to 21 for those of the second.

#![no_main]

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};
use libfuzzer_sys::fuzz_target;
use passthrough_core::redact::Redactor;
use passthrough_core::template::{MASK, percent_encode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `encodeURIComponent` encodes, and what a form in Java or JavaScript does.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*');
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*');

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut text = || std::str::from_utf8(lines.next().unwrap_or_default());
    let (Ok(one), Ok(two)) = (text(), text()) else { return };
    // A secret of asterisks may be made by the mask itself, and a NUL stands for the mask below.
    if [one, two].iter().any(|secret| secret.contains(['*', '\0'])) {
        return;
    }
    let redactor = Redactor::new([one, two]);
    for secret in [one, two].into_iter().filter(|secret| secret.len() >= 4) {
        for spelling in spellings(secret) {
            let masked = redactor.redact_text(&format!("<{spelling}>"));
            assert!(masked.contains(MASK), "{spelling:?} is shown");
        }
    }

    let haystack = with_spellings(lines.next().unwrap_or_default(), one, two);
    let masked = redactor.redact(&haystack);
    assert_eq!(masked.is_some(), redactor.finds(&haystack));
    let masked = String::from_utf8_lossy(masked.as_deref().unwrap_or(&haystack)).replace(MASK, "\0");
    assert!(!redactor.finds(masked.as_bytes()), "a spelling is left");
    for secret in [one, two] {
        assert!(secret.len() < 4 || !masked.contains(secret), "a secret is left");
    }
});

/// Written with other means than the redactor's.
fn spellings(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).expect("a string");
    vec![
        secret.to_owned(),
        BASE64.encode(secret.as_bytes()),
        BASE64.encode(format!("u:{secret}").as_bytes()),
        BASE64_NOPAD.encode(format!("u:{secret}:").as_bytes()),
        BASE64URL_NOPAD.encode(format!("user:{secret}").as_bytes()),
        BASE64URL_NOPAD.encode(format!("user1:{secret}!").as_bytes()),
        percent_encode(secret),
        json[1..json.len() - 1].to_owned(),
        utf8_percent_encode(secret, COMPONENT).to_string(),
        utf8_percent_encode(secret, FORM).to_string().replace("%20", "+"),
    ]
}

fn with_spellings(text: &[u8], one: &str, two: &str) -> Vec<u8> {
    let (ones, twos) = (spellings(one), spellings(two));
    let mut whole = Vec::new();
    for byte in text {
        match byte {
            1..=8 => whole.extend_from_slice(ones[usize::from(*byte) - 1].as_bytes()),
            14..=21 => whole.extend_from_slice(twos[usize::from(*byte) - 14].as_bytes()),
            byte => whole.push(*byte),
        }
    }
    whole
}
