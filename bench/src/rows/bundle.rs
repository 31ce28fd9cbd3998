//! What a page has to load that uses the TypeScript SDK for one thing.

use std::process::Command;

use super::Run;
use crate::error::{Result, error};
use crate::measure::{Goal, Line};

/// `passthroughRequest` alone, bundled by esbuild.
pub fn one_function(run: &Run<'_>) -> Result<Vec<Line>> {
    run.say("bundle of one function of the TypeScript SDK");
    let output = Command::new("scripts/with-typescript").args(["npm", "run", "--silent", "size"]).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    // Its last line begins so, and goes on with the size in bytes.
    let size = said.lines().last().and_then(|line| line.strip_prefix("passthroughRequest alone: "));
    let Some(bytes) = size.and_then(|size| size.split(' ').next()?.parse::<f64>().ok()) else {
        return error(format!("{said}{}", String::from_utf8_lossy(&output.stderr).trim()));
    };
    let mut line =
        Line::new("TypeScript SDK, passthroughRequest alone, minified and gzipped", "KiB", Goal::AtMost(6.0));
    line.ours.push(bytes / 1024.0);
    Ok(vec![line])
}
