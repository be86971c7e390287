//! Reading and writing the journal through `hledger-web --serve-api`.

use crate::entry::{self, Entry, Transaction};
use countersign_sdk::{Answer, Context, Failure, RecordRef, Snapshot};

/// The endpoint of the manifest.
const API: &str = "api";

/// All transactions. The server has no search.
pub(crate) fn transactions(context: &Context<'_>) -> Result<Vec<Transaction>, Failure> {
    settled(context.get(API, "/transactions").read()?)?.json()
}

/// The entry with this code.
pub(crate) fn find(context: &Context<'_>, code: &str) -> Result<Option<Entry>, Failure> {
    let transactions = transactions(context)?;
    let Some(transaction) = transactions.iter().find(|transaction| transaction.tcode == code) else {
        return Ok(None);
    };
    let foreign = || {
        let message = format!("the entry `{code}` in the journal is not of two postings of one amount");
        Failure::rejected("foreign-entry", message)
    };
    Entry::found(transaction).map(Some).ok_or_else(foreign)
}

pub(crate) fn summary(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    Ok(entry::summary(&subject.id, transactions(context)?.len()))
}

/// Adds an entry, and reads it back: the server says `201` before it has read its own file.
pub(crate) fn add(context: &Context<'_>, entry: &Entry) -> Result<Entry, Failure> {
    let answer = context.put(API, "/add").json(&entry.transaction()?).step("add-entry")?;
    let answer = settled(answer)?;
    match find(context, &entry.code) {
        Ok(Some(held)) => Ok(held),
        Ok(None) => Err(answer.unreadable("the entry is not in the journal yet")),
        Err(failure) => {
            let message =
                format!("the entry was added and could not be read back: {}", failure.detail().message);
            Err(Failure::uncertain("not-read-back", message))
        }
    }
}

fn settled(answer: Answer) -> Result<Answer, Failure> {
    if answer.is_success() {
        return Ok(answer);
    }
    // The server's refusals are JSON texts, its other pages are HTML.
    let words = answer.json::<String>().unwrap_or_default();
    Err(answer.failure(&words))
}
