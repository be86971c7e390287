//! `/scim/v2/Users`: joiners, leavers and what changes about people.

use super::patch as patches;
use super::sent::Sent;
use super::shown::{Shape, Wanted, answer, nothing};
use super::user::{User, is_meant, same_id, shown};
use crate::asked::Place;
use crate::door::Caller;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use countersign_core::id::PersonId;
use countersign_core::people::register::{Active, Command, Member, NotRecorded, Register};
use countersign_engine::fault::Fault;

/// What users are found by.
const FOUND_BY: [&str; 5] = ["id", "username", "externalid", "active", "person"];

fn nobody(id: &str) -> Problem {
    match PersonId::parse(id) {
        Ok(person) => Fault::People(NotRecorded::NoMember(person)).into(),
        Err(_) => Problem::unknown("user", id),
    }
}

fn found(register: &Register, id: &str) -> Result<(PersonId, Member), Problem> {
    let person = PersonId::parse(id).map_err(|_| nobody(id))?;
    let member = register.member(&person).ok_or_else(|| nobody(id))?.clone();
    Ok((person, member))
}

/// A user as the record has it after a change.
fn changed(
    host: &Host,
    register: &Register,
    id: &str,
    status: StatusCode,
    uri: &Uri,
) -> Result<Response, Problem> {
    let (person, member) = found(register, id)?;
    let shown = shown(&person, &member, &host.provisioning.base());
    Ok(answer(status, &Shape::of(uri)?.shaped(shown)))
}

/// Puts a person on record.
pub(crate) async fn create(State(host): State<Host>, uri: Uri, sent: Sent) -> Result<Response, Problem> {
    Shape::of(&uri)?;
    let mut user = User::new();
    patches::taken(&patches::whole(&sent.members), |operation| user.change(operation))?;
    let (person, about, standing) = (user.person()?, user.about()?, user.active());
    // A person of that name would end all provisioning, leavers included: a machine is nobody of the house.
    let taken = host.engine.rulebook().house().machines.contains_key(&person);
    if taken || host.tokens.is_machine(&person) {
        let detail = format!("`{person}` is the name of a machine");
        return Err(Problem::new("CS-E0161", detail, "name the person otherwise, or the token"));
    }
    let may_be = user.may_be(&person, &host.provisioning.domains);
    let vouched = may_be.is_ok();
    if host.engine.rulebook().house().knows(&person) {
        may_be?;
    }
    let calendar = host.provisioning.calendar.clone();
    let command = Command::Join { person: person.clone(), about, standing, calendar, vouched };
    let ask = |_: &Register| Ok::<_, Problem>(command.clone());
    let register = host.engine.record(sent.by, None, ask).await?;
    noted(&host, person.as_str());
    changed(&host, &register, person.as_str(), StatusCode::CREATED, &uri)
}

/// Shows one.
pub(crate) async fn show(
    State(host): State<Host>,
    Place(id): Place<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let rulebook = host.engine.rulebook();
    changed(&host, rulebook.register(), &id, StatusCode::OK, &uri)
}

/// Lists everybody on record.
pub(crate) async fn list(State(host): State<Host>, uri: Uri) -> Result<Response, Problem> {
    let wanted = Wanted::of(&uri, "users", &FOUND_BY)?;
    let rulebook = host.engine.rulebook();
    let all = rulebook.register().members();
    let users: Vec<(&PersonId, &Member)> =
        all.filter(|(person, member)| wanted.means(|term| is_meant(person, member, term))).collect();
    let base = host.provisioning.base();
    Ok(wanted.page(&users, |(person, member)| shown(person, member, &base)))
}

/// Replaces all that is said of one.
pub(crate) async fn replace(
    State(host): State<Host>,
    Place(id): Place<String>,
    uri: Uri,
    sent: Sent,
) -> Result<Response, Problem> {
    Shape::of(&uri)?;
    same_id(&sent.members, &id)?;
    let operations = patches::whole(&sent.members);
    let ask = |register: &Register| {
        let (person, member) = found(register, &id)?;
        said(User::before(&member), &operations, (&person, &member))
    };
    let register = host.engine.record(sent.by, None, ask).await?;
    noted(&host, &id);
    changed(&host, &register, &id, StatusCode::OK, &uri)
}

/// Changes some of what is said of one.
pub(crate) async fn patch(
    State(host): State<Host>,
    Place(id): Place<String>,
    uri: Uri,
    sent: Sent,
) -> Result<Response, Problem> {
    Shape::of(&uri)?;
    let operations = patches::operations(&sent.members)?;
    let ask = |register: &Register| {
        let (person, member) = found(register, &id)?;
        said(User::of(&member), &operations, (&person, &member))
    };
    let register = host.engine.record(sent.by, None, ask).await?;
    noted(&host, &id);
    changed(&host, &register, &id, StatusCode::OK, &uri)
}

/// Deletes one: they have left for good.
pub(crate) async fn delete(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(id): Place<String>,
) -> Result<Response, Problem> {
    let person = PersonId::parse(&id).map_err(|_| nobody(&id))?;
    let ask = |_: &Register| Ok::<_, Problem>(Command::Delete { person: person.clone() });
    host.engine.record(caller.token_actor(), None, ask).await?;
    noted(&host, &id);
    Ok(nothing())
}

/// What a change asks of the record. Nothing that is wrong with the rest of it keeps a leaver in the house.
fn said(
    mut user: User,
    operations: &patches::Operations,
    (person, member): (&PersonId, &Member),
) -> Result<Command, Problem> {
    let leaves = operations.iter().flatten().any(|operation| User::of(member).leaves(operation));
    let taken = patches::taken(operations, |operation| user.change(operation));
    let about = taken.and_then(|()| user.stays(person)).and_then(|()| user.about());
    match about {
        Ok(about) => Ok(Command::Change { about, standing: user.active(), person: person.clone() }),
        Err(problem) if leaves => {
            let (what, _) = problem.said();
            tracing::warn!(%person, blame = "remote", "somebody leaves; the rest of the change is not taken: {what}");
            let (about, standing) = (member.about.clone(), Active::No);
            Ok(Command::Change { about, standing, person: person.clone() })
        }
        Err(problem) => Err(problem),
    }
}

/// Says in the host's log whom the identity provider has changed, and if the file still names somebody who left.
fn noted(host: &Host, id: &str) {
    let rulebook = host.engine.rulebook();
    let Ok(person) = PersonId::parse(id) else { return };
    let left = rulebook.register().has_left(&person);
    tracing::info!(%person, left, "an identity provider has changed the record of people");
    if left && rulebook.house().knows(&person) {
        tracing::warn!(%person, blame = "host", "people.md names somebody who has left by the record: they count as nobody");
    }
}
