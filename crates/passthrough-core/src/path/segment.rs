//! What a path segment may be: the one rule that keeps a path inside its base.

use super::PathError;

/// Whether a path (with or without its first `/`) can only be read in one way: nothing to decode, no
/// parameters, no other separator, no segment that begins with a dot. Most are so, and need no closer look.
pub(crate) fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    let dotted = bytes.first() == Some(&b'.') || bytes.windows(2).any(|pair| pair == b"/.");
    !dotted && !bytes.iter().any(|byte| matches!(byte, b'%' | b';' | b'\\' | 0x80..))
}

/// Judges every segment of `path`, which begins with `/`.
pub(super) fn check_path(path: &str) -> Result<(), PathError> {
    if is_plain(path) {
        return Ok(());
    }
    path.split('/').try_for_each(check_segment)
}

/// Refuses a segment that some server could read as `.` or `..`.
///
/// The segment is decoded once and split at `/` and `\` (servers that decode before they route see
/// `%2e%2e%2f` as a climb, Windows ones `..%5c` too), and each piece is judged without its parameters
/// (servlet containers drop `;x` before they resolve dots, so `..;x` and `..%3bx` are `..`).
/// Pieces after the first `;` are judged as well: `a;%2f..` climbs where parameters are not dropped.
fn check_segment(segment: &str) -> Result<(), PathError> {
    let decoded = percent_decode(segment).ok_or(PathError::MalformedPercent)?;
    let decoded = fold_overlong(&decoded);
    if decoded.contains(&0) {
        return Err(PathError::Nul);
    }
    for piece in pieces(&decoded) {
        let name = piece.split(|b| *b == b';').next().unwrap_or_default();
        if matches!(name, b"." | b"..") {
            return Err(PathError::DotSegment);
        }
    }
    Ok(())
}

/// Splits decoded bytes where some server would see a separator.
pub(crate) fn pieces(decoded: &[u8]) -> impl Iterator<Item = &[u8]> {
    decoded.split(|b| matches!(b, b'/' | b'\\'))
}

/// Percent-decodes once, to bytes; `None` where a `%` is not followed by two hexadecimal digits.
pub(crate) fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let (high, low) = (hex(*after.first()?)?, hex(*after.get(1)?)?);
        decoded.push(high << 4 | low);
        rest = &after[2..];
    }
    Some(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Reads overlong UTF-8 forms of ASCII (`%c0%ae` for `.`, `%e0%80%af` for `/`) the way a careless decoder
/// does. RFC 3629 section 10 names them as the known way around path checks; no valid text holds them.
fn fold_overlong(bytes: &[u8]) -> Vec<u8> {
    let mut folded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        let (ascii, taken) = match rest {
            [lead @ (0xC0 | 0xC1), last @ 0x80..=0xBF, ..] => ((lead & 1) << 6 | last & 0x3F, 2),
            [0xE0, lead @ (0x80 | 0x81), last @ 0x80..=0xBF, ..] => ((lead & 1) << 6 | last & 0x3F, 3),
            [0xF0, 0x80, lead @ (0x80 | 0x81), last @ 0x80..=0xBF, ..] => ((lead & 1) << 6 | last & 0x3F, 4),
            _ => {
                folded.push(byte);
                rest = after;
                continue;
            }
        };
        folded.push(ascii);
        rest = &rest[taken..];
    }
    folded
}
