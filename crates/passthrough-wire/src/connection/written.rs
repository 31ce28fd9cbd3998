//! Request bodies that carry secrets, written as JSON.
//!
//! The types themselves do not implement `Serialize`: a secret is exposed here, at the moment of writing, and the
//! text that holds it is a secret again.

use indexmap::IndexMap;
use secrecy::{ExposeSecret, SecretString};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{CreateConnection, PatchConnection};

/// A map of secrets on its way to the wire; never leaves this file.
struct Exposed<'a>(&'a IndexMap<String, SecretString>);

impl Serialize for Exposed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value.expose_secret())))
    }
}

struct Create<'a>(&'a CreateConnection);

impl Serialize for Create<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.0;
        let mut map = serializer.serialize_map(None)?;
        let texts = [
            ("provider", &request.provider),
            ("integration", &request.integration),
            ("auth", &request.auth),
            ("externalId", &request.external_id),
            ("name", &request.name),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        map.serialize_entry("credentials", &Exposed(&request.credentials))?;
        map.serialize_entry("variables", &Exposed(&request.variables))?;
        map.serialize_entry("tags", &request.tags)?;
        map.serialize_entry("verify", &request.verify)?;
        map.end()
    }
}

struct Patch<'a>(&'a PatchConnection);

impl Serialize for Patch<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.0;
        let mut map = serializer.serialize_map(None)?;
        // Absent stays absent, and what is to be cleared is `null`: the two mean different things.
        for (name, text) in [("name", &request.name), ("externalId", &request.external_id)] {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        if let Some(tags) = &request.tags {
            map.serialize_entry("tags", tags)?;
        }
        if let Some(status) = &request.status {
            map.serialize_entry("status", status)?;
        }
        for (name, secrets) in [("credentials", &request.credentials), ("variables", &request.variables)] {
            if let Some(secrets) = secrets {
                map.serialize_entry(name, &Exposed(secrets))?;
            }
        }
        map.end()
    }
}

impl CreateConnection {
    /// The body of the request, secrets in clear: to be sent, never to be shown or kept.
    ///
    /// # Errors
    /// None that a map of texts could cause.
    pub fn to_json(&self) -> Result<SecretString, serde_json::Error> {
        serde_json::to_string(&Create(self)).map(SecretString::from)
    }
}

impl PatchConnection {
    /// The body of the request, secrets in clear: to be sent, never to be shown or kept.
    ///
    /// # Errors
    /// None that a map of texts could cause.
    pub fn to_json(&self) -> Result<SecretString, serde_json::Error> {
        serde_json::to_string(&Patch(self)).map(SecretString::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Unknown;

    #[test]
    fn what_is_written_reads_back() {
        let mut request =
            CreateConnection { provider: Some("stripe".into()), verify: true, ..Default::default() };
        request.credentials.insert("api_key".into(), "s3cret\"\n".into());
        let json = request.to_json().unwrap();
        let read = CreateConnection::parse(json.expose_secret().as_bytes()).unwrap();
        assert_eq!(read.provider.as_deref(), Some("stripe"));
        assert_eq!(read.credentials["api_key"].expose_secret(), "s3cret\"\n");
        assert!(read.verify && read.external_id.is_none());
    }

    #[test]
    fn a_patch_keeps_absent_and_cleared_apart() {
        let patch = PatchConnection { name: Some(None), tags: Some(vec!["a".into()]), ..Default::default() };
        assert_eq!(patch.to_json().unwrap().expose_secret(), r#"{"name":null,"tags":["a"]}"#);
        let read = PatchConnection::parse(br#"{"name":null}"#, Unknown::Refuse).unwrap();
        assert_eq!((read.name, read.external_id), (Some(None), None));
    }
}
