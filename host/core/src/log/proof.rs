//! The proof that an entry stands in a log, as one text that is checked without the log: `c2sp.org/tlog-proof`.
//!
//! The extra data is the [`Leaf`]: whoever has the proof and the log's public key needs nothing else to know that this
//! entry was there, and with the entry's bytes also what it said.

use super::leaf::Leaf;
use super::note::{Checkpoint, NOTE_BYTES_MAX, Note, VerifierKey, decimal, hash};
use super::tree;
use crate::hash::Digest;
use data_encoding::BASE64;
use std::fmt;

/// Longest path, in hashes: that of a tree which no number of 64 bits can count.
pub const PATH_HASHES_MAX: usize = 64;
/// Longest proof that is read, in bytes.
pub const PROOF_BYTES_MAX: usize = 2 * NOTE_BYTES_MAX;

const FORM: &str = "c2sp.org/tlog-proof@v1";

/// A proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The entry that is proved.
    pub leaf: Leaf,
    /// Its place in the log, counted from 0.
    pub index: u64,
    /// Hashes from the leaf's sibling up to the root's child.
    pub path: Vec<Digest>,
    /// The signed checkpoint that it leads to.
    pub note: Note,
}

impl Proof {
    /// The text of it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let extra = BASE64.encode(self.leaf.to_text().as_bytes());
        let mut text = format!("{FORM}\nextra {extra}\nindex {}\n", self.index);
        for hash in &self.path {
            text.push_str(&BASE64.encode(&hash.0));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note.to_text());
        text
    }

    /// Reads a proof of a countersign log; it is not checked yet, so it says nothing yet.
    ///
    /// # Errors
    /// Which part is not as the format wants it.
    pub fn parse(text: &str) -> Result<Proof, Flaw> {
        if PROOF_BYTES_MAX < text.len() {
            return Err(Flaw::TooLong);
        }
        let (above, note) = text.split_once("\n\n").ok_or(Flaw::Form)?;
        let mut lines = above.split('\n');
        if lines.next() != Some(FORM) {
            return Err(Flaw::Form);
        }
        let extra = lines.next().and_then(|line| line.strip_prefix("extra ")).ok_or(Flaw::Leaf)?;
        let extra = BASE64.decode(extra.as_bytes()).map_err(|_| Flaw::Leaf)?;
        let leaf = Leaf::parse(&extra).ok_or(Flaw::Leaf)?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or(Flaw::Index)?;
        let path = lines.map(hash).collect::<Option<Vec<_>>>().ok_or(Flaw::Path)?;
        if PATH_HASHES_MAX < path.len() {
            return Err(Flaw::Path);
        }
        let note = Note::parse(note).ok_or(Flaw::Note)?;
        Ok(Proof { leaf, index, path, note })
    }

    /// The checkpoint that the entry is proved to lie in.
    ///
    /// # Errors
    /// [`Flaw::Signature`] if the log of `key` did not sign it; [`Flaw::Elsewhere`] if the path leads to another root.
    pub fn check(
        &self,
        key: &VerifierKey,
        is_right: impl Fn(&[u8; 32], &[u8], &[u8; 64]) -> bool,
    ) -> Result<Checkpoint, Flaw> {
        let checkpoint = self.note.checkpoint(key, is_right).ok_or(Flaw::Signature)?;
        let leaf = tree::leaf(self.leaf.to_text().as_bytes());
        match tree::root_by(leaf, self.index, checkpoint.size, &self.path) {
            Some(root) if root == checkpoint.root => Ok(checkpoint),
            Some(_) | None => Err(Flaw::Elsewhere),
        }
    }
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It is longer than [`PROOF_BYTES_MAX`].
    TooLong,
    /// It is no proof at all.
    Form,
    /// Its extra data is no entry of a countersign log.
    Leaf,
    /// Its index is no number.
    Index,
    /// Its path is no list of hashes, or too long a one.
    Path,
    /// What stands below the path is no signed note.
    Note,
    /// Its checkpoint is not signed by the key, or is that of another log.
    Signature,
    /// The path does not lead from the entry to the checkpoint's root.
    Elsewhere,
}

impl fmt::Display for Flaw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Flaw::TooLong => "it is longer than any proof",
            Flaw::Form => "it does not begin as a `c2sp.org/tlog-proof@v1` does",
            Flaw::Leaf => "its `extra` line names no entry of a countersign log",
            Flaw::Index => "its `index` line has no number",
            Flaw::Path => "its path is no list of hashes",
            Flaw::Note => "its checkpoint is no signed note",
            Flaw::Signature => "its checkpoint is not signed with this key",
            Flaw::Elsewhere => "its path does not lead from the entry to the checkpoint",
        })
    }
}

impl std::error::Error for Flaw {}

#[cfg(test)]
mod tests {
    use super::super::note::tests::{is_right, key, sign};
    use super::*;

    fn leaf(number: u64) -> Leaf {
        Leaf {
            stream: format!("int_{}", number % 7),
            sequence: number / 7 + 1,
            entry: Digest::of(&number.to_be_bytes()),
        }
    }

    fn proof(index: u64, size: u64) -> Proof {
        let mut prover = tree::Prover::of(index);
        for number in 0..size {
            prover.push(tree::leaf(leaf(number).to_text().as_bytes()));
        }
        let (tree, path) = prover.finish();
        let note = Note::of(tree.size(), tree.root(), &key(), |text| sign(&[7; 32], text));
        Proof { leaf: leaf(index), index, path: path.expect("it is a leaf"), note }
    }

    fn checked(text: &str) -> Result<Checkpoint, Flaw> {
        Proof::parse(text)?.check(&key(), is_right)
    }

    #[test]
    fn a_proof_reads_back_and_holds() {
        for (index, size) in [(0, 1), (0, 2), (99, 100), (64, 100), (37, 1_000)] {
            let proof = proof(index, size);
            let text = proof.to_text();
            assert_eq!(Proof::parse(&text), Ok(proof));
            assert_eq!(checked(&text).map(|checkpoint| checkpoint.size), Ok(size));
        }
    }

    #[test]
    fn a_proof_of_one_entry_of_a_million_is_below_2_kb() {
        let proof = Proof { path: vec![Digest::of(b"x"); 20], ..proof(3, 10) };
        assert!(proof.to_text().len() <= 2_000, "{}", proof.to_text().len());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_proof_is_seen() {
        let whole = proof(37, 100).to_text();
        for bit in 0..whole.len() * 8 {
            let mut broken = whole.clone().into_bytes();
            broken[bit / 8] ^= 1 << (bit % 8);
            if let Ok(text) = String::from_utf8(broken) {
                assert!(checked(&text).is_err(), "bit {bit}");
            }
        }
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            assert!(checked(&whole[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn each_flaw_is_named() {
        let whole = proof(37, 100).to_text();
        let check = |from: &str, to: &str, flaw: Flaw| {
            assert!(whole.contains(from), "{from}");
            assert_eq!(checked(&whole.replacen(from, to, 1)), Err(flaw));
        };
        check("@v1", "@v2", Flaw::Form);
        check("extra ", "extra A", Flaw::Leaf);
        check("index 37", "index 037", Flaw::Index);
        check("index 37\n", "index 37\nAAAA\n", Flaw::Path);
        check(
            "index 37\n",
            &format!("index 37\n{}", format!("{}\n", BASE64.encode(&[1; 32])).repeat(60)),
            Flaw::Path,
        );
        check("\n— ", "\n- ", Flaw::Note);
        check("approvals\n100\n", "approvals\n101\n", Flaw::Signature);
        check("index 37", "index 38", Flaw::Elsewhere);
        assert_eq!(checked(&format!("{whole}{}", "x".repeat(PROOF_BYTES_MAX))), Err(Flaw::TooLong));
    }
}
