//! The key file. Input: its text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use passthrough_vault::Keyring;

fuzz_target!(|text: &str| {
    match Keyring::parse(text) {
        Ok(keyring) => {
            let again = Keyring::parse(&keyring.to_text()).expect("what was written can be read");
            assert_eq!((again.primary(), again.keys()), (keyring.primary(), keyring.keys()));
        }
        Err(error) => {
            // The seeds hold this line as a secret and as a stray line.
            assert!(!error.to_string().contains("1111111111"), "the key file is quoted");
            assert!(error.line <= text.lines().count().max(1));
        }
    }
});
