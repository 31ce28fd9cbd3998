//! What providers send that would like to fill the memory.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress};
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use passthrough_testkit::raw_caller::{End, RawCaller};
use passthrough_testkit::raw_server::Step;
use passthrough_testkit::unruly::{Play, UnrulyProvider};

use super::{told, told_by_envelope};
use crate::rig::head;
use crate::support::{bearer_provider, setup};

const MIB: usize = 1 << 20;
/// What all of it together may add to the most memory that was ever in use: the envelope's limit of 10 MiB,
/// held once as bytes and once as text, for the calls that are made one after the other, and room to breathe.
const GROWTH: usize = 48 * MIB;

/// What the page says of each.
pub const ROWS: [(&str, &str); 4] = [
    ("sends 1 GiB as 1 MiB of gzip", "proxy: passes as it is; envelope: 502 `bad_gateway` `too_large`"),
    ("sends 1 GiB into an envelope", "502 `bad_gateway` `too_large` after the first 10 MiB"),
    ("sends 1 GiB through the proxy", "passes with flat memory"),
    ("sends to callers who do not read", "is not read either, and the memory stays flat"),
];

/// 1 GiB of zeros as gzip. All of its blocks are alike, so one of them is made.
fn bomb() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let mut deflate = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(MIB);
    deflate.compress_vec(&vec![0; MIB], &mut block, FlushCompress::Full).unwrap();
    assert!(block.len() < 2048, "{}", block.len());
    (0..1024).for_each(|_| bytes.extend_from_slice(&block));
    bytes.extend_from_slice(&[3, 0]);
    bytes.write_all(&[0; 4]).unwrap();
    bytes.extend_from_slice(&(1u32 << 30).to_le_bytes());
    bytes
}

fn plays(bomb: &[u8]) -> Vec<Play> {
    let head = |fields: &str| Step::write(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
    let gzip =
        format!("Content-Encoding: gzip\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n", bomb.len());
    let gigabyte = Step::Repeat(vec![b'x'; 64 * 1024], 16 * 1024);
    let length = head(&format!("Content-Length: {}\r\n", 1 << 30));
    vec![
        Play { name: "bomb", script: vec![head(&gzip), Step::Write(bomb.to_vec()), Step::Again] },
        Play { name: "gigabyte", script: vec![length, gigabyte.clone()] },
        Play { name: "endless", script: vec![head(""), gigabyte] },
    ]
}

/// The most memory that the program ever had in use, in bytes.
pub fn peak(program: &Program) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

struct Stage {
    program: Program,
    provider: UnrulyProvider,
    connection: Connected,
}

async fn stage(plays: Vec<Play>) -> Stage {
    let provider = UnrulyProvider::start(plays).await;
    let file = bearer_provider(&format!("http://{}/base", provider.address()));
    let mut program = setup(Engine::Sqlite).provider("shop", &file).start().await;
    let key = canary("key");
    let connection =
        program.connect(&format!(r#"{{"provider":"shop","credentials":{{"api_key":"{key}"}}}}"#)).await;
    Stage { program, provider, connection }
}

impl Stage {
    async fn ask(&self, path: &str) -> RawCaller {
        let mut caller = RawCaller::connect(&self.program.url).await;
        let target = format!("/v1/proxy/{path}");
        caller
            .write(head(&self.program, &self.connection, "GET", &target, "Accept-Encoding: gzip\r\n"))
            .await;
        caller
    }

    async fn envelope(&self, path: &str, headers: &str) -> String {
        let request = format!(r#"{{"method":"GET","path":"/{path}","headers":{{{headers}}}}}"#);
        let response = self.program.on(&self.connection, "POST", "/v1/passthrough", &[], request).await;
        told_by_envelope(&response)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_to_fill_the_memory_does_not() {
    let bomb = bomb();
    assert!(bomb.len() < 2 * MIB, "{}", bomb.len());
    let stage = stage(plays(&bomb)).await;
    assert_eq!(stage.envelope("warm", "").await, "200, whole");
    let before = peak(&stage.program);

    let answer = stage.ask("bomb").await.answer("GET").await;
    assert_eq!((told(&answer).as_str(), answer.body == bomb), ("200, whole", true));
    for headers in ["", r#""Accept-Encoding":"gzip""#] {
        assert_eq!(stage.envelope("bomb", headers).await, "502 `bad_gateway` `too_large`", "{headers}");
    }
    for path in ["gigabyte", "endless"] {
        assert_eq!(stage.envelope(path, "").await, "502 `bad_gateway` `too_large`", "{path}");
    }
    let mut unread = Vec::new();
    for _ in 0..24 {
        unread.push(stage.ask("gigabyte").await);
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    // What the sockets of the system hold is not ours.
    let seen = stage.provider.connections();
    let taken = seen[seen.len() - unread.len()..].iter().map(|seen| seen.written).max().unwrap();
    assert!(taken < 32 * MIB, "{taken} bytes were taken from the provider for a caller who reads nothing");
    drop(unread);
    let grown = peak(&stage.program).saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes more than before");
    assert_eq!(stage.envelope("next", "").await, "200, whole");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gibibyte_passes_with_flat_memory() {
    let stage = stage(plays(&[])).await;
    assert_eq!(stage.envelope("warm", "").await, "200, whole");
    let before = peak(&stage.program);
    let mut caller = stage.ask("gigabyte").await;
    assert_eq!(caller.head().await.unwrap().status(), 200);
    assert_eq!(caller.skip(1 << 30).await, End::Complete);
    let grown = peak(&stage.program).saturating_sub(before);
    assert!(grown < 16 * MIB, "1 GiB cost {grown} bytes");
    stage.program.finish().await;
}
