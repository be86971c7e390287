//! Checkpoints and their signatures: what is noted down of a log, so that it cannot be rewritten unseen.
//!
//! A checkpoint is `c2sp.org/tlog-checkpoint`, its envelope and its keys `c2sp.org/signed-note`:
//!
//! ```text
//! acme.example/approvals
//! 4711
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — acme.example/approvals Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
//! ```
//! Whoever uses this brings the curve: a signature is made and checked by a function that is given.

use crate::hash::Digest;
use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Most signatures that a note may bear, in lines: the log's own and those of witnesses.
pub const SIGNATURES_MAX: usize = 16;
/// Longest note, in bytes.
pub const NOTE_BYTES_MAX: usize = 16 * 1024;
/// Longest name of a key, in bytes: a checkpoint stays well below 1 kB.
pub const NAME_BYTES_MAX: usize = 128;

/// What an Ed25519 key is marked with.
const ED25519: u8 = 1;

/// A public key and the name of the log that it speaks for. Printed as `NAME+ID+KEY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    /// The Ed25519 key `public` of the log called `name`; `None` if that cannot be a name.
    #[must_use]
    pub fn of(name: &str, public: [u8; 32]) -> Option<VerifierKey> {
        is_name(name).then(|| VerifierKey { name: name.to_owned(), public })
    }

    /// The name of the log, which is its checkpoints' origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Four bytes by which a signature names its key.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let hasher = Sha256::new().chain_update(&self.name).chain_update([b'\n', ED25519]);
        let digest: [u8; 32] = hasher.chain_update(self.public).finalize().into();
        let [a, b, c, d, ..] = digest;
        [a, b, c, d]
    }

    /// Reads what `Display` writes, and nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<VerifierKey> {
        // Base 64 knows `+` too, so the name and the id are split off from the left.
        let (name, rest) = text.split_once('+')?;
        let (_, key) = rest.split_once('+')?;
        let (kind, public) = BASE64.decode(key.as_bytes()).ok().and_then(|bytes| {
            let (kind, public) = bytes.split_first()?;
            Some((*kind, <[u8; 32]>::try_from(public).ok()?))
        })?;
        let key = VerifierKey::of(name, public).filter(|_| kind == ED25519)?;
        (key.to_string() == text).then_some(key)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64.encode(&[&[ED25519], &self.public[..]].concat());
        write!(formatter, "{}+{}+{key}", self.name, HEXLOWER.encode(&self.id()))
    }
}

fn is_name(text: &str) -> bool {
    let is_bad = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '+';
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.contains(is_bad)
}

/// How far a log had come, and the root of its tree there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root over all of them.
    pub root: Digest,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(&self.root.0))
    }

    /// Reads a text that was signed. Lines that extend it are let pass, as the format wants.
    #[must_use]
    pub fn parse(text: &str) -> Option<Checkpoint> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let checkpoint = Checkpoint { origin: origin.to_owned(), size: decimal(size)?, root: hash(root)? };
        (is_name(origin) && lines.all(|line| !line.is_empty())).then_some(checkpoint)
    }
}

/// A number as C2SP writes it: no sign, no zero in front.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let number = text.parse::<u64>().ok()?;
    (number.to_string() == text).then_some(number)
}

/// A hash in base 64.
pub(super) fn hash(text: &str) -> Option<Digest> {
    Some(Digest(BASE64.decode(text.as_bytes()).ok()?.try_into().ok()?))
}

/// A text with signatures below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl Note {
    /// A checkpoint under the signature that `sign` makes of its text. The origin is that of the key.
    #[must_use]
    pub fn of(size: u64, root: Digest, key: &VerifierKey, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Note {
        let text = Checkpoint { origin: key.name.clone(), size, root }.to_text();
        let bytes = sign(text.as_bytes()).to_vec();
        Note { signatures: vec![Signature { name: key.name.clone(), id: key.id(), bytes }], text }
    }

    /// Reads a note; its signatures are not checked yet, so it says nothing yet.
    #[must_use]
    pub fn parse(note: &str) -> Option<Note> {
        if NOTE_BYTES_MAX < note.len() || note.contains(|letter: char| letter.is_control() && letter != '\n')
        {
            return None;
        }
        let (text, below) = note.rsplit_once("\n\n")?;
        let lines = below.strip_suffix('\n')?.split('\n');
        let signatures = lines.map(signature).collect::<Option<Vec<_>>>()?;
        (signatures.len() <= SIGNATURES_MAX).then(|| Note { text: format!("{text}\n"), signatures })
    }

    /// The whole note, as it is stored and sent.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut note = format!("{}\n", self.text);
        for Signature { name, id, bytes } in &self.signatures {
            let signature = BASE64.encode(&[id, &bytes[..]].concat());
            note.push_str(&format!("— {name} {signature}\n"));
        }
        note
    }

    /// The checkpoint, if the log of this key signed it. `is_right` checks an Ed25519 signature: key, text, signature.
    /// Signatures by other keys are passed over; every one by this key must be right.
    #[must_use]
    pub fn checkpoint(
        &self,
        key: &VerifierKey,
        is_right: impl Fn(&[u8; 32], &[u8], &[u8; 64]) -> bool,
    ) -> Option<Checkpoint> {
        let id = key.id();
        let mut mine = self.signatures.iter().filter(|one| one.name == key.name && one.id == id).peekable();
        mine.peek()?;
        let right = |one: &Signature| {
            let bytes = <&[u8; 64]>::try_from(&one.bytes[..]);
            bytes.is_ok_and(|bytes| is_right(&key.public, self.text.as_bytes(), bytes))
        };
        if !mine.all(right) {
            return None;
        }
        Checkpoint::parse(&self.text).filter(|checkpoint| checkpoint.origin == key.name)
    }
}

fn signature(line: &str) -> Option<Signature> {
    let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = BASE64.decode(signature.as_bytes()).ok()?;
    let (id, bytes) = bytes.split_first_chunk::<4>()?;
    (is_name(name) && !bytes.is_empty()).then(|| Signature {
        name: name.to_owned(),
        id: *id,
        bytes: bytes.to_vec(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Stands in for the curve: whoever knows the public key could sign, but every byte counts.
    pub(crate) fn sign(public: &[u8; 32], text: &[u8]) -> [u8; 64] {
        let half = Digest::of_parts(&[public, text]).0;
        let mut whole = [0; 64];
        whole[..32].copy_from_slice(&half);
        whole[32..].copy_from_slice(&Digest::of(&half).0);
        whole
    }

    pub(crate) fn is_right(public: &[u8; 32], text: &[u8], signature: &[u8; 64]) -> bool {
        sign(public, text) == *signature
    }

    pub(crate) fn key() -> VerifierKey {
        VerifierKey::of("acme.example/approvals", [7; 32]).expect("a name")
    }

    fn note() -> Note {
        Note::of(4_711, Digest::of(b"root"), &key(), |text| sign(&[7; 32], text))
    }

    /// The key that the documentation of the format in Go shows.
    #[test]
    fn a_key_is_written_as_others_write_it_and_in_no_other_way() {
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key = VerifierKey::parse(text).expect("a key");
        assert_eq!((key.name(), key.to_string().as_str()), ("PeterNeumann", text));
        for other in [
            text.replace("c74f20a3", "c74f20a4"),
            text.replace("c74f20a3", "C74F20A3"),
            text.replace("PeterNeumann", "Peter Neumann"),
            text.replace("+ARpc", "+AhpC"),
            text.replace("10TW", "10TX"),
            String::new(),
        ] {
            assert_eq!(VerifierKey::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn a_checkpoint_reads_back_under_its_own_key_alone() {
        let read = Note::parse(&note().to_text()).expect("a note");
        let checkpoint = read.checkpoint(&key(), is_right).expect("it is signed");
        assert_eq!((checkpoint.size, checkpoint.root), (4_711, Digest::of(b"root")));
        let stranger = VerifierKey::of(key().name(), [8; 32]).expect("a name");
        assert_eq!(read.checkpoint(&stranger, is_right), None);
        let renamed = VerifierKey::of("acme.example/other", [7; 32]).expect("a name");
        assert_eq!(read.checkpoint(&renamed, is_right), None);
    }

    #[test]
    fn signatures_of_others_are_passed_over_and_a_wrong_one_of_ours_is_not() {
        let text = note().to_text();
        let witness = format!("— witness.example {}\n", BASE64.encode(&[9; 76]));
        let witnessed = Note::parse(&format!("{text}{witness}")).expect("a note");
        assert!(witnessed.checkpoint(&key(), is_right).is_some());
        let wrong = BASE64.encode(&[&key().id(), &[9; 64][..]].concat());
        let doubled = Note::parse(&format!("{text}— {} {wrong}\n", key().name())).expect("a note");
        assert_eq!(doubled.checkpoint(&key(), is_right), None);
        let many = format!("{text}{}", witness.repeat(SIGNATURES_MAX));
        assert_eq!(Note::parse(&many), None, "one over the limit");
    }

    #[test]
    fn a_signed_text_that_is_no_checkpoint_is_none() {
        let check = |text: &str, expected: bool| {
            let bytes = sign(&[7; 32], text.as_bytes()).to_vec();
            let signatures = vec![Signature { name: key().name.clone(), id: key().id(), bytes }];
            let note = Note { text: text.to_owned(), signatures };
            let found = Note::parse(&note.to_text()).and_then(|note| note.checkpoint(&key(), is_right));
            assert_eq!(found.is_some(), expected, "{text}");
        };
        let root = BASE64.encode(&[1; 32]);
        check(&format!("acme.example/approvals\n5\n{root}\n"), true);
        check(&format!("acme.example/approvals\n5\n{root}\nan extension\n"), true);
        check(&format!("acme.example/other\n5\n{root}\n"), false);
        check(&format!("acme.example/approvals\n05\n{root}\n"), false);
        check(&format!("acme.example/approvals\n+5\n{root}\n"), false);
        check("acme.example/approvals\n5\nAAAA\n", false);
        check("acme.example/approvals\n5\n", false);
    }

    #[test]
    fn every_flipped_bit_of_a_note_is_seen() {
        let whole = note().to_text().into_bytes();
        for bit in 0..whole.len() * 8 {
            let mut broken = whole.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            let read = std::str::from_utf8(&broken).ok().and_then(Note::parse);
            assert_eq!(read.and_then(|note| note.checkpoint(&key(), is_right)), None, "bit {bit}");
        }
    }
}
