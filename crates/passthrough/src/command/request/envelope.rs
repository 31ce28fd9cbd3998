//! The request as an envelope, and the envelope that comes back.

use std::path::Path;

use anyhow::{Context, Result};
use http::Method as HttpMethod;
use passthrough_client::{Method, Part as WirePart, PassthroughRequest, PassthroughResponse};
use serde_json::value::RawValue;

use super::payload::{Content, Part, Payload};
use super::upload::read;
use crate::exit::Hinted;
use crate::output::Output;

/// The envelope of a request; its body is in memory.
pub(super) async fn request(method: &HttpMethod, path: &str, payload: Payload) -> Result<PassthroughRequest> {
    let request = PassthroughRequest::new(envelope_method(method)?, path);
    Ok(match payload {
        Payload::Nothing => request,
        Payload::Data(content) => with_data(request, &read(&content).await?),
        Payload::Json(content) => with_json(request, &content).await?,
        Payload::Form(form) => request.with_form(form),
        Payload::Multipart(parts, _) => {
            let mut wire = Vec::new();
            for part in parts {
                wire.push(wire_part(part).await?);
            }
            request.with_multipart(wire)
        }
    })
}

fn envelope_method(method: &HttpMethod) -> Result<Method> {
    serde_json::from_value(method.as_str().into()).map_err(|_| {
        Hinted::usage(
            format!("an envelope cannot carry the method {method}"),
            "leave --raw, --envelope and --output json out: the proxy takes any method",
        )
        .into()
    })
}

fn with_data(request: PassthroughRequest, bytes: &[u8]) -> PassthroughRequest {
    match std::str::from_utf8(bytes) {
        Ok(text) => request.with_text(text),
        Err(_) => request.with_bytes(bytes),
    }
}

async fn with_json(request: PassthroughRequest, content: &Content) -> Result<PassthroughRequest> {
    let text = String::from_utf8(read(content).await?).context("the JSON body is not UTF-8")?;
    // Its own text, so that no number and no order changes on the way.
    let raw = RawValue::from_string(text).context("the body is not JSON")?;
    Ok(request.with_json(&raw)?)
}

async fn wire_part(part: Part) -> Result<WirePart> {
    let mut wire = match &part.content {
        Content::Text(text) => WirePart::text(&part.name, text),
        content => WirePart::file(&part.name, "", &read(content).await?),
    };
    wire.filename = part.filename;
    wire.content_type = part.content_type;
    Ok(wire)
}

/// The envelope as JSON: to standard output, or to a file.
pub(super) fn print(output: &Output, answer: &PassthroughResponse, out: Option<&Path>) -> Result<()> {
    let Some(path) = out else { return output.json(answer) };
    let json = serde_json::to_string_pretty(answer)?;
    std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))
}
