//! Leases: who may ask a provider for a new credential. Each is taken, extended and given back in one statement.

use passthrough_core::id::{ConnectionId, Environment};
use sqlx::any::AnyRow;

use crate::error::StoreError;
use crate::sql::{Statement, get};
use crate::store::Store;

/// How often a lease is tried for that was let go between the attempt and the look at who held it.
const ATTEMPTS: u32 = 3;

/// Who is refreshing a credential, and until when nobody else may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The process, or whatever the caller of this crate makes its owner.
    pub owner: String,
    /// Unix milliseconds.
    pub until: i64,
}

/// What came of the attempt to take a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leased {
    /// It is the caller's.
    Taken {
        /// Another owner's lease of this generation has run out without an end, this time or an earlier one: the
        /// provider may have been asked already.
        previous_expired: bool,
    },
    /// Another owner has it.
    Held {
        /// Unix milliseconds.
        until: i64,
    },
    /// The credential is of another generation: look again.
    Newer,
    /// There is no such connection in this environment.
    Gone,
}

impl Store {
    /// Takes the lease of a credential of this generation until `until`, if nobody has it, its time is over at
    /// `now`, or it is the caller's already. When this returns [`Leased::Taken`], it is committed: whoever comes
    /// later knows that the provider may have been asked.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`]; after the latter the lease may have been taken,
    /// and taking it again as the same owner is right.
    pub async fn take_lease(
        &self,
        environment: &Environment,
        id: ConnectionId,
        generation: i64,
        owner: &str,
        now: i64,
        until: i64,
    ) -> Result<Leased, StoreError> {
        for _ in 0..ATTEMPTS {
            let rows = Statement::new(
                "update credentials set lease_owner = $1, lease_until = $2, lease_generation = generation, \
                 lease_abandoned = case when lease_generation <> generation then 0 \
                 when lease_owner <> $1 then 1 else lease_abandoned end \
                 where environment = $3 and connection_id = $4 and generation = $5 \
                 and (lease_owner is null or lease_owner = $1 or lease_until <= $6 \
                 or lease_generation <> generation) returning lease_abandoned",
            )
            .text(owner)
            .integer(until)
            .text(environment.as_str())
            .text(&id.to_string())
            .integer(generation)
            .integer(now)
            // All rows, though there is one at most: SQLite commits after the last.
            .list(&self.writer)
            .await?;
            if let Some(row) = rows.first() {
                return Ok(Leased::Taken { previous_expired: get::<i64>(row, "lease_abandoned")? != 0 });
            }
            let Some((found, lease)) = self.find_lease(environment, id).await? else {
                return Ok(Leased::Gone);
            };
            if found != generation {
                return Ok(Leased::Newer);
            }
            if let Some(lease) = lease.filter(|lease| lease.owner != owner && lease.until > now) {
                return Ok(Leased::Held { until: lease.until });
            }
        }
        Ok(Leased::Held { until: now })
    }

    /// Extends the caller's own lease. Returns `false` where it is the caller's no more: another owner has taken
    /// it over, or the generation has moved on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn extend_lease(
        &self,
        environment: &Environment,
        id: ConnectionId,
        generation: i64,
        owner: &str,
        until: i64,
    ) -> Result<bool, StoreError> {
        let extended = Statement::new(
            "update credentials set lease_until = $1 where environment = $2 and connection_id = $3 \
             and lease_owner = $4 and generation = $5 and lease_generation = $5",
        )
        .integer(until)
        .text(environment.as_str())
        .text(&id.to_string())
        .text(owner)
        .integer(generation)
        .execute(&self.writer)
        .await?;
        Ok(extended > 0)
    }

    /// Gives the caller's own lease back. Returns whether it was the caller's.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn release_lease(
        &self,
        environment: &Environment,
        id: ConnectionId,
        owner: &str,
    ) -> Result<bool, StoreError> {
        let released = Statement::new(
            "update credentials set lease_owner = null, lease_until = null, lease_generation = null \
             where environment = $1 and connection_id = $2 and lease_owner = $3",
        )
        .text(environment.as_str())
        .text(&id.to_string())
        .text(owner)
        .execute(&self.writer)
        .await?;
        Ok(released > 0)
    }

    /// Ends every lease, as a process may do that knows that no other works on this database: those that are there are
    /// then of the dead. That they were there stays known.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn release_all_leases(&self) -> Result<(), StoreError> {
        let released = Statement::new(
            "update credentials set lease_abandoned = case when lease_generation = generation then 1 \
             else lease_abandoned end, lease_owner = null, lease_until = null, lease_generation = null \
             where lease_owner is not null",
        );
        released.execute(&self.writer).await.map(drop)
    }

    async fn find_lease(
        &self,
        environment: &Environment,
        id: ConnectionId,
    ) -> Result<Option<(i64, Option<Lease>)>, StoreError> {
        let row = Statement::new(
            "select generation, lease_owner, lease_until, lease_generation from credentials \
             where environment = $1 and connection_id = $2",
        )
        .text(environment.as_str())
        .text(&id.to_string())
        .find(&self.writer)
        .await?;
        row.as_ref().map(|row| Ok((get(row, "generation")?, read_lease(row)?))).transpose()
    }
}

/// Reads the lease of a credential, if it is one of the credential's generation.
pub(super) fn read_lease(row: &AnyRow) -> Result<Option<Lease>, StoreError> {
    let generation: Option<i64> = get(row, "lease_generation")?;
    let (owner, until) = (get(row, "lease_owner")?, get(row, "lease_until")?);
    let (Some(owner), Some(until)) = (owner, until) else { return Ok(None) };
    Ok((generation == Some(get(row, "generation")?)).then_some(Lease { owner, until }))
}
