//! Where checkpoints of the log are noted so that whoever runs the host cannot take them back alone: a file, an address
//! that keeps what is put there, one that takes what is posted, a repository.
//!
//! What can be read back is read before anything is put over it, and at the start: a log that does not begin with what
//! was noted of it is an old copy or another log, and nothing is noted of it.

use crate::command::audit::key::{self, LogKey};
use crate::output::plain;
use countersign_connectors::Secret;
use countersign_core::hash::Digest;
use countersign_core::log::note::{Checkpoint, NOTE_BYTES_MAX, Note};
use countersign_core::time::Millis;
use countersign_engine::log_tree::{Begins, LogTree};
use countersign_engine::port::Answer;
use countersign_engine::port::anchor::Anchor;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long an address may take to take a connection, in milliseconds.
const CONNECT_MS: u64 = 5_000;
/// How long it may take in all, in milliseconds.
const WHOLE_MS: u64 = 20_000;
/// How long a place may take to give back what it holds, in milliseconds: a host that starts waits for it.
const READ_MS: u64 = 10_000;
/// How long one run of `git` may take, in milliseconds: a push goes over the network.
const GIT_MS: u64 = 60_000;
/// Most characters of what a program or a server says that are shown.
const WORDS_MAX: usize = 300;
/// The file in a repository.
const IN_REPOSITORY: &str = "checkpoint";
/// What a checkpoint is sent as.
const MEDIA: &str = "text/plain; charset=utf-8";

/// One place, as the configuration names it.
#[derive(Debug, Clone)]
pub struct AnchorOptions {
    /// What the operator calls it.
    pub name: String,
    /// What kind of place it is.
    pub place: Place,
    /// How long it rests between two checkpoints.
    pub rest: Millis,
}

/// What kind of place it is. Printed without what stands behind a question mark in an address: that may be a key.
#[derive(Clone)]
pub enum Place {
    /// A file that is replaced whole.
    File(PathBuf),
    /// An address that keeps what is put there and gives it back.
    Put {
        /// The address.
        url: String,
        /// The whole header `authorization`.
        authorization: Option<Secret>,
    },
    /// An address that takes what is posted.
    Post {
        /// The address.
        url: String,
        /// The whole header `authorization`.
        authorization: Option<Secret>,
    },
    /// A clone of a repository; each checkpoint is a commit that is pushed.
    Git(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(file) => write!(formatter, "`{}`", file.display()),
            Place::Put { url, .. } | Place::Post { url, .. } => {
                write!(formatter, "`{}`", plain(url.split('?').next().unwrap_or_default()))
            }
            Place::Git(folder) => write!(formatter, "the repository `{}`", folder.display()),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Why a log is not the one that was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotNoted {
    /// The place cannot be read now.
    Unread(String),
    /// What it holds was not signed with this key.
    Foreign,
    /// The log has only so many entries of those that were noted.
    Shorter {
        /// Entries of the log.
        has: u64,
        /// Entries that were noted.
        noted: u64,
    },
    /// The first entries, so many, are others.
    Otherwise(u64),
}

/// A place with what it takes to note there.
pub struct Noter {
    options: AnchorOptions,
    key: Arc<LogKey>,
    tree: Arc<LogTree>,
    client: reqwest::Client,
    /// Whether what it held has been looked at since the start.
    compared: AtomicBool,
}

impl fmt::Debug for Noter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Noter").field(&self.options.name).finish()
    }
}

impl Noter {
    /// Notes the log of `tree`, signed by `key`.
    ///
    /// # Errors
    /// In words, if no client for addresses can be made.
    pub(crate) fn new(options: AnchorOptions, key: Arc<LogKey>, tree: Arc<LogTree>) -> Result<Noter, String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_millis(CONNECT_MS))
            .timeout(Duration::from_millis(WHOLE_MS))
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            // Where it leads is not what the operator named.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("no client can be made: {error}"))?;
        Ok(Noter { options, key, tree, client, compared: AtomicBool::new(false) })
    }

    /// Why the log is not the one that was noted here, in words.
    #[must_use]
    pub fn words(&self, why: &NotNoted) -> String {
        let (place, name) = (&self.options.place, self.key.public().name());
        match why {
            NotNoted::Unread(why) => format!("{place}, where the log is noted, cannot be read: {why}"),
            NotNoted::Foreign => {
                format!("what is noted in {place} is no checkpoint that `{name}` signed with this key")
            }
            NotNoted::Shorter { has, noted } => {
                format!("the log has {has} entries, and {place} says that it had {noted}")
            }
            NotNoted::Otherwise(noted) => {
                format!("the first {noted} entries of the log are not those of the checkpoint in {place}")
            }
        }
    }

    /// Whether the log begins with what is noted here; so it does where nothing can be read back.
    ///
    /// # Errors
    /// Why not, or that the place cannot be read now.
    pub async fn compare(&self) -> Result<(), NotNoted> {
        let read = tokio::time::timeout(Duration::from_millis(READ_MS), self.read()).await;
        let late = || Err(format!("it does not answer within {READ_MS} ms"));
        let Some(text) = read.unwrap_or_else(|_| late()).map_err(NotNoted::Unread)? else {
            self.compared.store(true, Ordering::Release);
            return Ok(());
        };
        let noted = self.checkpoint(&text).ok_or(NotNoted::Foreign)?;
        let begins = self.tree.begins_with(noted.size, &noted.root).await;
        match begins.map_err(|fault| NotNoted::Unread(fault.to_string()))? {
            Begins::So => {}
            Begins::Shorter(has) => return Err(NotNoted::Shorter { has, noted: noted.size }),
            Begins::Otherwise => return Err(NotNoted::Otherwise(noted.size)),
        }
        self.compared.store(true, Ordering::Release);
        Ok(())
    }

    fn checkpoint(&self, text: &str) -> Option<Checkpoint> {
        Note::parse(text)?.checkpoint(self.key.public(), key::is_right)
    }

    /// What the place holds; `None` if it holds nothing, or never gives anything back.
    async fn read(&self) -> Result<Option<String>, String> {
        match &self.options.place {
            Place::File(file) => read_file(file),
            Place::Git(folder) => {
                // What others pushed counts too: two hosts may not note in one place.
                git(folder, &["pull", "--quiet", "--ff-only"]).await?;
                read_file(&folder.join(IN_REPOSITORY))
            }
            Place::Post { .. } => Ok(None),
            Place::Put { url, authorization } => {
                let answer = self.sent(self.client.get(url), authorization.as_ref()).await?;
                match answer.status().as_u16() {
                    404 | 410 => Ok(None),
                    200..300 => whole(answer).await.map(Some),
                    status => Err(format!("it answers {status}")),
                }
            }
        }
    }

    async fn write(&self, note: String, size: u64) -> Result<(), String> {
        match &self.options.place {
            Place::File(file) => {
                let file = file.clone();
                let written = tokio::task::spawn_blocking(move || replace(&file, &note)).await;
                written.map_err(|error| error.to_string())?
            }
            Place::Git(folder) => commit(folder, &note, size).await,
            Place::Put { url, authorization } => {
                self.accepted(self.client.put(url), note, authorization.as_ref()).await
            }
            Place::Post { url, authorization } => {
                self.accepted(self.client.post(url), note, authorization.as_ref()).await
            }
        }
    }

    async fn accepted(
        &self,
        request: reqwest::RequestBuilder,
        note: String,
        authorization: Option<&Secret>,
    ) -> Result<(), String> {
        let request = request.header(CONTENT_TYPE, MEDIA).body(note);
        let answer = self.sent(request, authorization).await?;
        match answer.status().as_u16() {
            200..300 => Ok(()),
            status => Err(format!("it answers {status}")),
        }
    }

    async fn sent(
        &self,
        request: reqwest::RequestBuilder,
        authorization: Option<&Secret>,
    ) -> Result<reqwest::Response, String> {
        let request = match authorization.cloned() {
            // One that was exchanged meanwhile counts; to read it may take a program.
            Some(secret) => {
                let told = tokio::task::spawn_blocking(move || secret.again()).await;
                let told = told.map_err(|error| error.to_string())?;
                let told = told.map_err(|why| format!("its `authorization` cannot be read: {why}"))?;
                let mut value =
                    HeaderValue::from_str(&told).map_err(|_| "its `authorization` is no header")?;
                value.set_sensitive(true);
                request.header(AUTHORIZATION, value)
            }
            None => request,
        };
        // The address may hold a key: what is said of it is the reason alone.
        request
            .send()
            .await
            .map_err(|error| format!("it cannot be reached: {}", reason(&error.without_url())))
    }
}

impl Anchor for Noter {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn rest(&self) -> Millis {
        self.options.rest
    }

    fn note(&self, size: u64, root: Digest) -> Answer<'_, Result<(), String>> {
        Box::pin(async move {
            if !self.compared.load(Ordering::Acquire) {
                self.compare().await.map_err(|why| self.words(&why))?;
            }
            let note = Note::of(size, root, self.key.public(), |text| self.key.sign(text)).to_text();
            self.write(note, size).await.map_err(|why| format!("{}: {why}", self.options.place))
        })
    }
}

fn reason(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    shortened(&last.to_string())
}

fn shortened(text: &str) -> String {
    plain(text.trim()).chars().take(WORDS_MAX).collect()
}

/// The text of an answer that is no longer than a note can be.
async fn whole(mut answer: reqwest::Response) -> Result<String, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| reason(&error.without_url()))? {
        bytes.extend_from_slice(&chunk);
        if NOTE_BYTES_MAX < bytes.len() {
            return Err(format!("it holds more than {NOTE_BYTES_MAX} bytes"));
        }
    }
    String::from_utf8(bytes).map_err(|_| "it holds no text".to_owned())
}

fn read_file(file: &Path) -> Result<Option<String>, String> {
    match file.try_exists() {
        Ok(false) => Ok(None),
        Ok(true) => crate::command::audit::text_of(file, NOTE_BYTES_MAX)
            .map(Some)
            .map_err(|error| format!("{error:#}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Puts a note in the place of a file, whole or not at all.
fn replace(file: &Path, note: &str) -> Result<(), String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut new| {
        new.write_all(note.as_bytes())?;
        new.as_file().sync_all()?;
        new.persist(file).map(drop).map_err(|error| error.error)
    });
    written.map_err(|error| error.to_string())
}

/// Commits a note and pushes it. A push that failed before is made up for.
async fn commit(folder: &Path, note: &str, size: u64) -> Result<(), String> {
    replace(&folder.join(IN_REPOSITORY), note)?;
    git(folder, &["add", IN_REPOSITORY]).await?;
    let words = format!("The log at {size} entries");
    // Nothing is left to commit where the last push failed after its commit.
    if git(folder, &["diff", "--cached", "--quiet"]).await.is_err() {
        git(folder, &["commit", "--quiet", "--message", &words]).await?;
    }
    git(folder, &["push", "--quiet"]).await
}

/// Runs `git` in a folder; asks nobody for a password.
async fn git(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut command = tokio::process::Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    command.env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null()).kill_on_drop(true);
    let ran = tokio::time::timeout(Duration::from_millis(GIT_MS), command.output()).await;
    let output = match ran {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("`git` cannot be run: {error}")),
        Err(_) => return Err(format!("`git {}` took longer than {GIT_MS} ms", arguments.join(" "))),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`git {}`: {}", arguments.join(" "), shortened(&said)))
}
