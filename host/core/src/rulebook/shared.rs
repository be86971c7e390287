//! `routes.md`: the routes of our own changes, and the table that gives every exception an owner.

use super::exception::{self, ExceptionRule};
use crate::document::{Faults, SourceFile, day, required};
use crate::id::{ConnectionName, IntentTypeName, PoolName, RouteName};
use crate::intent::value::Day;
use crate::intent::{IntentType, Trigger};
use crate::money::Currency;
use crate::policy::route::{self, Route};
use crate::policy::route_take as take;
use std::collections::{BTreeMap, BTreeSet};

/// The sections that `routes.md` may have.
pub(super) const SECTIONS: [&str; 2] = ["Routes", "Exceptions"];

/// What all policies share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The pool that owns the file.
    pub owner: PoolName,
    /// First day of its being in force.
    pub effective: Day,
    /// The currency of the exception table's amounts.
    pub currency: Currency,
    /// Routes that any policy may ask for.
    pub routes: BTreeMap<RouteName, Route>,
    /// The exception table.
    pub exceptions: Vec<ExceptionRule>,
    /// Path of its file.
    pub path: String,
}

impl Shared {
    /// Reads and checks `routes.md`. Faults are noted; it is only usable if there is none.
    pub(super) fn parse(
        file: &SourceFile,
        intents: &BTreeMap<IntentTypeName, IntentType>,
        faults: &mut Faults,
    ) -> Option<Shared> {
        let document = crate::document::read(file, &SECTIONS, faults)?;
        let line = document.settings.header.line;
        if document.settings.header.cells.first().is_none_or(|cell| cell.text != "routes") {
            faults.on_line(line, "the settings table of this file begins with `routes`");
            faults.help("write its header as `| routes | |`");
        }
        let settings = document.settings(&["owner", "effective", "currency"], faults);
        let owner = required(&settings, "owner", &document, faults).and_then(|cell| {
            take(PoolName::parse(&cell.text).map_err(|fault| fault.to_string()), cell, faults)
        });
        let effective = required(&settings, "effective", &document, faults)
            .and_then(|cell| take(day(&cell.text), cell, faults));
        let currency = required(&settings, "currency", &document, faults).and_then(|cell| {
            take(Currency::parse(&cell.text).map_err(|fault| fault.to_string()), cell, faults)
        });
        let routes = document.table("Routes").map(|table| route::parse(table, faults)).unwrap_or_default();
        route::closure(&routes, |_| true, faults);
        let exceptions = exception::parse(&document, currency?, intents, faults);
        Some(Shared {
            owner: owner?,
            effective: effective?,
            currency: currency?,
            routes,
            exceptions,
            path: file.path.clone(),
        })
    }
}

/// Every connection that an intent type names.
pub(super) fn connections(intents: &BTreeMap<IntentTypeName, IntentType>) -> BTreeSet<ConnectionName> {
    let mut all = BTreeSet::new();
    for intent in intents.values() {
        all.insert(intent.source.clone());
        all.extend(intent.destinations.iter().cloned());
        all.extend(intent.bindings.iter().map(|binding| binding.connection.clone()));
        match &intent.trigger {
            Trigger::Webhook { connection, .. } | Trigger::RecordChange { connection, .. } => {
                all.insert(connection.clone());
            }
            Trigger::Button => {}
        }
        for fact in &intent.facts {
            if let crate::intent::FactSource::Connection { connection, .. } = &fact.source {
                all.insert(connection.clone());
            }
        }
    }
    all
}
