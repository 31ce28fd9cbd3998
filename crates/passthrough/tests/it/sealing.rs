//! What is sealed opens in its own place only. Somebody who can write to the database, but has no key, moves
//! sealed values about: every call on such a connection fails, tells nothing, and sends nothing.

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::{Connected, Engine, Program, canary};

use crate::database::Database;
use crate::first_start;
use crate::support::{ask, failure, json, on_both_databases, setup, with_key};

on_both_databases! {
    a_sealed_value_opens_in_its_own_place_only
    a_damaged_connection_of_another_environment_is_answered_like_none
    a_program_with_a_moved_pepper_refuses_to_start
    a_token_is_worth_nothing_for_another_row
}

/// A provider with a secret and a variable, both in headers.
fn provider(url: &str) -> String {
    format!(
        "name = \"Vaulted\"\nbase_url = \"{url}/base\"\nverify = {{ request = \"GET /me\" }}\n\
         variables.region.label = \"Region\"\n\
         [auth.token]\ngrant = \"static\"\nfields.api_key = {{ label = \"API key\", secret = true }}\n\
         inject.headers.authorization = \"Bearer {{api_key}}\"\ninject.headers.x-region = \"{{region}}\"\n"
    )
}

struct Stored {
    connection: Connected,
    key: String,
    region: String,
}

struct Vaulted {
    program: Program,
    provider: EchoProvider,
    first: Stored,
    second: Stored,
    staging_key: String,
}

async fn store(program: &mut Program) -> Stored {
    let (key, region) = (canary("key"), canary("region"));
    let request = format!(
        r#"{{"provider":"vaulted","credentials":{{"api_key":"{key}"}},"variables":{{"region":"{region}"}}}}"#
    );
    Stored { connection: program.connect(&request).await, key, region }
}

async fn vaulted(engine: Engine) -> Vaulted {
    let provider_server = EchoProvider::start().await;
    let file = provider(&provider_server.url());
    let mut program = setup(engine).provider("vaulted", &file).provider("decoy", &file).start().await;
    let staging_key = program.create_key("staging");
    let first = store(&mut program).await;
    let second = store(&mut program).await;
    Vaulted { program, provider: provider_server, first, second, staging_key }
}

impl Vaulted {
    /// The connection works, with its own secrets.
    async fn assert_works(&self, stored: &Stored) {
        let response = self.program.on(&stored.connection, "GET", "/v1/proxy/orders", &[], "").await;
        assert_eq!(response.status, 200, "{}", response.text());
        let seen = self.provider.last();
        assert_eq!(seen.header("authorization"), [format!("Bearer {}", stored.key)]);
        assert_eq!(seen.header("x-region"), [stored.region.as_str()]);
    }

    /// Nothing goes through any door, and nothing of the inside is told.
    async fn assert_closed(&self, case: &str, status: u16, code: &str) {
        let asked = self.provider.seen().len();
        let envelope = r#"{"method":"GET","path":"/orders"}"#;
        for (method, path, body) in [
            ("POST", "/v1/passthrough", envelope),
            ("POST", "/v1/passthrough/raw", envelope),
            ("GET", "/v1/proxy/orders", ""),
        ] {
            let response = self.program.on(&self.first.connection, method, path, &[], body).await;
            let body = failure(&response, status, code);
            let told = body["message"].as_str().unwrap();
            for inside in ["seal", "key", "vault", "generation", "row"] {
                assert!(!told.contains(inside), "{case}: {path} tells: {told}");
            }
        }
        let terminal = self.program.on(&self.first.connection, "POST", "/tsp/v1/passthrough", &[], envelope);
        assert!(terminal.await.status.as_u16() >= 400, "{case}: the Terminal dialect went through");
        let verify = format!("/v1/connections/{}/verify", self.first.connection.id);
        failure(&self.program.api("POST", &verify, "").await, status, code);
        assert_eq!(self.provider.seen().len(), asked, "{case}: the provider was asked");
    }

    /// Makes the program read the connection anew: what `verify` tries is what is stored.
    async fn forget(&self) {
        let path = format!("/v1/connections/{}/verify", self.first.connection.id);
        self.program.api("POST", &path, "").await;
    }
}

async fn a_sealed_value_opens_in_its_own_place_only(engine: Engine) {
    let vaulted = vaulted(engine).await;
    let database = Database::of(&vaulted.program).await;
    let (first, second) = (&vaulted.first.connection.id, &vaulted.second.connection.id);
    database.change("create table kept_connections as select * from connections").await;
    database.change("create table kept_credentials as select * from credentials").await;
    let credential_of = |id: &str, column: &str| {
        format!("(select {column} from kept_credentials where connection_id = '{id}')")
    };
    let connection_of =
        |id: &str, column: &str| format!("(select {column} from kept_connections where id = '{id}')");
    let credentials = |what: &str| format!("update credentials set {what} where connection_id = '{first}'");
    let connections = |what: &str| format!("update connections set {what} where id = '{first}'");
    let cut = match engine {
        Engine::Sqlite => ("substr(sealed, 1, length(sealed) - 1)", "x''"),
        Engine::Postgres => ("substring(sealed from 1 for length(sealed) - 1)", "''::bytea"),
    };
    let cases = [
        ("another row's credential", credentials(&format!("sealed = {}", credential_of(second, "sealed")))),
        (
            "another row's variables",
            connections(&format!("sealed_variables = {}", connection_of(second, "sealed_variables"))),
        ),
        (
            "the variables as credential",
            credentials(&format!("sealed = {}", connection_of(first, "sealed_variables"))),
        ),
        (
            "the credential as variables",
            connections(&format!("sealed_variables = {}", credential_of(first, "sealed"))),
        ),
        ("the pepper as credential", credentials("sealed = (select sealed from installation_secrets)")),
        ("a later generation of the credential", credentials("generation = generation + 1")),
        ("an earlier generation of the credential", credentials("generation = generation - 1")),
        (
            "a later generation of the variables",
            connections("variables_generation = variables_generation + 1"),
        ),
        ("a credential that was cut off", credentials(&format!("sealed = {}", cut.0))),
        ("an empty credential", credentials(&format!("sealed = {}", cut.1))),
        ("a provider that the credential was not given for", connections("provider = 'decoy'")),
        ("empty variables", connections(&format!("sealed_variables = {}", cut.1))),
    ];
    let restore = [
        format!(
            "update credentials set sealed = {}, generation = {}, environment = 'default' where connection_id = '{first}'",
            credential_of(first, "sealed"),
            credential_of(first, "generation")
        ),
        format!(
            "update connections set sealed_variables = {}, variables_generation = {}, environment = 'default', provider = 'vaulted' where id = '{first}'",
            connection_of(first, "sealed_variables"),
            connection_of(first, "variables_generation")
        ),
    ];
    vaulted.assert_works(&vaulted.first).await;
    for (case, change) in &cases {
        assert_eq!(database.change(change).await, 1, "{case}");
        vaulted.forget().await;
        vaulted.assert_closed(case, 500, "internal_server_error").await;
        vaulted.assert_works(&vaulted.second).await;
        for undo in &restore {
            database.change(undo).await;
        }
        vaulted.forget().await;
        vaulted.assert_works(&vaulted.first).await;
    }
    // Half a move to another environment: the credential is not found where it should be.
    database.change(&credentials("environment = 'staging'")).await;
    vaulted.forget().await;
    vaulted.assert_closed("a credential of another environment", 404, "not_found").await;
    // The whole move: the row is there now, and its seal says that it should not be.
    database.change(&connections("environment = 'staging'")).await;
    vaulted.forget().await;
    vaulted.assert_closed("the old environment of a moved row", 404, "not_found").await;
    let asked = vaulted.provider.seen().len();
    let authorization = format!("Bearer {}", vaulted.staging_key);
    let headers =
        [("authorization", authorization.as_str()), ("connection-token", &vaulted.first.connection.token)];
    let moved = ask(&vaulted.program, "GET", "/v1/proxy/orders", &headers, "").await;
    failure(&moved, 500, "internal_server_error");
    assert_eq!(vaulted.provider.seen().len(), asked);
    database.close().await;
    vaulted.program.finish().await;
}

/// A caller of another environment must not learn that there is a connection of this id, nor to which provider,
/// from what is wrong with it.
async fn a_damaged_connection_of_another_environment_is_answered_like_none(engine: Engine) {
    let vaulted = vaulted(engine).await;
    let database = Database::of(&vaulted.program).await;
    let id = &vaulted.first.connection.id;
    let authorization = format!("Bearer {}", vaulted.staging_key);
    let headers =
        [("authorization", authorization.as_str()), ("connection-token", &vaulted.first.connection.token)];
    for change in [
        "update connections set auth = 'gone'",
        "update connections set provider = 'gone'",
        "update credentials set generation = 7",
    ] {
        database.change(change).await;
        vaulted.forget().await;
        failure(&ask(&vaulted.program, "GET", "/v1/proxy/orders", &headers, "").await, 404, "not_found");
        let verify = format!("/v1/connections/{id}/verify");
        let verified = with_key(&vaulted.program, &vaulted.staging_key, "POST", &verify, "").await;
        failure(&verified, 404, "not_found");
    }
    database.close().await;
    vaulted.program.finish().await;
}

async fn a_program_with_a_moved_pepper_refuses_to_start(engine: Engine) {
    let mut vaulted = vaulted(engine).await;
    assert!(vaulted.program.stop().success());
    let database = Database::of(&vaulted.program).await;
    database.change("create table kept as select * from installation_secrets").await;
    let undo = "update installation_secrets set sealed = (select sealed from kept), generation = (select generation from kept)";
    for change in [
        "update installation_secrets set sealed = (select max(sealed) from credentials)",
        "update installation_secrets set sealed = (select max(sealed_variables) from connections)",
        "update installation_secrets set generation = generation + 1",
        "delete from installation_secrets",
    ] {
        let change = if engine == Engine::Postgres {
            change
                .replace("max(sealed)", "(array_agg(sealed))[1]")
                .replace("max(sealed_variables)", "(array_agg(sealed_variables))[1]")
        } else {
            change.to_owned()
        };
        assert_eq!(database.change(&change).await, 1, "{change}");
        let told = first_start::refused(&vaulted.program);
        assert!(told.contains("does not belong to this database") || told.contains("damaged"), "{told}");
        if change.starts_with("delete") {
            database.change("insert into installation_secrets select * from kept").await;
        } else {
            database.change(undo).await;
        }
    }
    database.close().await;
    vaulted.program.resume();
    vaulted.assert_works(&vaulted.first).await;
    vaulted.program.finish().await;
}

async fn a_token_is_worth_nothing_for_another_row(engine: Engine) {
    let vaulted = vaulted(engine).await;
    let database = Database::of(&vaulted.program).await;
    let (first, second) = (&vaulted.first.connection, &vaulted.second.connection);
    let copy = format!(
        "update connections set token_hash = (select token_hash from connections where id = '{}') where id = '{}'",
        second.id, first.id
    );
    assert_eq!(database.change(&copy).await, 1);
    vaulted.forget().await;
    let foreign = vaulted.program.on(first, "GET", "/v1/connections/current", &[], "").await;
    failure(&foreign, 404, "not_found");
    // The hash of the second belongs to its id, so that even with the first's row nobody gets in.
    let own = vaulted.program.on(second, "GET", "/v1/connections/current", &[], "").await;
    assert_eq!(json(&own)["id"], second.id.as_str());
    database.close().await;
    vaulted.program.finish().await;
}
