//! Whoever watches over a host sees each kind of fault within ten seconds: its metric moves.

use super::load::{Client, Load, acknowledge};
use super::scene::Scene;
use super::{SEED, nothing_lost, under_load};
use anyhow::{Result, ensure};
use countersign::standin::faults::{Kind, Mix};
use countersign_tests::host::now;
use countersign_tests::servers::http;
use countersign_tests::small_disk::SmallDisk;
use std::time::Duration;

/// How soon a fault is seen: row R14 of the goals.
const SEEN_WITHIN: Duration = Duration::from_secs(10);
/// How often whoever watches looks.
const LOOK: Duration = Duration::from_millis(200);
/// Refunds that are asked for while a target has one kind of trouble.
const REFUNDS: usize = 4;
/// Size of the small disk, and what is left on it when the host begins to refuse, in bytes.
const DISK_BYTES: u64 = 192 * 1024 * 1024;
const SCARCE_BYTES: u64 = 32 * 1024 * 1024;

/// A page of metrics that is read again and again.
struct Watcher {
    page: String,
}

impl Watcher {
    /// Watches over a host that is not running yet.
    fn over(scene: &mut Scene) -> Result<Watcher> {
        Ok(Watcher { page: format!("{}/metrics", scene.host.watched()?) })
    }

    /// The sum of a metric over all labels that hold these.
    fn sum(&self, metric: &str, labels: &str) -> Result<f64> {
        let text = http::get(&self.page, &[])?.text();
        let is_of = |line: &&str| line.split(['{', ' ']).next() == Some(metric) && line.contains(labels);
        let figure = |line: &str| line.rsplit(' ').next().and_then(|figure| figure.parse::<f64>().ok());
        Ok(text.lines().filter(is_of).filter_map(figure).sum())
    }

    /// Waits until a metric is as wanted, as long as that may take.
    fn sees(&self, metric: &str, labels: &str, is_so: impl Fn(f64) -> bool) -> Result<Duration> {
        let begun = now();
        loop {
            let figure = self.sum(metric, labels)?;
            if is_so(figure) {
                return Ok(begun.elapsed());
            }
            ensure!(begun.elapsed() < SEEN_WITHIN, "`{metric}` with `{labels}` is {figure}");
            std::thread::sleep(LOOK);
        }
    }
}

/// What each kind of trouble of a target is seen by.
const KINDS: [(Kind, &str, &str); 9] = [
    (Kind::UnavailableBefore, "countersign_egress_requests_total", "outcome=\"5xx\""),
    (Kind::LostBefore, "countersign_egress_requests_total", "outcome=\"unanswered\""),
    (Kind::TooMany, "countersign_egress_requests_total", "outcome=\"429\""),
    (Kind::UnavailableAfter, "countersign_egress_requests_total", "outcome=\"5xx\""),
    (Kind::ErrorAfter, "countersign_egress_requests_total", "outcome=\"5xx\""),
    (Kind::LostAfter, "countersign_egress_requests_total", "outcome=\"unanswered\""),
    (Kind::CutAfter, "countersign_egress_requests_total", "outcome=\"unanswered\""),
    (Kind::Slow, "countersign_connector_call_seconds_sum", "export=\"apply\""),
    (Kind::Burnt, "countersign_egress_requests_total", "outcome=\"5xx\""),
];

#[test]
fn each_kind_of_trouble_of_a_target_is_seen_within_ten_seconds() -> Result<()> {
    let mut scene = Scene::set(SEED, Mix::calm(), 2 * REFUNDS * KINDS.len())?;
    let watcher = Watcher::over(&mut scene)?;
    scene.host.start()?;
    let load = Load::default();
    under_load(&mut scene, &load, |scene, load| {
        let client = Client::new(scene.host.base(), &scene.token);
        for (kind, metric, labels) in KINDS {
            let (before, tried) =
                (watcher.sum(metric, labels)?, watcher.sum("countersign_attempts_total", "retry")?);
            scene.stand_ins.faults().become_as(Mix::always(kind));
            acknowledge(load, REFUNDS)?;
            let seen = watcher.sees(metric, labels, |figure| before < figure)?;
            if kind != Kind::Slow {
                watcher.sees("countersign_attempts_total", "retry", |figure| tried < figure)?;
            }
            println!("{kind:?}: seen after {} ms", seen.as_millis());
            scene.stand_ins.faults().become_as(Mix::calm());
            // What failed again and again is left alone for a while: the next kind is to reach it.
            super::oracle::settle(&client)?;
        }
        Ok(())
    })?;
    nothing_lost(scene, &load)?;
    Ok(())
}

#[test]
fn a_dead_target_and_a_full_disk_are_seen_within_ten_seconds() -> Result<()> {
    let mut scene = Scene::set(SEED, Mix::calm(), 10 * REFUNDS)?;
    let watcher = Watcher::over(&mut scene)?;
    let disk = SmallDisk::below(&scene.data(), DISK_BYTES)?;
    scene.host.through(disk.way());
    scene.host.start()?;
    let load = Load::default();
    under_load(&mut scene, &load, |scene, load| {
        let client = Client::new(scene.host.base(), &scene.token);
        let dead = Mix {
            reads_percent: 100,
            of_reads: vec![Kind::UnavailableBefore],
            ..Mix::always(Kind::UnavailableBefore)
        };
        scene.stand_ins.faults().become_as(dead);
        acknowledge(load, 2 * REFUNDS)?;
        let left =
            watcher.sees("countersign_connection_blocked", "cause=\"unavailable\"", |figure| 0.0 < figure)?;
        scene.stand_ins.faults().become_as(Mix::calm());
        super::oracle::settle(&client)?;
        watcher.sees("countersign_open_items", "", |figure| figure == 0.0)?;
        disk.fill(SCARCE_BYTES)?;
        let full = watcher.sees("countersign_store_writable", "", |figure| figure == 0.0)?;
        watcher.sees("countersign_disk_free_bytes", "", |figure| figure < 64.0 * 1024.0 * 1024.0)?;
        let refused = client.ask(9 * REFUNDS)?;
        ensure!(refused.status == 507, "{}: {}", refused.status, refused.text());
        watcher.sees("countersign_problems_total", "code=\"CS-E0301\"", |figure| figure == 1.0)?;
        disk.make_room()?;
        let again = watcher.sees("countersign_store_writable", "", |figure| figure == 1.0)?;
        println!(
            "a dead target was seen after {} ms, a full disk after {} ms, room again after {} ms",
            left.as_millis(),
            full.as_millis(),
            again.as_millis()
        );
        Ok(())
    })?;
    nothing_lost(scene, &load)?;
    Ok(())
}
