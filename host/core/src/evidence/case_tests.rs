//! Which publication of a policy a case names.

use super::*;
use crate::time::Timestamp;
use serde_json::json;

const POLICY: Digest = Digest::ZERO;
const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn published(version: Digest, position: u64) -> Publication {
    Publication { version, intent: IntentId::from_bits(u128::from(position)), position }
}

fn entry(event: serde_json::Value) -> Entry {
    let event = serde_json::from_value(event).expect("an event");
    Entry { at: NOW, by: Actor::Engine, event }
}

fn submitted() -> Entry {
    let intent = json!({ "id": IntentId::from_bits(1), "type": "discount", "revision": 1, "requester": "ae-1",
                         "submitted": NOW, "tokens": {} });
    entry(json!({ "submitted": { "intent": intent, "policy": POLICY } }))
}

#[test]
fn each_version_that_decided_is_named_with_its_last_publication_before_that() {
    let later = Digest::of(b"another version");
    let (first, second) = (submitted(), entry(json!({ "repinned": { "policy": later } })));
    let placed = [Placed { position: 5, entry: &first }, Placed { position: 9, entry: &second }];
    // Somebody went back to the first one, before and after.
    let all = [(POLICY, 1), (later, 2), (POLICY, 3), (later, 6), (POLICY, 7), (later, 10)];
    let all = all.map(|(version, position)| published(version, position));
    let places = |all: &[Publication]| -> Vec<u64> {
        publications(&placed, all).iter().map(|publication| publication.position).collect()
    };
    assert_eq!(places(&all), [3, 6]);
    // What was published after it was pinned is not where it came from.
    assert_eq!(places(&all[4..]), [0; 0]);

    let link = |all: &[Publication]| {
        let chain = chain(&placed[..1], all).expect("a life");
        chain.links.into_iter().find(|link| link.about == About::Policy).expect("it is pinned")
    };
    assert_eq!(link(&all).entries, [5, 3]);
    assert_eq!(link(&all[4..]).entries, [5]);
    assert!(link(&all[4..]).says.ends_with("the log has no publication of it"), "{:?}", link(&all[4..]));
}
