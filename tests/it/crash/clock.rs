//! A clock that is set while the host runs, a year ahead and a day back.

use super::load::{Load, acknowledge};
use super::scene::{Scene, trouble};
use super::{SEED, nothing_lost, under_load};
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Refunds while the clock stands at each place.
const REFUNDS: usize = 12;
/// Where nothing is asked for.
const FAR: &str = "+365d";
/// What it is set to, one after the other, against what the machine's own says. Each time there are some on their way,
/// whose attempts fail there and are put off; a refund that is asked for a year after its payment is for a person.
const SETTINGS: [&str; 6] = [FAR, "+0", "-1d", "+0", "+3h", "+0"];
/// How long it stays there.
const STAY: Duration = Duration::from_secs(3);

/// The library that shows a process another clock, as the command that comes with it names it to the loader.
fn library() -> Result<String> {
    let shown = Command::new("faketime").args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"]).output();
    let shown = shown.context("`faketime` is installed by `tests/install`")?;
    let named = String::from_utf8(shown.stdout)?.trim().to_owned();
    ensure!(!named.is_empty(), "`faketime` names no library");
    Ok(named)
}

fn set(clock: &Path, to: &str) -> Result<()> {
    // In one step, so that nobody reads half of it.
    let beside = clock.with_extension("next");
    std::fs::write(&beside, to)?;
    std::fs::rename(&beside, clock)?;
    Ok(())
}

#[test]
fn a_clock_that_is_set_loses_nothing_doubles_nothing_and_keeps_nothing_waiting() -> Result<()> {
    let mut scene = Scene::set(SEED, trouble(), (SETTINGS.len() + 1) * REFUNDS)?;
    let clock = scene.data().with_file_name("clock");
    set(&clock, "+0")?;
    let (library, file) = (library()?, clock.clone());
    for (name, value) in [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME_TIMESTAMP_FILE", file.to_str().context("a path")?),
        ("FAKETIME_CACHE_DURATION", "1"),
        // Only the clock can be set: what has passed is measured apart from it.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ] {
        scene.host.set(name, value);
    }
    scene.host.start()?;
    let load = Load::default();
    under_load(&mut scene, &load, |scene, load| {
        for (before, setting) in std::iter::once("+0").chain(SETTINGS).zip(SETTINGS) {
            if before != FAR {
                acknowledge(load, REFUNDS)?;
            }
            set(&clock, setting)?;
            std::thread::sleep(STAY);
        }
        acknowledge(load, REFUNDS)?;
        let told = scene.host.told()?;
        let noted = told.matches("the clock has jumped").count();
        // A machine that stood still may have missed that it was set back before.
        ensure!(2 <= noted, "{noted} jumps of {} were noted", SETTINGS.len());
        Ok(())
    })?;
    nothing_lost(scene, &load)?;
    Ok(())
}
