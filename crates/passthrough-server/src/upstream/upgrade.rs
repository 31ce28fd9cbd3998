//! A connection that has switched from HTTP/1.1 to another protocol.

use std::fmt;

use super::http1::Socket;
use super::limit::Permits;
use super::tls::Stream;
use crate::metrics::UnderWay;
use crate::rewound::Rewound;

/// A connection that is about to speak another protocol. Its places in flight are held until the end.
///
/// On the heap: every answer has room for one, and hardly one has it.
pub struct Upgrade(Box<Switched>);

struct Switched {
    socket: Box<Socket>,
    permits: Permits,
    under_way: Option<UnderWay>,
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgrade(…)")
    }
}

impl Upgrade {
    pub(super) fn new(socket: Box<Socket>, permits: Permits) -> Self {
        Self(Box::new(Switched { socket, permits, under_way: None }))
    }

    /// Counts it as under way until the connection ends: a tunnel outlives the answer that opened it.
    #[must_use]
    pub fn counted(mut self, under_way: UnderWay) -> Self {
        self.0.under_way = Some(under_way);
        self
    }

    /// The connection, which no longer speaks HTTP.
    pub fn connection(self) -> UpgradedConnection {
        let Switched { socket, permits, under_way } = *self.0;
        let (stream, read) = socket.into_stream();
        UpgradedConnection { io: Rewound::new(stream, read), _permits: permits, _under_way: under_way }
    }
}

/// A connection that speaks another protocol, as raw bytes in both directions.
pub struct UpgradedConnection {
    /// The bytes, beginning with those that came right behind the head. Dropping it closes the connection.
    pub io: Rewound<Stream>,
    _permits: Permits,
    _under_way: Option<UnderWay>,
}

impl fmt::Debug for UpgradedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpgradedConnection(…)")
    }
}
