//! A server without sockets of its own: a router for a program that serves callers itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use passthrough_core::token::Token;
use tokio::time::Instant;

use super::background::Background;
use super::{Opened, StartError};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::http;

/// Passthrough inside a program of one's own: [`Embedded::start`], [`Embedded::router`], [`Embedded::stop`].
///
/// ```no_run
/// use axum::Router;
/// use axum::routing::get;
/// use passthrough_server::{Config, Embedded, Overrides};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let passthrough = Embedded::start(Config::load(&Overrides::default())?).await?;
/// let app = Router::new().route("/", get(async || "a page of mine")).fallback_service(passthrough.router());
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// let ctrl_c = async || drop(tokio::signal::ctrl_c().await);
/// axum::serve(listener, app).with_graceful_shutdown(ctrl_c()).await?;
/// passthrough.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// All doors are there: `/v1`, the proxy with its streams and WebSockets, the dialects, the pages of linking,
/// `/openapi.json`, `/healthz`, `/readyz`. What is different from the program, because hyper and not our own engine
/// reads the callers' requests:
///
/// - header names of HTTP/1.1 lose their spelling (`X-Id` becomes `x-id`), and those of different names their order
///   among each other; the values of one name keep theirs. The same holds for answers to the caller.
/// - Reason phrases and interim answers (1xx) of the provider do not reach the caller.
/// - The limits for heads, slow callers and their number are those of the program around it (`server.*`, `limits.head_*`
///   and `listen` of the settings mean nothing here), and so are the refusals of malformed heads.
/// - `/metrics` is only at an address of its own (`metrics.listen`).
///
/// Our way to the provider is the same in both.
#[derive(Debug)]
pub struct Embedded {
    app: Arc<App>,
    background: Background,
    first_key: Option<Token>,
}

impl Embedded {
    /// Opens database and keyring, and starts what runs in the background on the current runtime of tokio.
    ///
    /// No address is listened on here. Bind to `listen` of the settings, or set `link.public_url`: it says where end
    /// users and providers reach this server.
    ///
    /// # Errors
    /// [`StartError`]; never [`StartError::Listen`].
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Clock::System).await
    }

    /// Like [`Embedded::start`], with a clock of one's own.
    ///
    /// # Errors
    /// [`StartError`]; never [`StartError::Listen`].
    pub async fn start_with(config: Config, clock: Clock) -> Result<Self, StartError> {
        let Opened { app, exposed, first_key, last_change, lock } = Opened::open(config, clock).await?;
        let background = Background::start(&app, last_change, exposed, lock);
        Ok(Self { app, background, first_key })
    }

    /// The whole HTTP API, with a fallback of its own that answers 404 in our form.
    ///
    /// As the `fallback_service` of a router it has every path that the router does not know. Nested below a prefix
    /// (`nest_service`) the API works, too, but not the pages of linking: their addresses begin at the root of
    /// `link.public_url`. Layers that limit bodies or time hold for streams through the proxy, too.
    pub fn router(&self) -> Router {
        http::router(Arc::clone(&self.app))
    }

    /// The API key that this first start made, where `first_api_key` of the settings says so: with it everything else
    /// can be done.
    pub fn first_key(&self) -> Option<&Token> {
        self.first_key.as_ref()
    }

    /// Says at `/readyz` that callers should go elsewhere, while they are still served.
    pub fn announce_stop(&self) {
        self.app.stop.store(true, Ordering::Relaxed);
        self.background.stop_sending();
    }

    /// Finishes refreshes, webhooks and records, and closes the database. To be called once the last caller was served;
    /// a call that is made later fails. Without it, the last second's records are lost.
    pub async fn stop(self) {
        self.announce_stop();
        self.background.finish(Instant::now()).await;
    }
}
