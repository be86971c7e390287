//! The key of the log, as far as the server sees it: a name, a public half, and something that signs.

use countersign_core::hash::Digest;
use countersign_core::log::note::{Note, VerifierKey};
use std::fmt;
use std::sync::Arc;

/// Signs bytes with a private key that nobody else sees.
pub type Sign = Arc<dyn Fn(&[u8]) -> [u8; 64] + Send + Sync>;

/// What signs the checkpoints of the log.
#[derive(Clone)]
pub struct LogSigner {
    /// The public half, with the name of the log.
    pub public: VerifierKey,
    /// Signs bytes with the private half.
    pub sign: Sign,
}

impl LogSigner {
    /// The signed checkpoint of a log of so many entries with this root.
    pub(crate) fn checkpoint(&self, size: u64, root: Digest) -> Note {
        Note::of(size, root, &self.public, |text| (self.sign)(text))
    }
}

impl fmt::Debug for LogSigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("LogSigner").field(&self.public.name()).finish()
    }
}
