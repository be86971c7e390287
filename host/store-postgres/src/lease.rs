//! Whose it is to write: one host, until another one takes over because the first was silent for too long.
//!
//! Time is the database's. Every commit asks for the lease by its number and makes it longer; a host that was overtaken
//! finds another number there, so nothing of what it was about to record is recorded.

use crate::fault::{OpenFault, words};
use tokio_postgres::{Client, Transaction};

/// How long a host that is silent keeps the others waiting, in milliseconds.
pub const LEASE_MS: u32 = 10_000;

/// How often a host that writes nothing makes its lease longer, in milliseconds.
pub(crate) const RENEW_MS: u64 = 3_000;

/// Takes the lease if nobody has it; gives its number.
pub(crate) async fn take(client: &Client, owner: &str) -> Result<i64, OpenFault> {
    let refused = |error| OpenFault::Refused(words(&error));
    let take = "update countersign.writer set epoch = epoch + 1, owner = $1, \
                until = clock_timestamp() + $2 * interval '1 millisecond' \
                where until < clock_timestamp() returning epoch";
    let taken = client.query_opt(take, &[&owner, &f64::from(LEASE_MS)]).await.map_err(refused)?;
    match taken {
        Some(row) => Ok(row.get(0)),
        None => {
            let held =
                client.query_one("select owner from countersign.writer", &[]).await.map_err(refused)?;
            Err(OpenFault::InUse(held.get(0)))
        }
    }
}

/// Whether the lease is still this host's. It stays so until the end of the transaction.
pub(crate) async fn holds(transaction: &Transaction<'_>, epoch: i64) -> Result<bool, tokio_postgres::Error> {
    let held = "select epoch = $1 from countersign.writer for update";
    Ok(transaction.query_one(held, &[&epoch]).await?.get(0))
}

/// Makes the lease longer; whether it is still this host's.
pub(crate) async fn renew(client: &Client, epoch: i64) -> Result<bool, tokio_postgres::Error> {
    let renew = "update countersign.writer set until = clock_timestamp() + $2 * interval '1 millisecond' \
                 where epoch = $1";
    client.execute(renew, &[&epoch, &f64::from(LEASE_MS)]).await.map(|rows| rows == 1)
}

/// Whether the lease is this host's, and has not run out.
pub(crate) async fn stands(client: &Client, epoch: i64) -> Result<(bool, bool), tokio_postgres::Error> {
    let stands = "select epoch = $1, clock_timestamp() < until from countersign.writer";
    let row = client.query_one(stands, &[&epoch]).await?;
    Ok((row.get(0), row.get(1)))
}

/// Gives the lease back.
pub(crate) async fn give_back(client: &Client, epoch: i64) -> Result<(), tokio_postgres::Error> {
    let give_back = "update countersign.writer set until = '-infinity' where epoch = $1";
    client.execute(give_back, &[&epoch]).await.map(drop)
}
