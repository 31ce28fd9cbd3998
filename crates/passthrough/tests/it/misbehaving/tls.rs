//! TLS that does not end as it should, or is none.

use passthrough_testkit::raw_server::{Authority, Step};
use tempfile::NamedTempFile;

use super::plays::{CUT, RESET, Row, WHOLE, row};

/// An authority of the test's own, and the file of its root certificate.
pub struct Certificates {
    pub authority: Authority,
    roots: NamedTempFile,
}

impl Certificates {
    pub fn new() -> Self {
        let authority = Authority::new("test").unwrap();
        let roots = NamedTempFile::new().unwrap();
        std::fs::write(roots.path(), authority.pem()).unwrap();
        Self { authority, roots }
    }

    pub fn roots(&self) -> &str {
        self.roots.path().to_str().unwrap()
    }
}

fn over_tls(mut row: Row) -> Row {
    (row.tls, row.https) = (true, true);
    row
}

pub fn rows() -> Vec<Row> {
    let says = |bytes: &str, end: Step| vec![Step::ReadBody, Step::write(bytes), Step::pause(60), end];
    let five = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    let mut rows: Vec<Row> = vec![
        row("tls-vanish-idle", "closes after its answer without close_notify", WHOLE, {
            vec![Step::ReadBody, Step::write(&format!("{five}hello")), Step::pause(5), Step::Vanish]
        })
        .calm(),
        row(
            "tls-vanish-before-head",
            "closes before its head without close_notify",
            RESET,
            says("", Step::Vanish),
        ),
        row("tls-vanish-in-body", "closes in its body without close_notify", CUT, {
            says(&format!("{five}hel"), Step::Vanish)
        }),
        row("tls-reset-in-body", "resets in its body", CUT, says(&format!("{five}hel"), Step::Reset)),
        row("tls-until-close", "frames its body by closing, and closes with close_notify", WHOLE, {
            vec![Step::ReadBody, Step::write("HTTP/1.1 200 OK\r\n\r\nhello")]
        }),
        row("tls-truncated", "frames its body by closing, and closes without close_notify", CUT, {
            says("HTTP/1.1 200 OK\r\n\r\nhel", Step::Vanish)
        }),
    ];
    for row in &mut rows {
        if row.proxy == CUT {
            row.envelope = RESET;
        }
    }
    rows.into_iter().map(over_tls).collect()
}
