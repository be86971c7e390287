//! Mail: aiosmtpd, which takes mails over SMTP; what it took is read by Python's own mail parser.

use std::ffi::OsString;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
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
    /// Starts one that is protected (`tls` or `starttls`) and wants a login. Its certificate is for
    /// `localhost`, from an authority that nobody knows but [`MailServer::authority`].
    ///
    /// # Errors
    /// It is not installed, `openssl` cannot make the certificate, or it does not answer.
    pub fn start_protected(how: &str, (user, password): (&str, &str)) -> Result<Self> {
        Self::start_with(&|folder| {
            certificate(folder)?;
            let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
            let words = [user, password, how].map(OsString::from).into_iter();
            Ok(words.chain([certificate.into(), key.into()]).collect())
        })
    }

    /// The certificate of the authority that vouches for a protected server.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.process.folder().join("authority.pem")
    }

    /// Starts one; with a login it takes mails from nobody else.
    ///
    /// # Errors
    /// It is not installed, or does not answer.
    pub fn start(login: Option<(&str, &str)>) -> Result<Self> {
        let words: Vec<OsString> =
            login.into_iter().flat_map(|(user, password)| [user.into(), password.into()]).collect();
        Self::start_with(&|_| Ok(words.clone()))
    }

    fn start_with(words: &dyn Fn(&Path) -> Result<Vec<OsString>>) -> Result<Self> {
        let python = python_program("python")?;
        python_program("aiosmtpd")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/servers/mail_sink.py");
        let answers = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
        let process = Process::start_when("aiosmtpd", &answers, |folder, port| {
            let mut command = Command::new(&python);
            command.arg(&script).arg(port.to_string()).arg(folder);
            command.args(words(folder)?);
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

/// Makes an authority and a certificate for `localhost`, both good for a day.
fn certificate(folder: &Path) -> Result<()> {
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n")?;
    // Two authorities are two, in name as well.
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("authority");
    let steps = [
        &*format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout authority.key -out authority.pem -days 1 -subj /CN={name} \
             -addext basicConstraints=critical,CA:TRUE"
        ),
        "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost",
        "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -out server.pem -days 1 \
         -extfile names",
    ];
    for step in steps {
        let made = Command::new("openssl").args(step.split_whitespace()).current_dir(folder).output();
        let made = made.context("`openssl` is not installed: run `tests/install`")?;
        ensure!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    }
    Ok(())
}
