//! The form of API keys and connection tokens: `prefix + ULID + secret + checksum`.
//!
//! The ULID says which row to look at, the 256-bit secret proves the right to it, the checksum lets a typo
//! (and a secret scanner) be told from a wrong token without a look-up. Only a keyed hash of the secret is
//! ever stored; the hashing is the vault's.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use aws_lc_rs::digest;
use data_encoding::BASE32_NOPAD;
use memchr::memmem;
use thiserror::Error;
use ulid::Ulid;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::id::parse_ulid;
use crate::template::MASK;

mod encoded;

const ULID_LENGTH: usize = 26;
const SECRET_LENGTH: usize = 52;
const CHECKSUM_LENGTH: usize = 7;
const BODY_LENGTH: usize = ULID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH;
/// The shorter of the prefixes, and what is behind it.
const SHORTEST: usize = "sk_".len() + BODY_LENGTH;

const KINDS: [TokenKind; 3] = [TokenKind::Connection, TokenKind::ApiKey, TokenKind::Public];
static CONNECTION_TOKEN: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(TokenKind::Connection.prefix()));
static API_KEY: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(TokenKind::ApiKey.prefix()));

/// What a token is for; decides its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// `sk_…`: authenticates the calling application.
    ApiKey,
    /// `con_tkn_…`: presented to act on one connection.
    Connection,
    /// `pub_tkn_…`: exchanged, once, for the connection that was linked.
    Public,
    /// `link_…`: in the URL that an end user opens; the same ULID as the link session's id.
    Link,
    /// `lbr_…`: in the cookie that binds a link session to the browser that opened it.
    Browser,
    /// `lst_…`: the `state` with which a browser comes back from a provider (RFC 6749 section 10.12).
    State,
}

impl TokenKind {
    /// The prefix with its underscore.
    pub fn prefix(self) -> &'static str {
        match self {
            TokenKind::ApiKey => "sk_",
            TokenKind::Connection => "con_tkn_",
            TokenKind::Public => "pub_tkn_",
            TokenKind::Link => "link_",
            TokenKind::Browser => "lbr_",
            TokenKind::State => "lst_",
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
        if !is_well_formed(kind, body) {
            return Err(MalformedToken);
        }
        let (ulid, encoded) = body[..ULID_LENGTH + SECRET_LENGTH].split_at(ULID_LENGTH);
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
/// where an address wants an id. What looks like one counts, whether or not its checksum is right. A segment that
/// holds one percent- or base64-encoded is hidden whole: whoever reads records can decode it.
pub fn hide_tokens(text: &str) -> Cow<'_, str> {
    let plain = hide_plain(text);
    let hides_one = |segment: &str| encoded::holds(segment, looks_like_token);
    // Shorter texts have no room for a token.
    if plain.len() <= ULID_LENGTH || !plain.split('/').any(hides_one) {
        return plain;
    }
    let shown = |segment| if hides_one(segment) { MASK } else { segment };
    Cow::Owned(plain.split('/').map(shown).collect::<Vec<_>>().join("/"))
}

fn hide_plain(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    // Every prefix ends with it, and most paths have none.
    if memchr::memchr(b'_', text.as_bytes()).is_none() {
        return out;
    }
    for kind in KINDS {
        let mut from = 0;
        while let Some(found) = out[from..].find(kind.prefix()) {
            let body = from + found + kind.prefix().len();
            let length = out[body..].bytes().take_while(u8::is_ascii_alphanumeric).count();
            from = body + length;
            if length > ULID_LENGTH {
                out.to_mut().replace_range(body + ULID_LENGTH..from, MASK);
                from = body + ULID_LENGTH;
            }
        }
    }
    out
}

fn looks_like_token(bytes: &[u8]) -> bool {
    bodies(bytes)
        .any(|(_, body)| body.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count() > ULID_LENGTH)
}

/// Whether one of our own tokens, with a checksum that is right, stands somewhere in these bytes. Keys of others
/// that begin alike (`sk_live_…`) are none.
pub fn holds_token(bytes: &[u8]) -> bool {
    // Most values of headers are shorter than any token, and then nothing has to be searched.
    bytes.len() >= SHORTEST
        && bodies(bytes).any(|(kind, body)| {
            let body = body.get(..BODY_LENGTH).and_then(|body| std::str::from_utf8(body).ok());
            body.is_some_and(|body| is_well_formed(kind, body))
        })
}

/// What stands behind every prefix of a token.
fn bodies(bytes: &[u8]) -> impl Iterator<Item = (TokenKind, &[u8])> {
    let all = [(TokenKind::Connection, &*CONNECTION_TOKEN), (TokenKind::ApiKey, &*API_KEY)];
    all.into_iter().flat_map(move |(kind, finder)| {
        finder.find_iter(bytes).map(move |at| (kind, &bytes[at + kind.prefix().len()..]))
    })
}

/// Whether what stands behind a prefix has the length and the checksum of a token.
fn is_well_formed(kind: TokenKind, body: &str) -> bool {
    body.is_ascii() && body.len() == BODY_LENGTH && {
        let (signed, checksum) = body.split_at(ULID_LENGTH + SECRET_LENGTH);
        checksum_of(kind, signed) == checksum
    }
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
    use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};

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
    fn a_segment_with_an_encoded_token_is_hidden_whole() {
        let token = token().expose();
        let percent_every: String = token.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let mut segments = vec![token.replace('_', "%5F"), format!("id-{percent_every}")];
        for before in ["", "a", "ab", "user:"] {
            let text = format!("{before}{token}:");
            for encoding in [&BASE64, &BASE64_NOPAD, &BASE64URL, &BASE64URL_NOPAD] {
                let encoded = encoding.encode(text.as_bytes());
                // A `/` of base64 in a path is written as %2F, or it would end the segment.
                segments.push(encoded.replace('/', "%2F"));
                segments.push(format!("x-{}", encoded.replace('/', "%2f").replace('=', "%3D")));
            }
        }
        for segment in segments {
            assert_eq!(hide_tokens(&format!("/a/{segment}/b")), "/a/***/b", "{segment}");
        }
        let innocent = format!("/{}/{}", BASE64URL.encode(&[b'x'; 200]), "%41".repeat(100));
        assert!(matches!(hide_tokens(&innocent), Cow::Borrowed(_)));
        // A token without its secret, encoded or not, hides nothing.
        let no_secret = format!("/a/{}", &percent_every[..3 * (8 + ULID_LENGTH)]);
        assert_eq!(hide_tokens(&no_secret), no_secret);
    }

    #[test]
    fn a_token_is_found_wherever_it_stands_by_its_checksum() {
        let key = Token::from_parts(TokenKind::ApiKey, Ulid::from_parts(1, 2), [7; 32]).expose();
        for text in
            [key.clone(), format!("sk_live_1, Token {key};"), format!("{{\"t\":\"{}\"}}", token().expose())]
        {
            assert!(holds_token(text.as_bytes()), "{text}");
        }
        let typo = key.replacen(char::from(key.as_bytes()[40]), "!", 1);
        for text in
            [&typo, &key[..key.len() - 1], &format!("sk_live_{}", &key[3..]), "sk_", &"sk_".repeat(99)]
        {
            assert!(!holds_token(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", token()), format!("con_tkn_{}…", token().ulid()));
    }
}
