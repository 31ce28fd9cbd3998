//! The built-in catalog: what holds for every file of `providers/`, whoever adds the next one.

use passthrough_core::provider::{Auth, GrantKind, HostAllowList, Provider, ProviderStatus, VariableFormat};
use passthrough_core::template::Template;

use crate::sample::{accepted, catalog};

/// Runs a check over every provider and fails with all that it found.
#[track_caller]
fn for_every_provider(check: impl Fn(&Provider, &mut Vec<String>)) {
    let mut findings = Vec::new();
    for (code, provider) in catalog() {
        let mut found = Vec::new();
        check(&provider, &mut found);
        findings.extend(found.iter().map(|finding| format!("{code}.toml: {finding}")));
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Whether the user brings the whole base URL: such a file knows no host of its own.
fn base_is_given(provider: &Provider) -> bool {
    let names = Template::parse(provider.base_url.source()).unwrap();
    names
        .names()
        .first()
        .and_then(|name| provider.variables.0.get(*name))
        .is_some_and(|input| input.format == VariableFormat::Url)
}

#[test]
fn every_file_parses_and_is_named_by_its_code() {
    for (code, provider) in catalog() {
        assert_eq!(provider.code, code);
    }
}

#[test]
fn the_catalog_has_at_least_46_providers_of_the_static_kind() {
    let statics = catalog()
        .values()
        .filter(|provider| provider.auth.values().any(|auth| auth.kind == GrantKind::Static))
        .count();
    assert!(statics >= 46, "{statics}");
}

/// Half of the world's APIs need more than a stored string.
#[test]
fn the_catalog_has_at_least_120_providers_and_every_grant() {
    let catalog = catalog();
    assert!(catalog.len() >= 120, "{}", catalog.len());
    let kinds: Vec<GrantKind> =
        catalog.values().flat_map(|p| p.auth.values()).map(|auth| auth.kind).collect();
    for kind in [
        GrantKind::Oauth2Code,
        GrantKind::Oauth2ClientCredentials,
        GrantKind::Oauth2Password,
        GrantKind::Oauth2JwtBearer,
        GrantKind::Oauth1,
        GrantKind::AppJwtExchange,
        GrantKind::Login,
        GrantKind::McpOauth,
    ] {
        assert!(kinds.contains(&kind), "{}", kind.as_str());
    }
}

#[test]
fn base_url_and_auth_have_a_source_or_say_that_they_are_unverified() {
    for_every_provider(|provider, found| {
        // The one file that is about no API in particular.
        if provider.code == "custom" {
            return;
        }
        let sourced = |fact: &str| provider.sources.iter().any(|source| source.fact == fact);
        if !base_is_given(provider) && !sourced("base_url") {
            found.push("no source for `base_url`".to_owned());
        }
        for name in provider.auth.keys() {
            if !sourced("auth") && !sourced(&format!("auth.{name}")) {
                found.push(format!("no source for `auth.{name}`"));
            }
        }
    });
}

#[test]
fn a_source_that_was_read_says_where_and_when() {
    for_every_provider(|provider, found| {
        for source in provider.sources.iter().filter(|source| !source.unverified) {
            let page = source.url.as_deref().is_some_and(|url| url.starts_with("http"));
            let day = source.read.as_deref().is_some_and(|day| {
                let digits = day.bytes().filter(u8::is_ascii_digit).count();
                day.len() == 10 && digits == 8 && &day[4..5] == "-" && &day[7..8] == "-"
            });
            if !page || !day {
                found
                    .push(format!("the source of `{}` needs `url` and `read = \"2026-01-31\"`", source.fact));
            }
        }
    });
}

#[test]
fn a_file_is_beta_exactly_where_a_main_fact_is_unverified() {
    for_every_provider(|provider, found| {
        let main = |fact: &str| fact == "base_url" || fact == "auth" || fact.starts_with("auth.");
        let unverified = provider.sources.iter().any(|source| source.unverified && main(&source.fact));
        if (provider.status == ProviderStatus::Beta) != unverified {
            found.push(format!("status {:?}, but main facts unverified: {unverified}", provider.status));
        }
    });
}

#[test]
fn a_variable_in_a_host_tells_a_person_what_to_type() {
    for_every_provider(|provider, found| {
        for base in std::iter::once(&provider.base_url).chain(provider.base_urls.values()) {
            let source = base.source();
            let host = source.split_once("://").map_or(source, |(_, rest)| rest.split('/').next().unwrap());
            for name in Template::parse(host).unwrap().names() {
                let input = &provider.variables.0[name];
                if input.label.is_empty() || input.description.is_none() {
                    found
                        .push(format!("`variables.{name}` stands in a host: it needs label and description"));
                }
                if input.example.is_none() && input.default.is_none() && input.values.is_none() {
                    found.push(format!(
                        "`variables.{name}` stands in a host: it needs an example, a default or an enum"
                    ));
                }
            }
        }
    });
}

#[test]
fn an_entry_with_fields_marks_a_secret_and_says_where_it_is_found() {
    for_every_provider(|provider, found| {
        for (name, auth) in &provider.auth {
            let asks_for_secrets = !auth.grant.needs_consent();
            if asks_for_secrets
                && !auth.fields.0.is_empty()
                && !auth.fields.0.values().any(|field| field.secret)
            {
                found.push(format!("`auth.{name}` marks no field as secret"));
            }
            if auth.description.is_none() {
                found.push(format!("`auth.{name}` has no description"));
            }
        }
    });
}

#[test]
fn every_entry_uses_each_of_its_fields() {
    for_every_provider(|provider, found| {
        for (entry, auth) in &provider.auth {
            for field in auth.fields.0.keys() {
                let names = used_names(auth);
                if auth.kind == GrantKind::Static && !names.contains(field) {
                    found.push(format!("`auth.{entry}.fields.{field}` goes nowhere"));
                }
            }
        }
    });
}

/// A file whose own examples, defaults and choices do not pass its own patterns and host rules sends
/// whoever follows it into a wall.
#[test]
fn a_connection_made_of_a_files_own_examples_is_accepted() {
    let hosts = HostAllowList(vec![".example.com".to_owned()]);
    for_every_provider(|provider, found| {
        for (name, auth) in &provider.auth {
            let made = accepted(provider, auth, &hosts);
            let Ok((credential, variables)) = made else {
                found.extend(made.unwrap_err().iter().map(|problem| format!("auth.{name}: {problem}")));
                continue;
            };
            for base in std::iter::once(&provider.base_url).chain(provider.base_urls.values()) {
                let url = base.resolve(&variables, &credential, &provider.variables, &hosts).unwrap();
                assert!(url.to_string().starts_with("https://"), "{}: {url}", provider.code);
            }
        }
    });
}

#[test]
fn the_custom_provider_offers_its_five_entries() {
    let catalog = catalog();
    let custom = &catalog["custom"];
    let entries: Vec<(&str, Vec<&str>)> = custom
        .auth
        .iter()
        .map(|(name, auth)| (name.as_str(), auth.fields.0.keys().map(String::as_str).collect()))
        .collect();
    assert_eq!(
        entries,
        [
            ("bearer", vec!["token"]),
            ("basic", vec!["username", "password"]),
            ("header", vec!["name", "value"]),
            ("query", vec!["name", "value"]),
            ("none", vec![]),
        ]
    );
    assert_eq!(custom.base_url.source(), "{base_url}");
    assert_eq!(custom.variables.0["base_url"].format, VariableFormat::Url);
    let (name, value) = &custom.auth["header"].inject.headers[0];
    assert_eq!((name.source(), value.source()), ("{name}", "{value}"));
}

fn used_names(auth: &Auth) -> Vec<String> {
    let templates = auth.inject.templates();
    templates.iter().flat_map(|template| template.names()).map(str::to_owned).collect()
}
