//! Who may more with a change than without it: nobody decides on their own gain.

use crate::id::{PersonId, PoolName};
use crate::people::Directory;
use crate::policy::Whom;
use crate::publish::named_by;
use crate::rulebook::Rulebook;
use std::collections::BTreeSet;

/// What one person may: who, by what, and of what.
pub(crate) type Right = (PersonId, &'static str, String);

/// Who may something with `after` that they may not with `before`, by the files alone: whoever joins or leaves by the
/// record stays so. What is worded otherwise counts as something else, so that a doubt leaves somebody without a seat.
pub(super) fn gainers(before: &Rulebook, after: &Rulebook) -> BTreeSet<PersonId> {
    let (before, after) = (rights(before), rights(after));
    after.difference(&before).map(|(person, _, _)| person.clone()).collect()
}

/// What the files let everybody do. What [`access`](crate::access) lists for reviewers has each of them
/// but for some days: whoever covers somebody, and whose turn it is in a rotation.
pub(crate) fn rights(rulebook: &Rulebook) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    of_people(rulebook.house(), &mut rights);
    of_routes(rulebook, &mut rights);
    of_intent_types(rulebook, &mut rights);
    rights
}

fn give<'a>(
    rights: &mut BTreeSet<Right>,
    people: impl IntoIterator<Item = &'a PersonId>,
    (by, of): (&'static str, &str),
) {
    rights.extend(people.into_iter().map(|person| (person.clone(), by, of.to_owned())));
}

fn members<'a>(directory: &'a Directory, pool: &PoolName) -> &'a [PersonId] {
    directory.pool(pool).map_or(&[], |pool| pool.members.as_slice())
}

fn of_people(directory: &Directory, rights: &mut BTreeSet<Right>) {
    for (name, pool) in &directory.pools {
        give(rights, &pool.members, ("pool", name.as_str()));
        give(rights, [&pool.lead], ("lead", name.as_str()));
        for (person, weight) in &pool.weights {
            give(rights, [person], ("weight", &format!("{name} {weight}")));
        }
    }
    give(rights, members(directory, &directory.owner), ("owner", "people.md"));
    for (role, person) in &directory.roles {
        give(rights, [person], ("role", role.as_str()));
    }
    for (duty, pool) in &directory.duties {
        give(rights, members(directory, pool), ("duty", duty.as_str()));
    }
    for (connection, pool) in &directory.integrations {
        give(rights, members(directory, pool), ("connection", connection.as_str()));
    }
    for standby in &directory.standby {
        give(rights, &standby.people, ("standby", &standby.instead_of.to_string()));
    }
    for (person, described) in &directory.persons {
        give(rights, &described.manager, ("manager", person.as_str()));
    }
    for absence in &directory.absence {
        let of = absence.of.as_ref().map_or("all", |of| of.as_str());
        let away = format!("{} {} {} {of}", absence.person, absence.from, absence.until);
        give(rights, &absence.cover, ("cover", &away));
    }
    for (pool, rotation) in &directory.rotations {
        // Who has which turn follows from all of it.
        let turns = format!("{pool} {} {} {:?}", rotation.from, rotation.days, rotation.order);
        give(rights, &rotation.order, ("rotation", &turns));
    }
    for (machine, person) in &directory.machines {
        give(rights, [person], ("machine", machine.as_str()));
    }
}

/// Whom a shared route asks, and who answers for exceptions by a row of the table.
fn of_routes(rulebook: &Rulebook, rights: &mut BTreeSet<Right>) {
    let (directory, shared) = (rulebook.house(), rulebook.shared());
    let owners = std::slice::from_ref(&shared.owner);
    give(rights, members(directory, &shared.owner), ("owner", "routes.md"));
    for (name, route) in &shared.routes {
        for whom in route.steps.iter().flat_map(|step| std::iter::once(&step.whom).chain(&step.backup)) {
            give(rights, &named_by(directory, whom, owners), ("route", name.as_str()));
        }
    }
    for route in shared.exceptions.iter().map(|rule| &rule.route) {
        for whom in std::iter::once(&route.whom).chain(&route.backup) {
            give(rights, &named_by(directory, whom, owners), ("exception", &route.id));
        }
    }
}

/// Who owns an intent type, answers for what goes wrong with it, or may decide alone on one of its intents.
fn of_intent_types(rulebook: &Rulebook, rights: &mut BTreeSet<Right>) {
    let directory = rulebook.house();
    for schema in rulebook.intent_types() {
        let of = schema.name.as_str();
        give(rights, members(directory, &schema.owner), ("owner", of));
        give(rights, members(directory, &schema.incident_owner), ("incident owner", of));
        give(rights, [&schema.fallback_owner], ("fallback owner", of));
        let alone = schema.overrides.iter().map(|rule| &rule.by);
        let alone = alone.chain(schema.break_glass.iter().map(|glass| &glass.by));
        let seen: Vec<&Whom> = schema.visibility.fields.values().flatten().collect();
        for whom in alone.chain(seen).chain(schema.asked_by.iter().flatten()) {
            give(
                rights,
                &named_by(directory, whom, std::slice::from_ref(&schema.owner)),
                ("named", &format!("{of} {whom}")),
            );
        }
    }
}
