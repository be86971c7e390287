//! The writer: one thread that owns the end of the log.
//!
//! Callers wait in a bounded queue. The writer takes one, and with it all that wait already, up
//! to a limit; checks each against the sequences, writes all their records with one write, syncs
//! once, and only then makes them visible and answers. While the disk syncs, the next group
//! gathers by itself: the slower the disk, the larger the groups. While the engine says that more
//! commands are under way than wait here, the writer gives them a moment ([`GATHER_GAP`] for the
//! next one, [`GATHER_TIME_MAX`] in all); a lone command waits for nobody.
//!
//! If the process stops here: before the sync nobody was answered, and the records are found at
//! the next start or cut off; after the sync they are found.

use crate::fault::is_full;
use crate::hot::{Head, heads_after};
use crate::record::{Body, Part, Record};
use crate::segment::{End, HEADER_BYTES, Header};
use crate::shared::{Shared, ended};
use crate::wire::Place;
use countersign_core::log::chain;
use countersign_engine::port::store::{
    Appended, Batch, Position, STREAM_ENTRIES_MAX, StoreFault, StreamName,
};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Most batches that wait for the writer; one more is [`StoreFault::Busy`]. At a thousand
/// batches a second that is a wait of four seconds, longer than anybody should be left hoping.
pub const QUEUE_BATCHES_MAX: usize = 4096;
/// Most batches that are written and synced together.
pub const GROUP_BATCHES_MAX: usize = 1024;
/// A group is closed once it is this large. A sync of 64 KiB costs about what one of 600 bytes
/// costs; beyond a mebibyte the bytes themselves begin to count.
pub const GROUP_BYTES_MAX: usize = 1024 * 1024;
/// Most changes that the index may be behind; then the writer waits for it. About 64 MiB.
pub(crate) const OVERLAY_SIZE_MAX: usize = 65_536;
/// Appends are refused as [`StoreFault::Full`] when the disk has less than this left: the index
/// needs some of it to stay usable, and the operator needs some of it to make room.
pub const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// A batch that somebody waits for.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) batch: Batch,
    pub(crate) body: Body,
    pub(crate) answer: oneshot::Sender<Result<Appended, StoreFault>>,
}

/// How long the writer waits for the next of the batches that the engine expects.
pub(crate) const GATHER_GAP: Duration = Duration::from_millis(2);
/// How long a group is gathered at most while batches are expected.
pub(crate) const GATHER_TIME_MAX: Duration = Duration::from_millis(10);

/// What the writer is asked.
#[derive(Debug)]
pub(crate) enum Ask {
    Append(Given),
    Stop,
}

/// The end of the log.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    end: End,
    epoch: u64,
    segment_bytes: u64,
    frames: Vec<u8>,
}

/// How long a group has waited for company.
#[derive(Debug, Default)]
struct Patience {
    since: Option<Instant>,
}

impl Patience {
    /// Waits a moment for one more batch; `Empty` if none came.
    fn wait(&mut self, queue: &Receiver<Ask>) -> Result<Ask, TryRecvError> {
        #[expect(clippy::disallowed_methods, reason = "the time that callers wait, which no log records")]
        let now = Instant::now();
        let waited = now.duration_since(*self.since.get_or_insert(now));
        let left = GATHER_TIME_MAX.saturating_sub(waited).min(GATHER_GAP);
        if left.is_zero() {
            return Err(TryRecvError::Empty);
        }
        queue.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }
}

/// A batch that is about to be written.
#[derive(Debug)]
struct Prepared {
    record: Record,
    place: Place,
    heads: Vec<Head>,
    end: End,
}

type Answers = Vec<(oneshot::Sender<Result<Appended, StoreFault>>, Result<Appended, StoreFault>)>;

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, end: End, epoch: u64, segment_bytes: u64) -> Writer {
        Writer { shared, end, epoch, segment_bytes, frames: Vec::new() }
    }

    /// Starts the thread.
    pub(crate) fn start(mut self) -> io::Result<(SyncSender<Ask>, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE_BATCHES_MAX);
        let thread = std::thread::Builder::new().name("log-writer".to_owned());
        Ok((sender, thread.spawn(move || self.run(&receiver))?))
    }

    fn run(&mut self, queue: &Receiver<Ask>) {
        // Ends when every sender is gone or somebody says stop.
        while let Ok(Ask::Append(given)) = queue.recv() {
            let mut bytes = given.body.size();
            let mut group = vec![given];
            let mut stop = false;
            let mut patience = Patience::default();
            while group.len() < GROUP_BATCHES_MAX && bytes < GROUP_BYTES_MAX {
                let expected = self.shared.expected.load(Ordering::Relaxed);
                let next = match queue.try_recv() {
                    Err(TryRecvError::Empty) if group.len() < expected => patience.wait(queue),
                    other => other,
                };
                match next {
                    Ok(Ask::Append(given)) => {
                        bytes += given.body.size();
                        group.push(given);
                    }
                    Ok(Ask::Stop) | Err(TryRecvError::Disconnected) => {
                        stop = true;
                        break;
                    }
                    Err(TryRecvError::Empty) => break,
                }
            }
            for (answer, result) in self.commit(group) {
                // A caller that has gone away does not hear; what was appended stays.
                let _ = answer.send(result);
            }
            if stop {
                return;
            }
        }
    }

    /// Writes a group and says what becomes of each batch of it.
    fn commit(&mut self, group: Vec<Given>) -> Answers {
        if let Err(fault) = self.ready() {
            return group.into_iter().map(|given| (given.answer, Err(fault.clone()))).collect();
        }
        self.frames.clear();
        self.frames.shrink_to(GROUP_BYTES_MAX * 4);
        let start = self.end;
        let mut pending: BTreeMap<StreamName, Head> = BTreeMap::new();
        let mut prepared: Vec<Prepared> = Vec::with_capacity(group.len());
        let mut answers: Answers = Vec::with_capacity(group.len());
        for Given { batch, body, answer } in group {
            let result = self.prepare(batch, &body, &mut pending).map(|next| {
                self.end = next.end;
                prepared.push(next);
                Appended { position: Position(self.end.position) }
            });
            answers.push((answer, result));
        }
        match self.write(start) {
            Ok(()) => self.publish(prepared),
            Err(fault) => {
                // A conflict may have been with a batch that is not there after all, so nobody
                // in the group learns anything but the fault.
                self.end = start;
                answers.iter_mut().for_each(|(_, result)| *result = Err(fault.clone()));
            }
        }
        answers
    }

    /// Waits until the index is not too far behind, looks at the disk, and begins a new segment
    /// if the last one has reached its size.
    fn ready(&mut self) -> Result<(), StoreFault> {
        // Before it waits for the index, which is not written on a disk without room.
        self.shared.look_for_room()?;
        let mut inside = self.shared.inside();
        while inside.hot.current.size() >= OVERLAY_SIZE_MAX && !inside.closing && !ended(&inside.writable) {
            self.shared.work.notify_all();
            inside = self.shared.room.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        if ended(&inside.writable) {
            return inside.writable.clone();
        }
        drop(inside);
        if self.end.offset < self.segment_bytes {
            return Ok(());
        }
        let rotated = self.rotate();
        self.shared.say_writable(&rotated);
        rotated
    }

    /// Begins the next segment. If the process stops in here, the next start finds a segment
    /// without records, or one without a header, which it removes.
    fn rotate(&mut self) -> Result<(), StoreFault> {
        let number = self.end.segment + 1;
        let header = Header { epoch: self.epoch, first: self.end.position + 1, head: self.end.head };
        create(&self.shared, number, header)?;
        self.end = End { segment: number, offset: HEADER_BYTES as u64, ..self.end };
        self.shared.inside().hot.end = self.end;
        Ok(())
    }

    fn prepare(
        &mut self,
        batch: Batch,
        body: &Body,
        pending: &mut BTreeMap<StreamName, Head>,
    ) -> Result<Prepared, StoreFault> {
        let mut before: BTreeMap<StreamName, Head> = BTreeMap::new();
        for append in &batch.appends {
            let head = match pending.get(&append.stream) {
                Some(head) => Some(*head),
                None => self.shared.head(&append.stream)?,
            };
            let found = head.map_or(0, |head| head.sequence);
            if found != append.expected {
                let (stream, expected) = (Arc::clone(&append.stream), append.expected);
                return Err(StoreFault::Conflict { stream, expected, found });
            }
            if append.expected + append.entries.len() as u64 > STREAM_ENTRIES_MAX {
                return Err(StoreFault::TooLarge("STREAM_ENTRIES_MAX"));
            }
            if let Some(head) = head {
                before.insert(Arc::clone(&append.stream), head);
            }
        }
        let head_of = |stream: &str| before.get(stream).copied();
        let mut end = self.end;
        let mut parts = Vec::with_capacity(batch.appends.len());
        for append in batch.appends {
            for (entry, sequence) in append.entries.iter().zip(append.expected + 1..) {
                end.head = chain::link(end.head, &append.stream, sequence, entry);
                end.position += 1;
            }
            let previous = head_of(&append.stream).map(|head| head.last);
            parts.push(Part { append, previous });
        }
        let first = self.end.position + 1;
        let behind = self.frames.len() as u64;
        let record = Record { first, parts, caller_key: batch.caller_key, head: end.head, behind };
        let length = record.frame(body, &mut self.frames).ok_or(StoreFault::TooLarge("BATCH_BYTES_MAX"))?;
        let offset = u32::try_from(end.offset).map_err(|_| StoreFault::TooLarge("SEGMENT_BYTES_MAX"))?;
        let place = Place { segment: end.segment, offset, length };
        end.offset += u64::from(length);
        let heads = heads_after(&record, place, |stream| Ok::<_, StoreFault>(head_of(stream)))?;
        for (part, head) in record.parts.iter().zip(&heads) {
            pending.insert(Arc::clone(&part.append.stream), *head);
        }
        Ok(Prepared { record, place, heads, end })
    }

    /// One write and one sync of all frames, which begin at `start`.
    fn write(&mut self, start: End) -> Result<(), StoreFault> {
        if self.frames.is_empty() {
            return Ok(());
        }
        let path = self.shared.segments.path(start.segment);
        let file = self.shared.segments.file(start.segment)?;
        if let Err(error) = file.write_all_at(&self.frames, start.offset) {
            // Some of it may stand in the file. Without it the log is as it was; if even that
            // cannot be had, nothing is known of the end of the file.
            let fault = match file.set_len(start.offset) {
                Ok(()) if is_full(&error) => StoreFault::Full,
                Ok(()) | Err(_) => lost(&path, &error),
            };
            self.shared.say_writable(&Err(fault.clone()));
            return Err(fault);
        }
        self.shared.syncs.fetch_add(1, Ordering::Relaxed);
        #[expect(
            clippy::disallowed_methods,
            reason = "how long a sync took is for the operator, not for the log"
        )]
        let begun = Instant::now();
        let synced = file.sync_data();
        self.shared.metrics.synced(begun.elapsed());
        if let Err(error) = synced {
            let fault = lost(&path, &error);
            self.shared.say_writable(&Err(fault.clone()));
            return Err(fault);
        }
        self.shared.log_bytes.fetch_add(self.frames.len() as u64, Ordering::Relaxed);
        self.shared.say_writable(&Ok(()));
        Ok(())
    }

    /// Makes durable records visible.
    fn publish(&self, prepared: Vec<Prepared>) {
        let mut inside = self.shared.inside();
        for next in prepared {
            inside.hot.apply(next.record, next.heads, next.place, next.end);
        }
        if inside.hot.current.size() >= crate::indexer::FLUSH_SIZE {
            self.shared.work.notify_all();
        }
    }
}

/// Creates segment `number`, durable with its name, and makes it known.
pub(crate) fn create(shared: &Shared, number: u32, header: Header) -> Result<(), StoreFault> {
    let segments = &shared.segments;
    let file = segments.create(number, header)?;
    shared.syncs.fetch_add(2, Ordering::Relaxed);
    shared.log_bytes.fetch_add(HEADER_BYTES as u64, Ordering::Relaxed);
    segments.add(number, header, file);
    Ok(())
}

fn lost(path: &Path, error: &io::Error) -> StoreFault {
    StoreFault::Lost(format!("`{}`: {error}", path.display()))
}
