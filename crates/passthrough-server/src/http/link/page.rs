//! The pages, from what they show to HTML. Pure: no session, no database, no request is known here.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::assets::Assets;
use super::words::Words;
use crate::config::Brand;

pub(super) mod choose;
pub(super) mod form;
pub(super) mod outcome;

/// What all pages have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub words: &'static Words,
    pub brand: &'a Brand,
    pub assets: &'a Assets,
    /// Whether pages come by TLS.
    pub is_secure: bool,
}

impl Frame<'_> {
    /// A whole page. `refresh` is where the browser goes by itself.
    pub(super) fn document(&self, title: &str, refresh: Option<&str>, content: &Markup) -> Markup {
        let name = &self.brand.name;
        html! {
            (DOCTYPE)
            html lang=(self.words.lang) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex, nofollow";
                    @if let Some(address) = refresh {
                        meta http-equiv="refresh" content=(format!("0;url={address}"));
                    }
                    title { (title) @if !name.is_empty() { " – " (name) } }
                    link rel="icon" href=(self.assets.logo.as_ref().unwrap_or(&self.assets.icon).path());
                    link rel="stylesheet" href=(self.assets.style.path());
                    script src=(self.assets.script.path()) defer {}
                }
                body {
                    div class="around" {
                        main {
                            (self.brand())
                            (content)
                        }
                    }
                }
            }
        }
    }

    fn brand(&self) -> Markup {
        let name = &self.brand.name;
        html! {
            @if self.assets.logo.is_some() || !name.is_empty() {
                div class="brand" {
                    @match &self.assets.logo {
                        Some(logo) => img src=(logo.path()) alt=(name);,
                        None => (name),
                    }
                }
            }
        }
    }

    /// The form behind "Cancel".
    pub(super) fn cancel(&self, action: &str, token: &str, error: Option<&str>) -> Markup {
        html! {
            form method="post" action=(action) {
                input type="hidden" name="form" value=(token);
                @if let Some(error) = error { input type="hidden" name="error" value=(error); }
                button class="quiet" { (self.words.cancel) }
            }
        }
    }
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Good,
    /// As the user wanted it.
    Neither,
    Bad,
}

/// A drawn sign beside a headline; whoever listens hears the headline.
pub(super) fn mark(mark: Mark) -> Markup {
    let (class, path) = match mark {
        Mark::Good => ("mark good", "M5 13l5 5L20 7"),
        Mark::Neither => ("mark none", "M6 12h12"),
        Mark::Bad => ("mark bad", "M12 6v7M12 17.5v.5"),
    };
    html! {
        div class=(class) {
            svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round"
                stroke-linejoin="round" aria-hidden="true" {
                (PreEscaped(format!("<path d=\"{path}\"/>")))
            }
        }
    }
}

#[cfg(test)]
mod tests;
