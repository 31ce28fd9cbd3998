//! What strangers try. Each is refused before anything is asked of the provider.

use passthrough_testkit::program::Engine;
use serde_json::json as value;

use super::browser::Browser;
use super::consent::go;
use super::provider::{OAuthServer, pairs};
use super::{PRODUCT, connections, link, location, scene, status};
use crate::support::json;

/// A link that was taken on its way is worth nothing once its user has opened it; and where the thief was first, its
/// user is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_link_opens_for_one_browser_only() {
    let scene = scene(Engine::Sqlite).await;
    let request = value!({ "integration": "shop", "redirectUrl": PRODUCT });
    let (id, url) = link(&scene.program, &request).await;
    // Looking is not opening: mail scanners, previews and prefetches must not take the link from its user.
    let mut scanner = Browser::new(&scene.program);
    assert_eq!(scanner.send("HEAD", &url, &[], "").await.status, 204);
    assert_eq!(scanner.send("GET", &url, &[("sec-purpose", "prefetch;prerender")], "").await.status, 204);
    let (mut user, mut thief) = (Browser::new(&scene.program), Browser::new(&scene.program));
    let page = user.open(&url).await;
    assert_eq!(page.response.status, 200);
    let taken = thief.open(&url).await;
    assert_eq!(taken.response.status, 403);
    assert!(taken.text().contains("already opened"), "{}", taken.text());
    assert!(thief.cookies.is_empty());
    for path in [format!("/link/{id}"), format!("/link/{id}/shop")] {
        assert_eq!(thief.get(&path).await.status, 403);
    }
    // The secret is in no address after the first.
    assert!(!page.address.contains('.'), "{}", page.address);
    assert_eq!(user.open(&url).await.response.status, 200);
    // A wrong secret, and an id alone, tell nothing.
    let (front, secret) = url.rsplit_once('.').unwrap();
    let wrong: String = secret.chars().rev().collect();
    assert_eq!(thief.get(&format!("{front}.{wrong}")).await.status, 404);
    assert_eq!(thief.get(&format!("{front}.")).await.status, 404);
    scene.program.finish().await;
}

/// Session fixation: the attacker begins, and has the victim consent. The account would be the attacker's to use.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_somebody_else_began_is_not_completed() {
    let server = OAuthServer::start().await;
    let program = server.program(Engine::Sqlite).await;
    let (id, url) = link(&program, &value!({ "integration": "crm", "redirectUrl": PRODUCT })).await;
    let (mut attacker, mut victim) = (Browser::new(&program), Browser::new(&program));
    let page = attacker.open(&url).await;
    let address = go(&mut attacker, &page).await;
    let back = server.consent(&address, "victims-account").await;
    let refused = victim.get(&back).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("not begun in this browser"), "{}", refused.text());
    // Not with a cookie of the victim's own session either, nor with one that was planted under the right name.
    let (_, other) = link(&program, &value!({ "integration": "crm" })).await;
    victim.open(&other).await;
    assert_eq!(victim.get(&back).await.status, 400);
    let own = victim.cookies.values().next().unwrap().clone();
    victim.cookies.insert(attacker.cookies.keys().next().unwrap().clone(), own);
    assert_eq!(victim.get(&back).await.status, 400);
    assert_eq!((server.token_calls(), connections(&program).await.len()), (0, 0));
    assert_eq!(status(&program, &id).await["status"], "started");
    program.finish().await;
}

/// Login CSRF: the victim's browser is sent to an answer that holds the attacker's code. The victim's data would go to
/// the attacker's account.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_this_browser_did_not_ask_for_is_refused() {
    let server = OAuthServer::start().await;
    let program = server.program(Engine::Sqlite).await;
    let request = value!({ "integration": "crm", "redirectUrl": PRODUCT });
    let (mut attacker, mut victim) = (Browser::new(&program), Browser::new(&program));
    let (_, url) = link(&program, &request).await;
    let page = attacker.open(&url).await;
    let address = go(&mut attacker, &page).await;
    let attackers = server.consent(&address, "attackers-account").await;
    let code = pairs(attackers.split_once('?').unwrap().1)["code"].clone();
    let (_, url) = link(&program, &request).await;
    let page = victim.open(&url).await;
    let address = go(&mut victim, &page).await;
    let asked = pairs(address.split_once('?').unwrap().1);
    assert_eq!(victim.get(&attackers).await.status, 400);
    let callback = format!("{}/oauth/callback/default/crm", program.url);
    for query in ["", "?code=x", "?code=x&state=", "?code=x&state=lst_1"] {
        assert_eq!(victim.get(&format!("{callback}{query}")).await.status, 400, "{query}");
    }
    assert_eq!(server.token_calls(), 0);
    // Even with the victim's own state the attacker's code is of no use: PKCE ties it to the attacker's session.
    let mixed = format!("{callback}?code={code}&state={}", asked["state"]);
    let refused = victim.open(&mixed).await;
    assert_eq!(refused.response.status, 422);
    assert_eq!(connections(&program).await.len(), 0);
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_good_once_and_an_older_one_not_at_all() {
    let server = OAuthServer::start().await;
    let program = server.program(Engine::Sqlite).await;
    let (_, url) = link(&program, &value!({ "integration": "crm", "redirectUrl": PRODUCT })).await;
    let mut browser = Browser::new(&program);
    let page = browser.open(&url).await;
    let older = server.consent(&go(&mut browser, &page).await, "acc_1").await;
    let page = browser.open(&page.address).await;
    let newer = server.consent(&go(&mut browser, &page).await, "acc_1").await;
    assert_eq!(browser.get(&older).await.status, 400);
    // Two at once, as from a double click: one is taken.
    let (mut one, mut two) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(one.get(&newer), two.get(&newer));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses[0], 303, "{statuses:?}");
    assert!(statuses[1] >= 400, "{statuses:?}");
    assert_eq!((server.token_calls(), connections(&program).await.len()), (1, 1));
    program.finish().await;
}

/// Mix-up: the answer of one provider is brought to the address of another, or comes in another's name.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_at_another_address_or_in_anothers_name_is_refused() {
    let server = OAuthServer::start().await;
    let program = server.program(Engine::Sqlite).await;
    let request = value!({ "providers": ["crm", "crm-2"] });
    let mut browser = Browser::new(&program);
    let begin = async |browser: &mut Browser| {
        let (id, url) = link(&program, &request).await;
        browser.open(&url).await;
        let page = browser.open(&format!("/link/{id}/crm")).await;
        server.consent(&go(browser, &page).await, "acc_1").await
    };
    for (from, to) in [("/default/crm?", "/default/crm-2?"), ("/default/crm?", "/other/crm?")] {
        let back = begin(&mut browser).await;
        assert_eq!(browser.get(&back.replace(from, to)).await.status, 400);
    }
    let back = begin(&mut browser).await;
    let refused = browser.open(&format!("{back}&iss=https%3A%2F%2Fevil.example")).await;
    assert_eq!(refused.response.status, 422);
    for doubled in ["&state=lst_1", "&code=x", "&iss=a&iss=b"] {
        let back = begin(&mut browser).await;
        assert_eq!(browser.get(&format!("{back}{doubled}")).await.status, 400, "{doubled}");
    }
    assert_eq!(server.token_calls(), 0);
    // Its own name is no hindrance.
    let back = begin(&mut browser).await;
    let done = browser.get(&format!("{back}&iss={}", server.provider.url())).await;
    assert_eq!(done.status, 200, "{}", done.text());
    program.finish().await;
}

/// Another site's page sends a form in the user's name.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_page_is_refused() {
    let scene = scene(Engine::Sqlite).await;
    let (id, url) = link(&scene.program, &value!({ "integration": "shop", "redirectUrl": PRODUCT })).await;
    let mut browser = Browser::new(&scene.program);
    let page = browser.open(&url).await;
    let (action, token) = (page.attribute("method=\"post\"", "action"), page.form_token());
    let own = format!("form={token}&f.api_key={}", scene.key);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let refused = async |headers: &[(&str, &str)], action: &str, body: &str| {
        let response = browser.clone().send("POST", action, headers, body).await;
        assert_eq!(response.status, 403, "{headers:?} {body}: {}", response.text());
        assert!(response.text().contains("This form was not accepted"), "{}", response.text());
    };
    let cancel = format!("/link/{id}/_cancel");
    for action in [action.as_str(), cancel.as_str()] {
        refused(&[form], action, "f.api_key=x").await;
        refused(&[form], action, "form=AAAA&f.api_key=x").await;
        refused(&[form, ("sec-fetch-site", "cross-site")], action, &own).await;
        refused(&[form, ("sec-fetch-site", "same-site")], action, &own).await;
        refused(&[("content-type", "text/plain")], action, &own).await;
    }
    // The token of one session is worth nothing in another.
    let (other, url) = link(&scene.program, &value!({ "integration": "shop" })).await;
    browser.open(&url).await;
    let response =
        browser.post(&format!("/link/{other}/shop"), &[("form", &token), ("f.api_key", "x")]).await;
    assert_eq!(response.status, 403);
    assert_eq!(status(&scene.program, &id).await["status"], "started");
    let done = browser.submit(&page, &[("f.api_key", &scene.key)]).await;
    assert!(location(&done).starts_with(PRODUCT));
    scene.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_makes_one_connection() {
    let scene = scene(Engine::Sqlite).await;
    let (_, url) = link(&scene.program, &value!({ "integration": "shop", "externalId": "u" })).await;
    let mut browser = Browser::new(&scene.program);
    let page = browser.open(&url).await;
    let fields = [("f.api_key", scene.key.as_str())];
    let (mut one, mut two) = (browser.clone(), browser.clone());
    tokio::join!(one.submit(&page, &fields), two.submit(&page, &fields));
    assert_eq!(connections(&scene.program).await.len(), 1);
    scene.program.finish().await;
}

/// A server of the attacker's own says that it speaks of the victim's account.
#[tokio::test(flavor = "multi_thread")]
async fn another_server_does_not_speak_for_an_account() {
    let scene = scene(Engine::Sqlite).await;
    let file = "name = \"Own\"\nbase_url = \"{base}\"\nvariables.base = { label = \"Server\", format = \"url\" }\n\
         verify = { request = \"GET /me\", account_id = \"/id\" }\n[auth.token]\ngrant = \"static\"\n\
         fields.api_key = { label = \"API key\", secret = true }\n\
         inject.headers.authorization = \"Bearer {api_key}\"\n";
    let program = super::product(Engine::Sqlite)
        .variable("PASSTHROUGH_UPSTREAM__ALLOW_HOSTS", "127.0.0.1,localhost")
        .provider("own", file)
        .start()
        .await;
    let mut ids = Vec::new();
    for base in [scene.provider.url(), scene.provider.url().replace("127.0.0.1", "localhost")] {
        let (id, url) = link(&program, &value!({ "integration": "own" })).await;
        let mut browser = Browser::new(&program);
        let page = browser.open(&url).await;
        let done = browser.submit(&page, &[("v.base", &base), ("f.api_key", &scene.key)]).await;
        assert_eq!(done.status, 200, "{}", done.text());
        ids.push(status(&program, &id).await["connectionId"].clone());
    }
    assert_ne!(ids[0], ids[1]);
    let list = json(&program.api("GET", "/v1/connections", "").await);
    assert_eq!(list["results"][0]["account"], list["results"][1]["account"]);
    program.finish().await;
}
