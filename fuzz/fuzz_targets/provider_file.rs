//! Provider files: an operator writes them, but may have copied them from anywhere. Input: the file.

#![no_main]

use http::Method;
use indexmap::IndexMap;
use libfuzzer_sys::fuzz_target;
use passthrough_core::fault::Door;
use passthrough_core::header::Fields;
use passthrough_core::path::CallerPath;
use passthrough_core::provider::{HostAllowList, Inputs, Provider};
use passthrough_core::template::Moment;
use passthrough_core::upstream::{OpenConnection, PassthroughRequest, RequestBody, build, secrets};
use secrecy::SecretString;

fuzz_target!(|text: &str| {
    match Provider::parse("fuzz", text) {
        Ok(provider) => every_auth_entry_can_be_used(&provider),
        Err(problems) => assert!(!problems.is_empty(), "refused without a reason"),
    }
});

/// What was accepted never panics when it is used, and the secret that goes out is known to redaction.
fn every_auth_entry_can_be_used(provider: &Provider) {
    assert!(!provider.auth.is_empty());
    let hosts = HostAllowList::default();
    for auth in provider.auth.values() {
        let (fields, variables) = (given(&auth.fields), given(&provider.variables));
        let Ok((credential, variables)) = provider.accept(auth, fields, variables, &hosts, 0) else {
            continue;
        };
        let open =
            OpenConnection { provider, auth, credential: &credential, variables: &variables, prepared: None };
        secrets(open);
        for base in std::iter::once(None).chain(provider.base_urls.keys().cloned().map(Some)) {
            let moment = Moment { unix_ms: 1_700_000_000_000, nonce: [7; 16] };
            let _ = build(open, request(base), || moment, &hosts);
        }
    }
}

fn given(inputs: &Inputs) -> IndexMap<String, SecretString> {
    let value = |input: &passthrough_core::provider::Input| {
        let listed = input.values.as_ref().and_then(|values| values.first());
        listed
            .or(input.default.as_ref())
            .or(input.example.as_ref())
            .cloned()
            .unwrap_or_else(|| "value-1".into())
    };
    inputs.0.iter().map(|(name, input)| (name.clone(), value(input).into())).collect()
}

fn request(base: Option<String>) -> PassthroughRequest {
    PassthroughRequest {
        door: Door::Envelope,
        method: Method::POST,
        path: CallerPath::parse("/me?x=1").expect("a path"),
        base,
        headers: Fields::default(),
        body: RequestBody::Bytes { bytes: "{\"a\":1}".into(), content_type: None },
        websocket_upgrade: false,
    }
}
