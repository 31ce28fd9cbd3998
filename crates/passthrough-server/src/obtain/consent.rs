//! Asking for what a user's consent needs, and exchanging what it brings: codes, temporary tokens, and with MCP whatever
//! the server says of itself.

use std::collections::BTreeMap;

use passthrough_core::base_url::BaseUrl;
use passthrough_core::connection::Obtained;
use passthrough_core::grant::mcp::{self, Registration, ServerMetadata};
use passthrough_core::grant::{self, Asking, RequestToken};
use passthrough_core::provider::Grant;
use passthrough_core::provider::grant::{Capture, Step, Url};
use secrecy::SecretString;

use super::{Obtainer, Refusal, open};
use crate::resolve::ReadyConnection;

/// What a server may ask us to look at before it is no server that anybody could use.
const MAX_ISSUERS: usize = 3;

impl Obtainer {
    /// Where an end user goes to consent by OAuth 2.0.
    pub fn authorize_url(
        &self,
        ready: &ReadyConnection,
        consent: &grant::Consent<'_>,
    ) -> Result<String, Refusal> {
        Ok(grant::authorize_url(&self.asking(ready, open(ready)?), consent)?)
    }

    /// Exchanges the code that a consent brought.
    pub async fn exchange(
        &self,
        ready: &ReadyConnection,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> Result<Obtained, Refusal> {
        let open = open(ready)?;
        let Grant::OAuth2(oauth2) = &open.auth.grant else {
            return Err(Refusal::Unusable { what: "this auth entry has no codes".to_owned() });
        };
        let call = grant::code_call(&self.asking(ready, open), code, redirect_uri, verifier)?;
        let reply = self.send(ready, call).await?;
        let first = grant::read_tokens(oauth2, &reply.answer(), open.credential.obtained.as_ref())?;
        match grant::exchange_call(&self.asking(ready, open), &first)? {
            None => Ok(first),
            Some(call) => {
                let reply = self.send(ready, call).await?;
                Ok(grant::read_tokens(oauth2, &reply.answer(), Some(&first))?)
            }
        }
    }

    /// Makes a call that a file writes out, to find out variables.
    pub async fn discovered(
        &self,
        ready: &ReadyConnection,
        step: &Step,
        captures: &[Capture],
    ) -> Result<BTreeMap<String, SecretString>, Refusal> {
        let call = grant::discover_call(&self.asking(ready, open(ready)?), step)?;
        let reply = self.send(ready, call).await?;
        let status = reply.answer().status;
        if !(200..300).contains(&status) {
            let what = format!("a call that tells more about the account was answered with status {status}");
            return Err(Refusal::Unusable { what });
        }
        Ok(grant::read_captures(captures, &reply.answer())?)
    }

    /// A temporary token of OAuth 1.0, and where an end user goes to consent with it.
    pub async fn request_token(
        &self,
        ready: &ReadyConnection,
        callback: &str,
        extra: &[(String, String)],
    ) -> Result<(RequestToken, String), Refusal> {
        let asking = self.asking(ready, open(ready)?);
        let reply = self.send(ready, grant::request_token_call(&asking, callback)?).await?;
        let token = grant::read_request_token(&reply.answer())?;
        let address = grant::oauth1_authorize_url(&asking, &token, extra)?;
        Ok((token, address))
    }

    /// The lasting token for a temporary one that an end user has consented to.
    pub async fn access_token(
        &self,
        ready: &ReadyConnection,
        token: &RequestToken,
        verifier: &str,
    ) -> Result<Obtained, Refusal> {
        let open = open(ready)?;
        let call = grant::access_token_call(&self.asking(ready, open), token, verifier)?;
        let reply = self.send(ready, call).await?;
        Ok(grant::read_access_token(&reply.answer(), open.credential.obtained.as_ref())?)
    }

    /// Finds out where an MCP server authorizes, and registers a client there unless the integration brings one. What it
    /// gives belongs beside the tokens.
    pub async fn discover(
        &self,
        ready: &ReadyConnection,
        registration: &Registration<'_>,
    ) -> Result<BTreeMap<String, SecretString>, Refusal> {
        let asking = self.asking(ready, open(ready)?);
        let base = mcp::resource(&asking)?;
        let (resource, issuers, scopes) = self.guards(ready, &asking, &base).await?;
        let server = self.authorizes(ready, &asking, &issuers, &base).await?;
        let mut kept = mcp::kept(&resource, &server, &scopes);
        if asking.open.credential.value("client_id").is_some() {
            return Ok(kept);
        }
        let unregistered = || Refusal::Unusable {
            what: "the server registers no clients: make an integration with one".to_owned(),
        };
        let call = mcp::registration_call(&asking, &server, registration)?.ok_or_else(unregistered)?;
        let reply = self.send(ready, call).await?;
        kept.extend(mcp::read_registration(&reply.answer())?);
        Ok(kept)
    }

    /// The resource by its own name, who gives tokens for it, and which scopes it wants.
    async fn guards(
        &self,
        ready: &ReadyConnection,
        asking: &Asking<'_>,
        base: &BaseUrl,
    ) -> Result<(String, Vec<String>, Vec<String>), Refusal> {
        let challenge = self.challenge(ready, asking, base).await?;
        let first = challenge.as_ref().and_then(|challenge| challenge.resource_metadata.clone());
        for url in first.into_iter().chain(mcp::resource_metadata_urls(base)) {
            // One that cannot be reached is no reason not to try the next.
            let Ok(reply) = self.send(ready, mcp::metadata_call(asking, url)).await else { continue };
            if !(200..300).contains(&reply.answer().status) {
                continue;
            }
            let found = mcp::read_resource_metadata(&reply.answer(), base)?;
            // What the challenge asks for is what is needed; what the document lists is all that there is.
            let scopes = challenge.map(|challenge| challenge.scopes).filter(|scopes| !scopes.is_empty());
            return Ok((found.resource, found.authorization_servers, scopes.unwrap_or(found.scopes)));
        }
        Ok((base.to_string(), vec![mcp::own_issuer(base)], Vec::new()))
    }

    /// What the resource says to somebody who has no token. The body is not read: it may be a stream without end.
    async fn challenge(
        &self,
        ready: &ReadyConnection,
        asking: &Asking<'_>,
        base: &BaseUrl,
    ) -> Result<Option<mcp::Challenge>, Refusal> {
        let unusable = |_| Refusal::Unusable { what: "the base URL is no address".to_owned() };
        let url = Url::parse(&base.to_string()).map_err(unusable)?;
        let answer = self.dispatch(ready, &mcp::metadata_call(asking, url)).await?;
        Ok(mcp::read_challenge(&answer.fields))
    }

    async fn authorizes(
        &self,
        ready: &ReadyConnection,
        asking: &Asking<'_>,
        issuers: &[String],
        base: &BaseUrl,
    ) -> Result<ServerMetadata, Refusal> {
        let mut last = Refusal::Unusable { what: "it does not say where it authorizes".to_owned() };
        for issuer in issuers.iter().take(MAX_ISSUERS) {
            let urls = match mcp::server_metadata_urls(issuer, base) {
                Ok(urls) => urls,
                Err(refusal) => {
                    last = refusal.into();
                    continue;
                }
            };
            for url in urls {
                let read = match self.send(ready, mcp::metadata_call(asking, url)).await {
                    Ok(reply) => {
                        mcp::read_server_metadata(&reply.answer(), issuer, base).map_err(Refusal::from)
                    }
                    Err(refusal) => Err(refusal),
                };
                match read {
                    Ok(server) => return Ok(server),
                    Err(refusal) => last = refusal,
                }
            }
        }
        Err(last)
    }
}
