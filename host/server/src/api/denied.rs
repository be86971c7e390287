//! Refused tries: what people and machines tried and may not do, for auditors.

use super::view::{DeniedView, Listed};
use crate::asked::{self, Query};
use crate::door::Caller;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use countersign_core::denied::{Entry, Event};
use countersign_core::id::PersonId;
use countersign_core::intent::Day;
use countersign_core::people::Duty;

/// Lists the refused tries of one day, newest first. Auditors alone read it.
///
/// A try is on record a moment after its answer. Of one person sixty in an hour are; one item says how many more there
/// were.
#[utoipa::path(
    get, path = "/v1/denied", tag = "log", operation_id = "list_denied",
    params(
        ("day" = Option<String>, Query, description = "which day, in UTC; today unless given"),
        ("person" = Option<String>, Query, description = "whose; `me` is the token's person"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "most items of the page"),
    ),
    responses(
        (status = 200, description = "what was refused", body = Listed<DeniedView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listed<DeniedView>>, Problem> {
    page(&host, &caller, &uri).await.map(Json)
}

/// One page of them, if they are for whoever asks.
pub(crate) async fn page(host: &Host, caller: &Caller, uri: &Uri) -> Result<Listed<DeniedView>, Problem> {
    let mut query = Query::of(uri, &["day", "person", "cursor", "limit"])?;
    let day = query.read("day", "a day such as 2026-11-23", Day::parse);
    let person = query.read("person", "the id of a person", |text| asked::person(text, caller));
    let before = query.read("cursor", "a `next` of an earlier answer", |text| text.parse::<u64>().ok());
    let rows = asked::rows(&mut query);
    query.checked()?;
    if !host.engine.rulebook().directory().has_duty(&caller.person, Duty::Auditor) {
        let detail = "what was refused is for auditors";
        return Err(Problem::new("CS-E0222", detail, "ask an auditor: `countersign people list` names them"));
    }
    let today = || Day::parse(host.engine.now().to_string().get(..10).unwrap_or_default());
    let day = day.or_else(today).ok_or_else(Problem::bug)?;
    let entries = host.engine.denied_on(day).await?;
    let of = |entry: &Entry| match &entry.event {
        Event::Denied(denied) => denied.by.clone(),
        Event::More { by, .. } => by.clone(),
    };
    let wanted = |by: &PersonId| person.as_deref().is_none_or(|person| person == by.as_str());
    let numbered: Vec<(u64, &Entry)> = (1_u64..).zip(&entries).collect();
    let numbered = numbered.into_iter().rev();
    let mut found =
        numbered.filter(|(number, entry)| before.is_none_or(|before| *number < before) && wanted(&of(entry)));
    let page: Vec<(u64, &Entry)> = found.by_ref().take(rows).collect();
    let next = found.next().and(page.last()).map(|(number, _)| number.to_string());
    Ok(Listed { items: page.into_iter().map(|(_, entry)| DeniedView::from(entry)).collect(), next })
}
