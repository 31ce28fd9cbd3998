//! Finding the place in the envelope.

use std::ops::Range;

use quick_xml::NsReader;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

use super::{SoapBodyError, Version};

/// What may stand on a start tag on the way to the place. Envelopes have a handful; the check for repeated names is
/// quadratic.
const MAX_ATTRIBUTES: usize = 64;

/// A range of the body, and what stands there on both sides of the token.
pub(super) struct Place {
    pub(super) version: Version,
    pub(super) range: Range<usize>,
    pub(super) before: String,
    pub(super) after: String,
}

/// Reads the whole body and finds where the first block of the header goes. That every element is closed, and that
/// nothing follows the envelope, is part of it: a second envelope or header could hold another token.
pub(super) fn locate(text: &str) -> Result<Place, SoapBodyError> {
    let offset = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reader = NsReader::from_str(&text[offset..]);
    reader.config_mut().check_comments = true;
    let mut walk = Walk { text, at: offset, ..Walk::default() };
    let mut depth = 0_usize;
    loop {
        let start = walk.at;
        let event = reader.read_event().map_err(|_| SoapBodyError::NotXml { at: start })?;
        let end = offset + usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let tag = start..end;
        walk.at = end;
        match event {
            Event::Decl(declaration) if start == offset => check_declaration(&declaration)?,
            Event::DocType(_) | Event::PI(_) => return Err(SoapBodyError::Forbidden { at: start }),
            Event::Start(element) => {
                walk.element(&reader, &element, depth, tag, false)?;
                depth += 1;
            }
            Event::Empty(element) => walk.element(&reader, &element, depth, tag, true)?,
            Event::End(_) => {
                depth = depth.checked_sub(1).ok_or(SoapBodyError::NotXml { at: start })?;
                walk.in_header &= depth > 1;
            }
            Event::Comment(_) => {}
            Event::Text(content) if depth > 1 || is_white_space(&content) => {}
            Event::CData(_) | Event::GeneralRef(_) if depth > 1 => {}
            Event::Eof if depth == 0 && walk.has_body => break,
            Event::Eof => return Err(SoapBodyError::NotAnEnvelope { at: start }),
            Event::Decl(_) | Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                return Err(SoapBodyError::NotAnEnvelope { at: start });
            }
        }
    }
    walk.place.ok_or(SoapBodyError::NotAnEnvelope { at: text.len() })
}

/// What is known while the envelope is read.
#[derive(Default)]
struct Walk<'t> {
    text: &'t str,
    /// Where the next event begins.
    at: usize,
    /// The envelope's version, where its start tag ends, and its prefix with the colon.
    envelope: Option<(Version, usize, String)>,
    place: Option<Place>,
    in_header: bool,
    has_body: bool,
}

impl Walk<'_> {
    /// Takes note of the start of an element. Only the outermost three layers matter.
    fn element(
        &mut self,
        reader: &NsReader<&[u8]>,
        element: &BytesStart<'_>,
        depth: usize,
        tag: Range<usize>,
        is_empty: bool,
    ) -> Result<(), SoapBodyError> {
        let at = tag.start;
        let other = Err(SoapBodyError::NotAnEnvelope { at });
        if depth < 2 {
            check_attributes(element, at)?;
        }
        match depth {
            0 => match version_of(reader, element, b"Envelope") {
                Some(version) if self.envelope.is_none() && !is_empty => {
                    let prefix = element.name().prefix().map(|prefix| format!("{}:", prefix.into_inner()));
                    self.envelope = Some((version, tag.end, prefix.unwrap_or_default()));
                    Ok(())
                }
                _ => other,
            },
            1 => {
                let Some((version, after_tag, prefix)) = &self.envelope else { return other };
                let is = |name| version_of(reader, element, name) == Some(*version);
                if is(b"Header") && self.place.is_none() {
                    self.in_header = !is_empty;
                    self.place = Some(inside(*version, self.text, element, tag, is_empty));
                } else if is(b"Body") && !self.has_body {
                    self.has_body = true;
                    // Without a header, one is made in front.
                    self.place.get_or_insert_with(|| Place {
                        version: *version,
                        range: *after_tag..*after_tag,
                        before: format!("<{prefix}Header>"),
                        after: format!("</{prefix}Header>"),
                    });
                } else {
                    return other;
                }
                Ok(())
            }
            // In any namespace: drafts of WS-Security had others, and a name may be spelled in more ways than one.
            2 if self.in_header && element.local_name().as_ref().eq_ignore_ascii_case("security") => {
                Err(SoapBodyError::HasSecurity { at })
            }
            _ => Ok(()),
        }
    }
}

/// Behind the start tag of a header; one that is empty (`<s:Header/>`) is opened for it.
fn inside(
    version: Version,
    text: &str,
    element: &BytesStart<'_>,
    tag: Range<usize>,
    is_empty: bool,
) -> Place {
    if !is_empty {
        return Place { version, range: tag.end..tag.end, before: String::new(), after: String::new() };
    }
    let opened = text[tag.clone()].strip_suffix("/>").unwrap_or_default();
    let name = element.name().into_inner();
    Place { version, before: format!("{opened}>"), after: format!("</{name}>"), range: tag }
}

/// The version of SOAP whose element of this name it is.
fn version_of(reader: &NsReader<&[u8]>, element: &BytesStart<'_>, name: &[u8]) -> Option<Version> {
    let (namespace, local) = reader.resolver().resolve_element(element.name());
    let ResolveResult::Bound(Namespace(namespace)) = namespace else { return None };
    let of = |version: &Version| version.namespace() == namespace;
    [Version::V1_1, Version::V1_2].into_iter().find(of).filter(|_| local.as_ref().as_bytes() == name)
}

/// A reader that goes on after a broken attribute sees other namespaces than one that does not.
fn check_attributes(element: &BytesStart<'_>, at: usize) -> Result<(), SoapBodyError> {
    let malformed = || SoapBodyError::NotXml { at };
    for (index, attribute) in element.attributes().enumerate() {
        let attribute = attribute.map_err(|_| malformed())?;
        if index >= MAX_ATTRIBUTES || attribute.value.contains('<') {
            return Err(malformed());
        }
    }
    Ok(())
}

fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), SoapBodyError> {
    let content = declaration.strip_prefix("xml").unwrap_or_default();
    let tag = BytesStart::from_content(content, 0);
    let mut versions = 0;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| SoapBodyError::Declaration)?;
        let right = match attribute.key.into_inner() {
            "version" => {
                versions += 1;
                *attribute.value == *"1.0"
            }
            "encoding" => ["utf-8", "us-ascii"].iter().any(|name| attribute.value.eq_ignore_ascii_case(name)),
            "standalone" => true,
            _ => false,
        };
        if !right {
            return Err(SoapBodyError::Declaration);
        }
    }
    if versions == 1 { Ok(()) } else { Err(SoapBodyError::Declaration) }
}

/// XML's own four (§2.3): other readers take a no-break space for text.
fn is_white_space(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}
