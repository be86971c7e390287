//! People: who there is, who is away and who covers; and saying so.

use super::view::person::Sources;
use super::view::{Listed, OutlookView, PersonView};
use crate::asked::{Line, Members, Place, Posted, Query};
use crate::busy;
use crate::limits::COMMAND_BYTES_MAX;
use crate::problem::{Flaw, Problem, ProblemView};
use crate::state::Host;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use countersign_core::id::{IntentTypeName, PersonId};
use countersign_core::intent::{Day, Raw};
use countersign_core::people::register::{Actor, Away, Command, Register};
use countersign_core::policy::stop::Stop;
use countersign_core::rulebook::outlook::{OUTLOOK_DAYS, OUTLOOK_DAYS_MAX, Outlook};
use utoipa::ToSchema;

/// When somebody is away, and who covers.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct AbsenceBody {
    /// The first day, in the person's calendar.
    #[schema(example = "2026-12-21", format = Date)]
    from: String,
    /// The last day.
    #[schema(example = "2026-12-31", format = Date)]
    until: String,
    /// Who is asked instead: somebody who stands by for the person or manages them, or a member of a pool of
    /// theirs.
    #[schema(example = "director-2")]
    cover: String,
    /// For which intent type; absent is for all.
    #[schema(rename = "for", example = "discount")]
    of: Option<String>,
}

/// Which absence ends.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct ReturnBody {
    /// The number of the absence; absent is those of today.
    absence: Option<u64>,
}

/// Lists everybody as they are in force, and says where that comes from.
#[utoipa::path(
    get, path = "/v1/people", tag = "people", operation_id = "list_people",
    responses(
        (status = 200, description = "everybody, by id", body = Listed<PersonView>),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(host): State<Host>, uri: Uri) -> Result<Json<Listed<PersonView>>, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let sources = Sources { rulebook: &rulebook, now };
    let views = rulebook.directory().persons.keys().map(|person| PersonView::of(sources, person));
    Ok(Json(Listed::whole(views.collect())))
}

/// Looks ahead: days on which too few can decide, covers who are away, people whom the routes cannot do without. Leavers
/// and absences on record count as those of the files do.
#[utoipa::path(
    get, path = "/v1/people/outlook", tag = "people", operation_id = "people_outlook",
    params(
        ("days" = Option<u32>, Query, description = "how many days from today on, 1 to 366; 90 unless given"),
    ),
    responses(
        (status = 200, description = "what lies ahead", body = OutlookView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn outlook(
    State(host): State<Host>,
    line: Line,
    uri: Uri,
) -> Result<Json<Outlook>, Problem> {
    let mut query = Query::of(&uri, &["days"])?;
    let expected = format!("a number of days, 1 to {OUTLOOK_DAYS_MAX}");
    let days = query.read("days", &expected, |text| {
        text.parse::<u32>().ok().filter(|days| (1..=OUTLOOK_DAYS_MAX).contains(days))
    });
    query.checked()?;
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let ahead = move |_: &Stop<'_>| Ok(rulebook.outlook(now, days.unwrap_or(OUTLOOK_DAYS)));
    busy::proved(&host, line, ahead).await.map(Json)
}

/// Puts an absence on record: a person's own, or somebody else's by the pool that owns `people.md`.
#[utoipa::path(
    post, path = "/v1/people/{id}/absences", tag = "people", operation_id = "record_absence",
    request_body = AbsenceBody,
    params(
        ("id" = String, Path, description = "the person"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "it is on record and in force", body = PersonView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn away(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, body, .. }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Json<PersonView>, Problem> {
    let person = named(&name)?;
    let mut members = Members::of(body, &["from", "until", "cover", "for"]);
    let from = members.required("from", "a day such as 2026-12-21", Day::parse);
    let until = members.required("until", "a day such as 2026-12-31", Day::parse);
    let cover = members.required("cover", "a person", |text| PersonId::parse(text).ok());
    let rulebook = host.engine.rulebook();
    let of = members.optional("for", "an intent type of this host", |text| {
        IntentTypeName::parse(text).ok().filter(|name| rulebook.intent_type(name).is_some())
    });
    members.checked()?;
    // INVARIANT: without the two the body was flawed, and that was said above.
    let (from, until) = (from.ok_or_else(Problem::bug)?, until.ok_or_else(Problem::bug)?);
    let away = Away { person: person.clone(), from, until, cover, of };
    let ask = |_: &Register| Ok::<_, Problem>(Command::Away(away.clone()));
    host.engine.record(Actor::Person(caller.person), Some(key), ask).await?;
    shown(&host, &person)
}

/// Ends an absence that is on record, or takes one back that has not begun.
#[utoipa::path(
    post, path = "/v1/people/{id}/returns", tag = "people", operation_id = "end_absence",
    request_body = ReturnBody,
    params(
        ("id" = String, Path, description = "the person"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
    ),
    responses(
        (status = 200, description = "it is over", body = PersonView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn back(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, body, .. }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Json<PersonView>, Problem> {
    let person = named(&name)?;
    let mut members = Members::of(body, &["absence"]);
    let absence = members.take("absence");
    let number = absence.as_ref().and_then(|raw| match raw {
        Raw::Integer(number) => u64::try_from(*number).ok(),
        Raw::Null | Raw::Bool(_) | Raw::Float | Raw::TooLarge | Raw::Text(_) | Raw::List(_) | Raw::Map(_) => {
            None
        }
    });
    if let (Some(raw), None) = (&absence, number) {
        members.flaw(Flaw::new("/absence", "the number of an absence", raw.found()));
    }
    members.checked()?;
    let command = Command::Back { person: person.clone(), number };
    let ask = |_: &Register| Ok::<_, Problem>(command.clone());
    host.engine.record(Actor::Person(caller.person), Some(key), ask).await?;
    shown(&host, &person)
}

fn shown(host: &Host, person: &PersonId) -> Result<Json<PersonView>, Problem> {
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    Ok(Json(PersonView::of(Sources { rulebook: &rulebook, now }, person)))
}

/// The person that an address names.
fn named(name: &str) -> Result<PersonId, Problem> {
    PersonId::parse(name).map_err(|_| Problem::unknown("person", name))
}
