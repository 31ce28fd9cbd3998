use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};

use super::*;

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = BASE64.encode(der);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn bearer(algorithm: &str, more: &str) -> String {
    format!(
        r#"
        grant = "oauth2_jwt_bearer"
        fields.email.label = "Account"
        fields.private_key.label = "Key"
        jwt.algorithm = "{algorithm}"
        jwt.key = "{{private_key}}"
        jwt.header.kid = "k1"
        jwt.claims = {{ iss = "{{email}}", aud = "https://auth.example.com", admin = true }}
        jwt.lifetime = "1h"
        inject.headers.authorization = "Bearer {{access_token}}"
        {more}"#
    )
}

fn parts(token: &str) -> (Value, Value, String, Vec<u8>) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let json =
        |part: &str| serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    (json(header), json(claims), signed.to_owned(), signature)
}

fn made(algorithm: &str, key: &str) -> Result<Obtained, GrantError> {
    let rig = Rig::new(&bearer(algorithm, ""), &[("email", "me@x"), ("private_key", key)]);
    match first_call(&rig.asking())? {
        Way::Made(obtained) => Ok(obtained),
        Way::Call(call) => panic!("{call:?}"),
    }
}

fn verify(algorithm: &'static dyn VerificationAlgorithm, public: &[u8], obtained: &Obtained) {
    let (_, _, signed, signature) = parts(obtained.values["access_token"].expose_secret());
    UnparsedPublicKey::new(algorithm, public).verify(signed.as_bytes(), &signature).unwrap();
}

#[test]
fn without_a_token_url_the_signed_token_is_the_access_token() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let obtained = made("EdDSA", &pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref())).unwrap();
    let (header, claims, ..) = parts(obtained.values["access_token"].expose_secret());
    assert_eq!(header, json!({"alg": "EdDSA", "typ": "JWT", "kid": "k1"}));
    let issued = NOW / 1000 - 30;
    assert_eq!(
        claims,
        json!({"iss": "me@x", "aud": "https://auth.example.com", "admin": true, "iat": issued, "exp": issued + 3600})
    );
    assert_eq!(obtained.expires_at, Some((issued + 3600) * 1000));
    assert_eq!(obtained.at, NOW);
    verify(&ED25519, pair.public_key().as_ref(), &obtained);
}

#[test]
fn keys_of_every_kind_sign_however_they_were_pasted() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let whole = pem("PRIVATE KEY", der.as_ref());
    // PKCS#1 is the last part of PKCS#8.
    let pkcs1 = pem("RSA PRIVATE KEY", &der.as_ref()[26..]);
    let pasted = [
        whole.clone(),
        whole.replace('\n', "\\n"),
        whole.replace('\n', " "),
        whole.replace('\n', "\r\n"),
        pkcs1,
    ];
    for key in pasted {
        verify(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref(), &made("RS256", &key).unwrap());
    }
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let key = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref());
    verify(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref(), &made("ES256", &key).unwrap());
}

#[test]
fn the_signature_is_the_one_of_rfc_8037_appendix_a_4() {
    let seed = BASE64URL_NOPAD.decode(b"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let der =
        [&data_encoding::HEXLOWER.decode(b"302e020100300506032b657004220420").unwrap()[..], &seed].concat();
    let signature = crate::grant::jwt::signature(
        "EdDSA",
        &pem("PRIVATE KEY", &der),
        b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
    );
    assert_eq!(
        BASE64URL_NOPAD.encode(&signature),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn a_text_signs_with_hs256_and_what_is_no_key_is_said_without_being_shown() {
    let obtained = made("HS256", "a secret").unwrap();
    let (_, _, signed, signature) = parts(obtained.values["access_token"].expose_secret());
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"a secret");
    aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &signature).unwrap();

    let pair = Ed25519KeyPair::generate().unwrap();
    let other_kind = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref());
    for key in ["nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", &other_kind] {
        let error = made("RS256", key).unwrap_err();
        assert_eq!(error.to_string(), "private_key is no private key for RS256; give it as PEM");
    }
}

#[test]
fn an_assertion_is_exchanged_where_there_is_a_token_url() {
    let entry =
        bearer("HS256", "oauth2.token_url = \"https://auth.example.com/token\"\noauth2.scopes = [\"a\"]");
    // The client is that of another way into the provider.
    let client = [("client_id", "c"), ("client_secret", "s")];
    let rig = Rig::new(&entry, &[("email", "me@x"), ("private_key", "k3y k3y k3y")]).client(&client);
    let call = sent(first_call(&rig.asking()).unwrap());
    let body = String::from_utf8(call.body.to_vec()).unwrap();
    let pairs = parse_form(&body);
    let value = |name: &str| &pairs.iter().find(|(known, _)| known == name).unwrap().1;
    assert_eq!(value("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_eq!(value("scope"), "a");
    assert_eq!(parts(value("assertion")).1["iss"], "me@x");
    assert_eq!(call.sent().redact_text(value("assertion")), "***");
    assert!(!call.headers.contains("authorization") && !body.contains("client_id"), "{body}");

    let asked = |auth: &str| {
        let more =
            format!("oauth2.token_url = \"https://auth.example.com/token\"\noauth2.client_auth = \"{auth}\"");
        let rig = Rig::new(&bearer("HS256", &more), &[("email", "me@x"), ("private_key", "k3y")]);
        let rig = rig.client(&[("client_id", "c")]);
        printed(&sent(first_call(&rig.asking()).unwrap()))
    };
    assert!(asked("basic").ends_with("&client_id=c"), "an id without a secret goes alone");
    assert!(asked("none").ends_with("&client_id=c"));
}

#[test]
fn a_client_with_a_key_shows_an_assertion_for_the_address_that_it_goes_to() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let key = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref());
    let entry = |more: &str| {
        format!(
            r#"
            grant = "oauth2_code"
            oauth2.authorize_url = "https://auth.example.com/authorize"
            oauth2.token_url = "https://auth.example.com/token/?v=2"
            oauth2.client_auth = "private_key_jwt"
            inject.headers.authorization = "Bearer {{access_token}}"
            {more}"#
        )
    };
    let claims = |more: &str| {
        let client = [("client_id", "c"), ("client_private_key", key.as_str()), ("client_key_id", "k1")];
        let rig = Rig::new(&entry(more), &[]).client(&client);
        let call = code_call(&rig.asking(), "c", "https://us.example/cb", None).unwrap();
        let pairs = parse_form(std::str::from_utf8(&call.body).unwrap());
        let value = |name: &str| pairs.iter().find(|(known, _)| known == name).unwrap().1.clone();
        assert_eq!(value("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        assert_eq!(value("client_id"), "c");
        let (header, claims, signed, signature) = parts(&value("client_assertion"));
        assert_eq!(header, json!({"alg": "ES256", "typ": "JWT", "kid": "k1"}));
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
        public.verify(signed.as_bytes(), &signature).unwrap();
        claims
    };
    assert_eq!(
        claims(""),
        json!({
            "iss": "c", "sub": "c", "aud": "https://auth.example.com/token/?v=2",
            "jti": "07070707-0707-4707-8707-070707070707", "iat": NOW / 1000 - 30, "exp": NOW / 1000 + 90
        })
    );
    assert_eq!(claims("oauth2.assertion_audience = \"https://issuer\"")["aud"], "https://issuer");
}
