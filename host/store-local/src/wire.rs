//! Numbers and byte strings as they stand in records and in the index.
//!
//! A *number* is an unsigned LEB128 varint of at most 64 bits: seven bits a byte, the lowest
//! first, the top bit set on all but the last. *Bytes* are a number and that many bytes. A
//! *moment* is a number after zigzag, so that times before 1970 stay short too. A *place* is three
//! numbers; segment 0 stands for no place, and then the other two are absent.

use countersign_core::time::Timestamp;

/// Where a record stands: segment, offset of its frame, length of its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) segment: u32,
    pub(crate) offset: u32,
    pub(crate) length: u32,
}

pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(crate) fn put_moment(out: &mut Vec<u8>, moment: Timestamp) {
    put_number(out, ((moment.0 << 1) ^ (moment.0 >> 63)) as u64);
}

pub(crate) fn put_place(out: &mut Vec<u8>, place: Option<Place>) {
    match place {
        None => out.push(0),
        Some(place) => {
            put_number(out, u64::from(place.segment));
            put_number(out, u64::from(place.offset));
            put_number(out, u64::from(place.length));
        }
    }
}

/// Takes values off the front of bytes; `None` once they do not fit.
#[derive(Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A number that counts things which each take a byte or more of what is left: a broken
    /// count can therefore never ask for more memory than the record is long.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len()).then_some(count)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.count()?;
        self.take(count)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(crate) fn moment(&mut self) -> Option<Timestamp> {
        let number = self.number()?;
        Some(Timestamp((number >> 1) as i64 ^ -((number & 1) as i64)))
    }

    /// A place, or `Some(None)` for "no place".
    #[expect(clippy::option_option, reason = "the outer one is broken bytes, the inner one is no place")]
    pub(crate) fn place(&mut self) -> Option<Option<Place>> {
        let segment = u32::try_from(self.number()?).ok()?;
        if segment == 0 {
            return Some(None);
        }
        let offset = u32::try_from(self.number()?).ok()?;
        let length = u32::try_from(self.number()?).ok()?;
        Some(Some(Place { segment, offset, length }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_reads_back_as_it_was_written() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_number(&mut out, number);
            assert_eq!(Reader(&out).number(), Some(number));
            assert_eq!(Reader(&out[..out.len() - 1]).number(), None);
        }
        assert_eq!(Reader(&[0xff; 11]).number(), None);
    }

    #[test]
    fn a_moment_reads_back_as_it_was_written() {
        for moment in [0, 1, -1, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            put_moment(&mut out, Timestamp(moment));
            assert_eq!(Reader(&out).moment(), Some(Timestamp(moment)));
        }
    }

    #[test]
    fn a_broken_count_asks_for_no_memory() {
        let mut out = Vec::new();
        put_number(&mut out, u64::from(u32::MAX));
        assert_eq!(Reader(&out).bytes(), None);
    }
}
