#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use axum::{Router, routing::get};
use passthrough_server::{Config, Embedded, Overrides};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(&Overrides::default())?;
    let passthrough = Embedded::start(config.clone()).await?;
    let app = Router::new().route("/", get(async || "a page of mine")).fallback_service(passthrough.router());
    let listener = tokio::net::TcpListener::bind(config.listen).await?;
    let key = passthrough.first_key().map(|key| key.expose()).unwrap_or_default();
    println!("http://{} {key}", listener.local_addr()?);
    let ctrl_c = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app).with_graceful_shutdown(ctrl_c).await?;
    passthrough.stop().await;
    Ok(())
}
