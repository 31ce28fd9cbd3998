//! Answers of token endpoints (RFC 6749 §5), as they really are: nested, in forms, with errors under a status of 200.

use super::answer::{Answer, scalar};
use super::capture::{checked, keep};
use super::expiry::{after, ends, lifetime_ms};
use super::refusal::{Refusal, of_code};
use crate::connection::Obtained;
use crate::provider::grant::OAuth2;

/// Reads the answer to any token request. `previous` is what the connection had: a refresh token and captures that the
/// answer does not bring anew stay.
pub fn read_tokens(
    oauth2: &OAuth2,
    answer: &Answer<'_>,
    previous: Option<&Obtained>,
) -> Result<Obtained, Refusal> {
    if let Some(passing) = answer.passing() {
        return Err(passing);
    }
    let values = answer.values();
    let refused = || of_code(answer, values.as_ref(), &oauth2.error, &oauth2.final_errors);
    if !answer.is_success() {
        let nothing = || {
            let kind = if answer.is_html() { "a page for people" } else { "no error code" };
            let what = format!("it answered with status {} and {kind}", answer.status);
            Refusal::Passing { what, retry_after_ms: answer.retry_after_ms() }
        };
        return Err(refused().unwrap_or_else(nothing));
    }
    let Some(values) = values.as_ref() else {
        let what = if answer.is_html() { "it is a page for people" } else { "it is neither JSON nor a form" };
        return Err(Refusal::Passing { what: what.to_owned(), retry_after_ms: None });
    };
    let Some(access_token) = oauth2.access_token.read(values).and_then(scalar) else {
        let missing = || Refusal::malformed(format!("no access token in it, at {}", oauth2.access_token));
        return Err(refused().unwrap_or_else(missing));
    };
    let mut obtained = previous.cloned().unwrap_or_default();
    obtained.at = answer.at;
    obtained.values.insert("access_token".to_owned(), checked("access_token", access_token)?);
    let refresh_token = oauth2.refresh_token.read(values).and_then(scalar);
    let renewed = refresh_token.is_some();
    if let Some(token) = refresh_token {
        obtained.values.insert("refresh_token".to_owned(), checked("refresh_token", token)?);
    }
    keep(&oauth2.captures, answer, Some(values), &mut obtained.values)?;
    // A token that renews itself can do so for as long as it lives.
    let renews_itself = oauth2.refresh.is_some() && !obtained.values.contains_key("refresh_token");
    let refreshable = renews_itself || obtained.values.contains_key("refresh_token");
    obtained.expires_at = ends(&oauth2.expires, Some(values), answer.at);
    // Some write 0 for "never"; where there is nothing to refresh with, 30 seconds would be a dead connection.
    let zero =
        oauth2.expires.in_from.as_ref().and_then(|from| lifetime_ms(from, oauth2.expires.unit, values));
    if zero == Some(0) && !refreshable && oauth2.expires.at_from.is_none() && !super::starts_over(oauth2) {
        obtained.expires_at = oauth2.expires.lifetime_ms.map(|lifetime| after(answer.at, lifetime));
    }
    let told = lifetime_ms(&oauth2.refresh_expires_in, oauth2.expires.unit, values).filter(|told| *told > 0);
    obtained.refresh_expires_at = match (refreshable, told.or(oauth2.refresh_lifetime_ms)) {
        (false, _) => None,
        (true, None) if renews_itself => obtained.expires_at,
        // It is used at half its life: less than half a minute would be without end.
        (true, Some(lifetime)) => Some(after(answer.at, lifetime.max(30_000))),
        (true, None) => obtained.refresh_expires_at.filter(|_| !renewed),
    };
    Ok(obtained)
}
