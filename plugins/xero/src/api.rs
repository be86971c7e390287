//! Requests to Xero's Accounting API, and what its errors mean.
//! Sources: https://developer.xero.com/documentation/api/accounting/responsecodes,
//! https://developer.xero.com/documentation/api/accounting/requests-and-responses and
//! https://developer.xero.com/documentation/guides/oauth2/limits

use countersign_sdk::{Answer, Context, Draft, Failure, path};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The endpoint of the manifest.
const API: &str = "api";

/// Begins a `GET`.
pub(crate) fn get<'h>(context: &Context<'h>, segments: &[&str]) -> Draft<'h> {
    begun(context, context.get(API, path(segments)))
}

/// Begins a `PUT`, which at Xero makes a record and never changes one.
pub(crate) fn put<'h>(
    context: &Context<'h>,
    list: &str,
    body: &impl serde::Serialize,
) -> Result<Draft<'h>, Failure> {
    // Not by `json`, which would bring the amounts through a float.
    let text = serde_json::to_string(body)?;
    Ok(begun(context, context.put(API, path([list])).text("application/json", text)))
}

fn begun<'h>(context: &Context<'h>, draft: Draft<'h>) -> Draft<'h> {
    // Without it Xero answers in XML.
    let draft = draft.header("accept", "application/json");
    match context.setting("tenant-id") {
        Some(tenant) if !tenant.is_empty() => draft.header("xero-tenant-id", tenant),
        Some(_) | None => draft,
    }
}

/// What every answer is wrapped into. One record, too, comes in a list.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    #[serde(
        alias = "Accounts",
        alias = "CreditNotes",
        alias = "Invoices",
        alias = "ManualJournals",
        alias = "Organisations"
    )]
    pub(crate) records: Vec<T>,
    pub(crate) pagination: Option<Pagination>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pagination {
    pub(crate) page_count: usize,
}

/// All records of a list that has no pages.
pub(crate) fn all<T: DeserializeOwned>(context: &Context<'_>, list: &str) -> Result<Vec<T>, Failure> {
    Ok(settled(get(context, &[list]).read()?)?.json::<Envelope<T>>()?.records)
}

/// One record, by its id, or by its number where it has one.
pub(crate) fn record<T: DeserializeOwned>(context: &Context<'_>, list: &str, id: &str) -> Result<T, Failure> {
    if id.is_empty() {
        // It would be the address of the list.
        return Err(Failure::not_found(list));
    }
    only(&settled(get(context, &[list, id]).read()?)?)
}

/// The one record that an answer tells of.
pub(crate) fn only<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    let records = answer.json::<Envelope<T>>()?.records;
    let [record] = <[T; 1]>::try_from(records)
        .map_err(|records| answer.unreadable(&format!("{} records in the place of one", records.len())))?;
    Ok(record)
}

/// The answer itself if it says success, else what Xero's error means.
pub(crate) fn settled(answer: Answer) -> Result<Answer, Failure> {
    if answer.is_success() { Ok(answer) } else { Err(failure(&answer)) }
}

/// The record that a step has made. Xero can refuse a record and answer 200 all the same.
pub(crate) fn made<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    let element: Element = only(answer)?;
    if element.status_attribute_string.as_deref() == Some("ERROR") {
        return Err(refused("validation-exception", &words([element].iter()), answer));
    }
    only(answer)
}

/// The id of an answer, for Xero's support desk.
pub(crate) fn request_id(answer: &Answer) -> Option<String> {
    answer.header("xero-correlation-id").map(ToOwned::to_owned)
}

/// One record of an answer, as far as it says what is wrong with it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Element {
    status_attribute_string: Option<String>,
    validation_errors: Option<Vec<Problem>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Problem {
    // Both names are in Xero's examples.
    #[serde(alias = "Description")]
    message: Option<String>,
}

/// An error of Xero's: of the API itself (`Type`, `Message`, `Elements`), or of the door before it (`Detail`).
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Said {
    r#type: Option<String>,
    message: Option<String>,
    detail: Option<String>,
    elements: Option<Vec<Element>>,
}

impl Said {
    fn words(&self) -> String {
        match words(self.elements.iter().flatten()) {
            problems if !problems.is_empty() => problems,
            _ => self.message.as_ref().or(self.detail.as_ref()).cloned().unwrap_or_default(),
        }
    }
}

/// What is wrong with the records, in Xero's words.
fn words<'e>(elements: impl Iterator<Item = &'e Element>) -> String {
    let problems = elements.flat_map(|element| element.validation_errors.iter().flatten());
    problems.filter_map(|problem| problem.message.as_deref()).collect::<Vec<_>>().join("; ")
}

/// What an error of Xero's means for the host.
fn failure(answer: &Answer) -> Failure {
    // A body that is no error of Xero's (a page, or a sentence) leaves the status to speak.
    let said = answer.json::<Said>().unwrap_or_default();
    let mut failure = match (answer.status(), answer.header("x-rate-limit-problem")) {
        (429, Some(limit)) => answer.failure(&format!("the limit `{limit}` is reached")),
        // Refused as a request, before anything was begun.
        (status @ (412 | 501), _) => refused(&format!("http-{status}"), &said.words(), answer),
        _ => answer.failure(&said.words()),
    };
    let name = match &failure {
        Failure::Rejected { detail, .. } if detail.code != "not-found" => said.r#type.as_deref(),
        Failure::Denied(_) => said.detail.as_deref().and_then(|detail| detail.split(':').next()),
        _ => None,
    };
    let detail = failure.detail_mut();
    if let Some(code) = name.and_then(code) {
        detail.code = code;
    }
    detail.vendor_request_id = request_id(answer);
    failure
}

/// A refusal, whatever else the status would mean.
fn refused(code: &str, words: &str, answer: &Answer) -> Failure {
    let message = answer.failure(words).detail().message.clone();
    Failure::rejected(code, message).answered(answer)
}

/// A name of Xero's as a code: `ValidationException` is `validation-exception`.
fn code(name: &str) -> Option<String> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let mut code = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !code.is_empty() {
            code.push('-');
        }
        code.push(letter.to_ascii_lowercase());
    }
    Some(code)
}
