//! What `countersign connector profile` measures, on a connector that we ship. Times are not judged.

use super::{cassettes, component};
use anyhow::{Context as _, Result, ensure};
use countersign::conformance::Recordings;
use countersign::conformance::cassette::Cassette;
use countersign::conformance::profile::{self, Export, Profile};
use countersign_core::record::{Field, Value};

/// How often the ways are walked.
const RUNS: u32 = 3;

/// The most that was agreed to for a call, in whichever cassette: fuel, and KiB of memory.
fn agreed(call: &str) -> Result<(u64, u64)> {
    let budgets: toml::Table =
        toml::from_str(&std::fs::read_to_string(cassettes("webhook").join("budgets.toml"))?)?;
    let most = |unit: &str| {
        let of_calls = budgets.values().filter_map(|cassette| cassette.get(call)?.get(unit)?.as_integer());
        of_calls.max().and_then(|most| u64::try_from(most).ok())
    };
    most("fuel").zip(most("memory-kib")).with_context(|| format!("nothing was agreed to for `{call}`"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_says_of_each_export_what_it_takes_and_what_it_may() -> Result<()> {
    let recordings = Recordings::of(&cassettes("webhook"))?;
    let component = component("webhook")?;
    let profile = profile::run(&component, recordings, RUNS, &|_| {}).await?;
    let Profile { exports, limits, component_bytes, native_bytes, .. } = &profile;
    let names: Vec<&str> = exports.iter().map(|of| of.export).collect();
    ensure!(names == ["describe", "check", "fetch", "plan", "apply", "probe", "receive"], "{names:?}");
    for Export { export, calls, guest_ns, instantiation_ns, most, requests } in exports {
        let runs = usize::try_from(RUNS)?;
        ensure!(0 < *calls && calls % runs == 0, "{export}: the same in each run, {calls}");
        ensure!(0 < guest_ns.p50 && guest_ns.p50 <= guest_ns.p99, "{export}: {guest_ns:?}");
        ensure!(0 < instantiation_ns.p50 && instantiation_ns.p50 <= instantiation_ns.p99, "{export}");
        ensure!(
            0 < most.fuel && most.fuel <= limits.fuel && most.memory_kib <= limits.memory_kib,
            "{most:?}"
        );
        if *export == "describe" {
            ensure!(*calls == runs && *requests == 0, "it asks nobody");
            continue;
        }
        let (fuel, memory_kib) = agreed(export)?;
        // As far apart as the law lets them be.
        ensure!(most.fuel * 100 <= fuel * 120 && fuel * 100 <= most.fuel * 120, "{export}: {most:?}, {fuel}");
        ensure!(most.memory_kib == memory_kib, "{export}: {most:?}, {memory_kib} KiB");
    }
    let requests = |export: &str| exports.iter().find(|of| of.export == export).map(|of| of.requests);
    ensure!((requests("plan"), requests("apply")) == (Some(0), Some(1)));
    ensure!(*component_bytes == component.len() && 0 < *native_bytes && 0 < profile.load_ns);
    ensure!(profile.load_ns < profile.compile_ns, "what is in the cache is not compiled");
    ensure!((limits.memory_kib, limits.guest_ns, limits.requests) == (32 * 1024, 200_000_000, 32));
    let bears = profile.bears.first().context("its endpoint")?;
    ensure!((bears.per_second, bears.burst, bears.concurrent) == (5, 10, 2), "{bears:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_that_leaves_the_way_of_a_cassette_is_not_measured() -> Result<()> {
    let mut recordings = Recordings::of(&cassettes("webhook"))?;
    let cassette = recordings.cassettes.first_mut().context("a cassette")?;
    let reason = Field { name: "reason".to_owned(), value: Value::Text("another one".to_owned()) };
    *cassette = Cassette { fields: vec![reason], ..cassette.clone() };
    let name = cassette.name.clone();
    let measured = profile::run(&component("webhook")?, recordings, RUNS, &|_| {}).await;
    let why = measured.err().map(|why| why.to_string()).context("it asks what nobody answers")?;
    ensure!(why.starts_with(&format!("cassette `{name}`: ")), "{why}");
    Ok(())
}
