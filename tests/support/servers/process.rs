//! One child process on a free loopback port: started, waited for, ended.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::http;

/// How often a server is asked whether it answers: 600 times 100 ms is a minute, three
/// times what the slowest (Tryton) needs on a busy machine of two cores.
const START_POLLS_MAX: u32 = 600;
const START_POLL_INTERVAL_MS: u64 = 100;

/// A port may be taken between our look and the server's bind: so often another is tried.
const START_TRIES_MAX: u32 = 3;

/// How much of a server's own words an error repeats.
const LOG_TAIL_BYTES: usize = 2_000;

/// Runs the server below a shell that holds a pipe to us. When the pipe closes, because the
/// value was dropped or because the test process died in whatever way, the server is killed;
/// when the server ends by itself, so does the shell, with its status.
const SUPERVISOR: &str = r#"exec 3<&0
"$@" 3<&- </dev/null &
server=$!
(cat <&3 >/dev/null; kill -KILL "$server" 2>/dev/null) &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"#;

/// A running server. Dropping it ends the process and removes its folder.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Process {
    /// Starts a server and waits until it answers any HTTP status to `GET ready_path`.
    /// `prepare` gets a fresh private folder and the port, and makes the command: program and
    /// arguments, which run in that folder.
    ///
    /// # Errors
    /// The program is missing, ends by itself, or does not answer within a minute.
    pub fn start(
        name: &'static str,
        ready_path: &str,
        prepare: impl Fn(&Path, u16) -> Result<Command>,
    ) -> Result<Self> {
        let answers = |port: u16| http::get(&format!("http://127.0.0.1:{port}{ready_path}"), &[]).is_ok();
        Self::start_when(name, &answers, prepare)
    }

    /// The same for a server that does not speak HTTP: `answers` says whether the one at this port does.
    ///
    /// # Errors
    /// Those of [`Process::start`].
    pub fn start_when(
        name: &'static str,
        answers: &dyn Fn(u16) -> bool,
        prepare: impl Fn(&Path, u16) -> Result<Command>,
    ) -> Result<Self> {
        let mut last = None;
        for _ in 0..START_TRIES_MAX {
            match Self::start_once(name, answers, &prepare) {
                Ok(process) => return Ok(process),
                Err(error) => last = Some(error),
            }
        }
        last.map_or_else(|| bail!("the test server `{name}` was never tried"), Err)
    }

    fn start_once(
        name: &'static str,
        answers: &dyn Fn(u16) -> bool,
        prepare: impl Fn(&Path, u16) -> Result<Command>,
    ) -> Result<Self> {
        let folder = TempDir::with_prefix(format!("countersign-{name}-"))?;
        let port = free_port()?;
        let log = File::create(folder.path().join("server.log"))?;
        let server = prepare(folder.path(), port)?;
        let child = Command::new("sh")
            .args(["-c", SUPERVISOR, "sh"])
            .arg(server.get_program())
            .args(server.get_args())
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("the test server `{name}` does not start"))?;
        let mut process = Self { name, child, port, folder };
        process.wait_until_ready(answers)?;
        Ok(process)
    }

    fn wait_until_ready(&mut self, answers: &dyn Fn(u16) -> bool) -> Result<()> {
        for _ in 0..START_POLLS_MAX {
            if let Some(status) = self.child.try_wait()? {
                bail!("the test server `{}` ended with {status}: {}", self.name, self.log_tail());
            }
            if answers(self.port) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(START_POLL_INTERVAL_MS));
        }
        bail!("the test server `{}` does not answer: {}", self.name, self.log_tail())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The server's private folder: its data, its configuration and `server.log`.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The end of what the server wrote, for messages of failed tests.
    pub fn log_tail(&self) -> String {
        let path = self.folder.path().join("server.log");
        match std::fs::read(&path) {
            Ok(bytes) => {
                let from = bytes.len().saturating_sub(LOG_TAIL_BYTES);
                String::from_utf8_lossy(&bytes[from..]).trim().to_owned()
            }
            Err(error) => format!("no log: {error}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The supervisor takes the closed pipe as the order to end.
        drop(self.child.stdin.take());
        // A child that cannot be waited for is gone, which is what is wanted.
        drop(self.child.wait());
    }
}

pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free loopback port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_server_is_gone() -> Result<()> {
        let process = Process::start("python", "/", |_, port| {
            let mut command = Command::new("python3");
            command.args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string()]);
            Ok(command)
        })?;
        let url = process.base_url();
        assert_eq!(http::get(&url, &[])?.status, 200);
        drop(process);
        assert!(http::get(&url, &[]).is_err());
        Ok(())
    }

    #[test]
    fn a_server_that_ends_by_itself_says_why() {
        let error = Process::start("failing", "/", |_, _| {
            let mut command = Command::new("sh");
            command.args(["-c", "echo 'the disk is full' >&2; exit 3"]);
            Ok(command)
        })
        .expect_err("it ended");
        let words = error.to_string();
        assert!(words.contains("exit status: 3") && words.contains("the disk is full"), "{words}");
    }
}
