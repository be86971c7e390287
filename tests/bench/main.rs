//! Figures, each beside its yardstick in the same run: `cargo bench -p countersign-tests`.
//!
//! The machine is shared and noisy: read ratios and medians, not single numbers. Nothing in here
//! asserts a time; tests never do.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a report is what it makes")]

mod backtest;
mod connectors;
mod decisions;
mod effects;
mod figures;
mod inbox;
mod open;
mod policy;
mod record;
mod restart;
mod sandbox;
#[path = "../it/api/world.rs"]
#[expect(dead_code, reason = "the suite of the API asks more of it")]
mod world;
mod yardstick;

use figures::Report;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> anyhow::Result<()> {
    // Some benches run their target, or the host that they kill, in a process of its own.
    match std::env::var("COUNTERSIGN_BENCH_ROLE").as_deref() {
        Ok("sink") => return effects::sink(),
        Ok("host-open") => return open::host(&std::env::var("BENCH_FOLDER")?),
        Ok(role) => return restart::host(role),
        Err(_) => {}
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    let mut report = Report::default();
    if runs("disk") {
        yardstick::disk(&mut report)?;
    }
    if runs("decisions") {
        decisions::run(&mut report)?;
    }
    if runs("policy") {
        policy::run(&mut report)?;
    }
    if runs("backtest") {
        backtest::run(&mut report)?;
    }
    if runs("sandbox") {
        sandbox::run(&mut report)?;
    }
    if runs("connectors") {
        connectors::run(&mut report)?;
    }
    if runs("effects") {
        effects::run(&mut report)?;
    }
    if runs("restart") {
        restart::run(&mut report)?;
    }
    if runs("record") {
        record::run(&mut report)?;
    }
    if runs("open") {
        open::run(&mut report)?;
    }
    if runs("inbox") {
        inbox::run(&mut report)?;
    }
    report.print();
    Ok(())
}
