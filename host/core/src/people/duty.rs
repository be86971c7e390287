//! Duties: what a pool does for the house beside deciding. Nobody has one but by `people.md`.

use super::{Directory, Pool, Whom};
use crate::document::{Document, Faults};
use crate::id::{PersonId, PoolName};
use crate::policy::route_take as take;
use std::collections::BTreeMap;
use std::fmt;

/// What a pool does for the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Duty {
    /// Sees all of every intent, and has no other duty.
    Auditor,
    /// Looks after connections.
    Operator,
    /// Puts a seat or an exception into other hands, where whoever has it cannot.
    Administrator,
}

impl Duty {
    /// Every duty.
    pub const ALL: [Duty; 3] = [Duty::Auditor, Duty::Operator, Duty::Administrator];

    /// The duty as files and surfaces spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Duty::Auditor => "auditor",
            Duty::Operator => "operator",
            Duty::Administrator => "administrator",
        }
    }

    fn parse(text: &str) -> Result<Duty, String> {
        Duty::ALL.into_iter().find(|duty| duty.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = Duty::ALL.into_iter().map(Duty::as_str).collect();
            format!("`{text}` is no duty; one of {}", known.join(", "))
        })
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Directory {
    /// Whether a person is in the pool that has a duty, now. An auditor has no other one, whoever was put into
    /// both pools meanwhile.
    #[must_use]
    pub fn has_duty(&self, person: &PersonId, duty: Duty) -> bool {
        let is_in = |duty: Duty| {
            let pool = self.duties.get(&duty).and_then(|name| self.pools.get(name));
            self.knows(person) && pool.is_some_and(|pool| pool.members.contains(person))
        };
        is_in(duty) && (duty == Duty::Auditor || !is_in(Duty::Auditor))
    }

    /// Whether a person is one of those whom a pool, a role or a name says; whoever is away is.
    #[must_use]
    pub fn is_one(&self, person: &PersonId, of: &Whom) -> bool {
        let named = match of {
            Whom::Pool(name) => self.pools.get(name).is_some_and(|pool| pool.members.contains(person)),
            Whom::Role(name) => self.roles.get(name) == Some(person),
            Whom::Person(one) => one == person,
            Whom::Manager(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy => false,
        };
        named && self.knows(person)
    }
}

/// Reads the section `Duties`.
pub(super) fn read(
    document: &Document,
    pools: &BTreeMap<PoolName, Pool>,
    faults: &mut Faults,
) -> BTreeMap<Duty, PoolName> {
    let mut duties = BTreeMap::new();
    let Some(table) = document.table("Duties") else { return duties };
    for [duty, pool] in table.rows_of(["duty", "pool"], faults) {
        let parsed = take(Duty::parse(&duty.text), duty, faults);
        let name = PoolName::parse(&pool.text).ok().filter(|name| pools.contains_key(name));
        let Some(name) = name else {
            faults.at(pool, format!("`{}` is no pool", pool.text));
            continue;
        };
        let Some(parsed) = parsed else { continue };
        if duties.insert(parsed, name).is_some() {
            faults.at(duty, format!("the duty `{parsed}` stands here twice"));
        }
    }
    let members = |duty: Duty| duties.get(&duty).and_then(|name| pools.get(name)).map(|pool| &pool.members);
    let auditors = members(Duty::Auditor);
    for other in [Duty::Operator, Duty::Administrator] {
        let both = auditors
            .and_then(|auditors| members(other)?.iter().find(|person| auditors.contains(person)).cloned());
        if let Some(person) = both {
            faults.on_line(
                table.header.line,
                format!("`{person}` would audit what they do as {other}: an auditor has no other duty"),
            );
        }
    }
    duties
}
