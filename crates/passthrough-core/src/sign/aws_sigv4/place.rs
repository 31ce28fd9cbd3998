//! Which region and service a request to AWS is signed for.

use crate::base_url::Origin;
use crate::provider::AwsSigV4;
use crate::template::{Scope, Template};
use crate::upstream::Refusal;

/// What a signature is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sign) struct Place {
    pub(in crate::sign) region: String,
    pub(in crate::sign) service: String,
}

/// What a global endpoint such as `iam.amazonaws.com` is signed for.
const GLOBAL: [(&str, &str); 3] =
    [(".amazonaws.com", "us-east-1"), (".amazonaws.com.cn", "cn-north-1"), (".api.aws", "us-east-1")];
const SUFFIXES: [&str; 4] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws"];

/// Services whose hosts begin otherwise than they are signed.
const SIGNED_AS: [(&str, &str); 7] = [
    ("email", "ses"),
    ("queue", "sqs"),
    ("lambda-url", "lambda"),
    ("bedrock-runtime", "bedrock"),
    ("bedrock-agent", "bedrock"),
    ("bedrock-agent-runtime", "bedrock"),
    ("s3-accelerate", "s3"),
];

impl Place {
    pub(super) fn of(aws: &AwsSigV4, scope: &Scope<'_>, origin: &Origin) -> Result<Self, Refusal> {
        let read = Self::read(&origin.host.to_string());
        let (region, service) = read.map_or((None, None), |place| (Some(place.region), Some(place.service)));
        let told = |template: Option<&Template>, read: Option<String>, what: &str| {
            let missing = || Refusal::Connection(format!("the host does not say the {what}: give it"));
            rendered(template, scope).or(read).ok_or_else(missing)
        };
        Ok(Self {
            region: told(aws.region.as_ref(), region, "region")?,
            service: told(aws.service.as_ref(), service, "service")?,
        })
    }

    pub(super) fn is_s3(&self) -> bool {
        self.service == "s3" || self.service == "s3express" || self.service == "s3-outposts"
    }

    /// What a host of AWS means: `sqs.eu-west-1.amazonaws.com`, `bucket.s3.amazonaws.com`, `iam.amazonaws.com`.
    pub(in crate::sign) fn read(host: &str) -> Option<Self> {
        let suffix = SUFFIXES.into_iter().find(|suffix| host.ends_with(suffix))?;
        let labels: Vec<&str> =
            host.strip_suffix(suffix)?.split('.').filter(|label| *label != "dualstack").collect();
        let (last, before) = labels.split_last()?;
        let (region, service) = match before.last() {
            // `x.s3-eu-west-1.amazonaws.com`, of old.
            _ if last.strip_prefix("s3-").is_some_and(is_region) => (last.strip_prefix("s3-")?, "s3"),
            Some(service) if is_region(last) => (*last, *service),
            // `search-x.eu-west-1.es.amazonaws.com`
            Some(region) if is_region(region) => (*region, *last),
            _ if *last == "us-gov" => ("us-gov-west-1", *before.last()?),
            _ => (GLOBAL.into_iter().find(|(known, _)| *known == suffix)?.1, *last),
        };
        let service = service.strip_suffix("-fips").unwrap_or(service);
        let signed_as = SIGNED_AS.into_iter().find(|(host, _)| *host == service);
        let service = signed_as.map_or(service, |(_, name)| name);
        let service = if service.starts_with("s3express") { "s3express" } else { service };
        Some(Self { region: region.to_owned(), service: service.to_owned() })
    }
}

/// `eu-west-1`, `us-gov-east-1`: letters, at least two more words, the last one a number.
fn is_region(label: &str) -> bool {
    let words: Vec<&str> = label.split('-').collect();
    let Some((number, names)) = words.split_last() else { return false };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let letters = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    digits && names.len() >= 2 && names.iter().all(letters) && (2..=4).contains(&names[0].len())
}

pub(super) fn rendered(template: Option<&Template>, scope: &Scope<'_>) -> Option<String> {
    Some(template?.render(scope)?.to_string()).filter(|text| !text.is_empty())
}
