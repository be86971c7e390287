//! Policy: what one decision costs with and without its trace, from typed values and from JSON text,
//! what the lint of a table costs, and the same table in another engine.

mod rival;
mod table;

use crate::figures::{Report, percentile};
use anyhow::Context as _;
use countersign_core::document::SourceFile;
use countersign_core::id::IntentTypeName;
use countersign_core::intent::{Facts, IntentType, Raw, Tokens};
use countersign_core::policy::lint::{House, lint};
use countersign_core::policy::{Outcome, Policy, decide, outcome};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_tests::world::starter;
use std::hint::black_box;
use std::time::{Duration, Instant};
use table::{Deal, Draw, Table};

/// Rows of the tables that are measured.
const SIZES: [usize; 2] = [10, 200];
/// Different deals that each run decides.
const DEALS: usize = 2_000;
/// Runs of which the median is told.
const RUNS: usize = 15;
/// Deals that the other engine decides: it is slower.
const RIVAL_DEALS: usize = 200;

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let rulebook = starter()?;
    let name = IntentTypeName::parse("discount")?;
    let intent = rulebook.intent_type(&name).context("no discount")?;
    for rows in SIZES {
        let table = Table::of(rows);
        let file = SourceFile { path: "discount.policy.md".to_owned(), text: table.document()? };
        let policy = rulebook.trying(&file).map_err(|faults| anyhow::anyhow!("{faults:#?}"))?;
        let mut draw = Draw(7);
        let deals: Vec<Deal> = (0..DEALS).map(|_| Deal::drawn(&mut draw)).collect();
        decisions(report, &policy, intent, &table, &deals)?;
        proofs(report, &rulebook, intent, &policy)?;
    }
    Ok(())
}

/// The median time of one call among some runs over all items.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn each<T>(items: &[T], mut work: impl FnMut(&T)) -> Duration {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        items.iter().for_each(&mut work);
        times.push(began.elapsed() / u32::try_from(items.len()).unwrap_or(u32::MAX).max(1));
    }
    times.sort();
    percentile(&times, 50)
}

fn nanos(time: Duration) -> String {
    format!("{} ns", time.as_nanos())
}

/// A deal in the product's types.
fn typed(intent: &IntentType, deal: &Deal) -> anyhow::Result<(Tokens, Facts)> {
    let fault = |faults| anyhow::anyhow!("{faults:?}");
    let tokens: Raw = serde_json::from_str(&deal.tokens())?;
    let facts: Raw = serde_json::from_str(&deal.facts())?;
    Ok((intent.validate(&tokens).map_err(fault)?, intent.validate_facts(&facts).map_err(fault)?))
}

fn decisions(
    report: &mut Report,
    policy: &Policy,
    intent: &IntentType,
    table: &Table,
    deals: &[Deal],
) -> anyhow::Result<()> {
    let rows = policy.rules.len();
    let typed = deals.iter().map(|deal| typed(intent, deal)).collect::<Result<Vec<_>, _>>()?;
    let plain = each(&typed, |(tokens, facts)| {
        black_box(outcome(policy, tokens, facts));
    });
    let traced = |(tokens, facts): &(Tokens, Facts)| {
        black_box(decide(policy, tokens, facts));
    };
    let is_near = |deal: &&(Tokens, Facts)| !decide(policy, &deal.0, &deal.1).near.is_empty();
    let (near, alone): (Vec<_>, Vec<_>) = typed.iter().partition(is_near);
    let texts: Vec<(String, String)> = deals.iter().map(|deal| (deal.tokens(), deal.facts())).collect();
    let mut undecided = 0;
    let from_text = each(&texts, |(tokens, facts)| {
        let raw = |text: &str| serde_json::from_str::<Raw>(text).ok();
        let tokens = raw(tokens).and_then(|raw| intent.validate(&raw).ok());
        let facts = raw(facts).and_then(|raw| intent.validate_facts(&raw).ok());
        match tokens.zip(facts) {
            Some((tokens, facts)) => drop(black_box(outcome(policy, &tokens, &facts))),
            None => undecided += 1,
        }
    });
    anyhow::ensure!(undecided == 0, "{undecided} deals were not decided");
    let rival = rival::Program::of(table)?;
    let few = deals.iter().zip(&typed).take(RIVAL_DEALS).collect::<Vec<_>>();
    for (deal, (tokens, facts)) in &few {
        let (own, theirs) = (asked(&outcome(policy, tokens, facts)), rival.decide(deal)?);
        anyhow::ensure!(own == theirs, "{deal:?}: {own:?} here, {theirs:?} there");
    }
    let theirs = each(&few, |(deal, _)| {
        // It answered each of them above.
        let _ = black_box(rival.decide(deal));
    });
    let ratio = theirs.as_nanos().checked_div(plain.as_nanos()).unwrap_or(0);
    report.row(
        &format!("decide without trace, {rows} rows x 6"),
        nanos(plain),
        format!("cel, same table, guards and answers: {} ({ratio} x)", nanos(theirs)),
    );
    report.row(
        &format!("decide with trace, {rows} rows x 6"),
        nanos(each(&typed, traced)),
        format!(
            "{} with near misses: {}, {} without: {}",
            near.len(),
            nanos(each(&near, |deal| traced(deal))),
            alone.len(),
            nanos(each(&alone, |deal| traced(deal)))
        ),
    );
    let bytes: usize = texts.iter().map(|(tokens, facts)| tokens.len() + facts.len()).sum();
    report.row(
        &format!("JSON text to decision, {rows} rows x 6"),
        nanos(from_text),
        format!("{} bytes of text each", bytes / texts.len().max(1)),
    );
    Ok(())
}

/// What an outcome asks for, in words that another engine can be compared by.
fn asked(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Approve => Vec::new(),
        Outcome::Needs(needs) => needs.routes.iter().map(ToString::to_string).collect(),
        Outcome::Deny => vec!["deny".to_owned()],
        Outcome::Unsure(unsure) => vec![format!("unsure: {:?}", unsure.reasons)],
    }
}

fn proofs(
    report: &mut Report,
    rulebook: &Rulebook,
    intent: &IntentType,
    policy: &Policy,
) -> anyhow::Result<()> {
    let on = Timestamp::from_rfc3339("2026-11-23T15:00:00Z").context("no moment")?;
    let house = || House { directory: rulebook.directory(), intent, on };
    let findings = lint(policy, house()).len();
    let time = each(&[()], |()| {
        black_box(lint(policy, house()));
    });
    report.row(
        &format!("lint, {} rows x 6", policy.rules.len()),
        format!("{:.2} ms", time.as_secs_f64() * 1e3),
        format!("{findings} findings"),
    );
    Ok(())
}
