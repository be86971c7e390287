//! A group as it is sent and shown.

use super::GROUP;
use super::error::{immutable, invalid_path, invalid_value};
use super::filter::{Filter, Term};
use super::patch::{Does, Operation, Path, Schema};
use super::sent::{reference, text};
use crate::problem::Problem;
use countersign_core::id::{GroupId, PersonId};
use countersign_core::intent::Raw;
use countersign_core::people::register::Group;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A group as it is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    name: Option<String>,
    external: Option<String>,
    pub(super) members: BTreeSet<PersonId>,
}

impl Said {
    /// One on record, before it is changed.
    pub(super) fn of(group: &Group) -> Said {
        let members = group.members.clone();
        Said { name: Some(group.name.clone()), external: group.external.clone(), members }
    }

    /// Takes one operation.
    pub(super) fn change(&mut self, operation: &Operation) -> Result<(), Problem> {
        let Operation { does, path, value } = operation;
        let removes = *does == Does::Remove;
        match (path.schema, path.attribute.as_str()) {
            (Schema::Core, "displayname") if removes => return Err(immutable("a group has a `displayName`")),
            (Schema::Core, "displayname") => self.name = text("displayName", value)?,
            (Schema::Core, "externalid") if removes => self.external = None,
            (Schema::Core, "externalid") => {
                self.external = text("externalId", value)?.filter(|external| !external.is_empty());
            }
            (Schema::Core, "members") => self.regroup(*does, path, value)?,
            (Schema::Core, "id" | "schemas" | "meta") | (Schema::Foreign, _) => {}
            (Schema::Core | Schema::Enterprise | Schema::Person, other) => {
                return Err(invalid_path(format!("a group has no attribute `{other}`")));
            }
        }
        Ok(())
    }

    fn regroup(&mut self, does: Does, path: &Path, value: &Raw) -> Result<(), Problem> {
        let of = path.of.as_ref().map(the_one).transpose()?;
        match (does, of, value) {
            (Does::Remove, Some(person), _) => {
                self.members.remove(&person);
            }
            // Entra ID names those who go in the value. Without one, RFC 7644 means all of them.
            (Does::Remove, None, Raw::Null) => self.members.clear(),
            (Does::Remove, None, value) => {
                let gone = people(value)?;
                self.members.retain(|person| !gone.contains(person));
            }
            (Does::Add, None, value) => self.members.extend(people(value)?),
            // What is left out empties no pool.
            (Does::Replace, None, Raw::Null) => return Err(invalid_value("`members` has no value")),
            (Does::Replace, None, value) => self.members = people(value)?,
            (Does::Add | Does::Replace, Some(_), _) => {
                return Err(invalid_path("a member is added or removed, and never changed"));
            }
        }
        Ok(())
    }

    /// Name and the identity provider's own id.
    pub(super) fn named(&self) -> Result<(String, Option<String>), Problem> {
        let name = self.name.clone().filter(|name| !name.is_empty());
        Ok((name.ok_or_else(|| invalid_value("a group has a `displayName`"))?, self.external.clone()))
    }
}

/// The one member that a filter means.
fn the_one(filter: &Filter) -> Result<PersonId, Problem> {
    match filter.as_slice() {
        [Term { attribute, value }] if attribute == "value" => PersonId::parse(value)
            .map_err(|_| invalid_path("a member is found by `value eq` with the id of a user")),
        _ => Err(invalid_path("a member is found by `value eq` and nothing else")),
    }
}

fn people(value: &Raw) -> Result<BTreeSet<PersonId>, Problem> {
    let listed = match value {
        Raw::List(listed) => listed.as_slice(),
        Raw::Null => &[],
        Raw::Map(_) | Raw::Text(_) => std::slice::from_ref(value),
        Raw::Bool(_) | Raw::Integer(_) | Raw::Float | Raw::TooLarge => {
            return Err(invalid_value(format!("`members` is {}, not a list", value.found())));
        }
    };
    let person = |raw| reference("members", raw)?.ok_or_else(|| invalid_value("a member has no `value`"));
    listed.iter().map(person).collect()
}

/// A group as it is shown.
pub(super) fn shown(id: GroupId, group: &Group, base: &str) -> Value {
    let member = |person: &PersonId| json!({ "value": person, "type": "User", "$ref": format!("{base}/Users/{person}") });
    let members: Vec<Value> = group.members.iter().map(member).collect();
    let mut shown = json!({
        "schemas": [GROUP],
        "id": id,
        "displayName": group.name,
        "members": members,
        "meta": {
            "resourceType": "Group",
            "created": group.made.to_string(),
            "lastModified": group.changed.to_string(),
            "location": format!("{base}/Groups/{id}"),
        },
    });
    if let Some(external) = &group.external {
        shown["externalId"] = json!(external);
    }
    shown
}

/// Whether a group is meant by a term of a filter.
pub(super) fn is_meant(id: GroupId, group: &Group, Term { attribute, value }: &Term) -> bool {
    let has = |person: &PersonId| person.as_str() == value;
    match attribute.as_str() {
        "id" => id.to_string() == *value,
        "displayname" => group.name == *value,
        "externalid" => group.external.as_ref() == Some(value),
        "members" | "members.value" => group.members.iter().any(has),
        _ => false,
    }
}
