//! Questions on a terminal. Secrets are typed without being shown.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use dialoguer::{Confirm, Input, Password, Select};
use passthrough_client::Error as ClientError;
use passthrough_client::wire::connection::CreateConnection;
use passthrough_client::wire::error::ErrorCode;
use passthrough_client::wire::fields::FieldError;
use passthrough_client::wire::provider::{Auth, Field, Provider};
use secrecy::SecretString;

use crate::exit::Hinted;
use crate::output::Output;
use crate::terminal;

/// Whether somebody is there to answer.
pub(crate) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Whether something is really to be deleted. Says so where it is not, and fails where nobody is there to answer.
pub(crate) fn deletion(output: &Output, what: &str) -> Result<bool> {
    if !is_possible() {
        let message = "nobody is there to confirm the deletion";
        return Err(Hinted::usage(message, "--yes deletes without asking").into());
    }
    let sure = answered(|| Confirm::new().with_prompt(what).default(false).interact())?;
    if !sure {
        output.note("nothing was deleted");
    }
    Ok(sure)
}

/// One question. Whoever breaks it off gets the terminal back as it was.
fn answered<T>(ask: impl FnOnce() -> dialoguer::Result<T>) -> Result<T> {
    terminal::restore_when_interrupted()?;
    match ask() {
        // While keys are read one by one, Ctrl-C is a key; it means the same.
        Err(dialoguer::Error::IO(error)) if error.kind() == std::io::ErrorKind::Interrupted => {
            terminal::leave(terminal::INTERRUPTED);
        }
        answer => answer.context("no answer"),
    }
}

/// The provider's code, as it was typed.
pub(crate) fn provider() -> Result<String> {
    answered(|| Input::<String>::new().with_prompt("Provider code").interact_text())
}

/// The values that an error refuses, among those that were typed: the fields it names, or, where the provider
/// refuses the credential, its secrets.
pub(crate) fn refused(
    error: &ClientError,
    provider: &Provider,
    request: &CreateConnection,
    is_given: impl Fn(&str) -> bool,
) -> Vec<String> {
    let Some(body) = error.api().map(|api| &api.body) else { return Vec::new() };
    let typed = |name: &String| {
        (request.credentials.contains_key(name) || request.variables.contains_key(name)) && !is_given(name)
    };
    if body.code == ErrorCode::InvalidCredentials {
        let auth = request.auth.as_ref().and_then(|name| provider.auth.get(name));
        let secrets = auth.into_iter().flat_map(|auth| &auth.fields).filter(|(_, field)| field.secret);
        return secrets.map(|(name, _)| name.clone()).filter(typed).collect();
    }
    let fields =
        body.detail.clone().and_then(|detail| serde_json::from_value::<Vec<FieldError>>(detail).ok());
    let names = fields.unwrap_or_default().into_iter().filter_map(|field| {
        let path = field.path.strip_prefix("credentials.").or_else(|| field.path.strip_prefix("variables."));
        path.map(ToOwned::to_owned)
    });
    names.filter(typed).collect()
}

/// Asks for the auth entry, its fields and the provider's variables, as far as they are not given; of fields and
/// variables, for those in `only`, where there is such a list.
pub(crate) fn complete(
    provider: &Provider,
    request: &mut CreateConnection,
    only: Option<&[String]>,
) -> Result<()> {
    let is_asked = |name: &String| only.is_none_or(|only| only.contains(name));
    let name = auth(provider, request)?;
    let Some(auth) = provider.auth.get(&name) else { return Ok(()) };
    request.auth = Some(name);
    if let Some(description) = &auth.description {
        eprint(description);
    }
    for (name, field) in
        missing(&auth.fields, &request.credentials).into_iter().filter(|(name, _)| is_asked(name))
    {
        if let Some(value) = ask(name, field)? {
            request.credentials.insert(name.clone(), value);
        }
    }
    for (name, field) in
        missing(&provider.variables, &request.variables).into_iter().filter(|(name, _)| is_asked(name))
    {
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
        answered(|| Select::new().with_prompt("How to authenticate").items(&labels).default(0).interact())?
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
        let chosen = answered(|| Select::new().with_prompt(label).items(values).default(preset).interact())?;
        return Ok(values.get(chosen).map(|value| value.as_str().into()));
    }
    let typed = answered(|| {
        if field.secret {
            let password = Password::new().with_prompt(label).allow_empty_password(!field.required);
            return password.report(true).interact();
        }
        let input = Input::<String>::new().with_prompt(label).allow_empty(!field.required);
        match field.default.clone().filter(|value| !value.is_empty()) {
            Some(value) => input.default(value).interact_text(),
            None => input.interact_text(),
        }
    })?;
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
