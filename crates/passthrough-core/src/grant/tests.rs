use indexmap::IndexMap;
use secrecy::SecretString;

use super::*;
use crate::connection::Variables;
use crate::provider::Provider;

mod jwt;
mod login;
mod mcp;
mod oauth1;
mod oauth2;
mod property;
mod tokens;

pub(super) const NOW: i64 = 1_700_000_000_000;

/// A connection to a provider with this auth entry.
pub(super) struct Rig {
    pub(super) provider: Provider,
    pub(super) credential: Credential,
    pub(super) variables: Variables,
    pub(super) hosts: HostAllowList,
}

impl Rig {
    /// `entry` is the text of `[auth.main]`, `fields` are what the user gives.
    pub(super) fn new(entry: &str, fields: &[(&str, &str)]) -> Self {
        Self::with_variables("", entry, fields, &[])
    }

    pub(super) fn with_variables(
        file: &str,
        entry: &str,
        fields: &[(&str, &str)],
        variables: &[(&str, &str)],
    ) -> Self {
        let text = format!(
            "name = \"Test\"\nbase_url = \"https://api.example.com\"\n{file}\n[auth.main]\n{entry}\n"
        );
        let provider = Provider::parse("test", &text).unwrap();
        let hosts = HostAllowList::default();
        // Not by `Provider::accept`: nothing is there yet of what an end user has to consent to.
        let mut problems = Vec::new();
        let fields = provider.auth[0].fields.accept("credentials", given(fields), &[], &hosts, &mut problems);
        let variables = provider.variables.accept("variables", given(variables), &[], &hosts, &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        let credential = Credential { fields, ..Credential::default() };
        Self { provider, credential, variables, hosts }
    }

    /// The integration's client.
    pub(super) fn client(mut self, values: &[(&str, &str)]) -> Self {
        self.credential.client = values.iter().map(owned).collect();
        self
    }

    pub(super) fn obtained(mut self, values: &[(&str, &str)]) -> Self {
        let values = values.iter().map(owned).collect();
        self.credential.obtained = Some(Obtained { values, ..Obtained::default() });
        self
    }

    pub(super) fn asking(&self) -> Asking<'_> {
        Asking {
            open: OpenConnection {
                provider: &self.provider,
                auth: &self.provider.auth[0],
                credential: &self.credential,
                variables: &self.variables,
                prepared: None,
            },
            moment: Moment { unix_ms: NOW, nonce: [7; 16] },
            hosts: &self.hosts,
            scopes: None,
        }
    }

    pub(super) fn oauth2_file(&self) -> &OAuth2 {
        match &self.provider.auth[0].grant {
            Grant::OAuth2(oauth2) => oauth2,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn login_file(&self) -> &Login {
        match &self.provider.auth[0].grant {
            Grant::Login(login) => login,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn owned((name, value): &(&str, &str)) -> (String, SecretString) {
    ((*name).to_owned(), (*value).into())
}

fn given(pairs: &[(&str, &str)]) -> IndexMap<String, SecretString> {
    pairs.iter().map(owned).collect()
}

/// A call as it goes onto the wire, without what every call says.
pub(super) fn printed(call: &TokenCall) -> String {
    let mut text = format!("{} {}{}\n", call.method, call.origin(), call.path_and_query().as_str());
    for (name, value) in call.headers.iter() {
        let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        if !["Accept", "Accept-Encoding", "User-Agent"].contains(&&*name) {
            text.push_str(&format!("{name}: {value}\n"));
        }
    }
    text.push_str(&format!("\n{}", String::from_utf8_lossy(&call.body).replace('&', "\n&")));
    text
}

pub(super) fn sent(way: Way) -> TokenCall {
    match way {
        Way::Call(call) => *call,
        Way::Made(obtained) => panic!("made on the spot: {obtained:?}"),
    }
}

/// An answer with nothing that was sent.
pub(super) struct Given {
    status: u16,
    headers: Fields,
    body: Vec<u8>,
    sent: Redactor,
}

impl Given {
    pub(super) fn new(status: u16, body: &str) -> Self {
        let sent = Redactor::new(std::iter::empty());
        Self { status, headers: Fields::default(), body: body.as_bytes().to_vec(), sent }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn after(self, secrets: &[&str]) -> Self {
        Self { sent: Redactor::new(secrets.iter().copied()), ..self }
    }

    pub(super) fn answer(&self) -> Answer<'_> {
        let Self { status, headers, body, sent } = self;
        Answer { status: *status, headers, body, at: NOW, sent }
    }
}

/// What was kept, in the open.
pub(super) fn shown(obtained: &Obtained) -> String {
    let values = obtained.values.iter().map(|(name, value)| format!("{name}={}", value.expose_secret()));
    let seconds = |at: Option<i64>| at.map_or("?".to_owned(), |at| format!("{}s", (at - NOW) / 1000));
    let values = values.collect::<Vec<_>>().join(" ");
    format!("{values} | {} | {}", seconds(obtained.expires_at), seconds(obtained.refresh_expires_at))
}
