//! Effects over all intents: the open ones, or all of one intent.

use super::view::effect::{is_settled, seen};
use super::view::{EffectView, Listed};
use crate::asked::{self, Query};
use crate::door::Caller;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use countersign_core::approval::Sight;
use countersign_core::id::IntentId;
use countersign_engine::port::store;
use std::collections::BTreeMap;

/// Lists open effects, or every effect of one intent.
#[utoipa::path(
    get, path = "/v1/effects", tag = "effects", operation_id = "list_effects",
    params(
        ("intent" = Option<String>, Query, description = "every effect of this intent, settled ones too"),
        ("cursor" = Option<String>, Query, description = "`next` of an earlier answer"),
        ("limit" = Option<usize>, Query, description = "intents of a page, 1 to 200", minimum = 1, maximum = 200),
    ),
    responses(
        (status = 200, description = "the effects of one page of intents; `Link` names the next one", body = Listed<EffectView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, &["intent", "cursor", "limit"])?;
    let (after, limit) = asked::page(&mut query);
    let one = query.text("intent").map(asked::intent);
    query.checked()?;
    if let Some(intent) = one {
        let (standing, sight) = super::read(&host, &caller, intent?).await?;
        return Ok(asked::listed(&uri, seen(&standing.approval, &sight, &host.engine.rulebook()), None));
    }
    let labels = BTreeMap::from([("effects".to_owned(), "open".to_owned())]);
    let page = host.engine.list(store::Query { labels, after, limit }).await?;
    let mut open: Vec<EffectView> = Vec::new();
    for row in &page.rows {
        let Ok(intent) = row.stream.parse::<IntentId>() else { continue };
        let (approval, rulebook) = (host.engine.read(intent).await?.approval, host.engine.rulebook());
        let sight = rulebook.sight(&approval, &caller.person);
        if sight != Sight::Nothing {
            let effects = seen(&approval, &sight, &rulebook).into_iter();
            open.extend(effects.filter(|effect| !is_settled(effect)));
        }
    }
    Ok(asked::listed(&uri, open, page.next.as_ref()))
}
