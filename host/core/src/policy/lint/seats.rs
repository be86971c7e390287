//! Seats: whether present, unconflicted, distinct people can fill everything that meets.

use super::people::Joins;
use super::{Findings, House, Level, Spot};
use crate::id::{PersonId, RouteName};
use crate::intent::value::Tokens;
use crate::people::Asking;
use crate::policy::Policy;
use crate::policy::route::{Need, RouteStep, Whom};
use crate::policy::space::{Point, Space};
use std::collections::{BTreeMap, BTreeSet};

/// Most pairs of a requester and a set of routes that are matched.
const MATCHINGS_MAX: usize = 20_000;

/// Most pools that are tried as a backup for a seat that stays empty.
const POOLS_TRIED_MAX: usize = 32;

/// One seat-bearing row: who may fill it, and how many seats it has.
struct Row<'a> {
    route: &'a RouteName,
    /// Which row of the route it is, from 0.
    index: usize,
    step: &'a RouteStep,
    people: Vec<PersonId>,
    seats: usize,
}

/// Seats that too few people can fill, for every requester and every set of routes.
pub(super) fn all(space: &Space<'_>, house: House<'_>, joins: &Joins, findings: &mut Findings<'_>) {
    let Some(policy) = space.models.first().map(|model| model.policy) else { return };
    lonely(policy, house, findings);
    let mut said: BTreeSet<String> = BTreeSet::new();
    let mut tried = 0_usize;
    for (routes, meeting) in joins {
        for requester in requesters(policy, house, routes) {
            if space.stop.is_asked() {
                return;
            }
            tried = tried.saturating_add(1);
            if tried > MATCHINGS_MAX {
                let message =
                    format!("after {MATCHINGS_MAX} pairs of requester and routes: seats are not proved");
                findings.add(Level::Warning, "not-proved", Spot::Table("Routes"), message);
                findings.advise("let fewer routes meet");
                return;
            }
            let rows = rows(policy, house, routes, requester);
            let Some(short) = unfilled(&rows) else { continue };
            let route = short.route;
            let all = routes.iter().map(ToString::to_string).collect::<Vec<String>>().join(" + ");
            if !said.insert(format!("{all} {route} {}", short.step.step)) {
                continue;
            }
            let message = format!(
                "{all}: step {} of route `{route}` needs {} of {}, and when `{requester}` asks, too few present, \
                 distinct people are left",
                short.step.step, short.seats, short.step.whom
            );
            let confirmed = !meeting.iter().any(|region| space.is_derived(region));
            let level = if confirmed { Level::Error } else { Level::Warning };
            findings.add(level, "seats", Spot::Step(route, short.index, "whom"), message);
            let points: Vec<Point> = meeting.iter().map(|region| space.corner(region)).collect();
            findings.witnesses(space, &points);
            let asked = short.step.whom.owned_by(&policy.owner);
            findings.advise(match (helping(policy, house, &rows, short, requester), &asked) {
                (Some(other), _) => format!("name `{other}` as backup of it"),
                (None, Whom::Pool(_)) => format!("add people to {asked}, or lower the quorum"),
                (
                    None,
                    Whom::Role(_)
                    | Whom::Person(_)
                    | Whom::Manager(_)
                    | Whom::NamedIn(_)
                    | Whom::OwnerOfPolicy,
                ) => {
                    format!("ask a pool instead of {asked}")
                }
            });
        }
    }
}

/// A pool that as backup of the row would let everybody find a seat.
fn helping<'a>(
    policy: &Policy,
    house: House<'_>,
    rows: &[Row<'a>],
    short: &Row<'a>,
    requester: &PersonId,
) -> Option<Whom> {
    let asked = std::iter::once(&short.step.whom).chain(&short.step.backup);
    let asked: Vec<Whom> = asked.map(|whom| whom.owned_by(&policy.owner)).collect();
    let pools = house.directory.pools.keys().map(|name| Whom::Pool(name.clone()));
    let mut others = pools.filter(|pool| !asked.contains(pool)).take(POOLS_TRIED_MAX);
    others.find(|pool| {
        let with = |row: &Row<'a>| {
            let mut people = row.people.clone();
            if (row.route, row.index) == (short.route, short.index) {
                people.extend(fill(policy, house, pool, requester));
                people.sort();
                people.dedup();
            }
            Row { people, ..*row }
        };
        let rows: Vec<Row<'a>> = rows.iter().map(with).collect();
        unfilled(&rows).is_none()
    })
}

/// Who can fill a seat of an intent that `requester` asks for.
fn fill(policy: &Policy, house: House<'_>, whom: &Whom, requester: &PersonId) -> Vec<PersonId> {
    let tokens = Tokens::new();
    let asking = Asking { requester, answers: &[], intent_type: &policy.intent, tokens: &tokens };
    let filled = house.directory.fill(&whom.owned_by(&policy.owner), asking, &[], house.on);
    filled.map(|filled| filled.eligible).unwrap_or_default()
}

/// Rows that one person alone can ever fill.
fn lonely(policy: &Policy, house: House<'_>, findings: &mut Findings<'_>) {
    for (name, route) in &policy.routes {
        for (index, step) in route.steps.iter().enumerate() {
            let whoms = std::iter::once(&step.whom).chain(&step.backup);
            if whoms.clone().any(|whom| matches!(whom, Whom::Manager(_) | Whom::NamedIn(_))) {
                continue;
            }
            let mut people: BTreeSet<PersonId> = BTreeSet::new();
            for whom in whoms {
                let whom = whom.owned_by(&policy.owner);
                people.extend(named(house, &whom));
                let standing = house.directory.standby.iter().filter(|standby| standby.instead_of == whom);
                people.extend(standing.flat_map(|standby| standby.people.iter().cloned()));
            }
            let mut people = people.into_iter();
            if let (Some(only), None) = (people.next(), people.next()) {
                findings.add(
                    Level::Warning,
                    "one-person",
                    Spot::Step(name, index, "whom"),
                    format!("route `{name}`, step {}: nobody but `{only}` can fill it", step.step),
                );
                findings.advise("name a standby or a pool as backup, or accept it by name when publishing");
            }
        }
    }
}

fn named(house: House<'_>, whom: &Whom) -> Vec<PersonId> {
    match whom {
        Whom::Pool(name) => house.directory.pool(name).map(|pool| pool.members.clone()).unwrap_or_default(),
        Whom::Role(name) => house.directory.roles.get(name).cloned().into_iter().collect(),
        Whom::Person(person) => vec![person.clone()],
        Whom::Manager(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy => Vec::new(),
    }
}

/// One requester of each kind: those who could fill a seat differ from all others, and so do those
/// with another manager where a manager is asked.
fn requesters<'a>(policy: &Policy, house: House<'a>, routes: &BTreeSet<RouteName>) -> Vec<&'a PersonId> {
    let steps: Vec<&RouteStep> =
        routes.iter().filter_map(|route| policy.routes.get(route)).flat_map(|route| &route.steps).collect();
    let mut seated: BTreeSet<PersonId> = BTreeSet::new();
    let mut levels: BTreeSet<u32> = BTreeSet::new();
    for whom in steps.iter().flat_map(|step| std::iter::once(&step.whom).chain(&step.backup)) {
        if let Whom::Manager(level) = whom {
            levels.insert(*level);
        }
        seated.extend(named(house, &whom.owned_by(&policy.owner)));
    }
    let standing = house.directory.standby.iter().flat_map(|standby| &standby.people);
    seated.extend(standing.cloned());
    seated.extend(house.directory.absence.iter().filter_map(|absence| absence.cover.clone()));
    let mut kinds: BTreeMap<(Option<&PersonId>, Vec<Option<PersonId>>), &PersonId> = BTreeMap::new();
    for person in house.directory.persons.keys() {
        let own = seated.contains(person).then_some(person);
        let managers = levels.iter().map(|level| house.directory.manager(person, *level)).collect();
        kinds.entry((own, managers)).or_insert(person);
    }
    let mut found: Vec<&PersonId> = kinds.into_values().collect();
    found.sort();
    found
}

fn rows<'a>(
    policy: &'a Policy,
    house: House<'_>,
    routes: &BTreeSet<RouteName>,
    requester: &PersonId,
) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for route in routes.iter().filter_map(|route| policy.routes.get(route)) {
        // Whom a token names is only known of an intent.
        let known = route.steps.iter().enumerate().filter(|(_, step)| !matches!(step.whom, Whom::NamedIn(_)));
        for (index, step) in known {
            let fill = |whom: &Whom| fill(policy, house, whom, requester);
            let mut people = fill(&step.whom);
            let needed = match step.need {
                Need::Count(count) => count,
                Need::Weight(weight) => {
                    let whom = step.whom.owned_by(&policy.owner);
                    fewest(
                        weight,
                        people.iter().map(|person| house.directory.weight(&whom, person)).collect(),
                    )
                }
                need @ (Need::All | Need::Percent(_)) => need.of(people.len()).max(1),
            };
            for person in step.backup.iter().flat_map(fill) {
                if !people.contains(&person) {
                    people.push(person);
                }
            }
            rows.push(Row {
                route: &route.name,
                index,
                step,
                people,
                seats: usize::try_from(needed).unwrap_or(usize::MAX).min(1_000),
            });
        }
    }
    rows
}

/// How many people it takes at least until their voices weigh so much; one more than there are if they never do.
fn fewest(weight: u32, mut weights: Vec<u32>) -> u32 {
    weights.sort_unstable_by(|one, other| other.cmp(one));
    let (mut people, mut sum) = (0_u32, 0_u32);
    for one in weights {
        if weight <= sum {
            break;
        }
        sum = sum.saturating_add(one);
        people = people.saturating_add(1);
    }
    if weight <= sum { people.max(1) } else { people.saturating_add(1) }
}

/// The first row that is left with an empty seat when everybody fills at most one.
fn unfilled<'r, 'a>(rows: &'r [Row<'a>]) -> Option<&'r Row<'a>> {
    let seats: Vec<&Row<'a>> = rows.iter().flat_map(|row| std::iter::repeat_n(row, row.seats)).collect();
    let mut held: BTreeMap<&PersonId, usize> = BTreeMap::new();
    for (seat, row) in seats.iter().enumerate() {
        if !seat_found(seat, &seats, &mut held, &mut BTreeSet::new()) {
            return Some(row);
        }
    }
    None
}

/// Finds somebody for a seat; whoever sits elsewhere may move if their seat finds another one.
fn seat_found<'r>(
    seat: usize,
    seats: &[&'r Row<'_>],
    held: &mut BTreeMap<&'r PersonId, usize>,
    asked: &mut BTreeSet<&'r PersonId>,
) -> bool {
    let Some(row) = seats.get(seat) else { return false };
    for person in &row.people {
        if !asked.insert(person) {
            continue;
        }
        let free = match held.get(person).copied() {
            None => true,
            Some(other) => seat_found(other, seats, held, asked),
        };
        if free {
            held.insert(person, seat);
            return true;
        }
    }
    false
}
