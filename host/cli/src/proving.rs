//! The log of a host that runs, as others may check it: its key, its tree, and the checkpoint that is noted elsewhere.

use crate::anchor::{NotNoted, Noter};
use crate::command::audit::key::{self, LogKey};
use crate::config::Settings;
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use countersign_engine::engine::Engine;
use countersign_engine::log_tree::LogTree;
use countersign_engine::port::anchor::Anchor;
use countersign_engine::port::hashes::{Hashes, MemoryHashes};
use countersign_engine::port::store::Store;
use countersign_server::LogSigner;
use countersign_store_local::TreeFile;
use futures::future::try_join_all;
use std::fmt;
use std::sync::Arc;

/// Where in the data folder the hashes of the log's tree lie: they follow from the log.
const TREE_FOLDER: &str = "tree";

/// By what the log of a host is proved.
pub struct Proving {
    tree: Arc<LogTree>,
    key: Arc<LogKey>,
    anchors: Vec<Arc<dyn Anchor>>,
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
        let places = settings.anchors.iter().filter(|_| on_disk);
        let noters = places.map(|options| Noter::new(options.clone(), Arc::clone(&key), Arc::clone(&tree)));
        let noters: Result<Vec<Noter>, String> = noters.collect();
        let noters = noters.map_err(|why| Failure::new(exit::CONFIGURATION, why))?;
        // All at once: how long a place takes to answer holds up no other one, and the start for so long only.
        try_join_all(noters.iter().map(begins_with_what_is_noted)).await?;
        let anchors = noters.into_iter().map(|noter| Arc::new(noter) as Arc<dyn Anchor>).collect();
        Ok(Some(Proving { tree, key, anchors }))
    }

    /// Keeps the tree from here on, and gives what signs.
    #[must_use]
    pub fn begun(self, engine: &Engine) -> LogSigner {
        let Proving { tree, key, anchors } = self;
        engine.prove_by(tree, anchors);
        let public = key.public().clone();
        LogSigner { public, sign: Arc::new(move |text| key.sign(text)) }
    }
}

/// Makes sure that the log begins with what is noted in a place. One that cannot be read now keeps no host from starting:
/// nothing is noted there until it has been.
async fn begins_with_what_is_noted(noter: &Noter) -> Result<()> {
    let Err(why) = noter.compare().await else { return Ok(()) };
    let message = noter.words(&why);
    let help = match why {
        NotNoted::Unread(_) => {
            tracing::warn!(blame = "operator", "{message}; nothing is noted there until it can be");
            return Ok(());
        }
        NotNoted::Foreign => {
            let help = "it was noted of another log, or with a key that was exchanged: look at it with that key \
                        (`countersign audit verify --since`), then move it away";
            return Err(Failure::new(exit::CONFIGURATION, message).with_help(help).into());
        }
        NotNoted::Shorter { .. } | NotNoted::Otherwise(_) => {
            "somebody replaced the log or put an old copy in its place, and what was acknowledged since is not in it: keep \
             the data folder as it is and find out. To go on with this log all the same, move what is noted away"
        }
    };
    Err(Failure::new(exit::NO, message).with_help(help).into())
}
