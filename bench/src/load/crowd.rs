//! Many callers who do nothing: after a call, or in the middle of one.

use std::io::Write;

use super::http::{self, Socket};
use crate::error::{Result, error};
use crate::stage::Call;

/// Callers who made one call each and keep their sockets.
pub fn idle(call: &Call, callers: usize) -> Result<Vec<Socket>> {
    let request = http::head("GET", call, "/items", "");
    let mut crowd = Vec::with_capacity(callers);
    for _ in 0..callers {
        let mut socket = http::connect(call.port)?;
        let answer = socket.exchange(&request)?;
        if answer.status != 200 {
            return error(format!("answer {} to an idle caller", answer.status));
        }
        crowd.push(socket);
    }
    Ok(crowd)
}

/// Callers whose calls the upstream holds back until it is told to answer.
pub fn waiting(call: &Call, callers: usize) -> Result<Vec<Socket>> {
    let request = http::head("GET", call, "/hold", "");
    let mut crowd = Vec::with_capacity(callers);
    for _ in 0..callers {
        let mut socket = http::connect(call.port)?;
        socket.0.write_all(request.as_bytes())?;
        crowd.push(socket);
    }
    Ok(crowd)
}

/// Reads the answers of all; fails where one of them is none.
pub fn served(mut crowd: Vec<Socket>) -> Result<()> {
    for socket in &mut crowd {
        let answer = socket.answer()?;
        if answer.status != 200 {
            return error(format!("answer {} after waiting", answer.status));
        }
    }
    Ok(())
}
