//! The report as a page of text that a person reads in ten seconds.

use super::report::{Flows, Report};
use std::fmt::Write as _;

/// Width of the first column.
const NAME: usize = 20;

/// The page.
#[must_use]
pub fn page(report: &Report) -> String {
    let mut page = String::new();
    // Writing into a String cannot fail; the result is the formatter's habit.
    let _ = write(&mut page, report);
    page
}

fn write(page: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(
        page,
        "{:NAME$}{:>8}{:>13}{:>13}{:>11}{:>11}",
        "intents", "asked", "by policy", "by people", "denied", "declined"
    )?;
    let mut all = Flows::default();
    for (flow, flows) in &report.flows {
        row(page, &format!("  {}", flow.replace('_', " ")), *flows)?;
        all = all.plus(*flows);
    }
    row(page, "  all", all)?;

    let landed: usize = report.landed.values().sum();
    writeln!(page, "\n{:NAME$}{landed:>8}", "effects landed")?;
    for (system, times) in &report.landed {
        writeln!(page, "{:NAME$}{times:>8}", format!("  {system}"))?;
    }

    let faults: u64 = report.faults.values().sum();
    writeln!(page, "\n{:NAME$}{faults:>8}  in {} requests", "faults on purpose", report.requests)?;
    for (kind, times) in &report.faults {
        writeln!(page, "{:NAME$}{times:>8}  {}", "", kind.words())?;
    }
    for under_way in &report.killed {
        writeln!(page, "{:NAME$}{:>8}  host killed (SIGKILL) with {under_way} intents under way", "", 1)?;
    }
    let (attempts, retries, probes) = (report.attempts, report.retries, report.probes);
    writeln!(page, "{:NAME$}{attempts:>8}  {retries} tried again, {probes} probes", "attempts")?;

    writeln!(page, "\n{:NAME$}{:>8}", "lost", report.lost)?;
    writeln!(page, "{:NAME$}{:>8}", "doubled", report.doubled)?;
    writeln!(page, "{:NAME$}{:>8}", "without approval", report.unexplained)?;
    writeln!(page, "{:NAME$}{:>8}", "left open", report.open)?;
    writeln!(page, "{:NAME$}{:>8}", "open exceptions", report.open_exceptions)?;
    let head = report.log_head.get(..16).unwrap_or(&report.log_head);
    writeln!(page, "{:NAME$}{:>8}  entries, chain head {head}...", "log verified", report.log_entries)?;

    let seconds = report.took_ms / 1_000;
    if report.ok {
        writeln!(page, "\nEverything holds: {seconds} s, seed {}.", report.seed)?;
    } else {
        writeln!(page, "\nNot everything holds ({seconds} s, seed {}):", report.seed)?;
        for difference in &report.differences {
            writeln!(page, "  {difference}")?;
        }
    }
    Ok(())
}

fn row(page: &mut String, name: &str, flows: Flows) -> std::fmt::Result {
    let Flows { asked, by_policy, by_people, denied, declined, open } = flows;
    write!(page, "{name:NAME$}{asked:>8}{by_policy:>13}{by_people:>13}{denied:>11}{declined:>11}")?;
    if 0 < open {
        write!(page, "{open:>8} open")?;
    }
    writeln!(page)
}
