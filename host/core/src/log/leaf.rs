//! A leaf of the Merkle tree: which entry it is, and the digest of its bytes.
//!
//! ```text
//! countersign-entry/1
//! int_01jd3x8w5k9q2r4t6v8y0z1a3c
//! 4
//! 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//! ```
//! Each of the four lines ends with a newline: the form, the stream, the sequence in it, and the SHA-256 of the entry's
//! bytes. A leaf holds no content, so it may be shown to anybody, and an entry that is erased leaves the tree as it was.

use crate::hash::Digest;

const FORM: &str = "countersign-entry/1";

/// Which entry, and what it says by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its stream: printable ASCII, so never more than one line.
    pub stream: String,
    /// Its sequence in the stream, from 1.
    pub sequence: u64,
    /// SHA-256 of its bytes.
    pub entry: Digest,
}

impl Leaf {
    /// The bytes that the tree is made of.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{FORM}\n{}\n{}\n{}\n", self.stream, self.sequence, self.entry)
    }

    /// Reads what [`Leaf::to_text`] wrote, and nothing else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Leaf> {
        let text = std::str::from_utf8(text).ok()?;
        let mut lines = text.strip_prefix(FORM)?.strip_prefix('\n')?.split('\n');
        let (stream, sequence, entry) = (lines.next()?, lines.next()?, lines.next()?);
        let leaf = Leaf {
            stream: stream.to_owned(),
            sequence: sequence.parse().ok()?,
            entry: Digest::parse(entry)?,
        };
        (leaf.to_text() == text).then_some(leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_reads_back_and_has_one_form_only() {
        let leaf = Leaf { stream: "int_1".to_owned(), sequence: 12, entry: Digest::of(b"entry") };
        let text = leaf.to_text();
        assert_eq!(Leaf::parse(text.as_bytes()), Some(leaf));
        for other in [
            text.replace("\n12\n", "\n012\n"),
            text.replace("\n12\n", "\n+12\n"),
            text.replace("/1", "/2"),
            format!("{text}\n"),
            text.trim_end().to_owned(),
        ] {
            assert_eq!(Leaf::parse(other.as_bytes()), None, "{other}");
        }
    }
}
