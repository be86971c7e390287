//! The `/v1` API: one file a resource, thin entry points that ask the engine and show its answer.

pub(crate) mod amendments;
pub(crate) mod backtest;
pub(crate) mod budgets;
pub(crate) mod connections;
pub(crate) mod decisions;
pub(crate) mod drafts;
pub(crate) mod effects;
pub(crate) mod exceptions;
pub(crate) mod exchange;
pub(crate) mod hands;
pub(crate) mod health;
pub(crate) mod intent_types;
pub(crate) mod intents;
pub(crate) mod overrides;
pub(crate) mod ownership;
pub(crate) mod pages;
pub(crate) mod people;
pub(crate) mod policies;
pub(crate) mod seats;
pub mod view;

use crate::door::Caller;
use crate::problem::Problem;
use crate::state::Host;
use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use countersign_core::approval::{Approval, Stage};
use countersign_core::id::IntentId;
use countersign_engine::engine::Standing;
use std::time::Duration;
use view::IntentView;
use view::intent::Looking;

/// An approval as the caller sees it.
fn seen(host: &Host, caller: &Caller, approval: &Approval) -> IntentView {
    let rulebook = host.engine.rulebook();
    let looking = Looking { person: &caller.person, rulebook: &rulebook, now: host.engine.now() };
    IntentView::of(approval, looking)
}

/// The whole of an approval, tagged with its revision.
fn whole(host: &Host, caller: &Caller, standing: &Standing) -> Response {
    let view = seen(host, caller, &standing.approval);
    let tag = tag(standing.approval.intent.revision);
    let mut response = Json(view).into_response();
    response.headers_mut().insert(header::ETAG, tag);
    response
}

/// The strong tag of a revision.
fn tag(revision: u32) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// Looks at an approval until it is prepared or the caller has waited long enough.
async fn prepared(host: &Host, intent: IntentId, seconds: u64) -> Result<Standing, Problem> {
    let look = async {
        loop {
            let standing = host.engine.read(intent).await?;
            if !matches!(standing.approval.stage, Stage::Preparing { .. }) || host.engine.is_stopping() {
                return Ok::<_, Problem>(standing);
            }
            tokio::time::sleep(Duration::from_millis(crate::limits::WAIT_LOOK_MS)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(seconds), look).await {
        Ok(standing) => standing,
        Err(_) => Ok(host.engine.read(intent).await?),
    }
}

/// Says that a wait was granted.
fn waited(response: &mut Response, seconds: Option<u64>) {
    let value = seconds.and_then(|seconds| HeaderValue::from_str(&format!("wait={seconds}")).ok());
    if let Some(value) = value {
        response.headers_mut().insert("preference-applied", value);
    }
}
