//! The stores that a log can lie in, each empty.

use crate::servers::Postgres;
use countersign_core::hash::Digest;
use countersign_engine::port::store::Store;
use countersign_store_local::{LocalStore, Options};
use countersign_store_postgres::PostgresStore;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// A store, with what it lies in, which is gone when this is dropped.
pub struct Kept {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its folder, or its server.
    pub place: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Kept").finish_non_exhaustive()
    }
}

impl Kept {
    /// In a data folder.
    ///
    /// # Panics
    /// If it cannot be opened.
    #[must_use]
    pub fn in_a_folder() -> Kept {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let store = LocalStore::open(Options::at(folder.path())).expect("the folder opens");
        Kept { store: Arc::new(store), place: Box::new(folder) }
    }

    /// In a database; also for whoever runs in a runtime.
    ///
    /// # Panics
    /// If PostgreSQL does not run, or refuses it.
    #[must_use]
    pub fn in_a_database() -> Kept {
        let opened = std::thread::spawn(|| {
            let server = Postgres::shared().expect("PostgreSQL runs");
            let url = server.database().expect("a database for the test");
            let (owner, install) = ("the host".to_owned(), Digest::of(b"install"));
            let options = countersign_store_postgres::Options { url, owner, install };
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            (server, runtime.block_on(PostgresStore::open(options)).expect("it opens"))
        });
        let (server, store) = opened.join().expect("it opens");
        Kept { store: Arc::new(store), place: Box::new(server) }
    }
}
