//! What an end user gives: fields and variables, or only the word to go on to the provider.

use maud::{Markup, html};

use super::Frame;
use crate::http::link::words::{with, with_two};

/// The form of one way to authenticate.
#[derive(Debug)]
pub(in crate::http::link) struct Form<'a> {
    pub provider: &'a str,
    /// Whether the account was linked before.
    pub again: bool,
    /// Whether the user goes on to the provider.
    pub consent: bool,
    /// What the provider's file says of this way.
    pub description: Option<&'a str>,
    /// The provider's documentation.
    pub docs: Option<&'a str>,
    pub action: String,
    pub token: &'a str,
    /// What went wrong with the whole.
    pub alert: Option<String>,
    pub fields: Vec<Field<'a>>,
    /// Other ways: label and address.
    pub ways: Vec<(&'a str, String)>,
    pub back: Option<String>,
    pub cancel: String,
    /// The code of what went wrong last, for whoever gives up now.
    pub error: Option<&'a str>,
}

/// One field.
#[derive(Debug)]
pub(in crate::http::link) struct Field<'a> {
    /// Its name in the form.
    pub name: String,
    pub label: &'a str,
    pub help: Option<&'a str>,
    pub example: Option<&'a str>,
    pub kind: Kind<'a>,
    pub required: bool,
    /// What stands in it; never a secret.
    pub value: Option<String>,
    pub error: Option<String>,
}

/// How it is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::link) enum Kind<'a> {
    Text,
    Secret,
    /// Keys and certificates have many lines.
    Lines,
    /// One of these.
    Choice(&'a [String]),
}

/// The page.
pub(in crate::http::link) fn page(frame: &Frame<'_>, form: &Form<'_>) -> Markup {
    let words = frame.words;
    let title = with(if form.again { words.again_title } else { words.connect_title }, form.provider);
    let has_errors = form.alert.is_some() || form.fields.iter().any(|field| field.error.is_some());
    let button = if form.consent { with(words.continue_to, form.provider) } else { words.connect.to_owned() };
    let content = html! {
        h1 { (title) }
        p class="lead" { (lead(frame, form)) }
        @if let Some(alert) = &form.alert {
            div class="alert" role="alert" { (alert) }
        } @else if has_errors {
            div class="alert" role="alert" { (words.check_fields) }
        }
        @if let Some(description) = form.description { p class="about" { (description) } }
        form method="post" action=(form.action) novalidate data-busy=(words.connecting) {
            input type="hidden" name="form" value=(form.token);
            @let first = form.fields.iter().position(|field| field.error.is_some());
            @for (at, field) in form.fields.iter().enumerate() {
                (one(frame, field, first == Some(at)))
            }
            button class="main" { (button) }
        }
        div class="row" {
            @if let Some(back) = &form.back { a href=(back) { (words.back) } }
            (frame.cancel(&form.cancel, form.token, form.error))
        }
        (ways(frame, form))
        div class="foot" {
            span { (if frame.is_secure { words.sealed } else { words.stored_sealed }) }
            @if let Some(docs) = form.docs {
                a href=(docs) target="_blank" rel="noopener noreferrer" { (with(words.documentation, form.provider)) }
            }
        }
    };
    let whole = if has_errors { format!("{}: {title}", words.error_prefix) } else { title };
    frame.document(&whole, None, &content)
}

fn lead(frame: &Frame<'_>, form: &Form<'_>) -> String {
    let (words, brand) = (frame.words, &frame.brand.name);
    match (form.consent, brand.is_empty()) {
        (true, true) => with(words.consent_lead, form.provider),
        (true, false) => with_two(words.consent_lead_brand, form.provider, brand),
        (false, true) => with(words.fields_lead, form.provider),
        (false, false) => with_two(words.fields_lead_brand, form.provider, brand),
    }
}

fn ways(frame: &Frame<'_>, form: &Form<'_>) -> Markup {
    html! {
        @if !form.ways.is_empty() {
            section class="ways" aria-labelledby="ways" {
                h2 id="ways" { (frame.words.another_way) }
                ul { @for (label, href) in &form.ways { li { a href=(href) { (label) } } } }
            }
        }
    }
}

fn one(frame: &Frame<'_>, field: &Field<'_>, is_first_wrong: bool) -> Markup {
    let words = frame.words;
    let (help, wrong) = (format!("{}-help", field.name), format!("{}-error", field.name));
    let has_help = field.help.is_some() || field.example.is_some();
    let mut described: Vec<&str> = Vec::new();
    if has_help {
        described.push(&help);
    }
    if field.error.is_some() {
        described.push(&wrong);
    }
    let described = (!described.is_empty()).then(|| described.join(" "));
    html! {
        div class="field" {
            label for=(field.name) {
                (field.label)
                @if !field.required { " " span class="optional" { "(" (words.optional) ")" } }
            }
            @if has_help {
                p class="help" id=(help) {
                    @if let Some(help) = field.help { (help) " " }
                    @if let Some(example) = field.example { (words.example) " " code { (example) } }
                }
            }
            @if let Some(error) = &field.error {
                p class="error" id=(wrong) { span class="only-heard" { (words.error) " " } (error) }
            }
            (control(frame, field, described.as_deref(), is_first_wrong))
        }
    }
}

fn control(frame: &Frame<'_>, field: &Field<'_>, described: Option<&str>, focus: bool) -> Markup {
    let (words, name) = (frame.words, &field.name);
    let invalid = field.error.is_some().then_some("true");
    let value = field.value.as_deref();
    html! {
        @match field.kind {
            Kind::Text => {
                input type="text" id=(name) name=(name) value=[value] required[field.required] autofocus[focus]
                    autocomplete="off" autocapitalize="none" spellcheck="false"
                    aria-describedby=[described] aria-invalid=[invalid];
            }
            // Nothing that was typed here is ever sent back.
            Kind::Secret => {
                div class="secret" {
                    input type="password" id=(name) name=(name) required[field.required] autofocus[focus]
                        autocomplete="off" autocapitalize="none" spellcheck="false"
                        aria-describedby=[described] aria-invalid=[invalid];
                    button type="button" class="plain" hidden data-reveals=(name) data-show=(words.show)
                        data-hide=(words.hide) aria-pressed="false" aria-controls=(name) { (words.show) }
                }
            }
            Kind::Lines => {
                textarea id=(name) name=(name) required[field.required] autofocus[focus] autocomplete="off"
                    autocapitalize="none" spellcheck="false"
                    aria-describedby=[described] aria-invalid=[invalid] {}
            }
            Kind::Choice(values) => {
                select id=(name) name=(name) required[field.required] autofocus[focus]
                    aria-describedby=[described] aria-invalid=[invalid] {
                    option value="" selected[value.is_none()] { (words.please_choose) }
                    @for known in values {
                        option value=(known) selected[value == Some(known)] { (known) }
                    }
                }
            }
        }
    }
}
