//! Providers, as the API shows them: enough to build a form from.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words;

use passthrough_core::provider::{self as core, Input, Inputs, ProviderStatus};

/// A provider in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderSummary {
    /// Its code.
    pub code: String,
    /// The product's name.
    pub name: String,
    /// What it is about.
    pub categories: Vec<String>,
    /// `live`, `beta` or `deprecated`.
    #[schema(inline, value_type = words::ProviderStatus)]
    pub status: String,
    /// The names of its auth entries.
    pub auth: Vec<String>,
}

/// A provider, whole.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// Its code.
    pub code: String,
    /// The product's name.
    pub name: String,
    /// What it is about.
    pub categories: Vec<String>,
    /// The product's home page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri")]
    pub website: Option<String>,
    /// The API's documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri")]
    pub docs: Option<String>,
    /// `live`, `beta` or `deprecated`.
    #[schema(inline, value_type = words::ProviderStatus)]
    pub status: String,
    /// The day that it goes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_on: Option<String>,
    /// Where the API is, with its variables.
    pub base_url: String,
    /// More places, by the name that goes into `base`.
    pub base_urls: IndexMap<String, String>,
    /// What differs between accounts.
    pub variables: IndexMap<String, Field>,
    /// The ways to authenticate.
    pub auth: IndexMap<String, Auth>,
}

/// One way to authenticate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// What a form shows.
    pub label: String,
    /// Where a person finds the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How the secret is obtained: `static`.
    #[schema(value_type = words::Grant)]
    pub grant: String,
    /// What the user gives.
    pub fields: IndexMap<String, Field>,
    /// Whether a call is known that proves the credential.
    pub can_verify: bool,
}

/// One thing that a user gives.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// What a form shows.
    pub label: String,
    /// Where a person finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A value as it may look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// A regular expression over the whole value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The only values that it may have.
    #[serde(default, rename = "enum", skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// The value where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether it must be given.
    pub required: bool,
    /// Whether a form hides it.
    pub secret: bool,
}

impl From<&core::Provider> for ProviderSummary {
    fn from(provider: &core::Provider) -> Self {
        Self {
            code: provider.code.clone(),
            name: provider.name.clone(),
            categories: provider.categories.clone(),
            status: status(provider.status).to_owned(),
            auth: provider.auth.keys().cloned().collect(),
        }
    }
}

impl From<&core::Provider> for Provider {
    fn from(provider: &core::Provider) -> Self {
        let source =
            |(name, base): (&String, &core::BaseUrlTemplate)| (name.clone(), base.source().to_owned());
        Self {
            code: provider.code.clone(),
            name: provider.name.clone(),
            categories: provider.categories.clone(),
            website: provider.website.clone(),
            docs: provider.docs.clone(),
            status: status(provider.status).to_owned(),
            deprecated_on: provider.deprecated_on.clone(),
            base_url: provider.base_url.source().to_owned(),
            base_urls: provider.base_urls.iter().map(source).collect(),
            variables: fields(&provider.variables),
            auth: provider.auth.iter().map(|(name, auth)| (name.clone(), Auth::from(auth))).collect(),
        }
    }
}

impl From<&core::Auth> for Auth {
    fn from(auth: &core::Auth) -> Self {
        Self {
            label: auth.label.clone(),
            description: auth.description.clone(),
            grant: auth.kind.as_str().to_owned(),
            fields: fields(&auth.fields),
            can_verify: auth.verify.is_some(),
        }
    }
}

fn fields(inputs: &Inputs) -> IndexMap<String, Field> {
    inputs.0.iter().map(|(name, input)| (name.clone(), Field::from(input))).collect()
}

impl From<&Input> for Field {
    fn from(input: &Input) -> Self {
        Self {
            label: input.label.clone(),
            description: input.description.clone(),
            example: input.example.clone(),
            pattern: input.pattern.as_ref().map(|pattern| pattern.as_str().to_owned()),
            values: input.values.clone(),
            default: input.default.clone(),
            required: input.required(),
            secret: input.secret,
        }
    }
}

fn status(status: ProviderStatus) -> &'static str {
    match status {
        ProviderStatus::Live => "live",
        ProviderStatus::Beta => "beta",
        ProviderStatus::Deprecated => "deprecated",
    }
}
