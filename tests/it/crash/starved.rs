//! A host that has no file descriptor left.

use super::load::{Client, Load, acknowledge, until};
use super::scene::{Scene, trouble};
use super::{SEED, nothing_lost, under_load};
use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Refunds of each part of the test.
const REFUNDS: usize = 12;
/// Connections of somebody who says nothing: more than the host has descriptors left.
const IDLE: usize = 40;
/// Descriptors that are left to the host before they come.
const LEFT: u64 = 8;
/// How long an answer is waited for that must not come.
const ANSWER_WAIT: Duration = Duration::from_secs(1);
/// How long there is none.
const HUNGER: Duration = Duration::from_secs(4);

/// Sets how many descriptors the process may have, and says how many it might have before.
fn allow_descriptors(process: u32, most: u64) -> Result<u64> {
    let process = Pid::from_raw(i32::try_from(process)?).context("a process has a number")?;
    let before = rustix::process::getrlimit(Resource::Nofile);
    let limit = Rlimit { current: Some(most), maximum: before.maximum };
    let before = prlimit(Some(process), Resource::Nofile, limit)?;
    before.current.context("the limit is finite")
}

/// Whether the host answers nobody.
fn is_alone(address: &str) -> Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: host\r\n\r\n")?;
    let answer = stream.read(&mut [0; 1]);
    Ok(answer.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)))
}

#[test]
fn a_host_without_a_descriptor_left_waits_for_one_and_goes_on() -> Result<()> {
    let mut scene = Scene::set(SEED, trouble(), 2 * REFUNDS)?;
    scene.host.start()?;
    let load = Load::default();
    let client = Client::new(scene.host.base(), &scene.token);
    under_load(&mut scene, &load, |scene, load| {
        acknowledge(load, REFUNDS)?;
        let process = scene.host.process()?;
        let used = std::fs::read_dir(format!("/proc/{process}/fd"))?.count();
        let before = allow_descriptors(process, u64::try_from(used)? + LEFT)?;
        load.allow(REFUNDS);
        let address = scene.host.base().trim_start_matches("http://").to_owned();
        let idle = (0..IDLE).map(|_| TcpStream::connect(&address)).collect::<Result<Vec<_>, _>>()?;
        std::thread::sleep(HUNGER);
        let full = std::fs::read_dir(format!("/proc/{process}/fd"))?.count();
        ensure!(used + usize::try_from(LEFT)? <= full, "{full} of {used} descriptors: none was short");
        ensure!(is_alone(&address)?, "somebody got through");
        drop(idle);
        allow_descriptors(process, before)?;
        let resumed = until("the host answers again", || Ok(client.get("/v1/intents").is_ok()))?;
        let kept = acknowledge(load, 0)?;
        println!(
            "answers {} ms after there were some, all kept {} ms later",
            resumed.as_millis(),
            kept.as_millis()
        );
        Ok(())
    })?;
    nothing_lost(scene, &load)?;
    Ok(())
}
