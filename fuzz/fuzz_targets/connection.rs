//! What makes and changes a connection: bodies that hold credentials. Input: the request's body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use passthrough_fuzz::{MARKER, assert_nothing_is_echoed};
use passthrough_wire::connection::{CreateConnection, PatchConnection};
use passthrough_wire::fields::Unknown;

fuzz_target!(|json: &[u8]| {
    match CreateConnection::parse(json) {
        Ok(request) => {
            let secrets = request.credentials.values().chain(request.variables.values());
            assert!(secrets.into_iter().all(|secret| !format!("{secret:?}").contains(MARKER)));
        }
        Err(errors) => assert_nothing_is_echoed(json, &errors),
    }
    for unknown in [Unknown::Refuse, Unknown::Ignore] {
        if let Err(errors) = PatchConnection::parse(json, unknown) {
            assert_nothing_is_echoed(json, &errors);
        }
    }
});
