//! The indexer: one thread that lets the index follow the log.
//!
//! Every few seconds, or sooner when much has changed, it takes the overlay and writes what each
//! stream has become, so a stream that changed ten times in between is written once. When the
//! index turns out to be broken, it moves it aside and builds a new one from the log; what needs
//! the index answers busy until then, and all else goes on.

use crate::fault::io_fault;
use crate::hot::{Hot, Overlay, heads_after};
use crate::index::{Index, IndexFault, move_aside};
use crate::segment::{End, Segments};
use crate::shared::{Shared, Stop};
use countersign_engine::errands::Errands;
use countersign_engine::port::store::StoreFault;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a change waits for the index at most while the host is calm.
const FLUSH_EVERY: Duration = Duration::from_secs(2);
/// Changes that make the indexer begin sooner.
pub(crate) const FLUSH_SIZE: usize = 16_384;
/// Below this much free space the index is not written: sled does not survive a full disk.
pub(crate) const FREE_BYTES_MIN: u64 = 32 * 1024 * 1024;

/// Starts the thread. `folder` is the index folder.
pub(crate) fn start(shared: Arc<Shared>, folder: PathBuf) -> io::Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name("log-indexer".to_owned());
    thread.spawn(move || run(&shared, &folder))
}

fn run(shared: &Shared, folder: &Path) {
    // How many of the next overlays are to be written in full: after a rebuild both of those that
    // exist began before the new index did.
    let mut in_full = 0;
    loop {
        let Some((overlay, stop)) = next_overlay(shared) else { return };
        let broken = match shared.index() {
            None => Some(IndexFault("a call failed".to_owned())),
            Some(index) => {
                let written = overlay.as_ref().map(|overlay| write(shared, &index, overlay, in_full > 0));
                written.and_then(Result::err)
            }
        };
        let nothing_left = overlay.is_none() || broken.is_some();
        match broken {
            None if overlay.is_some() => {
                in_full = usize::saturating_sub(in_full, 1);
                shared.inside().hot.flushing = None;
                shared.room.notify_all();
            }
            None => {}
            Some(fault) => {
                tracing::error!(blame = "host", cause = %fault.0, "rebuilding the index from the log");
                shared.put_index(None);
                match rebuild_while_open(shared, folder) {
                    Ok(()) => {
                        in_full = 2;
                        shared.metrics.rebuilt();
                        tracing::info!("the index is rebuilt");
                    }
                    Err(fault) => {
                        tracing::error!(blame = "host", %fault, "the index could not be rebuilt");
                        if matches!(fault, StoreFault::Corrupt { .. }) {
                            shared.inside().writable = Err(fault);
                            shared.room.notify_all();
                            return;
                        }
                    }
                }
            }
        }
        if stop == Stop::Clean && nothing_left {
            return;
        }
    }
}

/// Waits for something to do. `None`: stop at once. Without an overlay there is nothing to
/// write, but the index is to be looked at.
fn next_overlay(shared: &Shared) -> Option<(Option<Arc<Overlay>>, Stop)> {
    let mut inside = shared.inside();
    loop {
        match inside.stop {
            Stop::Now => return None,
            Stop::Clean => break,
            Stop::No => {}
        }
        if inside.hot.current.size() >= FLUSH_SIZE {
            break;
        }
        let waited = shared.work.wait_timeout(inside, FLUSH_EVERY);
        let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        inside = woken;
        if timeout.timed_out() || shared.index().is_none() {
            drop(inside);
            // What it finds is remembered; whoever appends next is told.
            let _ = shared.look_for_room();
            inside = shared.inside();
            break;
        }
    }
    let stop = inside.stop;
    if stop == Stop::Now {
        return None;
    }
    if let Some(unfinished) = inside.hot.flushing.clone() {
        return Some((Some(unfinished), stop));
    }
    if inside.hot.current.size() == 0 && inside.hot.current.end == inside.hot.end {
        return Some((None, stop));
    }
    drop(inside);
    let folder = shared.segments.folder();
    if shared.segments.disk().free_bytes(folder).is_ok_and(|free| free < FREE_BYTES_MIN) {
        // What it finds is remembered; whoever appends next is told.
        let _ = shared.look_for_room();
        let inside = shared.inside();
        if inside.stop == Stop::No {
            drop(shared.work.wait_timeout(inside, FLUSH_EVERY));
        }
        return Some((None, stop));
    }
    Some((Some(shared.inside().hot.turn()), stop))
}

fn write(shared: &Shared, index: &Index, overlay: &Overlay, force: bool) -> Result<(), IndexFault> {
    shared.syncs.fetch_add(1, Ordering::Relaxed);
    write_overlay(&shared.segments, index, overlay, force)
}

fn write_overlay(
    segments: &Segments,
    index: &Index,
    overlay: &Overlay,
    force: bool,
) -> Result<(), IndexFault> {
    index.write(overlay, force, |stream, place| {
        segments.row_at(stream, place).map_err(|fault| IndexFault(fault.to_string()))
    })
}

/// Reads the log from `from` to `end` into `hot`, and writes the index whenever much has come
/// together. `hot` ends at `end` then, also if that is the start of a segment without records.
pub(crate) fn catch_up(
    segments: &Segments,
    index: &Index,
    hot: &mut Hot,
    from: End,
    end: &End,
) -> Result<(), StoreFault> {
    let broken = |fault: IndexFault| StoreFault::Io(format!("the index cannot be written: {}", fault.0));
    segments.replay(from, end, |record, place, at| {
        let heads = heads_after(&record, place, |stream| match hot.head(stream) {
            Some(head) => Ok(Some(head)),
            None => index.head(stream).map_err(broken),
        })?;
        hot.apply(record, heads, place, at);
        if hot.current.size() >= FLUSH_SIZE {
            let full = hot.turn();
            write_overlay(segments, index, &full, true).map_err(broken)?;
            hot.flushing = None;
        }
        Ok(())
    })?;
    // No record says so when the last stop came right after a new segment had begun.
    hot.end = *end;
    Ok(())
}

/// Moves the index aside and builds a new one from the whole log.
pub(crate) fn rebuild(segments: &Segments, folder: &Path, end: &End) -> Result<(Index, Hot), StoreFault> {
    move_aside(folder).map_err(|error| io_fault("move aside", folder, &error))?;
    let index = Index::open(folder).map_err(|fault| {
        StoreFault::Io(format!("cannot create the index `{}`: {}", folder.display(), fault.0))
    })?;
    let first = segments.start(1)?;
    let mut hot = Hot::new(first, Errands::default());
    // From here on it has a cursor, and is followed instead of being built once more.
    write_overlay(segments, &index, &hot.current, true)
        .map_err(|fault| StoreFault::Io(format!("the new index cannot be written: {}", fault.0)))?;
    catch_up(segments, &index, &mut hot, first, end)?;
    Ok((index, hot))
}

fn rebuild_while_open(shared: &Shared, folder: &Path) -> Result<(), StoreFault> {
    let end = shared.inside().hot.end;
    let (index, mut hot) = rebuild(&shared.segments, folder, &end)?;
    let rest = hot.turn();
    write(shared, &index, &rest, true)
        .map_err(|fault| StoreFault::Io(format!("the new index cannot be written: {}", fault.0)))?;
    shared.put_index(Some(Arc::new(index)));
    Ok(())
}
