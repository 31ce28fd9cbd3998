//! From text to `ProviderFile`, with all type errors at once.
//!
//! A deserialiser stops at its first error. So the offending entry is noted, cut out, and the rest is read
//! again, until it can be read: whoever writes a file sees every mistake in one go.

use serde_path_to_error::Segment;
use toml::Value;

use super::Problem;
use super::file::ProviderFile;
use crate::suggest::nearest;

/// A file with more mistakes than this is not worth listing to the end.
const MAX_PROBLEMS: usize = 50;

/// What could be read of a file.
pub(super) struct Parsed {
    /// All but what was cut out; `None` where nothing of use is left.
    pub(super) file: Option<ProviderFile>,
    /// What was wrong with the spelling and the types.
    pub(super) problems: Vec<Problem>,
    /// Where array elements were cut out.
    gaps: Gaps,
}

pub(super) fn provider_file(text: &str) -> Parsed {
    let mut parsed = Parsed { file: None, problems: Vec::new(), gaps: Gaps::default() };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            parsed.problems.push(syntax_problem(text, &error));
            return parsed;
        }
    };
    let mut value = Value::Table(table);
    while parsed.problems.len() < MAX_PROBLEMS {
        let error = match serde_path_to_error::deserialize(value.clone()) {
            Ok(file) => {
                parsed.file = Some(file);
                break;
            }
            Err(error) => error,
        };
        let mut segments: Vec<Segment> = error.path().iter().cloned().collect();
        let message = error.inner().message().trim().to_owned();
        let named = |prefix: &str| message.strip_prefix(prefix).and_then(|rest| rest.split('`').next());
        let unknown = named("unknown field `");
        // Of a name and its alias, both given, the error names the table only.
        let twice = named("duplicate field `");
        if let Some(name) = unknown.or(twice)
            && !matches!(segments.last(), Some(Segment::Map { key }) if key == name)
        {
            segments.push(Segment::Map { key: name.to_owned() });
        }
        let mut path = parsed.gaps.as_written(&dotted(&segments));
        let problem = match named("missing field `") {
            Some(name) => Problem::new(format!("{path}.{name}"), "missing"),
            None if twice.is_some() => Problem::new(path.clone(), "is given twice, once by its other name"),
            None => Problem::new(path.clone(), with_suggestion(&message, unknown)),
        };
        parsed.problems.push(problem);
        if !cut(&mut value, &segments) {
            break;
        }
        if let Some(Segment::Seq { .. }) = segments.last()
            && let Some(bracket) = path.rfind('[')
        {
            let index = path.split_off(bracket);
            parsed.gaps.0.extend(index.trim_matches(['[', ']']).parse().map(|index| (path, index)));
        }
    }
    parsed
}

impl Parsed {
    /// Adds what a closer look at the rest has found, in the places of the file as it was written. That
    /// something is missing goes without saying where it was there and cut out.
    pub(super) fn problems_with(self, found: Vec<Problem>) -> Vec<Problem> {
        let Parsed { mut problems, gaps, .. } = self;
        let typed: Vec<String> = problems.iter().map(|problem| problem.path.clone()).collect();
        for mut problem in found {
            problem.path = gaps.as_written(&problem.path);
            let below = format!("{}.", problem.path);
            let was_cut = |path: &String| *path == problem.path || path.starts_with(&below);
            if !(problem.message.starts_with("missing") && typed.iter().any(was_cut)) {
                problems.push(problem);
            }
        }
        problems
    }
}

fn syntax_problem(text: &str, error: &toml::de::Error) -> Problem {
    let start = error.span().map_or(0, |span| span.start);
    let before = String::from_utf8_lossy(text.as_bytes().get(..start).unwrap_or(text.as_bytes()));
    let line = before.matches('\n').count() + 1;
    // In characters, as editors count.
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Problem::new(format!("line {line}, column {column}"), error.message().trim())
}

/// Elements that were cut out of arrays: the array's path and the element's index, both as written. They
/// move what stands behind them, and a path must lead to what its author sees.
#[derive(Default)]
struct Gaps(Vec<(String, usize)>);

impl Gaps {
    fn as_written(&self, path: &str) -> String {
        let mut written = String::new();
        let mut rest = path;
        while let Some((before, after)) = rest.split_once('[') {
            written.push_str(before);
            match after.split_once(']').map(|(index, behind)| (index.parse(), behind)) {
                Some((Ok(index), behind)) => {
                    written.push_str(&format!("[{}]", self.index_as_written(&written, index)));
                    rest = behind;
                }
                _ => {
                    written.push('[');
                    rest = after;
                }
            }
        }
        written + rest
    }

    fn index_as_written(&self, array: &str, mut index: usize) -> usize {
        let mut gaps: Vec<usize> = self.0.iter().filter(|(of, _)| of == array).map(|(_, gap)| *gap).collect();
        gaps.sort_unstable();
        for gap in gaps {
            index += usize::from(gap <= index);
        }
        index
    }
}

fn dotted(segments: &[Segment]) -> String {
    let mut path = String::new();
    for segment in segments {
        match segment {
            Segment::Seq { index } => path.push_str(&format!("[{index}]")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                path.push_str(if path.is_empty() { "" } else { "." });
                path.push_str(key);
            }
            Segment::Unknown => path.push('?'),
        }
    }
    path
}

/// `unknown field `x`, expected one of …` becomes a sentence with the nearest known name.
fn with_suggestion(message: &str, unknown: Option<&str>) -> String {
    let Some(unknown) = unknown else {
        // The names of our own types mean nothing to whoever writes a file.
        let (problem, _) = message.split_once(", expected struct ").unwrap_or((message, ""));
        return if problem == message { message.to_owned() } else { format!("{problem}, expected a table") };
    };
    let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
    match nearest(unknown, known.iter().copied()) {
        Some(near) => format!("unknown field; did you mean `{near}`?"),
        None => format!("unknown field; there are {}", known.join(", ")),
    }
}

/// Removes the entry at the path; tells whether there was one.
fn cut(value: &mut Value, segments: &[Segment]) -> bool {
    let Some((last, parents)) = segments.split_last() else { return false };
    let mut at = value;
    for segment in parents {
        let next = match segment {
            Segment::Map { key } => at.get_mut(key.as_str()),
            Segment::Seq { index } => at.get_mut(*index),
            Segment::Enum { .. } | Segment::Unknown => return false,
        };
        let Some(next) = next else { return false };
        at = next;
    }
    match (last, at) {
        (Segment::Map { key }, Value::Table(table)) => table.remove(key).is_some(),
        (Segment::Seq { index }, Value::Array(array)) if *index < array.len() => {
            array.remove(*index);
            true
        }
        _ => false,
    }
}
