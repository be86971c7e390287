//! Writes what waits, all of it in one transaction, so that many callers share one commit.

use crate::fault::{is_full, words};
use crate::lease::{self, LEASE_MS, RENEW_MS};
use crate::session::unsigned;
use crate::shared::{Shared, Tip};
use countersign_core::log::chain;
use countersign_core::time::Timestamp;
use countersign_engine::errands::ErrandName;
use countersign_engine::port::store::{
    Append, Appended, Batch, CallerKey, ErrandChange, Position, RowChange, StoreFault, StreamName,
};
use futures::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use tokio_postgres::{Client, Error, Transaction};

/// Batches of one transaction.
const GROUP_BATCHES_MAX: usize = 256;
/// Time in which the database must have taken a transaction, in milliseconds: by then the lease is over.
const COMMIT_MS: u64 = LEASE_MS as u64;

/// What the writer is asked.
pub(crate) enum Ask {
    /// To write.
    Append(Given),
    /// To write what it was given before, give the lease back, and end.
    Close(oneshot::Sender<()>),
}

/// A batch and who waits for it.
pub(crate) struct Given {
    pub(crate) batch: Batch,
    pub(crate) answer: oneshot::Sender<Result<Appended, StoreFault>>,
}

/// Writes until it is closed, or until this host may write no more.
pub(crate) async fn run(mut client: Client, shared: &Shared, mut asked: mpsc::Receiver<Ask>) {
    let mut waiting = Vec::new();
    // On its own beat: what is refused makes the lease no longer, however much of it there is.
    let mut renewals = tokio::time::interval(Duration::from_millis(RENEW_MS));
    renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let count = tokio::select! {
            biased;
            _ = renewals.tick() => {
                if let Err(fault) = in_time(renewed(&client, shared)).await {
                    return shared.lose(fault);
                }
                continue;
            }
            count = asked.recv_many(&mut waiting, GROUP_BATCHES_MAX) => count,
        };
        if count == 0 {
            return;
        }
        let mut group = Vec::new();
        let mut closes = None;
        for ask in waiting.drain(..) {
            match ask {
                Ask::Append(given) => group.push(given),
                Ask::Close(answer) => closes = Some(answer),
            }
        }
        if let Err(fault) = written(&mut client, shared, group).await {
            return shared.lose(fault);
        }
        if let Some(closed) = closes {
            if let Err(error) = lease::give_back(&client, shared.epoch).await {
                tracing::warn!(blame = "operator", "the lease was not given back: {}", words(&error));
            }
            // Whoever asked may have gone away.
            let _ = closed.send(());
            return;
        }
    }
}

/// The same with the time that it may take.
async fn in_time<T>(work: impl Future<Output = Result<T, StoreFault>>) -> Result<T, StoreFault> {
    let late = |_| StoreFault::Lost(format!("the database did not answer within {COMMIT_MS} ms"));
    tokio::time::timeout(Duration::from_millis(COMMIT_MS), work).await.map_err(late)?
}

pub(crate) fn overtaken() -> StoreFault {
    StoreFault::Lost("another host took the log over".to_owned())
}

fn lost(error: &Error) -> StoreFault {
    StoreFault::Lost(words(error))
}

async fn renewed(client: &Client, shared: &Shared) -> Result<(), StoreFault> {
    match lease::renew(client, shared.epoch).await {
        Ok(true) => {
            // Whether there is room again shows at the next entry.
            shared.not_full();
            Ok(())
        }
        Ok(false) => Err(overtaken()),
        // The lease runs out by itself if there is no room for it either.
        Err(error) if is_full(&error) => {
            shared.full();
            Ok(())
        }
        Err(error) => Err(lost(&error)),
    }
}

/// Writes one group and answers each caller.
///
/// # Errors
/// If nothing may be written any more; whether the group is there is not known, and its callers are told that.
async fn written(client: &mut Client, shared: &Shared, group: Vec<Given>) -> Result<(), StoreFault> {
    if group.is_empty() {
        return Ok(());
    }
    let answers = match in_time(tried(client, shared, &group)).await {
        Ok(Tried::Committed(ends)) => ends,
        Ok(Tried::Full) => {
            shared.full();
            group.iter().map(|_| Err(StoreFault::Full)).collect()
        }
        Err(fault) => {
            for given in group {
                let _ = given.answer.send(Err(fault.clone()));
            }
            return Err(fault);
        }
    };
    for (given, answer) in group.into_iter().zip(answers) {
        // A caller that has gone away finds it in the log.
        let _ = given.answer.send(answer);
    }
    Ok(())
}

/// What became of a group.
enum Tried {
    /// It is durable, but for those batches that came too late.
    Committed(Vec<Result<Appended, StoreFault>>),
    /// The database has no room for it: nothing of it is there.
    Full,
}

async fn tried(client: &mut Client, shared: &Shared, group: &[Given]) -> Result<Tried, StoreFault> {
    let transaction = client.transaction().await.map_err(|error| lost(&error))?;
    // First of all: whoever takes over does so before it, and is noticed here, or behind the commit.
    let begun = futures::try_join!(lease::holds(&transaction, shared.epoch), sequences(&transaction, group));
    let (held, known) = begun.map_err(|error| lost(&error))?;
    if !held {
        return Err(overtaken());
    }
    let mut plan = Plan::from(shared.tip(), known);
    let ends: Vec<_> = group.iter().map(|given| plan.take(&given.batch)).collect();
    if plan.is_empty() {
        return Ok(Tried::Committed(ends));
    }
    let stored = match store(&transaction, shared, &plan).await {
        Ok(()) => transaction.commit().await,
        Err(error) => Err(error),
    };
    match stored {
        Ok(()) => {
            let mut errands = shared.errands();
            for (name, due) in plan.errands {
                errands.put(name, due);
            }
            drop(errands);
            shared.committed(plan.tip, plan.bytes);
            Ok(Tried::Committed(ends))
        }
        Err(error) if is_full(&error) => Ok(Tried::Full),
        Err(error) => Err(lost(&error)),
    }
}

/// Where the streams of a group are.
async fn sequences(
    transaction: &Transaction<'_>,
    group: &[Given],
) -> Result<BTreeMap<StreamName, Place>, Error> {
    let names: BTreeSet<&str> =
        group.iter().flat_map(|given| &given.batch.appends).map(|append| &*append.stream).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let found = "select name, sequence, position from countersign.stream where name = any($1)";
    let rows = transaction.query(found, &[&names]).await?;
    let place =
        |row: &tokio_postgres::Row| Place { sequence: unsigned(row.get(1)), position: unsigned(row.get(2)) };
    Ok(rows.iter().map(|row| (row.get::<_, &str>(0).into(), place(row))).collect())
}

/// Where a stream is.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    sequence: u64,
    position: u64,
}

/// What one transaction writes.
struct Plan<'a> {
    tip: Tip,
    bytes: u64,
    known: BTreeMap<StreamName, Place>,
    entries: Entries<'a>,
    /// Streams that gained an entry or a row, with the row if there is a new one.
    touched: BTreeMap<StreamName, Option<&'a RowChange>>,
    errands: BTreeMap<ErrandName, Option<Timestamp>>,
    caller_keys: BTreeMap<&'a str, &'a CallerKey>,
}

/// The columns of the entries.
#[derive(Default)]
struct Entries<'a> {
    positions: Vec<i64>,
    streams: Vec<&'a str>,
    sequences: Vec<i64>,
    bodies: Vec<&'a [u8]>,
    heads: Vec<Vec<u8>>,
}

impl<'a> Plan<'a> {
    fn from(tip: Tip, known: BTreeMap<StreamName, Place>) -> Plan<'a> {
        Plan {
            tip,
            bytes: 0,
            known,
            entries: Entries::default(),
            touched: BTreeMap::new(),
            errands: BTreeMap::new(),
            caller_keys: BTreeMap::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.touched.is_empty() && self.errands.is_empty() && self.caller_keys.is_empty()
    }

    /// Takes all of a batch, or nothing of it if a stream is elsewhere by then.
    fn take(&mut self, batch: &'a Batch) -> Result<Appended, StoreFault> {
        for Append { stream, expected, .. } in &batch.appends {
            let found = self.known.get(stream).map_or(0, |place| place.sequence);
            if found != *expected {
                let (stream, expected) = (Arc::clone(stream), *expected);
                return Err(StoreFault::Conflict { stream, expected, found });
            }
        }
        for append in &batch.appends {
            self.append(append);
        }
        if let Some(caller_key) = &batch.caller_key {
            self.caller_keys.insert(&caller_key.key, caller_key);
        }
        Ok(Appended { position: Position(self.tip.position) })
    }

    fn append(&mut self, append: &'a Append) {
        let stream = &append.stream;
        let place = self.known.entry(Arc::clone(stream)).or_default();
        for entry in &append.entries {
            self.tip.position += 1;
            place.sequence += 1;
            place.position = self.tip.position;
            self.tip.head = chain::link(self.tip.head, stream, place.sequence, entry);
            self.bytes = self.bytes.saturating_add(entry.len() as u64);
            self.entries.positions.push(signed(place.position));
            self.entries.streams.push(stream);
            self.entries.sequences.push(signed(place.sequence));
            self.entries.bodies.push(entry);
            self.entries.heads.push(self.tip.head.0.to_vec());
        }
        if append.row.is_some() || !append.entries.is_empty() {
            let row = self.touched.entry(Arc::clone(stream)).or_default();
            *row = append.row.as_ref().or(*row);
        }
        for change in &append.errands {
            let (key, due) = match change {
                ErrandChange::Set { key, due } => (key, Some(*due)),
                ErrandChange::Clear { key } => (key, None),
            };
            self.errands.insert((Arc::clone(stream), Arc::clone(key)), due);
        }
    }
}

/// A number that comes from counting, as the tables hold it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Sends all of a plan at once.
async fn store(transaction: &Transaction<'_>, shared: &Shared, plan: &Plan<'_>) -> Result<(), Error> {
    let end = "update countersign.writer set position = $2, head = $3, \
               until = clock_timestamp() + $4 * interval '1 millisecond' where epoch = $1";
    let (position, head) = (signed(plan.tip.position), plan.tip.head.0.as_slice());
    let ended = async {
        let lease = f64::from(LEASE_MS);
        transaction.execute(end, &[&shared.epoch, &position, &head, &lease]).await
    };
    futures::try_join!(
        ended,
        entries(transaction, &plan.entries),
        streams(transaction, plan),
        errands(transaction, &plan.errands),
        caller_keys(transaction, &plan.caller_keys),
    )
    .map(drop)
}

async fn entries(transaction: &Transaction<'_>, entries: &Entries<'_>) -> Result<(), Error> {
    let Entries { positions, streams, sequences, bodies, heads } = entries;
    if positions.is_empty() {
        return Ok(());
    }
    let insert = "insert into countersign.entry (position, stream, sequence, body, head) \
                  select * from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[])";
    transaction.execute(insert, &[positions, streams, sequences, bodies, heads]).await.map(drop)
}

async fn streams(transaction: &Transaction<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    let put = "insert into countersign.stream as s (name, sequence, position, labels, summary) \
               values ($1, $2, $3, $4, $5) on conflict (name) do update set sequence = excluded.sequence, \
               position = excluded.position, labels = coalesce(excluded.labels, s.labels), \
               summary = coalesce(excluded.summary, s.summary)";
    let statement = transaction.prepare(put).await?;
    let all = plan.touched.iter().map(|(name, row)| {
        let place = plan.known.get(name).copied().unwrap_or_default();
        let labels: Option<Vec<Vec<u8>>> =
            row.map(|row| row.labels.iter().map(|(name, value)| label(name, value)).collect());
        let summary = row.map(|row| &*row.summary);
        let statement = &statement;
        async move {
            let (sequence, position) = (signed(place.sequence), signed(place.position));
            transaction.execute(statement, &[&&**name, &sequence, &position, &labels, &summary]).await
        }
    });
    try_join_all(all).await.map(drop)
}

/// A label as the tables hold it. A name is one of ours and holds no zero.
pub(crate) fn label(name: &str, value: &str) -> Vec<u8> {
    [name.as_bytes(), &[0], value.as_bytes()].concat()
}

async fn errands(
    transaction: &Transaction<'_>,
    errands: &BTreeMap<ErrandName, Option<Timestamp>>,
) -> Result<(), Error> {
    let (mut streams, mut keys, mut dues) = (Vec::new(), Vec::new(), Vec::new());
    let (mut gone_streams, mut gone_keys) = (Vec::new(), Vec::new());
    for ((stream, key), due) in errands {
        match due {
            Some(due) => {
                streams.push(&**stream);
                keys.push(key.as_bytes());
                dues.push(due.0);
            }
            None => {
                gone_streams.push(&**stream);
                gone_keys.push(key.as_bytes());
            }
        }
    }
    if !gone_keys.is_empty() {
        let gone = "delete from countersign.errand e using unnest($1::text[], $2::bytea[]) as g (stream, key) \
                    where e.stream = g.stream and e.key = g.key";
        transaction.execute(gone, &[&gone_streams, &gone_keys]).await?;
    }
    if !keys.is_empty() {
        let put = "insert into countersign.errand (stream, key, due) \
                   select * from unnest($1::text[], $2::bytea[], $3::bigint[]) \
                   on conflict (stream, key) do update set due = excluded.due";
        transaction.execute(put, &[&streams, &keys, &dues]).await?;
    }
    Ok(())
}

async fn caller_keys(
    transaction: &Transaction<'_>,
    caller_keys: &BTreeMap<&str, &CallerKey>,
) -> Result<(), Error> {
    if caller_keys.is_empty() {
        return Ok(());
    }
    let put = "insert into countersign.caller_key (key, fingerprint, answer) \
               select * from unnest($1::bytea[], $2::bytea[], $3::bytea[]) \
               on conflict (key) do update set fingerprint = excluded.fingerprint, answer = excluded.answer";
    let keys: Vec<&[u8]> = caller_keys.keys().map(|key| key.as_bytes()).collect();
    let fingerprints: Vec<&[u8]> = caller_keys.values().map(|key| key.fingerprint.0.as_slice()).collect();
    let answers: Vec<&[u8]> = caller_keys.values().map(|key| &*key.answer).collect();
    transaction.execute(put, &[&keys, &fingerprints, &answers]).await.map(drop)
}
