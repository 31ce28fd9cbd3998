//! "Did you mean": the known name that a misspelt one most likely means.

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be suggested for the other.
const LIKENESS: f64 = 0.8;

/// The known name nearest to `unknown`, where one is near at all.
pub fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_a_stranger_is_not() {
        let known = ["body", "query", "headers"];
        assert_eq!(nearest("boddy", known.into_iter()), Some("body"));
        assert_eq!(nearest("haeders", known.into_iter()), Some("headers"));
        assert_eq!(nearest("colour", known.into_iter()), None);
    }
}
