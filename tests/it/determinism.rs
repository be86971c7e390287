//! The same policy and the same inputs give the same bytes on this machine and on wasm32: another
//! width of addresses, another code generator, another allocator, no operating system.
//!
//! The core is built into a policy component, which runs in the product's own sandbox.

#[path = "determinism/drawn.rs"]
mod drawn;
#[path = "../guests/rust-core/src/replay.rs"]
mod replay;

use countersign_connectors::{Contributors, componentize_contributor};
use countersign_core::intent::value::{Facts, Tokens};
use countersign_core::policy::Outcome;
use countersign_core::policy::component::Contributed;
use countersign_engine::port::components::Components as _;
use countersign_tests::guests::module;
use countersign_tests::world::{root, source_files};
use drawn::Drawn;
use std::collections::BTreeMap;

/// Where chance begins.
const SEED: u64 = 1;
/// Inputs of one policy.
const INPUTS_EACH: usize = 2_000;
/// Inputs of one call: what a component may compute and hear is limited.
const INPUTS_A_CALL: usize = 25;

/// How often each answer was given.
type Answers = BTreeMap<&'static str, usize>;

fn count(answers: &mut Answers, outcome: &Outcome) {
    let word = match outcome {
        Outcome::Approve => "approve",
        Outcome::Needs(_) => "needs",
        Outcome::Deny => "deny",
        Outcome::Unsure(_) => "unsure",
    };
    *answers.entry(word).or_default() += 1;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_says_the_same_bytes_here_and_on_wasm32() -> anyhow::Result<()> {
    let guest = module("rust-core", "core_guest", env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir()?;
    let contributors = Contributors::open(folder.path(), [7; 32])?;
    let guest = contributors.install(&componentize_contributor(&guest)?)?;
    let files = source_files(&root().join("host/cli/starter"))?;
    let policies: Vec<_> = files.iter().filter(|file| file.path.ends_with(".policy.md")).collect();
    assert_eq!(policies.len(), 3, "the shipped policies");
    let mut compared = 0;
    for (file, seed) in policies.into_iter().zip(SEED..) {
        let policy = replay::policy(&file.text).map_err(anyhow::Error::msg)?;
        let drawn = Drawn::new(&policy, seed);
        let inputs: Vec<(Tokens, Facts)> = (0..INPUTS_EACH).map(|_| drawn.inputs()).collect();
        let mut answers = Answers::new();
        for (tokens, facts) in &inputs {
            count(&mut answers, &policy.outcome(tokens, facts));
        }
        for inputs in inputs.chunks(INPUTS_A_CALL) {
            let asked = serde_json::to_string(inputs)?;
            let here = replay::digest(&file.text, &asked).map_err(anyhow::Error::msg)?;
            let there = contributors.contribute(guest, asked.clone(), file.text.clone()).await;
            let Contributed::Said(said) = there else { panic!("{}: {there:?}", file.path) };
            let there: Vec<&str> = said.iter().map(|said| said.because.as_str()).collect();
            assert_eq!(there, [here.as_str()], "{}: wasm32 says otherwise to one of {asked}", file.path);
            compared += inputs.len();
        }
        println!("{}: {} inputs, {answers:?}", file.path, inputs.len());
        for word in ["approve", "needs", "unsure"] {
            assert!(answers.contains_key(word), "{}: no input has the answer {word}", file.path);
        }
    }
    println!("{compared} evaluations compared, byte for byte");
    Ok(())
}
