//! Accounts whose users bring a key.

use passthrough_testkit::program::{Engine, canary};
use serde_json::json as value;

use super::{
    Browser, PRODUCT, connections, exchange, link, linked, location, product, public_token, scene, status,
};
use crate::support::{failure, json, on_both_databases, paths, setup};

on_both_databases! {
    a_key_becomes_a_connection_whose_token_comes_with_the_exchange
    what_is_missing_or_wrong_is_said_beside_its_field_and_no_secret_comes_back
    a_user_who_gives_up_is_sent_back_without_anything
}

async fn a_key_becomes_a_connection_whose_token_comes_with_the_exchange(engine: Engine) {
    let mut scene = scene(engine).await;
    let redirect = format!("{PRODUCT}?state=a%20b");
    let request = value!({
        "integration": "shop", "externalId": "user-1", "name": "Dora", "tags": ["eu"], "redirectUrl": redirect,
    });
    let (id, url) = link(&scene.program, &request).await;
    assert_eq!(status(&scene.program, &id).await["status"], "open");
    let mut browser = Browser::new(&scene.program);
    let opened = browser.get(&url).await;
    assert_eq!(location(&opened), format!("/link/{id}"));
    assert!(opened.header("set-cookie").unwrap().ends_with("; Path=/; Max-Age=1800; HttpOnly; SameSite=Lax"));
    assert_eq!(status(&scene.program, &id).await["status"], "started");
    let page = browser.open(&format!("/link/{id}")).await;
    assert_eq!(page.address, format!("/link/{id}/shop"));
    assert!(page.text().contains("Connect Shop") && page.text().contains("Acme"), "{}", page.text());
    let done = browser.submit(&page, &[("f.api_key", &format!("  {} \r\n", scene.key))]).await;
    assert!(location(&done).starts_with(&format!("{redirect}&token=pub_tkn_")), "{done:?}");
    let token = public_token(&done);
    scene.program.watch(&token);

    let answered = exchange(&scene.program, &token).await;
    assert_eq!(answered.status, 200, "{}", answered.text());
    let connection = json(&answered);
    scene.program.watch(connection["token"].as_str().unwrap());
    assert_eq!(connection["externalId"], "user-1");
    assert_eq!(connection["name"], "Dora");
    assert_eq!(connection["tags"], value!(["eu"]));
    assert_eq!(connection["account"], value!({ "id": "acc_1", "label": "Dora's shop" }));
    assert!(connection["verifiedAt"].is_string());
    failure(&exchange(&scene.program, &token).await, 404, "not_found");

    let after = status(&scene.program, &id).await;
    assert_eq!((&after["status"], &after["connectionId"]), (&value!("done"), &connection["id"]));
    let headers =
        [("connection-token", connection["token"].as_str().unwrap()), ("content-type", "application/json")];
    let key = format!("Bearer {}", scene.program.key);
    let all = [headers[0], headers[1], ("authorization", key.as_str())];
    let url = format!("{}/v1/passthrough", scene.program.url);
    let called = passthrough_testkit::http::send("POST", &url, &all, r#"{"method":"GET","path":"/x"}"#).await;
    assert_eq!(json(&called)["statusCode"], 200, "{}", called.text());
    // The link has had its day, in its own browser and elsewhere.
    let again = browser.open(&format!("/link/{id}")).await;
    assert_eq!(again.response.status, 410);
    assert!(again.text().contains("already used"), "{}", again.text());
    scene.program.finish().await;
}

async fn what_is_missing_or_wrong_is_said_beside_its_field_and_no_secret_comes_back(engine: Engine) {
    let scene = scene(engine).await;
    let (id, url) = link(&scene.program, &value!({ "providers": ["shop"], "locale": "de" })).await;
    let mut browser = Browser::new(&scene.program);
    let page = browser.open(&url).await;
    let empty = browser.submit(&page, &[("f.api_key", " ")]).await;
    assert_eq!(empty.status, 422);
    assert!(empty.text().contains("Bitte füllen Sie dieses Feld aus."), "{}", empty.text());
    assert!(empty.text().contains("aria-invalid=\"true\""), "{}", empty.text());
    let wrong = canary("wrong");
    let refused = browser.submit(&page, &[("f.api_key", &wrong)]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("Shop nimmt diese Angaben nicht an."), "{}", refused.text());
    assert!(!refused.text().contains(&wrong));
    assert_eq!(connections(&scene.program).await.len(), 0);
    // Nothing of it ends the session: the right key is taken, and the caller is told where to look.
    let done = browser.submit(&page, &[("f.api_key", &scene.key)]).await;
    assert_eq!(done.status, 200);
    assert!(done.text().contains("Shop ist verbunden"), "{}", done.text());
    assert_eq!(status(&scene.program, &id).await["connectionId"], connections(&scene.program).await[0]["id"]);
    scene.program.finish().await;
}

async fn a_user_who_gives_up_is_sent_back_without_anything(engine: Engine) {
    let scene = scene(engine).await;
    let request = value!({ "integration": "shop", "redirectUrl": PRODUCT });
    let (id, url) = link(&scene.program, &request).await;
    let mut browser = Browser::new(&scene.program);
    let page = browser.open(&url).await;
    let left = browser.cancel(&page).await;
    assert_eq!(location(&left), format!("{PRODUCT}?error=cancelled"));
    assert_eq!(status(&scene.program, &id).await["status"], "cancelled");
    // Whoever gives up after a failure takes its name along.
    let (id, url) = link(&scene.program, &request).await;
    let page = browser.open(&url).await;
    let address = page.address.clone();
    let response = browser.submit(&page, &[("f.api_key", "wrong")]).await;
    let left = browser.cancel(&super::browser::Page { address, response }).await;
    assert_eq!(location(&left), format!("{PRODUCT}?error=invalid_credentials"));
    let after = status(&scene.program, &id).await;
    assert_eq!((&after["status"], &after["error"]), (&value!("failed"), &value!("invalid_credentials")));
    scene.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_account_is_one_connection_unless_it_is_another_users() {
    let scene = scene(Engine::Sqlite).await;
    let request = |external_id: &str| value!({ "integration": "shop", "redirectUrl": PRODUCT, "externalId": external_id });
    let first = linked(&scene, &request("user-1")).await;
    let same = linked(&scene, &request("user-1")).await;
    assert_eq!(first["id"], same["id"]);
    // It has its token already, which stays.
    assert_eq!(same.get("token"), None);
    let other = linked(&scene, &request("user-2")).await;
    assert_ne!(first["id"], other["id"]);
    assert!(other["token"].is_string());
    let nobody = linked(&scene, &value!({ "integration": "shop", "redirectUrl": PRODUCT })).await;
    assert_ne!(first["id"], nobody["id"]);
    assert_eq!(connections(&scene.program).await.len(), 3);
    scene.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_result_is_told_to_the_page_that_asked_and_to_no_other_origin() {
    let scene = scene(Engine::Sqlite).await;
    let request = value!({ "integration": "shop", "origin": "https://app.example" });
    let (id, url) = link(&scene.program, &request).await;
    let mut browser = Browser::new(&scene.program);
    let page = browser.open(&url).await;
    let response = browser.submit(&page, &[("f.api_key", &scene.key)]).await;
    let done = super::browser::Page { address: String::new(), response };
    assert_eq!(done.attribute("data-result", "data-origin"), "https://app.example");
    assert_eq!(done.attribute("data-result", "data-session"), id);
    let token = done.attribute("data-result", "data-token");
    assert_eq!(exchange(&scene.program, &token).await.status, 200);
    scene.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_told_all_that_is_wrong_with_a_link() {
    let scene = scene(Engine::Sqlite).await;
    let refused = async |body: serde_json::Value| {
        failure(&scene.program.api("POST", "/v1/link-sessions", &body.to_string()).await, 400, "bad_request")
    };
    let elsewhere = refused(value!({ "integration": "shop", "redirectUrl": "https://evil.example/" })).await;
    assert_eq!(paths(&elsewhere), ["redirectUrl"]);
    assert!(elsewhere["message"].as_str().unwrap().contains("link.redirect_urls"), "{elsewhere}");
    let origin = refused(value!({ "integration": "shop", "origin": "https://evil.example" })).await;
    assert!(origin["message"].as_str().unwrap().contains("link.message_origins"), "{origin}");
    let unknown = refused(value!({ "integration": "shoq" })).await;
    assert_eq!(
        (paths(&unknown), &unknown["detail"][0]["suggestion"]),
        (vec!["integration"], &value!("shop"))
    );
    let second = refused(value!({ "providers": ["shop", "nothing-like-it"] })).await;
    assert_eq!(paths(&second), ["providers[1]"]);
    for malformed in ["fr_FR", "d", "12", "de-"] {
        assert_eq!(paths(&refused(value!({ "integration": "shop", "locale": malformed })).await), ["locale"]);
    }
    for (asked, told, spoken) in [("fr", None, "de"), ("klingon", None, "de"), ("en-GB", Some("en"), "en")] {
        let body = value!({ "integration": "shop", "locale": asked }).to_string();
        let made = json(&scene.program.api("POST", "/v1/link-sessions", &body).await);
        assert_eq!(made["locale"].as_str(), told, "{made}");
        let mut browser = Browser::new(&scene.program);
        browser.headers.push(("accept-language".to_owned(), "de".to_owned()));
        let page = browser.open(made["url"].as_str().unwrap()).await;
        assert!(page.text().contains(&format!("lang=\"{spoken}\"")), "{}", page.text());
        // Not by TLS, so nothing is said of the way.
        let sealed =
            [("de", "Ihre Angaben werden verschlüsselt gespeichert."), ("en", "are stored encrypted.")];
        let sealed = sealed.into_iter().find(|(language, _)| *language == spoken).unwrap().1;
        assert!(page.text().contains(sealed) && !page.text().contains("sent and stored"), "{}", page.text());
        // Browsers need not ask for /favicon.ico.
        let icon = browser.get(&page.attribute("rel=\"icon\"", "href")).await;
        assert_eq!((icon.status.as_u16(), icon.header("content-type")), (200, Some("image/svg+xml")));
    }
    let both = refused(value!({ "integration": "shop", "providers": ["shop"], "local": "de" })).await;
    assert_eq!(paths(&both), ["providers", "local"]);
    let response = scene
        .program
        .api("POST", "/v1/link-sessions", r#"{"connectionId":"conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C"}"#)
        .await;
    failure(&response, 404, "not_found");
    scene.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_chooses_among_the_providers_without_a_script() {
    let program = product(Engine::Sqlite).start().await;
    let (id, url) = link(&program, &value!({})).await;
    let mut browser = Browser::new(&program);
    let all = browser.open(&url).await;
    assert!(all.text().contains("type=\"search\""), "{}", all.text());
    // A form for any address in the world is no provider.
    assert!(!all.text().contains(&format!("/link/{id}/custom\"")), "{}", all.text());
    let found = browser.open(&format!("/link/{id}?q=stri")).await.text();
    assert!(found.contains(&format!("href=\"/link/{id}/stripe\"")), "{found}");
    assert!(!found.contains(&format!("/link/{id}/shopify\"")), "{found}");
    let none = browser.open(&format!("/link/{id}?q=%3Cb%3E")).await.text();
    assert!(none.contains("Nothing found for “&lt;b&gt;”."), "{none}");
    let (id, url) = link(&program, &value!({ "providers": ["stripe", "linear"] })).await;
    let two = browser.open(&url).await.text();
    assert!(
        two.contains("/stripe\"") && two.contains("/linear\"") && !two.contains("type=\"search\""),
        "{two}"
    );
    assert_eq!(browser.get(&format!("/link/{id}/twilio")).await.status, 404);
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_closed_to_everything_foreign() {
    let scene = scene(Engine::Sqlite).await;
    let request = value!({ "integration": "shop", "redirectUrl": PRODUCT });
    let (_, url) = link(&scene.program, &request).await;
    let mut browser = Browser::new(&scene.program);
    let page = browser.open(&url).await;
    let header = |name: &str| page.response.header(name).unwrap_or_default().to_owned();
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; \
         form-action 'self' https://app.example; frame-ancestors 'none'"
    );
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("x-content-type-options"), "nosniff");
    for mark in ["rel=\"stylesheet\"", "defer"] {
        let address = page.attribute(mark, if mark == "defer" { "src" } else { "href" });
        let asset = browser.get(&address).await;
        assert_eq!(asset.status, 200, "{address}");
        assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
    }
    assert_eq!(browser.get("/link/assets/style-0.css").await.status, 404);
    let nowhere = browser.get("/link/link_1/a/b").await;
    assert_eq!(nowhere.status, 404);
    scene.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_the_cookie_travels_by_tls_only_and_frames_are_those_that_are_allowed() {
    let program = setup(Engine::Sqlite)
        .variable("PASSTHROUGH_LINK__PUBLIC_URL", "https://link.example.com")
        .variable("PASSTHROUGH_LINK__FRAME_ANCESTORS", "https://app.example.com,https://b.example.com")
        .start()
        .await;
    let (id, url) = link(&program, &value!({ "integration": "stripe" })).await;
    let path = url.strip_prefix("https://link.example.com").unwrap();
    let mut browser = Browser::new(&program);
    let opened = browser.get(path).await;
    let cookie = opened.header("set-cookie").unwrap();
    let ulid = id.strip_prefix("link_").unwrap();
    assert!(cookie.starts_with(&format!("__Host-link-{ulid}=lbr_")), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=1800; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let page = browser.open(&format!("/link/{id}")).await;
    let policy = page.response.header("content-security-policy").unwrap();
    assert!(policy.ends_with("frame-ancestors https://app.example.com https://b.example.com"), "{policy}");
    assert_eq!(page.response.header("x-frame-options"), None);
    program.finish().await;
}
