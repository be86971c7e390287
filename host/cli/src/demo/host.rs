//! The host of the demonstration: the same program in a process of its own, so that it can be
//! killed as a machine kills it, with nothing finished and nothing tidied up.

use anyhow::{Context, Result, bail};
use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// How long a start may take: the first one compiles the connectors.
const READY_MS_MAX: u64 = 60_000;
/// Wait between two looks.
const LOOK_MS: u64 = 20;
/// Lines of the host's own words that an error repeats.
const LAST_LINES: usize = 12;

/// A host as a child process. Dropping it kills it.
#[derive(Debug)]
pub struct Host {
    binary: PathBuf,
    configuration: PathBuf,
    words: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
}

/// A loopback address with a port that is free now.
///
/// # Errors
/// If the system has none.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on loopback")?;
    Ok(listener.local_addr()?)
}

impl Host {
    /// A host that is not running yet: `binary serve --config CONFIGURATION`, which makes it
    /// listen on `address`.
    #[must_use]
    pub fn new(binary: PathBuf, configuration: &Path, address: SocketAddr) -> Host {
        let words = configuration.with_file_name("host.log");
        Host { binary, configuration: configuration.to_owned(), words, address, child: None }
    }

    /// `http://HOST:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the host's own words are kept.
    #[must_use]
    pub fn words(&self) -> &Path {
        &self.words
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// If it ends before that, with its last words.
    pub async fn start(&mut self) -> Result<()> {
        let words = OpenOptions::new().create(true).append(true).open(&self.words)?;
        let child = Command::new(&self.binary)
            .arg("serve")
            .arg("--config")
            .arg(&self.configuration)
            .stdin(Stdio::null())
            .stdout(words.try_clone()?)
            .stderr(words)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("`{}` cannot be started", self.binary.display()))?;
        let child = self.child.insert(child);
        for _ in 0..READY_MS_MAX / LOOK_MS {
            if let Some(status) = child.try_wait()? {
                bail!("the host ended at its start ({status}):\n{}", last_lines(&self.words));
            }
            if is_ready(self.address).await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        bail!("the host was not ready after {READY_MS_MAX} ms:\n{}", last_lines(&self.words))
    }

    /// Kills it with SIGKILL: it gets no chance to finish or to tidy up.
    ///
    /// # Errors
    /// If it is not running.
    pub async fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the host is not running")?;
        child.kill().await.context("the host cannot be killed")
    }

    /// Waits until it ends by itself, or is interrupted together with us.
    ///
    /// # Errors
    /// If it is not running.
    pub async fn wait(&mut self) -> Result<()> {
        let child = self.child.as_mut().context("the host is not running")?;
        child.wait().await?;
        Ok(())
    }
}

/// Whether the host says that it takes work.
async fn is_ready(address: SocketAddr) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let asked = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        Some(answer.starts_with(b"HTTP/1.1 200"))
    };
    let in_time = tokio::time::timeout(Duration::from_millis(1_000), asked).await;
    in_time.ok().flatten().unwrap_or(false)
}

fn last_lines(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
