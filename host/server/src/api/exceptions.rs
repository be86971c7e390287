//! Exceptions over all intents: the open ones of one owner.

use super::view::intent::Looking;
use super::view::{ExceptionView, IntentView, Listed};
use super::walk::Walk;
use crate::asked::{self, Query};
use crate::door::Caller;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use countersign_core::id::IntentId;
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
    let (mut walk, mut open) = (Walk::of(labels, (after, limit)), Vec::new());
    while let Some(row) = walk.row(&host).await? {
        let Ok(intent) = row.stream.parse::<IntentId>() else { continue };
        let (approval, rulebook) = (host.engine.read(intent).await?.approval, host.engine.rulebook());
        let looking = Looking { person: &caller.person, rulebook: &rulebook, now: host.engine.now() };
        let Some(seen) = IntentView::of(&approval, looking) else { continue };
        if !walk.keeps(&row) {
            break;
        }
        let exceptions = seen.exceptions.into_iter();
        open.extend(exceptions.filter(|found| found.state == "open" && found.owner == owner));
    }
    Ok(asked::listed(&uri, open, walk.cursor()))
}
