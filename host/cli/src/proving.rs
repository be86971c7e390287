//! The log of a host that runs, as others may check it: its key, its tree, and the checkpoint that is noted elsewhere.

use crate::command::audit::checkpoint_in;
use crate::command::audit::key::{self, LogKey};
use crate::config::Settings;
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use countersign_core::hash::Digest;
use countersign_core::log::note::{Checkpoint, Note};
use countersign_engine::engine::Engine;
use countersign_engine::log_tree::{Begins, LogTree, Noting};
use countersign_engine::port::hashes::{Hashes, MemoryHashes};
use countersign_engine::port::store::Store;
use countersign_server::LogSigner;
use countersign_store_local::TreeFile;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where in the data folder the hashes of the log's tree lie: they follow from the log.
const TREE_FOLDER: &str = "tree";

/// By what the log of a host is proved.
pub struct Proving {
    tree: Arc<LogTree>,
    key: Arc<LogKey>,
    noting: Option<Noting>,
}

impl fmt::Debug for Proving {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Proving").field(&self.key.public().name()).finish()
    }
}

impl Proving {
    /// The key that the configuration names, and the tree over `store`; nothing without a key. If the log is on disk it
    /// must begin with what was noted of it: looked at before an engine acts on it, which would send once more what
    /// an old copy does not know to be sent.
    ///
    /// # Errors
    /// If the key cannot be read, or the log does not begin with what was noted of it.
    pub async fn of(settings: &Settings, store: Arc<dyn Store>, on_disk: bool) -> Result<Option<Proving>> {
        let Some(file) = &settings.log_key else { return Ok(None) };
        let key = Arc::new(key::private(file).context("the key of `[log]`")?);
        let hashes: Arc<dyn Hashes> = if on_disk {
            Arc::new(TreeFile::open(&settings.data.join(TREE_FOLDER))?)
        } else {
            Arc::new(MemoryHashes::default())
        };
        let tree = Arc::new(LogTree::of(store, hashes));
        // A log in memory begins anew each time.
        let place = settings.log_noted.clone().filter(|_| on_disk);
        if let Some(place) = &place
            && let Some(noted) = noted(place, &key)?
        {
            extends(&tree, &noted, place).await?;
        }
        let noting = place.map(|place| noting(place, Arc::clone(&key)));
        Ok(Some(Proving { tree, key, noting }))
    }

    /// Keeps the tree from here on, and gives what signs.
    #[must_use]
    pub fn begun(self, engine: &Engine) -> LogSigner {
        let Proving { tree, key, noting } = self;
        engine.prove_by(tree, noting);
        let public = key.public().clone();
        LogSigner { public, sign: Arc::new(move |text| key.sign(text)) }
    }
}

/// The checkpoint that was noted last; nothing if none was.
fn noted(place: &Path, key: &LogKey) -> Result<Option<Checkpoint>> {
    let named = || format!("`{}`, where the log is noted, cannot be read", place.display());
    if !place.try_exists().with_context(named)? {
        return Ok(None);
    }
    checkpoint_in(place, key.public())?.map(Some).ok_or_else(|| {
        let message =
            format!("`{}` is no checkpoint that `{}` signed with this key", place.display(), key.public().name());
        let help = "it was noted of another log, or with a key that was exchanged: look at it with that key (`countersign \
                    audit verify --since`), then move it away";
        Failure::new(exit::CONFIGURATION, message).with_help(help).into()
    })
}

/// Makes sure that the log begins with what was noted of it.
async fn extends(tree: &LogTree, noted: &Checkpoint, place: &Path) -> Result<()> {
    let message = match tree.begins_with(noted.size, &noted.root).await? {
        Begins::So => return Ok(()),
        Begins::Shorter(size) => {
            format!("the log has {size} entries, and `{}` says that it had {}", place.display(), noted.size)
        }
        Begins::Otherwise => format!(
            "the first {} entries of the log are not those of the checkpoint in `{}`",
            noted.size,
            place.display()
        ),
    };
    let help = "somebody replaced the log or put an old copy in its place, and what was acknowledged since is not in it: keep \
                the data folder as it is and find out. To go on with this log all the same, move that file away";
    Err(Failure::new(exit::NO, message).with_help(help).into())
}

/// Notes each checkpoint in a file, whole or not at all.
fn noting(place: PathBuf, key: Arc<LogKey>) -> Noting {
    Arc::new(move |size: u64, root: Digest| {
        let note = Note::of(size, root, key.public(), |text| key.sign(text)).to_text();
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
            file.write_all(note.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&place).map(drop).map_err(|error| error.error)
        });
        written.map_err(|error| format!("`{}`: {error}", place.display()))
    })
}
