//! Questions on a terminal. Secrets are typed without being shown.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use dialoguer::{Confirm, Input, Password, Select};
use passthrough_client::wire::connection::CreateConnection;
use passthrough_client::wire::provider::{Auth, Field, Provider, ProviderSummary};
use secrecy::SecretString;

/// How many lines a list of choices has at most.
const LIST_LINES: usize = 15;

/// Whether somebody is there to answer.
pub(crate) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// A yes or a no.
pub(crate) fn confirm(what: &str) -> Result<bool> {
    Confirm::new().with_prompt(what).default(false).interact().context("no answer")
}

/// The provider's code.
pub(crate) fn provider(providers: &[ProviderSummary]) -> Result<String> {
    let names: Vec<String> = providers.iter().map(|p| format!("{} ({})", p.name, p.code)).collect();
    let select = Select::new().with_prompt("Provider").items(&names).default(0).max_length(LIST_LINES);
    let chosen = select.interact().context("no answer")?;
    Ok(providers.get(chosen).context("the catalog has no providers")?.code.clone())
}

/// Asks for the auth entry, its fields and the provider's variables, as far as they are not given.
pub(crate) fn complete(provider: &Provider, request: &mut CreateConnection) -> Result<()> {
    let name = auth(provider, request)?;
    let Some(auth) = provider.auth.get(&name) else { return Ok(()) };
    request.auth = Some(name);
    if let Some(description) = &auth.description {
        eprint(description);
    }
    for (name, field) in missing(&auth.fields, &request.credentials) {
        if let Some(value) = ask(name, field)? {
            request.credentials.insert(name.clone(), value);
        }
    }
    for (name, field) in missing(&provider.variables, &request.variables) {
        if let Some(value) = ask(name, field)? {
            request.variables.insert(name.clone(), value);
        }
    }
    Ok(())
}

type Secrets = indexmap::IndexMap<String, SecretString>;
type Fields = indexmap::IndexMap<String, Field>;

fn missing<'a>(fields: &'a Fields, given: &Secrets) -> Vec<(&'a String, &'a Field)> {
    fields.iter().filter(|(name, _)| !given.contains_key(*name)).collect()
}

/// Whether a request lacks anything that the provider requires.
pub(crate) fn is_incomplete(provider: &Provider, request: &CreateConnection) -> bool {
    let lacks =
        |fields: &Fields, given: &Secrets| missing(fields, given).iter().any(|(_, field)| field.required);
    let chosen: Option<&Auth> = match &request.auth {
        Some(name) => provider.auth.get(name),
        None => provider.auth.values().find(|auth| !lacks(&auth.fields, &request.credentials)),
    };
    // An unknown name is the server's to refuse, with the names that there are.
    let auth_lacks = chosen.map_or(request.auth.is_none(), |auth| lacks(&auth.fields, &request.credentials));
    auth_lacks || lacks(&provider.variables, &request.variables)
}

fn auth(provider: &Provider, request: &CreateConnection) -> Result<String> {
    if let Some(name) = &request.auth {
        return Ok(name.clone());
    }
    let names: Vec<&String> = provider.auth.keys().collect();
    let chosen = if names.len() > 1 {
        let labels: Vec<String> =
            provider.auth.iter().map(|(name, auth)| format!("{} ({name})", auth.label)).collect();
        Select::new()
            .with_prompt("How to authenticate")
            .items(&labels)
            .default(0)
            .interact()
            .context("no answer")?
    } else {
        0
    };
    Ok(names.get(chosen).context("the provider has no auth entry")?.to_string())
}

fn ask(name: &str, field: &Field) -> Result<Option<SecretString>> {
    let label = label(name, field);
    if let Some(description) = &field.description {
        eprint(description);
    }
    if let Some(values) = &field.values {
        let preset = values.iter().position(|value| Some(value) == field.default.as_ref()).unwrap_or(0);
        let chosen = Select::new().with_prompt(label).items(values).default(preset).interact();
        return Ok(values.get(chosen.context("no answer")?).map(|value| value.as_str().into()));
    }
    let typed = if field.secret {
        Password::new().with_prompt(label).allow_empty_password(!field.required).report(true).interact()
    } else {
        let input = Input::<String>::new().with_prompt(label).allow_empty(!field.required);
        match field.default.clone().filter(|value| !value.is_empty()) {
            Some(value) => input.default(value).interact_text(),
            None => input.interact_text(),
        }
    };
    let typed = typed.context("no answer")?;
    // Nothing typed is nothing given: the provider's default, if there is one, is the server's to fill in.
    Ok((!typed.is_empty()).then(|| typed.into()))
}

fn label(name: &str, field: &Field) -> String {
    let optional = if field.required { "" } else { ", optional" };
    let example = field.example.as_deref().map(|example| format!(", such as {example}")).unwrap_or_default();
    format!("{} ({name}{optional}{example})", field.label)
}

/// A sentence before a question, where the questions themselves go.
fn eprint(text: &str) {
    let _ = dialoguer::console::Term::stderr().write_line(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider() -> Provider {
        let field = |required: bool| serde_json::json!({"label": "l", "required": required, "secret": false});
        let json = serde_json::json!({"code": "p", "name": "P", "categories": [], "status": "live", "baseUrl": "u",
            "baseUrls": {}, "variables": {"region": field(false)},
            "auth": {"key": {"label": "Key", "grant": "static", "canVerify": false, "fields": {"key": field(true)}},
                "basic": {"label": "Basic", "grant": "static", "canVerify": false,
                    "fields": {"user": field(true), "password": field(false)}}}});
        serde_json::from_value(json).unwrap()
    }

    fn request(auth: Option<&str>, fields: &[&str]) -> CreateConnection {
        let mut request = CreateConnection { auth: auth.map(ToOwned::to_owned), ..Default::default() };
        request.credentials.extend(fields.iter().map(|name| ((*name).to_owned(), SecretString::from("x"))));
        request
    }

    #[test]
    fn nothing_is_asked_where_what_is_required_is_given() {
        assert!(is_incomplete(&provider(), &request(None, &[])));
        assert!(!is_incomplete(&provider(), &request(None, &["key"])));
        assert!(!is_incomplete(&provider(), &request(None, &["user"])));
        assert!(is_incomplete(&provider(), &request(Some("basic"), &["key"])));
        assert!(!is_incomplete(&provider(), &request(Some("unknown"), &[])));
    }
}
