//! Host names and base URLs. Input: the host, alone or as a whole base URL.

#![no_main]

use libfuzzer_sys::fuzz_target;
use passthrough_core::base_url::BaseUrl;
use passthrough_core::base_url::property::a_host_is_canonical;

fuzz_target!(|text: &str| {
    a_host_is_canonical(text).unwrap();
    for url in [text.to_owned(), format!("https://{text}"), format!("https://{text}:8443/v1")] {
        let Ok(base) = BaseUrl::parse(&url) else { continue };
        assert_eq!(BaseUrl::parse(&base.to_string()).as_ref(), Ok(&base), "a base URL reads back as itself");
    }
});
