//! A caller's path below a provider's base URL. Input: the base URL, a line feed, the path.

#![no_main]

use libfuzzer_sys::fuzz_target;
use passthrough_core::base_url::property::joining_stays_inside;
use passthrough_core::path::CallerPath;

fuzz_target!(|text: &str| {
    let (base, path) = text.split_once('\n').unwrap_or(("https://api.example.com/v1", text));
    joining_stays_inside(base, path).unwrap();

    let Ok(parsed) = CallerPath::parse(path) else { return };
    let sent = parsed.path_and_query();
    assert!(sent.is_ascii(), "only ASCII can be sent");
    if let Ok(again) = CallerPath::parse(&sent) {
        assert_eq!(again.path_and_query(), sent, "what was made sendable is not changed again");
    } else {
        // Percent-encoding is the only thing that makes a path longer.
        assert!(
            sent.len() > passthrough_core::path::MAX_LENGTH,
            "an accepted path is refused when read again"
        );
    }
});
