//! How much memory bodies may take that are held in full: bounded by bytes, because by number either few
//! large ones would be refused without need or many would fill the memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A body up to this size is held without being counted: what counts is bounded by the requests in flight.
const SMALL: usize = 64 * 1024;
/// How long a large body waits for its room.
const WAIT: Duration = Duration::from_secs(1);
/// The unit in which room is given.
const UNIT: usize = 1024;

/// The room for large bodies. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct Room {
    free: Arc<Semaphore>,
    units: u32,
}

/// There is no room now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

/// A body that arrives in pieces of any size. Held in segments, because a buffer that is doubled and copied
/// takes three times the room of what is in it.
#[derive(Debug, Default)]
pub struct Pieces {
    segments: Vec<BytesMut>,
    bytes: usize,
}

/// A segment of a body.
const SEGMENT: usize = 128 * 1024;

impl Pieces {
    /// How much there is.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Takes a piece in.
    pub fn push(&mut self, mut piece: &[u8]) {
        self.bytes += piece.len();
        while !piece.is_empty() {
            // The first one grows as it has to, since most bodies are small.
            let grows = self.segments.len() == 1;
            let room = self.segments.last().map_or(0, |last| {
                if grows { SEGMENT.saturating_sub(last.len()) } else { last.capacity() - last.len() }
            });
            if room == 0 {
                let capacity = if self.segments.is_empty() { 0 } else { SEGMENT };
                self.segments.push(BytesMut::with_capacity(capacity));
                continue;
            }
            let (now, later) = piece.split_at(room.min(piece.len()));
            if let Some(last) = self.segments.last_mut() {
                last.extend_from_slice(now);
            }
            piece = later;
        }
    }

    /// All of it in one piece.
    pub fn join(mut self) -> Bytes {
        if self.segments.len() <= 1 {
            return self.segments.pop().unwrap_or_default().freeze();
        }
        let mut whole = BytesMut::with_capacity(self.bytes);
        // Each segment is given back before the next is copied.
        self.segments.into_iter().for_each(|segment| whole.extend_from_slice(&segment));
        whole.freeze()
    }
}

/// The room that one body has.
#[derive(Debug)]
pub struct Held {
    room: Room,
    bytes: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Room for so many bytes; without bound where it is 0.
    pub fn new(bytes: usize) -> Self {
        let units = units(bytes).min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self { free: Arc::new(Semaphore::new(units as usize)), units }
    }

    /// Begins with a body of which nothing is there yet.
    pub fn begin(&self) -> Held {
        Held { room: self.clone(), bytes: SMALL, permit: None }
    }

    /// Bytes that are taken at the moment.
    pub fn taken(&self) -> usize {
        (self.units as usize).saturating_sub(self.free.available_permits()) * UNIT
    }
}

impl Held {
    /// Makes sure that there is room for so many bytes. What a body has is doubled when it grows, up to
    /// `most`, so that a large one asks a few times and not for every piece.
    ///
    /// A body that has room and waits for more may wait for another that does the same: both give up after a
    /// second, so that nothing waits for ever.
    pub async fn grow(&mut self, bytes: usize, most: usize) -> Result<(), NoRoom> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let wanted = bytes.max(self.bytes.saturating_mul(2).min(most));
        let have =
            self.permit.as_ref().map_or(0, |permit| u32::try_from(permit.num_permits()).unwrap_or(u32::MAX));
        // A single body that is larger than all the room there is may have all of it, so that one who knows what a
        // body takes is never refused alone; and where there is no room at all, none is asked for.
        let more = units(wanted).min(self.room.units).saturating_sub(have);
        let free = Arc::clone(&self.room.free);
        let permit = tokio::time::timeout(WAIT, free.acquire_many_owned(more)).await;
        let Ok(Ok(permit)) = permit else { return Err(NoRoom) };
        match &mut self.permit {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        self.bytes = wanted;
        Ok(())
    }

    /// The body in full. Its room is given back when the last of its bytes is dropped, not before.
    pub fn keep(self, bytes: Bytes) -> Bytes {
        match self.permit {
            None => bytes,
            Some(permit) => Bytes::from_owner(Kept { bytes, _permit: permit }),
        }
    }
}

struct Kept {
    bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn pieces_are_joined_as_they_came() {
        for sizes in [
            &[][..],
            &[0],
            &[1, 0, 2],
            &[SEGMENT],
            &[SEGMENT - 1, 2],
            &[3, SEGMENT * 2, 5, SEGMENT],
            &[7; 99_999],
        ] {
            let (mut pieces, mut whole) = (Pieces::default(), Vec::new());
            for (number, size) in sizes.iter().enumerate() {
                let piece: Vec<u8> = (0..*size).map(|at| (at + number) as u8).collect();
                pieces.push(&piece);
                whole.extend_from_slice(&piece);
            }
            assert_eq!(pieces.len(), whole.len());
            assert!(pieces.join() == whole);
        }
    }

    #[tokio::test]
    async fn small_bodies_take_no_room() {
        let room = Room::new(0);
        let mut held = room.begin();
        held.grow(SMALL, MIB).await.unwrap();
        let bytes = held.keep(Bytes::from_static(b"small"));
        assert_eq!((bytes.as_ref(), room.taken()), (&b"small"[..], 0));
    }

    #[tokio::test]
    async fn a_large_body_has_its_room_until_its_last_byte_is_dropped() {
        let room = Room::new(2 * MIB);
        let mut held = room.begin();
        held.grow(MIB, 10 * MIB).await.unwrap();
        let bytes = held.keep(vec![7; MIB].into());
        let slice = bytes.slice(5..6);
        drop(bytes);
        assert_eq!((room.taken(), slice.as_ref()), (MIB, &[7][..]));
        drop(slice);
        assert_eq!(room.taken(), 0);
    }

    #[tokio::test]
    async fn what_a_body_has_doubles_up_to_the_most_that_it_may_be() {
        let room = Room::new(64 * MIB);
        let mut held = room.begin();
        for (bytes, taken) in
            [(SMALL + 1, 2 * SMALL), (2 * SMALL, 2 * SMALL), (130 * 1024, 4 * SMALL), (MIB, MIB)]
        {
            held.grow(bytes, MIB + 1).await.unwrap();
            assert_eq!(room.taken(), taken, "{bytes}");
        }
        held.grow(MIB + 1, MIB + 1).await.unwrap();
        assert_eq!(room.taken(), MIB + UNIT);
        drop(held);
        assert_eq!(room.taken(), 0, "given up half-way");
    }

    #[tokio::test]
    async fn nothing_is_bounded_where_the_room_is_zero() {
        let room = Room::new(0);
        let mut both = [room.begin(), room.begin()];
        for held in &mut both {
            held.grow(100 * MIB, 100 * MIB).await.unwrap();
        }
        assert_eq!(room.taken(), 0);
    }

    #[tokio::test]
    async fn where_there_is_no_room_a_body_is_refused_and_never_for_ever() {
        let room = Room::new(MIB);
        let (mut one, mut other) = (room.begin(), room.begin());
        one.grow(MIB / 2, MIB).await.unwrap();
        other.grow(MIB / 2, MIB).await.unwrap();
        assert_eq!(other.grow(MIB, MIB).await, Err(NoRoom));
        drop(other);
        one.grow(MIB, MIB).await.unwrap();
        one.grow(9 * MIB, 9 * MIB).await.unwrap();
        assert_eq!(room.taken(), MIB, "a body larger than all the room has all of it");
    }
}
