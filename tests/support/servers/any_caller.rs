//! A caller who says whatever the description of the API allows, and what it does not: schemathesis.

use super::program_of;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// What it looks at in each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance";

/// Says whether a description of an API is one, by a validator that is not ours.
///
/// # Errors
/// It is not installed, or what is wrong with the description.
pub fn is_described(description: &Path) -> Result<()> {
    let mut validator = Command::new(program_of("described", "openapi-spec-validator")?);
    let ended = validator.arg(description).output().context("the validator does not run")?;
    ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    Ok(())
}

/// How it finds what to say.
#[derive(Debug, Clone, Copy)]
pub enum Phase {
    /// Each constraint of the description, kept and broken; so often as there are.
    Coverage,
    /// By chance, for about so many seconds; `SEED` is what chance begins with.
    Fuzzing(u64),
}

/// Calls what `description` names at `url`, as any of those whose tokens are in `known`; gives its report.
///
/// # Errors
/// It is not installed, or what it found, with how to see it again.
pub fn calls_everything(url: &str, description: &Path, known: &Value, phase: Phase) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let (caller, report) = (folder.path().join("caller.json"), folder.path().join("report.json"));
    std::fs::write(&caller, serde_json::to_vec(known)?)?;
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/servers/any_caller.py");
    let mut command = Command::new(program_of("described", "schemathesis")?);
    command.env("SCHEMATHESIS_HOOKS", hooks).env("ANY_CALLER", caller).current_dir(folder.path());
    command.arg("run").arg(description).args(["--url", url, "--no-color", "--continue-on-failure"]);
    command.args(["--checks", CHECKS, "--generation-database", "none", "--warnings", "off", "--no-shrink"]);
    let seed = std::env::var("SEED").unwrap_or_else(|_| "7".to_owned());
    command.args(["--seed", &seed]);
    match phase {
        Phase::Coverage => command.args(["--phases", "coverage"]),
        Phase::Fuzzing(seconds) => command.args(["--phases", "fuzzing", "--max-time", &seconds.to_string()]),
    };
    let ended =
        command.arg("--report-json-path").arg(&report).output().context("schemathesis does not run")?;
    let told = String::from_utf8_lossy(&ended.stdout);
    let found =
        told.find("= FAILURES =").or_else(|| told.find("= ERRORS =")).map_or(&*told, |at| &told[at..]);
    ensure!(ended.status.success(), "{found}{}", String::from_utf8_lossy(&ended.stderr));
    Ok(serde_json::from_slice(&std::fs::read(&report)?)?)
}
