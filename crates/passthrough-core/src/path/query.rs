//! Parameters of a query that is otherwise left as it is.

use percent_encoding::percent_decode_str;

use super::encode_query_component;

/// Appends `name=value` pairs, percent-encoded, to a query (without its `?`).
pub(crate) fn push_pairs(query: &mut String, pairs: &[(String, String)]) {
    for (name, value) in pairs {
        if !query.is_empty() && !query.ends_with('&') {
            query.push('&');
        }
        query.push_str(&encode_query_component(name));
        query.push('=');
        query.push_str(&encode_query_component(value));
    }
}

/// The query without the parameters of these names; `None` when nothing is left.
pub(super) fn without_names(query: &str, names: &[&str]) -> Option<String> {
    let mut kept = String::with_capacity(query.len());
    let mut removed = false;
    let mut separator = "";
    let mut rest = query;
    loop {
        let end = rest.find(['&', ';']).unwrap_or(rest.len());
        let (parameter, after) = rest.split_at(end);
        if names.iter().any(|name| is_named(parameter, name)) {
            removed = true;
        } else {
            // The separator in front of the first kept parameter goes with the removed one before it.
            if !(removed && kept.is_empty()) {
                kept.push_str(separator);
            }
            kept.push_str(parameter);
        }
        if after.is_empty() {
            break;
        }
        (separator, rest) = after.split_at(1);
    }
    if removed && kept.is_empty() { None } else { Some(kept) }
}

/// Whether a raw parameter has this name, under the reading of form decoders: `+` is a space, a malformed
/// `%` is itself, and white space around the name does not make it another.
fn is_named(parameter: &str, name: &str) -> bool {
    let raw = parameter.split('=').next().unwrap_or_default().replace('+', " ");
    percent_decode_str(&raw).collect::<Vec<u8>>().trim_ascii().eq_ignore_ascii_case(name.as_bytes())
}
