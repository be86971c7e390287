//! The program: reads the arguments, runs one command, answers with an exit code.

use clap::Parser as _;
use countersign::command::{self, Arguments};
use countersign::output;
use countersign_connectors::{COMPILE_ARGUMENT, compile_input};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Before anything else: what compiles a stranger's component has nothing in it but that.
    let mut behind = std::env::args_os().skip(1);
    if behind.next().is_some_and(|argument| argument == COMPILE_ARGUMENT) {
        return ExitCode::from(compile_input(behind));
    }
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
