//! The SDK in C: its own tests, run on this machine by the compiler that builds connectors; and what is no failure of a
//! target but a bug of the connector, which is one with a text and no trap.

use super::hooks::connected;
use super::told;
use super::world::name;
use anyhow::{Context as _, Result, ensure};
use countersign_core::record::RecordRef;
use countersign_core::time::Timestamp;
use countersign_engine::port::connectors::{Asked, Connectors as _};
use countersign_tests::guests::component;
use countersign_tests::world::root;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The guest whose build brings the compiler.
const GUEST: &str = "c-told";

#[test]
fn the_sdk_in_c_passes_its_own_tests() -> Result<()> {
    component(GUEST, env!("CARGO_TARGET_TMPDIR"))?;
    let (sdk, folder) = (root().join("sdk/c"), tempfile::tempdir()?);
    let build = root().join("target/guests/c/told-c-guest");
    let tests = folder.path().join("sdk-tests");
    let mut compiler = Command::new(build.join("environment/bin/python3"));
    compiler
        .args(["-m", "ziglang", "cc", "-std=c17", "-g", "-Wall", "-Wextra", "-Werror"])
        // What the language leaves open ends the program, and with it the test.
        .args(["-fsanitize=undefined", "-fno-sanitize-recover=all", "-o"])
        .arg(&tests)
        .args(sources(&sdk)?)
        .args(sources(&sdk.join("tests"))?)
        .env("ZIG_GLOBAL_CACHE_DIR", build.join("cache"))
        .env("ZIG_LOCAL_CACHE_DIR", build.join("cache"));
    let built = compiler.output().context("the compiler starts")?;
    ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let ended = Command::new(&tests).output()?;
    let said = String::from_utf8_lossy(&ended.stdout);
    ensure!(ended.status.success() && said.ends_with(" passed, 0 failed\n"), "{}: {said}", ended.status);
    Ok(())
}

/// The files of C in a folder.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let all: std::io::Result<Vec<_>> = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    Ok(all?.into_iter().filter(|file| file.extension().is_some_and(|end| end == "c")).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bug_of_a_guest_in_c_is_a_failure_and_no_trap() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = connected(folder.path(), "c").await?;
    let no_memory = "connector.bug: the call needs more memory than `memory_bytes_max` allows";
    for (bug, expected) in [
        ("assert", "connector.bug: told.c:"),
        ("memory", no_memory),
        ("more-memory", no_memory),
        ("deep", "connector.bug: JSON that is too deep cannot be written"),
        ("json-twice", "connector.bug: only JSON that was made and stands nowhere can be put"),
        ("nothing", "odd-value: the id of the record is none"),
    ] {
        let subject = RecordRef { kind: "ticket".to_owned(), id: bug.to_owned() };
        let (broke, said) = told(runtime.fetch(&name("told"), subject).await);
        ensure!(broke.is_none() && said.starts_with(expected), "{bug}: {broke:?} {said}");
        ensure!(bug != "assert" || said.ends_with(": `!cs_is(id, \"assert\")` does not hold"), "{said}");
    }
    let asked =
        Asked { kind: "ticket".to_owned(), cursor: Some("assert".to_owned()), limit: 10, now: Timestamp(0) };
    let (broke, said) = told(runtime.changes(&name("told"), asked).await);
    ensure!(
        broke.is_none() && said.starts_with("connector.bug: told.c:"),
        "a cursor comes in: {broke:?} {said}"
    );
    Ok(())
}
