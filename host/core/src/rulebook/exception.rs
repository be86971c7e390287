//! The exception table: the first row that matches says who owns an exception, until when, and what
//! closes it.

use super::{Rulebook, shared};
use crate::built_in;
use crate::document::{Aside, Cell, Document, Faults, Place};
use crate::going_live::{self, is_going_live};
use crate::id::{ConnectionName, IntentTypeName, PersonId, PoolName};
use crate::intent::IntentType;
use crate::intent::kind::{FieldType, Grid, Unit};
use crate::intent::literal::is_word;
use crate::money::{Currency, Money};
use crate::people::{Asking, MANAGERS_MAX, Whom, Within};
use crate::policy::cell::{self, Ranges};
use crate::policy::route_take as take;
use crate::publish::{self, is_policy_change};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Every cause that an exception can have.
const CAUSES: [&str; 21] = [
    "unsure",
    "fail-open",
    "no-seat",
    "overdue",
    "rounds",
    "rejected",
    "conflict",
    "uncertain",
    "exhausted",
    "denied",
    "quarantined",
    "irreversible",
    "unavailable",
    "drift",
    "late",
    "gone",
    "unreadable",
    "budget",
    "quality",
    "post-mortem",
    "break-glass",
];

/// Every criterion that can close one.
const CRITERIA: [&str; 14] = [
    "evaluated",
    "decided",
    "declined",
    "confirmed",
    "reversed",
    "seated",
    "landed",
    "absent",
    "undone",
    "resumed",
    "re-asserted",
    "adopted",
    "given-up",
    "reviewed",
];

/// Who owns exceptions of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionRoute {
    /// Id of the row.
    pub id: String,
    /// Who.
    pub whom: Whom,
    /// Until when.
    pub within: Within,
    /// Who is asked next, one after the other; each gets the same time anew.
    pub backup: Vec<Whom>,
    /// What closes it: one of these.
    pub closes_when: Vec<String>,
}

/// One row: which exceptions it takes, and their route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionRule {
    /// Its route.
    pub route: ExceptionRoute,
    cause: Option<Ranges>,
    intent: Option<Ranges>,
    amount: Option<Ranges>,
    connection: Option<Ranges>,
    place: Aside<Place>,
}

impl ExceptionRule {
    /// Where it stands in its file.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place.0
    }
}

/// What happened, for which an owner is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Happening<'a> {
    /// A cause of the table, such as `unsure`.
    pub cause: &'a str,
    /// The money at stake; 0 where there is none.
    pub amount: Option<Money>,
    /// The connection, if one is involved.
    pub connection: Option<&'a ConnectionName>,
}

/// Who answers for an exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerable {
    /// Id of the row of the exception table.
    pub route: String,
    /// The person.
    pub owner: PersonId,
    /// Until when.
    pub due: Timestamp,
    /// When they are reminded.
    pub remind: Timestamp,
    /// What closes it: one of these.
    pub closes_when: Vec<String>,
}

/// The types of the columns `cause`, `intent`, `amount`, `connection`.
struct Columns {
    cause: FieldType,
    intent: FieldType,
    amount: FieldType,
    connection: FieldType,
}

/// No word of an enum: rows that restrict the column do not match it.
const UNKNOWN: i64 = -1;

impl Columns {
    fn new(currency: Currency, intents: &BTreeMap<IntentTypeName, IntentType>) -> Columns {
        let mut names: Vec<String> = intents.keys().map(ToString::to_string).collect();
        names.extend(built_in::NAMES.map(str::to_owned));
        let mut connections: Vec<String> =
            shared::connections(intents).iter().map(ToString::to_string).collect();
        connections.push("none".to_owned());
        let unit = Unit::Money(currency);
        Columns {
            cause: FieldType::OneOf(CAUSES.iter().map(|cause| (*cause).to_owned()).collect()),
            intent: FieldType::OneOf(names),
            amount: FieldType::Number(Grid { unit, min: 0, max: i64::MAX, step: 1, round: None }),
            connection: FieldType::OneOf(connections),
        }
    }
}

fn place(kind: &FieldType, word: &str) -> i64 {
    match kind {
        FieldType::OneOf(words) => words
            .iter()
            .position(|other| other == word)
            .and_then(|index| i64::try_from(index).ok())
            .unwrap_or(UNKNOWN),
        FieldType::Number(_)
        | FieldType::YesNo
        | FieldType::Date { .. }
        | FieldType::Text { .. }
        | FieldType::Record { .. }
        | FieldType::List { .. } => UNKNOWN,
    }
}

/// Reads the section `Exceptions: first`.
pub(super) fn parse(
    document: &Document,
    currency: Currency,
    intents: &BTreeMap<IntentTypeName, IntentType>,
    faults: &mut Faults,
) -> Vec<ExceptionRule> {
    let Some(section) = document.section("Exceptions") else {
        faults.on_line(0, "the file has no section `Exceptions: first`");
        return Vec::new();
    };
    if section.detail.text != "first" {
        faults.at(&section.detail, "the exception table is `Exceptions: first`");
    }
    let Some(table) = &section.table else {
        faults.on_line(section.detail.line, "the section `Exceptions` has no table");
        return Vec::new();
    };
    let columns = Columns::new(currency, intents);
    let names =
        ["id", "cause", "intent", "amount", "connection", "=> whom", "within", "backup", "closes when"];
    let mut rules: Vec<ExceptionRule> = Vec::new();
    let mut seen = BTreeSet::new();
    for [id, cause, intent, amount, connection, whom, within, backup, closes] in table.rows_of(names, faults)
    {
        if !is_word(&id.text) || !seen.insert(id.text.clone()) {
            faults.at(id, format!("`{}` is no id, or stands here twice", id.text));
        }
        let mut read = |cell: &Cell, kind: &FieldType| {
            let whose = format!("row `{}`", id.text);
            take(cell::read(&cell.text, kind).map_err(|wrong| wrong.of(&whose, 0)), cell, faults).flatten()
        };
        let cause = read(cause, &columns.cause);
        let intent = read(intent, &columns.intent);
        let amount = read(amount, &columns.amount);
        let connection = read(connection, &columns.connection);
        let who = take(Whom::parse(&whom.text), whom, faults);
        let limit = take(Within::parse(&within.text), within, faults);
        let backups = take(Whom::backups(&backup.text), backup, faults);
        let criteria: Vec<String> = closes.text.split(", ").map(str::to_owned).collect();
        for criterion in criteria.iter().filter(|criterion| !CRITERIA.contains(&criterion.as_str())) {
            faults.at(closes, format!("`{criterion}` is none of {}", CRITERIA.join(", ")));
        }
        let (Some(whom), Some(within), Some(backup)) = (who, limit, backups) else { continue };
        let route = ExceptionRoute { id: id.text.clone(), whom, within, backup, closes_when: criteria };
        rules.push(ExceptionRule { route, cause, intent, amount, connection, place: Aside(id.place()) });
    }
    let open = |rule: &ExceptionRule| {
        rule.cause.is_none() && rule.intent.is_none() && rule.amount.is_none() && rule.connection.is_none()
    };
    if !rules.last().is_some_and(open) {
        faults.at_place(table.header.place(), "the last row of the exception table takes everything");
        faults.help("add a row at its end whose cells are empty");
    }
    rules
}

impl Rulebook {
    /// The first row of the exception table that takes what happened.
    #[must_use]
    pub fn exception_for(&self, name: &IntentTypeName, happened: Happening<'_>) -> Option<&ExceptionRoute> {
        let columns = Columns::new(self.shared().currency, &self.intents);
        let cause = place(&columns.cause, happened.cause);
        let intent = place(&columns.intent, name.as_str());
        let connection = happened.connection.map_or("none", ConnectionName::as_str);
        let connection = place(&columns.connection, connection);
        let amount = match happened.amount {
            None => 0,
            Some(money) if money.currency == self.shared().currency => money.minor.max(0),
            // Another currency without a rate counts as above every bound.
            Some(_) => i64::MAX,
        };
        let takes =
            |ranges: &Option<Ranges>, number: i64| ranges.as_ref().is_none_or(|ranges| ranges.accept(number));
        let rule = self.shared().exceptions.iter().find(|rule| {
            takes(&rule.cause, cause)
                && takes(&rule.intent, intent)
                && takes(&rule.amount, amount)
                && takes(&rule.connection, connection)
        })?;
        Some(&rule.route)
    }

    /// Who answers for an exception that was missed so often: the row's owner, then its backups,
    /// then the fallback owner of the intent type. Of a pool with a rotation it is whoever is on call. The requester
    /// and people who are away never do, except that the fallback owner is always there. Whoever is barred never does
    /// either: the chain begins anew then, and after it come the managers of the fallback owner, and whoever owns the
    /// type though they are away.
    #[must_use]
    pub fn owner_of(
        &self,
        asking: Asking<'_>,
        happened: Happening<'_>,
        (missed, barred): (u32, &[PersonId]),
        now: Timestamp,
    ) -> Option<Answerable> {
        let name = asking.intent_type;
        let route = self.exception_for(name, happened)?;
        let intent = self.intent_type(name)?;
        let owner_pool = self.owner_pool(asking, intent, now);
        let missed = usize::try_from(missed).unwrap_or(usize::MAX);
        let people = || std::iter::once(&route.whom).chain(&route.backup);
        let directory = self.directory();
        let fill = |whom: &Whom| {
            let whom = whom.owned_by(&owner_pool);
            let filled = directory.fill(&whom, asking, barred, now)?;
            Some(directory.answered_for(&whom, filled, now))
        };
        let cannot = |person: &PersonId| {
            barred.contains(person) || (!barred.is_empty() && self.directory().has_asked(person, asking))
        };
        let filled = people().skip(missed).find_map(fill);
        // A fallback owner who has left is followed by whoever is above them.
        let fallback = &self.successor(&intent.fallback_owner);
        let filled = filled.or_else(|| people().find_map(fill).filter(|_| cannot(fallback)));
        let (owner, calendar) = match filled {
            Some(filled) => (filled.owner, filled.calendar),
            None => {
                let above =
                    (1..=MANAGERS_MAX).filter_map(|levels| self.directory().manager(fallback, levels));
                let manager = above.filter(|_| cannot(fallback)).find(|person| !cannot(person));
                // At the head of the house, those who own the type though they are away, before whoever did it.
                let owners = [&intent.owner, &intent.incident_owner].into_iter();
                let members =
                    owners.filter_map(|pool| self.directory().pool(pool)).flat_map(|pool| &pool.members);
                let mut members = members.filter(|_| cannot(fallback));
                let manager = manager.or_else(|| members.find(|person| !cannot(person)).cloned());
                let person = manager.unwrap_or_else(|| fallback.clone());
                let calendar = self.directory().persons.get(&person)?.calendar.clone();
                (person, calendar)
            }
        };
        let due = self.directory().due(&route.within, &calendar, now);
        let remind = self.directory().reminds(&route.within, &calendar, now, route.within.length());
        let (route, closes_when) = (route.id.clone(), route.closes_when.clone());
        Some(Answerable { route, owner, due, remind, closes_when })
    }

    /// The pool that stands for `owner of policy` in the exceptions of an intent: that of a change, or of a type
    /// that goes live, belong to whoever owns what it is about.
    fn owner_pool(&self, asking: Asking<'_>, intent: &IntentType, now: Timestamp) -> PoolName {
        let name = asking.intent_type;
        if is_going_live(name) {
            let of = going_live::Asked::of(asking.tokens).and_then(|asked| self.intent_type(&asked.of));
            return of.unwrap_or(intent).owner.clone();
        }
        let changed = if is_policy_change(name) { publish::Asked::of(asking.tokens) } else { None };
        let of = changed.as_ref().map_or(name, |asked| &asked.of);
        self.policy(of, now).map_or(&intent.owner, |policy| &policy.owner).clone()
    }

    /// Every row of the exception table whose column `intent` takes this type. One may be too many: its other columns, or
    /// a row before it, can keep every exception of this type from it.
    pub(crate) fn exception_rows<'a>(
        &'a self,
        name: &IntentTypeName,
    ) -> impl Iterator<Item = &'a ExceptionRoute> {
        let intent = place(&Columns::new(self.shared().currency, &self.intents).intent, name.as_str());
        let takes =
            move |rule: &&ExceptionRule| rule.intent.as_ref().is_none_or(|ranges| ranges.accept(intent));
        self.shared().exceptions.iter().filter(takes).map(|rule| &rule.route)
    }

    /// Every row of the exception table that can take a cause of this type at this connection, whatever the amount.
    pub(crate) fn exceptions_of(
        &self,
        name: &IntentTypeName,
        cause: &str,
        connection: Option<&ConnectionName>,
    ) -> Vec<&ExceptionRoute> {
        let columns = Columns::new(self.shared().currency, &self.intents);
        let cause = place(&columns.cause, cause);
        let intent = place(&columns.intent, name.as_str());
        let connection = place(&columns.connection, connection.map_or("none", ConnectionName::as_str));
        let takes =
            |ranges: &Option<Ranges>, number: i64| ranges.as_ref().is_none_or(|ranges| ranges.accept(number));
        let mut found = Vec::new();
        for rule in &self.shared().exceptions {
            if takes(&rule.cause, cause) && takes(&rule.intent, intent) && takes(&rule.connection, connection)
            {
                found.push(&rule.route);
                // It takes every amount that is left.
                if rule.amount.is_none() {
                    break;
                }
            }
        }
        found
    }
}
