//! Exceptions over all intents: the open ones of one owner.

use super::view::{ExceptionView, Listed};
use crate::asked::{self, Query};
use crate::door::Caller;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use countersign_core::id::IntentId;
use countersign_engine::port::store;
use std::collections::BTreeMap;

/// Lists open exceptions of one owner: the caller, unless another one is named.
#[utoipa::path(
    get, path = "/v1/exceptions", tag = "exceptions", operation_id = "list_exceptions",
    params(
        ("owner" = Option<String>, Query, description = "whose; `me`, the caller, unless said otherwise"),
        ("cursor" = Option<String>, Query, description = "`next` of an earlier answer"),
        ("limit" = Option<usize>, Query, description = "intents of a page, 1 to 200", minimum = 1, maximum = 200),
    ),
    responses(
        (status = 200, description = "the exceptions of one page of intents; `Link` names the next one", body = Listed<ExceptionView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, &["owner", "cursor", "limit"])?;
    let owner = query.read("owner", "a person, or `me`", |text| asked::person(text, &caller));
    let owner = owner.unwrap_or_else(|| caller.person.to_string());
    let (after, limit) = asked::page(&mut query);
    query.checked()?;
    let labels = BTreeMap::from([("exception".to_owned(), owner.clone())]);
    let page = host.engine.list(store::Query { labels, after, limit }).await?;
    let mut open: Vec<ExceptionView> = Vec::new();
    for row in &page.rows {
        let Ok(intent) = row.stream.parse::<IntentId>() else { continue };
        let standing = host.engine.read(intent).await?;
        let Ok(seen) = super::seen(&host, &caller, &standing.approval) else { continue };
        let seen = seen.exceptions;
        open.extend(seen.into_iter().filter(|found| found.state == "open" && found.owner == owner));
    }
    Ok(asked::listed(&uri, open, page.next.as_ref()))
}
