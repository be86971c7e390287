//! The log of a host, where its configuration keeps it: in the data folder, or in a database.

use crate::backup::refuse_half_restored;
use crate::command::Global;
use crate::config::{self, Settings};
use crate::exit;
use crate::output::Failure;
use crate::wire::{self, INSTALL_KEY_FILE};
use anyhow::Context as _;
use countersign_connectors::Secret;
use countersign_core::hash::Digest;
use countersign_engine::port::store::{Store, StoreFault};
use countersign_store_local::{LocalStore, Options as FolderOptions};
use countersign_store_postgres::{OpenFault, Options as DatabaseOptions, PostgresStore};
use prometheus_client::registry::Registry;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often a host that waits for the log looks whether it is free, in milliseconds.
const TURN_LOOK_MS: u64 = 1_000;

/// Where the log lies below the data folder, if it lies there.
const LOG_FOLDER: &str = "log";

/// Where a log is kept.
#[expect(missing_debug_implementations, reason = "it holds a secret")]
pub enum Place {
    /// In a data folder.
    Folder(PathBuf),
    /// In a database.
    Database {
        /// The data folder of the host, which has its install key.
        data: PathBuf,
        /// The address of the database.
        address: Secret,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Folder(data) => write!(formatter, "data folder `{}`", data.display()),
            Place::Database { .. } => formatter.write_str("the database that `[data]` names"),
        }
    }
}

impl Place {
    /// Where this configuration keeps it.
    #[must_use]
    pub fn of(settings: &Settings) -> Place {
        let data = settings.data.clone();
        match settings.database.clone() {
            Some(address) => Place::Database { data, address },
            None => Place::Folder(data),
        }
    }

    /// The data folder that is named, or where the configuration keeps the log.
    ///
    /// # Errors
    /// If the configuration cannot be read, or there is no such folder.
    pub fn named(data: Option<PathBuf>, global: &Global) -> anyhow::Result<Place> {
        let place = match data {
            Some(data) => Place::Folder(data),
            None => Place::of(&config::load(global.config.as_deref())?),
        };
        match &place {
            Place::Folder(data) if !data.is_dir() => {
                let message = format!("there is no data folder `{}`", data.display());
                Err(Failure::new(exit::CONFIGURATION, message).with_help("name it with `--data DIR`").into())
            }
            Place::Folder(_) | Place::Database { .. } => Ok(place),
        }
    }

    /// The same if any host has run there; nothing if none has.
    ///
    /// # Errors
    /// Those of [`Place::read`].
    pub async fn read_if_begun(
        &self,
        broken: impl Fn(StoreFault) -> anyhow::Error,
    ) -> anyhow::Result<Option<Log>> {
        match self {
            Place::Folder(data) if !data.join(LOG_FOLDER).is_dir() => Ok(None),
            Place::Folder(data) => in_folder(data, self, broken).await.map(Some),
            Place::Database { data, address } => match PostgresStore::look(options(data, address)?).await {
                Ok(store) => Ok(Some(Log::Database(Arc::new(store)))),
                Err(OpenFault::Empty) => Ok(None),
                Err(fault) => Err(refused(&fault)),
            },
        }
    }

    /// Opens the log to read it: that of a data folder in which no host runs, or that of a database, whether one runs or
    /// not. Away from the runtime's threads.
    ///
    /// # Errors
    /// What `broken` makes of a fault of a folder's log; if a database does not let it be read, what to do.
    pub async fn read(&self, broken: impl Fn(StoreFault) -> anyhow::Error) -> anyhow::Result<Log> {
        match self {
            Place::Folder(data) => in_folder(data, self, broken).await,
            Place::Database { .. } => {
                self.read_if_begun(broken).await?.ok_or_else(|| refused(&OpenFault::Empty))
            }
        }
    }
}

/// An open log.
#[derive(Debug, Clone)]
pub enum Log {
    /// In the data folder.
    Folder(Arc<LocalStore>),
    /// In a database.
    Database(Arc<PostgresStore>),
}

impl Log {
    /// Opens the log of a host, to write to it. Where another host writes to it, this waits for as long as that one does, and
    /// says so to `waiting`.
    ///
    /// # Errors
    /// If it cannot be opened, with what to do.
    pub async fn open(settings: &Settings, waiting: &dyn Fn(&str)) -> anyhow::Result<Log> {
        let Some(database) = &settings.database else { return Place::of(settings).read(Into::into).await };
        wire::private_folder(&settings.data)?;
        if settings.data.join(LOG_FOLDER).is_dir() {
            let message =
                format!("`{}` holds a log, and `[data] database` names another one", settings.data.display());
            let help = "a log is not moved yet: leave `database` out to go on with it, or give this host another `folder`";
            return Err(Failure::new(exit::CONFIGURATION, message).with_help(help).into());
        }
        let options = options(&settings.data, database)?;
        let mut waits = None;
        loop {
            match PostgresStore::open(options.clone()).await {
                Ok(store) => return Ok(Log::Database(Arc::new(store))),
                Err(OpenFault::InUse(owner)) => {
                    if waits.as_ref() != Some(&owner) {
                        let words = format!(
                            "waiting: {owner} writes to the log; this host takes over when it is gone"
                        );
                        crate::output::line(&words)?;
                        waiting(&words);
                        waits = Some(owner);
                    }
                    tokio::time::sleep(Duration::from_millis(TURN_LOOK_MS)).await;
                }
                Err(fault) => return Err(refused(&fault)),
            }
        }
    }

    /// The same log as the engine has it.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Log::Folder(store) => Arc::clone(store) as Arc<dyn Store>,
            Log::Database(store) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Puts what is counted of this log where a scraper reads it. Once, before the first is asked.
    pub fn register_metrics(&self, registry: &mut Registry) {
        match self {
            Log::Folder(store) => store.register_metrics(registry),
            // What it shows is what every store does, which the engine counts.
            Log::Database(_) => {}
        }
    }

    /// Returns when this host may write no more, though it did not try to: another one took over.
    pub async fn lost(&self) {
        match self {
            Log::Folder(_) => std::future::pending().await,
            Log::Database(store) => store.lost().await,
        }
    }

    /// Closes it. What is not closed is read again at the next start, or waited for; nothing is lost either way.
    ///
    /// # Errors
    /// If the data folder could not be marked as clean.
    pub async fn close(self) -> anyhow::Result<()> {
        match self {
            Log::Folder(store) => tokio::task::spawn_blocking(move || store.close())
                .await
                .context("the log ended while it was closed")??,
            Log::Database(store) => store.close().await,
        }
        Ok(())
    }
}

async fn in_folder(
    data: &Path,
    place: &Place,
    broken: impl Fn(StoreFault) -> anyhow::Error,
) -> anyhow::Result<Log> {
    refuse_half_restored(data)?;
    let options = FolderOptions::at(data);
    let opened = tokio::task::spawn_blocking(move || LocalStore::open(options)).await;
    let store = opened.context("the store ended while it was opened")?;
    let store = store.map_err(broken).with_context(|| place.to_string())?;
    Ok(Log::Folder(Arc::new(store)))
}

/// How a host opens the log of a database: with the key by which it makes the keys of effects.
fn options(data: &Path, database: &Secret) -> anyhow::Result<DatabaseOptions> {
    let key = wire::key(&data.join(INSTALL_KEY_FILE))?;
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Ok(DatabaseOptions {
        url: database.again().map_err(|why| Failure::new(exit::CONFIGURATION, why))?.to_string(),
        owner: format!("{node}, process {}", std::process::id()),
        install: Digest::of_parts(&[b"countersign install key", &key]),
    })
}

/// A database that is not there may be there soon; the rest is somebody's to change.
fn refused(fault: &OpenFault) -> anyhow::Error {
    let (code, help) = match fault {
        OpenFault::Unreachable(_) | OpenFault::InUse(_) => {
            (exit::TEMPORARY, "start the database, or correct `[data] database`")
        }
        OpenFault::Address(_) => (exit::CONFIGURATION, "correct `[data] database`"),
        OpenFault::NotDurable(_) | OpenFault::Version { .. } | OpenFault::OtherInstall | OpenFault::Empty => {
            (exit::CONFIGURATION, "see `operating.md`, \"The log in a database\"")
        }
        OpenFault::Refused(_) => {
            (exit::NO, "the words are those of the database: give its user what it lacks")
        }
    };
    Failure::new(code, fault.to_string()).with_help(help).into()
}
