//! The misbehaviours, each with what comes of it.

use passthrough_testkit::raw_server::Step;

/// One misbehaviour.
#[derive(Clone)]
pub struct Row {
    pub name: &'static str,
    /// What the provider does, in the words of the documentation.
    pub what: &'static str,
    /// After the head of the request was read.
    pub script: Vec<Step>,
    pub proxy: &'static str,
    pub envelope: &'static str,
    /// What a whole answer holds.
    pub body: Vec<u8>,
    /// Whether the socket may serve again afterwards.
    pub kept: bool,
    pub method: &'static str,
    /// The length of the request's body.
    pub upload: usize,
    /// Whether the provider does something to the resting socket, and calls must wait for that: a request that
    /// is already on its way then is lost with the socket, and nobody can help it.
    pub calm: bool,
    /// Whether the provider speaks TLS, and whether it is called so.
    pub tls: bool,
    pub https: bool,
}

/// A misbehaviour that ends the same way by both doors. Called with `POST`, which is never tried again.
pub fn row(name: &'static str, what: &'static str, outcome: &'static str, script: Vec<Step>) -> Row {
    Row {
        name,
        what,
        script,
        proxy: outcome,
        envelope: outcome,
        body: b"hello".to_vec(),
        kept: false,
        method: "POST",
        upload: 4,
        calm: false,
        tls: false,
        https: false,
    }
}

impl Row {
    /// Whether this may come of a call through the proxy. An answer that is cut short is cut wherever the news
    /// of it arrives: on a busy machine that may be before its head has left.
    pub fn bears(&self, outcome: &str) -> bool {
        outcome == self.proxy || self.proxy == CUT && (outcome == NOTHING || outcome == self.envelope)
    }

    fn envelope(mut self, outcome: &'static str) -> Self {
        self.envelope = outcome;
        self
    }

    fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    fn body(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }

    fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self.upload = 0;
        self
    }

    pub fn calm(mut self) -> Self {
        self.calm = true;
        self
    }

    fn upload(mut self, length: usize) -> Self {
        self.upload = length;
        self
    }
}

pub const WHOLE: &str = "200, whole";
/// The connection ends without a byte.
pub const NOTHING: &str = "nothing";
pub const CUT: &str = "200, cut short";
pub const RESET: &str = "502 `bad_gateway` `reset`";
pub const PROTOCOL: &str = "502 `bad_gateway` `protocol`";
const TOO_LARGE: &str = "502 `bad_gateway` `too_large`";
const NO_BYTE: &str = "504 `gateway_timeout` `first_byte_timeout`";
const IDLE: &str = "504 `gateway_timeout` `idle_timeout`";

const FIVE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
const TEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const UNFRAMED: &str = "HTTP/1.1 200 OK\r\n\r\n";
const EVIL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

/// A pause that is long enough for what was written to be read alone.
fn moment() -> Step {
    Step::pause(60)
}

/// Reads the request, writes, and closes in good order once the bytes had time to be read.
fn says_and_ends(bytes: &str) -> Vec<Step> {
    vec![Step::ReadBody, Step::write(bytes), moment()]
}

/// Reads the request, writes, and resets the connection.
fn says_and_resets(bytes: &str) -> Vec<Step> {
    vec![Step::ReadBody, Step::write(bytes), moment(), Step::Reset]
}

/// Reads the request, writes, and says nothing more.
fn says_and_stalls(bytes: &str) -> Vec<Step> {
    vec![Step::ReadBody, Step::write(bytes), Step::Hold]
}

/// Reads the request, writes, and would read another one.
fn says_and_goes_on(bytes: &str) -> Vec<Step> {
    vec![Step::ReadBody, Step::write(bytes), Step::Again]
}

pub fn slow() -> Vec<Row> {
    let whole = format!("{FIVE}hello");
    let pause = Step::pause(150);
    vec![
        row("slow-head", "is slow to answer, within the deadline", WHOLE, {
            vec![Step::ReadBody, pause.clone(), Step::write(&whole), Step::Again]
        })
        .kept(),
        row("slow-body", "is slow between head and body, within the deadline", WHOLE, {
            vec![Step::ReadBody, Step::write(FIVE), pause, Step::write("hello"), Step::Again]
        })
        .kept(),
        row("drip", "sends its answer byte by byte", WHOLE, {
            let bytes = whole.into_bytes();
            vec![Step::ReadBody, Step::Drip(bytes, std::time::Duration::from_millis(3)), Step::Again]
        })
        .kept(),
    ]
}

pub fn stalling() -> Vec<Row> {
    vec![
        row("stall-before-head", "takes the request and says nothing", NO_BYTE, says_and_stalls("")),
        row("stall-in-head", "stops in its head", NO_BYTE, says_and_stalls("HTTP/1.1 200 OK\r\nX-A: ")),
        row("stall-after-head", "stops after its head", CUT, says_and_stalls(FIVE)).envelope(IDLE),
        row("stall-in-body", "stops in its body", CUT, says_and_stalls(&format!("{FIVE}hel"))).envelope(IDLE),
        row("stall-in-chunk", "stops in a chunk", CUT, says_and_stalls(&format!("{CHUNKED}5\r\nhel")))
            .envelope(IDLE),
        row("stall-in-trailers", "stops in its trailers", CUT, {
            says_and_stalls(&format!("{CHUNKED}5\r\nhello\r\n0\r\nX-Sum: "))
        })
        .envelope(IDLE),
        row("stall-after-interim", "says `103` and nothing more", NO_BYTE, {
            says_and_stalls("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        }),
    ]
}

pub fn breaking_off() -> Vec<Row> {
    let part = "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B";
    let trailers = format!("{CHUNKED}5\r\nhello\r\n0\r\nX-Sum: 4");
    vec![
        row("reset-at-once", "resets while the request is being sent", RESET, vec![Step::Reset])
            .upload(1 << 18),
        row("reset-before-head", "resets before its head", RESET, says_and_resets("")),
        row("close-before-head", "closes before its head", RESET, says_and_ends("")),
        row("reset-in-head", "resets in its head", RESET, says_and_resets(part)),
        row("close-in-head", "closes in its head", RESET, says_and_ends(part)),
        row("reset-after-interim", "resets after a `103`", RESET, {
            says_and_resets("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        }),
        row("reset-after-head", "resets after its head", CUT, says_and_resets(FIVE)).envelope(RESET),
        row("close-after-head", "closes after its head", CUT, says_and_ends(FIVE)).envelope(RESET),
        row("reset-in-body", "resets in its body", CUT, says_and_resets(&format!("{FIVE}hel")))
            .envelope(RESET),
        row("short-length", "sends fewer bytes than its `Content-Length`", CUT, {
            says_and_ends(&format!("{TEN}hello"))
        })
        .envelope(RESET),
        row("reset-in-chunk", "resets in a chunk", CUT, says_and_resets(&format!("{CHUNKED}5\r\nhel")))
            .envelope(RESET),
        row("close-in-chunk", "closes in a chunk", CUT, says_and_ends(&format!("{CHUNKED}5\r\nhel")))
            .envelope(RESET),
        row("close-between-chunks", "closes between two chunks", CUT, {
            says_and_ends(&format!("{CHUNKED}5\r\nhello\r\n"))
        })
        .envelope(RESET),
        row("close-in-last-chunk", "closes in its last chunk", CUT, {
            says_and_ends(&format!("{CHUNKED}5\r\nhello\r\n0\r\n"))
        })
        .envelope(RESET),
        row("reset-in-trailers", "resets in its trailers", CUT, says_and_resets(&trailers)).envelope(RESET),
        row("close-in-trailers", "closes in its trailers", CUT, says_and_ends(&trailers)).envelope(RESET),
        row("until-close", "frames its body by closing, and closes", WHOLE, {
            says_and_ends(&format!("{UNFRAMED}hello"))
        }),
        row("reset-until-close", "frames its body by closing, and resets", CUT, {
            says_and_resets(&format!("{UNFRAMED}hel"))
        })
        .envelope(RESET),
    ]
}

pub fn framing() -> Vec<Row> {
    let headers = |fields: &str| says_and_goes_on(&format!("HTTP/1.1 200 OK\r\n{fields}\r\nhello"));
    let chunks =
        |body: &str| vec![Step::ReadBody, Step::write(CHUNKED), moment(), Step::write(body), Step::Again];
    vec![
        row("long-body", "sends more bytes than its `Content-Length`", WHOLE, {
            says_and_goes_on(&format!("{FIVE}hello and more"))
        }),
        row("length-and-chunks", "gives a length and chunks, and sends chunks", WHOLE, {
            says_and_goes_on(
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            )
        }),
        row("old-chunks", "sends chunks in HTTP/1.0", PROTOCOL, {
            says_and_goes_on("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        }),
        row("lengths-alike", "gives the same length twice", WHOLE, {
            headers("Content-Length: 5\r\nContent-Length: 5\r\n")
        }),
        row("two-lengths", "gives two lengths", PROTOCOL, {
            headers("Content-Length: 5\r\nContent-Length: 6\r\n")
        }),
        row("length-list", "gives a list of lengths", PROTOCOL, headers("Content-Length: 5, 6\r\n")),
        row("length-sign", "gives `Content-Length: +5`", PROTOCOL, headers("Content-Length: +5\r\n")),
        row("length-negative", "gives `Content-Length: -5`", PROTOCOL, headers("Content-Length: -5\r\n")),
        row("length-hex", "gives `Content-Length: 0x5`", PROTOCOL, headers("Content-Length: 0x5\r\n")),
        row("length-huge", "gives a length beyond 64 bits", PROTOCOL, {
            headers("Content-Length: 99999999999999999999\r\n")
        }),
        row("coding-gzip", "gives `Transfer-Encoding: gzip, chunked`", PROTOCOL, {
            headers("Transfer-Encoding: gzip, chunked\r\n")
        }),
        row("coding-identity", "gives `Transfer-Encoding: identity`", PROTOCOL, {
            headers("Transfer-Encoding: identity\r\nContent-Length: 5\r\n")
        }),
        row("coding-twice", "gives `Transfer-Encoding: chunked` twice", PROTOCOL, {
            headers("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")
        }),
        row("coding-not-last", "gives `Transfer-Encoding: chunked, gzip`", PROTOCOL, {
            headers("Transfer-Encoding: chunked, gzip\r\n")
        }),
        row("bad-chunk-size", "sends a chunk size that is none", CUT, chunks("5\r\nhello\r\nzz\r\n"))
            .envelope(PROTOCOL),
        row("chunk-sign", "sends the chunk size `-5`", CUT, chunks("-5\r\nhello\r\n0\r\n\r\n"))
            .envelope(PROTOCOL),
        row("chunk-prefix", "sends the chunk size `0x5`", CUT, chunks("0x5\r\nhello\r\n0\r\n\r\n"))
            .envelope(PROTOCOL),
        row("chunk-huge", "sends a chunk size beyond 64 bits", CUT, chunks("10000000000000005\r\nhello\r\n"))
            .envelope(PROTOCOL),
        row(
            "chunk-end",
            "sends a chunk that is longer than its size",
            CUT,
            chunks("4\r\nhello\r\n0\r\n\r\n"),
        )
        .envelope(PROTOCOL),
        row("chunk-extension", "sends a chunk extension of 100 KiB", CUT, {
            chunks(&format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(100 * 1024)))
        })
        .envelope(PROTOCOL),
        row("trailer-flood", "sends trailers without end", CUT, {
            let head = Step::write(&format!("{CHUNKED}5\r\nhello\r\n0\r\n"));
            vec![Step::ReadBody, head, Step::Repeat(b"X-Trailer: 1\r\n".to_vec(), 100_000), Step::Hold]
        })
        .envelope(PROTOCOL),
        row("body-of-204", "sends a body with `204`", "204, whole", {
            says_and_goes_on(&format!(
                "HTTP/1.1 204 No Content\r\nContent-Length: {}\r\n\r\n{EVIL}",
                EVIL.len()
            ))
        })
        .body(""),
        row("body-of-304", "sends a body with `304`", "304, whole", {
            says_and_goes_on(&format!("HTTP/1.1 304 Not Modified\r\n\r\n{EVIL}"))
        })
        .body(""),
        row("body-of-head", "sends a body to `HEAD`", WHOLE, says_and_goes_on(&format!("{FIVE}hello")))
            .method("HEAD")
            .body(""),
        row("late-body-of-head", "announces a body to `HEAD` and sends it a moment later", WHOLE, {
            vec![Step::ReadBody, Step::write(FIVE), Step::pause(20), Step::write("hello"), Step::Again]
        })
        .method("HEAD")
        .body(""),
    ]
}

pub fn heads() -> Vec<Row> {
    let head = |text: &str| says_and_goes_on(&format!("{text}\r\n\r\nhello"));
    let with = |field: &str| head(&format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n{field}"));
    vec![
        row("no-http", "answers with something else than HTTP", PROTOCOL, head("<html>")),
        row("ssh", "greets in another protocol", PROTOCOL, says_and_stalls("SSH-2.0-OpenSSH_9.9\r\n")),
        row("http2-preface", "answers in HTTP/2 unasked", PROTOCOL, {
            let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
            vec![Step::ReadBody, Step::Write(settings.repeat(4)), Step::Hold]
        }),
        row("version", "answers in HTTP/3.0", PROTOCOL, head("HTTP/3.0 200 OK\r\nContent-Length: 5")),
        row(
            "status-short",
            "answers with the status `20`",
            PROTOCOL,
            head("HTTP/1.1 20 OK\r\nContent-Length: 5"),
        ),
        row("status-text", "answers with a status that is no number", PROTOCOL, {
            head("HTTP/1.1 two OK\r\nContent-Length: 5")
        }),
        row("obs-fold", "folds a header over two lines", PROTOCOL, with("X-A: 1\r\n 2")),
        row("nul", "sends a NUL in a header", PROTOCOL, with("X-A: 1\0")),
        row("bare-cr", "sends a bare CR in a header", PROTOCOL, with("X-A: 1\rX-B: 2")),
        row("lone-lf", "ends its lines with LF alone", WHOLE, {
            says_and_goes_on("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello")
        }),
        row("blank-before-colon", "sends a blank before a colon", PROTOCOL, {
            head("HTTP/1.1 200 OK\r\nContent-Length : 5")
        }),
        row("blank-in-name", "sends a blank in a header's name", PROTOCOL, with("X A: 1")),
        row("no-colon", "sends a line without a colon", PROTOCOL, with("X-A")),
        row("no-name", "sends a header without a name", PROTOCOL, with(": 1")),
        row("header-count", "sends 5,000 headers", TOO_LARGE, with(&"X-A: 1\r\n".repeat(5000))),
        row("header-bytes", "sends a header of 256 KiB", TOO_LARGE, {
            with(&format!("X-A: {}", "x".repeat(256 * 1024)))
        }),
        row("header-flood", "sends headers without end", TOO_LARGE, {
            let head = Step::write("HTTP/1.1 200 OK\r\n");
            vec![Step::ReadBody, head, Step::Repeat(b"X-Flood: 1\r\n".to_vec(), 100_000), Step::Hold]
        }),
        row("line-flood", "sends one line without end", TOO_LARGE, {
            let head = Step::write("HTTP/1.1 200 ");
            vec![Step::ReadBody, head, Step::Repeat(vec![b'x'; 1024], 1024), Step::Hold]
        }),
    ]
}

pub fn talkative() -> Vec<Row> {
    // More than the sockets in between take in.
    let large = 8 << 20;
    let early = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nhello";
    vec![
        row("second-answer", "sends a second answer behind the first", WHOLE, {
            says_and_goes_on(&format!("{FIVE}hello{EVIL}"))
        }),
        row("later-answer", "sends a second answer a moment after the first", WHOLE, {
            let first = Step::write(&format!("{FIVE}hello"));
            vec![Step::ReadBody, first, Step::pause(5), Step::write(EVIL), Step::Again]
        })
        .calm(),
        row("closes-idle", "closes after its answer without saying so", WHOLE, {
            vec![Step::ReadBody, Step::write(&format!("{FIVE}hello"))]
        })
        .calm(),
        row("resets-idle", "resets after its answer", WHOLE, {
            vec![Step::ReadBody, Step::write(&format!("{FIVE}hello")), Step::pause(5), Step::Reset]
        })
        .calm(),
        row("says-close", "says `Connection: close` and does not close", WHOLE, {
            says_and_goes_on("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
        }),
        row("early-answer", "answers before it has read the request, which it then reads", "413, whole", {
            vec![Step::write(early), Step::ReadBody, Step::Again]
        })
        .upload(1 << 20)
        .kept(),
        row(
            "early-and-stall",
            "answers before it has read the request, which it never reads",
            "413, whole",
            vec![Step::write(early), Step::pause(3000)],
        )
        .upload(large),
        row("unasked-101", "switches protocols unasked", PROTOCOL, {
            says_and_goes_on(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nhello",
            )
        }),
        row("interim", "says `100` and `103` before its answer", WHOLE, {
            says_and_goes_on(&format!(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{FIVE}hello"
            ))
        })
        .kept(),
        row("endless-interim", "says `103` without end", PROTOCOL, {
            let hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".to_vec();
            vec![Step::ReadBody, Step::Repeat(hint, 100_000), Step::Hold]
        }),
        row("endless-100", "says `100` without end", PROTOCOL, {
            let hint = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
            vec![Step::ReadBody, Step::Repeat(hint, 100_000), Step::Hold]
        }),
        row("endless-lines", "sends empty lines without end", PROTOCOL, {
            vec![Step::ReadBody, Step::Repeat(b"\r\n".to_vec(), 1_000_000), Step::Hold]
        }),
    ]
}
