//! The six fields of an intent type: whether each leads to somebody or something that is there.

use super::point::{Lack, Met, Point};
use crate::effect::attempt::Guarantee;
use crate::exception::Cause;
use crate::hash::Digest;
use crate::id::{ConnectionName, PersonId, PoolName};
use crate::intent::{Enforcement, FailMode, IntentType};
use crate::rulebook::{ExceptionRoute, Rulebook};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// Fewest people of the owner's pool who are there: one asks, another decides.
const OWNERS_MIN: usize = 2;

/// Every configured connection.
pub type Reachable = BTreeMap<ConnectionName, Reach>;

/// Where a connection leads, and what it can do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Digest of the connector.
    pub connector: Digest,
    /// Digest of the addresses.
    pub target: Digest,
    /// Its operations, and what the host may promise of each.
    pub operations: BTreeMap<String, Guarantee>,
}

/// What is lacking of the six fields, at the moment `now`.
#[must_use]
pub fn fields(
    rulebook: &Rulebook,
    schema: &IntentType,
    reachable: &Reachable,
    now: Timestamp,
) -> (Vec<Met>, Vec<Lack>) {
    let looking = Looking { rulebook, schema, reachable, now };
    let found = [
        (Point::Owner, looking.owner()),
        (Point::Source, looking.source()),
        (Point::Destinations, looking.destinations()),
        (Point::ExceptionRoute, looking.exception_route()),
        (Point::QaCheckpoint, looking.qa_checkpoint()),
        (Point::ReportingField, looking.reporting_field()),
    ];
    let (mut met, mut lacking) = (Vec::new(), Vec::new());
    for (point, found) in found {
        match found {
            Ok(by) => met.push(Met::new(point, by)),
            Err(why) => lacking.extend(why.into_iter().map(|why| Lack::new(point, why))),
        }
    }
    (met, lacking)
}

/// What a field leads to, or everything that is wrong with it.
type Found = Result<String, Vec<String>>;

struct Looking<'a> {
    rulebook: &'a Rulebook,
    schema: &'a IntentType,
    reachable: &'a Reachable,
    now: Timestamp,
}

impl Looking<'_> {
    fn owner(&self) -> Found {
        let pool = &self.schema.owner;
        let there = self.present(pool);
        if there < OWNERS_MIN {
            return Err(vec![format!("{there} of pool `{pool}` are there, and it takes {OWNERS_MIN}")]);
        }
        Ok(format!("pool {pool}, {there} of whom are there"))
    }

    /// How many of a pool are there themselves: whoever covers for somebody is one voice and not of the pool.
    fn present(&self, pool: &PoolName) -> usize {
        let directory = self.rulebook.directory();
        let there = |person: &&PersonId| directory.is_there(person, &self.schema.name, self.now);
        directory.pool(pool).map_or(0, |pool| pool.members.iter().filter(there).count())
    }

    fn source(&self) -> Found {
        let source = &self.schema.source;
        if self.reachable.contains_key(source) {
            return Ok(format!("connection {source}"));
        }
        Err(vec![format!("connection `{source}` is not configured")])
    }

    fn destinations(&self) -> Found {
        let mut wrong = Vec::new();
        for connection in self.schema.destinations.iter().filter(|name| !self.reachable.contains_key(*name)) {
            wrong.push(format!("connection `{connection}` is not configured"));
        }
        for binding in &self.schema.bindings {
            let (connection, operation) = (&binding.connection, &binding.operation);
            let Some(reach) = self.reachable.get(connection) else { continue };
            match reach.operations.get(operation) {
                None => wrong.push(format!("connection `{connection}` has no operation `{operation}`")),
                Some(guarantee) if !binding.guarantees.contains(guarantee) => wrong.push(format!(
                    "operation `{operation}` of connection `{connection}` is {}, which binding `{}` does not allow",
                    guarantee.as_str(),
                    binding.name
                )),
                Some(_) => {}
            }
        }
        if self.schema.destinations.is_empty() && self.schema.enforcement != Enforcement::Advisory {
            wrong.push("nothing is written anywhere".to_owned());
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let names: Vec<&str> = self.schema.destinations.iter().map(ConnectionName::as_str).collect();
        Ok(if names.is_empty() { "none: decisions are only recorded".to_owned() } else { names.join(", ") })
    }

    fn exception_route(&self) -> Found {
        let mut wrong = Vec::new();
        for (cause, connection) in self.causes() {
            for route in self.rulebook.exceptions_of(&self.schema.name, cause.as_str(), connection) {
                let place = connection.map(|name| format!(" at `{name}`")).unwrap_or_default();
                if !self.schema.exception_routes.contains(&route.id) {
                    let (cause, id) = (cause.as_str(), &route.id);
                    wrong.push(format!("cause `{cause}`{place} reaches row `{id}`, which it does not name"));
                }
                if !self.leads_to_somebody(route) {
                    wrong.push(format!("row `{}` leads to nobody who is there", route.id));
                }
            }
        }
        wrong.sort();
        wrong.dedup();
        if wrong.is_empty() { Ok(self.schema.exception_routes.join(", ")) } else { Err(wrong) }
    }

    /// Every cause that an intent of this type can raise, with the connection where it is about one.
    fn causes(&self) -> Vec<(Cause, Option<&ConnectionName>)> {
        let mut causes =
            vec![(Cause::Unsure, None), (Cause::NoSeat, None), (Cause::Overdue, None), (Cause::Rounds, None)];
        if self.schema.fail_mode == FailMode::MayOpen {
            causes.push((Cause::FailOpen, None));
        }
        if !self.schema.overrides.is_empty() {
            causes.push((Cause::PostMortem, None));
        }
        if self.schema.budget.is_some() {
            causes.push((Cause::Budget, None));
        }
        if self.schema.break_glass.is_some() {
            causes.push((Cause::BreakGlass, None));
        }
        let of_effects = [
            Cause::Rejected,
            Cause::Conflict,
            Cause::Uncertain,
            Cause::Exhausted,
            Cause::Denied,
            Cause::Quarantined,
            Cause::Irreversible,
            Cause::Unavailable,
        ];
        for connection in &self.schema.destinations {
            causes.extend(of_effects.map(|cause| (cause, Some(connection))));
        }
        let of_watches = [Cause::Drift, Cause::Late, Cause::Gone, Cause::Unreadable];
        for row in &self.schema.reconciliation {
            let binding = self.schema.bindings.iter().find(|binding| binding.name == row.binding);
            let connection = binding.map(|binding| &binding.connection);
            causes.extend(of_watches.map(|cause| (cause, connection)));
        }
        causes
    }

    fn leads_to_somebody(&self, route: &ExceptionRoute) -> bool {
        let name = &self.schema.name;
        let owner = self.rulebook.policy(name, self.now).map_or(&self.schema.owner, |policy| &policy.owner);
        std::iter::once(&route.whom).chain(&route.backup).any(|whom| {
            let there = self.rulebook.directory().present(&whom.owned_by(owner), name, &[], self.now);
            // Who that is depends on the intent; the trial shows it.
            there.is_none_or(|people| !people.is_empty())
        })
    }

    fn qa_checkpoint(&self) -> Found {
        let checkpoint = &self.schema.qa_checkpoint;
        let pool = &checkpoint.pool;
        if self.present(pool) == 0 {
            return Err(vec![format!("nobody of pool `{pool}` is there")]);
        }
        let (percent, each, list) = (checkpoint.percent, &checkpoint.each, &checkpoint.list);
        Ok(format!("{percent}% each {each} by pool {pool} against list {list}"))
    }

    fn reporting_field(&self) -> Found {
        let names = &self.schema.reporting;
        if names.is_empty() {
            return Err(vec!["no token is named".to_owned()]);
        }
        let required =
            |name: &&crate::id::FieldName| self.schema.token(name).is_none_or(|token| !token.required);
        let wrong: Vec<String> = names
            .iter()
            .filter(required)
            .map(|name| format!("`{name}` is no token that must be given"))
            .collect();
        let words: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        if wrong.is_empty() { Ok(words.join(", ")) } else { Err(wrong) }
    }
}
