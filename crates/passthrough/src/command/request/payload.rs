//! What the flags say about the body of a request.

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use percent_encoding::utf8_percent_encode;

use super::RESERVED;
use crate::exit::Hinted;
use crate::pair;

/// The body: at most one kind.
#[derive(Debug, Args)]
pub struct PayloadFlags {
    /// A body, sent byte for byte: TEXT, @FILE, or @- for standard input
    #[arg(short, long, value_name = "TEXT|@FILE", conflicts_with_all = ["json", "form", "part"])]
    data: Option<String>,
    /// A JSON body, sent byte for byte, with its content type and `Accept: application/json`: TEXT, @FILE, or @-
    #[arg(long, value_name = "JSON|@FILE", conflicts_with_all = ["form", "part"])]
    json: Option<String>,
    /// A field of an `application/x-www-form-urlencoded` body
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair::parse, conflicts_with = "part")]
    form: Vec<(String, String)>,
    /// A part of a `multipart/form-data` body: `NAME=VALUE` or `NAME=@FILE[;type=TYPE][;filename=NAME]`
    #[arg(short = 'F', value_name = "NAME=VALUE|@FILE", value_parser = parse_part)]
    part: Vec<Part>,
}

/// Where bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// Here.
    Text(String),
    /// In a file.
    File(PathBuf),
    /// On standard input.
    StandardInput,
}

/// A part of a multipart body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) content: Content,
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<String>,
}

/// A body to send.
#[derive(Debug)]
pub(super) enum Payload {
    /// None.
    Nothing,
    /// Any bytes.
    Data(Content),
    /// JSON.
    Json(Content),
    /// A form.
    Form(Vec<(String, String)>),
    /// A form in parts, and the boundary between them.
    Multipart(Vec<Part>, String),
}

impl PayloadFlags {
    /// What is to be sent. Nothing of files is read yet.
    pub(super) fn read(&self) -> Result<Payload> {
        if let Some(text) = &self.data {
            Ok(Payload::Data(content(text)))
        } else if let Some(text) = &self.json {
            Ok(Payload::Json(content(text)))
        } else if !self.form.is_empty() {
            Ok(Payload::Form(self.form.clone()))
        } else if !self.part.is_empty() {
            if self.part.iter().filter(|part| part.content == Content::StandardInput).count() > 1 {
                return Err(
                    Hinted::usage("standard input can be one part only", "send the others as @FILE").into()
                );
            }
            Ok(Payload::Multipart(self.part.clone(), boundary()?))
        } else {
            Ok(Payload::Nothing)
        }
    }
}

impl Payload {
    /// The content type that goes with it, where the caller names none.
    pub(super) fn content_type(&self) -> Option<String> {
        match self {
            Payload::Nothing | Payload::Data(_) => None,
            Payload::Json(_) => Some("application/json".to_owned()),
            Payload::Form(_) => Some("application/x-www-form-urlencoded".to_owned()),
            Payload::Multipart(_, boundary) => Some(format!("multipart/form-data; boundary={boundary}")),
        }
    }

    pub(super) fn is_json(&self) -> bool {
        matches!(self, Payload::Json(_))
    }
}

/// A form as the URL standard writes it.
pub(super) fn encode_form(pairs: &[(String, String)]) -> String {
    let component = |text| utf8_percent_encode(text, RESERVED).to_string().replace("%20", "+");
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", component(name), component(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn content(text: &str) -> Content {
    match text.strip_prefix('@') {
        Some("-") => Content::StandardInput,
        Some(path) => Content::File(path.into()),
        None => Content::Text(text.to_owned()),
    }
}

fn parse_part(text: &str) -> Result<Part, String> {
    let (name, value) = pair::split(text)?;
    let mut part =
        Part { name: name.to_owned(), content: content(value), filename: None, content_type: None };
    let Content::File(path) = &part.content else { return Ok(part) };
    let path = path.to_string_lossy().into_owned();
    let mut pieces = path.split(';');
    let path = PathBuf::from(pieces.next().unwrap_or_default());
    for option in pieces {
        match option.trim().split_once('=') {
            Some(("type", value)) => part.content_type = Some(value.to_owned()),
            Some(("filename", value)) => part.filename = Some(value.to_owned()),
            _ => return Err(format!("`{option}` is neither type=… nor filename=…")),
        }
    }
    // The name alone: the folders of this machine are nobody's business.
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    part.filename = part.filename.or(name);
    part.content = Content::File(path);
    Ok(part)
}

/// A text that does not occur in any part: 128 bits of chance.
fn boundary() -> Result<String> {
    let mut bytes = [0; 16];
    let source = "/dev/urandom";
    std::fs::File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).context(source)?;
    Ok(format!("passthrough-{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_a_text_or_a_file_with_its_name() {
        let part = parse_part("f=@/a/b.txt;type=text/plain").unwrap();
        assert_eq!(part.content, Content::File("/a/b.txt".into()));
        assert_eq!(
            (part.filename.as_deref(), part.content_type.as_deref()),
            (Some("b.txt"), Some("text/plain"))
        );
        assert_eq!(parse_part("f=@x;filename=y").unwrap().filename.as_deref(), Some("y"));
        assert_eq!(parse_part("f=a;b").unwrap().content, Content::Text("a;b".into()));
        assert!(parse_part("f=@x;mode=1").is_err() && parse_part("f").is_err());
    }

    #[test]
    fn a_form_is_written_as_browsers_do() {
        let form = [("a b".to_owned(), "1+2".to_owned()), ("c".to_owned(), "ü&".to_owned())];
        assert_eq!(encode_form(&form), "a+b=1%2B2&c=%C3%BC%26");
    }
}
