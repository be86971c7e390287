//! What the writer and those who ask have in common.

use countersign_core::hash::Digest;
use countersign_engine::errands::Errands;
use countersign_engine::port::store::{Health, Position, StoreFault};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The end of the log as this host wrote it, and how the log is.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The number of this host's lease.
    pub(crate) epoch: i64,
    /// Whether this host may write no more.
    pub(crate) lost: watch::Sender<bool>,
    /// The open errands: nobody but this host changes them.
    errands: Mutex<Errands>,
    end: Mutex<End>,
}

/// Where the log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) position: u64,
    pub(crate) head: Digest,
}

#[derive(Debug)]
struct End {
    tip: Tip,
    bytes: u64,
    syncs: u64,
    writable: Result<(), StoreFault>,
}

impl Shared {
    pub(crate) fn new(epoch: i64, tip: Tip, bytes: u64, errands: Errands) -> Shared {
        let end = End { tip, bytes, syncs: 0, writable: Ok(()) };
        let (errands, end) = (Mutex::new(errands), Mutex::new(end));
        Shared { epoch, lost: watch::Sender::new(false), errands, end }
    }

    pub(crate) fn errands(&self) -> MutexGuard<'_, Errands> {
        self.errands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tip(&self) -> Tip {
        self.end().tip
    }

    /// A commit is durable.
    pub(crate) fn committed(&self, tip: Tip, bytes: u64) {
        let mut end = self.end();
        end.tip = tip;
        end.bytes = end.bytes.saturating_add(bytes);
        end.syncs = end.syncs.saturating_add(1);
        drop(end);
        self.not_full();
    }

    /// The database wrote something: it may have room again.
    pub(crate) fn not_full(&self) {
        let mut end = self.end();
        if end.writable == Err(StoreFault::Full) {
            tracing::info!("the database may take entries again");
            end.writable = Ok(());
        }
    }

    /// The database has no room.
    pub(crate) fn full(&self) {
        let mut end = self.end();
        if end.writable.is_ok() {
            tracing::error!(
                blame = "operator",
                "the disk of the database is full; entries are refused until there is room"
            );
            end.writable = Err(StoreFault::Full);
        }
    }

    /// Nothing is written any more; says why to whoever asks from now on.
    pub(crate) fn lose(&self, fault: StoreFault) {
        let mut end = self.end();
        if matches!(end.writable, Ok(()) | Err(StoreFault::Full)) {
            tracing::error!(blame = "operator", %fault, "this host writes no more");
            end.writable = Err(fault);
        }
        drop(end);
        self.lost.send_replace(true);
    }

    /// What an append is told behind the end of the writer.
    pub(crate) fn why_closed(&self) -> StoreFault {
        match &self.end().writable {
            Err(fault @ StoreFault::Lost(_)) => fault.clone(),
            Ok(()) | Err(_) => StoreFault::Io("the store is closed".to_owned()),
        }
    }

    pub(crate) fn health(&self) -> Health {
        let end = self.end();
        Health {
            writable: end.writable.as_ref().map_err(ToString::to_string).copied(),
            position: Position(end.tip.position),
            head: end.tip.head,
            bytes: end.bytes,
            syncs: end.syncs,
        }
    }
}
