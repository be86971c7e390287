//! Backtest: decisions a second that a changed policy gives anew, on prepared cases and out of a log.

use crate::figures::{Report, cpu, percentile};
use countersign_core::approval::command::{Command, Prepared};
use countersign_core::approval::event::Entry;
use countersign_core::approval::life::{self, Context};
use countersign_core::document::SourceFile;
use countersign_core::id::{FieldName, IntentId, IntentTypeName};
use countersign_core::intent::{FactValue, Facts, IntentType, Percent, Raw, TokenValue, Tokens};
use countersign_core::policy::backtest::{Backtest, Fate, Named, Recorded, Trial, Versions, Was};
use countersign_core::policy::{Outcome, Policy, Settled, decide};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::history::{self, Wanted};
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::store::{Append, Batch, Position, Store as _};
use countersign_tests::world::{root, starter};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Decisions of one run.
const DECISIONS: usize = 1_000_000;
/// Different cases among them; each is decided anew every time it comes.
const CASES: usize = 50_000;
/// Decisions that stand in the log.
const LOGGED: usize = 100_000;
/// Runs of which the median is told.
const RUNS: usize = 5;

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let rulebook = starter()?;
    let name = IntentTypeName::parse("discount")?;
    let intent = rulebook.intent_type(&name).ok_or_else(|| anyhow::anyhow!("no discount"))?;
    let old = rulebook.policies().find(|policy| policy.intent == name);
    let old = old.ok_or_else(|| anyhow::anyhow!("no policy"))?;
    let new = changed(&rulebook)?;
    let versions = Versions { old: Some(old), new: &new, intent, since: None };
    prepared(report, versions);
    logged(report, &rulebook, versions)
}

/// The starter's discount policy with its first threshold at 6 %.
fn changed(rulebook: &Rulebook) -> anyhow::Result<Policy> {
    let path = root().join("host/cli/starter/policies/discount.policy.md");
    let text = std::fs::read_to_string(path)?.replacen("<= 5%", "<= 6%", 1);
    let file = SourceFile { path: "discount.policy.md".to_owned(), text };
    rulebook.trying(&file).map_err(|faults| anyhow::anyhow!("{faults:?}"))
}

/// Numbers that are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap_or(0) % end
    }
}

/// One drawn deal as typed tokens and facts.
fn deal(draw: &mut Draw) -> anyhow::Result<(Tokens, Facts)> {
    let name = |text: &str| FieldName::parse(text);
    let currency = countersign_core::money::Currency::parse("USD")?;
    let amount = countersign_core::money::Money { minor: draw.below(40_000_000), currency };
    let tokens = Tokens::from([
        (name("discount_percent")?, TokenValue::Percent(Percent(draw.below(400) * 1_000))),
        (name("amount")?, TokenValue::Money(amount)),
        (name("term_months")?, TokenValue::Months(1 + draw.below(84))),
        (name("payment_days")?, TokenValue::Days(draw.below(90))),
    ]);
    Ok((tokens, facts(draw)?))
}

fn facts(draw: &mut Draw) -> anyhow::Result<Facts> {
    let segments = ["smb", "mid", "ent", "pub"];
    let segment = segments.iter().cycle().nth(usize::try_from(draw.below(4))?).map_or("smb", |word| word);
    let margin = TokenValue::Percent(Percent(draw.below(600) * 1_000 - 20_000));
    Ok(Facts::from([
        (FieldName::parse("segment")?, FactValue::Known(TokenValue::OneOf(segment.to_owned()))),
        (FieldName::parse("margin")?, FactValue::Known(margin)),
        (FieldName::parse("renewal")?, FactValue::Known(TokenValue::YesNo(draw.below(2) == 1))),
    ]))
}

fn cases(old: &Policy) -> anyhow::Result<Vec<Recorded>> {
    let mut draw = Draw(7);
    (0..CASES)
        .map(|number| {
            let (tokens, facts) = deal(&mut draw)?;
            let (was, fate) = match decide(old, &tokens, &facts).outcome {
                Outcome::Approve => (Some(Settled::Approve), Fate::ApprovedByPolicy),
                Outcome::Needs(needs) => (Some(Settled::Needs(needs)), Fate::ApprovedByPeople),
                Outcome::Deny => (Some(Settled::Deny), Fate::DeclinedByPolicy),
                Outcome::Unsure(_) => (None, Fate::Open),
            };
            let name = Named::Intent(IntentId::from_bits(u128::try_from(number)?));
            Ok(Recorded { name, tokens, facts, was: Was::Said(was), fate, seats: Vec::new() })
        })
        .collect()
}

/// The median time of some runs, wall and CPU, each on its own.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn median(mut work: impl FnMut()) -> (Duration, Duration) {
    let (mut wall, mut busy) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (began, before) = (Instant::now(), cpu());
        work();
        wall.push(began.elapsed());
        busy.push(cpu().saturating_sub(before));
    }
    wall.sort();
    busy.sort();
    (percentile(&wall, 50), percentile(&busy, 50))
}

fn rate(count: usize, time: Duration) -> String {
    format!("{:.0}/s", count as f64 / time.as_secs_f64())
}

fn prepared(report: &mut Report, versions: Versions<'_>) {
    let cases = match versions.old.map(cases) {
        Some(Ok(cases)) => cases,
        Some(Err(_)) | None => Vec::new(),
    };
    let all = || cases.iter().cycle().take(DECISIONS);
    let mut last: Option<Backtest> = None;
    let (wall, busy) = median(|| {
        let mut trial = Trial::new(versions);
        all().for_each(|case| trial.add(case));
        last = Some(black_box(trial.finish()));
    });
    let traced = all().take(DECISIONS / 10);
    let (_, with_trace) = median(|| {
        for case in traced.clone() {
            black_box(decide(versions.new, &case.tokens, &case.facts));
        }
    });
    let changed = last.map_or(0, |report| report.changed.count);
    report.row(
        "backtest of 1,000,000 prepared decisions, a core",
        rate(DECISIONS, busy),
        format!(
            "{:.2} s wall; decide with its trace {}; {changed} decided otherwise",
            wall.as_secs_f64(),
            rate(DECISIONS / 10, with_trace)
        ),
    );
}

/// One drawn deal as it is asked for at the door.
fn asked(draw: &mut Draw) -> Raw {
    let text = |text: String| Raw::Text(text);
    let map = |members: Vec<(&str, Raw)>| {
        Raw::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let amount = format!("{}.00", draw.below(400_000));
    map(vec![
        ("quote_id", text(format!("Q-{}", draw.below(1_000_000)))),
        ("customer_id", text(format!("A-{}", draw.below(10_000)))),
        ("discount_percent", text(format!("{}%", draw.below(40)))),
        ("amount", map(vec![("amount", text(amount)), ("currency", text("USD".to_owned()))])),
        ("term_months", Raw::Integer(1 + draw.below(84))),
        ("payment_days", Raw::Integer(draw.below(90))),
        ("reason", text("volume".to_owned())),
    ])
}

/// A log in memory, every entry from the transition table.
async fn written(rulebook: &Rulebook, intent: &IntentType) -> anyhow::Result<MemoryStore> {
    let store = MemoryStore::new();
    let now = Timestamp::from_rfc3339("2026-11-23T15:00:00Z").ok_or_else(|| anyhow::anyhow!("no moment"))?;
    let context = Context::new(rulebook, now, 7);
    let mut draw = Draw(11);
    for number in 0..LOGGED {
        let id = IntentId::from_bits(u128::try_from(number)?);
        let refused = |refusal| anyhow::anyhow!("{refusal}");
        let turn =
            life::submit(context, id, "ae-1", intent.name.as_str(), &asked(&mut draw)).map_err(refused)?;
        let facts = facts(&mut draw)?;
        let turn = turn
            .then(Command::Prepare {
                revision: 1,
                prepared: Box::new(Prepared { facts, ..Prepared::default() }),
            })
            .map_err(refused)?;
        let entries = turn.entries().iter().map(|entry| entry.to_bytes().map(Into::into));
        let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|fault| anyhow::anyhow!("{fault}"))?;
        let stream = id.to_string().into();
        let append = Append { stream, expected: 0, entries, errands: Vec::new(), row: None };
        store.append(Batch { appends: vec![append], caller_key: None }).await?;
    }
    Ok(store)
}

fn logged(report: &mut Report, rulebook: &Rulebook, versions: Versions<'_>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store = runtime.block_on(written(rulebook, versions.intent))?;
    let wanted = Wanted::from_day(Some(versions.intent.name.clone()), None);
    let mut failed = None;
    let (wall, busy) = median(|| {
        let mut trial = Trial::new(versions);
        let read = history::read(&store, &wanted, &|_, _| {}, |_, case| trial.add(&case));
        failed = runtime.block_on(read).err().or(failed.take());
        black_box(trial.finish());
    });
    if let Some(fault) = failed {
        anyhow::bail!("the log cannot be read: {fault}");
    }
    let entries = runtime.block_on(store.scan(Position(1), usize::MAX))?;
    let mut unread = 0;
    let (_, decoding) = median(|| {
        for logged in &entries {
            match serde_json::from_slice::<Entry>(&logged.entry) {
                Ok(entry) => drop(black_box(entry)),
                Err(_) => unread += 1,
            }
        }
    });
    anyhow::ensure!(unread == 0, "{unread} entries cannot be read");
    let bytes: usize = entries.iter().map(|logged| logged.entry.len()).sum();
    report.row(
        &format!("backtest of {LOGGED} decisions out of a log, a core"),
        rate(LOGGED, busy),
        format!(
            "{:.2} s wall; serde_json alone on the same {} entries ({} MB): {}",
            wall.as_secs_f64(),
            entries.len(),
            bytes / 1_000_000,
            rate(LOGGED, decoding)
        ),
    );
    Ok(())
}
