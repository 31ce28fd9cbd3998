//! The head of a message, read strictly.

/// The first line and the fields of a message, in order and spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Status line or request line, without its end.
    pub line: String,
    /// Names and values, the values without the blanks around them.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// Reads a head with its empty line.
    ///
    /// # Errors
    /// Says what is not as RFC 9112 wants it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_suffix("\r\n\r\n").ok_or("a head without its end")?;
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let fields = lines.map(field).collect::<Result<_, _>>()?;
        if line.contains(['\r', '\n', '\0']) {
            return Err(format!("a control character in {line:?}"));
        }
        Ok(Self { line, fields })
    }

    /// The status code of a status line; zero where it is none.
    pub fn status(&self) -> u16 {
        self.line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    /// All values of a field, whatever its spelling.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The first value of a field, whatever its spelling.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }
}

/// A line of a head, or a trailer.
pub(super) fn field(line: &str) -> Result<(String, String), String> {
    let (name, value) = line.split_once(':').ok_or_else(|| format!("no colon in {line:?}"))?;
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) || value.contains(['\r', '\n', '\0']) {
        return Err(format!("no field: {line:?}"));
    }
    Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}
