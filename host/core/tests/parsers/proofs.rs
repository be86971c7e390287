//! What comes from another log, or from a store that somebody wrote into: notes, proofs, keys, entries.

use crate::chance::Chance;
use crate::change::changed;
use crate::trial::survives;
use countersign_core::approval::event::{Actor, Entry, Event};
use countersign_core::hash::Digest;
use countersign_core::log::leaf::Leaf;
use countersign_core::log::note::{Checkpoint, Note, VerifierKey};
use countersign_core::log::proof::Proof;
use countersign_core::policy::Policy;
use countersign_core::time::{Millis, Timestamp};

/// Where the leaf of the proof stands, and how many hashes lead from it to the root.
const INDEX: u64 = 5;
const PATH: usize = 3;

pub(crate) struct Seeds {
    proof: String,
    key: String,
    leaf: String,
    entries: Vec<String>,
}

/// Signs for nobody: no parser looks at a signature.
fn sign(_: &[u8]) -> [u8; 64] {
    [9; 64]
}

pub(crate) fn seeds(policies: &[&Policy]) -> Seeds {
    let key = VerifierKey::of("acme.example/approvals", [7; 32]).expect("it is a name");
    let leaf = Leaf { stream: "int_1".to_owned(), sequence: 4, entry: Digest::of(b"entry") };
    let proof = Proof {
        leaf: leaf.clone(),
        index: INDEX,
        path: vec![Digest::of(b"sibling"); PATH],
        note: Note::of(8, Digest::of(b"root"), &key, sign),
    };
    let mut events = vec![
        Event::Repinned { policy: Digest::of(b"policy") },
        Event::FailedOpen {
            owner: "pricing".parse().expect("a pool"),
            only_if: "amount < 500".to_owned(),
            at_most: 3,
            today: 1,
        },
    ];
    for policy in policies {
        for example in &policy.examples {
            let evaluation = policy.decide(&example.tokens, &Default::default());
            events.push(Event::Evaluated { evaluation: Box::new(evaluation), facts: Default::default() });
        }
    }
    let by = Actor::Person("sam".parse().expect("a person"));
    let entry = |event: Event| {
        let entry = Entry { at: Timestamp(0).plus(Millis::hours(500_000)), by: by.clone(), event };
        String::from_utf8(entry.to_bytes().expect("it has a form")).expect("it is text")
    };
    let entries = events.into_iter().map(entry).collect();
    Seeds { proof: proof.to_text(), key: key.to_string(), leaf: leaf.to_text(), entries }
}

impl Seeds {
    /// What each reads is what it writes: a proof that has two spellings is no proof of one thing.
    pub(crate) fn round(&self, chance: &mut Chance) {
        survives("a proof", &changed(&self.proof, chance), |text| {
            let Ok(proof) = Proof::parse(text) else { return };
            assert_eq!(proof.to_text(), text);
            let key = VerifierKey::parse(&self.key).expect("it is a key");
            let _ = proof.check(&key, |_, _, _| true);
        });
        let note = self.proof.split_once("\n\n").map_or("", |(_, note)| note);
        survives("a note", &changed(note, chance), |text| {
            if let Some(note) = Note::parse(text) {
                assert_eq!(note.to_text(), text);
            }
            if let Some(checkpoint) = Checkpoint::parse(text) {
                // Lines may follow, and a note of our own has none.
                assert!(text.starts_with(&checkpoint.to_text()), "{checkpoint:?}");
            }
        });
        survives("a key", &changed(&self.key, chance), |text| {
            if let Some(key) = VerifierKey::parse(text) {
                assert_eq!(key.to_string(), text);
            }
        });
        survives("a leaf", &changed(&self.leaf, chance), |text| {
            if let Some(leaf) = Leaf::parse(text.as_bytes()) {
                assert_eq!(leaf.to_text(), text);
            }
        });
        survives("an entry", &changed(chance.pick::<String>(&self.entries), chance), |text| {
            let Ok(entry) = serde_json::from_str::<Entry>(text) else { return };
            let bytes = entry.to_bytes().expect("what was read has a form");
            let again: Entry = serde_json::from_slice(&bytes).expect("what was written is read");
            assert_eq!(again, entry);
        });
    }
}
