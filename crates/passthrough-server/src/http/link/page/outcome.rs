//! Pages without a form: how it ended, or why it cannot go on.

use maud::{Markup, html};

use super::{Frame, Mark, mark};
use crate::http::link::words::with;

/// The result, for the page that opened this one.
#[derive(Debug)]
pub(in crate::http::link) struct Told<'a> {
    /// The only origin that is told.
    pub origin: &'a str,
    /// `done`, `failed` or `cancelled`.
    pub status: &'a str,
    pub session: &'a str,
    pub token: Option<&'a str>,
    pub error: Option<&'a str>,
}

impl Told<'_> {
    /// Where the script finds it.
    fn element(&self) -> Markup {
        html! {
            div hidden data-result data-origin=(self.origin) data-status=(self.status) data-session=(self.session)
                data-token=[self.token] data-error=[self.error] {}
        }
    }
}

/// The account is linked.
pub(in crate::http::link) fn done(
    frame: &Frame<'_>,
    provider: &str,
    told: Option<&Told<'_>>,
    next: Option<&str>,
) -> Markup {
    let words = frame.words;
    let title = with(words.done_title, provider);
    let content = html! {
        @if let Some(told) = told { (told.element()) }
        (mark(Mark::Good))
        h1 { (title) }
        p class="lead" role="status" {
            (words.done_lead) @if next.is_none() { " " (words.done_close) }
        }
        (leave(frame, next, words.done_continue))
    };
    frame.document(&title, None, &content)
}

/// The user did not want to, or gave up.
pub(in crate::http::link) fn cancelled(
    frame: &Frame<'_>,
    told: Option<&Told<'_>>,
    next: Option<&str>,
) -> Markup {
    let words = frame.words;
    let content = html! {
        @if let Some(told) = told { (told.element()) }
        (mark(Mark::Neither))
        h1 { (words.cancelled_title) }
        p class="lead" { (words.cancelled_lead) }
        (leave(frame, next, words.go_back))
    };
    frame.document(words.cancelled_title, None, &content)
}

fn leave(frame: &Frame<'_>, next: Option<&str>, label: &str) -> Markup {
    html! {
        @match next {
            Some(address) => a class="button main" href=(address) { (label) },
            None => button type="button" class="plain" hidden data-close { (frame.words.close) },
        }
    }
}

/// On the way to the provider. A page of its own, because browsers hold what follows a form to the policy for forms
/// (`form-action`), which should not have to name every provider's address.
pub(in crate::http::link) fn going(frame: &Frame<'_>, provider: &str, address: &str) -> Markup {
    let words = frame.words;
    let title = with(words.going_title, provider);
    let content = html! {
        h1 { (title) " …" }
        p class="lead" { (words.going_lead) }
        a class="button main" href=(address) rel="noreferrer" { (with(words.continue_to, provider)) }
    };
    frame.document(&title, Some(address), &content)
}

/// Nothing goes on here, and what may be done about it.
pub(in crate::http::link) fn halt(frame: &Frame<'_>, title: &str, lead: &str) -> Markup {
    let content = html! {
        (mark(Mark::Bad))
        h1 { (title) }
        p class="lead" { (lead) }
        button type="button" class="plain" hidden data-close { (frame.words.close) }
    };
    frame.document(title, None, &content)
}
