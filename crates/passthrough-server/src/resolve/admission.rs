//! Whether what was let in may stay: a tunnel lives for hours, and its key or its connection need not.

use std::time::Duration;

use passthrough_core::id::ConnectionId;

use super::{Caller, ReadyConnection, ResolveError, Resolver, check_usable, is_valid};

/// How often is looked without a change: keys expire, and a database goes away, without telling anybody.
const LOOK: Duration = Duration::from_secs(5);

/// On what something that lasts was let in.
#[derive(Debug)]
pub struct Admission {
    caller: Caller,
    connection: ConnectionId,
    /// `None` where a refresh makes the next one: that is no change of what the account may.
    generation: Option<i64>,
    token_hash: Vec<u8>,
}

/// Why it may not stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// The key was revoked or has expired, or the connection is gone, put away, or has another credential or token.
    NotAllowed,
    /// The database has been away for so long that nobody can tell.
    Unknown,
}

impl Admission {
    /// On the key of this caller, and on this connection as it is.
    pub fn new(caller: &Caller, ready: &ReadyConnection) -> Self {
        Self {
            caller: caller.clone(),
            connection: ready.connection.id,
            generation: (!ready.is_refreshable()).then_some(ready.generation),
            token_hash: ready.token_hash.clone(),
        }
    }
}

impl Resolver {
    /// Waits until what was let in may not stay any more: after a change of this process that is at once, after one
    /// of another process within about a second.
    pub async fn withdrawn(&self, admission: &Admission) -> Withdrawn {
        // From before the first look: what changes during it is seen by the next one.
        let mut changes = self.changes.subscribe();
        loop {
            match self.may_stay(admission).await {
                Ok(true) => {}
                Ok(false) => return Withdrawn::NotAllowed,
                Err(ResolveError::DatabaseAway) => return Withdrawn::Unknown,
                // Whether the database is really away is told by the time.
                Err(error) => tracing::debug!(%error, "whether a tunnel may stay cannot be told yet"),
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn may_stay(&self, admission: &Admission) -> Result<bool, ResolveError> {
        let now = self.installation.clock.now_ms();
        self.check_database()?;
        let Admission { caller, connection, generation, token_hash } = admission;
        let key = self.find_key(caller.api_key).await?;
        if !key.is_some_and(|key| is_valid(&key, now)) {
            return Ok(false);
        }
        match self.resolve_id(&caller.environment, *connection).await {
            Ok(ready) => Ok(check_usable(&ready.connection).is_ok()
                && generation.is_none_or(|generation| ready.generation == generation)
                && ready.token_hash == *token_hash),
            Err(ResolveError::UnknownConnection) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
