//! Fields and variables that nothing uses: a secret that a user types and that goes nowhere is a mistake of
//! the file, and the requests that it should have opened would be refused one by one.

use std::collections::BTreeSet;

use super::{Problem, Provider};

/// Names what no base URL, injection or verify call uses. Only of a file that is right otherwise: where a
/// template could not be read, nobody knows what it would have used.
pub(super) fn problems(provider: &Provider) -> Vec<Problem> {
    let bases = std::iter::once(&provider.base_url).chain(provider.base_urls.values());
    let in_bases: BTreeSet<&str> = bases.flat_map(|base| base.names()).collect();
    let mut used = in_bases.clone();
    let mut problems = Vec::new();
    for auth in provider.auth.values() {
        let templates = auth.inject.templates().into_iter().chain(auth.grant.templates());
        let injected: BTreeSet<&str> = templates.flat_map(|template| template.names()).collect();
        // A verify call is made of variables only: it goes through the same injection as every request.
        for name in auth.fields.0.keys().map(String::as_str) {
            let implied = auth.grant.uses_field(name);
            if !implied && !injected.contains(name) && !in_bases.contains(name) {
                problems.push(unused(format!("auth.{}.fields.{name}", auth.name)));
            }
        }
        used.extend(injected);
        if let Some(verify) = &auth.verify {
            let mut templates = vec![&verify.path];
            verify.json.iter().for_each(|json| json.collect_templates(&mut templates));
            used.extend(templates.into_iter().flat_map(|template| template.names()));
        }
    }
    for discover in &provider.discover {
        used.extend(discover.names());
    }
    let variables = provider.variables.0.keys().filter(|name| !used.contains(name.as_str()));
    problems.extend(variables.map(|name| unused(format!("variables.{name}"))));
    problems
}

fn unused(at: String) -> Problem {
    Problem::new(at, "is used nowhere: put it into `inject` or a base URL, or take it away")
}
