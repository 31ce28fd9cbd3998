use super::choose::{self, Choice, Choose};
use super::form::{self, Field, Form, Kind};
use super::outcome::{self, Told};
use super::*;

fn brand(name: &str) -> Brand {
    Brand { name: name.to_owned(), colour: "#ffe100".parse().unwrap(), logo: None }
}

fn render(locale: &str, page: impl FnOnce(&Frame<'_>) -> Markup) -> String {
    let brand = brand("Acme <Inc>");
    let assets = Assets::new(&brand);
    page(&Frame { words: Words::of(Some(locale), None), brand: &brand, assets: &assets, is_secure: true })
        .into_string()
}

fn field(name: &str, kind: Kind<'static>, error: Option<&str>) -> Field<'static> {
    Field {
        name: name.to_owned(),
        label: "API \"key\"",
        help: Some("Under <Settings>."),
        example: Some("ak_1"),
        kind,
        required: true,
        value: Some("typed & kept".to_owned()),
        error: error.map(str::to_owned),
    }
}

fn with_fields(fields: Vec<Field<'static>>) -> Form<'static> {
    Form {
        provider: "Shop",
        again: false,
        consent: false,
        description: None,
        docs: Some("https://docs.example"),
        action: "/link/link_1/shop".to_owned(),
        token: "ABC",
        alert: None,
        fields,
        ways: vec![("OAuth", "/link/link_1/shop?auth=oauth".to_owned())],
        back: Some("/link/link_1".to_owned()),
        cancel: "/link/link_1/cancel".to_owned(),
        error: None,
    }
}

#[test]
fn a_field_is_tied_to_its_label_help_and_error_and_the_first_wrong_one_has_the_focus() {
    let fields = vec![
        field("f.a", Kind::Text, None),
        field("f.b", Kind::Secret, Some("Please fill this in.")),
        field("f.c", Kind::Lines, Some("Too long.")),
    ];
    let page = render("en", |frame| form::page(frame, &with_fields(fields)));
    assert!(page.contains(r#"<label for="f.b">"#), "{page}");
    assert!(page.contains(r#"<p class="help" id="f.b-help">Under &lt;Settings&gt;. "#), "{page}");
    let secret = page.split("<input type=\"password\"").nth(1).unwrap().split('>').next().unwrap();
    assert!(secret.contains(r#"aria-describedby="f.b-help f.b-error" aria-invalid="true""#), "{secret}");
    assert!(secret.contains(" autofocus") && secret.contains(" required"), "{secret}");
    assert_eq!(page.matches("autofocus").count(), 1);
    assert!(page.contains("<title>Error: Connect Shop – Acme &lt;Inc&gt;</title>"), "{page}");
    assert!(page.contains(r#"role="alert""#));
}

#[test]
fn what_was_typed_stays_unless_it_is_secret() {
    for kind in [Kind::Secret, Kind::Lines] {
        let page = render("en", |frame| form::page(frame, &with_fields(vec![field("f.a", kind, None)])));
        assert!(!page.contains("typed"), "{page}");
    }
    let page = render("en", |frame| form::page(frame, &with_fields(vec![field("f.a", Kind::Text, None)])));
    assert!(page.contains(r#"value="typed &amp; kept""#), "{page}");
}

#[test]
fn nothing_on_any_page_is_inline_or_from_elsewhere() {
    let told = Told {
        origin: "https://app.example",
        status: "done",
        session: "link_1",
        token: Some("t"),
        error: None,
    };
    let choose = Choose {
        here: "/link/link_1",
        query: "<script>",
        choices: vec![],
        all: 100,
        cancel: "/link/link_1/cancel".to_owned(),
        token: "ABC",
    };
    for locale in ["en", "de"] {
        let pages = [
            render(locale, |frame| choose::page(frame, &choose)),
            render(locale, |frame| form::page(frame, &with_fields(vec![field("f.a", Kind::Secret, None)]))),
            render(locale, |frame| outcome::done(frame, "Shop", Some(&told), None)),
            render(locale, |frame| outcome::cancelled(frame, None, Some("https://app.example/?a=1&b=2"))),
            render(locale, |frame| outcome::going(frame, "Shop", "https://idp.example/authorize?a=1&b=2")),
            render(locale, |frame| outcome::halt(frame, "Title", "Lead")),
        ];
        for page in pages {
            assert!(page.contains(&format!("<html lang=\"{locale}\">")), "{page}");
            assert!(
                !page.contains(" style=") && !page.contains("<style") && !page.contains(" onclick="),
                "{page}"
            );
            assert_eq!(page.matches("<script").count(), 1, "{page}");
            for source in page.split(" src=\"").skip(1) {
                assert!(source.starts_with("/link/assets/"), "{source}");
            }
            assert_eq!(page.matches("<h1>").count(), 1, "{page}");
            // The script puts in the number, and what was looked for.
            let shown = [" data-many=\"", " data-none=\""].iter().fold(page.clone(), |page, attribute| {
                let Some((before, rest)) = page.split_once(attribute) else { return page };
                format!("{before}{}", rest.split_once('"').unwrap().1)
            });
            assert!(!shown.contains("{}"), "a name is missing: {page}");
        }
    }
}

#[test]
fn a_search_is_kept_and_one_that_finds_nothing_says_so() {
    let mut choose = Choose {
        here: "/link/link_1",
        query: "",
        choices: vec![Choice { name: "Shop", note: Some("payments"), href: "/link/link_1/shop".to_owned() }],
        all: 1,
        cancel: String::new(),
        token: "",
    };
    let few = render("en", |frame| choose::page(frame, &choose));
    assert!(!few.contains("type=\"search\"") && few.contains("href=\"/link/link_1/shop\""), "{few}");
    (choose.query, choose.all, choose.choices) = ("x\"y", 50, Vec::new());
    let none = render("de", |frame| choose::page(frame, &choose));
    assert!(
        none.contains("value=\"x&quot;y\"") && none.contains("Nichts gefunden für „x&quot;y“."),
        "{none}"
    );
}

#[test]
fn the_stylesheet_has_the_brand_in_colours_that_can_be_read() {
    let assets = Assets::new(&brand(""));
    let style = String::from_utf8(assets.style.bytes.to_vec()).unwrap();
    assert!(
        style.starts_with(":root{--brand:#ffe100;--brand-label:#000000;--brand-on-light:#"),
        "{}",
        &style[..90]
    );
    assert!(assets.find(&assets.style.name).is_some());
    assert!(assets.find("style-0.css").is_none() && assets.find("").is_none());
}
