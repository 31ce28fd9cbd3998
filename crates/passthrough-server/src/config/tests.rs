use super::*;

mod link;

fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Config::load_from(&Overrides::default(), environment)
}

#[test]
fn the_defaults_are_complete() {
    let config = load(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert!(config.database_url.is_none());
}

#[test]
fn lists_come_from_the_environment_with_commas() {
    let config = load(&[
        ("PASSTHROUGH_UPSTREAM__ALLOW", "127.0.0.0/8,::1/128"),
        ("PASSTHROUGH_UPSTREAM__ALLOW_HTTP", "127.0.0.0/8,intranet.example"),
        ("PASSTHROUGH_API_KEY", "sk_not_a_setting"),
    ])
    .unwrap();
    assert_eq!(config.upstream.address_policy.allow.len(), 2);
    assert_eq!(config.upstream.address_policy.allow_http_hosts, ["intranet.example"]);
    let config = load(&[("PASSTHROUGH_UPSTREAM__ALLOW", "10.0.0.1")]).unwrap();
    assert_eq!(config.upstream.address_policy.allow[0].to_string(), "10.0.0.1/32");
}

#[test]
fn the_database_is_named_without_its_password() {
    let label = |url: &str| {
        let overrides = Overrides { database_url: Some(url.to_owned()), ..Overrides::default() };
        Config::load_from(&overrides, HashMap::new()).unwrap().database_label()
    };
    assert_eq!(
        label("postgres://user:p@ss@db.example:5432/main?password=a@b"),
        "PostgreSQL db.example:5432/main"
    );
    assert_eq!(label("sqlite:///var/lib/p.db?mode=rwc"), "SQLite /var/lib/p.db");
}

#[test]
fn mistakes_are_named() {
    let message = |variables: &[(&str, &str)]| load(variables).unwrap_err().to_string();
    assert_eq!(
        message(&[("PASSTHROUGH_UPSTREAM__ALOW", "::1/128")]),
        "unknown setting PASSTHROUGH_UPSTREAM__ALOW; did you mean PASSTHROUGH_UPSTREAM__ALLOW?"
    );
    assert!(message(&[("PASSTHROUGH_UPSTREAM__ALLOW", "all")]).contains("`all` is no network"));
    let soon = message(&[("PASSTHROUGH_UPSTREAM__MAX_WAIT_MS", "soon")]);
    assert!(
        soon.starts_with("upstream.max_wait_ms must be a whole number, at least 0, and is `soon`"),
        "{soon}"
    );
    assert_eq!(
        message(&[("PASSTHROUGH_LIMITS__RATE_PER_CONNECTION", "5 a day")]),
        "limits.rate_per_connection: `5 a day` must be such as `100/s`, `600/m` or `5000/h`: \
         1 to 1000000 calls, at most 100000 in a second"
    );
    assert!(message(&[("PASSTHROUGH_UPSTREAM__RETRIES", "3")]).contains("must be 0 to 2"));
    assert!(message(&[("PASSTHROUGH_UPSTREAM__RETRIES", "300")]).contains("must be 0 to 2"));
    assert_eq!(
        message(&[("PASSTHROUGH_LOG__CALLS", "some")]),
        "log.calls is `some`; it must be all, failures or none"
    );
    assert_eq!(
        message(&[("PASSTHROUGH_LISTEN", "nowhere")]),
        "listen: `nowhere` is no address such as 127.0.0.1:8080"
    );
    for setting in [
        "UPSTREAM__MAX_IN_FLIGHT",
        "UPSTREAM__TOTAL_TIMEOUT_MS",
        "LIMITS__HEAD_COUNT",
        "SERVER__MAX_CONNECTIONS",
    ] {
        let message = message(&[(&format!("PASSTHROUGH_{setting}"), "0")]);
        let name = setting.to_lowercase().replace("__", ".");
        assert!(message.starts_with(&format!("{name} is 0")) && message.ends_with("at least 1"), "{message}");
    }
    let headers = message(&[("PASSTHROUGH_TELEMETRY__OTLP_HEADERS", "s3cret")]);
    assert_eq!(headers, "telemetry.otlp_headers: each is written as name=value", "also without a collector");
    assert!(message(&[("PASSTHROUGH_METRICS__LISTEN", "9464")]).contains("`9464` is no address"));
    assert!(message(&[("PASSTHROUGH_TELEMETRY__SAMPLE_RATIO", "2")]).contains("between 0 and 1"));
}

#[test]
fn metrics_are_for_this_machine_unless_said_otherwise() {
    let exposure = |variables: &[_]| load(variables).unwrap().metrics;
    let own = ("PASSTHROUGH_METRICS__LISTEN", "0.0.0.0:9464");
    assert_eq!(exposure(&[]), Exposure::Loopback);
    assert_eq!(exposure(&[own]), Exposure::At(([0, 0, 0, 0], 9464).into()));
    assert_eq!(exposure(&[own, ("PASSTHROUGH_METRICS__ENABLED", "false")]), Exposure::Nowhere);
}

#[test]
fn a_collector_and_its_headers_come_from_the_environment() {
    assert!(load(&[]).unwrap().telemetry.collector.is_none());
    let telemetry = load(&[
        ("PASSTHROUGH_TELEMETRY__OTLP_ENDPOINT", "https://otel.example"),
        ("PASSTHROUGH_TELEMETRY__OTLP_HEADERS", "x-key=a,x-room=b"),
    ])
    .unwrap()
    .telemetry;
    assert!(telemetry.collector.is_some() && !telemetry.forward_traceparent);
}

#[test]
fn rates_and_bursts_are_read() {
    let rates = load(&[
        ("PASSTHROUGH_LIMITS__RATE_PER_API_KEY", "600/m"),
        ("PASSTHROUGH_LIMITS__BURST_PER_API_KEY", "20"),
        ("PASSTHROUGH_LIMITS__RATE_PER_CONNECTION", "5/s"),
    ])
    .unwrap()
    .rates;
    assert_eq!(rates.api_key.map(|rate| (rate.interval_us(), rate.burst())), Some((100_000, 20)));
    assert_eq!(rates.connection.map(|rate| (rate.interval_us(), rate.burst())), Some((200_000, 5)));
    assert_eq!((rates.environment, load(&[]).unwrap().rates), (None, Rates::default()));
}
