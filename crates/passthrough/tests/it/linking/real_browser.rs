//! Linking in a real browser, as an end user sees it.

use passthrough_testkit::echo::{EchoProvider, Seen};
use passthrough_testkit::program::{Connected, Engine, Program, Setup, canary};
use passthrough_testkit::services::{OAuthClient, OidcProvider, oidc_provider};
use passthrough_testkit::tls_front::TlsFront;
use serde_json::{Value, json as value};

use super::chromium::{Chromium, phone};
use super::{answer, connections, exchange, link, status};
use crate::support::{json, on_both_databases, setup};

on_both_databases! {
    a_user_consents_at_a_real_provider_and_the_connection_renews_itself
}

/// Its letters are lighter in the dark.
const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 132 40" width="132" height="40">
<style>text{font:bold 22px sans-serif;fill:#0b6e4f}@media(prefers-color-scheme:dark){text{fill:#5fd3ad}}</style>
<rect width="40" height="40" rx="9" fill="#0b6e4f"/><path d="M11 29 20 10l9 19h-5l-4-9-4 9z" fill="#fff"/>
<text x="50" y="28">Acme</text></svg>"##;

/// The caller's product and what its customers link, with the program between them. To browsers these are two sites: the
/// program and the product at `https://localhost`, the providers at `http://127.0.0.1`.
struct Scene {
    program: Program,
    pages: TlsFront,
    product: Product,
    _shop: EchoProvider,
    key: String,
    _folder: tempfile::TempDir,
}

/// A page of the product.
fn page(body: &str) -> http::Response<http_body_util::Full<bytes::Bytes>> {
    let text = format!("<!doctype html><html lang=en><title>Product</title><body>{body}");
    http::Response::builder().header("content-type", "text/html").body(text.into()).unwrap()
}

/// What the product notes of what it is told.
const NOTES: &str = "<script>window.told=[];addEventListener('message',\
    (event)=>told.push({origin:event.origin,data:event.data}))</script>";

/// The caller's product. `/linked` is where users come back; `/opener?…` opens the link of its query in a window, and
/// `/framing?…` in a frame.
struct Product {
    front: TlsFront,
    _behind: EchoProvider,
}

impl Product {
    async fn start() -> Self {
        let behind = EchoProvider::answering(|seen: &Seen| match seen.target.split_once('?') {
            Some(("/opener", link)) => {
                page(&format!("<button onclick=\"window.open('{link}')\">Connect</button>{NOTES}"))
            }
            Some(("/framing", link)) => page(&format!("<iframe title=Link src=\"{link}\"></iframe>{NOTES}")),
            _ => page("Welcome back"),
        })
        .await;
        let front = TlsFront::start().await;
        front.lead_to(&behind.url());
        Self { front, _behind: behind }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.front.url)
    }
}

/// A provider with everything that a form may have. It knows one key.
fn shop_file(url: &str) -> String {
    format!(
        "name = \"Parcel Shop\"\nbase_url = \"{url}/base\"\ndocs = \"https://docs.example/api\"\n\
         categories = [\"e-commerce\"]\nverify = {{ request = \"GET /me\", account_id = \"/id\", account_label = \"/name\" }}\n\
         [auth.token]\nlabel = \"API key\"\ngrant = \"static\"\n\
         description = \"An administrator of your shop makes a key under Settings, Developers.\"\n\
         fields.shop = {{ label = \"Shop number\", description = \"At the top of every invoice.\", example = \"PS-1042\", pattern = \"PS-[0-9]+\" }}\n\
         fields.region = {{ label = \"Region\", enum = [\"Europe\", \"America\"] }}\n\
         fields.api_key = {{ label = \"API key\", description = \"Begins with pk_live.\", secret = true }}\n\
         fields.note = {{ label = \"Note\", optional = true }}\n\
         inject.headers.authorization = \"Bearer {{api_key}}\"\n\
         inject.headers.x-shop = \"{{shop}} {{region}}{{note}}\"\n"
    )
}

async fn scene(engine: Engine, settings: impl FnOnce(Setup) -> Setup) -> Scene {
    let (pages, product) = (TlsFront::start().await, Product::start().await);
    let key = canary("key");
    let known = format!("Bearer {key}");
    let shop =
        EchoProvider::answering(move |seen: &Seen| match seen.header("authorization") == [known.as_str()] {
            true => answer(200, r#"{"id":"acc_1","name":"Dora's shop"}"#),
            false => answer(401, r#"{"error":"unauthorized"}"#),
        })
        .await;
    let folder = tempfile::tempdir().unwrap();
    let logo = folder.path().join("logo.svg");
    std::fs::write(&logo, LOGO).unwrap();
    let home = &product.front.url;
    let base = setup(engine)
        .variable("PASSTHROUGH_LINK__PUBLIC_URL", &pages.url)
        .variable("PASSTHROUGH_LINK__NAME", "Acme")
        .variable("PASSTHROUGH_LINK__COLOUR", "#0b6e4f")
        .variable("PASSTHROUGH_LINK__LOGO", logo.to_str().unwrap())
        .variable("PASSTHROUGH_LINK__REDIRECT_URLS", &format!("{home}/linked"))
        .variable("PASSTHROUGH_LINK__MESSAGE_ORIGINS", home)
        .variable("PASSTHROUGH_LINK__FRAME_ANCESTORS", home)
        .provider("shop", &shop_file(&shop.url()));
    let program = settings(base).start().await;
    pages.lead_to(&program.url);
    Scene { program, pages, product, _shop: shop, key, _folder: folder }
}

impl Scene {
    /// Fills in the form of the shop.
    fn fill_in(&self, chromium: &mut Chromium, key: &str) {
        chromium.fill("Shop number", "PS-7");
        chromium.step(&value!(["select", "Region", "Europe"]));
        chromium.fill("API key", key);
    }
}

/// A first consent is refused, a second one given.
async fn a_user_consents_at_a_real_provider_and_the_connection_renews_itself(engine: Engine) {
    let oidc = oidc_provider();
    let mut scene = scene(engine, |setup| setup.provider("books", &books_file(&oidc))).await;
    let client = integration(&mut scene, &oidc).await;
    let back = scene.product.at("/linked?state=a%20b");
    let request = value!({ "providers": ["books", "shop"], "redirectUrl": back, "externalId": "user-1" });
    let (id, url) = link(&scene.program, &request).await;
    let mut chromium = Chromium::start(&value!({}));
    chromium.open(&url);
    chromium.see("Connect an account");
    assert_eq!(chromium.evaluate("document.querySelector('.brand img').naturalWidth"), 132);
    chromium.click("Books");
    chromium.see("Your password stays there.");
    chromium.click("Continue to Books");
    // The way back in the browser is a way back, and not a page that leads on by itself again.
    chromium.reach(&format!("{}/interaction/", oidc.url));
    chromium.step(&value!(["back"]));
    chromium.see("Your password stays there.");
    chromium.click("Continue to Books");
    sign_in(&mut chromium);
    chromium.click("[ Cancel ]");
    chromium.see("You did not allow access at Books. Nothing was connected. You can try again.");
    chromium.assert_accessible();
    chromium.shot("denied");
    assert_eq!(status(&scene.program, &id).await["status"], "started");
    chromium.click("Continue to Books");
    chromium.see("Authorize");
    chromium.click("Continue");
    let address = chromium.reach(&format!("{back}&token=pub_tkn_"));
    chromium.see("Welcome back");
    chromium.assert_no_complaints(&scene.pages.url);
    assert_eq!(status(&scene.program, &id).await["status"], "done");

    let token = address.split_once("token=").unwrap().1;
    scene.program.watch(token);
    let connection = json(&exchange(&scene.program, token).await);
    assert_eq!(connection["account"]["id"], "jo@example.com");
    let text = |name: &str| connection[name].as_str().unwrap().to_owned();
    let connected = Connected { id: text("id"), token: text("token") };
    scene.program.watch(&connected.token);
    for _ in 0..2 {
        let called = scene.program.on(&connected, "GET", "/v1/proxy/me", &[], "").await;
        assert_eq!(called.status, 200, "{}", called.text());
        oidc.expire(&client).await;
    }
    let calls = [("authorization_code".to_owned(), 1), ("refresh_token".to_owned(), 1)];
    assert_eq!(oidc.counts(&client).await, calls.into());
    scene.program.finish().await;
}

/// Signs in at the provider, which asks for consent then.
#[track_caller]
fn sign_in(chromium: &mut Chromium) {
    chromium.see("Sign-in");
    chromium.fill("Enter any login", "jo@example.com");
    chromium.fill("and password", "anything");
    chromium.click("Sign-in");
    chromium.see("Authorize");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_in_a_window_is_told_to_the_page_that_opened_it() {
    let oidc = oidc_provider();
    let mut scene = scene(Engine::Sqlite, |setup| setup.provider("books", &books_file(&oidc))).await;
    integration(&mut scene, &oidc).await;
    let request = value!({ "integration": "books", "origin": scene.product.at("") });
    let (_, url) = link(&scene.program, &request).await;
    let mut chromium = Chromium::start(&value!({}));
    chromium.open(&scene.product.at(&format!("/opener?{url}")));
    chromium.step(&value!(["window", "Connect"]));
    chromium.click("Continue to Books");
    sign_in(&mut chromium);
    chromium.click("Continue");
    chromium.step(&value!(["opener"]));
    let told = chromium.evaluate("told");
    assert_eq!((&told[0]["origin"], &told[0]["data"]["status"]), (&value!(scene.pages.url), &value!("done")));
    let token = told[0]["data"]["token"].as_str().unwrap();
    assert_eq!(json(&exchange(&scene.program, token).await)["account"]["id"], "jo@example.com");
    scene.program.finish().await;
}

fn books_file(oidc: &OidcProvider) -> String {
    let url = &oidc.url;
    format!(
        "name = \"Books\"\nbase_url = \"{url}/api\"\ncategories = [\"accounting\"]\n\
         verify = {{ request = \"GET /me\", account_id = \"/account\" }}\n\
         [auth.oauth]\ngrant = \"oauth2_code\"\n\
         inject.headers.authorization = \"Bearer {{access_token}}\"\n\
         [auth.oauth.oauth2]\nauthorize_url = \"{url}/auth\"\ntoken_url = \"{url}/token\"\nrotation = \"strict\"\n\
         scopes = [\"openid\", \"offline_access\", \"api:read\"]\nauthorize_params = {{ prompt = \"consent\" }}\n"
    )
}

/// The integration `books` with a client that registered itself at the provider.
async fn integration(scene: &mut Scene, oidc: &OidcProvider) -> OAuthClient {
    let client = oidc.register(&format!("{}/oauth/callback/default/books", scene.pages.url), 3600).await;
    scene.program.watch(&client.secret);
    let made = value!({ "provider": "books", "clientId": client.id, "clientSecret": client.secret });
    let made = scene.program.api("POST", "/v1/integrations", &made.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_says_what_is_wrong_and_takes_what_is_right_with_and_without_a_script() {
    let scene = scene(Engine::Sqlite, |setup| setup).await;
    let back = scene.product.at("/linked");
    let mut chromium = Chromium::start(&value!({}));
    for script in [true, false] {
        let request =
            value!({ "integration": "shop", "redirectUrl": back, "externalId": script.to_string() });
        let (_, url) = link(&scene.program, &request).await;
        chromium.profile(&value!({ "javaScriptEnabled": script }));
        chromium.open(&url);
        chromium.see("Connect Parcel Shop");
        chromium.see("An administrator of your shop makes a key under Settings, Developers.");
        chromium.see("At the top of every invoice.");
        assert_eq!(chromium.text().contains("Show"), script);
        chromium.click("Connect");
        chromium.see("Please check the highlighted fields.");
        assert_eq!(chromium.text().matches("Please fill this in.").count(), 3);
        chromium.fill("Shop number", "1042");
        chromium.fill("API key", "pk_live_1");
        chromium.click("Connect");
        chromium.see("This does not look right. It should look like PS-1042.");
        assert_eq!(chromium.evaluate("document.activeElement.id"), "f.shop");
        scene.fill_in(&mut chromium, &canary("wrong"));
        chromium.click("Connect");
        chromium.see("Parcel Shop does not accept these details.");
        // What was no secret is still there.
        assert_eq!(chromium.evaluate("document.getElementById('f.shop').value"), "PS-7");
        assert_eq!(chromium.evaluate("document.getElementById('f.api_key').value"), "");
        scene.fill_in(&mut chromium, &scene.key);
        if script {
            chromium.click("Show");
            assert_eq!(chromium.evaluate("document.getElementById('f.api_key').type"), "text");
            assert_eq!(chromium.evaluate("document.activeElement.textContent"), "Hide");
        }
        chromium.click("Connect");
        chromium.reach(&format!("{back}?token=pub_tkn_"));
        chromium.assert_no_complaints(&scene.pages.url);
    }
    assert_eq!(connections(&scene.program).await.len(), 2);
    scene.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_that_opened_a_link_is_told_the_result_and_no_other() {
    let scene = scene(Engine::Sqlite, |setup| setup).await;
    let stranger = Product::start().await;
    let mut chromium = Chromium::start(&value!({}));
    let told = scene.product.at("");
    for (opener, is_told) in [(&scene.product, true), (&stranger, false)] {
        let (id, url) = link(&scene.program, &value!({ "integration": "shop", "origin": told })).await;
        chromium.open(&opener.at(&format!("/opener?{url}")));
        chromium.step(&value!(["window", "Connect"]));
        scene.fill_in(&mut chromium, &scene.key);
        chromium.click("Connect");
        // The window closes by itself.
        chromium.step(&value!(["opener"]));
        let messages = chromium.evaluate("told");
        let messages = messages.as_array().unwrap();
        assert_eq!(messages.len(), usize::from(is_told), "{messages:?}");
        assert_eq!(status(&scene.program, &id).await["status"], "done");
        if let [message] = messages.as_slice() {
            assert_eq!(message["origin"], scene.pages.url);
            assert_eq!(
                (&message["data"]["status"], &message["data"]["session"]),
                (&value!("done"), &value!(id))
            );
            let token = message["data"]["token"].as_str().unwrap();
            assert_eq!(exchange(&scene.program, token).await.status, 200);
        }
    }
    // In a frame: of the product, and of nobody else.
    let (_, url) = link(&scene.program, &value!({ "integration": "shop", "origin": told })).await;
    chromium.open(&stranger.at(&format!("/framing?{url}")));
    chromium.step(&value!(["frame"]));
    assert!(!chromium.text().contains("Connect"), "{}", chromium.text());
    let (_, url) = link(&scene.program, &value!({ "integration": "shop", "origin": told })).await;
    chromium.open(&scene.product.at(&format!("/framing?{url}")));
    chromium.step(&value!(["frame"]));
    scene.fill_in(&mut chromium, &scene.key);
    chromium.click("Connect");
    chromium.see("Parcel Shop is connected");
    chromium.step(&value!(["opener"]));
    assert_eq!(chromium.evaluate("told[0].data.status"), "done");
    scene.program.finish().await;
}

/// The names of what has the focus, and whether that can be seen.
const FOCUSED: &str = "(() => { const at = document.activeElement, style = getComputedStyle(at); \
    return { name: at.labels?.[0]?.firstChild.textContent.trim() || at.textContent.trim(), \
    seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 }; })()";

#[tokio::test(flavor = "multi_thread")]
async fn a_keyboard_is_enough_and_the_focus_is_always_seen() {
    let scene = scene(Engine::Sqlite, |setup| setup).await;
    let back = scene.product.at("/linked");
    let request = value!({ "providers": ["shop", "stripe"], "redirectUrl": back });
    let (_, url) = link(&scene.program, &request).await;
    let mut chromium = Chromium::start(&value!({}));
    chromium.open(&url);
    let tab = |chromium: &mut Chromium, name: &str| {
        chromium.press("Tab");
        let focused = chromium.evaluate(FOCUSED);
        let has = focused["name"].as_str().unwrap().to_owned();
        assert!(has.contains(name) && focused["seen"] == true, "{name}: {focused}");
    };
    tab(&mut chromium, "Parcel Shop");
    chromium.press("Enter");
    chromium.see("Connect Parcel Shop");
    tab(&mut chromium, "Shop number");
    chromium.type_in("PS-7");
    tab(&mut chromium, "Region");
    chromium.type_in("Eu");
    tab(&mut chromium, "API key");
    chromium.type_in(&scene.key);
    tab(&mut chromium, "Show");
    tab(&mut chromium, "Note");
    for name in ["Connect", "Back", "Cancel", "Help from Parcel Shop"] {
        tab(&mut chromium, name);
    }
    for _ in 0..4 {
        chromium.press("Shift+Tab");
    }
    chromium.press("Enter");
    chromium.reach(&format!("{back}?token=pub_tkn_"));
    scene.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_a_phone_and_can_be_read_by_everybody() {
    let scene = scene(Engine::Sqlite, |setup| setup).await;
    let in_the_dark = |mut profile: Value| {
        profile["colorScheme"] = value!("dark");
        profile
    };
    let mut chromium = Chromium::start(&value!({}));
    let mut profiles = vec![("desktop", value!({})), ("phone-dark", in_the_dark(phone()))];
    if chromium.is_pictured() {
        profiles.extend([("desktop-dark", in_the_dark(value!({}))), ("phone", phone())]);
    }
    for (name, profile) in profiles {
        chromium.profile(&profile);
        let look = |chromium: &mut Chromium, page: &str, text: &str| {
            chromium.see(text);
            chromium.assert_not_cut_off();
            chromium.assert_accessible();
            chromium.shot(&format!("{page}-{name}"));
        };
        let (_, url) = link(&scene.program, &value!({})).await;
        chromium.open(&url);
        look(&mut chromium, "choose", "Which system do you use?");
        chromium.fill("Search", "parcel");
        look(&mut chromium, "search", "1 system");
        chromium.click("Parcel Shop");
        look(&mut chromium, "fields", "At the top of every invoice.");
        chromium.fill("Shop number", "1042");
        chromium.click("Connect");
        look(&mut chromium, "errors", "It should look like PS-1042.");
        scene.fill_in(&mut chromium, &canary("wrong"));
        chromium.click("Connect");
        look(&mut chromium, "refused", "Parcel Shop does not accept these details.");
        scene.fill_in(&mut chromium, &scene.key);
        chromium.click("Connect");
        look(&mut chromium, "done", "Parcel Shop is connected");
        chromium.open(&url);
        look(&mut chromium, "used", "This link was already used");
        let (_, url) = link(&scene.program, &value!({ "integration": "shop" })).await;
        chromium.open(&url);
        chromium.click("Cancel");
        look(&mut chromium, "cancelled", "Nothing was connected");
        chromium.assert_no_complaints(&scene.pages.url);
    }
    scene.program.finish().await;
}
