//! A caller's headers. Input: lines of `name:value`, ended by line feeds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use passthrough_core::header::property::nothing_forbidden_goes_on;

fuzz_target!(|block: &[u8]| nothing_forbidden_goes_on(block).unwrap());
