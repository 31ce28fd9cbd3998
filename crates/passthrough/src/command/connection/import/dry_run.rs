//! `--dry-run`: whether the lines can be meant. Nothing is stored; the server is asked what providers and integrations
//! there are.

use std::collections::HashMap;

use anyhow::Result;
use passthrough_client::wire::connection::CreateConnection;
use passthrough_client::{Client, Error as ClientError};

use super::lines::Lines;
use super::{mistakes, words};
use crate::exit::Exit;
use crate::output::Output;

/// Reads all lines and says what is wrong with them.
pub(super) async fn run(client: &Client, mut lines: Lines, output: &Output) -> Result<Exit> {
    let mut known = HashMap::new();
    let (mut good, mut bad) = (0_u64, 0_u64);
    while let Some(line) = tokio::task::block_in_place(|| lines.next()) {
        let problem = match line.text.map(|text| CreateConnection::parse(text.as_bytes())) {
            Ok(Ok(request)) => look_up(client, &request, &mut known).await?,
            Ok(Err(errors)) => Some(mistakes(errors)),
            Err(unreadable) => Some(unreadable),
        };
        match problem {
            None => good += 1,
            Some(error) => {
                bad += 1;
                match output.is_json() {
                    true => output.json_line(&serde_json::json!({"line": line.number, "error": error}))?,
                    false => output.line(format!("line {}: {error}", line.number))?,
                }
            }
        }
    }
    output.note(format!("{good} lines look right, {bad} do not; nothing was made"));
    Ok(if bad == 0 { Exit::Done } else { Exit::Failed })
}

/// What the server says of a line's provider or integration; each is asked for once.
async fn look_up(
    client: &Client,
    request: &CreateConnection,
    known: &mut HashMap<String, Option<String>>,
) -> Result<Option<String>> {
    let (field, name) = match (&request.provider, &request.integration) {
        (Some(provider), _) => ("provider", provider.as_str()),
        (None, integration) => ("integration", integration.as_deref().unwrap_or_default()),
    };
    let key = format!("{field}: {name}");
    if let Some(answer) = known.get(&key) {
        return Ok(answer.clone());
    }
    // An integration may be implicit, and then has its provider's code.
    let set_up = match field {
        "integration" => client.get_integration(name).await.map(drop),
        _ => client.get_provider(name).await.map(drop),
    };
    let found = match set_up {
        Err(ClientError::Api(error)) if field == "integration" && error.status.as_u16() == 404 => {
            client.get_provider(name).await.map(drop)
        }
        other => other,
    };
    let problem = match found {
        Ok(()) => None,
        Err(ClientError::Api(error)) if error.status.as_u16() == 404 => {
            Some(format!("{field}: {}", words(&ClientError::Api(error))))
        }
        Err(error) => return Err(error.into()),
    };
    known.insert(key, problem.clone());
    Ok(problem)
}
