//! The log of a host that runs, as an auditor checks it from outside.

use super::world::{SMALL, Setup, World};
use countersign_core::hash::Digest;
use countersign_core::log::note::{Checkpoint, Note, VerifierKey};
use countersign_core::log::proof::Proof;
use countersign_core::log::stored;
use countersign_server::LogSigner;
use data_encoding::BASE64;
use std::sync::Arc;

/// Stands for a signature: whoever checks one is given the function that does it.
pub(crate) fn signature(text: &[u8]) -> [u8; 64] {
    let half = Digest::of(text).0;
    let mut whole = [0; 64];
    whole[..32].copy_from_slice(&half);
    whole[32..].copy_from_slice(&half);
    whole
}

pub(crate) fn key() -> VerifierKey {
    VerifierKey::of("acme.example/approvals", [7; 32]).expect("it is a name")
}

pub(crate) fn is_right(_: &[u8; 32], text: &[u8], found: &[u8; 64]) -> bool {
    signature(text) == *found
}

/// What signs the log of a test.
pub(crate) fn signer() -> LogSigner {
    LogSigner { public: key(), sign: Arc::new(signature) }
}

async fn proving() -> World {
    World::of(Setup { log_signer: Some(signer()), ..Setup::default() }).await
}

fn signed(note: &str) -> Checkpoint {
    let note = Note::parse(note).unwrap_or_else(|| panic!("it is no note: {note}"));
    note.checkpoint(&key(), is_right).expect("the log has signed it")
}

async fn checkpoint(world: &World) -> Checkpoint {
    let answer = world.get("auditor-1", "/v1/log/checkpoint").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "text/plain; charset=utf-8"),
        "{}",
        answer.text
    );
    signed(&answer.text)
}

/// A discount of 4 %, which the policy approves by itself, once all of it has landed.
pub(crate) async fn done(world: &World, key: &str) -> String {
    let place = world.submitted(key, &SMALL.replace("12%", "4%")).await;
    for _ in 0..400 {
        if world.get("ae-1", &place).await.json["state"] == "done" {
            return place;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it is not done")
}

#[tokio::test]
async fn a_decision_and_the_end_of_an_effect_are_proved_while_the_host_runs() {
    let world = proving().await;
    let place = done(&world, "k-1").await;
    let entries = world.get("ae-1", &format!("{place}/timeline")).await.json["entries"].as_array().cloned();
    let entries = entries.expect("a timeline");
    let events: Vec<_> = entries.iter().map(|entry| entry["event"].as_str().unwrap_or_default()).collect();
    let decision = events.iter().position(|event| *event == "approved").expect("it is approved") + 1;
    let shown = world.get("ae-1", &place).await.json;
    let effect = shown["effects"][0]["id"].as_str().expect("an effect");
    let proved = async |query: &str| {
        let answer = world.get("auditor-1", &format!("{place}/proof{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let proof = Proof::parse(&answer.text).expect("it is a proof");
        let checkpoint = proof.check(&key(), is_right).expect("it leads to what the log has signed");
        assert!(proof.index < checkpoint.size);
        assert!(place.ends_with(&proof.leaf.stream), "{}", proof.leaf.stream);
        (proof.leaf.sequence, proof.leaf.entry)
    };
    let whole =
        world.engine.store().logged(place.rsplit('/').next().expect("an id")).await.expect("it is read");
    assert_eq!(proved("").await.0, decision as u64);
    let ended = proved(&format!("?effect={effect}")).await;
    assert!((ended.0 as usize) > decision, "it ends behind the decision");
    for logged in &whole {
        let expected = (logged.sequence, Digest::of(&logged.entry));
        assert_eq!(proved(&format!("?sequence={}", logged.sequence)).await, expected);
    }
    for query in [format!("?sequence={}", whole.len() + 1), "?sequence=0".to_owned()] {
        world.get("auditor-1", &format!("{place}/proof{query}")).await.is_problem(404, "CS-E0241");
    }
    world.get("auditor-1", &format!("{place}/proof?sequence=one")).await.is_problem(400, "CS-E0210");
    world
        .get("auditor-1", "/v1/intents/int_01jd3x8w5k9q2r4t6v8y0z1a3c/proof")
        .await
        .is_problem(404, "CS-E0101");
}

#[tokio::test]
async fn what_is_not_decided_has_no_proof_of_that() {
    let world = proving().await;
    let place = world.submitted("k-1", SMALL).await;
    let answer = world.get("auditor-1", &format!("{place}/proof")).await;
    answer.is_problem(404, "CS-E0241");
    assert!(answer.text.contains("the log has no decision of int_"), "{}", answer.text);
    assert_eq!(world.get("auditor-1", &format!("{place}/proof?sequence=1")).await.status, 200);
}

#[tokio::test]
async fn a_log_that_grows_goes_on_where_each_checkpoint_ended() {
    let world = proving().await;
    let before = checkpoint(&world).await;
    world.submitted("k-1", SMALL).await;
    let first = checkpoint(&world).await;
    assert!(before.size < first.size);
    done(&world, "k-2").await;
    for noted in [&before, &first] {
        let answer = world.get("auditor-1", &format!("/v1/log/consistency?from={}", noted.size)).await;
        assert_eq!((answer.status, &answer.json["from"]), (200, &noted.size.into()), "{}", answer.text);
        let hashes = answer.json["path"].as_array().expect("hashes").iter().map(|hash| {
            let bytes = BASE64.decode(hash.as_str().expect("text").as_bytes()).expect("base 64");
            Digest(bytes.try_into().expect("32 bytes"))
        });
        let (path, now) =
            (hashes.collect::<Vec<_>>(), signed(answer.json["checkpoint"].as_str().expect("a note")));
        assert!(first.size < now.size);
        assert!(
            stored::is_consistent((noted.size, &noted.root), (now.size, &now.root), &path),
            "{}",
            noted.size
        );
        if noted.size != 0 {
            let other = Digest::of(b"another log");
            assert!(!stored::is_consistent((noted.size, &other), (now.size, &now.root), &path));
        }
    }
    let answer = world.get("auditor-1", "/v1/log/consistency?from=1000000").await;
    answer.is_problem(409, "CS-E0240");
    assert!(answer.text.contains("and 1000000 were noted"), "{}", answer.text);
    world.get("auditor-1", "/v1/log/consistency").await.is_problem(400, "CS-E0210");
}

#[tokio::test]
async fn a_host_without_a_key_for_its_log_says_so() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    for path in ["/v1/log/checkpoint", "/v1/log/consistency?from=0", &format!("{place}/proof")] {
        world.get("auditor-1", path).await.is_problem(404, "CS-E0239");
    }
}
