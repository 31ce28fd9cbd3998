//! The pure steps of a passthrough, one by one. What each measures stands in the README beside it.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::Method;
use passthrough_core::answer::{ResponseAs, shape};
use passthrough_core::fault::Door;
use passthrough_core::header::{Fields, HeaderPolicy, request_headers};
use passthrough_core::path::CallerPath;
use passthrough_core::provider::HostAllowList;
use passthrough_core::redact::Redactor;
use passthrough_core::template::{Scope, Template};
use passthrough_core::token::{Token, TokenKind};
use passthrough_core::upstream::{RequestBody, build, secrets};
use passthrough_vault::{Binding, Keyring, Pepper};
use passthrough_wire::passthrough::PassthroughRequest;
use ulid::Ulid;

mod input;

use input::*;

fn caller(c: &mut Criterion) {
    let token = Token::from_parts(TokenKind::ApiKey, Ulid::from(1_u128 << 90), [0x5a; 32]).expose();
    c.bench_function("token/parse", |b| b.iter(|| Token::parse(TokenKind::ApiKey, black_box(&token))));
    let pepper = Pepper::generate();
    c.bench_function("token/pepper_hash", |b| {
        b.iter(|| pepper.hash("api_key", black_box(b"01JD0000000000000000000000"), black_box(&[0x5a; 32])));
    });
    c.bench_function("path/parse", |b| b.iter(|| CallerPath::parse(black_box(PATH))));

    let given = Fields(headers());
    let injected = [Bytes::from_static(b"authorization")];
    let policy = HeaderPolicy { injected: &injected, ..HeaderPolicy::default() };
    c.bench_function("headers/request_20", |b| {
        b.iter_batched(
            || given.clone(),
            |given| request_headers(given, black_box(&policy)),
            BatchSize::SmallInput,
        );
    });

    let envelope = envelope();
    c.bench_function("envelope/parse_1k", |b| {
        b.iter(|| PassthroughRequest::parse(black_box(envelope.as_bytes())))
    });
    c.bench_function("envelope/parse_and_convert_1k", |b| {
        b.iter(|| {
            let request = PassthroughRequest::parse(black_box(envelope.as_bytes())).expect("an envelope");
            request.convert(Door::Envelope, || MOMENT.nonce)
        });
    });
}

fn upstream(c: &mut Criterion) {
    let hosts = HostAllowList::default();
    let body = || RequestBody::Bytes { bytes: json(1024).into(), content_type: None };
    for (name, file, request) in [
        ("bearer", BEARER, request(Method::GET, RequestBody::Absent)),
        ("query", QUERY, request(Method::GET, RequestBody::Absent)),
        ("body_1k", BODY, request(Method::POST, body())),
    ] {
        let connection = Connection::new(file);
        c.bench_function(&format!("upstream/build_{name}"), |b| {
            b.iter_batched(
                || request.clone(),
                |request| build(connection.open(), request, || MOMENT, &hosts).expect("an upstream request"),
                BatchSize::SmallInput,
            );
        });
    }

    let connection = Connection::new(BEARER);
    let open = connection.open();
    let scope = Scope { credential: open.credential, variables: open.variables, moment: MOMENT };
    for (name, text) in [
        ("bearer", "Bearer {key}"),
        ("basic", "Basic {base64({key}:{key})}"),
        ("hmac", "{hmac_sha256_hex({key}, {key}{now_unix})}"),
    ] {
        let template = Template::parse(text).expect("a template");
        c.bench_function(&format!("template/render_{name}"), |b| {
            b.iter(|| template.render(black_box(&scope)))
        });
    }
}

fn answer(c: &mut Criterion) {
    for (name, bytes) in [("1k", 1024), ("100k", 100 * 1024)] {
        let body = Bytes::from(json(bytes));
        for (kind, content_type) in [("json", "application/json; charset=utf-8"), ("text", "text/plain")] {
            c.bench_function(&format!("answer/shape_{kind}_{name}"), |b| {
                b.iter_batched(
                    || body.clone(),
                    |body| {
                        shape(Some(content_type), None, body, ResponseAs::Auto, 10 << 20).expect("an answer")
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }

    let connection = Connection::new(BEARER);
    let secrets = secrets(connection.open());
    let redactor = Redactor::new(secrets.iter().map(|secret| secret.as_str()));
    let values = answer_headers();
    c.bench_function("redact/headers_20_clean", |b| {
        b.iter(|| {
            values.iter().filter(|value| redactor.redact(black_box(value.as_bytes())).is_some()).count()
        });
    });
    let clean = json(100 * 1024);
    let echoed = clean.replacen("rec_00000500", KEY, 1);
    for (name, body) in [("clean", &clean), ("echoed", &echoed)] {
        c.bench_function(&format!("redact/body_100k_{name}"), |b| {
            b.iter(|| redactor.redact(black_box(body.as_bytes())))
        });
    }
    c.bench_function("redact/new", |b| b.iter(|| Redactor::new(black_box([KEY]))));
}

fn vault(c: &mut Criterion) {
    let keyring = Keyring::generate(0);
    let place = Binding {
        table: "connection",
        environment: "production",
        row: "conn_01JD0000000000000000000000",
        field: "credential",
        generation: 1,
    };
    let plaintext = [0x5a; 200];
    let sealed = keyring.seal(&place, &plaintext).expect("sealed").bytes;
    c.bench_function("vault/seal_200", |b| b.iter(|| keyring.seal(black_box(&place), black_box(&plaintext))));
    c.bench_function("vault/open_200", |b| b.iter(|| keyring.open(black_box(&place), black_box(&sealed))));
}

criterion_group! {
    name = pure_steps;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).without_plots();
    targets = caller, upstream, answer, vault
}
criterion_main!(pure_steps);
