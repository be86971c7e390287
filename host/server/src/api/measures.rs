//! Measures: figures over the log for those who steer by them.

pub(crate) mod review;

use super::view::MeasuresView;
use crate::asked::Query;
use crate::door::Caller;
use crate::limits::{MEASURE_DAYS, MEASURE_PERIODS_MAX};
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use countersign_core::going_live::is_going_live;
use countersign_core::id::{IntentTypeName, PersonId};
use countersign_core::intent::Day;
use countersign_core::measure::book::{Asking, By, Report, Sees};
use countersign_core::measure::period::Period;
use countersign_core::people::Duty;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::history;
use countersign_engine::limits::HISTORY_DAYS_MAX;
use countersign_engine::measures::Measured;
use countersign_engine::port::store::Position;

/// Shows figures over the log: of intents, of their decisions and of their writes, each with the formula by which it is
/// had, together and by type, by version of a policy or by connection.
///
/// Figures of an intent type are for those for whom each of its intents is; amounts of money are for those who see all
/// of each.
#[utoipa::path(
    get, path = "/v1/measures", tag = "measures", operation_id = "show_measures",
    params(
        ("by" = Option<String>, Query, description = "`type`, `policy` or `connection`; `type` unless given"),
        ("since" = Option<String>, Query, description = "the first day, in UTC, such as `2026-11-23`, or so many days \
            back, such as `90d`, which it is unless given"),
        ("until" = Option<String>, Query, description = "the last day; today unless given"),
        ("per" = Option<String>, Query, description = "`day`, `week` or `month`, how long each period is; unless given \
            what suits the days"),
    ),
    responses(
        (status = 200, description = "the figures", body = MeasuresView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<MeasuresView>, Problem> {
    measured(&host, &caller.person, &uri).await.map(Json)
}

/// The figures that an address asks for, as far as they are for a person.
pub(crate) async fn measured(host: &Host, person: &PersonId, uri: &Uri) -> Result<MeasuresView, Problem> {
    let now = host.engine.now();
    let asking = asking(uri, now)?;
    let withheld = withheld(&host.engine.rulebook(), person, now);
    let (report, position) = told(host, person, asking).await?;
    Ok(MeasuresView::of(asking, &report, (position, withheld, now)))
}

/// How many intent types a person sees no figures of.
fn withheld(rulebook: &Rulebook, person: &PersonId, now: Timestamp) -> u64 {
    let withheld =
        rulebook.intent_types().filter(|schema| sees(rulebook, person, now, &schema.name) == Sees::Nothing);
    u64::try_from(withheld.count()).unwrap_or(u64::MAX)
}

/// What the book says, as far as it is for a person.
async fn told(host: &Host, person: &PersonId, asking: Asking) -> Result<(Box<Report>, Position), Problem> {
    let (now, rules, who) = (host.engine.now(), host.engine.rulebook(), person.clone());
    match host.engine.measures(asking, move |of| sees(&rules, &who, now, of)).await? {
        Measured::Told(report, position) => Ok((report, position)),
        Measured::Behind(read, end) => {
            let detail = format!("the log is still being read for figures: {} of {} entries", read.0, end.0);
            Err(Problem::new("CS-E0255", detail, "ask again in a moment").later())
        }
    }
}

/// What a person may know of the figures of an intent type. Where its intents are not there for them, there are no
/// figures either; of one that is in the rules no more, auditors alone know.
fn sees(rulebook: &Rulebook, person: &PersonId, now: Timestamp, of: &IntentTypeName) -> Sees {
    match rulebook.intent_type(of) {
        Some(schema) if rulebook.sees_all_of(schema, person, now) => Sees::All,
        // By which a type goes live is for those for whom that type is: each of its intents for others.
        Some(schema) if rulebook.sees_that_there_are(schema, person, now) && !is_going_live(of) => {
            Sees::Counts
        }
        None if rulebook.directory().has_duty(person, Duty::Auditor) => Sees::All,
        Some(_) | None => Sees::Nothing,
    }
}

/// What the parameters of an address ask for.
fn asking(uri: &Uri, now: Timestamp) -> Result<Asking, Problem> {
    let today = Day::at(now);
    let earliest = history::day_before(now, HISTORY_DAYS_MAX);
    let mut query = Query::of(uri, &["by", "since", "until", "per"])?;
    let by = query.read("by", "`type`, `policy` or `connection`", By::parse).unwrap_or(By::Type);
    let expected = format!("a day from {earliest} to {today}, or a number of days such as `90d`");
    let since = query.read("since", &expected, |text| {
        let day = Day::parse(text).or_else(|| history::days(text).map(|days| history::day_before(now, days)));
        day.filter(|day| (earliest..=today).contains(day))
    });
    let since = since.unwrap_or_else(|| history::day_before(now, MEASURE_DAYS));
    let expected = format!("a day from {since} to {today}");
    let until =
        query.read("until", &expected, |text| Day::parse(text).filter(|day| (since..=today).contains(day)));
    let until = Day(until.unwrap_or(today).0.saturating_add(1));
    let days = until.0.saturating_sub(since.0);
    let expected =
        format!("`day`, `week` or `month`, such that there are at most {MEASURE_PERIODS_MAX} of them");
    let per = query.read("per", &expected, |text| {
        Period::parse(text).filter(|per| days <= MEASURE_PERIODS_MAX.saturating_mul(shortest(*per)))
    });
    query.checked()?;
    Ok(Asking { since, until, by, per: per.unwrap_or_else(|| suits(days)) })
}

/// The days of the shortest period of a kind.
fn shortest(per: Period) -> i64 {
    match per {
        Period::Day => 1,
        Period::Week => 7,
        Period::Month => 28,
    }
}

/// What makes neither two bars of so many days nor two hundred.
fn suits(days: i64) -> Period {
    match days {
        ..=31 => Period::Day,
        32..=190 => Period::Week,
        191.. => Period::Month,
    }
}
