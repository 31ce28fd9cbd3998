//! Rotation: add, promote, seal anew, count zero, remove.

use passthrough_vault::{Binding, Keyring, OpenError, Pepper, RewrapError, key_id_of};

fn place(row: &str) -> Binding<'_> {
    Binding { table: "connections", environment: "env", row, field: "credential", generation: 1 }
}

#[test]
fn a_key_is_replaced_while_everything_stays_readable() {
    let mut keyring = Keyring::generate(1);
    let old = keyring.primary();
    let rows = ["a", "b", "c"];
    let mut stored = rows.map(|row| keyring.seal(&place(row), row.as_bytes()).unwrap());

    let new = keyring.add(2);
    assert_eq!(keyring.seal(&place("d"), b"d").unwrap().key_id, old, "an added key does not seal yet");
    keyring.promote(&new, 3).unwrap();
    assert_eq!(keyring.seal(&place("d"), b"d").unwrap().key_id, new);

    for (row, sealed) in rows.iter().zip(&mut stored) {
        assert_eq!(keyring.open(&place(row), &sealed.bytes).unwrap().as_slice(), row.as_bytes());
        *sealed = keyring.rewrap(&place(row), &sealed.bytes).unwrap().unwrap();
        assert_eq!((sealed.key_id, key_id_of(&sealed.bytes)), (new, Ok(new)));
        assert_eq!(keyring.rewrap(&place(row), &sealed.bytes), Ok(None), "once is enough");
    }
    assert_eq!(stored.iter().filter(|sealed| sealed.key_id == old).count(), 0);

    keyring.remove(&old).unwrap();
    for (row, sealed) in rows.iter().zip(&stored) {
        assert_eq!(keyring.open(&place(row), &sealed.bytes).unwrap().as_slice(), row.as_bytes());
    }
}

#[test]
fn what_was_not_sealed_anew_names_the_key_that_was_removed() {
    let mut keyring = Keyring::generate(1);
    let old = keyring.primary();
    let forgotten = keyring.seal(&place("a"), b"a").unwrap();
    let new = keyring.add(2);
    keyring.promote(&new, 3).unwrap();
    keyring.remove(&old).unwrap();
    let expected = OpenError::UnknownKey(old);
    assert_eq!(keyring.open(&place("a"), &forgotten.bytes).unwrap_err(), expected);
    assert_eq!(keyring.rewrap(&place("a"), &forgotten.bytes), Err(RewrapError::Open(expected)));
}

#[test]
fn sealing_anew_does_not_carry_a_value_to_another_place_or_mend_a_forged_one() {
    let mut keyring = Keyring::generate(1);
    let mut sealed = keyring.seal(&place("a"), b"a").unwrap().bytes;
    let new = keyring.add(2);
    keyring.promote(&new, 3).unwrap();
    let refused = Err(RewrapError::Open(OpenError::Refused));
    assert_eq!(keyring.rewrap(&place("b"), &sealed), refused);
    sealed[100] ^= 1;
    assert_eq!(keyring.rewrap(&place("a"), &sealed), refused);
    assert_eq!(keyring.rewrap(&place("a"), &[]), Err(RewrapError::Open(OpenError::Malformed)));
}

#[test]
fn the_hashes_of_a_sealed_pepper_survive_the_removal_of_its_key() {
    let mut keyring = Keyring::generate(1);
    let old = keyring.primary();
    let pepper = Pepper::generate();
    let stored = pepper.hash("api_key", b"id", b"token");
    let sealed = keyring.seal(&place("pepper"), pepper.expose_bytes()).unwrap();

    let new = keyring.add(2);
    keyring.promote(&new, 3).unwrap();
    let sealed = keyring.rewrap(&place("pepper"), &sealed.bytes).unwrap().unwrap();
    keyring.remove(&old).unwrap();

    let opened = Pepper::from_bytes(&keyring.open(&place("pepper"), &sealed.bytes).unwrap()).unwrap();
    assert!(opened.matches("api_key", b"id", b"token", &stored));
}
