//! Deliveries: what other systems tell by themselves. Whoever sends one is proved by its signature, not by a token.

use super::view::{DeliveryView, Listed};
use crate::asked::{self, Place, Query};
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use countersign_core::id::ConnectionName;
use countersign_engine::fault::Fault;
use countersign_engine::inbox::Taken;
use countersign_engine::limits::DELIVERY_BYTES_MAX;
use countersign_engine::port::connectors::Arrived;
use countersign_engine::port::store::Row;

/// Takes a delivery. It is answered when it is stored; what it asks for is done after that. One that was taken before is
/// answered as it was then.
#[utoipa::path(
    post, path = "/hooks/{connection}/{hook}", tag = "deliveries", operation_id = "deliver",
    params(
        ("connection" = String, Path, description = "the connection"),
        ("hook" = String, Path, description = "which of its hooks"),
    ),
    request_body(
        content = String, content_type = "*/*",
        description = "at most 256 KiB, signed as the hook wants it",
    ),
    responses(
        (status = 200, description = "it is the challenge of a sender who asks whether this is the right place", body = String, content_type = "text/plain"),
        (status = 202, description = "it is stored, now or before"),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    ),
    security(()),
)]
pub(crate) async fn take(
    State(host): State<Host>,
    Place((connection, hook)): Place<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let unknown = || Problem::unknown("hook", &format!("{connection}/{hook}"));
    let name = ConnectionName::parse(&connection).map_err(|_| unknown())?;
    let body = asked::read(&headers, body, DELIVERY_BYTES_MAX).await?.to_vec();
    let text = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let arrived = Arrived { headers: headers.iter().filter_map(text).collect(), body };
    Ok(match host.engine.deliver(&name, &hook, arrived).await? {
        Taken::Stored(_) => StatusCode::ACCEPTED.into_response(),
        Taken::Challenge(text) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        }
    })
}

/// Lists what has arrived at a connection, the newest first, and what came of each.
#[utoipa::path(
    get, path = "/v1/connections/{name}/deliveries", tag = "deliveries", operation_id = "list_deliveries",
    params(
        ("name" = String, Path, description = "the connection"),
        ("cursor" = Option<String>, Query, description = "`next` of an earlier answer"),
        ("limit" = Option<usize>, Query, description = "deliveries of a page, 1 to 200", minimum = 1, maximum = 200),
    ),
    responses(
        (status = 200, description = "one page of deliveries; `Link` names the next one", body = Listed<DeliveryView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(host): State<Host>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, &["cursor", "limit"])?;
    let (after, limit) = asked::page(&mut query);
    query.checked()?;
    // One that is configured no more has its deliveries still.
    let name = ConnectionName::parse(&name).map_err(|_| Problem::unknown("connection", &name))?;
    let page = host.engine.deliveries(&name, (after, limit)).await?;
    let view = |row: &Row| {
        let wait = row.stream.parse().ok().and_then(|id| host.engine.waits(id));
        DeliveryView::of(row, wait.as_ref())
    };
    let views = page.rows.iter().map(view).collect::<Result<Vec<_>, _>>();
    let views = views.map_err(|fault| Fault::Unreadable(fault.to_string()))?;
    Ok(asked::listed(&uri, views, page.next.as_ref()))
}
