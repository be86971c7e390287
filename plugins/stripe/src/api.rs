//! Requests to Stripe's API and what its errors mean.

use countersign_sdk::{Answer, Context, Draft, Failure, path};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The endpoint of the manifest.
const API: &str = "api";

/// The version of the API whose answers this connector reads.
const VERSION: &str = "2026-08-26.dahlia";

/// Records on one page of a list: the most that Stripe gives.
const PAGE_RECORDS: u32 = 100;

/// Pages that a search reads: the host allows 32 requests in one call.
const PAGES_MAX: usize = 20;

/// Name of the metadata that holds the effect id.
pub(crate) const EFFECT: &str = "countersign_effect";

/// The same name in a form body.
pub(crate) const EFFECT_FIELD: &str = "metadata[countersign_effect]";

/// Begins a `GET` of a record or a list.
pub(crate) fn get<'h>(context: &Context<'h>, segments: &[&str]) -> Draft<'h> {
    context.get(API, v1(segments)).header("stripe-version", VERSION)
}

/// Begins a `POST` with a form body.
pub(crate) fn post<'h>(context: &Context<'h>, segments: &[&str], form: &[(&str, String)]) -> Draft<'h> {
    context.post(API, v1(segments)).header("stripe-version", VERSION).form(form)
}

fn v1(segments: &[&str]) -> String {
    path(["v1"].iter().chain(segments))
}

/// Reads one record.
pub(crate) fn record<T: DeserializeOwned>(context: &Context<'_>, segments: &[&str]) -> Result<T, Failure> {
    settled(get(context, segments).read()?)?.json()
}

/// The answer itself if it says success, else what Stripe's error means.
pub(crate) fn settled(answer: Answer) -> Result<Answer, Failure> {
    if answer.is_success() { Ok(answer) } else { Err(failure(&answer)) }
}

#[derive(Deserialize, Default)]
struct ErrorBody {
    #[serde(default)]
    error: ErrorFacts,
}

#[derive(Deserialize, Default)]
struct ErrorFacts {
    #[serde(rename = "type", default)]
    kind: String,
    code: Option<String>,
    param: Option<String>,
    message: Option<String>,
}

/// What an error of Stripe's means for the host.
pub(crate) fn failure(answer: &Answer) -> Failure {
    // A body that is no error of Stripe's (a proxy's page) leaves the status to speak.
    let facts = answer.json::<ErrorBody>().unwrap_or_default().error;
    let words = facts.message.as_deref().unwrap_or_default();
    let again = answer.header("stripe-should-retry") == Some("true");
    let status = answer.status();
    if status == 409 || facts.kind == "idempotency_error" {
        // Another request holds this key, or held it with other parameters: an earlier sending of
        // the same step may have landed, and only a look tells.
        let message = format!("the idempotency key is taken: {words}");
        let failure = if answer.is_of_step() {
            Failure::uncertain("key-taken", message)
        } else {
            Failure::transient("busy", message)
        };
        return failure.answered(answer);
    }
    if again && (400..500).contains(&status) {
        let failure = Failure::transient("try-again", format!("Stripe asks to try again: {words}"));
        return failure.after_ms(answer.retry_after_ms()).answered(answer);
    }
    let mut failure = answer.failure(words);
    if let Failure::Rejected { fields, detail } = &mut failure {
        if let (Some(code), true) = (facts.code, detail.code != "not-found") {
            detail.code = code;
        }
        match facts.param.as_deref() {
            Some("amount") => fields.push("amount".to_owned()),
            Some("unit_amount") => fields.push("net_amount".to_owned()),
            Some(param) => detail.extra.push(("vendor-param".to_owned(), param.to_owned())),
            None => {}
        }
    }
    failure
}

/// One page of a list.
#[derive(Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    #[serde(default)]
    pub(crate) has_more: bool,
}

/// What a search through a list found.
pub(crate) enum Search<T> {
    Found(T),
    Nowhere,
    /// The list is longer than one call can read.
    TooLong,
}

/// Searches a list, newest record first, page by page.
pub(crate) fn find<T: DeserializeOwned>(
    context: &Context<'_>,
    list: &str,
    filter: (&str, &str),
    id: impl Fn(&T) -> &str,
    wanted: impl Fn(&T) -> bool,
) -> Result<Search<T>, Failure> {
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let mut draft = get(context, &[list]).query(filter.0, filter.1).query("limit", PAGE_RECORDS);
        if let Some(after) = &after {
            draft = draft.query("starting_after", after);
        }
        let mut page: List<T> = settled(draft.read()?)?.json()?;
        if let Some(position) = page.data.iter().position(&wanted) {
            return Ok(Search::Found(page.data.swap_remove(position)));
        }
        match page.data.last() {
            Some(last) if page.has_more => after = Some(id(last).to_owned()),
            _ => return Ok(Search::Nowhere),
        }
    }
    Ok(Search::TooLong)
}
