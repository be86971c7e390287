//! A target that is seldom well: everything lands all the same, and it is asked little more than it has to be.

use super::load::{Client, Load, acknowledge, until};
use super::scene::Scene;
use super::{SEED, nothing_lost, oracle, under_load};
use anyhow::{Context as _, Result, ensure};
use countersign::standin::faults::{Kind, Mix};
use countersign_tests::host::now;
use serde_json::Value;
use std::time::Duration;

/// Refunds of one run; each has two effects.
const REFUNDS: usize = 60;
/// Of a hundred requests, reads and writes alike, how many meet trouble.
const TROUBLE_PERCENT: u64 = 30;
/// Most requests for each hundred that it takes where nothing fails.
const REQUESTS_PERCENT_MAX: u64 = 160;
/// How long a dead target is watched.
const REST: Duration = Duration::from_secs(3);
/// Most requests that it gets in that time, of two connections: each tries one now and then.
const ASKED_WHILE_DEAD_MAX: u64 = 6;
/// How long the first moments after it is back are, and how many of them are looked at.
const LOOK: Duration = Duration::from_millis(200);
const LOOKS: u32 = 70;
/// How many times what is steady is a storm. Twice is what is aimed at; machines that do other things too measure
/// either figure wrong.
const STORM: f64 = 4.0;

/// Unavailable or lost, before or after it was done, cut in the middle, or slow: each as often.
fn trouble() -> Mix {
    let of_writes = vec![
        Kind::UnavailableBefore,
        Kind::UnavailableAfter,
        Kind::LostBefore,
        Kind::LostAfter,
        Kind::CutAfter,
        Kind::Slow,
    ];
    let of_reads = vec![Kind::UnavailableBefore, Kind::LostBefore, Kind::CutAfter, Kind::Slow];
    Mix { writes_percent: TROUBLE_PERCENT, reads_percent: TROUBLE_PERCENT, of_writes, of_reads }
}

/// What the targets got until all was done.
#[derive(Debug)]
struct Got {
    all: u64,
    writes: u64,
    injected: u64,
    settled: Duration,
}

/// What they got while they were like this the whole time.
fn requests(mix: Mix) -> Result<Got> {
    let mut scene = Scene::set(SEED, mix, REFUNDS)?;
    scene.host.start()?;
    let load = Load::default();
    under_load(&mut scene, &load, |_, load| acknowledge(load, REFUNDS))?;
    let client = Client::new(scene.host.base(), &scene.token);
    let settled = oracle::settle(&client)?;
    let faults = scene.stand_ins.faults();
    let (all, writes, injected) = (faults.requests(), faults.writes(), scene.injected());
    nothing_lost(scene, &load)?;
    Ok(Got { all, writes, injected, settled })
}

#[test]
fn a_target_that_fails_three_times_in_ten_is_asked_little_more_than_it_has_to_be() -> Result<()> {
    let (calm, flaky) = (requests(Mix::calm())?, requests(trouble())?);
    // One write an effect, where nothing fails.
    ensure!(u64::try_from(REFUNDS * 2)? <= calm.writes && 0 < flaky.injected, "{calm:?}, {flaky:?}");
    let (all, writes) = (100 * flaky.all / calm.all, 100 * flaky.writes / calm.writes);
    println!(
        "{all} requests for each hundred, {writes} writes for a hundred effects, {} faults, settled after {} ms",
        flaky.injected,
        flaky.settled.as_millis()
    );
    ensure!(all.max(writes) <= REQUESTS_PERCENT_MAX, "{all} requests and {writes} writes for each hundred");
    Ok(())
}

/// How many requests the targets get meanwhile.
fn during(scene: &Scene, time: Duration) -> u64 {
    let before = scene.stand_ins.faults().requests();
    std::thread::sleep(time);
    scene.stand_ins.faults().requests() - before
}

#[test]
fn a_dead_target_is_left_alone_and_meets_no_storm_when_it_is_back() -> Result<()> {
    let mut scene = Scene::set(SEED, Mix::calm(), 2 * REFUNDS)?;
    scene.host.start()?;
    let load = Load::default();
    let client = Client::new(scene.host.base(), &scene.token);
    under_load(&mut scene, &load, |scene, load| {
        // What is steady: as fast as four callers ask.
        let begun = now();
        let before = scene.stand_ins.faults().requests();
        acknowledge(load, REFUNDS)?;
        oracle::settle(&client)?;
        let steady = begun.elapsed().div_f64((scene.stand_ins.faults().requests() - before) as f64);

        scene.stand_ins.faults().become_as(Mix {
            reads_percent: 100,
            of_reads: vec![Kind::UnavailableBefore],
            ..Mix::always(Kind::UnavailableBefore)
        });
        load.allow(REFUNDS);
        let rests = |connection: &Value| connection["state"] == "resting";
        let opened = until("a target that fails is left alone", || {
            let all = client.get("/v1/connections")?;
            Ok(all["items"].as_array().context("a list")?.iter().any(rests))
        })?;
        acknowledge(load, 0)?;
        let asked = during(scene, REST);
        println!("left alone after {} ms; then {asked} requests in {REST:?}", opened.as_millis());
        ensure!(asked <= ASKED_WHILE_DEAD_MAX, "a dead target got {asked} requests in {REST:?}");

        scene.stand_ins.faults().become_as(Mix::calm());
        let most = (0..LOOKS).map(|_| during(scene, LOOK)).max().unwrap_or_default();
        println!("one each {steady:?} before; back again at most {most} in {LOOK:?}");
        let steady = LOOK.div_duration_f64(steady);
        ensure!(
            most as f64 <= STORM * steady,
            "a storm of {most} requests in {LOOK:?}, where {steady:.0} are steady"
        );
        Ok(())
    })?;
    nothing_lost(scene, &load)?;
    Ok(())
}
