//! Calls as free functions, for those who have a client and a token and want one answer.

use passthrough_wire::passthrough::{PassthroughRequest, PassthroughResponse};
use secrecy::SecretString;

use crate::client::Client;
use crate::connection::Raw;
use crate::error::Error;

/// Makes one passthrough request on the connection of a token. What is kept is a
/// [`Connection`](crate::Connection).
///
/// # Errors
/// Every [`Error`]: none of them is the provider's answer.
pub async fn passthrough_request(
    client: &Client,
    connection_token: &SecretString,
    request: &PassthroughRequest,
) -> Result<PassthroughResponse, Error> {
    client.connection(connection_token.clone()).request(request).await
}

/// Makes one passthrough request and gives the bytes of a 2xx as they come.
///
/// # Errors
/// Every [`Error`]: none of them is the provider's answer.
pub async fn passthrough_raw(
    client: &Client,
    connection_token: &SecretString,
    request: &PassthroughRequest,
) -> Result<Raw, Error> {
    client.connection(connection_token.clone()).raw(request).await
}
