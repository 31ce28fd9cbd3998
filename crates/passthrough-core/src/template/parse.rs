//! The grammar of templates: one pass over the bytes, no recursion deeper than the limit.

use super::{Function, Part, Template, TemplateError};

/// How deep functions may stand in functions. A file that needs more is a mistake (or an attack on the
/// stack of whoever loads it).
const MAX_DEPTH: usize = 8;

pub(super) fn template(text: &str) -> Result<Template, TemplateError> {
    let mut parser = Parser { text, at: 0 };
    let template = parser.template(Context::Top, 0)?;
    debug_assert_eq!(parser.at, text.len(), "the top level ends only at the end");
    Ok(template)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Top,
    Argument,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn error<T>(&self, position: usize, message: impl Into<String>) -> Result<T, TemplateError> {
        Err(TemplateError { position, message: message.into() })
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let found = self.text[self.at..].starts_with(wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    fn template(&mut self, context: Context, depth: usize) -> Result<Template, TemplateError> {
        let (start, mut parts, mut literal) = (self.at, Vec::new(), String::new());
        while let Some(next) = self.peek() {
            if context == Context::Argument && matches!(next, ',' | ')') {
                break;
            }
            if self.eat("{{") {
                literal.push('{');
            } else if self.eat("}}") {
                literal.push('}');
            } else if self.eat("{") {
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(self.placeholder(depth)?);
            } else if next == '}' {
                return self.error(self.at, "a lone `}`: write `}}` for a brace");
            } else if context == Context::Argument && self.eat("\\") {
                literal.push(self.escaped()?);
            } else {
                literal.push(next);
                self.at += next.len_utf8();
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Template { source: self.text[start..self.at].to_owned(), parts })
    }

    fn escaped(&mut self) -> Result<char, TemplateError> {
        match self.peek() {
            Some(c @ (',' | '(' | ')' | '\\')) => {
                self.at += 1;
                Ok(c)
            }
            _ => self.error(self.at, "a backslash escapes only `,`, `(`, `)` and itself"),
        }
    }

    fn placeholder(&mut self, depth: usize) -> Result<Part, TemplateError> {
        let start = self.at;
        if depth >= MAX_DEPTH {
            return self.error(start, format!("functions stand in functions more than {MAX_DEPTH} deep"));
        }
        let name = self.name()?;
        if self.eat("}") {
            return Ok(match Function::named(&name) {
                Some((function, 0)) => Part::Call(function, Vec::new()),
                Some(_) => return self.error(start, format!("`{name}` needs arguments: `{{{name}(…)}}`")),
                None => Part::Field(name),
            });
        }
        if !self.eat("(") {
            return self.error(self.at, format!("expected `}}` or `(` after `{name}`"));
        }
        let Some((function, arity)) = Function::named(&name) else {
            let known: Vec<_> = Function::ALL.iter().map(|(known, ..)| *known).collect();
            return self.error(start, format!("no function `{name}`; there are {}", known.join(", ")));
        };
        let arguments = self.arguments(arity, depth)?;
        if arguments.len() != arity {
            let given = arguments.len();
            return self.error(start, format!("`{name}` takes {arity} argument(s), {given} given"));
        }
        if !self.eat("}") {
            return self.error(self.at, "expected `}` after `)`");
        }
        Ok(Part::Call(function, arguments))
    }

    fn name(&mut self) -> Result<String, TemplateError> {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
            .unwrap_or(rest.len());
        if end == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return self.error(self.at, "a placeholder is a name of a-z, 0-9 and `_`: `{api_key}`");
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    /// Everything up to the closing parenthesis. White space after a comma is layout, not text.
    fn arguments(&mut self, arity: usize, depth: usize) -> Result<Vec<Template>, TemplateError> {
        let mut arguments = Vec::new();
        if arity == 0 && self.eat(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.template(Context::Argument, depth + 1)?);
            if self.eat(")") {
                return Ok(arguments);
            }
            if !self.eat(",") {
                return self.error(self.at, "expected `,` or `)` in the arguments");
            }
            while self.eat(" ") {}
        }
    }
}
