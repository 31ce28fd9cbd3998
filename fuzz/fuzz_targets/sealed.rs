//! Sealed bytes, as somebody may have written them into the database. Input: two bytes of place, one of change,
//! then the plaintext; and the whole as it stands as sealed bytes.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use passthrough_vault::{Binding, Keyring, OpenError, key_id_of};

/// A known key, so that a corpus keeps its meaning.
static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    let id = "k51ebc6177c2b4cd0";
    let secret = "11".repeat(32);
    let text = format!(
        "version = 1\nprimary = \"{id}\"\npromoted_at = 0\nkeys = 1\n[[key]]\nid = \"{id}\"\ncreated_at = 0\nsecret = \"{secret}\"\n"
    );
    Keyring::parse(&text).expect("a keyring")
});

const PLACE: Binding<'static> = Binding {
    table: "connection",
    environment: "production",
    row: "conn_1",
    field: "credential",
    generation: 1,
};

fuzz_target!(|data: &[u8]| {
    assert!(KEYRING.open(&PLACE, data).is_err(), "bytes that nobody sealed were opened");
    assert_eq!(key_id_of(data).is_err(), KEYRING.open(&PLACE, data) == Err(OpenError::Malformed));

    let Some(([high, low, change], plaintext)) = data.split_first_chunk::<3>() else { return };
    let mut sealed = KEYRING.seal(&PLACE, plaintext).expect("sealing").bytes;
    assert_eq!(KEYRING.open(&PLACE, &sealed).as_ref().map(|opened| &opened[..]), Ok(plaintext));
    for elsewhere in [
        Binding { row: "conn_2", ..PLACE },
        Binding { environment: "test", ..PLACE },
        Binding { field: "variables", ..PLACE },
        Binding { generation: 2, ..PLACE },
    ] {
        assert_eq!(KEYRING.open(&elsewhere, &sealed), Err(OpenError::Refused), "opened at another place");
    }
    let at = usize::from(u16::from_be_bytes([*high, *low])) % sealed.len();
    assert!(KEYRING.open(&PLACE, &sealed[..at]).is_err(), "opened though cut off");
    if *change != 0 {
        sealed[at] ^= change;
        assert!(KEYRING.open(&PLACE, &sealed).is_err(), "opened though changed");
    }
});
