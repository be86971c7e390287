//! A week or a month beside the one before it, for those who meet over it.

use super::{told, withheld};
use crate::api::connectors::{all, happened};
use crate::api::view::connector::ConnectorEntryView;
use crate::api::view::intent::outcome;
use crate::api::view::measure::review::Weighed;
use crate::api::view::{HouseChangeView, MeasureReviewView};
use crate::asked::Query;
use crate::door::Caller;
use crate::limits::{HOUSE_CHANGES_LOOKED_AT_MAX, HOUSE_CHANGES_MAX};
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use countersign_core::approval::Sight;
use countersign_core::built_in;
use countersign_core::id::{IntentId, PersonId};
use countersign_core::intent::Day;
use countersign_core::measure::book::{Asking, By};
use countersign_core::measure::period::Period;
use countersign_core::notice::words::title;
use countersign_core::time::Timestamp;
use countersign_engine::history;
use countersign_engine::limits::HISTORY_DAYS_MAX;
use countersign_engine::port::store::{PAGE_ROWS_MAX, Query as Rows};
use std::collections::BTreeMap;

/// What happens to a connector without anything being planned otherwise.
const QUIET: [&str; 3] = ["added", "asked", "accepted"];

/// Shows a week or a month beside the one before it: each figure of both, by how much it differs and whether that is
/// better or worse, together and by intent type; and what was changed in the house in it: policies, shared files, intent types
/// that went live, and connectors.
///
/// What is counted by when an intent was asked for (the exception rate, the rework rate) may still grow for the later
/// period: its intents have had less time. Who sees which figures is as with `GET /v1/measures`.
#[utoipa::path(
    get, path = "/v1/measures/review", tag = "measures", operation_id = "review_measures",
    params(
        ("of" = Option<String>, Query, description = "`week`, from Monday on, or `month`; `week` unless given"),
        ("day" = Option<String>, Query, description = "a day that lies in it, in UTC, such as `2026-11-23`; unless given \
            it is the last one that is over"),
    ),
    responses(
        (status = 200, description = "both periods", body = MeasureReviewView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<MeasureReviewView>, Problem> {
    reviewed(&host, &caller.person, &uri).await.map(Json)
}

/// The review that an address asks for, as far as it is for a person.
pub(crate) async fn reviewed(
    host: &Host,
    person: &PersonId,
    uri: &Uri,
) -> Result<MeasureReviewView, Problem> {
    let now = host.engine.now();
    let weighed = weighed(uri, now)?;
    let asking = |since, until| Asking { since, until, by: By::Type, per: weighed.of };
    let (then, _) = told(host, person, asking(weighed.before, weighed.since)).await?;
    let (later, position) = told(host, person, asking(weighed.since, weighed.end)).await?;
    let changed = changed(host, person, weighed).await?;
    let withheld = withheld(&host.engine.rulebook(), person, now);
    Ok(MeasureReviewView::of(weighed, (&then, &later), changed, (position.0, withheld, now)))
}

/// What the parameters of an address ask for.
fn weighed(uri: &Uri, now: Timestamp) -> Result<Weighed, Problem> {
    let today = Day::at(now);
    let earliest = history::day_before(now, HISTORY_DAYS_MAX);
    let mut query = Query::of(uri, &["of", "day"])?;
    let of = query
        .read("of", "`week` or `month`", |text| Period::parse(text).filter(|period| *period != Period::Day));
    let of = of.unwrap_or(Period::Week);
    let before = |first: Day| of.first(Day(first.0.saturating_sub(1)));
    let expected =
        format!("a day up to {today}, of which the {} before does not begin before {earliest}", of.as_str());
    let day = query.read("day", &expected, |text| {
        Day::parse(text).filter(|day| *day <= today && earliest <= before(of.first(*day)))
    });
    query.checked()?;
    let since = day.map_or_else(|| before(of.first(today)), |day| of.first(day));
    let end = of.next(since);
    Ok(Weighed { of, before: before(since), since, end, over: end <= today })
}

/// What was changed in the house in a period, as far as it is for a person, the newest first; and whether there is more.
async fn changed(
    host: &Host,
    person: &PersonId,
    weighed: Weighed,
) -> Result<(Vec<HouseChangeView>, bool), Problem> {
    let (mut found, mut more) = (Vec::new(), false);
    for name in built_in::NAMES {
        more |= decided(host, person, (name, weighed), &mut found).await?;
    }
    for connector in all(host).await? {
        let history = happened(host, &connector.id, usize::MAX).await?;
        let telling = |entry: &ConnectorEntryView| weighed.has(&entry.at) && !QUIET.contains(&&*entry.what);
        found.extend(history.into_iter().filter(telling).map(|entry| HouseChangeView {
            at: entry.at.clone(),
            what: format!("connector {}: {}", connector.id, entry.what),
            by: entry.by.clone().into_iter().collect(),
            intent: entry.intent.clone(),
            connector: Some(connector.id.clone()),
            entry: Some(entry),
        }));
    }
    found.sort_by(|one, other| other.at.cmp(&one.at));
    more |= HOUSE_CHANGES_MAX < found.len();
    found.truncate(HOUSE_CHANGES_MAX);
    Ok((found, more))
}

/// Adds the intents of a type of the house's own that were done in a period; says whether somebody is told of this type
/// at all, and there are older ones than were looked at.
async fn decided(
    host: &Host,
    person: &PersonId,
    (name, weighed): (&str, Weighed),
    found: &mut Vec<HouseChangeView>,
) -> Result<bool, Problem> {
    let pairs = [("type", name), ("state", "done")];
    let labels = BTreeMap::from(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let (mut after, mut looked, mut told) = (None, 0, false);
    while looked < HOUSE_CHANGES_LOOKED_AT_MAX {
        let page = host.engine.list(Rows { labels: labels.clone(), after, limit: PAGE_ROWS_MAX }).await?;
        looked += page.rows.len();
        for row in &page.rows {
            let Ok(intent) = row.stream.parse::<IntentId>() else { continue };
            let (approval, rulebook) = (host.engine.read(intent).await?.approval, host.engine.rulebook());
            let sight = rulebook.sight(&approval, person, host.engine.now());
            if sight == Sight::Nothing {
                continue;
            }
            told = true;
            let Some((at, by)) = outcome(&approval).and_then(|outcome| outcome.at.zip(Some(outcome.by)))
            else {
                continue;
            };
            if weighed.has(&at) {
                let (what, intent) = (title(&approval, &rulebook, &sight), Some(intent.to_string()));
                found.push(HouseChangeView { at, what, by, intent, connector: None, entry: None });
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(false);
        }
    }
    Ok(told)
}
