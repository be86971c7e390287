//! Duties: what a pool does for the house beside deciding, and the connections that a pool owns. Nobody has one but by
//! `people.md`.

use super::{Directory, Pool, Whom};
use crate::document::{Cell, Document, Faults, Table};
use crate::id::{ConnectionName, PersonId, PoolName};
use crate::policy::route_take as take;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a pool does for the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Duty {
    /// Sees all of every intent, and has no other duty.
    Auditor,
    /// Looks after every connection, and the connectors behind them.
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

/// That somebody would operate what they do not look after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoOperator {
    /// Who.
    pub person: PersonId,
    /// Which connection; none where it is about more than one.
    pub connection: Option<ConnectionName>,
}

impl NoOperator {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self.connection {
            None => "ask an operator; who they are is in `people.md` under `Duties`",
            Some(_) => "ask one of them; who they are is in `people.md` under `Duties` and `Connections`",
        }
    }
}

impl fmt::Display for NoOperator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let person = &self.person;
        match &self.connection {
            None => write!(formatter, "`{person}` is no operator"),
            Some(connection) => {
                write!(
                    formatter,
                    "`{person}` is neither an operator nor an integration owner of `{connection}`"
                )
            }
        }
    }
}

impl Directory {
    /// Whether a person is in the pool that has a duty, now. An auditor has no other one, whoever was put into
    /// both pools meanwhile.
    #[must_use]
    pub fn has_duty(&self, person: &PersonId, duty: Duty) -> bool {
        let pool = self.duties.get(&duty);
        pool.is_some_and(|pool| self.does_for(person, pool))
            && (duty == Duty::Auditor || !self.audits(person))
    }

    /// Whether a person runs or audits the house: has any duty.
    #[must_use]
    pub fn has_a_duty(&self, person: &PersonId) -> bool {
        Duty::ALL.into_iter().any(|duty| self.has_duty(person, duty))
    }

    /// Whether a person looks after a connection now: an operator does after each, an integration owner after theirs.
    /// Without a connection it is about what concerns several of them, such as a connector: only operators look after
    /// that.
    #[must_use]
    pub fn looks_after(&self, person: &PersonId, connection: Option<&ConnectionName>) -> bool {
        let pool = connection.and_then(|connection| self.integrations.get(connection));
        let owns = pool.is_some_and(|pool| self.does_for(person, pool)) && !self.audits(person);
        owns || self.has_duty(person, Duty::Operator)
    }

    /// The same for somebody whose token says that they operate. In a house that names no operators its word counts.
    ///
    /// # Errors
    /// [`NoOperator`] if they do not look after it.
    pub fn operates(&self, person: &PersonId, connection: Option<&ConnectionName>) -> Result<(), NoOperator> {
        if !self.duties.contains_key(&Duty::Operator) || self.looks_after(person, connection) {
            return Ok(());
        }
        Err(NoOperator { person: person.clone(), connection: connection.cloned() })
    }

    fn audits(&self, person: &PersonId) -> bool {
        self.duties.get(&Duty::Auditor).is_some_and(|pool| self.does_for(person, pool))
    }

    /// Whether a person is of the house, and in a pool that does something for it.
    fn does_for(&self, person: &PersonId, pool: &PoolName) -> bool {
        self.knows(person) && self.pools.get(pool).is_some_and(|pool| pool.members.contains(person))
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
        let Some(name) = pool_of(pool, pools, faults) else { continue };
        let Some(parsed) = parsed else { continue };
        if duties.insert(parsed, name).is_some() {
            faults.at(duty, format!("the duty `{parsed}` stands here twice"));
        }
    }
    for other in [Duty::Operator, Duty::Administrator] {
        if let Some(pool) = duties.get(&other) {
            audited(table, pools, (&duties, pool), other.as_str(), faults);
        }
    }
    duties
}

/// Reads the section `Connections`: the pool of the integration owners of each.
pub(super) fn read_integrations(
    document: &Document,
    pools: &BTreeMap<PoolName, Pool>,
    duties: &BTreeMap<Duty, PoolName>,
    faults: &mut Faults,
) -> BTreeMap<ConnectionName, PoolName> {
    let mut owners = BTreeMap::new();
    let Some(table) = document.table("Connections") else { return owners };
    for [connection, pool] in table.rows_of(["connection", "integration owner"], faults) {
        let named = ConnectionName::parse(&connection.text).map_err(|fault| fault.to_string());
        let named = take(named, connection, faults);
        let Some(name) = pool_of(pool, pools, faults) else { continue };
        let Some(named) = named else { continue };
        if owners.insert(named, name).is_some() {
            faults.at(connection, format!("the connection `{}` stands here twice", connection.text));
        }
    }
    let whose: BTreeSet<&PoolName> = owners.values().collect();
    for pool in whose {
        audited(table, pools, (duties, pool), "integration owner", faults);
    }
    owners
}

fn pool_of(cell: &Cell, pools: &BTreeMap<PoolName, Pool>, faults: &mut Faults) -> Option<PoolName> {
    let name = PoolName::parse(&cell.text).ok().filter(|name| pools.contains_key(name));
    if name.is_none() {
        faults.at(cell, format!("`{}` is no pool", cell.text));
    }
    name
}

/// Says so if an auditor is in a pool that does something that they would audit.
fn audited(
    table: &Table,
    pools: &BTreeMap<PoolName, Pool>,
    (duties, pool): (&BTreeMap<Duty, PoolName>, &PoolName),
    does: &str,
    faults: &mut Faults,
) {
    let members = |name: &PoolName| pools.get(name).map(|pool| &pool.members);
    let auditors = duties.get(&Duty::Auditor).and_then(members);
    let both =
        auditors.and_then(|auditors| members(pool)?.iter().find(|person| auditors.contains(person)).cloned());
    if let Some(person) = both {
        faults.on_line(
            table.header.line,
            format!("`{person}` would audit what they do as {does}: an auditor has no other duty"),
        );
    }
}
