//! `countersign connector profile`: what a connector takes, beside what it may take.

use super::{Global, kilobytes, short, test};
use crate::conformance::Recordings;
use crate::conformance::profile::{self, Export, RUNS, RUNS_MAX};
use crate::output::{self, Failure, Progress, Table};
use crate::{exit, wire};
use anyhow::Result;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Profile {
    /// A connector's folder, which is built first, or a finished component
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    connector: PathBuf,
    /// Folder of cassettes, instead of `cassettes` beside the source
    #[arg(long, value_name = "DIR")]
    cassettes: Option<PathBuf>,
    /// How often each call of each cassette is made; more runs say more of the slowest calls
    #[arg(long, value_name = "N", default_value_t = RUNS, value_parser = clap::value_parser!(u32).range(1..=i64::from(RUNS_MAX)))]
    runs: u32,
}

/// Measures a connector.
///
/// # Errors
/// If there is nothing to measure it by, or it does not go the way of its cassettes.
pub(super) async fn run(asked: &Profile, global: &Global) -> Result<ExitCode> {
    let folder = test::cassettes_of(&asked.connector, asked.cassettes.as_deref())?;
    // What is written by hand is read before anything is built, which may take a minute.
    let recordings = Recordings::of(&folder)?;
    if recordings.cassettes.is_empty() && recordings.deliveries.is_empty() {
        let message = format!("`{}` holds no cassette and no delivery", folder.display());
        let help = "there is nothing to call it with: record one with `countersign connector test --record CONNECTION`";
        return Err(Failure::new(exit::USAGE, message).with_help(help).into());
    }
    let progress = Progress::begin(global.quiet);
    let (_, component) = test::component(&asked.connector, &|text| progress.now(text))?;
    let measured = profile::run(&component, recordings, asked.runs, &|text| progress.now(text)).await?;
    progress.end();
    if global.json {
        output::json(&measured)?;
    } else {
        shown(&measured, global)?;
    }
    Ok(ExitCode::from(exit::DONE))
}

fn shown(measured: &profile::Profile, global: &Global) -> Result<()> {
    calls(measured)?;
    output::line("")?;
    whole(measured)?;
    if global.quiet {
        return Ok(());
    }
    let profile::Profile { connector, version, digest, class, runs, pooled, .. } = measured;
    output::say(&format!(
        "\n{connector} {version} (sha256:{}), class {class}: {runs} runs; the times are this machine's, fuel and memory \
         are the same everywhere",
        short(digest)
    ));
    if !pooled {
        output::say(
            "this machine has too little address space for a pool of instances: they take longer here",
        );
    }
    Ok(())
}

/// What the calls of each export took, and how much that is of what they may.
fn calls(measured: &profile::Profile) -> Result<()> {
    let limits = &measured.limits;
    let mut table = Table::new(&[
        "export",
        "calls",
        "guest p50",
        "p99",
        "of limit",
        "instance p50",
        "p99",
        "fuel",
        "of limit",
        "KiB",
        "of limit",
        "requests",
    ]);
    for of in &measured.exports {
        let Export { export, calls, guest_ns, instantiation_ns, most, requests } = of;
        table.row([
            (*export).to_owned(),
            calls.to_string(),
            time(guest_ns.p50),
            time(guest_ns.p99),
            share(guest_ns.p99, limits.guest_ns),
            time(instantiation_ns.p50),
            time(instantiation_ns.p99),
            most.fuel.to_string(),
            share(most.fuel, limits.fuel),
            most.memory_kib.to_string(),
            share(most.memory_kib, limits.memory_kib),
            requests.to_string(),
        ]);
    }
    table.print()
}

/// What the component is, and what it and its calls may take.
fn whole(measured: &profile::Profile) -> Result<()> {
    let limits = &measured.limits;
    let most = |part: fn(&Export) -> u64| measured.exports.iter().map(part).max().unwrap_or_default();
    let requests = most(|of| u64::try_from(of.requests).unwrap_or(u64::MAX));
    let mut table = Table::new(&["what", "is", "may be"]);
    let most_component = kilobytes(limits.component_bytes);
    table.row(["component", &kilobytes(measured.component_bytes), &most_component]);
    table.row(["native code", &kilobytes(measured.native_bytes), "–"]);
    let cpu = format!("{} s of processor time", wire::compiler()?.cpu_seconds);
    table.row(["compiling", &time(measured.compile_ns), &cpu]);
    table.row(["loading from the cache", &time(measured.load_ns), "–"]);
    table.row(["guest in a call, p99", &time(most(|of| of.guest_ns.p99)), &time(limits.guest_ns)]);
    let memory = |kib: u64| format!("{kib} KiB");
    table.row(["memory of a call", &memory(most(|of| of.most.memory_kib)), &memory(limits.memory_kib)]);
    table.row(["requests of a call", &requests.to_string(), &limits.requests.to_string()]);
    for of in &measured.bears {
        let profile::Bears { endpoint, per_second, burst, concurrent } = of;
        let bears = format!("{per_second} a second, {burst} at once after a pause, {concurrent} at one time");
        table.row([&format!("at endpoint {endpoint}"), "", &bears]);
    }
    table.print()
}

/// Nanoseconds in the unit that fits them.
fn time(nanos: u64) -> String {
    match nanos {
        0..1_000_000 => format!("{}.{} us", nanos / 1_000, nanos / 100 % 10),
        1_000_000..10_000_000_000 => format!("{}.{} ms", nanos / 1_000_000, nanos / 100_000 % 10),
        _ => format!("{} s", nanos / 1_000_000_000),
    }
}

/// How much of a limit that is, in percent with a digit behind the point.
fn share(is: u64, limit: u64) -> String {
    let tenths = is.saturating_mul(1_000).checked_div(limit).unwrap_or_default();
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_the_unit_that_fits_it() {
        let check = |nanos: u64, expected: &str| assert_eq!(time(nanos), expected);
        check(0, "0.0 us");
        check(12_340, "12.3 us");
        check(999_999, "999.9 us");
        check(1_000_000, "1.0 ms");
        check(240_560_000, "240.5 ms");
        check(9_999_999_999, "9999.9 ms");
        check(17_400_000_000, "17 s");
    }

    #[test]
    fn a_share_says_how_near_a_limit_is() {
        let check = |is: u64, limit: u64, expected: &str| assert_eq!(share(is, limit), expected);
        check(0, 100, "0.0 %");
        check(1, 32, "3.1 %");
        check(32, 32, "100.0 %");
        check(1, 0, "0.0 %");
    }
}
