//! Making, changing and deleting integrations.
//!
//! Secrets are write-only. An address that is changed would have them read back, so whoever changes where they go must
//! know them, and where connections hang on it, it is not changed at all.

use indexmap::IndexMap;
use passthrough_core::id::Environment;
use passthrough_core::provider::{HostAllowList, Input, Inputs, Problem, Provider};
use passthrough_store::{
    ChangeSubject, Integration as StoredIntegration, IntegrationPatch, Sealed, StoreError,
};
use passthrough_wire::integration::{CreateIntegration, PatchIntegration};
use secrecy::{ExposeSecret, SecretString};

use super::{Integration, Settings, find_provider, set_hosts};
use crate::app::App;
use crate::http::error::ApiError;
use crate::resolve::Caller;
use crate::vault::IntegrationSecrets;

/// Makes an integration.
pub async fn create(
    app: &App,
    caller: &Caller,
    request: CreateIntegration,
) -> Result<StoredIntegration, ApiError> {
    let provider = find_provider(app, "provider", &request.provider)?;
    let key = request.key.unwrap_or_else(|| provider.code.clone());
    if key != provider.code && app.catalog.get(&key).is_some() {
        let message = "is the code of another provider, which has an integration of this key already";
        return Err(ApiError::bad_field("key", message));
    }
    let mut secrets = IntegrationSecrets {
        allow_hosts: request.allow_hosts,
        redact_reflections: request.redact_reflections,
        ..IntegrationSecrets::default()
    };
    put(&mut secrets, "client_id", request.client_id.map(SecretString::from));
    put(&mut secrets, "client_secret", request.client_secret);
    put(&mut secrets, "client_private_key", request.private_key);
    put(&mut secrets, "client_key_id", request.private_key_id.map(SecretString::from));
    let mut problems = Vec::new();
    accept_variables(app, provider, request.variables, &mut secrets, &mut problems);
    check(provider, &secrets, &mut problems);
    refuse(problems)?;
    check_adoption(app, &caller.environment, provider, &key, &secrets).await?;
    let settings = Settings { scopes: request.scopes, authorize_params: request.authorize_params };
    let now = app.now_ms();
    let stored = StoredIntegration {
        sealed: seal(app, &caller.environment, &key, &provider.code, 1, &secrets)?,
        environment: caller.environment.clone(),
        provider: provider.code.clone(),
        name: request.name,
        settings: written(&settings)?,
        created_at: now,
        updated_at: now,
        client_rejected_at: None,
        key,
    };
    app.installation.store.insert_integration(&stored).await.map_err(|error| match error {
        StoreError::Conflict => ApiError::conflict(format!(
            "there is an integration of the key `{}` already; change that one, or give this one another `key`",
            stored.key
        )),
        other => other.into(),
    })?;
    changed(app, &stored.environment, &stored.key).await;
    Ok(stored)
}

/// Changes an integration. What is absent stays.
pub async fn patch(
    app: &App,
    environment: &Environment,
    key: &str,
    request: PatchIntegration,
) -> Result<StoredIntegration, ApiError> {
    let stored = stored(app, environment, key).await?;
    let old = Integration::open(&app.installation.vault, stored)?;
    let provider = find_provider(app, "provider", &old.provider)?;
    let settings = Settings {
        scopes: request.scopes.clone().unwrap_or_else(|| old.settings.scopes.clone()),
        authorize_params: request
            .authorize_params
            .clone()
            .unwrap_or_else(|| old.settings.authorize_params.clone()),
    };
    let secrets = patched(app, provider, &old.secrets, &request)?;
    if let Some(secrets) = &secrets {
        check_move(app, environment, provider, &old, secrets, &request).await?;
    }
    let sealed = match &secrets {
        Some(new) => Some(seal(app, environment, key, &old.provider, old.generation + 1, new)?),
        None => None,
    };
    let patch = IntegrationPatch {
        name: request.name,
        settings: (settings != old.settings).then(|| written(&settings)).transpose()?,
        sealed,
    };
    let store = &app.installation.store;
    let done = store.update_integration(environment, key, &patch, app.now_ms()).await?;
    changed(app, environment, key).await;
    if !done {
        return Err(ApiError::conflict("the integration was changed at the same moment; read it again"));
    }
    self::stored(app, environment, key).await
}

/// Deletes an integration that no connection uses.
pub async fn delete(app: &App, environment: &Environment, key: &str) -> Result<(), ApiError> {
    let store = &app.installation.store;
    match store.delete_integration(environment, key, app.now_ms()).await {
        Ok(true) => {}
        Ok(false) => return Err(missing()),
        Err(StoreError::InUse) => {
            let used = store.count_connections_of(environment, key).await?;
            return Err(ApiError::conflict(format!(
                "{used} {} it: delete them first (GET /v1/connections?integration={key} lists them)",
                if used == 1 { "connection uses" } else { "connections use" }
            )));
        }
        Err(error) => return Err(error.into()),
    }
    changed(app, environment, key).await;
    Ok(())
}

/// The stored integration of this key.
pub async fn stored(app: &App, environment: &Environment, key: &str) -> Result<StoredIntegration, ApiError> {
    app.installation.store.find_integration(environment, key).await?.ok_or_else(missing)
}

fn missing() -> ApiError {
    ApiError::not_found(
        "there is no such integration in this environment; one that a provider has implicitly cannot be changed",
    )
}

async fn changed(app: &App, environment: &Environment, key: &str) {
    let subject = ChangeSubject::Integration { environment: environment.clone(), key: key.to_owned() };
    app.resolver.changed(subject).await;
}

/// The secrets after a patch; `None` where it leaves them alone.
fn patched(
    app: &App,
    provider: &Provider,
    old: &IntegrationSecrets,
    request: &PatchIntegration,
) -> Result<Option<IntegrationSecrets>, ApiError> {
    let mut new = old.clone();
    let text = |text: &String| SecretString::from(text.as_str());
    let client = [
        ("client_id", request.client_id.as_ref().map(|id| id.as_ref().map(text))),
        ("client_secret", request.client_secret.clone()),
        ("client_private_key", request.private_key.clone()),
        ("client_key_id", request.private_key_id.as_ref().map(|id| id.as_ref().map(text))),
    ];
    let mut touched = request.allow_hosts.is_some() || request.redact_reflections.is_some();
    for (name, value) in client {
        let Some(value) = value else { continue };
        touched = true;
        new.client.remove(name);
        put(&mut new, name, value);
    }
    if let Some(hosts) = &request.allow_hosts {
        new.allow_hosts.clone_from(hosts);
    }
    if let Some(mode) = &request.redact_reflections {
        new.redact_reflections.clone_from(mode);
    }
    let mut problems = Vec::new();
    if let Some(variables) = &request.variables {
        touched = true;
        new.variables.clear();
        accept_variables(app, provider, variables.clone(), &mut new, &mut problems);
    }
    if !touched {
        return Ok(None);
    }
    check(provider, &new, &mut problems);
    refuse(problems)?;
    Ok(Some(new))
}

/// The connections that a provider had before it was set up belong to the integration of its name once there is one:
/// an address in it would have their credentials sent to whoever makes it.
async fn check_adoption(
    app: &App,
    environment: &Environment,
    provider: &Provider,
    key: &str,
    secrets: &IntegrationSecrets,
) -> Result<(), ApiError> {
    let hosts = provider.host_variables();
    let Some(name) = secrets.variables.keys().find(|name| hosts.contains(name.as_str())) else {
        return Ok(());
    };
    let used = app.installation.store.count_connections_of(environment, key).await?;
    if used == 0 {
        return Ok(());
    }
    Err(ApiError::conflict(format!(
        "{used} connections of {key} are there already, and `{name}` says where their credentials are sent: give \
         this integration another `key`, and link accounts there"
    )))
}

/// Keeps secrets from being read back by moving the place that they are sent to.
async fn check_move(
    app: &App,
    environment: &Environment,
    provider: &Provider,
    old: &Integration,
    new: &IntegrationSecrets,
    request: &PatchIntegration,
) -> Result<(), ApiError> {
    let hosts = provider.host_variables();
    let value = |secrets: &IntegrationSecrets, name: &str| {
        secrets.variables.get(name).map(|value| value.expose_secret().to_owned())
    };
    let moved: Vec<&&str> =
        hosts.iter().filter(|name| value(&old.secrets, name) != value(new, name)).collect();
    let widened = new.allow_hosts.iter().any(|host| !old.secrets.allow_hosts.contains(host));
    if moved.is_empty() && !widened {
        return Ok(());
    }
    let has = |name: &str| old.secrets.client.contains_key(name);
    if has("client_secret") && request.client_secret.is_none() {
        let message = "give the client secret, too: the change decides where it can be sent to";
        return Err(ApiError::bad_field("clientSecret", message));
    }
    // A key is sent nowhere, but what it signs is: whoever receives that is taken for the client elsewhere.
    if has("client_private_key") && request.private_key.is_none() {
        let message = "give the private key, too: the change decides where what it signs can be sent to";
        return Err(ApiError::bad_field("privateKey", message));
    }
    let Some(name) = moved.first() else { return Ok(()) };
    let used = app.installation.store.count_connections_of(environment, &old.key).await?;
    if used > 0 {
        let message = format!(
            "{used} connections use this integration, and `{name}` says where their credentials are sent: make \
             another integration, and link them there"
        );
        return Err(ApiError::conflict(message));
    }
    Ok(())
}

/// What cannot be meant, or would give the client away.
fn check(provider: &Provider, secrets: &IntegrationSecrets, problems: &mut Vec<Problem>) {
    HostAllowList::check("allowHosts", &secrets.allow_hosts, problems);
    let has = |name: &str| secrets.client.contains_key(name);
    if !secrets.client.is_empty() && !provider.auth.values().any(|auth| auth.uses_client()) {
        let message = format!("{} uses no OAuth client; leave it out", provider.code);
        problems.push(Problem::new("clientId", message));
        return;
    }
    if !has("client_id") && (has("client_secret") || has("client_private_key")) {
        problems.push(Problem::new("clientId", "missing: the secret or key belongs to a client"));
    }
    if has("client_key_id") && !has("client_private_key") {
        problems.push(Problem::new("privateKey", "missing: `privateKeyId` names it"));
    }
    if !has("client_id") && provider.auth.values().all(|auth| auth.grant.needs_client()) {
        problems.push(Problem::new("clientId", "missing: the OAuth client's id from the provider's console"));
    }
    if !has("client_secret") && !has("client_private_key") {
        return;
    }
    for name in provider.open_host_variables() {
        if !secrets.variables.contains_key(name) {
            let message = "missing: whoever links an account could name a host of their own, and would be sent the \
                           client secret, or what its private key signs";
            problems.push(Problem::new(format!("variables.{name}"), message));
        }
    }
}

/// Checks variables like a user's, each by itself: what is not given is left to the user.
fn accept_variables(
    app: &App,
    provider: &Provider,
    given: IndexMap<String, SecretString>,
    secrets: &mut IntegrationSecrets,
    problems: &mut Vec<Problem>,
) {
    let allowed = app.config.allow_hosts.0.iter().chain(&secrets.allow_hosts).cloned();
    let hosts = HostAllowList(allowed.chain(set_hosts(provider, given.iter())).collect());
    let found_out = |(name, input): (&String, &Input)| input.source.is_found_out().then(|| name.clone());
    let found_out: Vec<String> = provider.variables.0.iter().filter_map(found_out).collect();
    for name in given.keys().filter(|name| found_out.contains(name)) {
        let message = "is found out for each connection by itself and cannot be set";
        problems.push(Problem::new(format!("variables.{name}"), message));
    }
    let unknown: IndexMap<String, SecretString> = given
        .iter()
        .filter(|(name, _)| !provider.variables.0.contains_key(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut strangers = Vec::new();
    // For its words about unknown names; what else it finds missing there is no matter here.
    provider.variables.accept("variables", unknown.clone(), &[], &hosts, &mut strangers);
    let named = |problem: &Problem| unknown.keys().any(|name| problem.path == format!("variables.{name}"));
    problems.extend(strangers.into_iter().filter(named));
    let only = |(name, _): &(&String, &Input)| given.contains_key(*name);
    let inputs = provider.variables.0.iter().filter(only).map(|(name, input)| (name.clone(), input.clone()));
    let inputs = Inputs(inputs.collect());
    let known = given.into_iter().filter(|(name, _)| inputs.0.contains_key(name)).collect();
    secrets.variables = inputs.accept("variables", known, &[], &hosts, problems);
}

fn put(secrets: &mut IntegrationSecrets, name: &str, value: Option<SecretString>) {
    if let Some(value) = value {
        secrets.client.insert(name.to_owned(), value);
    }
}

fn refuse(problems: Vec<Problem>) -> Result<(), ApiError> {
    match problems.is_empty() {
        true => Ok(()),
        false => Err(ApiError::bad_request(problems.into_iter().map(Into::into).collect())),
    }
}

fn written(settings: &Settings) -> Result<String, ApiError> {
    serde_json::to_string(settings).map_err(ApiError::internal)
}

fn seal(
    app: &App,
    environment: &Environment,
    key: &str,
    provider: &str,
    generation: i64,
    secrets: &IntegrationSecrets,
) -> Result<Sealed, ApiError> {
    let vault = &app.installation.vault;
    let sealed = vault.seal_integration(environment, key, provider, generation, secrets)?;
    Ok(Sealed { sealed: sealed.bytes, key_id: sealed.key_id.to_string(), generation })
}
