//! A user as it is sent, and the person that they are.

use super::error::{immutable, invalid_path, invalid_value};
use super::filter::Term;
use super::patch::{Does, Operation, Path, Schema};
use super::sent::{Members, flag, member, reference, text};
use super::{ENTERPRISE, PERSON, USER};
use crate::problem::Problem;
use countersign_core::id::PersonId;
use countersign_core::intent::Raw;
use countersign_core::people::register::{About, Active, Member};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Attributes of the core schema that are told and passed over: no more of a human is kept than is needed.
const PASSED_OVER: [&str; 23] = [
    "schemas",
    "id",
    "meta",
    "groups",
    "name",
    "displayname",
    "nickname",
    "profileurl",
    "title",
    "usertype",
    "preferredlanguage",
    "locale",
    "timezone",
    "password",
    "emails",
    "phonenumbers",
    "ims",
    "photos",
    "addresses",
    "entitlements",
    "roles",
    "x509certificates",
    "department",
];
/// The same of the enterprise's schema.
const ENTERPRISE_PASSED_OVER: [&str; 5] =
    ["employeenumber", "costcenter", "organization", "division", "department"];

/// A user as they are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    user_name: Option<String>,
    external: Option<String>,
    active: bool,
    manager: Option<PersonId>,
    person: Option<String>,
}

impl User {
    /// A new one: active unless it is said.
    pub(super) fn new() -> User {
        User { user_name: None, external: None, active: true, manager: None, person: None }
    }

    /// One on record, before it is replaced: what is not said is cleared, but nobody comes back unsaid.
    pub(super) fn before(member: &Member) -> User {
        User { active: member.is_there(), ..User::new() }
    }

    /// One on record, before it is changed.
    pub(super) fn of(member: &Member) -> User {
        let About { user_name, external, manager } = member.about.clone();
        User { user_name: Some(user_name), external, active: member.is_there(), manager, person: None }
    }

    /// Takes one operation.
    pub(super) fn change(&mut self, operation: &Operation) -> Result<(), Problem> {
        let Operation { does, path, value } = operation;
        let removes = *does == Does::Remove;
        match (path.schema, path.attribute.as_str()) {
            (Schema::Core, "username") if removes => return Err(immutable("a user has a `userName`")),
            (Schema::Core, "username") => self.user_name = text("userName", value)?,
            (Schema::Core, "externalid") if removes => self.external = None,
            (Schema::Core, "externalid") => {
                self.external = text("externalId", value)?.filter(|external| !external.is_empty());
            }
            // Whether somebody is there is never said by leaving it out.
            (Schema::Core, "active") if removes => return Err(immutable("a user is active or not")),
            (Schema::Core, "active") => self.active = flag("active", value)?,
            (Schema::Enterprise, "manager") => match path.part.as_deref() {
                None | Some("value") if removes => self.manager = None,
                None | Some("value") => self.manager = reference("manager", value)?,
                Some(_) => {}
            },
            (Schema::Person, "person") if removes => {
                return Err(immutable("a user is one person for ever"));
            }
            (Schema::Person, "person") => self.person = text("person", value)?,
            (Schema::Enterprise | Schema::Person, "") => self.extension(*does, path.schema, value)?,
            (Schema::Foreign, _) | (Schema::Enterprise | Schema::Person, "schemas") => {}
            (Schema::Core, other) if PASSED_OVER.contains(&other) => {}
            (Schema::Enterprise, other) if ENTERPRISE_PASSED_OVER.contains(&other) => {}
            (Schema::Core | Schema::Enterprise | Schema::Person, other) => {
                return Err(invalid_path(format!("a user has no attribute `{other}`")));
            }
        }
        Ok(())
    }

    /// The whole of an extension.
    fn extension(&mut self, does: Does, schema: Schema, value: &Raw) -> Result<(), Problem> {
        let members = match (does, value) {
            (Does::Remove, _) | (_, Raw::Null) if schema == Schema::Enterprise => {
                self.manager = None;
                return Ok(());
            }
            (Does::Remove, _) => return Err(immutable("a user is one person for ever")),
            (Does::Add | Does::Replace, Raw::Map(members)) => members,
            (Does::Add | Does::Replace, other) => {
                return Err(invalid_value(format!("an extension is {}, not an object", other.found())));
            }
        };
        for (name, value) in members {
            let path = Path { schema, ..Path::of(name)? };
            self.change(&Operation { does, path, value: value.clone() })?;
        }
        Ok(())
    }

    /// What is said of the person.
    pub(super) fn about(&self) -> Result<About, Problem> {
        let user_name = self.user_name.clone().filter(|name| !name.is_empty());
        let user_name = user_name.ok_or_else(|| invalid_value("a user has a `userName`"))?;
        Ok(About { user_name, external: self.external.clone(), manager: self.manager.clone() })
    }

    /// Whether an operation by itself says that they have left.
    pub(super) fn leaves(mut self, operation: &Operation) -> bool {
        self.active = true;
        // Of what cannot be taken whole, what it says of this counts all the same.
        let _ = self.change(operation);
        !self.active
    }

    /// Whether they are there.
    pub(super) fn active(&self) -> Active {
        if self.active { Active::Yes } else { Active::No }
    }

    /// Which person a new user is: the one that our extension names, else the user name up to its `@`.
    pub(super) fn person(&self) -> Result<PersonId, Problem> {
        let about = self.about()?;
        let folded = about.folded();
        let name = match &self.person {
            Some(person) => person.as_str(),
            None => folded.split('@').next().unwrap_or_default(),
        };
        PersonId::parse(name).map_err(|fault| {
            let help = format!("map a person id such as `jane-doe` to the attribute `{PERSON}:person`");
            Problem::new("CS-E0162", fault.to_string(), help)
        })
    }

    /// Whether a new user may be this person. Somebody whom `people.md` has may decide about money: a guest, or a
    /// second domain in the same tenant, is not them because of what stands before the `@`.
    pub(super) fn may_be(&self, id: &PersonId, domains: &BTreeSet<String>) -> Result<(), Problem> {
        let folded = self.about()?.folded();
        let domain = folded.split_once('@').map(|(_, domain)| domain);
        if self.person.is_some() || domain.is_some_and(|domain| domains.contains(domain)) {
            return Ok(());
        }
        let detail = format!("`{id}` stands in `people.md`, and the user name is of no domain of this house");
        let help = format!("list the domain under `[scim] domains`, or say who it is by `{PERSON}:person`");
        Err(Problem::new("CS-E0161", detail, help))
    }

    /// Whether somebody on record stays who they are.
    pub(super) fn stays(&self, id: &PersonId) -> Result<(), Problem> {
        match &self.person {
            Some(person) if person != id.as_str() => {
                Err(immutable(format!("user `{id}` is `{id}` for ever")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// A user as it is shown.
pub(super) fn shown(id: &PersonId, member: &Member, base: &str) -> Value {
    let mut user = json!({
        "schemas": [USER, PERSON],
        "id": id,
        "userName": member.about.user_name,
        "active": member.is_there(),
        PERSON: { "person": id },
        "meta": {
            "resourceType": "User",
            "created": member.joined.to_string(),
            "lastModified": member.changed.to_string(),
            "location": format!("{base}/Users/{id}"),
        },
    });
    if let Some(external) = &member.about.external {
        user["externalId"] = json!(external);
    }
    if let Some(manager) = &member.about.manager {
        user["schemas"] = json!([USER, ENTERPRISE, PERSON]);
        user[ENTERPRISE] = json!({ "manager": { "value": manager } });
    }
    user
}

/// Whether a user is meant by a term of a filter.
pub(super) fn is_meant(id: &PersonId, member: &Member, Term { attribute, value }: &Term) -> bool {
    match attribute.as_str() {
        "id" => id.as_str() == value,
        "username" => member.about.folded() == value.to_lowercase(),
        "externalid" => member.about.external.as_ref() == Some(value),
        "active" => member.is_there() == (value == "true"),
        "person" => id.as_str() == value,
        _ => false,
    }
}

/// What a whole resource says of its id must be where it was sent.
pub(super) fn same_id(members: &Members, id: &str) -> Result<(), Problem> {
    match member(members, "id") {
        Some(Raw::Text(found)) if found != id => Err(immutable(format!("the id of `{id}` does not change"))),
        Some(_) | None => Ok(()),
    }
}
