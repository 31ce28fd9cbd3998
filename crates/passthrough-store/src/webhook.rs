//! Webhooks: the endpoints that are told of events, and the deliveries to them.

pub(crate) mod delivery;

use passthrough_core::id::{EndpointId, Environment};
use sqlx::AnyConnection;

use crate::error::StoreError;
use crate::sql::{Statement, get, parse};
use crate::store::Store;

impl Store {
    /// The endpoints that are to be told of an event of this kind. They cannot be deleted before the end of the
    /// transaction: their deliveries would be refused, and with them what happened.
    pub(crate) async fn endpoints_of(
        &self,
        on: &mut AnyConnection,
        environment: &Environment,
        kind: &str,
    ) -> Result<Vec<EndpointId>, StoreError> {
        let mut statement = Statement::new(
            "select id, kinds from webhook_endpoints where environment = $1 and enabled = 1 order by id",
        )
        .text(environment.as_str());
        statement.push(self.engine.against_deletion());
        let mut endpoints = Vec::new();
        for row in &statement.list(on).await? {
            let kinds: Vec<String> = serde_json::from_str(get(row, "kinds")?).unwrap_or_default();
            if kinds.is_empty() || kinds.iter().any(|wanted| wanted == kind) {
                endpoints.push(parse(row, "id")?);
            }
        }
        Ok(endpoints)
    }
}
