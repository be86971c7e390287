//! A disk that is full, slow, read-only or broken: what the host refuses, what it says, and that it
//! goes on.

use super::load::{Client, Load, acknowledge, until};
use super::scene::{Scene, trouble};
use super::{SEED, nothing_lost, under_load};
use anyhow::{Context, Result, ensure};
use countersign_tests::servers::http;
use countersign_tests::small_disk::SmallDisk;
use std::time::Duration;

/// Size of the small disk, in bytes.
const DISK_BYTES: u64 = 192 * 1024 * 1024;
/// What is left on it when the host begins to refuse: below what it leaves to the operator.
const SCARCE_BYTES: u64 = 32 * 1024 * 1024;
/// Refunds of each part of a test.
const REFUNDS: usize = 12;
/// Refunds of a run in which the disk fails: enough that it fails before all are asked for.
const SMALLEST_WORK: usize = 120;
/// Calls of each thread that come through before the disk fails.
const CALLS_BEFORE: u32 = 40;
/// How long each sync of a slow disk takes, in microseconds.
const SLOW_SYNC_MICROS: u64 = 200_000;

/// The answer of `/readyz`, and what it says is wrong.
fn ready(scene: &Scene) -> Result<(u16, String)> {
    let answer = http::get(&format!("{}/readyz", scene.host.base()), &[])?;
    Ok((answer.status, answer.text()))
}

#[test]
fn a_host_on_a_full_disk_says_so_reads_on_and_goes_on_by_itself() -> Result<()> {
    let mut scene = Scene::set(SEED, trouble(), 40 * REFUNDS)?;
    let disk = SmallDisk::below(&scene.data(), DISK_BYTES)?;
    scene.host.through(disk.way());
    scene.host.start()?;
    let load = Load::default();
    let client = Client::new(scene.host.base(), &scene.token);
    let asked = |number: usize| -> Result<String> {
        let refused = client.ask(number)?;
        ensure!(refused.status == 507, "{}: {}", refused.status, refused.text());
        Ok(refused.text())
    };
    under_load(&mut scene, &load, |scene, load| {
        let unready = || Ok(ready(scene)?.0 == 503);
        let is_ready = || Ok(ready(scene)?.0 == 200);
        acknowledge(load, REFUNDS)?;
        super::oracle::settle(&client)?;
        // Nobody asks for anything and nothing is due: it is found out all the same, both ways.
        disk.fill(SCARCE_BYTES)?;
        until("a host with a full disk says that it takes nothing", unready)?;
        let why = ready(scene)?.1;
        ensure!(why.contains("store-not-writable"), "{why}");
        let words = asked(REFUNDS)?;
        ensure!(words.contains("CS-E0301") && words.contains("is full"), "{words}");
        disk.make_room()?;
        let readied = until("a host with room again says that it takes commands", is_ready)?;

        // In the middle of work, and with nothing left at all.
        disk.fill(2 * SCARCE_BYTES + DISK_BYTES / 64)?;
        load.allow(30 * REFUNDS);
        disk.fill(0)?;
        until("a host with a full disk says that it takes nothing", unready)?;
        asked(39 * REFUNDS)?;
        let kept = load.acknowledged();
        let id = kept.values().next().context("one is acknowledged")?;
        ensure!(client.get(&format!("/v1/intents/{id}"))?["id"] == id.as_str(), "reads go on");
        ensure!(!client.get("/v1/intents")?["items"].as_array().context("a list")?.is_empty());
        // Long enough for the index to be written, if it were.
        std::thread::sleep(Duration::from_secs(3));
        let held = load.acknowledged().len();
        ensure!(held == kept.len() && held < load.allowed(), "{held} are acknowledged");
        // A host that dies now finds no room at its next start either, and touches nothing.
        scene.host.kill()?;
        let told = scene.host.told()?.len();
        let refused = scene.host.start().err().context("there is no room to start")?.to_string();
        ensure!(refused.contains("exit status: 75"), "{refused}");
        let words = scene.host.told()?.split_off(told);
        ensure!(words.contains("the disk of the data folder is full"), "{words}");
        disk.make_room()?;
        scene.host.start()?;
        let words = scene.host.told()?.split_off(told);
        ensure!(!words.contains("the index is rebuilt"), "{words}");
        let resumed = acknowledge(load, 0)?;
        println!(
            "ready {} ms after there was room; with {} that wait: all kept after {} ms",
            readied.as_millis(),
            load.allowed() - held,
            resumed.as_millis()
        );
        Ok(())
    })?;
    nothing_lost(scene, &load)?;
    Ok(())
}

/// A command before the host that makes system calls of it fail or wait: what `strace` calls an
/// injection. The host stays the process that the test started.
pub(super) fn injecting(calls: &str, what: &str) -> Vec<String> {
    let trace = format!("trace={calls}");
    let inject = format!("inject={calls}:{what}");
    let words =
        ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    words.map(str::to_owned).to_vec()
}

/// A host whose disk fails in the middle of its work, and the next one on a sound disk.
fn fails_once(calls: &str, error: &str, words: &str) -> Result<()> {
    let mut scene = Scene::set(SEED, trouble(), SMALLEST_WORK)?;
    // Each thread counts for itself; the first calls of each are let through.
    scene.host.through(injecting(calls, &format!("error={error}:when={CALLS_BEFORE}+")));
    scene.host.start()?;
    let load = Load::default();
    under_load(&mut scene, &load, |scene, load| {
        load.allow(SMALLEST_WORK);
        let ended = scene.host.ended()?;
        let told = scene.host.told()?;
        ensure!(ended.code() == Some(75), "{ended}: {told}");
        ensure!(told.contains("the disk could not confirm a write"), "{told}");
        ensure!(told.contains(words), "{told}");
        let kept = load.acknowledged().len();
        ensure!(0 < kept && kept < SMALLEST_WORK, "{kept} were acknowledged before");
        scene.host.through(Vec::new());
        scene.host.start()?;
        acknowledge(load, 0)?;
        Ok(())
    })?;
    nothing_lost(scene, &load)?;
    Ok(())
}

#[test]
fn a_host_whose_disk_becomes_read_only_ends_at_once_and_has_lost_nothing() -> Result<()> {
    fails_once("pwrite64,ftruncate", "EROFS", "Read-only file system")
}

#[test]
fn a_host_whose_disk_does_not_confirm_a_write_ends_at_once_and_has_lost_nothing() -> Result<()> {
    fails_once("fdatasync", "EIO", "Input/output error")
}

#[test]
fn a_host_on_a_read_only_disk_says_so_and_changes_nothing() -> Result<()> {
    let mut scene = Scene::set(SEED, trouble(), REFUNDS)?;
    let disk = SmallDisk::below(&scene.data(), DISK_BYTES)?;
    scene.host.through(disk.way());
    scene.host.start()?;
    let load = Load::default();
    under_load(&mut scene, &load, |scene, load| {
        acknowledge(load, REFUNDS)?;
        scene.host.kill()?;
        disk.remount("ro")?;
        let told = scene.host.told()?.len();
        let refused = scene.host.start();
        let words = scene.host.told()?.split_off(told);
        ensure!(refused.is_err() && words.contains("Read-only file system"), "{words}");
        disk.remount("rw")?;
        scene.host.start()
    })?;
    nothing_lost(scene, &load)?;
    Ok(())
}

#[test]
fn a_host_on_a_slow_disk_takes_its_time_and_loses_nothing() -> Result<()> {
    let mut scene = Scene::set(SEED, trouble(), REFUNDS)?;
    scene.host.through(injecting("fdatasync,fsync", &format!("delay_exit={SLOW_SYNC_MICROS}")));
    scene.host.start()?;
    let load = Load::default();
    let kept = under_load(&mut scene, &load, |_, load| acknowledge(load, REFUNDS))?;
    ensure!(Duration::from_micros(SLOW_SYNC_MICROS) < kept, "no write waited for the disk");
    let settled = nothing_lost(scene, &load)?;
    println!("{REFUNDS} kept after {} ms, settled {} ms later", kept.as_millis(), settled.as_millis());
    Ok(())
}
