use std::time::{Duration, UNIX_EPOCH};

use ::aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode,
};
use ::aws_sigv4::sign::v4;
use aws_credential_types::Credentials;
use proptest::prelude::*;

use super::super::aws_sigv4::SignedFor as Place;
use super::*;

const IAM_DAY: i64 = 1_440_938_160; // 2015-08-30T12:36:00Z, the moment of AWS's test suite
const S3_DAY: i64 = 1_369_353_600; // 2013-05-24T00:00:00Z, the moment of the examples in S3's documentation

const INJECT: &str = "inject.aws_sigv4 = { access_key_id = \"{id}\", secret_access_key = \"{key}\", session_token = \"{token}\" }\nfields.token.optional = true";

fn rig(base_url: &str, more: &str) -> Rig {
    let fields = [("id", "AKIDEXAMPLE"), ("key", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")];
    Rig::new(base_url, &format!("{INJECT}\n{more}"), IAM_DAY, &fields)
}

/// The rig of AWS's test suite, whose service is called `service`.
fn suite() -> Rig {
    let inject = r#"inject.aws_sigv4 = { access_key_id = "{id}", secret_access_key = "{key}", region = "us-east-1", service = "service" }"#;
    let fields = [("id", "AKIDEXAMPLE"), ("key", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")];
    Rig::new("https://example.amazonaws.com", inject, IAM_DAY, &fields)
}

fn s3() -> Rig {
    let fields = [("id", "AKIAIOSFODNN7EXAMPLE"), ("key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")];
    Rig::new("https://examplebucket.s3.amazonaws.com", INJECT, S3_DAY, &fields)
}

fn signature(rig: &Rig, request: PassthroughRequest) -> String {
    let built = rig.build(request).unwrap();
    header(&built, "authorization").rsplit_once("Signature=").unwrap().1.to_owned()
}

#[test]
fn the_documented_example_of_listing_users_is_signed_as_documented() {
    let rig = rig("https://iam.amazonaws.com", "");
    let content_type = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];
    let built =
        rig.build(request(Method::GET, "/?Action=ListUsers&Version=2010-05-08", &content_type)).unwrap();
    assert_eq!(
        header(&built, "authorization"),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
    assert_eq!(header(&built, "x-amz-date"), "20150830T123600Z");
    assert!(!built.headers.contains("x-amz-content-sha256"));
}

#[test]
fn the_vectors_of_the_published_test_suite_hold() {
    let rig = suite();
    let post =
        |body: &str| with_body(request(Method::POST, "/", &[]), body, "application/x-www-form-urlencoded");
    for (request, wanted) in [
        (get("/"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            get("/?Param2=value2&Param1=value1"),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (request(Method::POST, "/", &[]), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (post("Param1=value1"), "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ] {
        let shown = request.path.path_and_query();
        assert_eq!(signature(&rig, request), wanted, "{shown}");
    }
}

#[test]
fn the_examples_in_the_documentation_of_s3_hold() {
    let rig = s3();
    let lifecycle = rig.build(get("/?lifecycle")).unwrap();
    assert_eq!(
        header(&lifecycle, "authorization"),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
         Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    );
    assert_eq!(
        header(&lifecycle, "x-amz-content-sha256"),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(
        signature(&rig, get("/?max-keys=2&prefix=J")),
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    );
}

#[test]
fn s3_signs_a_key_as_it_reads_it_and_sends_it_as_it_was_written() {
    let rig = s3();
    let built = rig.build(get("/a:b/(c)/d%20e/%7Ef")).unwrap();
    assert_eq!(built.uri.path(), "/a:b/(c)/d%20e/%7Ef");
    assert_eq!(
        signature(&rig, get("/a:b/(c)/d%20e/%7Ef")),
        signature(&rig, get("/a%3Ab/%28c%29/d%20e/~f")),
        "two spellings of one key are one to S3"
    );
    assert_ne!(signature(&rig, get("/a%2520b")), signature(&rig, get("/a%20b")));
}

#[test]
fn a_body_streams_to_s3_over_tls_and_is_held_for_everything_else() {
    let put = |headers: &[(&str, &str)]| streamed(request(Method::PUT, "/key", headers));
    let s3 = s3();
    assert!(!s3.holds(&put(&[])));
    let built = s3.build(put(&[])).unwrap();
    assert_eq!(header(&built, "x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
    assert!(built.injected.iter().any(|name| name.eq_ignore_ascii_case(b"authorization")));

    let chunked = [("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")];
    assert_eq!(header(&s3.build(put(&chunked)).unwrap(), "x-amz-content-sha256"), chunked[0].1);
    let signed = [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")];
    assert!(matches!(s3.build(put(&signed)), Err(Refusal::Request(_))));

    let sqs = rig("https://sqs.eu-west-1.amazonaws.com", "");
    assert!(sqs.holds(&put(&[])));
    assert!(matches!(sqs.build(put(&[])), Err(Refusal::Request(_))));
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let stated = put(&[("x-amz-content-sha256", hash)]);
    assert!(!sqs.holds(&stated), "whoever says the hash has hashed it");
    let empty = with_body(request(Method::PUT, "/key", &[]), "", "text/plain");
    let streams = streamed(request(
        Method::PUT,
        "/key",
        &[("x-amz-content-sha256", hash), ("Content-Type", "text/plain")],
    ));
    assert_eq!(signature(&sqs, stated.clone()).len(), 64);
    assert_eq!(signature(&sqs, streams), signature(&sqs, empty));
}

#[test]
fn a_callers_own_signature_is_dropped_under_every_spelling() {
    let own = [
        ("Authorization", "AWS4-HMAC-SHA256 Credential=evil"),
        ("X_Amz_Date", "20000101T000000Z"),
        ("x-amz-security-token", "evil"),
        ("X_AMZ_CONTENT_SHA256", "evil"),
        ("X-Amz-Acl", "private"),
    ];
    let built = s3().build(request(Method::GET, "/k", &own)).unwrap();
    let names: Vec<_> =
        built.headers.iter().map(|(name, _)| String::from_utf8_lossy(name).to_lowercase()).collect();
    assert_eq!(names, ["x-amz-acl", "x-amz-date", "x-amz-content-sha256", "authorization"]);
    assert!(
        header(&built, "authorization")
            .contains("SignedHeaders=host;x-amz-acl;x-amz-content-sha256;x-amz-date")
    );
}

#[test]
fn temporary_credentials_send_their_token_and_sign_it() {
    let fields = [("id", "ASIA"), ("key", "secret"), ("token", "t0ken")];
    let rig = Rig::new("https://sts.amazonaws.com", INJECT, IAM_DAY, &fields);
    let built = rig.build(get("/")).unwrap();
    assert_eq!(header(&built, "x-amz-security-token"), "t0ken");
    assert!(header(&built, "authorization").contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
}

#[test]
fn a_host_says_region_and_service() {
    let read = |host: &str| Place::read(host).map(|place| format!("{} {}", place.service, place.region));
    for (host, wanted) in [
        ("sqs.eu-west-1.amazonaws.com", "sqs eu-west-1"),
        ("iam.amazonaws.com", "iam us-east-1"),
        ("s3.amazonaws.com", "s3 us-east-1"),
        ("s3.eu-central-1.amazonaws.com", "s3 eu-central-1"),
        ("s3-eu-west-1.amazonaws.com", "s3 eu-west-1"),
        ("s3.dualstack.eu-west-1.amazonaws.com", "s3 eu-west-1"),
        ("bucket.s3.amazonaws.com", "s3 us-east-1"),
        ("a.bucket.s3.us-gov-east-1.amazonaws.com", "s3 us-gov-east-1"),
        ("bucket.s3-ap-southeast-2.amazonaws.com", "s3 ap-southeast-2"),
        ("bucket.s3-accelerate.amazonaws.com", "s3 us-east-1"),
        ("abc.execute-api.us-west-2.amazonaws.com", "execute-api us-west-2"),
        ("abc.lambda-url.eu-north-1.on.aws", "lambda eu-north-1"),
        ("search-x.eu-west-1.es.amazonaws.com", "es eu-west-1"),
        ("email.us-east-1.amazonaws.com", "ses us-east-1"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "bedrock us-east-1"),
        ("kms-fips.us-east-2.amazonaws.com", "kms us-east-2"),
        ("ec2.cn-north-1.amazonaws.com.cn", "ec2 cn-north-1"),
        ("iam.cn-north-1.amazonaws.com.cn", "iam cn-north-1"),
        ("iam.us-gov.amazonaws.com", "iam us-gov-west-1"),
        ("lambda.us-east-1.api.aws", "lambda us-east-1"),
    ] {
        assert_eq!(read(host).as_deref(), Some(wanted), "{host}");
    }
    for host in ["amazonaws.com", "amazonaws.com.evil.example", "minio.example.com", "127.0.0.1"] {
        assert_eq!(read(host), None, "{host}");
    }
}

#[test]
fn elsewhere_region_and_service_must_be_given() {
    let fields = [("id", "a"), ("key", "b")];
    let elsewhere = Rig::new("http://127.0.0.1:4568", INJECT, IAM_DAY, &fields);
    let message = match elsewhere.build(get("/")) {
        Err(Refusal::Connection(message)) => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(message, "the host does not say the region: give it");
    let inject = r#"inject.aws_sigv4 = { access_key_id = "{id}", secret_access_key = "{key}", region = "eu-1", service = "s3" }"#;
    let minio = Rig::new("http://127.0.0.1:4568", inject, IAM_DAY, &fields);
    let authorization = header(&minio.build(get("/bucket/k")).unwrap(), "authorization");
    assert!(authorization.contains("/20150830/eu-1/s3/aws4_request"), "{authorization}");
    // Without TLS anybody could change an unsigned body on its way.
    assert!(minio.holds(&streamed(request(Method::PUT, "/bucket/k", &[]))));
}

/// What AWS's own implementation makes of a request that was built.
fn signed_by_aws(built: &UpstreamRequest, service: &str, body: &[u8]) -> String {
    let s3 = service == "s3";
    let mut settings = SigningSettings::default();
    if s3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let identity = Credentials::new("AKIDEXAMPLE", key, Some("t0ken".to_owned()), None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name(service)
        .time(UNIX_EPOCH + Duration::from_secs(IAM_DAY as u64))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let ours = ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];
    let given: Vec<(&str, &str)> = built
        .headers
        .iter()
        .map(|(name, value)| (std::str::from_utf8(name).unwrap(), std::str::from_utf8(value).unwrap()))
        .filter(|(name, _)| name.starts_with("x-amz-") || name.eq_ignore_ascii_case("content-type"))
        .filter(|(name, _)| !ours.contains(name))
        .collect();
    let request = SignableRequest::new(
        built.method.as_str(),
        built.uri.to_string(),
        given.into_iter(),
        SignableBody::Bytes(body),
    );
    let (output, _) = ::aws_sigv4::http_request::sign(request.unwrap(), &params).unwrap().into_parts();
    output.headers().find(|(name, _)| *name == "authorization").unwrap().1.to_owned()
}

proptest! {
    #[test]
    fn every_request_is_signed_as_awss_own_implementation_signs_it(
        service in prop_oneof![Just("s3"), Just("sqs"), Just("execute-api")],
        // S3 reads a path in its own way before it signs it, which the other implementation leaves to its caller.
        path in "(/[A-Za-z0-9._~-]{1,5}){0,3}/?",
        wild in "(/?/([a-z:@!,=(]|%2F|%20|\\PC){1,4}){0,3}/{0,2}",
        query in proptest::option::of("([A-Za-z0-9%_.+~-]|[!*'():@,/?&=]|\\PC){0,24}"),
        headers in proptest::collection::vec(("x-amz-[a-c]{1,2}", "[a-z ]{0,8}"), 0..4),
        body in "\\PC{0,12}",
    ) {
        let path = if service == "s3" { path } else { wild };
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let text = query.map_or(path.clone(), |query| format!("{path}?{query}"));
        let Ok(parsed) = CallerPath::parse(&text) else { return Ok(()) };
        let inject = "inject.aws_sigv4 = { access_key_id = \"{id}\", secret_access_key = \"{key}\", session_token = \"{token}\" }";
        let fields =
            [("id", "AKIDEXAMPLE"), ("key", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), ("token", "t0ken")];
        let rig = Rig::new(&format!("https://{service}.eu-west-1.amazonaws.com"), inject, IAM_DAY, &fields);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let asked = PassthroughRequest { path: parsed, ..request(Method::POST, "/", &headers) };
        let built = rig.build(with_body(asked, &body, "text/plain")).unwrap();
        prop_assert_eq!(header(&built, "authorization"), signed_by_aws(&built, service, body.as_bytes()));
    }
}
