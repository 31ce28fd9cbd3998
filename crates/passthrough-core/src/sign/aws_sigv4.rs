//! AWS Signature Version 4. The canonical request is the crate's; what is said here is which region and service a host
//! means, and what goes into the signature of our requests.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest,
    SigningSettings, UriPathNormalizationMode,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use secrecy::ExposeSecret;

use super::{held, must_be_held, need, set_header};
use crate::base_url::{Origin, Scheme};
use crate::header::Fields;
use crate::provider::AwsSigV4;
use crate::template::{Moment, Scope, Template};
use crate::upstream::{OpenConnection, Refusal, UpstreamRequest};

/// What the signature sets. What the caller says of its body's hash is looked at before it is replaced.
pub(super) const HEADERS: [&[u8]; 3] = [b"Authorization", b"X-Amz-Date", b"X-Amz-Security-Token"];

const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// What S3 encodes of a key: everything but RFC 3986 `unreserved` and the slash.
const S3_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A body in `aws-chunked` form without signatures in it, as AWS's own libraries stream it over TLS.
const UNSIGNED_TRAILER: &[u8] = b"STREAMING-UNSIGNED-PAYLOAD-TRAILER";

pub(super) fn sign(aws: &AwsSigV4, scope: &Scope<'_>, request: &mut UpstreamRequest) -> Result<(), Refusal> {
    let place = Place::of(aws, scope, &request.origin)?;
    let identity = identity(aws, scope)?;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&place.region)
        .name(&place.service)
        .time(UNIX_EPOCH + Duration::from_millis(u64::try_from(scope.moment.unix_ms).unwrap_or_default()))
        .settings(settings(place.is_s3()))
        .build();
    let params = params.map_err(|error| Refusal::Connection(error.to_string()))?.into();
    let stated = request.headers.get(CONTENT_SHA256).cloned();
    let body = payload(&place, &request.origin, held(&request.body), stated.as_deref())?;
    request.headers.0.retain(|(name, _)| !crate::header::same_name(name, CONTENT_SHA256.as_bytes()));
    let uri = if place.is_s3() { s3_uri(&request.uri) } else { request.uri.to_string() };
    let signed: Vec<(&str, &str)> = request.headers.iter().filter_map(signed_header).collect();
    let unsignable = || Refusal::request("headers", "a header cannot be signed");
    let signable = SignableRequest::new(request.method.as_str(), uri, signed.into_iter(), body)
        .map_err(|_| unsignable())?;
    let output = aws_sigv4::http_request::sign(signable, &params).map_err(|_| unsignable())?;
    let (headers, _) = output.into_parts().0.into_parts();
    for header in headers {
        set_header(&mut request.headers, header.name(), header.value())?;
    }
    Ok(())
}

/// Whether the body has to be hashed first. S3 takes the word of TLS for it, and whoever said its hash has hashed it.
pub(super) fn needs_body_held(
    aws: &AwsSigV4,
    connection: OpenConnection<'_>,
    origin: &Origin,
    headers: &Fields,
) -> bool {
    let moment = Moment { unix_ms: 0, nonce: [0; 16] };
    let scope = Scope { credential: connection.credential, variables: connection.variables, moment };
    let Ok(place) = Place::of(aws, &scope, origin) else { return false };
    let stated = headers.get(CONTENT_SHA256);
    payload(&place, origin, None, stated.map(|value| &value[..])).is_err()
}

fn identity(aws: &AwsSigV4, scope: &Scope<'_>) -> Result<Identity, Refusal> {
    let key = need(&aws.access_key_id, "access key", scope)?;
    let secret = need(&aws.secret_access_key, "secret access key", scope)?;
    let token = rendered(aws.session_token.as_ref(), scope);
    Ok(Credentials::new(key.expose_secret(), secret.expose_secret(), token, None, "connection").into())
}

/// S3 wants the path as it is and the hash beside it; every other service encodes the path once more.
fn settings(s3: bool) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.session_token_mode = SessionTokenMode::Include;
    if s3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    } else {
        settings.percent_encoding_mode = PercentEncodingMode::Double;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Enabled;
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    }
    settings
}

/// What of the headers is signed: what says something about the request, and nothing that a hop on the way may change.
fn signed_header<'h>((name, value): (&'h bytes::Bytes, &'h bytes::Bytes)) -> Option<(&'h str, &'h str)> {
    let name = std::str::from_utf8(name).ok()?;
    let lower = name.to_ascii_lowercase();
    let says = lower.starts_with("x-amz-") || ["content-type", "content-md5"].contains(&lower.as_str());
    let traces = ["x-amzn-trace-id", "x-amz-user-agent"].contains(&lower.as_str());
    (says && !traces).then_some((name, std::str::from_utf8(value).ok()?))
}

fn payload<'b>(
    place: &Place,
    origin: &Origin,
    body: Option<&'b [u8]>,
    stated: Option<&[u8]>,
) -> Result<SignableBody<'b>, Refusal> {
    let stated = stated.unwrap_or_default();
    if place.is_s3() && stated == UNSIGNED_TRAILER {
        return Ok(SignableBody::StreamingUnsignedPayloadTrailer);
    }
    if stated.starts_with(b"STREAMING-") {
        // Each chunk carries a signature by the caller's key, which is none.
        let message = "its chunks are signed by the caller: send it unsigned (UNSIGNED-PAYLOAD) or at once";
        return Err(Refusal::request("body", message));
    }
    let is_hash = stated.len() == 64 && stated.iter().all(u8::is_ascii_hexdigit);
    match body {
        Some(bytes) => Ok(SignableBody::Bytes(bytes)),
        None if is_hash => {
            Ok(SignableBody::Precomputed(String::from_utf8_lossy(stated).to_ascii_lowercase()))
        }
        None if place.is_s3() && origin.scheme == Scheme::Https => Ok(SignableBody::UnsignedPayload),
        None => Err(must_be_held()),
    }
}

/// The URI as S3 reads it before it signs: decoded once and encoded its own way. What is sent stays as it is.
fn s3_uri(uri: &http::Uri) -> String {
    let decoded: Cow<'_, [u8]> = percent_decode_str(uri.path()).into();
    let path = percent_encode(&decoded, S3_PATH);
    let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
    format!(
        "{}://{}{path}{query}",
        uri.scheme_str().unwrap_or("https"),
        uri.authority().map_or("", |a| a.as_str())
    )
}

/// What a signature is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) region: String,
    pub(super) service: String,
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
    fn of(aws: &AwsSigV4, scope: &Scope<'_>, origin: &Origin) -> Result<Self, Refusal> {
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

    fn is_s3(&self) -> bool {
        self.service == "s3" || self.service == "s3express" || self.service == "s3-outposts"
    }

    /// What a host of AWS means: `sqs.eu-west-1.amazonaws.com`, `bucket.s3.amazonaws.com`, `iam.amazonaws.com`.
    pub(super) fn read(host: &str) -> Option<Self> {
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

fn rendered(template: Option<&Template>, scope: &Scope<'_>) -> Option<String> {
    Some(template?.render(scope)?.to_string()).filter(|text| !text.is_empty())
}
