//! The form of API keys and connection tokens: `prefix + ULID + secret + checksum`.
//!
//! The ULID says which row to look at, the 256-bit secret proves the right to it, the checksum lets a typo
//! (and a secret scanner) be told from a wrong token without a look-up. Only a keyed hash of the secret is
//! ever stored; the hashing is the vault's.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::digest;
use data_encoding::BASE32_NOPAD;
use thiserror::Error;
use ulid::Ulid;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::id::parse_ulid;

const ULID_LENGTH: usize = 26;
const SECRET_LENGTH: usize = 52;
const CHECKSUM_LENGTH: usize = 7;

/// What a token is for; decides its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// `sk_…`: authenticates the calling application.
    ApiKey,
    /// `con_tkn_…`: presented to act on one connection.
    Connection,
}

impl TokenKind {
    /// The prefix with its underscore.
    pub fn prefix(self) -> &'static str {
        match self {
            TokenKind::ApiKey => "sk_",
            TokenKind::Connection => "con_tkn_",
        }
    }
}

/// A text that is not a token of the kind that was asked for. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a well-formed token")]
pub struct MalformedToken;

/// A well-formed token. Well-formed is not valid: the secret is still to be compared.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Token {
    #[zeroize(skip)]
    kind: TokenKind,
    #[zeroize(skip)]
    ulid: Ulid,
    secret: [u8; 32],
}

impl Token {
    /// Makes a token from the ULID of its row and 256 bits of randomness.
    pub fn from_parts(kind: TokenKind, ulid: Ulid, secret: [u8; 32]) -> Self {
        Self { kind, ulid, secret }
    }

    /// Reads a token of `kind`.
    pub fn parse(kind: TokenKind, text: &str) -> Result<Self, MalformedToken> {
        let body = text.strip_prefix(kind.prefix()).ok_or(MalformedToken)?;
        if !body.is_ascii() || body.len() != ULID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH {
            return Err(MalformedToken);
        }
        let (signed, checksum) = body.split_at(ULID_LENGTH + SECRET_LENGTH);
        if checksum_of(kind, signed) != checksum {
            return Err(MalformedToken);
        }
        let (ulid, encoded) = signed.split_at(ULID_LENGTH);
        let ulid = parse_ulid(ulid).ok_or(MalformedToken)?;
        let mut decoded = BASE32_NOPAD.decode(encoded.as_bytes()).map_err(|_| MalformedToken)?;
        let mut secret = [0; 32];
        secret.copy_from_slice(&decoded);
        decoded.zeroize();
        Ok(Self { kind, ulid, secret })
    }

    /// The ULID of the row that this token belongs to.
    pub fn ulid(&self) -> Ulid {
        self.ulid
    }

    /// The bytes to hash: never to be stored, logged or compared as they are.
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The token as its owner writes it. Shown once, at creation or rotation.
    pub fn expose(&self) -> String {
        let signed = format!("{}{}", self.ulid, BASE32_NOPAD.encode(&self.secret));
        let checksum = checksum_of(self.kind, &signed);
        format!("{}{signed}{checksum}", self.kind.prefix())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}…", self.kind.prefix(), self.ulid)
    }
}

/// Hides the secret parts of all tokens in a text that is kept or logged, such as a path: people paste a token
/// where an address wants an id. What looks like one counts, whether or not its checksum is right.
pub fn hide_tokens(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    // Every prefix ends with it, and most paths have none.
    if memchr::memchr(b'_', text.as_bytes()).is_none() {
        return out;
    }
    for kind in [TokenKind::Connection, TokenKind::ApiKey] {
        let mut from = 0;
        while let Some(found) = out[from..].find(kind.prefix()) {
            let body = from + found + kind.prefix().len();
            let length = out[body..].bytes().take_while(u8::is_ascii_alphanumeric).count();
            from = body + length;
            if length > ULID_LENGTH {
                out.to_mut().replace_range(body + ULID_LENGTH..from, "***");
                from = body + ULID_LENGTH;
            }
        }
    }
    out
}

/// 35 bits of SHA-256 over prefix, ULID and secret: a checksum, not a signature.
fn checksum_of(kind: TokenKind, signed: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(kind.prefix().as_bytes());
    context.update(signed.as_bytes());
    let mut text = BASE32_NOPAD.encode(&context.finish().as_ref()[..5]);
    text.truncate(CHECKSUM_LENGTH);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token::from_parts(TokenKind::Connection, Ulid::from_parts(1_700_000_000_000, 7), [0xA5; 32])
    }

    #[test]
    fn a_token_reads_back() {
        let text = token().expose();
        let read = Token::parse(TokenKind::Connection, &text).unwrap();
        assert_eq!(read.ulid(), Ulid::from_parts(1_700_000_000_000, 7));
        assert_eq!(read.expose_secret(), &[0xA5; 32]);
    }

    #[test]
    fn every_single_changed_character_is_noticed() {
        let text = token().expose();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(Token::parse(TokenKind::Connection, &changed).is_err(), "position {at}");
        }
        assert!(Token::parse(TokenKind::ApiKey, &text).is_err());
    }

    #[test]
    fn what_has_another_length_or_alphabet_is_refused() {
        let text = token().expose();
        // The last one has the right length in bytes, and a character across the edge of the checksum.
        let split = format!("con_tkn_{}é{}", "A".repeat(77), "A".repeat(6));
        assert_eq!(split.len(), text.len());
        for text in ["con_tkn_", "con_tkn_é", &text[..text.len() - 1], &format!("{text}A"), &split] {
            assert!(Token::parse(TokenKind::Connection, text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_secret_of_every_token_in_a_text_is_hidden() {
        let (connection, key) = (
            token().expose(),
            Token::from_parts(TokenKind::ApiKey, Ulid::from_parts(1, 2), [7; 32]).expose(),
        );
        let text = format!("/a/{connection}/{key}-{connection}?sk_short&sk_");
        let hidden = hide_tokens(&text);
        let (connection, key) = (&connection[..8 + ULID_LENGTH], &key[..3 + ULID_LENGTH]);
        assert_eq!(hidden, format!("/a/{connection}***/{key}***-{connection}***?sk_short&sk_"));
        assert!(matches!(hide_tokens("/orders/1"), Cow::Borrowed("/orders/1")));
        // A token without its secret hides nothing, so nothing of it is hidden.
        assert_eq!(hide_tokens(connection), connection);
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", token()), format!("con_tkn_{}…", token().ulid()));
    }
}
