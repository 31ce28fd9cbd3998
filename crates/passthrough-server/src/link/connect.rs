//! From what an end user gave, or consented to, to a connection that is stored: a new one, or one that is there already.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use passthrough_core::connection::{Connection, ConnectionStatus, Credential, Variables};
use passthrough_core::id::{ConnectionId, Environment};
use passthrough_core::provider::Auth;
use passthrough_core::template::MASK;
use passthrough_store::{
    Account, ChangeSubject, ConnectionPatch, LinkEnd, LinkSession, LinkStatus, StoredConnection,
};
use passthrough_vault::random;
use passthrough_wire::connection::VerificationResult;
use secrecy::ExposeSecret;
use tokio::time::sleep;

use super::offer::Offer;
use super::session;
use super::trouble::Trouble;
use crate::app::App;
use crate::connections::{self, making};
use crate::events;
use crate::http::error::ApiError;
use crate::resolve::ReadyConnection;
use crate::verify;

/// Who else writes a connection at the same moment is done after a few times, however many there are.
const TRIES: u64 = 20;

/// A moment before another try, of a length of one's own: who comes again all at once is in each other's way again.
async fn pause(tries: u64) {
    let [share] = random::<1>();
    sleep(Duration::from_millis(tries * u64::from(share) / 16)).await;
}

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
    let proven = prove(app, &ready, consented).await?;
    let own = draft.id;
    let id = store(app, session, draft, &ready, &proven).await?;
    if session::end(app, session, &LinkEnd::Done(id)).await.map_err(ApiError::from)? {
        return Ok(id);
    }
    // A form that was sent twice, or a tab beside this one, was faster. Whichever answer the browser shows, it is told
    // what became of its session.
    let stored = app.installation.store.find_link_session(session.id).await.map_err(ApiError::from)?;
    let theirs = stored.filter(|stored| stored.status == LinkStatus::Done);
    let theirs = theirs.and_then(|stored| stored.connection_id);
    let is_new = session.connection_id.is_none() && id == own;
    if is_new && theirs != Some(id) && made_now(app, &session.environment, id).await {
        connections::delete(app, &session.environment, id, false).await?;
    }
    theirs.ok_or(Trouble::Interrupted)
}

/// A new connection, or the one that the account has already.
async fn store(
    app: &App,
    session: &LinkSession,
    mut draft: Connection,
    ready: &ReadyConnection,
    proof: &Proof,
) -> Result<ConnectionId, Trouble> {
    let proven = match proof {
        Proof::Given(proven) => Some(proven),
        Proof::Unknown(_) | Proof::Impossible => None,
    };
    let account = proven.and_then(|proven| proven.account.as_ref()?.id.as_deref());
    if let Some(Proven { account, at }) = proven {
        let account = account.clone().unwrap_or_default();
        (draft.account_id, draft.account_label) = (account.id, account.label);
        draft.verified_at = Some(*at);
    }
    for tries in 0..TRIES {
        pause(tries).await;
        let newest = match before(app, session, &draft, ready, proof, account).await? {
            Before::Linked(before) => return again(app, session, &before, ready, proven).await,
            Before::Not { newest } => newest,
        };
        let Some(account) = account else {
            // Without a token: it is made when somebody is there to be shown it.
            connections::insert(app, &draft, ready, None).await?;
            return Ok(draft.id);
        };
        // Whoever links the same account at the same moment may have stored it since.
        if connections::insert_after(app, &draft, ready, account, newest).await? {
            return Ok(draft.id);
        }
    }
    tracing::warn!("an account that was linked was linked by somebody else each time");
    Err(Trouble::OurSide)
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

/// What came of trying a credential.
enum Proof {
    /// It is alive.
    Given(Proven),
    /// It may be; why it did not say whose it is, should anybody have to know.
    Unknown(Trouble),
    /// The provider's file has no call for that.
    Impossible,
}

/// Tries the credential, where the provider's file knows how.
async fn prove(app: &App, ready: &Arc<ReadyConnection>, consented: bool) -> Result<Proof, Trouble> {
    let knows_how = ready.open().is_some_and(|open| open.auth.verify.is_some());
    if !knows_how {
        return Ok(Proof::Impossible);
    }
    let verified = verify::verify(app, ready).await?;
    match verified.result {
        VerificationResult::Alive => {
            let account = verified.account();
            Ok(Proof::Given(Proven { account, at: app.now_ms() }))
        }
        // A user may have consented to less than the call needs. A 401 says more: the token itself is no good.
        VerificationResult::Refused if consented && verified.status == Some(StatusCode::FORBIDDEN) => {
            Ok(Proof::Unknown(Trouble::AccountUnknown))
        }
        // Tokens that the provider gave a second ago, and perhaps gives only once, are not thrown away because it is
        // slow now.
        VerificationResult::Unreachable if consented => Ok(Proof::Unknown(Trouble::Unreachable)),
        VerificationResult::Refused if consented => Err(Trouble::NoTokens),
        VerificationResult::Refused => Err(Trouble::Refused),
        VerificationResult::Unreachable => Err(verified.failure.map_or(Trouble::Unreachable, Trouble::from)),
    }
}

/// What was there before an account was linked.
enum Before {
    /// The connection that is linked again, or one of the same account for the same end user.
    Linked(Box<StoredConnection>),
    /// None that is the same; the newest of accounts with the same id.
    Not { newest: Option<ConnectionId> },
}

/// The connection that `account` has already, where it is known which account it is.
async fn before(
    app: &App,
    session: &LinkSession,
    draft: &Connection,
    ready: &ReadyConnection,
    proof: &Proof,
    account: Option<&str>,
) -> Result<Before, Trouble> {
    if let Some(id) = session.connection_id {
        let stored = connections::find(app, &session.environment, id).await?;
        check_place(app, &stored, ready, proof, account)?;
        return Ok(Before::Linked(Box::new(stored)));
    }
    let Some(account) = account else { return Ok(Before::Not { newest: None }) };
    let (environment, external_id) = (&draft.environment, draft.external_id.as_deref());
    let store = &app.installation.store;
    let found = store.find_connection_by_account(environment, &draft.integration, account, external_id).await;
    let Some(found) = found.map_err(ApiError::from)? else { return Ok(Before::Not { newest: None }) };
    // Where the user says which server it is, a server of the user's own may tell any account's id: only the same
    // server speaks of the same account.
    let (id, sealed) = (found.connection.id, &found.sealed_variables);
    let variables = app.installation.vault.open_variables(environment, id, sealed.generation, &sealed.sealed);
    let variables = variables.map_err(ApiError::from)?;
    let is_same = found.connection.auth == draft.auth && are_same(&variables, &ready.variables);
    Ok(if is_same { Before::Linked(Box::new(found)) } else { Before::Not { newest: Some(id) } })
}

/// Whoever got hold of the link must not put an account of their own in the place of the customer's. An account that
/// cannot be told now is no proof that it is the customer's, nor is one that another server tells.
fn check_place(
    app: &App,
    stored: &StoredConnection,
    ready: &ReadyConnection,
    proof: &Proof,
    account: Option<&str>,
) -> Result<(), Trouble> {
    let connection = &stored.connection;
    // A masked one was stored before it was known that such ids tell nothing.
    let known = connection.account_id.as_deref().filter(|known| !known.contains(MASK));
    let Some(known) = known else { return Ok(()) };
    match (account, proof) {
        (Some(account), _) if account != known => return Err(Trouble::AnotherAccount),
        (Some(_), _) | (None, Proof::Impossible) => {}
        (None, Proof::Unknown(trouble)) => return Err(trouble.clone()),
        (None, Proof::Given(_)) => return Err(Trouble::AccountUnknown),
    }
    let sealed = &stored.sealed_variables;
    let vault = &app.installation.vault;
    let variables =
        vault.open_variables(&connection.environment, connection.id, sealed.generation, &sealed.sealed);
    let before = variables.map_err(ApiError::from)?;
    let text =
        |variables: &Variables, name: &str| variables.get(name).map(|value| value.expose_secret().to_owned());
    let moved = |name: &&str| text(&before, name).is_some_and(|at| text(&ready.variables, name) != Some(at));
    match ready.provider.host_variables().iter().any(moved) {
        true => Err(Trouble::AnotherAccount),
        false => Ok(()),
    }
}

fn are_same(one: &Variables, other: &Variables) -> bool {
    let texts = |variables: &Variables| -> Vec<(String, String)> {
        variables.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect()
    };
    texts(one) == texts(other)
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
    for tries in 0..TRIES {
        pause(tries).await;
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
            ends: Some(session.id),
            ..secrets
        };
        let changed = app.installation.store.update_connection(environment, id, &patch, app.now_ms()).await;
        app.resolver.changed(ChangeSubject::Connection(id)).await;
        if changed.map_err(ApiError::from)? {
            return Ok(id);
        }
        // Cancelled in another tab, or done by a form that was sent twice: nothing more is written for it.
        let now = app.installation.store.find_link_session(session.id).await.map_err(ApiError::from)?;
        match now {
            Some(LinkSession { status: LinkStatus::Done, connection_id: Some(id), .. }) => return Ok(id),
            Some(LinkSession { status: LinkStatus::Open | LinkStatus::Started, .. }) => {}
            _ => return Err(Trouble::Interrupted),
        }
    }
    tracing::warn!(connection = %id, "a connection that was linked again was changed by somebody else each time");
    Err(Trouble::OurSide)
}
