//! The `/v1` API: one file a resource, thin entry points that ask the engine and show its answer.

pub(crate) mod access;
pub(crate) mod amendments;
pub(crate) mod backtest;
pub(crate) mod budgets;
pub(crate) mod connections;
pub(crate) mod connectors;
pub(crate) mod decisions;
pub(crate) mod deliveries;
pub(crate) mod denied;
pub(crate) mod drafts;
pub(crate) mod effects;
pub(crate) mod exceptions;
pub(crate) mod exchange;
pub(crate) mod hands;
pub(crate) mod health;
pub(crate) mod intent_types;
pub(crate) mod intents;
pub(crate) mod log;
pub(crate) mod measures;
pub(crate) mod overrides;
pub(crate) mod ownership;
pub(crate) mod pages;
pub(crate) mod people;
pub(crate) mod policies;
pub(crate) mod rules;
pub(crate) mod seats;
pub mod view;
mod walk;

use crate::asked::{self, Members, Posted};
use crate::door::Caller;
use crate::limits::{COMMAND_BYTES_MAX, PAGE_LOOKS_MAX, WAIT_LOOK_MS};
use crate::problem::Problem;
use crate::state::Host;
use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use countersign_core::approval::command::Command;
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Sight, Stage};
use countersign_core::id::{IntentId, IntentTypeName, PersonId};
use countersign_core::intent::SeenBy;
use countersign_engine::engine::Standing;
use countersign_engine::fault::Fault;
use std::time::Duration;
use view::IntentView;
use view::intent::Looking;

/// An approval, if the caller sees it; else the same answer as if there were none.
async fn read(host: &Host, caller: &Caller, intent: IntentId) -> Result<(Standing, Sight), Problem> {
    let standing = host.engine.read(intent).await?;
    let sight = host.engine.rulebook().sight(&standing.approval, &caller.person, host.engine.now());
    if sight == Sight::Nothing { Err(Refusal::UnknownIntent(intent).into()) } else { Ok((standing, sight)) }
}

/// Whether the caller sees all of every intent of a type.
fn sees_all(host: &Host, caller: &Caller, of: &IntentTypeName) -> bool {
    let rulebook = host.engine.rulebook();
    rulebook
        .intent_type(of)
        .is_some_and(|schema| rulebook.sees_all_of(schema, &caller.person, host.engine.now()))
}

/// Whether the caller may know how many exceptions a type has: where intents are not there for them, there are no
/// figures either.
fn may_count(host: &Host, caller: &Caller, of: &IntentTypeName) -> bool {
    let rulebook = host.engine.rulebook();
    let seen = rulebook.intent_type(of).is_none_or(|schema| schema.visibility.intent == SeenBy::Everybody);
    seen || sees_all(host, caller, of)
}

/// Refuses what would show recorded intents to somebody who does not see all of each.
fn all_seen(host: &Host, caller: &Caller, of: &IntentTypeName) -> Result<(), Problem> {
    if sees_all(host, caller, of) {
        return Ok(());
    }
    Err(not_all(&format!("every `{of}`"), caller))
}

/// The refusal to show what only those may see who see all of something.
fn not_all(of: &str, caller: &Caller) -> Problem {
    let detail = format!("not all of {of} is for `{}`", caller.person);
    let help = "ask somebody who sees all of it: whoever owns the intent type or its policy, or an auditor";
    Problem::new("CS-E0222", detail, help)
}

/// The whole of an approval, as far as it is for the caller, tagged with its revision. Whoever has just given their
/// seat away may see no more than where it stands.
fn whole(host: &Host, caller: &Caller, standing: &Standing) -> Response {
    let (approval, rulebook) = (&standing.approval, host.engine.rulebook());
    let looking = Looking { person: &caller.person, rulebook: &rulebook, now: host.engine.now() };
    let view = IntentView::of(approval, looking).unwrap_or_else(|| IntentView::outline(approval, looking));
    let tag = tag(standing.approval.intent.revision);
    let mut response = Json(view).into_response();
    response.headers_mut().insert(header::ETAG, tag);
    response
}

/// Runs a command about the revision that was read, which takes some words: the one member of its body.
async fn with_words(
    host: &Host,
    name: &str,
    posted: Posted<COMMAND_BYTES_MAX>,
    (member, command): (&'static str, impl FnOnce(PersonId, u32, String) -> Command),
) -> Result<Response, Problem> {
    let Posted { caller, key, headers, body } = posted;
    let (intent, revision) = (asked::intent(name)?, asked::revision(&headers)?);
    let mut members = Members::of(body, &[member]);
    let words = members.words(member);
    members.checked()?;
    let command = command(caller.person.clone(), revision, words);
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(host, &caller, &standing))
}

/// The strong tag of a revision.
fn tag(revision: u32) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// Looks at an approval until it is prepared or the caller has waited long enough.
async fn prepared(host: &Host, caller: &Caller, intent: IntentId, seconds: u64) -> Result<Standing, Problem> {
    let look = async {
        loop {
            let (standing, _) = read(host, caller, intent).await?;
            if !matches!(standing.approval.stage, Stage::Preparing { .. }) || host.engine.is_stopping() {
                return Ok::<_, Problem>(standing);
            }
            tokio::time::sleep(Duration::from_millis(WAIT_LOOK_MS)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(seconds), look).await {
        Ok(standing) => standing,
        Err(_) => Ok(read(host, caller, intent).await?.0),
    }
}

/// Does something of which a second click may be on its way: whoever comes second waits for what the first one gets.
pub(crate) async fn once<T, F>(work: impl Fn() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    for _ in 0..PAGE_LOOKS_MAX {
        match work().await {
            Err(Fault::KeyBusy) => tokio::time::sleep(Duration::from_millis(WAIT_LOOK_MS)).await,
            ended => return ended,
        }
    }
    Err(Fault::KeyBusy)
}

/// Says that a wait was granted.
fn waited(response: &mut Response, seconds: Option<u64>) {
    let value = seconds.and_then(|seconds| HeaderValue::from_str(&format!("wait={seconds}")).ok());
    if let Some(value) = value {
        response.headers_mut().insert("preference-applied", value);
    }
}
