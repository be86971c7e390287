//! `/scim/v2/Groups`: who is in which pool, where an identity provider says so.

use super::error::invalid_filter;
use super::group::{Said, base, is_meant, shown};
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
    let base = base(host.provisioning.address.as_deref());
    Ok(answer(status, &Shape::of(uri)?.shaped(shown(id, &group, &base))))
}

/// Makes a group.
pub(crate) async fn create(State(host): State<Host>, uri: Uri, sent: Sent) -> Result<Response, Problem> {
    Shape::of(&uri)?;
    let mut said = Said::default();
    said.take(&sent.members)?;
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
    let wanted = Wanted::of(&uri)?;
    if let Some(term) = wanted.filter.iter().find(|term| !FOUND_BY.contains(&term.attribute.as_str())) {
        let attribute: String = term.attribute.chars().take(60).collect();
        return Err(invalid_filter(format!("groups are not found by `{attribute}`")));
    }
    let rulebook = host.engine.rulebook();
    let meant = |id: GroupId, group: &Group| {
        let mut terms = wanted.filter.iter();
        terms.all(|term| is_meant(id, group, &term.attribute, &term.value))
    };
    let groups: Vec<(GroupId, &Group)> =
        rulebook.register().groups().filter(|(id, group)| meant(*id, group)).collect();
    let base = base(host.provisioning.address.as_deref());
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
        let mut said = Said::default();
        said.take(&sent.members)?;
        Ok::<_, Problem>(Command::Regroup { group, named: said.named()?, members: said.members })
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
        let mut said = Said::of(&known);
        operations.iter().try_for_each(|operation| said.change(operation))?;
        Ok::<_, Problem>(Command::Regroup { group, named: said.named()?, members: said.members })
    };
    let register = host.engine.record(sent.by, None, ask).await?;
    changed(&host, &register, &id, StatusCode::OK, &uri)
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
