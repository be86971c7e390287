//! The host as a process of its own: started, killed as a machine kills it, asked to stop.

use crate::servers::{free_port, http};
use crate::world::program;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take: the first one compiles the connectors.
const READY_MS_MAX: u64 = 120_000;
/// How long an end may take once it was asked for: the default grace, and time to spare.
const END_MS_MAX: u64 = 30_000;
/// Wait between two looks.
const LOOK_MS: u64 = 5;
/// Lines of the host's own words that an error repeats.
const LAST_LINES: usize = 12;

/// A host. Dropping it kills it.
#[derive(Debug)]
pub struct Host {
    binary: PathBuf,
    configuration: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
    environment: Vec<(String, String)>,
    before: Vec<String>,
}

/// What a process said that ran beside a host.
#[derive(Debug)]
pub struct Refused {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it wrote to its standard output.
    pub answer: String,
    /// What it wrote to its standard error.
    pub words: String,
}

/// The present, for measuring.
#[expect(clippy::disallowed_methods, reason = "a real process is measured with a real clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// What a process holds in memory, in KiB.
pub fn resident_kib(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a process has a size")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

impl Host {
    /// A host that is not running yet and will listen on `address`, as its configuration says.
    pub fn new(configuration: PathBuf, address: SocketAddr) -> Result<Host> {
        let (environment, before) = (Vec::new(), Vec::new());
        Ok(Host { binary: program()?, configuration, address, child: None, environment, before })
    }

    /// Starts with this variable in its environment from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Lets whoever watches over it read its metrics from now on, and says at which address.
    pub fn watched(&mut self) -> Result<String> {
        let address = format!("127.0.0.1:{}", free_port()?);
        self.set("COUNTERSIGN__SERVER__ADMIN_LISTEN", &address);
        Ok(format!("http://{address}"))
    }

    /// Starts through this command from now on: what it runs must be the process that it was.
    pub fn through(&mut self, before: Vec<String>) {
        self.before = before;
    }

    /// What it said so far.
    pub fn told(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.words())?)
    }

    /// Waits until it ends by itself, and says how.
    pub fn ended(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("the host is not running")?;
        let ended = end_of(&mut child);
        if ended.is_none() {
            child.kill()?;
            child.wait()?;
        }
        ended.context("the host goes on")
    }

    /// `http://HOST:PORT`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id of the process.
    pub fn process(&self) -> Result<u32> {
        Ok(self.child.as_ref().context("the host is not running")?.id())
    }

    /// Starts it, waits until it takes work, and says how long that took.
    pub fn start(&mut self) -> Result<Duration> {
        let begun = now();
        let words = self.words();
        let file = OpenOptions::new().create(true).append(true).open(&words)?;
        let child = self.command(&["serve"]).stdout(file.try_clone()?).stderr(file).spawn()?;
        let child = self.child.insert(child);
        let ready = format!("http://{}/readyz", self.address);
        while begun.elapsed() < Duration::from_millis(READY_MS_MAX) {
            if let Some(status) = child.try_wait()? {
                bail!("the host ended at its start ({status}):\n{}", last_lines(&words));
            }
            if http::get(&ready, &[]).is_ok_and(|answer| answer.status == 200) {
                return Ok(begun.elapsed());
            }
            std::thread::sleep(Duration::from_millis(LOOK_MS));
        }
        bail!("the host was not ready after {READY_MS_MAX} ms:\n{}", last_lines(&words))
    }

    /// Kills it with SIGKILL: it gets no chance to finish or to tidy up.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the host is not running")?;
        if let Some(status) = child.try_wait()? {
            bail!("the host ended by itself ({status}):\n{}", last_lines(&self.words()));
        }
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Asks it to stop with SIGTERM, and waits until it has.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("the host is not running")?;
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        let ended = if asked.success() { end_of(&mut child) } else { None };
        if ended.is_none() {
            child.kill()?;
            child.wait()?;
        }
        ended.context("the host did not stop when it was asked to")
    }

    /// Runs the program beside this host with the same configuration, and gives what it answers.
    /// It listens elsewhere, so that nothing but the data folder is in its way.
    pub fn beside(&self, arguments: &[&str]) -> Result<Refused> {
        let words = self.configuration.with_file_name("beside.log");
        let file = std::fs::File::create(&words)?;
        let answer = self.configuration.with_file_name("beside.answer");
        let out = std::fs::File::create(&answer)?;
        let mut command = self.command(arguments);
        command.env("COUNTERSIGN__SERVER__LISTEN", "127.0.0.1:0").stdout(out).stderr(file);
        let mut child = command.spawn()?;
        let ended = end_of(&mut child);
        if ended.is_none() {
            child.kill()?;
            child.wait()?;
        }
        let status = ended.with_context(|| format!("`{}` runs on beside the host", arguments.join(" ")))?;
        let (answer, words) = (std::fs::read_to_string(answer)?, std::fs::read_to_string(words)?);
        Ok(Refused { code: status.code(), answer, words })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut words = self.before.iter().map(OsStr::new).chain([self.binary.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(arguments).arg("--config").arg(&self.configuration).stdin(Stdio::null());
        command
    }

    fn words(&self) -> PathBuf {
        self.configuration.with_file_name("host.log")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // If it has ended already, that is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// How a process ended, if it did in time.
fn end_of(child: &mut Child) -> Option<ExitStatus> {
    for _ in 0..END_MS_MAX / LOOK_MS {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(LOOK_MS));
    }
    None
}

fn last_lines(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
