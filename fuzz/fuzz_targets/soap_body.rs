//! A security header put into a caller's SOAP envelope. Input: the user name, the password and the body, on lines of
//! their own.

#![no_main]

use libfuzzer_sys::fuzz_target;
use passthrough_core::soap_body::property::injecting_adds_one_block;

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut text = || std::str::from_utf8(lines.next().unwrap_or_default());
    let (Ok(username), Ok(password)) = (text(), text()) else { return };
    injecting_adds_one_block(lines.next().unwrap_or_default(), username, password).unwrap();
});
