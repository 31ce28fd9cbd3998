//! The place that sealed bytes belong to.

use crate::key_id::KeyId;

const LABEL: &[u8] = b"passthrough-vault v1: binding";

/// Where sealed bytes are stored. Opening needs the same binding, part by part, as sealing did.
///
/// It stops somebody who can write to the database, but has no key, from moving sealed bytes: another
/// customer's credential into his own row, a production secret into a test environment, a client
/// secret into a field that is shown, or an old generation over a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The table.
    pub table: &'a str,
    /// The environment that the row belongs to.
    pub environment: &'a str,
    /// The primary key of the row.
    pub row: &'a str,
    /// The column, or the part of it.
    pub field: &'a str,
    /// Counts the writes of this field; an older value does not open as a newer one.
    pub generation: i64,
}

impl Binding<'_> {
    /// The bytes that are authenticated with the ciphertext: label, format version, id of the key
    /// encryption key, generation, then each text with its length before it. Without the lengths,
    /// `("ab", "c")` and `("a", "bc")` would be the same bytes, and with them the same place.
    pub(crate) fn encode(&self, version: u8, key_id: KeyId) -> Vec<u8> {
        let texts = [self.table, self.environment, self.row, self.field];
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(LABEL);
        bytes.push(version);
        bytes.extend_from_slice(key_id.as_bytes());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        for text in texts {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Parts = ([String; 4], i64, u8, [u8; 8]);

    fn encode((texts, generation, version, key_id): &Parts) -> Vec<u8> {
        let [table, environment, row, field] = texts.each_ref().map(String::as_str);
        let binding = Binding { table, environment, row, field, generation: *generation };
        binding.encode(*version, KeyId::from_bytes(*key_id))
    }

    fn parts() -> impl Strategy<Value = Parts> {
        // A tiny alphabet with the bytes of a length prefix in it, so that near misses are common.
        let text = "[\u{0}\u{1}ab]{0,3}";
        ([text, text, text, text], 0..2i64, 0..2u8, proptest::array::uniform8(0..2u8))
    }

    proptest! {
        #[test]
        fn two_bindings_have_the_same_bytes_only_if_they_are_the_same(left in parts(), right in parts()) {
            prop_assert_eq!(encode(&left) == encode(&right), left == right);
        }

        #[test]
        fn moving_a_character_across_a_border_changes_the_bytes(texts in ["[ab]{1,3}", "[ab]{1,3}", "[ab]{1,3}", "[ab]{1,3}"], border in 0..3usize) {
            let left: Parts = (texts, 1, 1, [0; 8]);
            let mut right = left.clone();
            let moved = right.0[border].pop().unwrap();
            right.0[border + 1].insert(0, moved);
            prop_assert_ne!(encode(&left), encode(&right));
        }
    }
}
