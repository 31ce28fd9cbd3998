//! Choosing the provider.

use maud::{Markup, html};

use super::Frame;
use crate::http::link::words::with;

/// With fewer, a search is in the way.
const SEARCH_FROM: usize = 9;

/// What there is to choose from.
#[derive(Debug)]
pub(in crate::http::link) struct Choose<'a> {
    /// Address of this page.
    pub here: &'a str,
    /// What was searched for.
    pub query: &'a str,
    /// What fits it.
    pub choices: Vec<Choice<'a>>,
    /// How many there are in all.
    pub all: usize,
    /// Address of "Cancel".
    pub cancel: String,
    /// The token of the form.
    pub token: &'a str,
}

/// One provider.
#[derive(Debug)]
pub(in crate::http::link) struct Choice<'a> {
    pub name: &'a str,
    pub note: Option<&'a str>,
    pub href: String,
}

/// The page.
pub(in crate::http::link) fn page(frame: &Frame<'_>, choose: &Choose<'_>) -> Markup {
    let words = frame.words;
    let count = match choose.choices.len() {
        1 => words.found_one.to_owned(),
        many => with(words.found_many, &many.to_string()),
    };
    let content = html! {
        h1 { (words.choose_title) }
        p class="lead" { (words.choose_lead) }
        @if choose.all >= SEARCH_FROM {
            (search(frame, choose))
            p class="count" role="status" data-one=(words.found_one) data-many=(words.found_many)
                data-none=(words.none_found) {
                @if choose.choices.is_empty() { (with(words.none_found, choose.query)) } @else { (count) }
            }
        }
        @if choose.choices.is_empty() {
            p { a href=(choose.here) { (words.show_all) } }
        } @else {
            ul class="choices" {
                @for choice in &choose.choices {
                    li {
                        a href=(choice.href) {
                            span class="tile" aria-hidden="true" { (initial(choice.name)) }
                            span {
                                (choice.name)
                                @if let Some(note) = choice.note { span class="note" { (note) } }
                            }
                        }
                    }
                }
            }
        }
        div class="row" { (frame.cancel(&choose.cancel, choose.token, None)) }
    };
    frame.document(words.choose_title, None, &content)
}

fn search(frame: &Frame<'_>, choose: &Choose<'_>) -> Markup {
    let words = frame.words;
    // Where the list is not whole, the script cannot find in it what is not there.
    let whole = choose.query.is_empty();
    html! {
        form class="search" role="search" action=(choose.here) {
            div class="grow" {
                label for="search" { (words.search) }
                input id="search" type="search" name="q" value=(choose.query) autocomplete="off" spellcheck="false"
                    maxlength="100" data-filters[whole];
            }
            button class="plain" { (words.search_button) }
        }
    }
}

fn initial(name: &str) -> String {
    name.chars()
        .find(|character| character.is_alphanumeric())
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect()
}
