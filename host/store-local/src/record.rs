//! A record: one atomic batch as it stands in a segment.
//!
//! ```text
//! frame     length u32 LE | crc32c u32 LE | payload of that length
//!           the sum covers the four length bytes and the payload, so zeros are no record
//! payload   kind 1 or 5; 3 or 6 where other records stand before it in the same write; 2 and 4 for 5 and 6 with
//!           the words of formats 2 and 3
//!           number   kinds 3, 4 and 6: how many bytes of that write stand before the frame
//!           number   position of the batch's first entry (of the next one, if it has none)
//!           count    streams; for each:
//!             bytes    name
//!             number   sequence before the batch
//!             place    the stream's record before this one
//!           body     kinds 1 and 3: bytes; the others: number its length, bytes of it compressed by
//!                    [`crate::squeeze`]
//!           32 bytes head of the hash chain after the batch's last entry
//! body      for each stream:
//!             count    entries; each: bytes
//!             count    errand changes; each: bytes key | 0 (closed) or 1 moment (open until)
//!             byte     0, or 1 and the row: count labels; each: bytes name | bytes value;
//!                      bytes summary
//!           byte     0, or 1 and the caller key: bytes key | 32 bytes fingerprint | bytes answer
//! ```
//! Numbers, bytes and places are those of [`crate::wire`]. Each stream's records are linked
//! backwards, so the index needs to know only the last of them. Of the records of one write, which share a sync, a power
//! cut can leave any: one that follows proves nothing about those before it. The body is made where the batch is
//! given, by whoever waits for it; the one writer adds only what depends on the end of the log.

use crate::squeeze::{Words, squeeze, unsqueeze};
use crate::wire::{Place, Reader, put_bytes, put_moment, put_number, put_place};
use countersign_core::hash::Digest;
use countersign_engine::port::store::{Append, Batch, CallerKey, ErrandChange, RowChange, StreamName};
use std::sync::Arc;

/// Bytes of a frame before its payload.
pub(crate) const FRAME_HEADER_BYTES: usize = 8;
/// Shortest payload: kind, position, no streams, an empty body, head.
pub(crate) const PAYLOAD_BYTES_MIN: usize = 36;
/// Longest payload and longest body: the largest batch and what its keys and labels add.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;

const PLAIN: u8 = 1;
const PLAIN_FOLLOWS: u8 = 3;
const SQUEEZED: u8 = 5;
const SQUEEZED_FOLLOWS: u8 = 6;
const SQUEEZED_BEFORE_4: u8 = 2;
const SQUEEZED_BEFORE_4_FOLLOWS: u8 = 4;

/// One atomic batch.
#[derive(Debug)]
pub(crate) struct Record {
    /// Position of its first entry.
    pub(crate) first: u64,
    /// What each stream gained.
    pub(crate) parts: Vec<Part>,
    /// What a caller's key stands for from now on.
    pub(crate) caller_key: Option<CallerKey>,
    /// Head of the chain after it.
    pub(crate) head: Digest,
    /// How many bytes of the same write stand before its frame: they were synced together or not at all.
    pub(crate) behind: u64,
}

/// What one stream gained.
#[derive(Debug)]
pub(crate) struct Part {
    /// The stream and its news; `expected` is the sequence before.
    pub(crate) append: Append,
    /// The stream's record before this one.
    pub(crate) previous: Option<Place>,
}

impl Part {
    /// The stream's sequence after the batch.
    pub(crate) fn sequence(&self) -> u64 {
        self.append.expected + self.append.entries.len() as u64
    }
}

impl Record {
    /// How many entries it holds.
    pub(crate) fn entries(&self) -> u64 {
        self.parts.iter().map(|part| part.append.entries.len() as u64).sum()
    }

    /// Adds the frame to `out` and says how long it is, or `None` if it is over the limit. `body` is
    /// that of the record's batch.
    pub(crate) fn frame(&self, body: &Body, out: &mut Vec<u8>) -> Option<u32> {
        let start = out.len();
        out.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        let follows = 0 < self.behind;
        out.push(match (body.squeezed, follows) {
            (true, false) => SQUEEZED,
            (true, true) => SQUEEZED_FOLLOWS,
            (false, false) => PLAIN,
            (false, true) => PLAIN_FOLLOWS,
        });
        if follows {
            put_number(out, self.behind);
        }
        put_number(out, self.first);
        put_number(out, self.parts.len() as u64);
        for part in &self.parts {
            put_bytes(out, part.append.stream.as_bytes());
            put_number(out, part.append.expected);
            put_place(out, part.previous);
        }
        if body.squeezed {
            put_number(out, body.length as u64);
        }
        put_bytes(out, &body.bytes);
        out.extend_from_slice(&self.head.0);
        let payload = out.len() - start - FRAME_HEADER_BYTES;
        if payload > PAYLOAD_BYTES_MAX || body.length > PAYLOAD_BYTES_MAX {
            out.truncate(start);
            return None;
        }
        let length = (payload as u32).to_le_bytes();
        let sum = sum(length, &out[start + FRAME_HEADER_BYTES..]);
        out[start..start + 4].copy_from_slice(&length);
        out[start + 4..start + FRAME_HEADER_BYTES].copy_from_slice(&sum.to_le_bytes());
        Some((payload + FRAME_HEADER_BYTES) as u32)
    }

    /// Reads a payload; `None` if it is not wholly a record that this program writes.
    pub(crate) fn decode(payload: &[u8]) -> Option<Record> {
        let mut reader = Reader(payload);
        let (words, follows) = match reader.byte()? {
            PLAIN => (None, false),
            PLAIN_FOLLOWS => (None, true),
            SQUEEZED => (Some(Words::Now), false),
            SQUEEZED_FOLLOWS => (Some(Words::Now), true),
            SQUEEZED_BEFORE_4 => (Some(Words::Before4), false),
            SQUEEZED_BEFORE_4_FOLLOWS => (Some(Words::Before4), true),
            _ => return None,
        };
        let behind = if follows { reader.number().filter(|behind| 0 < *behind)? } else { 0 };
        let first = reader.number()?;
        let streams = (0..reader.count()?).map(|_| stream(&mut reader)).collect::<Option<Vec<_>>>()?;
        let unsqueezed;
        let body = match words {
            None => reader.bytes()?,
            Some(words) => {
                let length = usize::try_from(reader.number()?).ok()?;
                if PAYLOAD_BYTES_MAX < length {
                    return None;
                }
                unsqueezed = unsqueeze(reader.bytes()?, length, words)?;
                unsqueezed.as_slice()
            }
        };
        let head = digest(&mut reader)?;
        let mut body = Reader(body);
        let parts = streams.into_iter().map(|stream| part(&mut body, stream)).collect::<Option<_>>()?;
        let caller_key = if flag(&mut body)? { Some(caller_key(&mut body)?) } else { None };
        let whole = reader.0.is_empty() && body.0.is_empty();
        whole.then_some(Record { first, parts, caller_key, head, behind })
    }
}

/// What a batch says, as it stands in its record.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
    squeezed: bool,
    /// How long it is when it is not compressed.
    length: usize,
}

impl Body {
    pub(crate) fn of(batch: &Batch) -> Body {
        let mut out = Vec::new();
        for append in &batch.appends {
            put_append(&mut out, append);
        }
        match &batch.caller_key {
            None => out.push(0),
            Some(caller_key) => {
                out.push(1);
                put_bytes(&mut out, caller_key.key.as_bytes());
                out.extend_from_slice(&caller_key.fingerprint.0);
                put_bytes(&mut out, &caller_key.answer);
            }
        }
        let length = out.len();
        match squeeze(&out) {
            Some(bytes) => Body { bytes, squeezed: true, length },
            None => Body { bytes: out, squeezed: false, length },
        }
    }

    /// Bytes that it takes in the log.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }
}

fn put_append(out: &mut Vec<u8>, append: &Append) {
    put_number(out, append.entries.len() as u64);
    for entry in &append.entries {
        put_bytes(out, entry);
    }
    put_number(out, append.errands.len() as u64);
    for change in &append.errands {
        match change {
            ErrandChange::Clear { key } => {
                put_bytes(out, key.as_bytes());
                out.push(0);
            }
            ErrandChange::Set { key, due } => {
                put_bytes(out, key.as_bytes());
                out.push(1);
                put_moment(out, *due);
            }
        }
    }
    let Some(row) = &append.row else {
        out.push(0);
        return;
    };
    out.push(1);
    put_number(out, row.labels.len() as u64);
    for (name, value) in &row.labels {
        put_bytes(out, name.as_bytes());
        put_bytes(out, value.as_bytes());
    }
    put_bytes(out, &row.summary);
}

type Stream = (StreamName, u64, Option<Place>);

fn stream(reader: &mut Reader<'_>) -> Option<Stream> {
    Some((Arc::from(reader.text()?), reader.number()?, reader.place()?))
}

fn part(reader: &mut Reader<'_>, (stream, expected, previous): Stream) -> Option<Part> {
    let entries = (0..reader.count()?).map(|_| reader.bytes().map(Arc::from)).collect::<Option<_>>()?;
    let errands = (0..reader.count()?).map(|_| errand(reader)).collect::<Option<_>>()?;
    let row = if flag(reader)? { Some(row(reader)?) } else { None };
    Some(Part { append: Append { stream, expected, entries, errands, row }, previous })
}

fn errand(reader: &mut Reader<'_>) -> Option<ErrandChange> {
    let key = Arc::from(reader.text()?);
    if flag(reader)? {
        return Some(ErrandChange::Set { key, due: reader.moment()? });
    }
    Some(ErrandChange::Clear { key })
}

fn row(reader: &mut Reader<'_>) -> Option<RowChange> {
    let labels = (0..reader.count()?)
        .map(|_| Some((reader.text()?.to_owned(), reader.text()?.to_owned())))
        .collect::<Option<_>>()?;
    Some(RowChange { labels, summary: Arc::from(reader.bytes()?) })
}

fn caller_key(reader: &mut Reader<'_>) -> Option<CallerKey> {
    let key = Arc::from(reader.text()?);
    let fingerprint = digest(reader)?;
    Some(CallerKey { key, fingerprint, answer: Arc::from(reader.bytes()?) })
}

fn flag(reader: &mut Reader<'_>) -> Option<bool> {
    match reader.byte()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

pub(crate) fn digest(reader: &mut Reader<'_>) -> Option<Digest> {
    Some(Digest(reader.take(32)?.try_into().ok()?))
}

/// The payload of a frame that fills `frame` wholly, if its length and sum are right.
pub(crate) fn payload(frame: &[u8]) -> Option<&[u8]> {
    let (length, rest) = frame.split_first_chunk::<4>()?;
    let (sum_found, payload) = rest.split_first_chunk::<4>()?;
    let right = payload.len() >= PAYLOAD_BYTES_MIN
        && u32::from_le_bytes(*length) as usize == payload.len()
        && u32::from_le_bytes(*sum_found) == sum(*length, payload);
    right.then_some(payload)
}

/// How long the frame is that begins with `header`, if that can be a frame at all.
pub(crate) fn frame_length(header: [u8; 4]) -> Option<usize> {
    let payload = u32::from_le_bytes(header) as usize;
    (PAYLOAD_BYTES_MIN..=PAYLOAD_BYTES_MAX).contains(&payload).then_some(payload + FRAME_HEADER_BYTES)
}

fn sum(length: [u8; 4], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::time::Timestamp;

    fn sample() -> Record {
        let stream = Arc::from("int_1");
        let errands = vec![
            ErrandChange::Set { key: Arc::from("sla"), due: Timestamp(-5) },
            ErrandChange::Clear { key: Arc::from("seat") },
        ];
        let row = RowChange { labels: vec![("state".into(), "pending".into())], summary: Arc::from(*b"s") };
        let entries = vec![Arc::from(*b"one"), Arc::from(*b"two")];
        let append = Append { stream, expected: 3, entries, errands, row: Some(row) };
        let previous = Some(Place { segment: 1, offset: 64, length: 99 });
        let caller_key =
            CallerKey { key: Arc::from("bot/1"), fingerprint: Digest::of(b"x"), answer: Arc::from(*b"a") };
        let parts = vec![Part { append, previous }];
        Record { first: 7, parts, caller_key: Some(caller_key), head: Digest::of(b"head"), behind: 0 }
    }

    fn body(record: &Record) -> Body {
        let appends = record.parts.iter().map(|part| part.append.clone()).collect();
        Body::of(&Batch { appends, caller_key: record.caller_key.clone() })
    }

    /// A body as it stands when it cannot be compressed.
    fn plain(record: &Record) -> Body {
        let body = body(record);
        let bytes =
            if body.squeezed { unsqueeze(&body.bytes, body.length, Words::Now) } else { Some(body.bytes) };
        Body { bytes: bytes.expect("it comes back"), squeezed: false, length: body.length }
    }

    fn frame(record: &Record) -> Vec<u8> {
        let mut out = Vec::new();
        let length = record.frame(&body(record), &mut out);
        assert_eq!(length, Some(out.len() as u32));
        out
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let frame = frame(&sample());
        let read = payload(&frame).and_then(Record::decode).expect("it is a record");
        assert_eq!(frame, self::frame(&read));
        assert_eq!((read.entries(), read.parts[0].sequence(), read.behind), (2, 5, 0));
        let follower = self::frame(&Record { behind: 300, ..sample() });
        let read = payload(&follower).and_then(Record::decode).expect("it is a record");
        assert_eq!((self::frame(&read), read.behind), (follower, 300));
    }

    #[test]
    fn records_of_the_formats_before_are_read_alone_and_behind_others() {
        for (behind, kind) in [(0, SQUEEZED_BEFORE_4), (300, SQUEEZED_BEFORE_4_FOLLOWS)] {
            let mut record = Record { behind, ..sample() };
            // Made of words of the dictionary, or any would do.
            let entry = br#"{"at":17,"by":"engine","event":{"approved":{"authority":{"people":["x"]}}}}"#;
            record.parts[0].append.entries = vec![Arc::from(&entry[..])];
            let Body { bytes, length, .. } = plain(&record);
            let body = Body { bytes: crate::squeeze::squeezed_before_4(&bytes), squeezed: true, length };
            let mut frame = Vec::new();
            record.frame(&body, &mut frame).expect("it is a frame");
            let mut payload = frame.split_off(FRAME_HEADER_BYTES);
            payload[0] = kind;
            let read = Record::decode(&payload).expect("it is a record");
            assert_eq!(self::frame(&read), self::frame(&record), "kind {kind}");
            assert_eq!(read.behind, behind);
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let frame = frame(&sample());
        for bit in 0..frame.len() * 8 {
            let mut broken = frame.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(payload(&broken).is_none(), "bit {bit}");
        }
        for length in 0..frame.len() {
            assert!(payload(&frame[..length]).is_none());
        }
        assert!(payload(&[0; 64]).is_none());
    }

    #[test]
    fn a_payload_of_any_bytes_is_refused_without_a_panic() {
        let record = long();
        let mut unsqueezed = Vec::new();
        record.frame(&plain(&record), &mut unsqueezed);
        let follower = Record { behind: 300, ..long() };
        for frame in [frame(&record), unsqueezed, frame(&follower)] {
            any_bytes(&frame[FRAME_HEADER_BYTES..]);
        }
    }

    #[test]
    fn an_entry_of_known_words_is_stored_shorter_than_it_is() {
        let record = long();
        let frame = frame(&record);
        assert!(frame.len() * 2 < plain(&record).length, "{}", frame.len());
        let read = payload(&frame).and_then(Record::decode).expect("it is a record");
        assert_eq!(read.parts[0].append.entries, record.parts[0].append.entries);
    }

    fn long() -> Record {
        let mut record = sample();
        let entry = br#"{"at":17,"by":"engine","event":{"approved":{"authority":"policy"}}}"#;
        record.parts[0].append.entries = vec![Arc::from(&entry[..]); 8];
        record
    }

    fn any_bytes(whole: &[u8]) {
        for length in 0..whole.len() {
            assert!(Record::decode(&whole[..length]).is_none());
            let mut broken = whole.to_vec();
            broken[length] = 0xff;
            // Whatever it reads as, it reads as something or as nothing.
            drop(Record::decode(&broken));
        }
    }
}
