//! A backup that is made while the host works, and put back after the host was lost: what was on its way has landed
//! since, and is not done once more.

use super::load::{Client, Load, acknowledge};
use super::scene::Scene;
use super::{SEED, oracle, under_load};
use anyhow::{Context as _, Result, ensure};
use countersign::standin::faults::{Kind, Mix};
use countersign_tests::host::Host;
use serde_json::Value;
use std::path::Path;

/// Refunds of the host that is lost; half of them are asked for when the backup is made.
const REFUNDS: usize = 24;

/// What the program answers as JSON.
fn answer(host: &Host, arguments: &[&str]) -> Result<Value> {
    let arguments = [arguments, &["--json"]].concat();
    let said = host.beside(&arguments)?;
    ensure!(said.code == Some(0), "{arguments:?} ended with {:?}: {}", said.code, said.words);
    Ok(serde_json::from_str(&said.answer)?)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path of this suite is text")
}

/// Everything that was done at the targets, each once.
fn landed(scene: &Scene, times: usize) {
    let landings = scene.stand_ins.landings();
    let twice: Vec<_> = landings.iter().filter(|landing| landing.times != 1).collect();
    assert!(twice.is_empty(), "done more than once: {twice:?}");
    assert_eq!(landings.len(), times);
}

#[test]
fn a_backup_that_was_made_under_load_is_put_back_and_nothing_is_done_twice() -> Result<()> {
    // Every write takes long, so some are on their way whenever one looks.
    let mut scene = Scene::set(SEED, Mix::always(Kind::Slow), REFUNDS + 1)?;
    scene.host.start()?;
    let file = scene.data().with_file_name("host.backup");
    let load = Load::default();
    let made = under_load(&mut scene, &load, |scene, load| {
        acknowledge(load, REFUNDS / 2)?;
        load.allow(REFUNDS - REFUNDS / 2);
        answer(&scene.host, &["backup", "create", text(&file)?])
    })?;
    let client = Client::new(scene.host.base(), &scene.token);
    oracle::settle(&client)?;
    landed(&scene, REFUNDS * 2);

    // The machine is gone, and all that is left is the backup.
    scene.host.kill()?;
    let data = scene.data();
    std::fs::rename(&data, data.with_file_name("lost"))?;
    let verified = answer(&scene.host, &["backup", "verify", text(&file)?])?;
    let restored = answer(&scene.host, &["backup", "restore", text(&file)?, "--data", text(&data)?])?;
    for said in [&verified, &restored] {
        assert_eq!((&said["root"], &said["entries"]), (&made["root"], &made["entries"]), "{said}");
    }
    scene.stand_ins.faults().become_as(Mix::calm());
    scene.host.start()?;
    assert!(scene.host.told()?.contains("the log was restored from a backup"), "{}", scene.host.told()?);
    oracle::settle(&client)?;
    let known = oracle::told(&client)?;
    assert!(REFUNDS / 2 <= known.len() && known.len() <= REFUNDS, "{} are known", known.len());
    let mut looked_for = 0;
    for intent in &known {
        assert!(intent.is_done(), "{intent:?}");
        let timeline = client.get(&format!("/v1/intents/{}/timeline", intent.id()))?;
        looked_for += timeline.to_string().matches("a host whose log is lost may have sent it").count();
    }
    assert!(0 < looked_for, "nothing was on its way when the backup was made");
    landed(&scene, REFUNDS * 2);

    // What is asked for from now on is done, and that it was restored is on record once.
    client.insist(REFUNDS)?;
    oracle::settle(&client)?;
    landed(&scene, (REFUNDS + 1) * 2);
    scene.host.kill()?;
    scene.host.start()?;
    assert_eq!(scene.host.told()?.matches("the log was restored from a backup").count(), 1);
    assert_eq!(scene.host.stop()?.code(), Some(0));
    let audit = scene.host.beside(&["audit", "verify"])?;
    assert_eq!(audit.code, Some(0), "{}", audit.words);
    println!("{looked_for} effects of {} known refunds were looked for", known.len());
    Ok(())
}
