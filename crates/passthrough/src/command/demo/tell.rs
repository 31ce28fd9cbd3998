//! What the demo prints.

use anyhow::Result;

use super::{PATH, Story, provider};
use crate::output::Output;

/// Tells the story: what was made, the call and its answer, and how to make the next one.
pub(super) fn tell(story: &Story, keeps_serving: bool, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(&serde_json::json!({
            "server": story.server,
            "apiKey": story.api_key,
            "connection": story.connection,
            "answer": story.answer,
        }));
    }
    output.line(made(story))?;
    output.line(call(story)?)?;
    output.line(next(story, keeps_serving))
}

fn made(story: &Story) -> String {
    let Story { server, database, key_file, provider_file, .. } = story;
    let again = if story.is_first { "" } else { " (the data were there; this key and connection are new)" };
    format!(
        "\
Passthrough demo{again}

  server       {server}
  database     {database}
  key file     {key_file}
  provider     a small bookshop on this machine, described by {provider_file}
  connection   {id}: the key of `{account}`, sealed at rest and proved alive
",
        id = story.connection.connection.id,
        account = account(story),
    )
}

fn account(story: &Story) -> &str {
    let account = story.connection.connection.account.as_ref();
    account.and_then(|account| account.label.as_deref()).unwrap_or(provider::CODE)
}

fn call(story: &Story) -> Result<String> {
    let answer = &story.answer;
    let body = indent(&serde_json::to_string_pretty(&answer.response_json::<serde_json::Value>()?)?);
    Ok(format!(
        "\
The call: GET {PATH}, with the connection token instead of the shop's key
The answer: {status}, in {took} ms, {id}

{body}
",
        status = answer.status_code,
        took = answer.duration_ms,
        id = answer.request_id,
    ))
}

fn next(story: &Story, keeps_serving: bool) -> String {
    let Story { server, api_key, folder, .. } = story;
    let token = &story.connection.token;
    let end = if keeps_serving { "\nServing until Ctrl-C." } else { "" };
    format!(
        "\
API key and connection token, shown only now:

  export PASSTHROUGH_SERVER_URL={server}
  export PASSTHROUGH_API_KEY={api_key}
  export PASSTHROUGH_CONNECTION_TOKEN={token}

The same call with curl, as an envelope:

  curl {server}/v1/passthrough \\
    -H 'Authorization: Bearer {api_key}' \\
    -H 'Connection-Token: {token}' \\
    -H 'Content-Type: application/json' \\
    -d '{{\"method\": \"GET\", \"path\": \"{PATH}\"}}'

and through the transparent proxy:

  curl '{server}/v1/proxy{PATH}' \\
    -H 'Authorization: Bearer {api_key}' \\
    -H 'Connection-Token: {token}'

Next (with the three exports above):

  {program} request GET /echo -i        what the provider sees
  {program} requests list               what was recorded
  {program} link create --provider demo --open
                                        the pages on which end users link their accounts
  {program} provider list               real providers; `custom` reaches any API
  {program} key create my-app --data-dir {folder}
                                        an API key for your application, in this installation
  {program} serve                       the real thing: an installation of its own, with a key of its own
  {program} --help                      everything else
{end}",
        program = program(),
    )
}

/// The program as whoever reads this has called it: a fresh build is not on the path.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "passthrough".to_owned())
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
