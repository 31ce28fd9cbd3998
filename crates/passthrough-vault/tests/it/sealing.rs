//! What opens, and everything that must not.

use passthrough_vault::{Binding, Keyring, OpenError, key_id_of};
use proptest::prelude::*;

type Place = ([String; 4], i64);

fn binding((texts, generation): &Place) -> Binding<'_> {
    let [table, environment, row, field] = texts.each_ref().map(String::as_str);
    Binding { table, environment, row, field, generation: *generation }
}

fn place() -> impl Strategy<Value = Place> {
    ([".{0,6}", ".{0,6}", ".{0,6}", ".{0,6}"], any::<i64>())
}

const PLACE: Binding<'_> =
    Binding { table: "connections", environment: "env", row: "row", field: "credential", generation: 1 };

proptest! {
    #[test]
    fn what_was_sealed_opens_at_its_place(place in place(), plaintext: Vec<u8>) {
        let keyring = Keyring::generate(0);
        let sealed = keyring.seal(&binding(&place), &plaintext).unwrap();
        prop_assert_eq!(&**keyring.open(&binding(&place), &sealed.bytes).unwrap(), &plaintext);
        prop_assert_eq!(sealed.key_id, keyring.primary());
        prop_assert_eq!(key_id_of(&sealed.bytes), Ok(keyring.primary()));
    }

    #[test]
    fn a_change_of_any_part_of_the_binding_is_refused(place in place(), part in 0..5usize, change in ".{1,3}", step in 1..=i64::MAX) {
        let keyring = Keyring::generate(0);
        let sealed = keyring.seal(&binding(&place), b"secret").unwrap();
        let mut other = place.clone();
        match other.0.get_mut(part) {
            Some(text) => text.push_str(&change),
            None => other.1 = other.1.wrapping_add(step),
        }
        prop_assert_eq!(keyring.open(&binding(&other), &sealed.bytes).unwrap_err(), OpenError::Refused);
    }

    #[test]
    fn two_swapped_parts_of_the_binding_are_refused(place in place(), left in 0..4usize, right in 0..4usize) {
        let mut other = place.clone();
        other.0.swap(left, right);
        prop_assume!(other != place);
        let keyring = Keyring::generate(0);
        let sealed = keyring.seal(&binding(&place), b"secret").unwrap();
        prop_assert_eq!(keyring.open(&binding(&other), &sealed.bytes).unwrap_err(), OpenError::Refused);
    }

    #[test]
    fn bytes_that_were_added_or_exchanged_are_refused(plaintext in prop::collection::vec(any::<u8>(), 0..64), added in prop::collection::vec(any::<u8>(), 1..64), at: prop::sample::Index) {
        let keyring = Keyring::generate(0);
        let sealed = keyring.seal(&PLACE, &plaintext).unwrap().bytes;
        let mut longer = sealed.clone();
        longer.extend_from_slice(&added);
        prop_assert_eq!(keyring.open(&PLACE, &longer).unwrap_err(), OpenError::Refused);
        let at = at.index(sealed.len() + 1);
        let inserted = [&sealed[..at], &added, &sealed[at..]].concat();
        prop_assume!(!inserted.starts_with(&sealed));
        prop_assert!(keyring.open(&PLACE, &inserted).is_err());
    }

    #[test]
    fn random_bytes_never_open_and_never_panic(bytes: Vec<u8>) {
        prop_assert!(Keyring::generate(0).open(&PLACE, &bytes).is_err());
        let _ = key_id_of(&bytes);
    }
}

#[test]
fn every_single_bit_flip_is_refused() {
    let keyring = Keyring::generate(0);
    let sealed = keyring.seal(&PLACE, b"a secret of some length").unwrap().bytes;
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = keyring.open(&PLACE, &flipped).unwrap_err();
        let expected = match bit / 8 {
            0 => OpenError::Malformed,
            1..=8 => OpenError::UnknownKey(key_id_of(&flipped).unwrap()),
            _ => OpenError::Refused,
        };
        assert_eq!(error, expected, "bit {bit}");
    }
}

#[test]
fn every_truncated_prefix_is_refused() {
    let keyring = Keyring::generate(0);
    let sealed = keyring.seal(&PLACE, b"a secret of some length").unwrap().bytes;
    for length in 0..sealed.len() {
        let expected = if length < 137 { OpenError::Malformed } else { OpenError::Refused };
        assert_eq!(keyring.open(&PLACE, &sealed[..length]).unwrap_err(), expected, "length {length}");
    }
}

#[test]
fn another_keyring_says_which_key_it_lacks() {
    let (ours, theirs) = (Keyring::generate(0), Keyring::generate(0));
    let sealed = ours.seal(&PLACE, b"secret").unwrap();
    assert_eq!(theirs.open(&PLACE, &sealed.bytes).unwrap_err(), OpenError::UnknownKey(ours.primary()));
}

/// The same key id with another key behind it, which only a forger can write into the bytes.
#[test]
fn bytes_relabelled_for_another_key_are_refused() {
    let mut keyring = Keyring::generate(0);
    let sealed = keyring.seal(&PLACE, b"secret").unwrap().bytes;
    let added = keyring.add(1);
    keyring.promote(&added, 2).unwrap();
    let other = keyring.seal(&PLACE, b"secret").unwrap().bytes;
    let relabelled = [&sealed[..1], &other[1..9], &sealed[9..]].concat();
    assert_eq!(key_id_of(&relabelled), Ok(added));
    assert_eq!(keyring.open(&PLACE, &relabelled).unwrap_err(), OpenError::Refused);
}
