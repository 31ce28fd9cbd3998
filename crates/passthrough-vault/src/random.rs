//! The one source of randomness: the system's generator, as AWS-LC keeps it.

use std::cell::RefCell;

use aws_lc_rs::rand;

/// `N` unpredictable bytes, good for keys, tokens and nonces.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

thread_local! {
    /// Bytes for ids that were drawn ahead, and how many of them are left.
    static DRAWN: RefCell<([u8; DRAWN_AHEAD], usize)> = const { RefCell::new(([0; DRAWN_AHEAD], 0)) };
}

/// How much is drawn at once: the generator's cost lies in being asked at all.
const DRAWN_AHEAD: usize = 1024;

/// Ten unpredictable bytes for an id. They were drawn ahead and lay in memory for a while, which is of no
/// harm to what is shown to everybody, but would be to a key.
pub fn random_for_id() -> [u8; 10] {
    DRAWN.with_borrow_mut(|(drawn, left)| {
        let mut bytes = [0; 10];
        if *left < bytes.len() {
            fill(drawn);
            *left = drawn.len();
        }
        *left -= bytes.len();
        bytes.copy_from_slice(&drawn[*left..*left + 10]);
        bytes
    })
}

/// Fills `bytes` in place, so that a secret has no second copy on the stack.
pub(crate) fn fill(bytes: &mut [u8]) {
    if rand::fill(bytes).is_err() {
        // A system that has no randomness must not go on with zeros for a key: every secret made
        // from here on would be known to everybody. AWS-LC itself stops the process in this case.
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::{random, random_for_id};

    #[test]
    fn ids_never_repeat() {
        let mut ids: Vec<_> = (0..1_000).map(|_| random_for_id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1_000);
    }

    #[test]
    fn two_draws_differ_and_are_not_zero() {
        let (first, second) = (random::<32>(), random::<32>());
        assert_ne!(first, second);
        assert_ne!(first, [0; 32]);
    }
}
