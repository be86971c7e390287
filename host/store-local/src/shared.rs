//! What the writer, the indexer and the readers share, and how a read finds its answer.

use crate::fault::io_fault;
use crate::hot::{Head, Hot};
use crate::index::{Index, IndexFault};
use crate::marks::Marks;
use crate::metrics::Metrics;
use crate::segment::{End, Segments};
use crate::writer::FREE_BYTES_MIN;
use countersign_engine::memory::bears_all;
use countersign_engine::port::store::{
    CallerKey, Logged, PAGE_ROWS_MAX, Page, Position, Query, Row, RowChange, StoreFault, StreamName,
};
use std::fmt;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

/// How the threads are to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Not yet.
    No,
    /// Write the index once more, so that the next start is quick.
    Clean,
    /// Leave everything as it is, as a crash would.
    Now,
}

/// What changes under the lock.
pub(crate) struct Inside {
    pub(crate) hot: Hot,
    /// Whether appends are taken, and if not, why.
    pub(crate) writable: Result<(), StoreFault>,
    /// Whether the disk had too little room when it was last measured.
    pub(crate) scarce: bool,
    pub(crate) stop: Stop,
    /// The writer is to end; it waits for nobody any more.
    pub(crate) closing: bool,
}

/// What all parts of an open store share.
pub(crate) struct Shared {
    pub(crate) segments: Segments,
    inside: Mutex<Inside>,
    /// The index was written: the writer may have room again.
    pub(crate) room: Condvar,
    /// The indexer has something to do.
    pub(crate) work: Condvar,
    /// Absent while it is broken, until it is rebuilt.
    index: RwLock<Option<Arc<Index>>>,
    /// Where scans ended lately.
    marks: Mutex<Marks>,
    pub(crate) syncs: AtomicU64,
    pub(crate) metrics: Metrics,
    pub(crate) log_bytes: AtomicU64,
    /// How many commands the engine says are under way.
    pub(crate) expected: AtomicUsize,
}

impl fmt::Debug for Shared {
    /// Says where the log ends and nothing of what is in it: entries are for those who may read
    /// them, not for whoever prints a store.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("end", &self.inside().hot.end).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(segments: Segments, hot: Hot, index: Index, log_bytes: u64) -> Shared {
        Shared {
            segments,
            inside: Mutex::new(Inside {
                hot,
                writable: Ok(()),
                scarce: false,
                stop: Stop::No,
                closing: false,
            }),
            room: Condvar::new(),
            work: Condvar::new(),
            index: RwLock::new(Some(Arc::new(index))),
            marks: Mutex::default(),
            syncs: AtomicU64::new(0),
            metrics: Metrics::default(),
            log_bytes: AtomicU64::new(log_bytes),
            expected: AtomicUsize::new(0),
        }
    }

    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index, unless it is broken.
    pub(crate) fn index(&self) -> Option<Arc<Index>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a new index in the place of the one before, or none.
    pub(crate) fn put_index(&self, index: Option<Arc<Index>>) {
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
    }

    /// Asks the index. A fault takes the index out of use and wakes the indexer, which rebuilds
    /// it; until then the answer is [`StoreFault::Busy`], because waiting helps.
    fn ask<T>(&self, question: impl FnOnce(&Index) -> Result<T, IndexFault>) -> Result<T, StoreFault> {
        let Some(index) = self.index() else { return Err(self.without_index()) };
        question(&index).map_err(|fault| {
            tracing::error!(blame = "host", cause = %fault.0, "the index is broken; it is rebuilt from the log");
            self.put_index(None);
            self.work.notify_all();
            StoreFault::Busy
        })
    }

    /// The nearest known point of the log at which at most `position` entries lie before.
    pub(crate) fn mark_before(&self, position: u64) -> Option<End> {
        let mark = self.marks.lock().unwrap_or_else(PoisonError::into_inner).before(position)?;
        let start = self.segments.holding(position + 1)?.1.first;
        // A segment that begins nearer is the better place to begin.
        (start <= mark.position + 1).then_some(mark)
    }

    /// Remembers a point of the log.
    pub(crate) fn put_mark(&self, mark: End) {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).put(mark);
    }

    /// Looks whether the disk has the room that an append needs, and remembers it. A host that is full
    /// is sent nothing by a balancer, so no append would ever find out that there is room again.
    ///
    /// # Errors
    /// [`StoreFault::Full`]; what ended the log for good; what the operating system says.
    pub(crate) fn look_for_room(&self) -> Result<(), StoreFault> {
        let before = self.inside().writable.clone();
        if ended(&before) {
            return before;
        }
        let folder = self.segments.folder();
        let free = self.segments.disk().free_bytes(folder);
        let scarce = free.map_err(|error| io_fault("measure", folder, &error))? < FREE_BYTES_MIN;
        let was_scarce = std::mem::replace(&mut self.inside().scarce, scarce);
        if scarce {
            self.say_writable(&Err(StoreFault::Full));
            return Err(StoreFault::Full);
        }
        // What the disk refused although it has room (a quota, say) only an append that succeeds proves over.
        if was_scarce {
            self.say_writable(&Ok(()));
        }
        Ok(())
    }

    /// Remembers whether appends are taken, and tells the operator when that changes. What ended the log
    /// for good stays.
    pub(crate) fn say_writable(&self, now: &Result<(), StoreFault>) {
        let mut inside = self.inside();
        if inside.writable == *now || ended(&inside.writable) {
            return;
        }
        match now {
            Ok(()) => tracing::info!("the log takes appends again"),
            Err(fault) => tracing::error!(blame = "host", %fault, "the log takes no appends"),
        }
        inside.writable.clone_from(now);
    }

    fn without_index(&self) -> StoreFault {
        match &self.inside().writable {
            Err(fault @ StoreFault::Corrupt { .. }) => fault.clone(),
            Ok(()) | Err(_) => StoreFault::Busy,
        }
    }

    /// Where `stream` is.
    pub(crate) fn head(&self, stream: &str) -> Result<Option<Head>, StoreFault> {
        let newer = self.inside().hot.head(stream);
        match newer {
            Some(head) => Ok(Some(head)),
            None => self.ask(|index| index.head(stream)),
        }
    }

    /// All entries of `stream`, read backwards along its records.
    pub(crate) fn load(&self, stream: &str) -> Result<Vec<Arc<[u8]>>, StoreFault> {
        Ok(self.logged(stream)?.into_iter().map(|logged| logged.entry).collect())
    }

    /// The same with the place of each entry.
    pub(crate) fn logged(&self, stream: &str) -> Result<Vec<Logged>, StoreFault> {
        let mut next = self.head(stream)?.map(|head| head.last);
        let mut newest_first = Vec::new();
        while let Some(place) = next {
            let mut record = self.segments.read(place)?;
            let Some(index) = record.parts.iter().position(|part| &*part.append.stream == stream) else {
                let path = self.segments.path(place.segment);
                let help = "the record is of another stream; stop the host and delete the index folder";
                return Err(crate::fault::corrupt(&path, u64::from(place.offset), help));
            };
            let before: usize = record.parts.iter().take(index).map(|part| part.append.entries.len()).sum();
            let first = record.first.saturating_add(before as u64);
            let part = record.parts.swap_remove(index);
            let (stream, sequence) = (part.append.stream, part.append.expected);
            let logged = part.append.entries.into_iter().enumerate().map(|(number, entry)| Logged {
                position: Position(first.saturating_add(number as u64)),
                stream: Arc::clone(&stream),
                sequence: sequence.saturating_add(number as u64).saturating_add(1),
                entry,
            });
            newest_first.extend(logged.rev());
            next = if part.append.expected == 0 { None } else { part.previous };
        }
        newest_first.reverse();
        Ok(newest_first)
    }

    /// The row of `stream`, if it changed since the index was written: nobody waits for a disk then.
    pub(crate) fn fresh_row(&self, stream: &StreamName) -> Option<Row> {
        let inside = self.inside();
        let (head, row) = (inside.hot.head(stream)?, inside.hot.row(stream)?.clone());
        let (sequence, position) = (head.sequence, Position(head.position));
        Some(Row { stream: Arc::clone(stream), sequence, position, row })
    }

    /// The row of `stream`.
    pub(crate) fn row(&self, stream: &StreamName) -> Result<Option<Row>, StoreFault> {
        let (head, row) = {
            let inside = self.inside();
            (inside.hot.head(stream), inside.hot.row(stream).cloned())
        };
        let head = match head {
            Some(head) => Some(head),
            None => self.ask(|index| index.head(stream))?,
        };
        let Some(head) = head else { return Ok(None) };
        let row = match (row, head.row) {
            (Some(row), _) => row,
            (None, None) => return Ok(None),
            (None, Some(place)) => match self.segments.row_at(stream, place)? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        let (sequence, position) = (head.sequence, Position(head.position));
        Ok(Some(Row { stream: Arc::clone(stream), sequence, position, row }))
    }

    /// What a caller's key stands for.
    pub(crate) fn caller_key(&self, key: &str) -> Result<Option<CallerKey>, StoreFault> {
        let newer = self.inside().hot.caller_key(key);
        let place = match newer {
            Some(place) => Some(place),
            None => self.ask(|index| index.caller_key(key))?,
        };
        place.map_or(Ok(None), |place| Ok(self.segments.read(place)?.caller_key))
    }

    /// One page of rows: candidates from the index and from the overlay, greatest name first,
    /// each looked at as it is now.
    pub(crate) fn query(&self, query: &Query) -> Result<Page, StoreFault> {
        let limit = query.limit.clamp(1, PAGE_ROWS_MAX);
        let fresh = self.fresh_names(query, limit + 1);
        // Beyond its last name there may be more that are not on the list.
        let cut_short = fresh.len() > limit;
        let mut fresh = fresh.into_iter().peekable();
        let mut rows: Vec<Row> = Vec::new();
        let mut below = query.after.clone();
        let mut indexed = self.ask(|index| index.next_below(query, below.as_deref()))?;
        while let Some(name) = indexed.clone().max(fresh.peek().cloned()) {
            let last_fresh = fresh.next_if_eq(&name).is_some() && fresh.peek().is_none();
            if let Some(row) = self.row(&name)?.filter(|row| bears_all(&row.row, query)) {
                if rows.len() == limit {
                    let next = rows.last().map(|row| Arc::clone(&row.stream));
                    return Ok(Page { rows, next });
                }
                rows.push(row);
            }
            if last_fresh && cut_short {
                return Ok(Page { rows, next: Some(name) });
            }
            if indexed.as_ref() == Some(&name) {
                below = Some(name);
                indexed = self.ask(|index| index.next_below(query, below.as_deref()))?;
            }
        }
        Ok(Page { rows, next: None })
    }

    /// Streams of the overlays whose changed rows bear all labels, greatest name first.
    fn fresh_names(&self, query: &Query, limit: usize) -> Vec<StreamName> {
        let inside = self.inside();
        let hot = &inside.hot;
        let upper = query.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut names: Vec<StreamName> = Vec::new();
        for overlay in [Some(&hot.current), hot.flushing.as_deref()].into_iter().flatten() {
            let bears = |row: &RowChange| bears_all(row, query);
            let changed = overlay.streams.range::<StreamName, _>((Bound::Unbounded, upper)).rev();
            let found = changed.filter(|(name, _)| hot.row(name).is_some_and(bears));
            names.extend(found.map(|(name, _)| Arc::clone(name)).take(limit));
        }
        names.sort_unstable_by(|one, other| other.cmp(one));
        names.dedup();
        names
    }
}

/// Whether nothing will be written any more in this process.
pub(crate) fn ended(writable: &Result<(), StoreFault>) -> bool {
    matches!(writable, Err(StoreFault::Lost(_) | StoreFault::Corrupt { .. }))
}
