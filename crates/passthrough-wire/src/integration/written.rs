//! Request bodies that carry secrets, written as JSON. What holds a secret in clear is a secret itself.

use indexmap::IndexMap;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::{CreateIntegration, PatchIntegration};

/// A JSON object on its way to the wire.
#[derive(Default)]
struct Body(Map<String, Value>);

impl Body {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    /// Absent stays absent, and what is to be cleared is `null`: the two mean different things.
    fn patch(&mut self, name: &str, value: Option<Option<impl Into<Value>>>) {
        self.put(name, value.map(|value| value.map_or(Value::Null, Into::into)));
    }

    fn written(self) -> SecretString {
        Value::Object(self.0).to_string().into()
    }
}

fn exposed(secret: &SecretString) -> &str {
    secret.expose_secret()
}

fn texts(map: &IndexMap<String, String>) -> Value {
    Value::Object(map.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect())
}

fn secrets(map: &IndexMap<String, SecretString>) -> Value {
    Value::Object(map.iter().map(|(name, value)| (name.clone(), exposed(value).into())).collect())
}

impl CreateIntegration {
    /// The body of the request, secrets in clear: to be sent, never to be shown or kept.
    pub fn to_json(&self) -> SecretString {
        let mut body = Body::default();
        body.put("key", self.key.as_deref());
        body.put("provider", Some(self.provider.as_str()));
        body.put("name", self.name.as_deref());
        body.put("clientId", self.client_id.as_deref());
        body.put("clientSecret", self.client_secret.as_ref().map(exposed));
        body.put("privateKey", self.private_key.as_ref().map(exposed));
        body.put("privateKeyId", self.private_key_id.as_deref());
        body.put("scopes", self.scopes.clone());
        body.put("authorizeParams", Some(texts(&self.authorize_params)));
        body.put("allowHosts", Some(self.allow_hosts.clone()));
        body.put("redactReflections", self.redact_reflections.as_deref());
        body.put("variables", Some(secrets(&self.variables)));
        body.written()
    }
}

impl PatchIntegration {
    /// The body of the request, secrets in clear: to be sent, never to be shown or kept.
    pub fn to_json(&self) -> SecretString {
        let mut body = Body::default();
        body.patch("name", self.name.as_ref().map(Option::as_deref));
        body.patch("clientId", self.client_id.as_ref().map(Option::as_deref));
        body.patch("clientSecret", self.client_secret.as_ref().map(|secret| secret.as_ref().map(exposed)));
        body.patch("privateKey", self.private_key.as_ref().map(|key| key.as_ref().map(exposed)));
        body.patch("privateKeyId", self.private_key_id.as_ref().map(Option::as_deref));
        body.patch("scopes", self.scopes.clone());
        body.put("authorizeParams", self.authorize_params.as_ref().map(texts));
        body.put("allowHosts", self.allow_hosts.clone());
        body.patch("redactReflections", self.redact_reflections.as_ref().map(Option::as_deref));
        body.put("variables", self.variables.as_ref().map(secrets));
        body.written()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut create = CreateIntegration { provider: "crm".into(), ..Default::default() };
        create.client_secret = Some("s3cret\"\n".into());
        create.variables.insert("host".into(), "eu.crm.example".into());
        create.authorize_params.insert("prompt".into(), "consent".into());
        let read = CreateIntegration::parse(create.to_json().expose_secret().as_bytes()).unwrap();
        assert_eq!(read.client_secret.unwrap().expose_secret(), "s3cret\"\n");
        assert_eq!(read.variables["host"].expose_secret(), "eu.crm.example");
        assert_eq!(read.authorize_params["prompt"], "consent");
        assert!(read.key.is_none() && read.scopes.is_none());

        let patch = PatchIntegration {
            name: Some(None),
            client_secret: Some(Some("x".into())),
            scopes: Some(None),
            ..Default::default()
        };
        let written = patch.to_json();
        assert_eq!(written.expose_secret(), r#"{"name":null,"clientSecret":"x","scopes":null}"#);
    }
}
