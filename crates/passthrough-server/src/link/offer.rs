//! What can be linked: integrations, and of each the ways to authenticate that it is set up for.

use std::sync::Arc;

use passthrough_core::id::Environment;
use passthrough_core::provider::{Auth, Provider, ProviderStatus};
use passthrough_store::MAX_PAGE;
use passthrough_wire::fields::FieldError;

use crate::app::App;
use crate::http::error::ApiError;
use crate::integrations::{self, Integration};

/// One integration that an end user may link.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The integration.
    pub integration: Integration,
    /// What end users call it.
    pub name: String,
    /// The provider.
    pub provider: Arc<Provider>,
}

impl Offer {
    /// `None` where nothing of it can be linked: everything needs an OAuth client, and there is none.
    fn of(app: &App, integration: Integration) -> Option<Self> {
        let provider = Arc::clone(app.catalog.get(&integration.provider)?);
        let offer = Self { name: provider.name.clone(), provider, integration };
        let usable = offer.entries().next().is_some();
        usable.then_some(offer)
    }

    /// The integration's key.
    pub fn key(&self) -> &str {
        &self.integration.key
    }

    /// The ways to authenticate, the usual one first.
    pub fn entries(&self) -> impl Iterator<Item = &Auth> {
        let has_client = self.integration.secrets.client.contains_key("client_id");
        self.provider.auth.values().filter(move |auth| has_client || !auth.grant.needs_client())
    }

    /// One of them.
    pub fn entry(&self, name: Option<&str>) -> Option<&Auth> {
        match name {
            None => self.entries().next(),
            Some(name) => self.entries().find(|auth| auth.name == name),
        }
    }
}

/// The offer of an integration's key.
pub async fn find(app: &App, environment: &Environment, key: &str) -> Result<Option<Offer>, ApiError> {
    let integration = integrations::find(app, environment, key).await?;
    Ok(integration.and_then(|integration| Offer::of(app, integration)))
}

/// Everything that may be offered where the caller names nothing: what was set up, and every provider that needs no
/// setting up and has none.
pub async fn all(app: &App, environment: &Environment) -> Result<Vec<Offer>, ApiError> {
    let mut offers = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page =
            app.installation.store.list_integrations(environment, None, after.as_deref(), MAX_PAGE).await?;
        after = page.rows.last().map(|row| row.key.clone());
        for row in page.rows {
            offers.extend(Offer::of(app, Integration::open(&app.installation.vault, row)?));
        }
        if !page.has_more {
            break;
        }
    }
    // Whoever is offered a form for any address in the world has not chosen a provider.
    let usual = |provider: &&Arc<Provider>| {
        provider.status != ProviderStatus::Deprecated && provider.base_url.scheme_variable().is_none()
    };
    let set_up: Vec<String> = offers.iter().map(|offer| offer.provider.code.clone()).collect();
    let others = app.catalog.iter().filter(usual).filter(|provider| !set_up.contains(&provider.code));
    offers.extend(others.filter_map(|provider| Offer::of(app, Integration::implicit(&provider.code))));
    Ok(named_apart(offers))
}

/// By name; and where several are of one provider, each with the name that the operator gave it.
pub fn named_apart(mut offers: Vec<Offer>) -> Vec<Offer> {
    let codes: Vec<String> = offers.iter().map(|offer| offer.provider.code.clone()).collect();
    for offer in &mut offers {
        let several = codes.iter().filter(|code| **code == offer.provider.code).count() > 1;
        if several {
            offer.name = offer.integration.name.clone().unwrap_or_else(|| offer.integration.key.clone());
        }
    }
    offers.sort_by_cached_key(|offer| offer.name.to_lowercase());
    offers
}

/// The offer that a caller named in `field`, by its key or by the provider's code.
pub async fn named(app: &App, environment: &Environment, field: &str, name: &str) -> Result<Offer, ApiError> {
    let set_up = app.installation.store.find_integration(environment, name).await?.is_some();
    let integration = match app.catalog.find(name) {
        _ if set_up => integrations::find(app, environment, name).await?,
        // A provider by its code: the integration of it, where there is one only.
        Ok(_) => Some(integrations::choose(app, environment, Some(name), None).await?),
        Err(unknown) => {
            let error = FieldError::new(field, format!("there is no such integration, and {unknown}"));
            return Err(ApiError::bad_request(vec![FieldError { suggestion: unknown.nearest, ..error }]));
        }
    };
    integration.and_then(|integration| Offer::of(app, integration)).ok_or_else(|| {
        let message = format!(
            "`{name}` needs an OAuth client before anybody can link it: make an integration with POST /v1/integrations"
        );
        ApiError::bad_field(field, message)
    })
}
