//! `passthrough link`.

use super::*;

#[test]
fn a_link_is_printed_alone_and_tells_how_far_it_is() {
    let demo = Demo::start();
    let create = ["link", "create", "--provider", "demo", "--external-id", "c-9", "--tag", "eu"];
    let created = demo.run(&create);
    assert_eq!(created.status.code(), Some(0), "{}", text(&created.stderr));
    let url = text(&created.stdout).trim_end().to_owned();
    assert!(url.starts_with(&format!("{}/link/link_", demo.server())) && !url.contains('\n'), "{url}");
    assert!(text(&created.stderr).contains("works until"), "{}", text(&created.stderr));
    let id = url.rsplit('/').next().unwrap().split('.').next().unwrap();
    let shown = demo.run(&["link", "show", id]);
    assert_eq!(text(&shown.stdout), format!("{id} open\n"), "{}", text(&shown.stderr));
    let json = demo.run(&["link", "create", "--provider", "demo", "--output", "json", "--quiet"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(json["url"].as_str().unwrap().contains(json["id"].as_str().unwrap()), "{json}");
    let elsewhere = ["link", "create", "--provider", "demo", "--redirect-url", "https://app.example/"];
    let refused = demo.run(&elsewhere);
    assert_ne!(refused.status.code(), Some(0));
    assert!(text(&refused.stderr).contains("link.redirect_urls"), "{}", text(&refused.stderr));
    // Nobody would be given the token: that is said where the link is made, and so is the way out.
    assert!(text(&created.stderr).contains("rotate-token"), "{}", text(&created.stderr));
    let unknown = demo.run(&["link", "exchange", "pub_tkn_x"]);
    assert_eq!(unknown.status.code(), Some(3), "{}", text(&unknown.stderr));
}
