//! Sealed values wherever they are, for the rotation of keys: count, list, replace.
//!
//! Sealing a value again under another key changes neither its meaning nor its generation (the generation
//! is bound into the seal), so the replacement compares the old bytes as well: a credential that was
//! refreshed in between is never overwritten with an older one.

use std::fmt;

use passthrough_core::id::{ConnectionId, EndpointId, Environment};
use sqlx::any::AnyRow;

use crate::change::ChangeSubject;
use crate::error::StoreError;
use crate::sql::{Statement, get, parse};
use crate::store::Store;

/// Sealed bytes with what is known of them without opening them.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The vault's blob.
    pub sealed: Vec<u8>,
    /// Id of the key that it is sealed under.
    pub key_id: String,
    /// Counts the writes; part of what the seal is bound to.
    pub generation: i64,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("bytes", &self.sealed.len())
            .field("key_id", &self.key_id)
            .field("generation", &self.generation)
            .finish()
    }
}

/// Where a sealed value is: what its seal is bound to, besides the generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealedPlace {
    /// A secret of the installation, by name.
    InstallationSecret {
        /// Its name.
        name: String,
    },
    /// The variables of a connection.
    ConnectionVariables {
        /// The connection's environment.
        environment: Environment,
        /// The connection.
        id: ConnectionId,
    },
    /// The credential of a connection.
    Credential {
        /// The connection's environment.
        environment: Environment,
        /// The connection.
        id: ConnectionId,
    },
    /// The secrets of an integration.
    Integration {
        /// The integration's environment.
        environment: Environment,
        /// Its name there.
        key: String,
    },
    /// The secrets of a webhook endpoint.
    WebhookEndpoint {
        /// The endpoint's environment.
        environment: Environment,
        /// The endpoint.
        id: EndpointId,
    },
}

/// One sealed value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// Where it is.
    pub place: SealedPlace,
    /// What is there.
    pub value: Sealed,
}

const SECRETS: &str = "select name, sealed, key_id, generation from installation_secrets \
     where key_id <> $1 order by name limit $2";
const VARIABLES: &str = "select id, environment, sealed_variables as sealed, variables_key_id as key_id, \
     variables_generation as generation from connections where variables_key_id <> $1 order by id limit $2";
const CREDENTIALS: &str = "select connection_id as id, environment, sealed, key_id, generation from credentials \
     where key_id <> $1 order by connection_id limit $2";
const INTEGRATIONS: &str = "select environment, key, sealed, key_id, generation from integrations \
     where key_id <> $1 order by environment, key limit $2";
const ENDPOINTS: &str = "select id, environment, sealed, key_id, generation from webhook_endpoints \
     where key_id <> $1 order by id limit $2";

impl Store {
    /// How many sealed values there are under each key, over all tables, by key id. Those of link sessions are
    /// counted, because their key is needed, but not listed to be sealed again: they are gone in half an hour.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn count_sealed_by_key(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = Statement::new(
            "select key_id, count(*) as sealed from (select key_id from installation_secrets \
             union all select variables_key_id as key_id from connections \
             union all select key_id from credentials union all select key_id from integrations \
             union all select key_id from webhook_endpoints \
             union all select key_id from link_sessions where key_id is not null) as everything group by key_id order by key_id",
        )
        .list(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((get(row, "key_id")?, get(row, "sealed")?))).collect()
    }

    /// At most `limit` sealed values that are under another key than `key_id`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list_sealed_not_under(
        &self,
        key_id: &str,
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let limit = limit as usize;
        let mut found = Vec::new();
        for (sql, place) in [
            (SECRETS, secret_place as fn(&AnyRow) -> Result<SealedPlace, StoreError>),
            (VARIABLES, variables_place),
            (CREDENTIALS, credential_place),
            (INTEGRATIONS, integration_place),
            (ENDPOINTS, endpoint_place),
        ] {
            if found.len() >= limit {
                break;
            }
            let left = i64::try_from(limit - found.len()).unwrap_or(i64::MAX);
            for row in &Statement::new(sql).text(key_id).integer(left).list(&self.readers).await? {
                found.push(SealedRow { place: place(row)?, value: read_value(row)? });
            }
        }
        Ok(found)
    }

    /// Replaces the bytes and key id of a value that was listed, if its generation, key id and bytes are
    /// still those of `old`. Returns whether they were.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn update_sealed(
        &self,
        old: &SealedRow,
        sealed: &[u8],
        key_id: &str,
        at: i64,
    ) -> Result<bool, StoreError> {
        let bind = |sql: &'static str| {
            Statement::new(sql)
                .bytes(sealed)
                .text(key_id)
                .integer(old.value.generation)
                .text(&old.value.key_id)
                .bytes(&old.value.sealed)
        };
        let (statement, subject) = match &old.place {
            SealedPlace::InstallationSecret { name } => {
                let statement = bind(
                    "update installation_secrets set sealed = $1, key_id = $2 \
                     where generation = $3 and key_id = $4 and sealed = $5 and name = $6",
                );
                return Ok(statement.text(name).execute(&self.writer).await? > 0);
            }
            SealedPlace::ConnectionVariables { environment, id } => (
                bind(
                    "update connections set sealed_variables = $1, variables_key_id = $2 \
                     where variables_generation = $3 and variables_key_id = $4 and sealed_variables = $5 \
                     and environment = $6 and id = $7",
                )
                .text(environment.as_str())
                .text(&id.to_string()),
                ChangeSubject::Connection(*id),
            ),
            SealedPlace::Credential { environment, id } => (
                bind(
                    "update credentials set sealed = $1, key_id = $2 \
                     where generation = $3 and key_id = $4 and sealed = $5 \
                     and environment = $6 and connection_id = $7",
                )
                .text(environment.as_str())
                .text(&id.to_string()),
                ChangeSubject::Credential(*id),
            ),
            SealedPlace::Integration { environment, key } => (
                bind(
                    "update integrations set sealed = $1, key_id = $2 \
                     where generation = $3 and key_id = $4 and sealed = $5 and environment = $6 and key = $7",
                )
                .text(environment.as_str())
                .text(key),
                ChangeSubject::Integration { environment: environment.clone(), key: key.clone() },
            ),
            SealedPlace::WebhookEndpoint { environment, id } => {
                let statement = bind(
                    "update webhook_endpoints set sealed = $1, key_id = $2 \
                     where generation = $3 and key_id = $4 and sealed = $5 and environment = $6 and id = $7",
                );
                let statement = statement.text(environment.as_str()).text(&id.to_string());
                return Ok(statement.execute(&self.writer).await? > 0);
            }
        };
        let mut transaction = self.begin().await?;
        let updated = statement.execute(&mut *transaction).await?;
        self.commit_if(updated > 0, transaction, subject, at).await
    }
}

fn read_value(row: &AnyRow) -> Result<Sealed, StoreError> {
    Ok(Sealed {
        sealed: get(row, "sealed")?,
        key_id: get(row, "key_id")?,
        generation: get(row, "generation")?,
    })
}

fn secret_place(row: &AnyRow) -> Result<SealedPlace, StoreError> {
    Ok(SealedPlace::InstallationSecret { name: get(row, "name")? })
}

fn variables_place(row: &AnyRow) -> Result<SealedPlace, StoreError> {
    Ok(SealedPlace::ConnectionVariables { environment: parse(row, "environment")?, id: parse(row, "id")? })
}

fn credential_place(row: &AnyRow) -> Result<SealedPlace, StoreError> {
    Ok(SealedPlace::Credential { environment: parse(row, "environment")?, id: parse(row, "id")? })
}

fn integration_place(row: &AnyRow) -> Result<SealedPlace, StoreError> {
    Ok(SealedPlace::Integration { environment: parse(row, "environment")?, key: get(row, "key")? })
}

fn endpoint_place(row: &AnyRow) -> Result<SealedPlace, StoreError> {
    Ok(SealedPlace::WebhookEndpoint { environment: parse(row, "environment")?, id: parse(row, "id")? })
}
