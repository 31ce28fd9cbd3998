//! The one source of randomness: the system's generator, as AWS-LC keeps it.

use aws_lc_rs::rand;

/// `N` unpredictable bytes, good for keys, tokens and nonces.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
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
    use super::random;

    #[test]
    fn two_draws_differ_and_are_not_zero() {
        let (first, second) = (random::<32>(), random::<32>());
        assert_ne!(first, second);
        assert_ne!(first, [0; 32]);
    }
}
