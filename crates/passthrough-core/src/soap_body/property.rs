//! What must hold for any body at all, as a plain function: property tests and fuzz targets call it.

use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::{Namespace, ResolveResult};
use zeroize::Zeroizing;

use super::{UsernameToken, inject};

/// Injects a token into `body`. Either an error, or what comes out is `body` with one piece put in (an empty header
/// opened for it), and reads as one `Security` block, the first of the header, with the user name and password in it
/// as they were given. `Err` says what broke.
pub fn injecting_adds_one_block(body: &[u8], username: &str, password: &str) -> Result<(), &'static str> {
    let token = UsernameToken {
        username: Zeroizing::new(username.to_owned()),
        password: Zeroizing::new(password.to_owned()),
        digest: false,
        lifetime_ms: Some(60_000),
        nonce: [7; 16],
        created_ms: 0,
    };
    let Ok((injected, version)) = inject(body, &token) else { return Ok(()) };
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| "text became something else");
    let (before, after) = (text(body)?, text(&injected)?);
    let security = token.security_header(version).map_err(|_| "a token that cannot be written was")?;
    let at = after.find(&security).ok_or("the block is not there")?;
    let (front, back) = (&after[..at], &after[at + security.len()..]);
    let added = added_around(before, front, back).ok_or("another byte changed")?;
    // Whoever sends the block along says the password himself.
    if before.contains(&security) {
        return Ok(());
    }
    let read = elements(after).ok_or("the result is not XML")?;
    let given = elements(before).ok_or("what is not XML was accepted")?;
    let blocks: Vec<usize> = (0..read.len()).filter(|i| read[*i].is_security_block()).collect();
    let [block] = blocks[..] else { return Err("not one security block") };
    if block == 0
        || !read[block - 1].path.ends_with("/Header")
        || read[block - 1].path.matches('/').count() != 2
    {
        return Err("the block is not the first of the header");
    }
    // Security, Timestamp, Created, Expires, UsernameToken, Username, Password, Nonce, Created.
    let is_given = |at: usize, value| read.get(block + at).is_some_and(|element| element.text == value);
    if !is_given(5, username) || !is_given(6, password) {
        return Err("user name or password are not what was given");
    }
    if read.len() != given.len() + 9 + usize::from(added) {
        Err("elements were added or lost")
    } else {
        Ok(())
    }
}

/// Whether what was put around the block is a whole new header, or nothing that counts: `None` where other bytes
/// changed.
fn added_around(before: &str, front: &str, back: &str) -> Option<bool> {
    if before.strip_prefix(front) == Some(back) {
        return Some(false);
    }
    // An empty header was opened: `<s:Header/>` became `<s:Header>` and `</s:Header>`.
    let closed = back.find('>').map(|end| &back[end + 1..])?;
    let opened = front.strip_suffix('>')?;
    if before.strip_prefix(opened).and_then(|rest| rest.strip_prefix("/>")) == Some(closed) {
        return Some(false);
    }
    let kept = opened.rfind('<').map(|start| &opened[..start])?;
    (before.strip_prefix(kept) == Some(closed)).then_some(true)
}

struct Element {
    path: String,
    namespace: String,
    text: String,
}

impl Element {
    fn is_security_block(&self) -> bool {
        self.path.matches('/').count() == 3
            && self.path.ends_with("/Security")
            && self.namespace.ends_with("wssecurity-secext-1.0.xsd")
            && self.path.contains("/Header/")
    }
}

/// All elements in order, with their paths of local names and the text directly in them.
fn elements(text: &str) -> Option<Vec<Element>> {
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    let (mut all, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                let (namespace, local) = reader.resolver().resolve_element(element.name());
                let namespace = match namespace {
                    ResolveResult::Bound(Namespace(namespace)) => namespace.to_owned(),
                    ResolveResult::Unbound | ResolveResult::Unknown(_) => String::new(),
                };
                let parent = open.last().map_or("", |index| all[*index].path.as_str());
                // Deep bodies would make the paths quadratic.
                let path =
                    if open.len() > 4 { String::new() } else { format!("{parent}/{}", local.as_ref()) };
                open.push(all.len());
                all.push(Element { path, namespace, text: String::new() });
            }
            Event::End(_) => drop(open.pop()?),
            Event::Text(content) => {
                if let Some(index) = open.last() {
                    all[*index].text.push_str(&content);
                }
            }
            Event::GeneralRef(reference) => {
                let referred = match reference.resolve_char_ref().ok()? {
                    Some(c) => c,
                    None => match &*reference {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        _ => '?',
                    },
                };
                if let Some(index) = open.last() {
                    all[*index].text.push(referred);
                }
            }
            Event::Eof => return Some(all),
            _ => {}
        }
    }
}
