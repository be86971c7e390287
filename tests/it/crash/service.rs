//! A host under a service manager: it says when it serves, that it is alive, and that it stops; one that stands still says
//! nothing.

use super::SEED;
use super::load::Client;
use super::scene::Scene;
use anyhow::{Context as _, Result};
use countersign::standin::faults::Mix;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// How long a sign of life is waited for: two come in that time.
const WATCH: Duration = Duration::from_secs(4);

/// What comes next, or nothing within the time.
fn heard(manager: &Receiver<String>) -> Option<String> {
    manager.recv_timeout(2 * WATCH).ok()
}

/// A service manager that hears at once whatever is said.
fn listening(socket: UnixDatagram) -> Receiver<String> {
    let (heard, manager) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 1_024];
        while let Ok(length) = socket.recv(&mut bytes) {
            if heard.send(String::from_utf8_lossy(&bytes[..length]).into_owned()).is_err() {
                return;
            }
        }
    });
    manager
}

fn signalled(process: u32, signal: &str) -> Result<()> {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status()?;
    sent.success().then_some(()).context("the signal is sent")
}

#[test]
fn a_service_manager_is_told_when_a_host_serves_lives_and_stops() -> Result<()> {
    let mut scene = Scene::set(SEED, Mix::calm(), 1)?;
    let path = scene.data().with_file_name("manager");
    let manager = listening(UnixDatagram::bind(&path)?);
    scene.host.set("NOTIFY_SOCKET", path.to_str().context("a path of this suite is text")?);
    scene.host.set("WATCHDOG_USEC", &WATCH.as_micros().to_string());
    scene.host.start()?;
    let mut told = Vec::new();
    while told.last().is_none_or(|word: &String| word == "WATCHDOG=1") {
        told.push(heard(&manager).context("the host says something")?);
        anyhow::ensure!(told.len() < 1_000, "the host does not say that it serves");
    }
    assert_eq!(told.pop().as_deref(), Some("READY=1\nSTATUS=serving"));
    assert!(!told.is_empty(), "it lived before it served");
    // It serves by the time that it says so.
    Client::new(scene.host.base(), &scene.token).insist(0)?;
    for _ in 0..3 {
        assert_eq!(heard(&manager).as_deref(), Some("WATCHDOG=1"));
    }

    let process = scene.host.process()?;
    signalled(process, "-STOP")?;
    // What was said before is heard still.
    let before = std::iter::from_fn(|| heard(&manager)).take(20).count();
    assert!(before < 20, "one that stands still is not alive");
    signalled(process, "-CONT")?;
    assert_eq!(heard(&manager).as_deref(), Some("WATCHDOG=1"));

    assert_eq!(scene.host.stop()?.code(), Some(0));
    let mut rest = Vec::new();
    while let Some(word) = heard(&manager) {
        rest.push(word);
    }
    assert!(rest.iter().any(|word| word == "STOPPING=1\nSTATUS=letting what runs end"), "{rest:?}");
    Ok(())
}
