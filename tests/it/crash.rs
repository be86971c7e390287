//! The crash suite: the real host as a process, killed under load, stopped in order, started twice.
//! Nothing that was acknowledged may be lost and nothing may be done twice.
//!
//! | variable | means | unless set |
//! |---|---|---|
//! | `BUDGET_SECONDS` | how long hosts are killed | 40 |
//! | `CYCLES` | how often instead, however long it takes | – |
//! | `SEED` | faults and moments of the kills | 7 |

#[path = "crash/backup.rs"]
mod backup;
#[path = "crash/clock.rs"]
mod clock;
#[path = "crash/dashboard.rs"]
mod dashboard;
#[path = "crash/disk.rs"]
mod disk;
#[path = "crash/flaky.rs"]
mod flaky;
#[path = "crash/flood.rs"]
mod flood;
#[path = "crash/hosts.rs"]
mod hosts;
#[path = "crash/load.rs"]
mod load;
#[path = "crash/oracle.rs"]
mod oracle;
#[path = "crash/scene.rs"]
mod scene;
#[path = "crash/service.rs"]
mod service;
#[path = "crash/starved.rs"]
mod starved;
#[path = "crash/watched.rs"]
mod watched;

use anyhow::{Context, Result, ensure};
use countersign::standin::faults::{Kind, Mix};
use countersign_tests::host::now;
use countersign_tests::servers::http;
use load::{CLIENTS, Client, Load};
use scene::Scene;
use serde_json::{Value, json};
use std::time::Duration;

/// How long hosts are killed unless the environment says otherwise.
const BUDGET_SECONDS: u64 = 40;
/// The seed unless the environment says otherwise.
const SEED: u64 = 7;
/// Refunds that are asked for while one host lives.
const REFUNDS_PER_CYCLE: usize = 4;
/// Most refunds of a run: the journal, which a probe reads whole, stays below what a connector may
/// be answered.
const REFUNDS_MAX: usize = 1_000;
/// Shortest and longest life of a host after it was ready.
const LIFE_MS: (u64, u64) = (20, 300);
/// Refunds of the test that stops the host in order.
const DRAINED_REFUNDS: usize = 12;
/// Writes that are on their way when it is stopped.
const WRITES_UNDER_WAY: u64 = 3;

fn number(variable: &str) -> Result<Option<u64>> {
    let Ok(text) = std::env::var(variable) else { return Ok(None) };
    Ok(Some(text.parse().with_context(|| format!("`{variable}` is `{text}` and no number"))?))
}

/// SplitMix64 (Steele, Lea, Flood, 2014): the moments of the kills.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let (shortest, longest) = LIFE_MS;
        Duration::from_millis(shortest + (mixed ^ (mixed >> 31)) % (longest - shortest + 1))
    }
}

/// What the killing came to.
#[derive(Debug, Default)]
struct Killed {
    cycles: u64,
    slowest: Duration,
}

/// Starts and kills the host under load until the time or the refunds are used up; it runs at the
/// end.
fn kill_again_and_again(scene: &mut Scene, load: &Load, seed: u64) -> Result<Killed> {
    let cycles = number("CYCLES")?;
    let budget = Duration::from_secs(number("BUDGET_SECONDS")?.unwrap_or(BUDGET_SECONDS));
    let share = cycles.map_or(REFUNDS_PER_CYCLE, |cycles| {
        let even = REFUNDS_MAX / usize::try_from(cycles.max(1)).unwrap_or(usize::MAX);
        even.clamp(1, REFUNDS_PER_CYCLE)
    });
    let mut moments = Moments(seed);
    let mut killed = Killed::default();
    scene.host.start()?;
    let begun = now();
    loop {
        load.allow(share.min(REFUNDS_MAX - load.allowed()));
        std::thread::sleep(moments.next());
        scene.host.kill()?;
        killed.cycles += 1;
        killed.slowest = killed.slowest.max(scene.host.start()?);
        let is_enough = match cycles {
            Some(cycles) => cycles <= killed.cycles,
            None => budget <= begun.elapsed() || load.allowed() == REFUNDS_MAX,
        };
        if is_enough {
            return Ok(killed);
        }
    }
}

/// What is done to a host, with clients that ask meanwhile and go on until everything is
/// acknowledged.
fn under_load<T>(
    scene: &mut Scene,
    load: &Load,
    done: impl FnOnce(&mut Scene, &Load) -> Result<T>,
) -> Result<T> {
    let client = Client::new(scene.host.base(), &scene.token);
    std::thread::scope(|threads| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| threads.spawn(|| load.serve(&client))).collect();
        let done = done(scene, load);
        load.end();
        for client in clients {
            client.join().expect("a client ends by itself")?;
        }
        done
    })
}

/// Lets everything settle with targets that do not fail any more, and looks at all of it: nothing
/// that was acknowledged is lost or was done twice, a stop in order ends well, the log verifies. A
/// scene in which that is not so leaves its folder. Says how long it took to settle.
fn nothing_lost(mut scene: Scene, load: &Load) -> Result<Duration> {
    scene.stand_ins.faults().become_as(Mix::calm());
    let client = Client::new(scene.host.base(), &scene.token);
    let settled = oracle::settle(&client)?;
    let told = oracle::told(&client)?;
    let acknowledged = load.acknowledged();
    let mut faults = oracle::faults(&told, &acknowledged, &scene.stand_ins);
    for (number, id) in &acknowledged {
        let again = client.insist(*number)?;
        if again != *id {
            faults.push(format!("{id} is {again} under the same key afterwards"));
        }
    }
    let ended = scene.host.stop()?;
    if ended.code() != Some(0) {
        faults.push(format!("a stop in order ended with {ended}"));
    }
    let audit = scene.host.beside(&["audit", "verify"])?;
    if audit.code != Some(0) {
        faults.push(format!("the log does not verify: {}", audit.words));
    }
    // Two effects each, or the run has shown nothing.
    let landings = scene.stand_ins.landings().len();
    if landings != acknowledged.len() * 2 {
        faults.push(format!("{landings} effects of {} refunds landed", acknowledged.len()));
    }
    if !faults.is_empty() {
        faults.truncate(20);
        panic!("the folder is `{}`\n  {}", scene.kept().display(), faults.join("\n  "));
    }
    Ok(settled)
}

#[test]
fn a_host_that_is_killed_under_load_loses_nothing_and_does_nothing_twice() -> Result<()> {
    let seed = number("SEED")?.unwrap_or(SEED);
    let mut scene = Scene::set(seed, scene::trouble(), REFUNDS_MAX)?;
    let load = Load::default();
    let killed = under_load(&mut scene, &load, |scene, load| kill_again_and_again(scene, load, seed))?;
    let (injected, acknowledged) = (scene.injected(), load.acknowledged().len());
    println!(
        "seed {seed}: {} cycles, {acknowledged} acknowledged, {injected} faults injected, slowest restart to \
         ready {} ms",
        killed.cycles,
        killed.slowest.as_millis(),
    );
    let settled = nothing_lost(scene, &load)?;
    println!("all settled {} ms after the last one", settled.as_millis());
    assert!(0 < killed.cycles && 0 < injected && CLIENTS < acknowledged);
    Ok(())
}

#[test]
fn a_host_that_is_asked_to_stop_lets_every_attempt_end() -> Result<()> {
    let mut scene = Scene::set(SEED, Mix::always(Kind::Slow), DRAINED_REFUNDS)?;
    scene.host.start()?;
    let client = Client::new(scene.host.base(), &scene.token);
    let load = Load::default();
    load.allow(DRAINED_REFUNDS);
    load.end();
    load.serve(&client)?;
    let begun = now();
    while scene.injected() < WRITES_UNDER_WAY {
        ensure!(begun.elapsed() < Duration::from_secs(30), "nothing is sent");
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = scene.host.stop()?;
    assert_eq!(ended.code(), Some(0), "a drained host ends with 0: {ended}");

    scene.host.start()?;
    oracle::settle(&client)?;
    let faults = oracle::faults(&oracle::told(&client)?, &load.acknowledged(), &scene.stand_ins);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // Every write is slow and so counted: one that was cut off would have been sent again under its
    // key, or looked for where there is none.
    assert_eq!(scene.injected(), DRAINED_REFUNDS as u64 * 2);
    for id in load.acknowledged().values() {
        let timeline = client.get(&format!("/v1/intents/{id}/timeline"))?;
        let entries = timeline["entries"].as_array().context("a timeline has entries")?;
        assert!(entries.iter().any(|entry| entry["event"] == "attempted"), "{timeline}");
        assert!(!entries.iter().any(|entry| entry["event"] == "probed"), "{timeline}");
    }
    Ok(())
}

#[test]
fn a_second_host_on_the_same_data_folder_is_told_whose_it_is() -> Result<()> {
    let mut scene = Scene::set(SEED, Mix::calm(), 1)?;
    scene.host.start()?;
    let owner = format!("process {}", scene.host.process()?);
    for arguments in [&["serve"] as &[&str], &["audit", "verify"]] {
        let refused = scene.host.beside(arguments)?;
        assert_eq!(refused.code, Some(75), "{arguments:?}: {}", refused.words);
        assert!(refused.words.contains("in use"), "{arguments:?}: {}", refused.words);
        assert!(refused.words.contains(&owner), "{arguments:?} names {owner}: {}", refused.words);
    }
    // The first one goes on as if nothing had been.
    let id = Client::new(scene.host.base(), &scene.token).insist(0)?;
    assert!(id.starts_with("int_"), "{id}");
    Ok(())
}

#[test]
fn the_oracle_sees_what_is_lost_and_what_is_doubled() -> Result<()> {
    let mut scene = Scene::set(SEED, Mix::calm(), 1)?;
    scene.host.start()?;
    let client = Client::new(scene.host.base(), &scene.token);
    let load = Load::default();
    load.allow(1);
    load.end();
    load.serve(&client)?;
    oracle::settle(&client)?;
    let told = oracle::told(&client)?;
    let mut acknowledged = load.acknowledged();
    assert_eq!(oracle::faults(&told, &acknowledged, &scene.stand_ins), Vec::<String>::new());

    let ledger = scene.stand_ins.ledger.base_url();
    let journal = http::get(&format!("{ledger}/transactions"), &[])?.json()?;
    let added = http::send("PUT", &format!("{ledger}/add"), &[], journal[0].to_string().as_bytes())?;
    assert_eq!(added.status, 201, "{}", added.text());
    let told_again = oracle::faults(&told, &acknowledged, &scene.stand_ins);
    assert!(matches!(&told_again[..], [one] if one.ends_with(" 2 times")), "{told_again:?}");

    acknowledged.insert(1, "int_that_nobody_has".to_owned());
    let lost = oracle::faults(&told, &acknowledged, &scene.stand_ins).join("\n");
    assert!(lost.contains("int_that_nobody_has was acknowledged and is lost"), "{lost}");
    assert!(lost.contains("ch_1 of int_that_nobody_has was refunded 0 times"), "{lost}");
    Ok(())
}

#[test]
fn whoever_leaves_is_out_while_the_host_runs() -> Result<()> {
    let mut scene = Scene::set(SEED, Mix::calm(), 1)?;
    scene.host.start()?;
    let list = format!("{}/v1/intents", scene.host.base());
    let token = format!("Bearer {}", scene.token);
    let status = || http::get(&list, &[("authorization", &token)]).map(|answer| answer.status);
    assert_eq!(status()?, 200);

    let people = scene.rules().join("people.md");
    let before = std::fs::read_to_string(&people)?;
    let row = format!("| {} ", scene::REQUESTER);
    let without: Vec<&str> = before.lines().filter(|line| !line.starts_with(&row)).collect();
    // A file with a slip in it changes nothing.
    std::fs::write(&people, without.join("\n").replace("America/New_York", "America/New_Work"))?;
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(status()?, 200, "the last good directory stays in force");
    std::fs::write(&people, format!("{}\n", without.join("\n")))?;
    let begun = now();
    while status()? != 403 {
        assert!(begun.elapsed() < Duration::from_secs(60), "a leaver is out within a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::fs::write(&people, before)?;
    while status()? != 200 {
        assert!(begun.elapsed() < Duration::from_secs(60), "whoever is back is in again");
        std::thread::sleep(Duration::from_millis(50));
    }
    scene.host.stop()?;
    Ok(())
}

#[test]
fn what_two_persons_published_counts_whatever_the_file_says() -> Result<()> {
    let mut scene = Scene::set(SEED, Mix::calm(), 1)?;
    let (author, second) = (scene.token_of("revops-1", 1)?, scene.token_of("revops-lead", 2)?);
    scene.host.start()?;
    let (base, rules) = (scene.host.base(), scene.rules().join("people.md"));
    let of_house = std::fs::read_to_string(&rules)?;
    let says = |token: &str, key: &str, path: &str, body: &Value| -> Result<Value> {
        let token = format!("Bearer {token}");
        let headers = [
            ("authorization", token.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key),
            ("if-match", "\"1\""),
            ("prefer", "wait=20"),
        ];
        http::send("POST", &format!("{base}{path}"), &headers, body.to_string().as_bytes())?.json()
    };
    let agent = format!("Bearer {}", scene.token);
    let list = format!("{base}/v1/intents");
    let status = || http::get(&list, &[("authorization", &agent)]).map(|answer| answer.status);
    assert_eq!(status()?, 200);

    // Two persons let the requester go.
    let row = format!("| {} ", scene::REQUESTER);
    let without: Vec<&str> = of_house.lines().filter(|line| !line.starts_with(&row)).collect();
    let tokens = json!({"file": "people.md", "document": without.join("\n"), "reason": "they leave"});
    let asked = says(&author, "p-1", "/v1/intents", &json!({"type": "shared_change", "tokens": tokens}))?;
    assert_eq!(asked["state"], "seated", "{asked}");
    let id = asked["id"].as_str().context("an id")?;
    let done = says(&second, "p-2", &format!("/v1/intents/{id}/decisions"), &json!({"decision": "approve"}))?;
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(status()?, 403, "it is in force with the answer");

    // Nobody brings them back alone: not by an edit, and not by starting the host on another file.
    std::fs::write(&rules, of_house.replace("# People", "# People of the house"))?;
    let begun = now();
    while !scene.host.told()?.contains("people.md has changed and does not count") {
        assert!(begun.elapsed() < Duration::from_secs(60), "the host says so");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(status()?, 403);
    scene.host.kill()?;
    scene.host.start()?;
    assert_eq!(status()?, 403, "what was approved is on record");
    assert!(
        scene.host.told()?.contains("is not what was published last and does not count"),
        "{}",
        scene.host.told()?
    );
    scene.host.stop()?;
    Ok(())
}

#[test]
fn whoever_left_by_the_record_is_out_at_once_and_stays_out() -> Result<()> {
    let mut scene = Scene::set(SEED, Mix::calm(), 1)?;
    let provider = format!("Bearer {}", scene.provider()?);
    scene.host.start()?;
    let base = scene.host.base();
    let token = format!("Bearer {}", scene.token);
    let list = format!("{base}/v1/intents");
    let status = || http::get(&list, &[("authorization", &token)]).map(|answer| answer.status);
    let says = |method: &str, path: &str, body: &str| -> Result<u16> {
        let headers = [("authorization", provider.as_str()), ("content-type", "application/scim+json")];
        Ok(http::send(method, &format!("{base}/scim/v2{path}"), &headers, body.as_bytes())?.status)
    };
    let user = format!("/Users/{}", scene::REQUESTER);
    let name = format!("{}@example.com", scene::REQUESTER);
    let user_of = |name: &str| {
        let extension = "urn:countersign:params:scim:schemas:extension:1.0:User";
        format!(r#"{{"userName":"{name}","{extension}":{{"person":"{}"}}}}"#, scene::REQUESTER)
    };
    assert_eq!(says("POST", "/Users", &user_of(&name))?, 201);
    assert_eq!(status()?, 200);
    let off = r#"{"Operations":[{"op":"replace","value":{"active":false}}]}"#;
    assert_eq!(says("PATCH", &user, off)?, 200);
    // Not within a minute: with the answer.
    assert_eq!(status()?, 403);
    scene.host.kill()?;
    scene.host.start()?;
    assert_eq!(status()?, 403, "what was answered is on record");
    // The file names them still, and is read again.
    let people = scene.rules().join("people.md");
    let before = std::fs::read_to_string(&people)?;
    std::fs::write(&people, before.replace("# People", "# People of the house"))?;
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(status()?, 403, "a change of the file brings nobody back");
    assert_eq!(says("PATCH", &user, &off.replace("false", "true"))?, 200);
    assert_eq!(status()?, 200);
    assert_eq!(says("DELETE", &user, "")?, 204);
    assert_eq!(status()?, 403);
    scene.host.stop()?;
    let audit = scene.host.beside(&["audit", "verify"])?;
    ensure!(audit.code == Some(0), "the log does not verify: {}", audit.words);
    scene.host.start()?;
    assert_eq!((status()?, says("GET", &user, "")?), (403, 404));
    assert_eq!(says("POST", "/Users", &user_of(&name))?, 409);
    scene.host.stop()?;
    Ok(())
}
