//! What each call costs, in fuel and memory, against what it cost when somebody last agreed to it: law `budgets`.
//!
//! The ways of the cassettes are walked once more on an engine that counts fuel, which compiles the component a second
//! time. Time is not looked at: it says more of the machine than of the connector.

use super::bench::Bench;
use super::cassette::Cassette;
use super::deliveries::Told;
use super::law::{Book, Breach, Law};
use super::straight::{self, Crooked};
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

/// What was agreed to, in a file beside the cassettes.
pub const FILE: &str = "budgets.toml";
/// Most bytes of it: several times what all cassettes of a folder fill.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// How much more than agreed a call may take, in percent: what another compiler makes of the same source is within it.
const SLACK_PERCENT: u64 = 20;
/// What stands at the beginning of the file.
const HEADING: &str = "\
# The most that a call took while its cassette was walked: units of fuel, KiB of linear memory.
# `countersign connector test --accept-budgets` writes it.
";

/// What a call took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cost {
    /// Units of fuel, about one an instruction.
    pub fuel: u64,
    /// Most linear memory.
    pub memory_kib: u64,
}

impl Cost {
    /// The larger of both, each by itself.
    #[must_use]
    pub fn most(self, other: Cost) -> Cost {
        Cost { fuel: self.fuel.max(other.fuel), memory_kib: self.memory_kib.max(other.memory_kib) }
    }
}

/// What each call may cost, by cassette and name of the call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Budgets(BTreeMap<String, BTreeMap<String, Cost>>);

/// What a call took, beside what it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Costs {
    /// The cassette.
    pub cassette: String,
    /// The call, such as `apply`.
    pub call: String,
    /// What it took.
    #[serde(flatten)]
    pub is: Cost,
    /// How much that is of the memory of the connector's class, in percent.
    #[serde(rename = "memory-percent")]
    pub memory_percent: u64,
    /// What was agreed to, if anything was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Cost>,
}

impl Budgets {
    /// What was agreed to, if anything was, in a folder of cassettes.
    ///
    /// # Errors
    /// If the file is none.
    pub fn of(folder: &Path) -> Result<Option<Budgets>> {
        let file = folder.join(FILE);
        if !file.is_file() {
            return Ok(None);
        }
        let unread = || format!("`{}` cannot be read", file.display());
        if FILE_BYTES_MAX < std::fs::metadata(&file).with_context(unread)?.len() {
            bail!("`{}` is larger than 1 MiB", file.display());
        }
        let text = std::fs::read_to_string(&file).with_context(unread)?;
        let wrong = || format!("`{}` holds no budgets; `--accept-budgets` writes it anew", file.display());
        toml::from_str(&text).map(Some).with_context(wrong)
    }

    /// What these calls took, to be agreed to.
    #[must_use]
    pub fn from_costs(costs: &[Costs]) -> Budgets {
        let mut budgets = Budgets::default();
        for Costs { cassette, call, is, .. } in costs {
            budgets.0.entry(cassette.clone()).or_default().insert(call.clone(), *is);
        }
        budgets
    }

    /// Writes it beside the cassettes, a line a call. A stop leaves the old file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let (file, beside) = (folder.join(FILE), folder.join(format!("{FILE}.{}", std::process::id())));
        std::fs::write(&beside, self.text()?)
            .and_then(|()| std::fs::rename(&beside, &file))
            .with_context(|| format!("`{}` cannot be written", file.display()))
    }

    fn text(&self) -> Result<String> {
        let mut text = HEADING.to_owned();
        for (cassette, calls) in &self.0 {
            writeln!(text, "\n[{}]", toml::Value::String(cassette.clone()))?;
            for (call, Cost { fuel, memory_kib }) in calls {
                writeln!(text, "{call} = {{ fuel = {fuel}, memory-kib = {memory_kib} }}")?;
            }
        }
        Ok(text)
    }

    fn get(&self, cassette: &str, call: &str) -> Option<Cost> {
        self.0.get(cassette)?.get(call).copied()
    }
}

/// Walks the way of every cassette and hands every delivery over, and compares what each call took with what was agreed
/// to. Where nothing was, nothing is looked at.
///
/// # Errors
/// If the kit itself cannot work here.
pub(super) async fn look(
    component: &[u8],
    cassettes: &[Arc<Cassette>],
    deliveries: &[Told],
    budgets: Option<&Budgets>,
    book: &mut Book,
) -> Result<Vec<Costs>> {
    if cassettes.is_empty() && deliveries.is_empty() {
        return Ok(Vec::new());
    }
    let bench = Bench::counting(component.to_vec()).await?;
    for Crooked { law, breach } in straight::everywhere(&bench, cassettes, deliveries).await? {
        // What is wrong with the connector is on record already; here it must go the way that it went before.
        if !book.of(law).breaches.contains(&breach) {
            let doing = format!("{}, while its fuel was counted", breach.doing);
            book.enter(Law::Budgets, Some(Breach { doing, ..breach }));
        }
    }
    let class_kib = kib(bench.installed.manifest.connector.class.memory_bytes()).max(1);
    let costs = bench.costs().into_iter().map(|((cassette, call), is)| {
        let was = budgets.and_then(|budgets| budgets.get(&cassette, call));
        let memory_percent = is.memory_kib.saturating_mul(100) / class_kib;
        Costs { cassette, call: call.to_owned(), is, memory_percent, was }
    });
    let costs: Vec<Costs> = costs.collect();
    for of in &costs {
        enter(of, book);
    }
    Ok(costs)
}

/// Bytes in KiB, rounded up.
pub(super) fn kib(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(1024)).unwrap_or(u64::MAX)
}

fn enter(of: &Costs, book: &mut Book) {
    let Costs { cassette, call, is, was: Some(was), .. } = of else { return };
    let fuel = ("units of fuel", is.fuel, was.fuel);
    let memory = ("KiB of memory", is.memory_kib, was.memory_kib);
    for (unit, is, was) in [fuel, memory] {
        let breach = is_over(is, was).then(|| Breach {
            cassette: cassette.clone(),
            doing: call.clone(),
            found: format!("took {is} {unit}, and {was} were agreed to"),
            wanted: format!(
                "at most {SLACK_PERCENT} % more than `{FILE}` says; if it is worth that, agree to it: \
                 `countersign connector test --accept-budgets`"
            ),
        });
        book.enter(Law::Budgets, breach);
    }
}

fn is_over(is: u64, was: u64) -> bool {
    was.saturating_mul(100 + SLACK_PERCENT) < is.saturating_mul(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_more_is_borne_and_nothing_beyond() {
        let check =
            |is: u64, was: u64, expected: bool| assert_eq!(is_over(is, was), expected, "{is} of {was}");
        check(100, 100, false);
        check(120, 100, false);
        check(121, 100, true);
        check(1, 0, true);
        check(50, 100, false);
    }

    #[test]
    fn what_is_agreed_to_reads_back_a_line_a_call() {
        let costs = |cassette: &str, call: &str, fuel| Costs {
            cassette: cassette.to_owned(),
            call: call.to_owned(),
            is: Cost { fuel, memory_kib: 1_088 },
            memory_percent: 3,
            was: None,
        };
        let budgets = Budgets::from_costs(&[
            costs("price", "plan", 7),
            costs("deliveries/a \"b\"", "interpret", 8),
            costs("price", "apply", 9),
        ]);
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Budgets::of(folder.path()).expect("nothing is wrong"), None);
        budgets.write(folder.path()).expect("it is written");
        let text = std::fs::read_to_string(folder.path().join(FILE)).expect("it is read");
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("fuel =")).collect();
        let expected = [
            "interpret = { fuel = 8, memory-kib = 1088 }",
            "apply = { fuel = 9, memory-kib = 1088 }",
            "plan = { fuel = 7, memory-kib = 1088 }",
        ];
        assert_eq!(lines, expected, "{text}");
        assert_eq!(Budgets::of(folder.path()).expect("it is one"), Some(budgets));
        std::fs::write(folder.path().join(FILE), "[price]\napply = { feul = 1 }").expect("it is written");
        let why = format!("{:#}", Budgets::of(folder.path()).expect_err("it is none"));
        assert!(why.contains("holds no budgets") && why.contains("feul"), "{why}");
    }
}
