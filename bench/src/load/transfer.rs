//! One very large body, down or up.

use std::io::{Read, Write};

use super::http::{self, Framing};
use crate::error::{Result, error};
use crate::stage::Call;

/// 1 GiB.
pub const BYTES: u64 = 1 << 30;
const PIECE: usize = 256 * 1024;

/// Fetches a body of [`BYTES`] and counts it.
pub fn down(call: &Call) -> Result<()> {
    let mut socket = http::connect(call.port)?;
    socket.0.write_all(http::head("GET", call, &format!("/bytes/{BYTES}"), "").as_bytes())?;
    let mut buffer = vec![0; PIECE];
    let mut filled = 0;
    let (status, start, framing) = loop {
        filled += socket.0.read(&mut buffer[filled..])?;
        if let Some(head) = http::parse_head(&buffer[..filled])? {
            break head;
        }
    };
    if status != 200 || framing != Framing::Length(BYTES) {
        return error(format!("answer {status} with {framing:?} instead of {BYTES} bytes"));
    }
    let mut missing = BYTES - (filled - start) as u64;
    while missing > 0 {
        let read = socket.0.read(&mut buffer)?;
        if read == 0 {
            return error(format!("{missing} bytes are missing"));
        }
        missing -= read as u64;
    }
    Ok(())
}

/// Sends a body of [`BYTES`] and sees that all of it arrived.
pub fn up(call: &Call) -> Result<()> {
    let mut socket = http::connect(call.port)?;
    let head = http::head("POST", call, "/sink", &format!("Content-Length: {BYTES}\r\n"));
    socket.0.write_all(head.as_bytes())?;
    let piece = vec![b'x'; PIECE];
    for _ in 0..BYTES / PIECE as u64 {
        socket.0.write_all(&piece)?;
    }
    let answer = socket.answer()?;
    let counted = String::from_utf8_lossy(&answer.body).into_owned();
    if answer.status == 200 && counted == BYTES.to_string() {
        Ok(())
    } else {
        error(format!("answer {} to {BYTES} bytes: {counted}", answer.status))
    }
}
