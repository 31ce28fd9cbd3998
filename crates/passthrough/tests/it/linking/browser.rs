//! A browser, as far as linking needs one: it keeps cookies, follows our own redirects, fills in forms.

use std::collections::BTreeMap;

use passthrough_testkit::http::{Response, send};
use passthrough_testkit::program::Program;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// One browser.
#[derive(Clone)]
pub struct Browser {
    base: String,
    /// Sent with every request; public, so that a test can steal or plant one.
    pub cookies: BTreeMap<String, String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

/// A page with the address that it was read at.
pub struct Page {
    pub address: String,
    pub response: Response,
}

impl Page {
    pub fn text(&self) -> String {
        self.response.text()
    }

    /// The value of an attribute in the first tag that holds `mark`.
    #[track_caller]
    pub fn attribute(&self, mark: &str, name: &str) -> String {
        let text = self.text();
        let at = text.find(mark).unwrap_or_else(|| panic!("no {mark} in {text}"));
        let start = text[..at].rfind('<').unwrap();
        let tag = &text[start..start + text[start..].find('>').unwrap()];
        let value = tag.split(&format!(" {name}=\"")).nth(1).unwrap_or_else(|| panic!("no {name} in {tag}"));
        let value = value.split('"').next().unwrap();
        value.replace("&amp;", "&").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">")
    }

    /// The token of its forms.
    #[track_caller]
    pub fn form_token(&self) -> String {
        self.attribute("name=\"form\"", "value")
    }
}

impl Browser {
    pub fn new(program: &Program) -> Self {
        Self { base: program.url.clone(), cookies: BTreeMap::new(), headers: Vec::new() }
    }

    /// Goes on at another server of the same installation, as behind a load balancer.
    pub fn go_to(&mut self, url: &str) {
        url.clone_into(&mut self.base);
    }

    /// One request, by path or URL.
    pub async fn send(
        &mut self,
        method: &str,
        address: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let url =
            if address.starts_with('/') { format!("{}{address}", self.base) } else { address.to_owned() };
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut all: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        all.extend_from_slice(headers);
        if !cookies.is_empty() {
            all.push(("cookie", &cookies));
        }
        let response = send(method, &url, &all, body.to_owned()).await;
        for (_, line) in response.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        response
    }

    pub async fn get(&mut self, address: &str) -> Response {
        self.send("GET", address, &[], "").await
    }

    /// Goes to an address and follows redirects as long as they are ours.
    pub async fn open(&mut self, address: &str) -> Page {
        let mut address = address.to_owned();
        for _ in 0..5 {
            let response = self.get(&address).await;
            match response.header("location") {
                Some(next) if next.starts_with('/') => address = next.to_owned(),
                _ => return Page { address, response },
            }
        }
        panic!("redirects without end at {address}");
    }

    /// Sends the first form of a page that is not a search, with these fields filled in.
    pub async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Response {
        let action = page.attribute("method=\"post\"", "action");
        let token = page.form_token();
        let mut all = vec![("form", token.as_str())];
        all.extend_from_slice(fields);
        self.post(&action, &all).await
    }

    /// Gives up on a page.
    pub async fn cancel(&mut self, page: &Page) -> Response {
        let (action, token) = (page.attribute("/_cancel\"", "action"), page.form_token());
        let text = page.text();
        let error = text.contains("name=\"error\"").then(|| page.attribute("name=\"error\"", "value"));
        let mut fields = vec![("form", token.as_str())];
        fields.extend(error.as_deref().map(|error| ("error", error)));
        self.post(&action, &fields).await
    }

    pub async fn post(&mut self, address: &str, fields: &[(&str, &str)]) -> Response {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        self.send("POST", address, &headers, &pairs.join("&")).await
    }
}
