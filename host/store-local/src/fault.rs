//! Faults of this store, worded once: what, where, and what is safe to do.

use countersign_engine::port::store::StoreFault;
use std::io;
use std::path::Path;

/// The format that this program writes.
pub(crate) const FORMAT_VERSION: u32 = 4;

/// The oldest format that it reads. No record of format 2 says that it follows another one in the same write, which is
/// the more careful reading; records of formats 2 and 3 are compressed with other words.
pub(crate) const FORMAT_VERSION_MIN: u32 = 2;

/// The format of the index that this program writes. An older one is built again from the log; a
/// newer one belongs to a newer program, whose folder is left alone.
pub(crate) const INDEX_VERSION: u32 = 4;

/// A fault of the operating system.
pub(crate) fn io_fault(verb: &str, path: &Path, error: &io::Error) -> StoreFault {
    if is_full(error) {
        return StoreFault::Full;
    }
    StoreFault::Io(format!("cannot {verb} `{}`: {error}", path.display()))
}

/// Damage, with its place and what is safe to do.
pub(crate) fn corrupt(path: &Path, offset: u64, message: &str) -> StoreFault {
    StoreFault::Corrupt {
        place: format!("`{}` offset {offset}", path.display()),
        message: message.to_owned(),
    }
}

/// Whether the error says that there is no space left, be it of the disk or of a quota.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
