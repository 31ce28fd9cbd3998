//! Accounts whose users consent at the provider.

use passthrough_testkit::program::Engine;
use serde_json::json as value;

use super::browser::{Browser, Page};
use super::provider::{OAuthServer, pairs};
use super::{PRODUCT, connections, exchange, link, location, public_token, status};
use crate::support::{json, on_both_databases};

on_both_databases! {
    a_consent_becomes_a_connection
    what_a_provider_refuses_is_said_in_words_and_can_be_tried_again
    a_client_that_is_refused_while_linking_is_told_to_the_developer
}

/// Goes on to the provider from a page; gives the address there.
pub async fn go(browser: &mut Browser, page: &Page) -> String {
    let response = browser.submit(page, &[]).await;
    let going = Page { address: String::new(), response };
    assert_eq!(going.response.status, 200, "{}", going.text());
    let refresh = going.attribute("http-equiv=\"refresh\"", "content");
    let address = refresh.strip_prefix("0;url=").unwrap().to_owned();
    assert_eq!(going.attribute("class=\"button main\"", "href"), address);
    address
}

async fn a_consent_becomes_a_connection(engine: Engine) {
    let server = OAuthServer::start().await;
    let program = server.program(engine).await;
    let request = value!({ "integration": "crm", "redirectUrl": PRODUCT, "externalId": "user-1" });
    let (id, url) = link(&program, &request).await;
    let mut browser = Browser::new(&program);
    let page = browser.open(&url).await;
    assert!(page.text().contains("Continue to Crm"), "{}", page.text());
    let address = go(&mut browser, &page).await;
    let asked = pairs(address.split_once('?').unwrap().1);
    assert_eq!(asked["redirect_uri"], format!("{}/oauth/callback/default/crm", program.url));
    assert_eq!(asked["code_challenge"].len(), 43);
    assert_eq!(status(&program, &id).await["status"], "started");
    let back = server.consent(&address, "acc_7").await;
    let done = browser.get(&back).await;
    let connection = json(&exchange(&program, &public_token(&done)).await);
    assert_eq!(connection["account"]["id"], "acc_7");
    assert_eq!(connection["auth"], "oauth");
    assert!(connection["token"].is_string());
    assert_eq!(server.token_calls(), 1);
    // Once more the same answer: nothing is asked of anybody.
    let replayed = browser.get(&back).await;
    assert_eq!(replayed.status, 410);
    assert_eq!((server.token_calls(), connections(&program).await.len()), (1, 1));
    program.finish().await;
}

async fn what_a_provider_refuses_is_said_in_words_and_can_be_tried_again(engine: Engine) {
    let server = OAuthServer::start().await;
    let program = server.program(engine).await;
    let request = value!({ "integration": "crm", "redirectUrl": PRODUCT });
    let (id, url) = link(&program, &request).await;
    let mut browser = Browser::new(&program);
    let mut page = browser.open(&url).await;
    let refusals = [
        ("error=access_denied", "You did not allow access at Crm."),
        ("error=server_error&error_description=boom", "Crm is busy at the moment."),
        ("error=%3Cb%3Eodd", "Crm reported a problem (bodd)."),
        ("error=invalid_scope", "Crm is not set up here yet."),
        ("code=made-up", "Crm did not complete the sign-in."),
        ("nothing=", "Crm did not complete the sign-in."),
    ];
    for (answer, words) in refusals {
        let address = go(&mut browser, &page).await;
        let asked = pairs(address.split_once('?').unwrap().1);
        let back = format!("{}?{answer}&state={}", asked["redirect_uri"], asked["state"]);
        let refused = browser.open(&back).await;
        assert_eq!(refused.response.status, 422, "{}", refused.text());
        assert!(refused.text().contains(words), "{}", refused.text());
        assert!(!refused.text().contains("boom"));
        // Neither code nor state is left in the address, and the page can be loaded again.
        assert_eq!(refused.address, format!("/link/{id}/crm?auth=oauth"));
        page = browser.open(&refused.address).await;
        assert!(page.text().contains(words), "{}", page.text());
        let told = status(&program, &id).await;
        assert!(told["status"] == "started" && told["error"].is_string(), "{told}");
    }
    let address = go(&mut browser, &page).await;
    let done = browser.get(&server.consent(&address, "acc_1").await).await;
    assert!(location(&done).starts_with(&format!("{PRODUCT}?token=")));
    assert_eq!(status(&program, &id).await["status"], "done");
    program.finish().await;
}

async fn a_client_that_is_refused_while_linking_is_told_to_the_developer(engine: Engine) {
    let server = OAuthServer::start().await;
    let program = server.program(engine).await;
    let change = async |secret: &str| {
        let body = value!({ "clientSecret": secret }).to_string();
        assert_eq!(program.api("PATCH", "/v1/integrations/crm", &body).await.status, 200);
    };
    change("of-yesterday").await;
    let (id, url) = link(&program, &value!({ "integration": "crm", "redirectUrl": PRODUCT })).await;
    let mut browser = Browser::new(&program);
    let page = browser.open(&url).await;
    let address = go(&mut browser, &page).await;
    let refused = browser.open(&server.consent(&address, "acc_1").await).await;
    assert!(refused.text().contains("Crm is not set up here yet."), "{}", refused.text());
    let told = status(&program, &id).await;
    assert_eq!((&told["status"], &told["error"]), (&"started".into(), &"integration_not_usable".into()));
    let shown = async || json(&program.api("GET", "/v1/integrations/crm", "").await);
    assert!(shown().await["clientRejectedAt"].is_string());
    let events = json(&program.api("GET", "/v1/events?type=integration.client_rejected", "").await);
    let event = &events["results"][0]["data"];
    assert_eq!((&event["integration"], &event["reason"]), (&"crm".into(), &"invalid_client".into()));
    let log = program.log();
    let line = log.lines().find(|line| line.contains("gave no tokens")).unwrap();
    assert!(line.contains("crm") && line.contains(&id) && line.contains("invalid_client"), "{line}");
    change(&server.secret).await;
    assert!(shown().await["clientRejectedAt"].is_null());
    let address = go(&mut browser, &refused).await;
    let done = browser.get(&server.consent(&address, "acc_1").await).await;
    assert!(location(&done).starts_with(&format!("{PRODUCT}?token=")));
    assert!(status(&program, &id).await["error"].is_null());
    program.finish().await;
}
