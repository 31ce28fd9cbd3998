//! What the tests of the program share: a started program, a provider behind it, both databases.

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::{Connected, Engine, Program, Setup, canary};
use serde_json::Value;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_passthrough");

/// Runs an `async fn(Engine)` as two tests, one on each database.
macro_rules! on_both_databases {
    ($($(#[$doc:meta])* $name:ident)*) => {
        mod sqlite {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread")]
            async fn $name() { super::$name(passthrough_testkit::program::Engine::Sqlite).await; })*
        }
        mod postgres {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread")]
            async fn $name() { super::$name(passthrough_testkit::program::Engine::Postgres).await; })*
        }
    };
}
pub(crate) use on_both_databases;

/// A program that is not started yet.
pub fn setup(engine: Engine) -> Setup {
    Setup::new(BINARY, engine)
}

/// A provider file with one secret in `Authorization: Bearer`, verified by `GET /me`.
pub fn bearer_provider(base_url: &str) -> String {
    format!(
        "name = \"Shop\"\nbase_url = \"{base_url}\"\n\
         verify = {{ request = \"GET /me\", account_id = \"/id\", account_label = \"/name\" }}\n\
         [auth.token]\ngrant = \"static\"\nfields.api_key = {{ label = \"API key\", secret = true }}\n\
         inject.headers.authorization = \"Bearer {{api_key}}\"\n"
    )
}

/// A started program, a provider that tells what it saw, and a connection to it.
pub struct Shop {
    pub program: Program,
    pub provider: EchoProvider,
    pub connection: Connected,
    /// The provider's secret.
    pub api_key: String,
}

/// Starts all three.
pub async fn shop(engine: Engine) -> Shop {
    shop_with(engine, EchoProvider::start().await).await
}

/// Starts program and connection for a given provider.
pub async fn shop_with(engine: Engine, provider: EchoProvider) -> Shop {
    let file = bearer_provider(&format!("{}/base", provider.url()));
    let mut program = setup(engine).provider("shop", &file).start().await;
    let api_key = canary("key");
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{api_key}"}}}}"#);
    let connection = program.connect(&request).await;
    Shop { program, provider, connection, api_key }
}

impl Shop {
    /// `POST /v1/passthrough`; the answer must be ours and 200.
    pub async fn envelope(&self, request: &str) -> Value {
        let response =
            self.program.on(&self.connection, "POST", "/v1/passthrough", &[], request.to_owned()).await;
        assert_eq!(response.status, 200, "{}", response.text());
        serde_json::from_slice(&response.body).unwrap()
    }
}
