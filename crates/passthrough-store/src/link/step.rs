//! The steps of a link session. Each is one statement that takes it or finds that it cannot be taken (any more).

use passthrough_core::id::{ConnectionId, Environment, LinkSessionId};

use super::{COLUMNS, LinkSession, LinkStatus, read};
use crate::error::StoreError;
use crate::sealed::Sealed;
use crate::sql::Statement;
use crate::store::Store;

/// A consent that begins at a provider.
#[derive(Debug, Clone)]
pub struct Consent {
    /// The hash that the session was bound to when its URL was opened.
    pub browser_hash: Vec<u8>,
    /// The integration that the end user chose.
    pub integration: String,
    /// Hash of the state that the provider will give back.
    pub state_hash: Vec<u8>,
    /// What the consent needs when it comes back, of the generation after the session's.
    pub sealed: Sealed,
}

/// How a link session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEnd {
    /// With this connection.
    Done(ConnectionId),
    /// With nothing, for the reason of this short code.
    Failed(String),
    /// The end user did not want it.
    Cancelled,
}

impl Store {
    /// Binds an open session to the browser that opens its URL, once: a stolen URL is worth nothing after that.
    /// Returns whether this call did it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn bind_browser(
        &self,
        environment: &Environment,
        id: LinkSessionId,
        browser_hash: &[u8],
        now: i64,
    ) -> Result<bool, StoreError> {
        let bound = Statement::new(
            "update link_sessions set browser_hash = $1 where environment = $2 and id = $3 \
             and browser_hash is null and status = 'open' and expires_at > $4",
        )
        .bytes(browser_hash)
        .text(environment.as_str())
        .text(&id.to_string())
        .integer(now)
        .execute(&self.writer)
        .await?;
        Ok(bound > 0)
    }

    /// Begins a consent, in place of one that was begun before. Returns `false`, and has changed nothing, where the
    /// session is not there, has ended or expired, is another browser's, or of another generation.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the state is another session's, [`StoreError::InvalidText`],
    /// [`StoreError::Unavailable`].
    pub async fn begin_consent(
        &self,
        environment: &Environment,
        id: LinkSessionId,
        consent: &Consent,
        now: i64,
    ) -> Result<bool, StoreError> {
        let begun = Statement::new(
            "update link_sessions set status = 'started', integration = $1, state_hash = $2, \
             sealed = $3, key_id = $4, generation = $5, error = null \
             where environment = $6 and id = $7 and browser_hash = $8 and generation = $9 \
             and status in ('open', 'started') and expires_at > $10",
        )
        .text(&consent.integration)
        .bytes(&consent.state_hash)
        .bytes(&consent.sealed.sealed)
        .text(&consent.sealed.key_id)
        .integer(consent.sealed.generation)
        .text(environment.as_str())
        .text(&id.to_string())
        .bytes(&consent.browser_hash)
        .integer(consent.sealed.generation.wrapping_sub(1))
        .integer(now)
        .execute(&self.writer)
        .await?;
        Ok(begun > 0)
    }

    /// Takes the session whose consent comes back with this state to this browser. A state is taken once; one that
    /// comes to another browser (login CSRF, session fixation) is not found, and is not used up by that either.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn consume_state(
        &self,
        environment: &Environment,
        state_hash: &[u8],
        browser_hash: &[u8],
        now: i64,
    ) -> Result<Option<LinkSession>, StoreError> {
        let mut statement = Statement::new(
            "update link_sessions set state_hash = null where environment = $1 and state_hash = $2 \
             and browser_hash = $3 and status = 'started' and expires_at > $4 returning ",
        )
        .text(environment.as_str())
        .bytes(state_hash)
        .bytes(browser_hash)
        .integer(now);
        statement.push(COLUMNS);
        // All rows, though there is one at most: SQLite commits after the last.
        statement.list(&self.writer).await?.first().map(read).transpose()
    }

    /// Notes what went wrong in a session that goes on all the same.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn note_link_trouble(
        &self,
        environment: &Environment,
        id: LinkSessionId,
        error: &str,
    ) -> Result<(), StoreError> {
        Statement::new(
            "update link_sessions set error = $1 where environment = $2 and id = $3 and status in ('open', 'started')",
        )
        .text(error)
        .text(environment.as_str())
        .text(&id.to_string())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Ends a session, once, and drops what was sealed for it. Returns whether this call ended it. Works after its
    /// time, too: a consent that came back in the last second is still to end well.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn finish_link_session(
        &self,
        environment: &Environment,
        id: LinkSessionId,
        end: &LinkEnd,
    ) -> Result<bool, StoreError> {
        let finished = finish(environment, id, end).execute(&self.writer).await?;
        Ok(finished > 0)
    }
}

/// Ends a session that has not ended.
pub(crate) fn finish(environment: &Environment, id: LinkSessionId, end: &LinkEnd) -> Statement {
    let (status, connection, error) = match end {
        LinkEnd::Done(connection) => (LinkStatus::Done, Some(connection.to_string()), None),
        LinkEnd::Failed(error) => (LinkStatus::Failed, None, Some(error.as_str())),
        LinkEnd::Cancelled => (LinkStatus::Cancelled, None, None),
    };
    Statement::new(
        "update link_sessions set status = $1, connection_id = coalesce($2, connection_id), error = $3, \
         state_hash = null, sealed = null, key_id = null \
         where environment = $4 and id = $5 and status in ('open', 'started')",
    )
    .text(status.as_str())
    .optional_text(connection.as_deref())
    .optional_text(error)
    .text(environment.as_str())
    .text(&id.to_string())
}
