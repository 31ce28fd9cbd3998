//! `/openapi.json` and `/docs` as browsers and tools meet them.

use passthrough_testkit::http::{Response, send};
use passthrough_testkit::program::Engine;
use serde_json::json;

use crate::linking::chromium::{Chromium, phone};
use crate::support::setup;

async fn get(url: &str, headers: &[(&str, &str)]) -> Response {
    send("GET", url, headers, "").await
}

#[tokio::test]
async fn the_description_is_fetched_once_and_then_known() {
    let program = setup(Engine::Sqlite).start().await;
    let first = get(&format!("{}/openapi.json", program.url), &[]).await;
    assert_eq!((first.status.as_u16(), first.header("content-type")), (200, Some("application/json")));
    let tag = first.header("etag").unwrap().to_owned();
    for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let again = get(&format!("{}/openapi.json", program.url), &[("if-none-match", &known)]).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), Some(tag.as_str()));
    }
    let other = get(&format!("{}/openapi.json", program.url), &[("if-none-match", "\"other\"")]).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn the_reference_page_cannot_be_framed_and_loads_from_here_alone() {
    let program = setup(Engine::Sqlite).start().await;
    let page = get(&format!("{}/docs", program.url), &[]).await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    let text = page.text();
    let mut texts = text.split(['"', '\'']);
    assert_eq!(texts.find(|text| text.contains("://") || text.starts_with("//")), None);
    assert_eq!(get(&format!("{}/docs/assets/other.js", program.url), &[]).await.status, 404);
}

/// Everything that the page asked for, by address.
const ASKED: &str = "performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin)";

#[tokio::test]
async fn a_developer_finds_an_operation_and_calls_it_from_the_page() {
    let program = setup(Engine::Sqlite).start().await;
    let (address, key) = (format!("{}/docs", program.url), program.key.clone());
    let url = program.url.clone();
    let told = tokio::task::spawn_blocking(move || {
        let mut browser = Chromium::start(&json!({}));
        browser.open(&address);
        browser.see("Authenticated HTTP requests to your customers' accounts");
        assert_eq!(browser.evaluate("document.title"), "Passthrough API reference");
        // The key is typed in, and held by the page alone.
        browser.click("Authorize");
        browser.fill("auth-bearer-value", &key);
        browser.click("Apply credentials");
        browser.click("Close");
        browser.click("The providers, by code");
        browser.click("Execute");
        browser.see("Server response");
        let text = browser.text();
        let kept = browser
            .evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])");
        assert!(!kept.as_str().unwrap().contains(&key), "{kept}");
        let asked = browser.evaluate(ASKED);
        assert!(asked.as_array().unwrap().iter().all(|origin| *origin == url), "{asked}");
        browser.assert_no_complaints(&url);
        browser.profile(&phone());
        browser.open(&address);
        browser.see("Authenticated HTTP requests to your customers' accounts");
        browser.assert_not_cut_off();
        browser.assert_no_complaints(&url);
        text
    });
    let told = told.await.unwrap();
    assert!(told.contains("\"code\": \"stripe\""), "{told}");
}
