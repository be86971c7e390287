//! `/scim/v2/Groups`: who is in which pool, where an identity provider says so.

use super::group::{Said, is_meant, shown};
use super::patch as patches;
use super::sent::Sent;
use super::shown::{Shape, Wanted, answer, nothing};
use super::user::same_id;
use crate::asked::Place;
use crate::door::Caller;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use countersign_core::id::GroupId;
use countersign_core::people::register::{Command, Group, NotRecorded, Register};
use countersign_engine::fault::Fault;

/// What groups are found by.
const FOUND_BY: [&str; 5] = ["id", "displayname", "externalid", "members", "members.value"];

fn none(id: &str) -> Problem {
    Fault::People(NotRecorded::NoGroup(id.chars().take(60).flat_map(char::escape_debug).collect())).into()
}

fn found(register: &Register, id: &str) -> Result<(GroupId, Group), Problem> {
    let group: GroupId = id.parse().map_err(|_| none(id))?;
    Ok((group, register.group(group).ok_or_else(|| none(id))?.clone()))
}

/// A group as the record has it after a change.
fn changed(
    host: &Host,
    register: &Register,
    id: &str,
    status: StatusCode,
    uri: &Uri,
) -> Result<Response, Problem> {
    let (id, group) = found(register, id)?;
    let shown = shown(id, &group, &host.provisioning.base());
    Ok(answer(status, &Shape::of(uri)?.shaped(shown)))
}

/// Makes a group.
pub(crate) async fn create(State(host): State<Host>, uri: Uri, sent: Sent) -> Result<Response, Problem> {
    Shape::of(&uri)?;
    let mut said = Said::default();
    patches::taken(&patches::whole(&sent.members), |operation| said.change(operation))?;
    let group = GroupId::from_bits(host.chance.bits());
    let (named, members) = (said.named()?, said.members);
    let command = Command::Form { group, named, members };
    let ask = |_: &Register| Ok::<_, Problem>(command.clone());
    let register = host.engine.record(sent.by, None, ask).await?;
    changed(&host, &register, &group.to_string(), StatusCode::CREATED, &uri)
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

/// Lists every group.
pub(crate) async fn list(State(host): State<Host>, uri: Uri) -> Result<Response, Problem> {
    let wanted = Wanted::of(&uri, "groups", &FOUND_BY)?;
    let rulebook = host.engine.rulebook();
    let all = rulebook.register().groups();
    let groups: Vec<(GroupId, &Group)> =
        all.filter(|(id, group)| wanted.means(|term| is_meant(*id, group, term))).collect();
    let base = host.provisioning.base();
    Ok(wanted.page(&groups, |(id, group)| shown(*id, group, &base)))
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
    let ask = |register: &Register| {
        let (group, _) = found(register, &id)?;
        regrouped(group, Said::default(), &patches::whole(&sent.members))
    };
    let register = host.engine.record(sent.by, None, ask).await?;
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
        let (group, known) = found(register, &id)?;
        regrouped(group, Said::of(&known), &operations)
    };
    let register = host.engine.record(sent.by, None, ask).await?;
    changed(&host, &register, &id, StatusCode::OK, &uri)
}

/// What a change asks of the record.
fn regrouped(group: GroupId, mut said: Said, operations: &patches::Operations) -> Result<Command, Problem> {
    patches::taken(operations, |operation| said.change(operation))?;
    Ok(Command::Regroup { group, named: said.named()?, members: said.members })
}

/// Deletes one: whoever was in a pool by it is not any more.
pub(crate) async fn delete(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(id): Place<String>,
) -> Result<Response, Problem> {
    let group: GroupId = id.parse().map_err(|_| none(&id))?;
    let ask = |_: &Register| Ok::<_, Problem>(Command::Disband { group });
    host.engine.record(caller.token_actor(), None, ask).await?;
    Ok(nothing())
}
