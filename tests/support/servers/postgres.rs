//! A PostgreSQL server over a folder of its own, which takes everybody on this machine at their word.

use super::Process;
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Where Debian puts the programs of each release.
const RELEASES: &str = "/usr/lib/postgresql";
/// Whom the databases belong to.
const USER: &str = "countersign";
/// The account that the server runs as if the tests run as root, which it refuses.
const NOBODY: (&str, &str) = ("nobody", "nogroup");

/// A running server. Each test takes a database of its own.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    databases: AtomicU32,
}

impl Postgres {
    /// Starts one.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not answer.
    pub fn start() -> Result<Postgres> {
        let answers = |port: u16| {
            let ready = program("pg_isready").map(|mut ready| {
                ready.args(["--quiet", "--host", "127.0.0.1", "--port", &port.to_string()]).status()
            });
            matches!(ready, Ok(Ok(status)) if status.success())
        };
        let process = Process::start_when("postgres", &answers, |folder, port| {
            let data = folder.join("data");
            give_away(folder)?;
            let mut init = as_nobody("initdb")?;
            init.current_dir(folder).arg("--pgdata").arg(&data);
            init.args([
                "--username",
                USER,
                "--auth",
                "trust",
                "--no-sync",
                "--no-locale",
                "--encoding",
                "UTF8",
            ]);
            let made = init.output().context("initdb does not start")?;
            ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
            let mut command = as_nobody("postgres")?;
            command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-k", "", "-p", &port.to_string()]);
            command.args(["-c", "max_connections=200"]);
            Ok(command)
        })
        .context("is PostgreSQL installed? `tests/install` does it")?;
        Ok(Postgres { process, databases: AtomicU32::new(0) })
    }

    /// The one that the tests of a process share; it ends with the last of them.
    ///
    /// # Errors
    /// Those of [`Postgres::start`].
    pub fn shared() -> Result<Arc<Postgres>> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let started = Arc::new(Postgres::start()?);
        *shared = Arc::downgrade(&started);
        Ok(started)
    }

    /// The address of a new database, with nothing in it.
    ///
    /// # Errors
    /// The server refuses.
    pub fn database(&self) -> Result<String> {
        let name = format!("log_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let url = format!("postgresql://{USER}@127.0.0.1:{}", self.process.port());
        self.ask(&format!("{url}/postgres"), &format!("create database {name}"))?;
        Ok(format!("{url}/{name}"))
    }

    /// What a database answers, a row a line.
    ///
    /// # Errors
    /// The words of the server.
    pub fn ask(&self, url: &str, sql: &str) -> Result<String> {
        let mut psql = program("psql")?;
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        let answered = psql.args([url, "--command", sql]).output().context("psql does not start")?;
        ensure!(answered.status.success(), "{}", String::from_utf8_lossy(&answered.stderr).trim());
        Ok(String::from_utf8(answered.stdout)?.trim().to_owned())
    }
}

/// A program of the newest release that is installed, or the one on the path.
fn program(name: &str) -> Result<Command> {
    let mut releases: Vec<PathBuf> = match std::fs::read_dir(RELEASES) {
        Ok(found) => found.flatten().map(|release| release.path().join("bin").join(name)).collect(),
        Err(_) => Vec::new(),
    };
    releases.retain(|program| program.is_file());
    releases.sort();
    Ok(Command::new(releases.pop().unwrap_or_else(|| PathBuf::from(name))))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A program that refuses to run as root.
fn as_nobody(name: &str) -> Result<Command> {
    let wanted = program(name)?;
    if !is_root() {
        return Ok(wanted);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY.0, "--regid", NOBODY.1, "--clear-groups"]).arg(wanted.get_program());
    Ok(command)
}

/// Lets that account use a folder.
fn give_away(folder: &Path) -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let given = Command::new("chown").arg(format!("{}:{}", NOBODY.0, NOBODY.1)).arg(folder).status()?;
    ensure!(given.success(), "`{}` cannot be given to {}", folder.display(), NOBODY.0);
    Ok(())
}
