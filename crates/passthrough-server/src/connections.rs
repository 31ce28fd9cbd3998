//! Operations on connections: make, change, verify, rotate. The doors of the API call these; the dialects
//! have no logic of their own.

use std::sync::Arc;

use passthrough_core::base_url::Origin;
use passthrough_core::connection::{Connection, ConnectionStatus, Credential, SealedCredential, Variables};
use passthrough_core::id::{ConnectionId, Environment};
use passthrough_core::provider::{Auth, BaseUrlTemplate, HostAllowList, Problem, Provider};
use passthrough_core::token::{Token, TokenKind};
use passthrough_store::{ChangeSubject, ConnectionPatch, CredentialTimes, Sealed, StoredConnection};
use passthrough_wire::connection as wire;
use passthrough_wire::connection::{CreateConnection, PatchConnection, Verification, VerificationResult};

use crate::app::App;
use crate::events;
use crate::http::error::ApiError;
use crate::integrations::{self, find_provider};
use crate::refresh::{Outcome, Why};
use crate::resolve::{Caller, ReadyConnection, ResolveError};
use crate::verify::{self, Verified};

pub mod making;
mod proving;
mod revoking;

/// A connection that was just made.
#[derive(Debug)]
pub struct Created {
    /// It.
    pub connection: Connection,
    /// Its token.
    pub token: Token,
    /// What its provider said, where that was asked for.
    pub verification: Option<Verification>,
}

/// Makes a connection. Nothing is stored unless all of it can be used; only what a provider gave in the place of a token
/// that is used up now is kept whatever it says then.
pub async fn create(app: &App, caller: &Caller, mut request: CreateConnection) -> Result<Created, ApiError> {
    let (named, integration) = (request.provider.as_deref(), request.integration.as_deref());
    let integration = integrations::choose(app, &caller.environment, named, integration).await?;
    let provider = find_provider(app, "provider", &integration.provider)?;
    let names = request.credentials.keys().map(String::as_str);
    let auth =
        provider.choose_auth(request.auth.as_deref(), names).map_err(|problem| refused(vec![problem]))?;
    integration.complete(&mut request.variables)?;
    let (hosts, now) =
        (integration.hosts(provider, &app.config.allow_hosts), app.installation.clock.steady_ms());
    let accepted = provider.accept(auth, request.credentials, request.variables, &hosts, now);
    let (credential, variables) = accepted.map_err(refused)?;
    integration.check_client(auth, &credential).map_err(|problem| refused(vec![problem]))?;
    let token = app.installation.new_token(TokenKind::Connection);
    let now = app.now_ms();
    let connection = Connection {
        id: ConnectionId::from(token.ulid()),
        environment: caller.environment.clone(),
        provider: provider.code.clone(),
        integration: integration.key,
        auth: auth.name.clone(),
        status: ConnectionStatus::Connected,
        name: request.name,
        external_id: request.external_id,
        account_id: None,
        account_label: None,
        tags: request.tags,
        created_at: now,
        updated_at: now,
        verified_at: None,
    };
    let is_imported = credential.obtained.is_some();
    let ready = making::make(app, &connection, credential, &variables).await?;
    if !request.verify {
        insert(app, &connection, &ready, Some(&token)).await?;
        return Ok(Created { connection, token, verification: None });
    }
    if is_imported && ready.is_refreshable() {
        return proving::imported(app, connection, ready, token).await;
    }
    let verified = proving::prove(app, &ready).await?;
    proving::insert(app, connection, &ready, token, verified).await
}

/// Stores a new connection. One without a token is refused to everybody until it is given one.
pub async fn insert(
    app: &App,
    connection: &Connection,
    ready: &ReadyConnection,
    token: Option<&Token>,
) -> Result<(), ApiError> {
    let stored = sealed(app, connection, ready, token)?;
    let event = events::about(&app.installation, connection, &[]);
    app.installation.store.insert_connection(&stored, Some(&event)).await?;
    app.resolver.changed(ChangeSubject::Connection(connection.id)).await;
    Ok(())
}

/// Stores a connection without a token, of an account whose newest connection was `newest`; `false` where it no longer
/// is.
pub async fn insert_after(
    app: &App,
    connection: &Connection,
    ready: &ReadyConnection,
    account_id: &str,
    newest: Option<ConnectionId>,
) -> Result<bool, ApiError> {
    let stored = sealed(app, connection, ready, None)?;
    let event = events::about(&app.installation, connection, &[]);
    let store = &app.installation.store;
    let inserted = store.insert_connection_after(&stored, account_id, newest, Some(&event)).await?;
    app.resolver.changed(ChangeSubject::Connection(connection.id)).await;
    Ok(inserted)
}

/// A new connection as it is stored.
fn sealed(
    app: &App,
    connection: &Connection,
    ready: &ReadyConnection,
    token: Option<&Token>,
) -> Result<StoredConnection, ApiError> {
    let vault = &app.installation.vault;
    let (environment, id) = (&connection.environment, connection.id);
    let (credential, key_id) = seal(app, connection, ready, 1)?;
    let sealed_variables = vault.seal_variables(environment, id, 1, &ready.variables)?;
    Ok(StoredConnection {
        connection: connection.clone(),
        token_hash: token
            .map_or_else(Vec::new, |token| vault.hash(TokenKind::Connection, token, environment).to_vec()),
        sealed_variables: Sealed {
            sealed: sealed_variables.bytes,
            key_id: sealed_variables.key_id.to_string(),
            generation: 1,
        },
        credential,
        credential_key_id: key_id,
        credential_times: times(ready),
    })
}

/// Seals the credential of a connection for a generation; gives the id of its key, too.
fn seal(
    app: &App,
    connection: &Connection,
    ready: &ReadyConnection,
    generation: i64,
) -> Result<(SealedCredential, String), ApiError> {
    let sealed = app.installation.vault.seal_credential(connection, generation, &ready.credential)?;
    let obtained = ready.credential.obtained.as_ref();
    let credential = SealedCredential {
        generation,
        sealed: sealed.bytes,
        expires_at: obtained.and_then(|obtained| obtained.expires_at),
    };
    Ok((credential, sealed.key_id.to_string()))
}

/// Seals a credential and variables that replace those of a stored connection.
pub fn seal_linked(
    app: &App,
    stored: &StoredConnection,
    ready: &ReadyConnection,
) -> Result<ConnectionPatch, ApiError> {
    let connection = &stored.connection;
    let credential = seal(app, connection, ready, stored.credential.generation.saturating_add(1))?;
    let generation = stored.sealed_variables.generation.saturating_add(1);
    let vault = &app.installation.vault;
    let sealed =
        vault.seal_variables(&connection.environment, connection.id, generation, &ready.variables)?;
    let variables = Sealed { sealed: sealed.bytes, key_id: sealed.key_id.to_string(), generation };
    Ok(ConnectionPatch {
        credential: Some(credential),
        credential_times: times(ready),
        variables: Some(variables),
        ..ConnectionPatch::default()
    })
}

/// What is known of the future of a connection's credential.
fn times(ready: &ReadyConnection) -> CredentialTimes {
    let obtained = ready.credential.obtained.as_ref();
    CredentialTimes {
        refresh_expires_at: obtained.and_then(|obtained| obtained.refresh_expires_at),
        due_at: obtained.and_then(|obtained| ready.schedule(obtained, 0).due_at),
    }
}

/// Finds a connection of the caller's environment.
pub async fn find(
    app: &App,
    environment: &Environment,
    id: ConnectionId,
) -> Result<StoredConnection, ApiError> {
    let found = app.installation.store.find_connection(environment, id).await?;
    found.ok_or_else(|| ApiError::not_found("there is no such connection in this environment"))
}

/// A connection as it is shown by itself: with what is known of its credential.
pub async fn shown(
    app: &App,
    environment: &Environment,
    id: ConnectionId,
) -> Result<wire::Connection, ApiError> {
    let connection = find(app, environment, id).await?.connection;
    let state = app.installation.store.find_refresh_state(environment, id).await?;
    let format = passthrough_wire::time::format;
    let now = app.installation.clock.steady_ms();
    let credential = state.map(|state| wire::CredentialState {
        since: state.refreshed_at.map(format),
        expires_at: state.credential.expires_at.map(format),
        refresh_expires_at: state.times.refresh_expires_at.map(format),
        failures: u32::try_from(state.failures).ok().filter(|failures| *failures > 0),
        error: state.error,
        retry_at: state.not_before.filter(|not_before| *not_before > now).map(format),
    });
    Ok(wire::Connection { credential, ..(&connection).into() })
}

/// Changes a connection. A new credential is checked like a first one, and replaces the old as a whole.
pub async fn patch(
    app: &App,
    environment: &Environment,
    id: ConnectionId,
    request: PatchConnection,
) -> Result<Connection, ApiError> {
    let stored = find(app, environment, id).await?;
    let new = match request.credentials.is_some() || request.variables.is_some() {
        true => seal_new(app, &stored, &request).await?,
        false => NewSecrets::default(),
    };
    let status = request.status.as_deref().and_then(|status| status.parse().ok());
    // A new credential brings a disconnected connection back to life; its id and token stay.
    let patch = ConnectionPatch {
        name: request.name,
        external_id: request.external_id,
        tags: request.tags,
        status,
        revive: request.credentials.is_some(),
        credential: new.credential,
        credential_times: new.times,
        variables: new.variables,
        event: Some(events::about(&app.installation, &stored.connection, &[])),
        ..ConnectionPatch::default()
    };
    let changed = app.installation.store.update_connection(environment, id, &patch, app.now_ms()).await?;
    app.resolver.changed(ChangeSubject::Connection(id)).await;
    let now = find(app, environment, id).await?;
    if changed {
        Ok(now.connection)
    } else {
        Err(ApiError::conflict("the connection was changed at the same moment; read it again"))
    }
}

/// What a patch seals anew.
#[derive(Default)]
struct NewSecrets {
    credential: Option<(SealedCredential, String)>,
    times: CredentialTimes,
    variables: Option<Sealed>,
}

/// Seals what a patch brings for the generation after the stored one.
async fn seal_new(
    app: &App,
    stored: &StoredConnection,
    request: &PatchConnection,
) -> Result<NewSecrets, ApiError> {
    let connection = &stored.connection;
    let (environment, id) = (&connection.environment, connection.id);
    let provider = find_provider(app, "provider", &connection.provider)?;
    let auth = auth_of(provider, connection)?;
    let vault = &app.installation.vault;
    let old = (stored.credential.generation, stored.sealed_variables.generation);
    let old_credential = vault.open_credential(connection, old.0, &stored.credential.sealed)?;
    let mut old_variables = vault.open_variables(environment, id, old.1, &stored.sealed_variables.sealed)?;
    let integration = app.resolver.integration_of(connection).await?;
    integration.pin(&mut old_variables);
    let variables = match &request.variables {
        Some(given) => {
            let mut given = given.clone();
            integration.complete(&mut given)?;
            given
        }
        None => old_variables.clone().into_iter().collect(),
    };
    let (hosts, now) =
        (&integration.hosts(provider, &app.config.allow_hosts), app.installation.clock.steady_ms());
    let accepted = match &request.credentials {
        Some(given) => provider.accept(auth, given.clone(), variables, hosts, now),
        None => {
            let accepted = provider.accept_variables(&old_credential, variables, hosts);
            accepted.map(|variables| (old_credential, variables))
        }
    };
    let (credential, variables) = accepted.map_err(refused)?;
    // Credentials are write-only. Sent to a host of the caller's choice they would be read back, so whoever
    // changes the host must know them.
    let reached = |variables: &Variables| origins(provider, auth, variables, &credential, hosts);
    if request.credentials.is_none() && reached(&old_variables) != reached(&variables) {
        let message = "the new variables lead to another host: give the credentials, too";
        return Err(ApiError::bad_field("credentials", message));
    }
    let ready = making::make(app, connection, credential, &variables).await?;
    // The credential is sealed anew also where only the variables change: its generation is what tells a
    // verification that is under way that it has been overtaken.
    let generation = old.0.saturating_add(1);
    let new_credential = Some(seal(app, connection, &ready, generation)?);
    let times = times(&ready);
    let mut new_variables = None;
    if request.variables.is_some() {
        let generation = old.1.saturating_add(1);
        let sealed = vault.seal_variables(environment, id, generation, &variables)?;
        let key_id = sealed.key_id.to_string();
        new_variables = Some(Sealed { sealed: sealed.bytes, key_id, generation });
    }
    Ok(NewSecrets { credential: new_credential, times, variables: new_variables })
}

/// Where requests of a connection can go.
fn origins(
    provider: &Provider,
    auth: &Auth,
    variables: &Variables,
    credential: &Credential,
    hosts: &HostAllowList,
) -> Vec<Option<Arc<Origin>>> {
    let bases = std::iter::once(&provider.base_url).chain(provider.base_urls.values());
    let resolve = |base: &BaseUrlTemplate| {
        let base = base.resolve(variables, credential, &provider.variables, hosts);
        base.ok().map(|base| Arc::clone(&base.origin))
    };
    let urls = auth.grant.urls().into_iter();
    let urls = urls.map(|url| url.origin(variables, credential, &provider.variables, hosts));
    bases.map(resolve).chain(urls).collect()
}

/// Tries the credential and notes what the provider said: the account, or that it refuses.
pub async fn verify(
    app: &App,
    environment: &Environment,
    id: ConnectionId,
) -> Result<Verification, ApiError> {
    // What is tried is what is stored, not what a cache may still hold.
    app.resolver.changed(ChangeSubject::Connection(id)).await;
    let mut ready = app.resolver.resolve_id(environment, id).await?;
    if ready.is_due(|| app.installation.clock.steady_ms()) {
        ready = app.refresher.ensure_fresh(ready, None).await?;
    }
    let verified = verify::verify(app, &ready).await?;
    note(app, &ready, &verified).await?;
    Ok(verified.into())
}

/// Notes what a provider said of a credential.
async fn note(app: &App, ready: &ReadyConnection, verified: &Verified) -> Result<(), ApiError> {
    let Connection { environment, id, status, .. } = &ready.connection;
    // A credential that was replaced while the old one was being tried is neither proven nor refused by that.
    let if_generation = Some(ready.generation);
    let patch = match verified.result {
        VerificationResult::Alive => Some(ConnectionPatch {
            account: verified.account(),
            verified_at: Some(app.now_ms()),
            status: (*status == ConnectionStatus::Disconnected).then_some(ConnectionStatus::Connected),
            if_generation,
            event: Some(events::about(&app.installation, &ready.connection, &[])),
            ..ConnectionPatch::default()
        }),
        VerificationResult::Refused if *status == ConnectionStatus::Connected => Some(ConnectionPatch {
            status: Some(ConnectionStatus::Disconnected),
            reason: Some("verify".to_owned()),
            if_generation,
            event: Some(events::about(&app.installation, &ready.connection, &[("reason", "verify")])),
            ..ConnectionPatch::default()
        }),
        VerificationResult::Refused | VerificationResult::Unreachable => None,
    };
    if let Some(patch) = patch {
        app.installation.store.update_connection(environment, *id, &patch, app.now_ms()).await?;
        app.resolver.changed(ChangeSubject::Connection(*id)).await;
    }
    Ok(())
}

/// Renews the credential now, whether it is due or not. Gives when the new one ends, where that is known.
pub async fn refresh(
    app: &App,
    environment: &Environment,
    id: ConnectionId,
) -> Result<wire::Refreshed, ApiError> {
    let ready = app.resolver.resolve_id(environment, id).await?;
    if !ready.is_refreshable() {
        let message =
            "the credential of this connection does not renew itself: give a new one, or link again";
        return Err(ApiError::unprocessable(message));
    }
    match app.refresher.refreshed(&ready, Why::Asked, None).await? {
        Outcome::Fresh(fresh) => {
            let expires_at = fresh.credential.obtained.as_ref().and_then(|obtained| obtained.expires_at);
            Ok(wire::Refreshed { expires_at: expires_at.map(passthrough_wire::time::format) })
        }
        Outcome::Ended => Err(ResolveError::Disconnected.into()),
        Outcome::Failed(error) => Err(error),
    }
}

/// Gives a connection a new token. The old one is worthless at once.
pub async fn rotate_token(
    app: &App,
    environment: &Environment,
    id: ConnectionId,
) -> Result<(Connection, Token), ApiError> {
    let connection = find(app, environment, id).await?.connection;
    let token = Token::from_parts(TokenKind::Connection, id.ulid(), passthrough_vault::random());
    let hash = app.installation.vault.hash(TokenKind::Connection, &token, environment);
    app.installation.store.update_token_hash(environment, id, &hash, app.now_ms()).await?;
    app.resolver.changed(ChangeSubject::Connection(id)).await;
    Ok((connection, token))
}

/// Deletes a connection with its credential, and before it, where that is wanted, gives the grant back to the provider.
/// The event says what came of that. Providers take back more than one token: at many, all that this account has ever
/// allowed this client, and with it other connections. So nobody but the caller decides it.
pub async fn delete(
    app: &App,
    environment: &Environment,
    id: ConnectionId,
    revoke: bool,
) -> Result<Option<wire::Revocation>, ApiError> {
    let connection = find(app, environment, id).await?.connection;
    let revoked = if revoke { Some(revoking::revoke(app, environment, id).await) } else { None };
    let more: Vec<_> = revoked.iter().map(|revoked| ("revoked", revoked.as_str())).collect();
    let event = events::about(&app.installation, &connection, &more);
    if !app.installation.store.delete_connection(environment, id, app.now_ms(), Some(&event)).await? {
        return Err(ApiError::not_found("there is no such connection in this environment"));
    }
    app.resolver.changed(ChangeSubject::Connection(id)).await;
    Ok(revoked)
}

fn auth_of<'a>(provider: &'a Provider, connection: &Connection) -> Result<&'a Auth, ApiError> {
    provider.auth.get(&connection.auth).ok_or_else(|| {
        ApiError::unprocessable(format!("{} has no auth entry `{}` any more", provider.code, connection.auth))
    })
}

fn refused(problems: Vec<Problem>) -> ApiError {
    ApiError::bad_request(problems.into_iter().map(Into::into).collect())
}
