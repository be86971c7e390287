//! `countersign demo`: see it work, with nothing set up.

use super::Global;
use crate::demo::{self, DemoOptions};
use clap::Args;
use std::process::ExitCode;

/// Most intents of one run: it is a demonstration, not a load test.
const INTENTS_MAX: u64 = 500;

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Makes the same wishes and the same faults again
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
    /// How many intents are asked for
    #[arg(long, default_value_t = 60, value_name = "NUMBER",
        value_parser = clap::value_parser!(u64).range(4..=INTENTS_MAX))]
    intents: u64,
    /// Leave the host running afterwards, and print its address and the tokens
    #[arg(long)]
    keep: bool,
}

/// Runs the three flows against stand-ins that fail on purpose, kills the host in the middle, and
/// compares what is there with what was approved.
///
/// # Errors
/// If it cannot be staged. What does not hold is no error: it is in the report and the exit code.
pub async fn run(arguments: Demo, global: &Global) -> anyhow::Result<ExitCode> {
    let Demo { seed, intents, keep } = arguments;
    let intents = usize::try_from(intents).unwrap_or(usize::MAX);
    let binary = std::env::current_exe()?;
    demo::run(DemoOptions { seed, intents, keep, json: global.json, binary }).await
}
