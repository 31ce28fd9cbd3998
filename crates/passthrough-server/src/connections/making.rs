//! A connection in the making: from what a user gave, or consented to, to what can be stored and used.

use std::collections::BTreeMap;
use std::sync::Arc;

use passthrough_core::base_url::Origin;
use passthrough_core::connection::{Connection, Credential, Variables};
use passthrough_core::grant;
use passthrough_core::path::CallerPath;
use passthrough_core::provider::Grant;
use passthrough_core::provider::grant::{Discover, DiscoverAt, UrlTemplate};
use passthrough_core::template::Scope;
use passthrough_core::upstream::RequestBody;
use secrecy::SecretString;

use crate::app::App;
use crate::http::error::ApiError;
use crate::integrations::client;
use crate::obtain::{Refusal, Way};
use crate::passthrough::ask;
use crate::resolve::ReadyConnection;
use crate::verify;

/// Obtains what is still missing and finds out what the file wants found out, then builds a request: a secret that
/// cannot be put into one is the user's mistake now, and would be somebody's riddle later.
pub async fn make(
    app: &App,
    connection: &Connection,
    credential: Credential,
    variables: &Variables,
) -> Result<Arc<ReadyConnection>, ApiError> {
    let mut ready = ready(app, connection, credential, variables).await?;
    if needs_first(&ready) {
        let obtained = match app.obtainer.obtain(&ready, Way::First).await {
            Ok(obtained) => obtained,
            Err(refusal) => {
                client::note_refusal(&app.installation, &ready, &refusal).await?;
                return Err(refused(refusal));
            }
        };
        client::note_accepted(&app.installation, &ready).await;
        let credential = Credential { obtained: Some(obtained), ..ready.credential.clone() };
        ready = self::ready(app, connection, credential, variables).await?;
    }
    for discover in &Arc::clone(&ready.provider).discover {
        if discover.is_for(&connection.auth) && !is_known(&ready, discover) {
            let credential = found_out(app, &ready, discover).await?;
            ready = self::ready(app, connection, credential, variables).await?;
        }
    }
    verify::rehearse(app, &ready).map_err(|error| match error {
        verify::RehearsalError::Credential(message) => ApiError::bad_field("credentials", message),
        verify::RehearsalError::BaseUrl(problem) => ApiError::bad_request(vec![problem.into()]),
    })?;
    Ok(ready)
}

/// Joins what there is of a connection with its integration.
pub async fn ready(
    app: &App,
    connection: &Connection,
    credential: Credential,
    variables: &Variables,
) -> Result<Arc<ReadyConnection>, ApiError> {
    let integration = app.resolver.integration_of(connection).await?;
    let (connection, variables) = (connection.clone(), variables.clone());
    let ready = app.resolver.ready(connection, Vec::new(), credential, 0, variables, integration);
    ready.map(Arc::new).map_err(|error| ApiError::bad_field("credentials", error.to_string()))
}

/// Whether nothing was obtained yet and all that is needed for it is there.
fn needs_first(ready: &ReadyConnection) -> bool {
    let grant = ready.provider.auth.get(&ready.connection.auth).map(|auth| &auth.grant);
    let obtains = grant.is_some_and(|grant| !matches!(grant, Grant::Static) && !grant.needs_consent());
    obtains && ready.credential.obtained.is_none()
}

/// Whether somebody gave what a call would find out.
fn is_known(ready: &ReadyConnection, discover: &Discover) -> bool {
    discover.captures.iter().all(|capture| {
        let name = capture.name.as_str();
        capture.optional || ready.credential.value(name).is_some() || ready.variables.contains_key(name)
    })
}

/// Makes one discovering call; gives the credential with what it found.
async fn found_out(
    app: &App,
    ready: &Arc<ReadyConnection>,
    discover: &Discover,
) -> Result<Credential, ApiError> {
    let found = match &discover.at {
        DiscoverAt::Call(step) => {
            app.obtainer.discovered(ready, step, &discover.captures).await.map_err(refused)?
        }
        DiscoverAt::Url(_) | DiscoverAt::Path(_) => injected(app, ready, discover).await?,
    };
    let mut credential = ready.credential.clone();
    let obtained = credential.obtained.get_or_insert_default();
    obtained.values.extend(found);
    Ok(credential)
}

/// Makes the call with the credential injected as into every request.
async fn injected(
    app: &App,
    ready: &Arc<ReadyConnection>,
    discover: &Discover,
) -> Result<BTreeMap<String, SecretString>, ApiError> {
    let (path, origin) = place(app, ready, discover)?;
    let request = verify::request(discover.method.clone(), path, None, RequestBody::Absent);
    let (status, fields, body) = ask(app, ready, request, origin.as_ref()).await?;
    let answer = grant::Answer {
        status: status.as_u16(),
        headers: &fields,
        body: &body,
        at: app.installation.clock.steady_ms(),
        sent: &ready.redactor,
    };
    let unreadable = |what: String| {
        let place = match &discover.at {
            DiscoverAt::Url(url) => url.source().to_owned(),
            DiscoverAt::Path(path) => path.masked(),
            DiscoverAt::Call(step) => step.url.source().to_owned(),
        };
        ApiError::unprocessable(format!("{place}, which tells more about the account: {what}"))
    };
    if !status.is_success() {
        return Err(unreadable(format!("it answered with status {}", status.as_u16())));
    }
    grant::read_captures(&discover.captures, &answer).map_err(|refusal| unreadable(refusal.to_string()))
}

/// Where a discovering call goes: a path at the base URL, or the address that the file names.
fn place(
    app: &App,
    ready: &ReadyConnection,
    discover: &Discover,
) -> Result<(CallerPath, Option<Arc<Origin>>), ApiError> {
    let wrong = |error: &dyn std::fmt::Display| ApiError::unprocessable(error.to_string());
    let resolved = |url: &UrlTemplate| {
        let url = url.resolve(&ready.variables, &ready.credential, &ready.provider.variables, &ready.hosts);
        let url = url.map_err(|error| wrong(&error))?;
        Ok::<_, ApiError>((url.path_and_query(""), Some(url.base.origin)))
    };
    let (text, origin) = match &discover.at {
        DiscoverAt::Path(path) => {
            let (credential, variables) = (&ready.credential, &ready.variables);
            let scope = Scope { credential, variables, moment: app.moment() };
            let missing = || ApiError::unprocessable("a variable that a discovering call needs is missing");
            (verify::rendered(path, &scope).ok_or_else(missing)?, None)
        }
        DiscoverAt::Url(url) => resolved(url)?,
        DiscoverAt::Call(step) => resolved(&step.url)?,
    };
    Ok((CallerPath::parse(&text).map_err(|error| wrong(&error))?, origin))
}

/// What a refusal means for whoever makes a connection.
pub fn refused(refusal: Refusal) -> ApiError {
    let message = refusal.short();
    match refusal {
        Refusal::Ended { .. } => {
            ApiError::invalid_credentials(format!("the provider refuses the credentials: {message}"))
        }
        Refusal::ClientRejected { .. } => ApiError::unprocessable(format!(
            "the provider refuses the OAuth client ({message}): check its id and secret"
        )),
        Refusal::Passing { retry_after_ms, .. } => {
            ApiError::refresh_failed(&message, retry_after_ms.unwrap_or(1_000))
        }
        Refusal::Unusable { .. } => ApiError::unprocessable(message),
    }
}
