//! Looks into texts that are percent- or base64-encoded, or both.

use std::borrow::Cow;

use data_encoding::BASE64URL_NOPAD;
use percent_encoding::percent_decode_str;

/// A run of base64 that is shorter is too short for a token.
const SHORTEST_RUN: usize = 40;

/// Other text may stand right before the encoded one, so that it begins at any of a group's four characters.
const GROUP: [usize; 4] = [0, 1, 2, 3];

/// Whether what is sought stands in a text once it is decoded.
pub(super) fn holds(text: &str, sought: impl Fn(&[u8]) -> bool) -> bool {
    let decoded: Cow<'_, [u8]> = percent_decode_str(text).into();
    let was_encoded = matches!(decoded, Cow::Owned(_));
    (was_encoded && sought(&decoded))
        || runs(&decoded).any(|run| GROUP.into_iter().any(|skip| sought(&decode(&run[skip..]))))
}

/// The runs of characters that base64 or base64url consists of.
fn runs(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_other = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"+/-_".contains(byte));
    bytes.split(is_other).filter(|run| run.len() >= SHORTEST_RUN)
}

/// Decodes groups of four from the beginning, in whichever alphabet, as far as they are whole.
fn decode(run: &[u8]) -> Vec<u8> {
    let url_safe = |byte: &u8| match byte {
        b'+' => b'-',
        b'/' => b'_',
        byte => *byte,
    };
    let whole: Vec<u8> = run[..run.len() / 4 * 4].iter().map(url_safe).collect();
    BASE64URL_NOPAD.decode(&whole).unwrap_or_default()
}
