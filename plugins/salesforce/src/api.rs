//! Requests to Salesforce's REST API, what its answers hold and what its errors mean.

use crate::exact;
use crate::moment::Moment;
use countersign_sdk::{Answer, Context, Failure, path};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The endpoint of the manifest.
const API: &str = "api";

/// The version of the API whose answers this connector reads; each works for three years at least.
const VERSION: &str = "v67.0";

/// Longest name of an object or a field.
const NAME_BYTES_MAX: usize = 80;

/// One record, each field as Salesforce wrote it.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Row(BTreeMap<String, Box<RawValue>>);

/// What a query finds. Pages begin where the last one ended by `WHERE`, so that `nextRecordsUrl` is never needed.
#[derive(Debug, Deserialize)]
struct Found {
    records: Vec<Row>,
}

/// What a query found, and the moment at which Salesforce answered, if it said.
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    pub(crate) answered: Option<Moment>,
}

/// One error. They come in a list; some pages of the documentation show one alone.
#[derive(Debug, Deserialize)]
struct Refusal {
    #[serde(rename = "errorCode")]
    code: String,
    message: Option<String>,
    fields: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Refusals {
    Listed(Vec<Refusal>),
    Alone(Refusal),
}

/// Reads one record.
///
/// # Errors
/// [`Failure::not_found`] when there is none.
pub(crate) fn record(
    context: &Context<'_>,
    object: &str,
    id: &str,
    fields: &[String],
) -> Result<Row, Failure> {
    must_be_id(id)?;
    let draft = context.get(API, sobjects(&[object, id])).query("fields", fields.join(","));
    let row: Row = settled(draft.read()?)?.json()?;
    // The last three letters of a long id are the checksum of the others.
    let is_it = row.own_id()?.get(..15).zip(id.get(..15)).is_some_and(|(ours, asked)| ours == asked);
    if is_it { Ok(row) } else { Err(odd("Id")) }
}

/// Finds records; `resource` is `query`, or `queryAll` for what was deleted too.
///
/// # Errors
/// As the answer demands.
pub(crate) fn query(context: &Context<'_>, resource: &str, soql: &str) -> Result<Rows, Failure> {
    let path = path(["services", "data", VERSION, resource]);
    let answer = settled(context.get(API, path).query("q", soql).read()?)?;
    let answered = answer.header("date").and_then(Moment::of_http);
    let found: Found = answer.json()?;
    Ok(Rows { rows: found.records, answered })
}

/// What an object is, as typed JSON.
///
/// # Errors
/// As the answer demands.
pub(crate) fn describe<T: serde::de::DeserializeOwned>(
    context: &Context<'_>,
    object: &str,
) -> Result<T, Failure> {
    settled(context.get(API, sobjects(&[object, "describe"])).read()?)?.json()
}

/// Writes fields, as one step: of the record at `at`, which is an id, or a unique field and its value.
///
/// With `unmodified_since`, Salesforce answers 412 and writes nothing if the record was changed later
/// (<https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest_conditional_requests.htm>).
///
/// # Errors
/// As the answer demands.
pub(crate) fn write(
    context: &Context<'_>,
    step: &str,
    at: &[&str],
    values: &BTreeMap<String, Box<RawValue>>,
    unmodified_since: Option<Moment>,
) -> Result<(), Failure> {
    let body = serde_json::to_string(values)?;
    let mut draft = context.patch(API, sobjects(at)).text("application/json", body);
    if let Some(moment) = unmodified_since {
        draft = draft.header("if-unmodified-since", moment.http());
    }
    settled(draft.step(step)?).map(|_| ())
}

/// What is written but cannot be seen is not known.
pub(crate) fn unseen(why: &str) -> Failure {
    Failure::uncertain("not-seen", format!("it was written but not seen again: {why}"))
}

/// The name of an object or a field that a setting gives; `None` for an empty one. Names stand in queries as they are.
///
/// # Errors
/// `rejected` for what is no name.
pub(crate) fn name_setting(context: &Context<'_>, setting: &str) -> Result<Option<String>, Failure> {
    let Some(name) = context.setting(setting).filter(|name| !name.is_empty()) else { return Ok(None) };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = name.len() <= NAME_BYTES_MAX
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name.bytes().all(is_plain);
    if is_name {
        return Ok(Some(name));
    }
    Err(Failure::rejected(
        "bad-setting",
        format!("the setting `{setting}` is no name of Salesforce's API, such as `Discount_Percent__c`"),
    ))
}

/// Whether this is an id: 15 letters and digits, or 18 with their checksum. Nothing else stands in a query.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// # Errors
/// [`Failure::not_found`] for what is no id: it names no record.
pub(crate) fn must_be_id(id: &str) -> Result<(), Failure> {
    if is_id(id) { Ok(()) } else { Err(Failure::not_found("with such an id")) }
}

fn sobjects(at: &[&str]) -> String {
    path(["services", "data", VERSION, "sobjects"].iter().chain(at))
}

/// The answer itself if it says success, else what Salesforce's error means.
fn settled(answer: Answer) -> Result<Answer, Failure> {
    if answer.is_success() { Ok(answer) } else { Err(failure(&answer)) }
}

/// What an error means for the host. Codes and statuses are from
/// <https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html>.
fn failure(answer: &Answer) -> Failure {
    if answer.status() == 300 {
        return not_unique().answered(answer);
    }
    // A page of a proxy leaves the status to speak.
    let refusals = match answer.json() {
        Ok(Refusals::Listed(refusals)) => refusals,
        Ok(Refusals::Alone(refusal)) => vec![refusal],
        Err(_) => Vec::new(),
    };
    let words: Vec<&str> = refusals.iter().filter_map(|refusal| refusal.message.as_deref()).collect();
    let usual = answer.failure(&words.join("; "));
    let Some(first) = refusals.first() else { return usual };
    let (code, message) = (coded(&first.code), usual.detail().message.clone());
    let failure = match first.code.as_str() {
        // The request was not begun, or all of it was rolled back.
        "REQUEST_LIMIT_EXCEEDED" | "UNABLE_TO_LOCK_ROW" => {
            Failure::transient(code, message).after_ms(answer.retry_after_ms())
        }
        "NOT_FOUND" | "ENTITY_IS_DELETED" | "MALFORMED_ID" => Failure::rejected("not-found", message),
        // Another sending of the same upsert is under way, or has landed just now.
        "DUPLICATE_VALUE" if answer.is_of_step() => Failure::uncertain(code, message),
        "API_CURRENTLY_DISABLED"
        | "API_DISABLED_FOR_ORG"
        | "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "INVALID_SESSION_ID" => Failure::denied(code, message),
        _ => renamed(usual, code),
    };
    let fields = refusals.iter().flat_map(|refusal| refusal.fields.iter().flatten());
    fields.fold(failure, |failure, field| failure.naming(field)).answered(answer)
}

/// Several records have the effect's id: Salesforce writes none of them.
pub(crate) fn not_unique() -> Failure {
    Failure::rejected(
        "not-unique",
        "several records have the id of this effect; make the field of the setting `approval-key` unique",
    )
}

/// The vendor's word as the code, except where the host knows the usual one.
fn renamed(mut failure: Failure, code: String) -> Failure {
    let is_known = failure.is_not_found() || matches!(failure, Failure::Conflict { .. });
    if !is_known {
        failure.detail_mut().code = code;
    }
    failure
}

/// `UNABLE_TO_LOCK_ROW` as `unable-to-lock-row`.
fn coded(code: &str) -> String {
    let letters = code.chars().take(NAME_BYTES_MAX).map(|letter| match letter {
        'A'..='Z' => letter.to_ascii_lowercase(),
        'a'..='z' | '0'..='9' => letter,
        _ => '-',
    });
    letters.collect()
}

impl Row {
    /// A field, whatever the case of its letters; one that was asked for and is not there is no answer of Salesforce's.
    fn raw(&self, field: &str) -> Result<&str, Failure> {
        let found = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(field));
        found.map(|(_, raw)| raw.get()).ok_or_else(|| odd(field))
    }

    /// Text; `None` for nothing. Salesforce keeps no empty text.
    pub(crate) fn text(&self, field: &str) -> Result<Option<String>, Failure> {
        let text: Option<String> = serde_json::from_str(self.raw(field)?).map_err(|_| odd(field))?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// A number in its shortest form; `None` for nothing.
    pub(crate) fn number(&self, field: &str) -> Result<Option<String>, Failure> {
        match self.raw(field)? {
            "null" => Ok(None),
            number => exact::plain(number).map(Some).ok_or_else(|| odd(field)),
        }
    }

    /// Yes or no.
    pub(crate) fn flag(&self, field: &str) -> Result<bool, Failure> {
        serde_json::from_str(self.raw(field)?).map_err(|_| odd(field))
    }

    /// The id of a record; `None` for nothing.
    pub(crate) fn id(&self, field: &str) -> Result<Option<String>, Failure> {
        match self.text(field)? {
            Some(id) if !is_id(&id) => Err(odd(field)),
            id => Ok(id),
        }
    }

    /// Text that is always there.
    pub(crate) fn needed(&self, field: &str) -> Result<String, Failure> {
        self.text(field)?.ok_or_else(|| odd(field))
    }

    /// The record's own id.
    pub(crate) fn own_id(&self) -> Result<String, Failure> {
        self.id("Id")?.ok_or_else(|| odd("Id"))
    }

    /// When the record was last changed, by anybody: as Salesforce wrote it, and as a moment.
    pub(crate) fn changed(&self) -> Result<(String, Moment), Failure> {
        let text = self.needed("SystemModstamp")?;
        let moment = Moment::parse(&text).ok_or_else(|| odd("SystemModstamp"))?;
        Ok((text, moment))
    }
}

/// An answer that is not Salesforce's, or of another version of it.
pub(crate) fn odd(field: &str) -> Failure {
    Failure::transient(
        "unreadable-answer",
        format!("the target says something else of `{field}` than expected"),
    )
}
