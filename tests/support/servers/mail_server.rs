//! Mail: aiosmtpd, which takes mails over SMTP; what it took is read by Python's own mail parser.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Process, python_program};

/// A running mail server without mails.
#[derive(Debug)]
pub struct MailServer {
    process: Process,
}

/// A mail that the server took.
#[derive(Debug, Clone, Deserialize)]
pub struct Received {
    /// Sender of the envelope.
    pub from: String,
    /// Recipients of the envelope.
    pub to: Vec<String>,
    /// Every header in its order, decoded.
    pub headers: Vec<(String, String)>,
    /// The text, decoded.
    pub text: String,
    /// The bytes as they came.
    pub raw: String,
}

impl Received {
    /// Every value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Vec<&str> {
        let own = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.as_str()).collect()
    }
}

impl MailServer {
    /// Starts one; with a login it takes mails from nobody else.
    ///
    /// # Errors
    /// It is not installed, or does not answer.
    pub fn start(login: Option<(&str, &str)>) -> Result<Self> {
        let python = python_program("python")?;
        python_program("aiosmtpd")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/servers/mail_sink.py");
        let answers = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
        let process = Process::start_when("aiosmtpd", &answers, |folder, port| {
            let mut command = Command::new(&python);
            command.arg(&script).arg(port.to_string()).arg(folder);
            command.args(login.into_iter().flat_map(|(user, password)| [user, password]));
            Ok(command)
        })?;
        Ok(Self { process })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.process.port()
    }

    /// Every mail so far, in the order in which they came.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn received(&self) -> Result<Vec<Received>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(self.process.folder())? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                files.push(path);
            }
        }
        files.sort();
        let read = |path| serde_json::from_slice(&std::fs::read(path)?).context("a mail is JSON");
        files.into_iter().map(read).collect()
    }
}
