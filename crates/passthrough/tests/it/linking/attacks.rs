//! What strangers try. Each is refused before anything is asked of the provider.

use std::sync::Arc;

use passthrough_testkit::echo::{EchoProvider, Seen};
use passthrough_testkit::program::{Engine, canary};
use serde_json::{Value, json as value};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::browser::Browser;
use super::consent::go;
use super::provider::{OAuthServer, pairs};
use super::{PRODUCT, connections, link, location, scene, status};
use crate::support::json;

/// A provider whose users say where their server is.
const OWN: &str = "name = \"Own\"\nbase_url = \"{base}\"\nvariables.base = { label = \"Server\", format = \"url\" }\n\
     verify = { request = \"GET /me\", account_id = \"/id\" }\n[auth.token]\ngrant = \"static\"\n\
     fields.api_key = { label = \"API key\", secret = true }\n\
     inject.headers.authorization = \"Bearer {api_key}\"\n";

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
    let program = super::product(Engine::Sqlite)
        .variable("PASSTHROUGH_UPSTREAM__ALLOW_HOSTS", "127.0.0.1,localhost")
        .provider("own", OWN)
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

/// Whoever links again at a server of their own, which repeats the id of the customer's account, puts their data in
/// the place of the customer's.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_not_linked_again_at_another_server() {
    let scene = scene(Engine::Sqlite).await;
    let program = super::product(Engine::Sqlite)
        .variable("PASSTHROUGH_UPSTREAM__ALLOW_HOSTS", "127.0.0.1,localhost")
        .provider("own", OWN)
        .start()
        .await;
    let here = scene.provider.url();
    let elsewhere = here.replace("127.0.0.1", "localhost");
    let mut browser = Browser::new(&program);
    let (id, url) = link(&program, &value!({ "integration": "own" })).await;
    let page = browser.open(&url).await;
    let done = browser.submit(&page, &[("v.base", &here), ("f.api_key", &scene.key)]).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let connection = status(&program, &id).await["connectionId"].clone();
    for (base, expected) in [(&elsewhere, 422), (&here, 200)] {
        let (_, url) = link(&program, &value!({ "connectionId": connection })).await;
        let page = browser.open(&url).await;
        let done = browser.submit(&page, &[("v.base", base), ("f.api_key", &scene.key)]).await;
        assert_eq!(done.status, expected, "{base}: {}", done.text());
    }
    assert_eq!(connections(&program).await.len(), 1);
    program.finish().await;
}

/// A consent with another account, to less than is needed to tell which one it is.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_told_does_not_take_the_place_of_one_that_is_known() {
    let server = OAuthServer::start().await;
    let program = server.program(Engine::Sqlite).await;
    let mut browser = Browser::new(&program);
    let (_, url) = link(&program, &value!({ "integration": "crm", "redirectUrl": PRODUCT })).await;
    let page = browser.open(&url).await;
    let address = go(&mut browser, &page).await;
    let done = browser.get(&server.consent(&address, "acc_7").await).await;
    let first = json(&super::exchange(&program, &super::public_token(&done)).await);
    let again = value!({ "connectionId": first["id"], "redirectUrl": PRODUCT });
    for (account, words) in [
        ("status-403", "did not say which account this is"),
        ("status-500", "cannot be reached"),
        ("nobody", "did not say which account this is"),
    ] {
        let (_, url) = link(&program, &again).await;
        let page = browser.open(&url).await;
        let address = go(&mut browser, &page).await;
        let refused = browser.open(&server.consent(&address, account).await).await;
        assert!(refused.text().contains(words), "{account}: {}", refused.text());
    }
    let token = first["token"].as_str().unwrap().to_owned();
    let connected = passthrough_testkit::program::Connected { id: String::new(), token };
    let called =
        program.on(&connected, "POST", "/v1/passthrough", &[], r#"{"method":"GET","path":"/me"}"#).await;
    assert_eq!(json(&called)["response"]["id"], "acc_7", "{}", called.text());
    // A first link keeps what it was given all the same.
    let (id, url) = link(&program, &value!({ "integration": "crm", "externalId": "other" })).await;
    let page = browser.open(&url).await;
    let address = go(&mut browser, &page).await;
    assert_eq!(browser.get(&server.consent(&address, "status-500").await).await.status, 200);
    assert_eq!(status(&program, &id).await["status"], "done");
    program.finish().await;
}

/// A provider that tells the key as the account's id tells nothing of the account: masked, all would be the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_id_that_holds_a_secret_is_none() {
    let provider = EchoProvider::answering(|seen: &Seen| {
        let key = seen.header("authorization")[0].trim_start_matches("Bearer ").to_owned();
        super::answer(200, value!({ "id": format!("user-{key}"), "name": "Dora" }).to_string())
    })
    .await;
    let file = crate::support::bearer_provider(&provider.url());
    let program = super::product(Engine::Sqlite).provider("shop", &file).start().await;
    let mut ids = Vec::new();
    for key in [canary("one"), canary("two")] {
        let (id, url) = link(&program, &value!({ "integration": "shop" })).await;
        let mut browser = Browser::new(&program);
        let page = browser.open(&url).await;
        let done = browser.submit(&page, &[("f.api_key", &key)]).await;
        assert_eq!(done.status, 200, "{}", done.text());
        ids.push(status(&program, &id).await["connectionId"].clone());
    }
    assert_ne!(ids[0], ids[1]);
    for connection in connections(&program).await {
        assert_eq!(connection["account"]["id"], Value::Null, "{connection}");
    }
    program.finish().await;
}

/// What is cancelled while a form is under way is cancelled: the credential that is there stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_cancelled_meanwhile_changes_nothing() {
    let (first, second) = (canary("first"), canary("second"));
    let (come, held) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (slow, coming, holding) = (format!("Bearer {second}"), Arc::clone(&come), Arc::clone(&held));
    let provider = EchoProvider::answering_later(move |seen: Seen| {
        let is_slow = seen.header("authorization") == [slow.as_str()] && seen.target == "/me";
        let (coming, holding) = (Arc::clone(&coming), Arc::clone(&holding));
        Box::pin(async move {
            if is_slow {
                coming.notify_one();
                holding.notified().await;
            }
            super::answer(200, r#"{"id":"acc_1"}"#)
        })
    })
    .await;
    let file = crate::support::bearer_provider(&provider.url());
    let mut program = super::product(Engine::Sqlite).provider("shop", &file).start().await;
    let request = value!({ "provider": "shop", "verify": true, "credentials": { "api_key": first } });
    let connection = program.connect(&request.to_string()).await;
    // Linked again, and merged with what is there: both would replace the credential.
    for request in [value!({ "connectionId": connection.id }), value!({ "integration": "shop" })] {
        let (id, url) = link(&program, &request).await;
        let mut browser = Browser::new(&program);
        let page = browser.open(&url).await;
        let mut other = browser.clone();
        let cancelling = async {
            come.notified().await;
            let page = other.open(&page.address).await;
            let cancelled = other.cancel(&page).await;
            assert_eq!(cancelled.status, 200, "{}", cancelled.text());
            held.notify_one();
        };
        let mut submitting = browser.clone();
        let fields = [("f.api_key", second.as_str())];
        let (submitted, ()) = tokio::join!(submitting.submit(&page, &fields), cancelling);
        assert_ne!(submitted.status, 200, "{}", submitted.text());
        assert_eq!(status(&program, &id).await["status"], "cancelled");
        let call = r#"{"method":"GET","path":"/x"}"#;
        program.on(&connection, "POST", "/v1/passthrough", &[], call).await;
        assert_eq!(provider.last().header("authorization"), [format!("Bearer {first}")]);
        assert_eq!(connections(&program).await.len(), 1);
    }
    program.finish().await;
}

/// A consent belongs to the integration as it was when it began: its code, and the secret of a client that came later,
/// go to no provider that took its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_does_not_survive_the_integration_that_it_was_begun_with() {
    let server = OAuthServer::start().await;
    let evil = EchoProvider::start().await;
    let program = super::product(Engine::Sqlite)
        .provider("crm", &server.file())
        .provider("evil", &server.file().replace(&server.provider.url(), &evil.url()))
        .start()
        .await;
    let make = async |provider: &str| {
        let made = value!({ "key": "ours", "provider": provider, "clientId": "client-1", "clientSecret": server.secret });
        let made = program.api("POST", "/v1/integrations", &made.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
    };
    make("crm").await;
    let (_, url) = link(&program, &value!({ "integration": "ours" })).await;
    let mut browser = Browser::new(&program);
    let page = browser.open(&url).await;
    let address = go(&mut browser, &page).await;
    let back = server.consent(&address, "acc_7").await;
    assert_eq!(program.api("DELETE", "/v1/integrations/ours", "").await.status, 204);
    make("evil").await;
    assert_eq!(browser.open(&back).await.response.status, 422);
    assert_eq!((server.token_calls(), evil.seen().len()), (0, 0));
    // The same provider, but made anew: nobody knows whose client it is.
    assert_eq!(program.api("DELETE", "/v1/integrations/ours", "").await.status, 204);
    make("crm").await;
    let page = browser.open(&page.address).await;
    let address = go(&mut browser, &page).await;
    let back = server.consent(&address, "acc_7").await;
    assert_eq!(program.api("DELETE", "/v1/integrations/ours", "").await.status, 204);
    make("crm").await;
    assert_eq!(browser.open(&back).await.response.status, 422);
    assert_eq!(server.token_calls(), 0);
    program.finish().await;
}

/// An answer at another integration's address is refused, and leaves the consent to its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_at_the_wrong_address_does_not_use_the_consent_up() {
    let server = OAuthServer::start().await;
    let program = server.program(Engine::Sqlite).await;
    let (id, url) = link(&program, &value!({ "integration": "crm" })).await;
    let mut browser = Browser::new(&program);
    let page = browser.open(&url).await;
    let address = go(&mut browser, &page).await;
    let back = server.consent(&address, "acc_7").await;
    let wrong = back.replace("/oauth/callback/default/crm?", "/oauth/callback/default/crm-2?");
    assert_eq!(browser.get(&wrong).await.status, 400);
    assert_eq!(server.token_calls(), 0);
    assert_eq!(browser.get(&back).await.status, 200);
    assert_eq!(status(&program, &id).await["status"], "done");
    program.finish().await;
}

/// A link is no place to try passwords at.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_takes_so_many_attempts() {
    let scene = scene(Engine::Sqlite).await;
    let (id, url) = link(&scene.program, &value!({ "integration": "shop", "redirectUrl": PRODUCT })).await;
    let mut opening = Browser::new(&scene.program);
    let page = Arc::new(opening.open(&url).await);
    let begun = std::time::Instant::now();
    let mut tries = JoinSet::new();
    for number in 0..40 {
        let (mut browser, page) = (opening.clone(), Arc::clone(&page));
        tries.spawn(async move { browser.submit(&page, &[("f.api_key", &format!("guess-{number}"))]).await });
    }
    let answers = tries.join_all().await;
    assert_eq!(scene.provider.seen().len(), 20);
    // Only the first few of them are free.
    assert!(begun.elapsed().as_secs() >= 14, "{:?}", begun.elapsed());
    assert_eq!(answers.iter().filter(|answer| answer.status == 422).count(), 20);
    let ended = status(&scene.program, &id).await;
    assert_eq!((&ended["status"], &ended["error"]), (&value!("failed"), &value!("too_many_attempts")));
    assert!(
        answers
            .iter()
            .any(|answer| answer.header("location").is_some_and(|to| to.contains("too_many_attempts")))
    );
    assert_eq!(opening.open(&page.address).await.response.status, 410);
    scene.program.finish().await;
}
