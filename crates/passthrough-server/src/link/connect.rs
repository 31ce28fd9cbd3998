//! From what an end user gave, or consented to, to a connection that is stored: a new one, or one that is there already.

use std::sync::Arc;

use http::StatusCode;
use passthrough_core::connection::{Connection, ConnectionStatus, Credential, Variables};
use passthrough_core::id::{ConnectionId, Environment};
use passthrough_core::provider::Auth;
use passthrough_store::{Account, ChangeSubject, ConnectionPatch, LinkEnd, LinkSession, StoredConnection};
use passthrough_wire::connection::VerificationResult;
use secrecy::ExposeSecret;

use super::offer::Offer;
use super::session;
use super::trouble::Trouble;
use crate::app::App;
use crate::connections::{self, making};
use crate::events;
use crate::http::error::ApiError;
use crate::resolve::ReadyConnection;
use crate::verify;

/// Who else writes a connection at the same moment is done after a few times.
const TRIES: usize = 5;

/// The connection as it will be, or as it is where it is linked again.
pub async fn draft(
    app: &App,
    session: &LinkSession,
    offer: &Offer,
    auth: &Auth,
) -> Result<Connection, ApiError> {
    if let Some(id) = session.connection_id {
        let connection = connections::find(app, &session.environment, id).await?.connection;
        if connection.integration != offer.key() || connection.auth != auth.name {
            return Err(ApiError::unprocessable(
                "a connection is linked again in the way that it was linked before",
            ));
        }
        return Ok(connection);
    }
    let now = app.now_ms();
    Ok(Connection {
        id: ConnectionId::from(app.installation.new_ulid()),
        environment: session.environment.clone(),
        provider: offer.provider.code.clone(),
        integration: offer.key().to_owned(),
        auth: auth.name.clone(),
        status: ConnectionStatus::Connected,
        name: session.name.clone(),
        external_id: session.external_id.clone(),
        account_id: None,
        account_label: None,
        tags: session.tags.clone(),
        created_at: now,
        updated_at: now,
        verified_at: None,
    })
}

/// Obtains what is missing, proves it, stores it, and ends the session.
pub async fn complete(
    app: &App,
    session: &LinkSession,
    draft: Connection,
    credential: Credential,
    variables: &Variables,
) -> Result<ConnectionId, Trouble> {
    let consented = credential.obtained.is_some();
    let ready = making::make(app, &draft, credential, variables).await?;
    let account = prove(app, &ready, consented).await?;
    let id = match before(app, session, &draft, &ready, account.as_ref()).await? {
        Some(before) => again(app, session, &before, &ready, account.as_ref()).await?,
        None => first(app, draft, &ready, account).await?,
    };
    let is_new = session.connection_id != Some(id);
    if session::end(app, session, &LinkEnd::Done(id)).await.map_err(ApiError::from)? {
        return Ok(id);
    }
    // A form that was sent twice, or a tab beside this one, was faster.
    let stored = app.installation.store.find_link_session(session.id).await.map_err(ApiError::from)?;
    let theirs = stored.and_then(|stored| stored.connection_id);
    if is_new && theirs != Some(id) && made_now(app, &session.environment, id).await {
        connections::delete(app, &session.environment, id).await?;
    }
    Err(Trouble::Interrupted)
}

/// Whether nobody was shown the token of a connection yet.
async fn made_now(app: &App, environment: &Environment, id: ConnectionId) -> bool {
    let found = connections::find(app, environment, id).await;
    found.is_ok_and(|stored| stored.token_hash.is_empty())
}

/// What is known of an account once its credential was tried.
struct Proven {
    account: Option<Account>,
    at: i64,
}

/// Tries the credential, where the provider's file knows how; `None` where nothing was proven.
async fn prove(app: &App, ready: &Arc<ReadyConnection>, consented: bool) -> Result<Option<Proven>, Trouble> {
    let knows_how = ready.open().is_some_and(|open| open.auth.verify.is_some());
    if !knows_how {
        return Ok(None);
    }
    let verified = verify::verify(app, ready).await?;
    match verified.result {
        VerificationResult::Alive => {
            let account = verified.account();
            Ok(Some(Proven { account, at: app.now_ms() }))
        }
        // A user may have consented to less than the call needs. A 401 says more: the token itself is no good.
        VerificationResult::Refused if consented && verified.status == Some(StatusCode::FORBIDDEN) => {
            Ok(None)
        }
        // Tokens that the provider gave a second ago, and perhaps gives only once, are not thrown away because it is
        // slow now.
        VerificationResult::Unreachable if consented => Ok(None),
        VerificationResult::Refused if consented => Err(Trouble::NoTokens),
        VerificationResult::Refused => Err(Trouble::Refused),
        VerificationResult::Unreachable => Err(verified.failure.map_or(Trouble::Unreachable, Trouble::from)),
    }
}

/// The connection that this account has already: the one that is linked again, or one of the same account for the same
/// end user.
async fn before(
    app: &App,
    session: &LinkSession,
    draft: &Connection,
    ready: &ReadyConnection,
    proven: Option<&Proven>,
) -> Result<Option<StoredConnection>, Trouble> {
    let account_id = proven.and_then(|proven| proven.account.as_ref()?.id.as_deref());
    if let Some(id) = session.connection_id {
        let stored = connections::find(app, &session.environment, id).await?;
        // Whoever got hold of the link must not put an account of their own in the place of the customer's.
        let known = stored.connection.account_id.as_deref();
        if known.zip(account_id).is_some_and(|(known, now)| known != now) {
            return Err(Trouble::AnotherAccount);
        }
        return Ok(Some(stored));
    }
    let Some(account_id) = account_id else { return Ok(None) };
    let store = &app.installation.store;
    let (environment, external_id) = (&draft.environment, draft.external_id.as_deref());
    let found =
        store.find_connection_by_account(environment, &draft.integration, account_id, external_id).await;
    let found = found.map_err(ApiError::from)?.filter(|stored| stored.connection.auth == draft.auth);
    let Some(found) = found else { return Ok(None) };
    // Where the user says which server it is, a server of the user's own may tell any account's id: only the same
    // server speaks of the same account.
    let (id, sealed) = (found.connection.id, &found.sealed_variables);
    let vault = &app.installation.vault;
    let variables = vault.open_variables(environment, id, sealed.generation, &sealed.sealed);
    let variables = variables.map_err(ApiError::from)?;
    Ok(are_same(&variables, &ready.variables).then_some(found))
}

fn are_same(one: &Variables, other: &Variables) -> bool {
    let texts = |variables: &Variables| -> Vec<(String, String)> {
        variables.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect()
    };
    texts(one) == texts(other)
}

async fn first(
    app: &App,
    mut draft: Connection,
    ready: &ReadyConnection,
    proven: Option<Proven>,
) -> Result<ConnectionId, Trouble> {
    if let Some(Proven { account, at }) = proven {
        let account = account.unwrap_or_default();
        (draft.account_id, draft.account_label) = (account.id, account.label);
        draft.verified_at = Some(at);
    }
    // Without a token: it is made when somebody is there to be shown it.
    connections::insert(app, &draft, ready, None).await?;
    Ok(draft.id)
}

/// A new credential for a connection that keeps its id and its token.
async fn again(
    app: &App,
    session: &LinkSession,
    before: &StoredConnection,
    ready: &ReadyConnection,
    proven: Option<&Proven>,
) -> Result<ConnectionId, Trouble> {
    let (environment, id) = (&session.environment, before.connection.id);
    for _ in 0..TRIES {
        let stored = connections::find(app, environment, id).await?;
        let secrets = connections::seal_linked(app, &stored, ready)?;
        let mut tags = stored.connection.tags.clone();
        tags.extend(session.tags.iter().cloned());
        tags.sort();
        tags.dedup();
        let patch = ConnectionPatch {
            revive: true,
            name: session.name.clone().map(Some),
            tags: (!session.tags.is_empty()).then_some(tags),
            account: proven.and_then(|proven| proven.account.clone()),
            verified_at: proven.map(|proven| proven.at),
            event: Some(events::about(&app.installation, &stored.connection, &[("reason", "linked_again")])),
            ..secrets
        };
        let changed = app.installation.store.update_connection(environment, id, &patch, app.now_ms()).await;
        app.resolver.changed(ChangeSubject::Connection(id)).await;
        if changed.map_err(ApiError::from)? {
            return Ok(id);
        }
    }
    tracing::warn!(connection = %id, "a connection that was linked again was changed by somebody else each time");
    Err(Trouble::OurSide)
}
