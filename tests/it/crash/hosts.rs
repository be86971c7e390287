//! Two hosts with one log in a database: when one is gone, is silent, or loses the database, the next goes on, and what
//! was acknowledged is neither lost nor done twice.

use super::load::{Client, Load, acknowledge, until};
use super::scene::{self, Scene};
use super::{SEED, nothing_lost, under_load};
use anyhow::{Result, ensure};
use countersign::standin::faults::{Kind, Mix};
use countersign::wire::{INSTALL_KEY_FILE, key};
use countersign_tests::host::Host;
use countersign_tests::servers::{Postgres, free_port};
use std::path::Path;
use std::process::Command;

/// Refunds of one test.
const REFUNDS: usize = 60;
/// Refunds that are asked for between two moments.
const MORE: usize = 10;

/// A scene whose log is in this database.
fn over(url: &str, mix: Mix) -> Result<Scene> {
    let mut scene = Scene::set(SEED, mix, REFUNDS)?;
    keep_in(url, &mut scene.host);
    Ok(scene)
}

fn keep_in(url: &str, host: &mut Host) {
    host.set("LOG_DATABASE", url);
    host.set("COUNTERSIGN__DATA__DATABASE", "env:LOG_DATABASE");
}

/// One more host of the same house, with a data folder of its own that was copied from the first.
fn second(scene: &Scene, url: &str, at: Option<u16>) -> Result<Host> {
    // Both make one key of one effect.
    key(&scene.data().join(INSTALL_KEY_FILE))?;
    let (data, copy) = (scene.data(), scene.data().with_file_name("second"));
    let copied = Command::new("cp").arg("--recursive").arg(&data).arg(&copy).status()?;
    ensure!(copied.success(), "the data folder is not copied");
    let mut host = scene.another(at)?;
    keep_in(url, &mut host);
    host.set("COUNTERSIGN__DATA__FOLDER", &copy.display().to_string());
    Ok(host)
}

fn signal(host: &Host, name: &str) -> Result<()> {
    let sent = Command::new("kill").args([name, &host.process()?.to_string()]).status()?;
    ensure!(sent.success(), "{name} is not sent");
    Ok(())
}

#[test]
fn the_next_host_goes_on_where_one_was_killed_or_stopped_under_load() -> Result<()> {
    let server = Postgres::start()?;
    let url = server.database()?;
    let mut scene = over(&url, scene::trouble())?;
    // Both listen at one address: whoever waits for the log does not listen.
    let mut next = second(&scene, &url, None)?;
    let load = Load::default();
    under_load(&mut scene, &load, |scene, load| {
        // Whoever looks changes nothing, before the first host and beside it.
        let looked = scene.host.beside(&["check"])?;
        assert_eq!(looked.code, Some(0), "{}", looked.words);
        scene.host.start()?;
        acknowledge(load, MORE)?;
        let looked = scene.host.beside(&["audit", "verify"])?;
        assert_eq!(looked.code, Some(0), "{}", looked.words);
        load.allow(MORE);
        scene.host.kill()?;
        next.start()?;
        std::mem::swap(&mut scene.host, &mut next);
        acknowledge(load, MORE)?;
        // One that is asked to stop gives the log back, and nobody waits.
        let ended = scene.host.stop()?;
        assert_eq!(ended.code(), Some(0), "{}", scene.host.told()?);
        next.start()?;
        std::mem::swap(&mut scene.host, &mut next);
        acknowledge(load, MORE)?;
        // The database closes its connections: this host may write no more, and says so.
        let close =
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'countersign'";
        server.ask(&url, close)?;
        let ended = scene.host.ended()?;
        assert_eq!(ended.code(), Some(75), "{}", scene.host.told()?);
        scene.host.start()?;
        acknowledge(load, MORE)?;
        Ok(())
    })?;
    assert!(!Path::join(&scene.data(), "log").exists(), "nothing is kept in the data folder");
    nothing_lost(scene, &load)?;
    Ok(())
}

#[test]
fn a_host_that_was_silent_for_too_long_ends_and_its_verdicts_do_not_count() -> Result<()> {
    let server = Postgres::start()?;
    let url = server.database()?;
    let mut scene = over(&url, Mix::always(Kind::Slow))?;
    let mut next = second(&scene, &url, Some(free_port()?))?;
    scene.host.start()?;
    let load = Load::default();
    load.allow(MORE);
    load.end();
    load.serve(&Client::new(scene.host.base(), &scene.token))?;
    until("something is sent", || Ok(2 < scene.injected()))?;
    // It stands still in the middle of its writes, as a machine that swaps or is moved does.
    signal(&scene.host, "-STOP")?;
    next.start()?;
    let owner = format!("process {} writes to the log; this host takes over", scene.host.process()?);
    assert!(next.told()?.contains(&owner), "{}", next.told()?);
    signal(&scene.host, "-CONT")?;
    let ended = scene.host.ended()?;
    assert_eq!(ended.code(), Some(75), "{}", scene.host.told()?);
    assert!(scene.host.told()?.contains("another host took the log over"), "{}", scene.host.told()?);
    scene.host = next;
    nothing_lost(scene, &load)?;
    Ok(())
}
