//! The built-in catalog, and values for its fields that nobody could take for real ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use indexmap::IndexMap;
use passthrough_core::connection::{Credential, Variables};
use passthrough_core::provider::{Auth, HostAllowList, Input, Inputs, Problem, Provider};
use secrecy::SecretString;

/// Every file by its code. All problems of all files are in the failure, not only the first.
pub(crate) fn catalog() -> BTreeMap<String, Provider> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../providers");
    let mut providers = BTreeMap::new();
    let mut failures = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let code = path.file_stem().unwrap().to_str().unwrap().to_owned();
        match Provider::parse(&code, &fs::read_to_string(&path).unwrap()) {
            Ok(provider) => {
                failures.extend(provider.unused().iter().map(|problem| format!("{code}.toml: {problem}")));
                providers.insert(code, provider);
            }
            Err(problems) => {
                failures.extend(problems.iter().map(|problem| format!("{code}.toml: {problem}")))
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    providers
}

/// A credential as if the grant of an entry had yielded it: made-up tokens and captures, beside the fields.
pub(crate) fn accepted(
    provider: &Provider,
    auth: &Auth,
    hosts: &HostAllowList,
) -> Result<(Credential, Variables), Vec<Problem>> {
    let mut given = sample(&auth.fields);
    for name in auth.grant.yields() {
        let found_out = provider.variables.0.get(name);
        let value = || found_out.map_or_else(|| format!("made-up-{name}"), |input| value(name, input));
        given.entry(name.to_owned()).or_insert_with(|| value().into());
    }
    provider.accept(auth, given, sample(&provider.variables), hosts, 0)
}

/// Values as a careful person would give them: the file's own where it has any.
pub(crate) fn sample(inputs: &Inputs) -> IndexMap<String, SecretString> {
    inputs.0.iter().map(|(name, input)| (name.clone(), value(name, input).into())).collect()
}

fn value(name: &str, input: &Input) -> String {
    let choice = || input.values.as_ref().and_then(|values| values.first().cloned());
    let own = input.example.clone().or_else(choice).or_else(|| input.default.clone());
    own.unwrap_or_else(|| format!("made-up-{name}"))
}
