//! Where the frames of a WebSocket begin and end (RFC 6455 section 5.2). What stands in them is nobody's
//! business here.

/// The opcode of a Close frame.
const CLOSE: u8 = 8;
/// The longest head of a frame: two bytes, a length of eight, a mask.
const MAX_HEAD: usize = 14;

/// Why we close a WebSocket: statuses of RFC 6455 section 7.4.1 and of IANA's registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The server stops.
    GoingAway = 1001,
    /// The caller may not go on.
    NotAllowed = 1008,
    /// Nobody can tell at present whether the caller may go on.
    TryAgainLater = 1013,
}

/// A Close frame that says to a caller why.
pub(super) fn goodbye_to_caller(why: Why) -> [u8; 4] {
    let [high, low] = (why as u16).to_be_bytes();
    [0x80 | CLOSE, 2, high, low]
}

/// A Close frame that says to a provider that we go away; what is between us and the caller is not its business.
/// Whoever asked for the WebSocket masks its frames (RFC 6455 section 5.3); `mask` need not be secret, because
/// nobody else chooses what is masked.
pub(super) fn goodbye_to_provider(mask: [u8; 4]) -> [u8; 8] {
    let ([a, b, c, d], [high, low]) = (mask, (Why::GoingAway as u16).to_be_bytes());
    [0x80 | CLOSE, 0x80 | 2, a, b, c, d, high ^ a, low ^ b]
}

/// Counts off the frames of one direction.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// What has come of a frame's head.
    head: [u8; MAX_HEAD],
    seen: usize,
    /// What is still to come of its payload.
    left: u64,
    closed: bool,
}

impl Frames {
    /// Whether the last frame is complete.
    pub(super) fn is_between(&self) -> bool {
        self.seen == 0 && self.left == 0
    }

    /// Whether a Close frame was among them: none comes after it.
    pub(super) fn is_closed(&self) -> bool {
        self.closed && self.is_between()
    }

    /// Counts these bytes off.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let mut taken = 0;
        while taken < bytes.len() {
            taken += self.step(&bytes[taken..]);
        }
    }

    /// Counts off what of these bytes belongs to the frame that has begun, and says how many they are.
    pub(super) fn take_rest(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && !self.is_between() {
            taken += self.step(&bytes[taken..]);
        }
        taken
    }

    /// A byte of a head, or what there is of a payload.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if self.left > 0 {
            let length = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= length as u64;
            return length;
        }
        self.head[self.seen] = bytes[0];
        self.seen += 1;
        let (head, payload) = lengths(&self.head);
        if self.seen >= 2 && self.seen == head {
            self.closed |= self.head[0] & 0x0f == CLOSE;
            (self.seen, self.left) = (0, payload);
        }
        1
    }
}

/// How long a head that begins with these two bytes is, and, where all of it is there, its payload.
fn lengths(head: &[u8; MAX_HEAD]) -> (usize, u64) {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let mask = if head[1] & 0x80 == 0 { 0 } else { 4 };
    match head[1] & 0x7f {
        126 => (4 + mask, number(&head[2..4])),
        127 => (10 + mask, number(&head[2..10])),
        short => (2 + mask, u64::from(short)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, masked: bool, payload: usize) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut frame = vec![first];
        match payload {
            0..126 => frame.push(mask | u8::try_from(payload).unwrap()),
            126..0x1_0000 => {
                frame.push(mask | 126);
                frame.extend(u16::try_from(payload).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(mask | 127);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        frame.extend(vec![0x88; if masked { 4 } else { 0 } + payload]);
        frame
    }

    #[test]
    fn frames_are_counted_off_however_the_bytes_are_cut() {
        let all = [
            frame(0x81, false, 5),
            frame(0x02, true, 125),
            frame(0x00, true, 126),
            frame(0x89, false, 0),
            frame(0x80, false, 0xffff),
            frame(0x82, true, 0x1_0000),
            frame(0x8a, true, 0),
        ];
        let ends: Vec<usize> = all
            .iter()
            .scan(0, |end, frame| {
                *end += frame.len();
                Some(*end)
            })
            .collect();
        let bytes = all.concat();
        for size in [1, 2, 3, 7, 100, 4096, bytes.len()] {
            let (mut frames, mut at) = (Frames::default(), 0);
            for piece in bytes.chunks(size) {
                frames.take(piece);
                at += piece.len();
                assert_eq!(frames.is_between(), ends.contains(&at), "at {at} in pieces of {size}");
                assert!(!frames.is_closed());
            }
        }
    }

    #[test]
    fn the_rest_of_a_frame_ends_where_the_next_begins() {
        let bytes = [frame(0x81, true, 300), frame(0x88, true, 2)].concat();
        for cut in 1..308 {
            let mut frames = Frames::default();
            frames.take(&bytes[..cut]);
            assert_eq!(frames.take_rest(&bytes[cut..]), 308 - cut);
            assert!(frames.is_between() && !frames.is_closed());
            assert_eq!(frames.take_rest(&bytes[308..]), 0, "between two frames nothing is left of one");
            frames.take(&bytes[308..bytes.len() - 1]);
            assert!(!frames.is_closed(), "not before its end");
            frames.take(&bytes[bytes.len() - 1..]);
            assert!(frames.is_closed());
        }
    }

    #[test]
    fn a_length_that_no_frame_has_is_waited_for() {
        let mut frames = Frames::default();
        frames.take(&[[0x82, 127].as_slice(), &[0xff; 8], &[0; 1000]].concat());
        assert!(!frames.is_between());
    }

    #[test]
    fn a_goodbye_is_one_close_frame_and_says_why() {
        let (to_caller, to_provider) =
            (goodbye_to_caller(Why::NotAllowed), goodbye_to_provider([1, 2, 3, 4]));
        for goodbye in [to_caller.as_slice(), &to_provider] {
            let mut frames = Frames::default();
            frames.take(goodbye);
            assert!(frames.is_closed());
        }
        assert_eq!(to_caller, [0x88, 0x02, 0x03, 0xf0]);
        assert_eq!(goodbye_to_caller(Why::GoingAway), [0x88, 0x02, 0x03, 0xe9]);
        assert_eq!(to_provider, [0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe9 ^ 2]);
    }
}
