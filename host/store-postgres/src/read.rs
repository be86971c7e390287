//! Reads, each in one question. They see every acknowledged append.

use crate::fault::stored;
use crate::session::{digest, unsigned};
use crate::writer::label;
use countersign_core::hash::Digest;
use countersign_core::log::chain;
use countersign_engine::port::store::{
    CallerKey, Logged, PAGE_ROWS_MAX, Page, Position, Query, Row, RowChange, StoreFault, Verified,
};
use std::sync::Arc;
use tokio_postgres::{Client, Error, Row as Found};

/// Entries that a full check reads at a time.
const VERIFY_ENTRIES: usize = 1_000;

pub(crate) async fn load(client: &Client, stream: &str) -> Result<Vec<Arc<[u8]>>, Error> {
    let load = "select body from countersign.entry where stream = $1 order by sequence";
    let rows = client.query(load, &[&stream]).await?;
    Ok(rows.iter().map(|row| Arc::from(row.get::<_, &[u8]>(0))).collect())
}

pub(crate) async fn logged(client: &Client, stream: &str) -> Result<Vec<Logged>, Error> {
    let logged =
        "select position, stream, sequence, body from countersign.entry where stream = $1 order by sequence";
    Ok(client.query(logged, &[&stream]).await?.iter().map(entry).collect())
}

pub(crate) async fn scan(client: &Client, from: Position, limit: usize) -> Result<Vec<Logged>, Error> {
    let scan = "select position, stream, sequence, body from countersign.entry where position >= $1 \
                order by position limit $2";
    let from = i64::try_from(from.0).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(client.query(scan, &[&from, &limit]).await?.iter().map(entry).collect())
}

fn entry(row: &Found) -> Logged {
    Logged {
        position: Position(unsigned(row.get(0))),
        stream: row.get::<_, &str>(1).into(),
        sequence: unsigned(row.get(2)),
        entry: row.get::<_, &[u8]>(3).into(),
    }
}

pub(crate) async fn caller_key(client: &Client, key: &str) -> Result<Option<CallerKey>, Error> {
    let found = "select fingerprint, answer from countersign.caller_key where key = $1";
    let row = client.query_opt(found, &[&key.as_bytes()]).await?;
    Ok(row.map(|row| CallerKey {
        key: key.into(),
        fingerprint: digest(row.get(0)),
        answer: row.get::<_, &[u8]>(1).into(),
    }))
}

pub(crate) async fn row(client: &Client, stream: &str) -> Result<Option<Row>, Error> {
    let found = "select name, sequence, position, labels, summary from countersign.stream \
                 where name = $1 and labels is not null";
    Ok(client.query_opt(found, &[&stream]).await?.as_ref().map(shown))
}

pub(crate) async fn query(client: &Client, query: Query) -> Result<Page, Error> {
    let limit = query.limit.clamp(1, PAGE_ROWS_MAX);
    let labels: Vec<Vec<u8>> = query.labels.iter().map(|(name, value)| label(name, value)).collect();
    let found = "select name, sequence, position, labels, summary from countersign.stream \
                 where labels @> $1 and ($2::text is null or name < $2) order by name desc limit $3";
    let (after, more) = (query.after.as_deref(), i64::try_from(limit + 1).unwrap_or(i64::MAX));
    let found = client.query(found, &[&labels, &after, &more]).await?;
    let rows: Vec<Row> = found.iter().take(limit).map(shown).collect();
    let next = (limit < found.len()).then(|| rows.last().map(|row| Arc::clone(&row.stream))).flatten();
    Ok(Page { rows, next })
}

fn shown(row: &Found) -> Row {
    let labels: Vec<&[u8]> = row.get(3);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let label = |bytes: &[u8]| {
        let mut parts = bytes.splitn(2, |byte| *byte == 0);
        (text(parts.next().unwrap_or_default()), text(parts.next().unwrap_or_default()))
    };
    Row {
        stream: row.get::<_, &str>(0).into(),
        sequence: unsigned(row.get(1)),
        position: Position(unsigned(row.get(2))),
        row: RowChange {
            labels: labels.into_iter().map(label).collect(),
            summary: row.get::<_, &[u8]>(4).into(),
        },
    }
}

/// Reads the whole log again, and makes the chain again.
pub(crate) async fn verify(
    client: &Client,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Verified, StoreFault> {
    let end = "select w.position, w.head, coalesce((select sum(octet_length(body) + 32)::bigint \
               from countersign.entry e where e.position <= w.position), 0) from countersign.writer w";
    let end = client.query_one(end, &[]).await.map_err(stored)?;
    let (entries, last, of) = (unsigned(end.get(0)), digest(end.get(1)), unsigned(end.get(2)));
    let (mut head, mut read, mut done) = (Digest::ZERO, 0_u64, 0_u64);
    progress(done, of);
    while read < entries {
        let wanted = VERIFY_ENTRIES.min(usize::try_from(entries - read).unwrap_or(VERIFY_ENTRIES));
        let page = page(client, read + 1, wanted).await.map_err(stored)?;
        if page.is_empty() {
            return Err(corrupt(read + 1, "there is no such entry"));
        }
        for (Logged { position, stream, sequence, entry }, says) in page {
            head = chain::link(head, &stream, sequence, &entry);
            read += 1;
            if position.0 != read {
                return Err(corrupt(read, "there is no such entry"));
            }
            if head != says {
                return Err(corrupt(read, "it is not what was written there"));
            }
            done += entry.len() as u64 + 32;
        }
        progress(done, of);
    }
    if head != last {
        return Err(corrupt(entries, "the log does not end with it"));
    }
    Ok(Verified { entries, head })
}

async fn page(client: &Client, from: u64, limit: usize) -> Result<Vec<(Logged, Digest)>, Error> {
    let page = "select position, stream, sequence, body, head from countersign.entry where position >= $1 \
                order by position limit $2";
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = client.query(page, &[&from, &limit]).await?;
    Ok(rows.iter().map(|row| (entry(row), digest(row.get(4)))).collect())
}

fn corrupt(position: u64, what: &str) -> StoreFault {
    let message =
        format!("{what}: somebody changed the table; stop the host and restore the database from a backup");
    StoreFault::Corrupt { place: format!("entry {position} of `countersign.entry`"), message }
}
