//! A credential put into a caller's JSON body. Input: the pointer, the value and the body, on lines of their own.

#![no_main]

use libfuzzer_sys::fuzz_target;
use passthrough_core::json_body::property::injecting_reads_like_setting;

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut text = || std::str::from_utf8(lines.next().unwrap_or_default());
    let (Ok(pointer), Ok(value)) = (text(), text()) else { return };
    injecting_reads_like_setting(lines.next().unwrap_or_default(), pointer, value).unwrap();
});
