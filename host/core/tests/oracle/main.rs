//! The oracle: a second, naive implementation of the semantics, over generated policies and inputs.
//!
//! A policy is made by chance, written out as a document and read by the product; the oracle
//! interprets what was written. Both answer the same inputs, among them missing, stale and
//! out-of-bounds ones, and must agree on every part of the answer.
//!
//! | variable | what | usual |
//! |---|---|---|
//! | `PAIRS` | how many pairs of policy and inputs are compared | as many as fit the time |
//! | `BUDGET_SECONDS` | time of the whole kill suite; this one takes a tenth of it | 40 |
//! | `SEED` | where chance begins | 1 |
//!
//! `PAIRS=10000000 cargo test --release -p countersign-core --test oracle -- --nocapture` prints the count.

mod chance;
mod generate;
mod given;
mod model;
mod naive;
mod near;

use chance::Chance;
use countersign_core::document::{Faults, SourceFile};
use countersign_core::intent::value::TokenValue;
use countersign_core::policy::{Evaluation, Outcome, Policy, Settled};
use given::Asked;
use model::{Answer, MICRO, Ratio, Value};
use naive::Expected;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The share of the kill suite's time that this one takes: one part of so many.
const BUDGET_PARTS: u32 = 10;
/// Inputs that one policy is asked about: few in a short run, which so sees more policies.
const INPUTS_EACH: u64 = 50;
const INPUTS_EACH_MAX: u64 = 1_000;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("`{name}={text}` is no number")))
}

#[expect(clippy::disallowed_methods, reason = "the budget of a test is real time")]
fn now() -> Instant {
    Instant::now()
}

fn read(model: &model::Policy) -> Result<Policy, String> {
    let text = model.document();
    let file = SourceFile { path: "t.policy.md".to_owned(), text };
    let mut faults = Faults::new("t.policy.md");
    let policy = Policy::parse(&file, &BTreeMap::new(), &mut faults);
    let faults: Vec<String> = faults.into_list().iter().map(ToString::to_string).collect();
    match policy {
        Some(policy) if faults.is_empty() => Ok(policy),
        Some(_) | None => Err(faults.join("\n")),
    }
}

fn answer(settled: &Settled) -> Answer {
    match settled {
        Settled::Approve => Answer::Approve,
        Settled::Deny => Answer::Deny,
        Settled::Needs(needs) => Answer::Needs(
            needs.routes.iter().map(ToString::to_string).collect(),
            needs.evidence.iter().cloned().collect(),
        ),
    }
}

fn value(token: &TokenValue) -> Value {
    let micro = |number: i64, by: i128| Value::Number(Ratio::whole(i128::from(number) * by));
    match token {
        TokenValue::Percent(percent) => micro(percent.0, 1),
        TokenValue::Money(money) => micro(money.minor, MICRO / 100),
        TokenValue::Months(number) | TokenValue::Days(number) | TokenValue::Count(number) => {
            micro(*number, MICRO)
        }
        TokenValue::YesNo(truth) => Value::Truth(*truth),
        other => panic!("no term has the value {other:?}"),
    }
}

/// The answer of the product in the words of the oracle.
fn found(evaluation: &Evaluation) -> Expected {
    let settled = |answer: Answer| (BTreeSet::new(), answer.clone(), answer);
    let (reasons, known, possible) = match &evaluation.outcome {
        Outcome::Approve => settled(Answer::Approve),
        Outcome::Deny => settled(Answer::Deny),
        Outcome::Needs(needs) => settled(answer(&Settled::Needs(needs.clone()))),
        Outcome::Unsure(unsure) => (
            unsure.reasons.iter().map(|reason| (reason.kind.word(), reason.at.clone())).collect(),
            answer(&unsure.known),
            answer(&unsure.possible),
        ),
    };
    let place = |element: Option<u32>| element.map(|element| element as usize - 1);
    Expected {
        reasons,
        known,
        possible,
        rules: evaluation.rules.iter().map(|rule| (rule.id.to_string(), place(rule.element))).collect(),
        guards: evaluation.guards.iter().map(|guard| (guard.id.to_string(), place(guard.element))).collect(),
        not_true: evaluation.not_true.iter().map(ToString::to_string).collect(),
        terms: evaluation.terms.iter().map(|term| (term.name.to_string(), value(&term.value))).collect(),
        fail_open: evaluation.fail_open,
    }
}

/// One pair: whether it is unsure, how many near misses it has, and how many of them are of one
/// element. Panics with everything that is
/// needed to see a difference.
fn compare(model: &model::Policy, policy: &Policy, asked: &Asked, chance: &mut Chance) -> (bool, [usize; 2]) {
    let expected = naive::decide(model, &asked.given);
    let evaluation = policy.decide(&asked.tokens, &asked.facts);
    let found = found(&evaluation);
    let shown = || format!("{}\ntokens {:?}\nfacts {:?}", model.document(), asked.tokens, asked.facts);
    assert!(found == expected, "{}\nexpected {expected:#?}\nfound {found:#?}", shown());
    assert!(policy.outcome(&asked.tokens, &asked.facts) == evaluation.outcome, "{}", shown());
    for miss in &evaluation.near {
        let claimed = answer(&miss.outcome);
        if let Some(wrong) = near::wrong(model, &asked.given, &expected, miss, &claimed, chance) {
            panic!("{}\n{} is not true: {wrong}", shown(), miss.words());
        }
    }
    let of_element =
        evaluation.near.iter().filter(|near| near.changes.iter().any(|own| own.element.is_some()));
    (!expected.reasons.is_empty(), [evaluation.near.len(), of_element.count()])
}

/// What a run has seen.
#[derive(Debug, Default)]
struct Seen {
    pairs: u64,
    unsure: u64,
    near: u64,
    near_of_element: u64,
    policies: u64,
    refused: BTreeMap<String, u64>,
}

impl Seen {
    /// One policy from chance, with many inputs.
    fn policy(&mut self, seed: u64, inputs: u64) {
        let mut chance = Chance(seed);
        let model = generate::policy(&mut chance);
        self.policies += 1;
        let policy = match read(&model) {
            Ok(policy) => policy,
            Err(faults) => {
                let fault = faults.rsplit(": ").next().unwrap_or_default().to_owned();
                *self.refused.entry(fault).or_default() += 1;
                return;
            }
        };
        let edges = given::edges(&model);
        for _ in 0..inputs {
            let asked = given::asked(&model, &edges, &mut chance);
            let (unsure, [near, of_element]) = compare(&model, &policy, &asked, &mut chance);
            self.pairs += 1;
            self.unsure += u64::from(unsure);
            self.near += near as u64;
            self.near_of_element += of_element as u64;
        }
    }
}

#[test]
fn a_naive_reading_of_the_document_gives_the_same_answers() {
    let budget = Duration::from_secs(number("BUDGET_SECONDS").unwrap_or(40)) / BUDGET_PARTS;
    let wanted = number("PAIRS");
    let inputs = if wanted.is_some() { INPUTS_EACH_MAX } else { INPUTS_EACH };
    let began = now();
    let mut seen = Seen::default();
    let mut seed = number("SEED").unwrap_or(1);
    loop {
        let done = match wanted {
            Some(wanted) => wanted <= seen.pairs,
            None => budget <= began.elapsed(),
        };
        if done {
            break;
        }
        seen.policy(seed, inputs);
        seed += 1;
    }
    println!("{seen:?}: no difference in {:?}", began.elapsed());
    assert!(seen.near > 0 && seen.near_of_element > 0, "nothing that was near was tried");
    let refused: u64 = seen.refused.values().sum();
    assert!(refused * 4 <= seen.policies, "too many of the policies are refused: {:?}", seen.refused);
}
