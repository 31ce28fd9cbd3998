use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;

const PLACE: Binding<'_> =
    Binding { table: "connections", environment: "env-1", row: "row-1", field: "credential", generation: 7 };

/// Checked against another implementation of HKDF and AES-GCM (Python's `cryptography`), which computed
/// the same bytes from the description at the head of `seal.rs`. A change here means that nothing that
/// is stored today will open tomorrow: raise the version and keep reading this one.
const KNOWN_ANSWER: &str = "\
0151ebc6177c2b4cd045a7bd9317519ff603cc7d8e8dc78d01b437af5b2a5ff1230113d5cc04e06b74e0aa0a4b2f4f8d
14ca1fc63500c21fbb333333333333333333333333333333333333333333333333333333333333333389dee474b1ad0c
99dc7ea36e92e839c42adcf9dcc351ed472ba2b3086569ddffd6313a1ae2b48ccdae2e00f111af4df1b7c61708705dec
37971db7e7dfed";

#[test]
fn the_bytes_of_version_1_never_change() {
    let keyring = Keyring::of_secret([0x11; 32], 0);
    let data_key = Secret::copy_of(&[0x22; 32]).unwrap();
    let sealed = keyring.seal_with(&PLACE, b"attack at dawn", &data_key, &[0x33; 32]).unwrap();
    assert_eq!(HEXLOWER.encode(&sealed.bytes), KNOWN_ANSWER.replace('\n', ""));
    assert_eq!(**keyring.open(&PLACE, &sealed.bytes).unwrap(), *b"attack at dawn");
}

#[test]
fn the_same_plaintext_is_sealed_differently_each_time() {
    let keyring = Keyring::generate(0);
    let first = keyring.seal(&PLACE, b"same").unwrap();
    let second = keyring.seal(&PLACE, b"same").unwrap();
    // Version and key id are equal; no 16 bytes after them are, at any offset.
    assert_eq!(first.bytes[..9], second.bytes[..9]);
    let same = first.bytes[9..].windows(16).zip(second.bytes[9..].windows(16)).any(|(a, b)| a == b);
    assert!(!same);
}

/// Everything but the commitment is genuine and fits together, so this is refused by it alone.
#[test]
fn a_ciphertext_with_another_keys_commitment_is_refused() {
    let keyring = Keyring::of_secret([0x11; 32], 0);
    let salt = [0x33; 32];
    let seal = |key: u8, text: &[u8]| {
        let data_key = Secret::copy_of(&[key; 32]).unwrap();
        keyring.seal_with(&PLACE, text, &data_key, &salt).unwrap().bytes
    };
    let (first, second) = (seal(0x22, b"first"), seal(0x44, b"other"));
    let commitment = 89..121;
    let mut forged = first.clone();
    forged[commitment.clone()].copy_from_slice(&second[commitment]);
    assert_eq!(keyring.open(&PLACE, &first).unwrap().as_slice(), b"first");
    assert_eq!(keyring.open(&PLACE, &forged).unwrap_err(), OpenError::Refused);
}

#[test]
fn every_part_of_another_blob_is_refused() {
    let keyring = Keyring::generate(0);
    let ours = keyring.seal(&PLACE, b"0123456789").unwrap().bytes;
    let theirs = keyring.seal(&PLACE, b"abcdefghij").unwrap().bytes;
    for part in [9..57, 57..89, 89..121, 9..89, 57..121, 9..121, 121..131, 131..147, 121..147] {
        let mut mixed = ours.clone();
        mixed[part.clone()].copy_from_slice(&theirs[part.clone()]);
        assert_eq!(keyring.open(&PLACE, &mixed).unwrap_err(), OpenError::Refused, "{part:?}");
    }
}

#[test]
fn sealed_bytes_are_137_longer_than_their_plaintext() {
    let keyring = Keyring::generate(0);
    for length in [0, 1, 4096] {
        assert_eq!(keyring.seal(&PLACE, &vec![0; length]).unwrap().bytes.len(), length + 137);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes: Vec<u8>, known_key: bool) {
        let keyring = Keyring::of_secret([0x11; 32], 0);
        let mut blob = vec![VERSION];
        if known_key {
            blob.extend_from_slice(keyring.primary().as_bytes());
        }
        blob.extend_from_slice(&[0xA5; 112]);
        blob.extend_from_slice(&bytes);
        prop_assert!(keyring.open(&PLACE, &bytes).is_err());
        let expected = match key_id_of(&blob) {
            Err(error) => error,
            Ok(_) if known_key => OpenError::Refused,
            Ok(id) => OpenError::UnknownKey(id),
        };
        prop_assert_eq!(blob.len() < OVERHEAD, expected == OpenError::Malformed);
        prop_assert_eq!(keyring.open(&PLACE, &blob).unwrap_err(), expected);
    }
}
