#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a program for a terminal")]

use passthrough_client::wire::connection::CreateConnection;
use passthrough_client::{Client, PassthroughRequest};
use serde::Deserialize;

#[derive(Deserialize)]
struct User {
    login: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;

    // Once for each customer: the server keeps the credential, you keep the token.
    let mut request = CreateConnection { provider: Some("github".into()), ..Default::default() };
    request.credentials.insert("token".into(), std::env::var("GITHUB_TOKEN")?.into());
    let connection = client.create_connection(&request).await?;

    let account = client.connection(connection.token.into());
    let answer = account.request(&PassthroughRequest::get("/user")).await?;
    println!("{} {}", answer.status_code, answer.response_json::<User>()?.login);
    Ok(())
}
