//! A certificate for the upstream behind TLS.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};
use crate::process::need_program;

/// Name of the certificate's file; it is its own authority.
pub const CERTIFICATE: &str = "upstream.crt";
/// Name of its key's file.
pub const KEY: &str = "upstream.key";

/// Makes a certificate for 127.0.0.1 with a P-256 key.
pub fn make_certificate(folder: &Path) -> Result<()> {
    let mut command = Command::new(need_program("openssl")?);
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]);
    command.args(["-subj", "/CN=bench upstream", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]);
    // A certificate that is an authority is refused as a server's own by strict verifiers.
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    command.arg("-keyout").arg(folder.join(KEY)).arg("-out").arg(folder.join(CERTIFICATE));
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(Error(format!("openssl req failed: {status}"))) }
}
