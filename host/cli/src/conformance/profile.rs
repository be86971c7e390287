//! What a connector takes, for its author: time in the guest, time until there is an instance, fuel and memory of each
//! export, and what the component is to compile and to load.
//!
//! The ways of the cassettes are walked as often as somebody wants to know, on the engine that serves, and once more on
//! the one that counts fuel. Fuel and memory are the same in every run; times are this machine's, at this moment.

use super::Recordings;
use super::bench::{Bench, DESCRIBE, Taken};
use super::budgets::{Cost, kib};
use super::straight::{self, Crooked};
use crate::exit;
use crate::output::Failure;
use anyhow::Result;
use countersign_connectors::{COMPONENT_BYTES_MAX, Class, Manifest, REQUESTS_MAX, Spent, Weight};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often the ways are walked unless told otherwise: some seconds for a connector in Rust, half a minute in Python.
pub const RUNS: u32 = 50;
/// Most walks: every call of every one of them is kept until the end.
pub const RUNS_MAX: u32 = 1_000;
/// Most walks that are told while they go on.
const TOLD: u32 = 10;
/// The exports, in the order of the contract.
const EXPORTS: [&str; 11] = [
    DESCRIBE,
    "check",
    "fetch",
    "changes",
    "plan",
    "apply",
    "probe",
    "undo",
    "probe-undo",
    "interpret",
    "receive",
];

/// What a connector takes.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Profile {
    /// The connector's id.
    pub connector: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component.
    pub digest: String,
    /// The class of its manifest.
    pub class: &'static str,
    /// How often the ways were walked.
    pub runs: u32,
    /// Whether instances came from a pool, as on a host with enough address space.
    pub pooled: bool,
    /// The component, in bytes.
    pub component_bytes: usize,
    /// The same as native code.
    pub native_bytes: usize,
    /// Time to compile it.
    pub compile_ns: u64,
    /// Time to load it from the cache.
    pub load_ns: u64,
    /// What a call may take at most.
    pub limits: Limits,
    /// What its targets bear.
    pub bears: Vec<Bears>,
    /// What the calls of each export took.
    pub exports: Vec<Export>,
}

/// What a call may take at most, by the class of the manifest or on every host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Limits {
    /// The component, in bytes.
    pub component_bytes: usize,
    /// Time in the guest.
    pub guest_ns: u64,
    /// Fuel, where it is counted.
    pub fuel: u64,
    /// Linear memory.
    pub memory_kib: u64,
    /// Requests of one call.
    pub requests: u32,
}

impl Limits {
    fn of(class: Class) -> Limits {
        Limits {
            component_bytes: COMPONENT_BYTES_MAX,
            guest_ns: nanos(class.guest()),
            fuel: class.fuel(),
            memory_kib: kib(class.memory_bytes()),
            requests: REQUESTS_MAX,
        }
    }
}

/// What a target bears of everybody on one connection, by the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Bears {
    /// The endpoint.
    pub endpoint: String,
    /// Requests a second.
    pub per_second: u32,
    /// Requests at once, after a pause.
    pub burst: u32,
    /// Requests at one time.
    pub concurrent: u32,
}

/// What the calls of one export took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Export {
    /// Its name.
    pub export: &'static str,
    /// How often it was called.
    pub calls: usize,
    /// Time in the guest, without what it waited for.
    pub guest_ns: Spread,
    /// Time until there was an instance, with what the guest computed for that.
    pub instantiation_ns: Spread,
    /// The most fuel and memory of any call.
    #[serde(flatten)]
    pub most: Cost,
    /// The most requests of any call.
    pub requests: usize,
}

/// Times of many calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Spread {
    /// Half of them took no longer.
    pub p50: u64,
    /// Of a hundred, one took longer.
    pub p99: u64,
}

impl Spread {
    fn of(times: impl Iterator<Item = Duration>) -> Spread {
        let mut times: Vec<u64> = times.map(nanos).collect();
        times.sort_unstable();
        // The smallest that so many of a hundred are no larger than.
        let at = |percent: usize| {
            let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(place).copied().unwrap_or_default()
        };
        Spread { p50: at(50), p99: at(99) }
    }
}

/// Measures a component along what was recorded of its targets; `progress` is told what is done now.
///
/// # Errors
/// If a host would not take it, or it does not go the way of a cassette.
pub async fn run(
    component: &[u8],
    recordings: Recordings,
    runs: u32,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Profile> {
    let Recordings { cassettes, deliveries, .. } = recordings;
    let cassettes: Vec<_> = cassettes.into_iter().map(Arc::new).collect();
    progress("compiling");
    let (bench, weight) = Bench::weighed(component.to_vec()).await?;
    let walk = async |bench: &Bench| {
        bench.describe().await?;
        match straight::everywhere(bench, &cassettes, &deliveries).await?.into_iter().next() {
            None => anyhow::Ok(()),
            Some(crooked) => Err(not_straight(crooked).into()),
        }
    };
    // The first calls meet memory that nobody has touched: a host meets that once.
    walk(&bench).await?;
    bench.measure();
    for run in 1..=runs {
        // Where nobody watches, each is a line of its own.
        if (run - 1).is_multiple_of(runs.div_ceil(TOLD)) {
            progress(&format!("run {run} of {runs}"));
        }
        walk(&bench).await?;
    }
    let taken = bench.measured();
    progress("once more, with its fuel counted");
    let counting = Bench::counting(component.to_vec()).await?;
    walk(&counting).await?;
    Ok(profile(&bench, weight, runs, (&taken, &most(&counting))))
}

fn not_straight(Crooked { breach, .. }: Crooked) -> Failure {
    let of =
        if breach.cassette.is_empty() { String::new() } else { format!("cassette `{}`: ", breach.cassette) };
    let message = format!("{of}{}: it {}; wanted: {}", breach.doing, breach.found, breach.wanted);
    Failure::new(exit::NO, message)
        .with_help("`countersign connector test` says all that is wrong; then measure it")
}

/// The most that any call of an export took, whatever cassette it was made for.
fn most(counting: &Bench) -> BTreeMap<&'static str, Cost> {
    let mut most = BTreeMap::<_, Cost>::new();
    for ((_, call), cost) in counting.costs() {
        let known = most.entry(call).or_default();
        *known = known.most(cost);
    }
    most
}

fn profile(
    bench: &Bench,
    weight: Weight,
    runs: u32,
    (taken, most): (&BTreeMap<&'static str, Taken>, &BTreeMap<&'static str, Cost>),
) -> Profile {
    let installed = &bench.installed;
    let Manifest { connector, endpoints, .. } = &installed.manifest;
    let export = |export: &'static str| {
        let Taken { spent, requests } = taken.get(export)?;
        Some(Export {
            export,
            calls: spent.len(),
            guest_ns: Spread::of(spent.iter().map(|spent: &Spent| spent.guest)),
            instantiation_ns: Spread::of(spent.iter().map(|spent| spent.instantiation)),
            most: most.get(export).copied().unwrap_or_default(),
            requests: *requests,
        })
    };
    let bears = endpoints.iter().map(|(name, endpoint)| Bears {
        endpoint: name.clone(),
        per_second: endpoint.rate.per_second,
        burst: endpoint.rate.burst,
        concurrent: endpoint.rate.concurrent,
    });
    Profile {
        connector: installed.id.clone(),
        version: installed.version.clone(),
        digest: installed.digest.to_string(),
        class: connector.class.as_str(),
        runs,
        pooled: bench.is_pooled(),
        component_bytes: installed.size,
        native_bytes: weight.native_bytes,
        compile_ns: nanos(weight.compile),
        load_ns: nanos(weight.load),
        limits: Limits::of(connector.class),
        bears: bears.collect(),
        exports: EXPORTS.into_iter().filter_map(export).collect(),
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_are_no_longer_than_the_one_and_one_in_a_hundred_is_longer_than_the_other() {
        let check = |times: Vec<u64>, p50, p99| {
            let spread = Spread::of(times.iter().copied().map(Duration::from_nanos));
            assert_eq!(spread, Spread { p50, p99 }, "{times:?}");
        };
        check(Vec::new(), 0, 0);
        check(vec![7], 7, 7);
        check(vec![3, 1, 2], 2, 3);
        check((1..=100).rev().collect(), 50, 99);
        check((1..=200).collect(), 100, 198);
    }
}
