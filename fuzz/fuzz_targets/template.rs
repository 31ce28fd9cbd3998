//! Templates and the values that are filled in. Input: the template and two values, on lines of their own.

#![no_main]

use libfuzzer_sys::fuzz_target;
use passthrough_core::connection::{Credential, Variables};
use passthrough_core::template::{Moment, Scope, Template};

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (template, a, b) = (line(), line(), line());
    let Ok(parsed) = Template::parse(template) else { return };
    assert_eq!(parsed.source(), template);
    let rendered = render(&parsed, a, b);
    let names = parsed.names();
    if names.iter().any(|name| !matches!(*name, "a" | "b")) {
        assert_eq!(rendered, None, "a field that is not there leaves the part out");
        return;
    }
    let rendered = rendered.expect("all fields are there");

    // A value is never read as a template: `{b}` as the value of `a` does not bring in the value of `b`.
    if !names.contains(&"b") {
        assert_eq!(Some(&rendered), render(&parsed, a, "another").as_ref());
    }
    // Nor does it change the text around it. Functions hide where a value went, so only without them.
    const MARKS: [&str; 2] = ["\u{e000}", "\u{e001}"];
    if !template.contains('(') && !MARKS.iter().any(|mark| text.contains(mark)) {
        let marked = render(&parsed, MARKS[0], MARKS[1]).expect("all fields are there");
        let filled: String = marked
            .chars()
            .map(|c| match c {
                '\u{e000}' => a.to_owned(),
                '\u{e001}' => b.to_owned(),
                c => c.to_string(),
            })
            .collect();
        assert_eq!(rendered, filled);
    }
});

fn render(template: &Template, a: &str, b: &str) -> Option<String> {
    let credential = Credential { fields: [("a".to_owned(), a.into())].into(), ..Credential::default() };
    let variables = Variables::from([("b".to_owned(), b.into())]);
    let moment = Moment { unix_ms: 1_700_000_000_000, nonce: [7; 16] };
    let scope = Scope { credential: &credential, variables: &variables, moment };
    template.computed(&scope);
    template.masked();
    template.render(&scope).map(|text| text.to_string())
}
