//! Requests at a fixed rate, whatever the answers do: a slow proxy gets no mercy from callers who wait.
//!
//! A time is counted from the moment at which a request was due, not from when a socket was free to take it.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use super::http::{self, Framing};
use crate::error::{Error, Result, error};

/// How long after the last request answers are still taken in.
const LAST_CALL: Duration = Duration::from_secs(3);

/// What to do.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The proxy's port.
    pub port: u16,
    /// The whole request.
    pub request: &'a str,
    /// Requests per second.
    pub rate: f64,
    /// For how long.
    pub duration: Duration,
    /// The most sockets at a time.
    pub sockets: usize,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Microseconds of each `200`.
    pub served: Vec<f64>,
    /// How many of those came before the plan's time was over.
    pub served_in_time: u64,
    /// Microseconds of each other answer.
    pub refused: Vec<f64>,
    /// Requests whose socket broke, or that had no answer in the end.
    pub failed: u64,
}

struct Caller {
    stream: TcpStream,
    due: Option<Instant>,
    received: Vec<u8>,
}

/// Runs a plan to its end.
pub fn run(plan: &Plan<'_>) -> Result<Outcome> {
    // Sleeping to the microsecond: the default slack of 50 µs would be a part of every time measured.
    let _ = rustix::thread::set_current_timer_slack(Some(std::num::NonZeroU64::MIN));
    Load::open(plan)?.run()
}

struct Load<'a> {
    plan: &'a Plan<'a>,
    epoll: rustix::fd::OwnedFd,
    callers: Vec<Caller>,
    free: Vec<usize>,
    end: Instant,
    /// Moments of requests that found no free socket.
    late: VecDeque<Instant>,
    outcome: Outcome,
}

impl<'a> Load<'a> {
    fn open(plan: &'a Plan<'a>) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let (callers, free) = (Vec::new(), Vec::new());
        let (late, outcome) = (VecDeque::new(), Outcome::default());
        let mut load = Self { plan, epoll, callers, free, end: Instant::now(), late, outcome };
        for number in 0..plan.sockets {
            let stream = load.dial(number)?;
            load.callers.push(Caller { stream, due: None, received: Vec::with_capacity(4096) });
            load.free.push(number);
        }
        Ok(load)
    }

    fn dial(&self, number: usize) -> Result<TcpStream> {
        let stream = http::connect(self.plan.port)?.0;
        stream.set_nonblocking(true)?;
        epoll::add(&self.epoll, &stream, epoll::EventData::new_u64(number as u64), epoll::EventFlags::IN)?;
        Ok(stream)
    }

    fn run(mut self) -> Result<Outcome> {
        let began = Instant::now();
        let end = began + self.plan.duration;
        self.end = end;
        let gap = 1.0 / self.plan.rate;
        let mut asked: u64 = 0;
        let mut events = Vec::with_capacity(1024);
        loop {
            let now = Instant::now();
            let mut next = began + Duration::from_secs_f64(asked as f64 * gap);
            while next <= now && next < end {
                self.late.push_back(next);
                asked += 1;
                next = began + Duration::from_secs_f64(asked as f64 * gap);
            }
            self.send_what_is_due()?;
            let is_over = next >= end;
            let is_idle = self.free.len() == self.callers.len() && self.late.is_empty();
            if is_over && (is_idle || now > end + LAST_CALL) {
                break;
            }
            let until = if is_over { end + LAST_CALL } else { next };
            self.wait(until.saturating_duration_since(Instant::now()), &mut events)?;
        }
        let waiting = self.callers.iter().filter(|caller| caller.due.is_some()).count() + self.late.len();
        self.outcome.failed += waiting as u64;
        Ok(self.outcome)
    }

    fn send_what_is_due(&mut self) -> Result<()> {
        while let (Some(due), Some(number)) = (self.late.front().copied(), self.free.last().copied()) {
            self.free.pop();
            self.late.pop_front();
            let caller = &mut self.callers[number];
            caller.due = Some(due);
            // A small request always fits into an empty socket buffer.
            if caller.stream.write_all(self.plan.request.as_bytes()).is_err() {
                self.broken(number)?;
            }
        }
        Ok(())
    }

    fn wait(&mut self, time: Duration, events: &mut Vec<epoll::Event>) -> Result<()> {
        events.clear();
        let timeout = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) };
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        for event in events.iter() {
            self.take_in(event.data.u64() as usize)?;
        }
        Ok(())
    }

    fn take_in(&mut self, number: usize) -> Result<()> {
        let mut buffer = [0; 16_384];
        let caller = &mut self.callers[number];
        match caller.stream.read(&mut buffer) {
            Ok(0) => return self.broken(number),
            Ok(read) => caller.received.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return self.broken(number),
        }
        let Some(status) = finished(&caller.received)? else { return Ok(()) };
        let Some(due) = caller.due.take() else { return error("an answer that nobody asked for") };
        let now = Instant::now();
        let micros = now.duration_since(due).as_nanos() as f64 / 1000.0;
        if status == 200 {
            self.outcome.served.push(micros);
            self.outcome.served_in_time += u64::from(now <= self.end);
        } else {
            self.outcome.refused.push(micros);
        }
        caller.received.clear();
        self.free.push(number);
        Ok(())
    }

    /// A socket that the proxy closed: between calls that is its right, within one it is a failure.
    fn broken(&mut self, number: usize) -> Result<()> {
        let stream = self.dial(number).map_err(|why| Error(format!("the proxy takes no socket: {why}")))?;
        let caller = &mut self.callers[number];
        caller.stream = stream;
        caller.received.clear();
        if caller.due.take().is_some() {
            self.outcome.failed += 1;
            self.free.push(number);
        }
        Ok(())
    }
}

/// The status of an answer that is there as a whole.
fn finished(bytes: &[u8]) -> Result<Option<u16>> {
    let Some((status, start, framing)) = http::parse_head(bytes)? else { return Ok(None) };
    let body = &bytes[start..];
    let is_whole = match framing {
        Framing::Length(length) => body.len() as u64 >= length,
        Framing::Chunked => body.ends_with(b"0\r\n\r\n"),
    };
    Ok(is_whole.then_some(status))
}
