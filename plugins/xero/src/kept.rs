//! What the connector makes at Xero: it is made once, and found again by the id of the effect behind its words.

use crate::api::{self, Envelope};
use crate::date;
use crate::input;
use countersign_sdk::{Context, Effect, Failure, Field, Finding, Receipt, RecordRef, Snapshot};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Records on one page of a list. Xero gives up to 1,000, but a journal has as many lines as it likes, and the host takes
/// answers up to 4 MiB.
const PAGE_RECORDS: usize = 100;

/// Pages that are looked through for one effect: the host allows 32 requests in one call.
const PAGES_MAX: usize = 25;

/// What stands before the id of the effect.
const MARK: &str = " / Ref: ";

/// A kind of record that the connector makes.
pub(crate) trait Kept: DeserializeOwned {
    /// The kind, as we call it.
    const KIND: &'static str;
    /// The list at Xero.
    const LIST: &'static str;
    /// What Xero calls its ids.
    const ID: &'static str;
    /// The field with the words that the id of the effect stands behind.
    const WORDS: &'static str;

    fn id(&self) -> &str;
    /// Those words, and the id of the effect.
    fn words(&self) -> &str;
    fn status(&self) -> &str;
    /// What it holds. `currency` is that of the books.
    fn fields(&self, currency: &str) -> Vec<Field>;
}

/// A record, as far as a search looks at it: those of others may have any shape.
#[derive(Deserialize)]
struct Marked {
    #[serde(alias = "CreditNoteID", alias = "ManualJournalID")]
    id: String,
    #[serde(alias = "Narration", alias = "Reference")]
    words: Option<String>,
}

/// What a search found: the id of a record.
enum Search {
    Found(String),
    Nowhere,
    /// The list is longer than one call can read.
    TooLong,
}

/// Looks for the record of the effect among those that were touched since the day before its plan, of which its date is.
/// In the order of their ids no record comes to stand before another one while the pages are read.
///
/// A whole day, since Xero's clock may be behind; and should it take the moment for one of the organisation's own time
/// zone, against its description, a record is found all the same.
fn search<K: Kept>(context: &Context<'_>, effect: &Effect) -> Result<Search, Failure> {
    let sealed = effect.sealed();
    let since = format!("{}T00:00:00", date::day_before(input::date(&sealed, "date")?)?);
    let exact = marked(sealed.text(K::WORDS)?, effect);
    for page in 1..=PAGES_MAX {
        let draft = api::get(context, &[K::LIST]).header("if-modified-since", &since);
        let draft = draft.query("order", format!("{} ASC", K::ID)).query("page", page);
        let answer = api::settled(draft.query("pageSize", PAGE_RECORDS).read()?)?;
        let Envelope { records, pagination } = answer.json::<Envelope<Marked>>()?;
        let is_last = pagination.map_or(records.is_empty(), |pages| pages.page_count <= page);
        let find = |fits: &dyn Fn(&str) -> bool| {
            records.iter().find(|record| record.words.as_deref().is_some_and(fits))
        };
        // Xero reverses a journal by one with other words before the same end; what somebody has reworded is ours still.
        match find(&|words| words == exact).or_else(|| find(&|words| is_of(words, effect))) {
            Some(found) => return Ok(Search::Found(found.id.clone())),
            None if is_last => return Ok(Search::Nowhere),
            None => {}
        }
    }
    Ok(Search::TooLong)
}

/// One attempt: looks, and makes the record if it is not there. `body` is what is sent.
pub(crate) fn attempt<K: Kept, B: Serialize>(
    context: &Context<'_>,
    effect: &Effect,
    step: &str,
    body: impl FnOnce() -> Result<B, Failure>,
) -> Result<Receipt, Failure> {
    match search::<K>(context, effect)? {
        Search::Found(id) => return receipt(effect, &api::record::<K>(context, K::LIST, &id)?),
        Search::Nowhere => {}
        Search::TooLong => {
            let most = PAGE_RECORDS * PAGES_MAX;
            let message = format!("more than {most} records were touched since the plan: look yourself");
            return Err(Failure::uncertain("too-many-records", message));
        }
    }
    let answer = api::settled(api::put(context, K::LIST, &body()?)?.step(step)?)?;
    let made: K = api::made(&answer)?;
    if !is_of(made.words(), effect) {
        return Err(answer.unreadable("the record that it tells of is not the one that was asked for"));
    }
    let mut receipt = receipt(effect, &made)?;
    receipt.vendor_request_id = api::request_id(&answer);
    Ok(receipt)
}

/// Whether the effect is there.
pub(crate) fn probe<K: Kept>(context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
    match search::<K>(context, effect)? {
        Search::Found(id) => receipt(effect, &api::record::<K>(context, K::LIST, &id)?).map(Finding::Landed),
        Search::Nowhere => Ok(Finding::Absent),
        Search::TooLong => Ok(Finding::Unknown),
    }
}

fn receipt<K: Kept>(effect: &Effect, record: &K) -> Result<Receipt, Failure> {
    if matches!(record.status(), "DELETED" | "VOIDED") {
        let message = format!("the {} `{}` was made, and somebody took it back", K::KIND, record.id());
        return Err(Failure::rejected("voided", message));
    }
    let held = record.fields(&effect.sealed().money("amount")?.currency);
    let applied = held.into_iter().filter(|field| effect.plan.after(&field.name).is_some()).collect();
    Ok(Receipt::new(RecordRef::new(K::KIND, record.id()), applied))
}

/// What one record holds now.
pub(crate) fn snapshot<K: Kept>(subject: &RecordRef, record: &K, currency: &str) -> Snapshot {
    Snapshot { subject: subject.clone(), revision: None, url: None, fields: record.fields(currency) }
}

/// Words with the id of the effect behind them.
pub(crate) fn marked(words: &str, effect: &Effect) -> String {
    format!("{words}{MARK}{}", effect.effect_id)
}

fn is_of(words: &str, effect: &Effect) -> bool {
    words.strip_suffix(effect.effect_id.as_str()).is_some_and(|before| before.ends_with(MARK))
}

/// The words without the id of an effect.
pub(crate) fn plain(words: &str) -> &str {
    let is_id = |tail: &str| tail.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    match words.rsplit_once(MARK) {
        Some((plain, tail)) if is_id(tail) => plain,
        Some(_) | None => words,
    }
}
