//! API keys, connection tokens and ids. Input: the text that a caller presents.

#![no_main]

use libfuzzer_sys::fuzz_target;
use passthrough_core::id::{ConnectionId, Environment};
use passthrough_core::token::{Token, TokenKind};
use ulid::Ulid;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        for kind in [TokenKind::ApiKey, TokenKind::Connection] {
            if let Ok(token) = Token::parse(kind, text) {
                assert_eq!(token.expose(), text, "a token has one spelling");
                assert!(!format!("{token:?}").contains(&text[text.len() - 59..]), "its secret is not shown");
            }
        }
        if let Ok(id) = text.parse::<ConnectionId>() {
            assert_eq!(id.to_string(), text, "an id has one spelling");
        }
        if let Ok(environment) = text.parse::<Environment>() {
            assert_eq!(environment.to_string(), text);
        }
    }
    let Some((ulid, rest)) = data.split_first_chunk::<16>() else { return };
    let Some((secret, _)) = rest.split_first_chunk::<32>() else { return };
    for kind in [TokenKind::ApiKey, TokenKind::Connection] {
        let made = Token::from_parts(kind, Ulid::from(u128::from_be_bytes(*ulid)), *secret).expose();
        let read = Token::parse(kind, &made).expect("what was made can be read");
        assert_eq!(read.expose_secret(), secret);
    }
});
