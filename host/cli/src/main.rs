//! The program: reads the arguments, runs one command, answers with an exit code.

use clap::Parser as _;
use countersign::command::{self, Arguments};
use countersign::output;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("COUNTERSIGN_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).json().init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => {
            return output::explain(&anyhow::Error::new(fault).context("no runtime could be started"));
        }
    };
    match runtime.block_on(command::run(arguments)) {
        Ok(code) => code,
        Err(fault) => output::explain(&fault),
    }
}
