//! What people's absences and departures mean for the routes: on which days a seat is thin, who is not
//! covered, whom the house cannot do without.

use super::Rulebook;
use crate::id::{IntentTypeName, PersonId};
use crate::intent::value::Day;
use crate::people::Directory;
use crate::policy::route::{RouteStep, Whom};
use crate::policy::{Need, Policy, Route};
use crate::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Furthest that is looked ahead, in days.
pub const OUTLOOK_DAYS_MAX: u32 = 366;
/// How far is looked ahead unless somebody says otherwise, in days.
pub const OUTLOOK_DAYS: u32 = 90;

/// What lies ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    /// Rows of routes that too few people can fill on some days.
    pub thin: Vec<Thin>,
    /// Absences whose cover is away too.
    pub uncovered: Vec<Uncovered>,
    /// People without whom a row could not be filled by anybody, its backups included.
    pub lone: Vec<Lone>,
}

/// A row of a route that too few people can fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thin {
    /// The policy.
    pub policy: IntentTypeName,
    /// Route and step.
    pub row: String,
    /// Who is asked.
    pub whom: String,
    /// How many of them must approve.
    pub need: u32,
    /// The fewest that are there on one of the days.
    pub present: usize,
    /// The first of the days.
    pub from: Day,
    /// The last of them.
    pub until: Day,
    /// Who is asked instead; nobody if no backup can fill it either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
}

/// Days on which somebody is away, and whoever covers for them too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncovered {
    /// Who.
    pub person: PersonId,
    /// Who covers.
    pub cover: PersonId,
    /// The first day of both.
    pub from: Day,
    /// The last day of both.
    pub until: Day,
}

/// A person whom routes cannot do without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lone {
    /// Who.
    pub person: PersonId,
    /// The rows of routes that nobody could fill if they left.
    pub rows: Vec<String>,
    /// How many rules and guards of policies ask for one of them: what they say could not be approved any more.
    pub rules: usize,
}

/// A row of a policy's route, with what it asks for.
struct Row<'a> {
    policy: &'a Policy,
    route: &'a Route,
    step: &'a RouteStep,
}

impl Row<'_> {
    fn name(&self) -> String {
        format!("{} step {}", self.route.name, self.step.step)
    }

    /// Who is asked, the backups last. The manager or whom a token names depends on the intent.
    fn whoms(&self) -> Option<Vec<Whom>> {
        let all = std::iter::once(&self.step.whom).chain(&self.step.backup);
        let owned: Vec<Whom> = all.map(|whom| whom.owned_by(&self.policy.owner)).collect();
        (!owned.iter().any(Whom::depends_on_the_intent)).then_some(owned)
    }

    /// How many can fill it, and whether that is enough.
    fn can(&self, directory: &Directory, whom: &Whom, without: &[PersonId], on: Timestamp) -> (usize, bool) {
        let people = directory.present(whom, &self.policy.intent, without, on).unwrap_or_default();
        let need = self.step.need.of(people.len()).max(1);
        let weigh = match self.step.need {
            Need::Weight(_) => directory.weigh(whom, &people),
            Need::Count(_) | Need::All | Need::Percent(_) => u32::try_from(people.len()).unwrap_or(u32::MAX),
        };
        (people.len(), need <= weigh)
    }
}

impl Rulebook {
    /// What the absences of so many days from `now` on, and the departure of anybody, mean for the routes
    /// of the policies in force. At most [`OUTLOOK_DAYS_MAX`] days.
    #[must_use]
    pub fn outlook(&self, now: Timestamp, days: u32) -> Outlook {
        let directory = self.directory();
        let first = Day::at(now).0;
        let days = (first..=first.saturating_add(i64::from(days.min(OUTLOOK_DAYS_MAX)))).map(Day);
        let days: Vec<Day> = days.collect();
        let policies = self.intent_types().filter_map(|schema| self.policy(&schema.name, now));
        let policies: Vec<&Policy> = policies.collect();
        let rows: Vec<Row<'_>> = policies
            .iter()
            .flat_map(|policy| {
                let routes = policy.routes.values();
                routes.flat_map(|route| route.steps.iter().map(|step| Row { policy, route, step }))
            })
            .collect();
        Outlook {
            thin: rows.iter().flat_map(|row| thin(directory, row, &days)).collect(),
            uncovered: uncovered(directory, &days),
            lone: lone(directory, &rows, now),
        }
    }
}

/// The days on which a row is thin, neighbours together.
fn thin(directory: &Directory, row: &Row<'_>, days: &[Day]) -> Vec<Thin> {
    let mut found: Vec<Thin> = Vec::new();
    let Some(whoms) = row.whoms() else { return found };
    let Some((whom, backups)) = whoms.split_first() else { return found };
    for day in days {
        // Noon: whatever the zone, most of the day's seats open in it.
        let on = day.begins().plus(Millis::hours(12));
        let (present, enough) = row.can(directory, whom, &[], on);
        if enough {
            continue;
        }
        let instead = backups.iter().find(|backup| row.can(directory, backup, &[], on).1);
        let instead = instead.map(ToString::to_string);
        match found.last_mut() {
            Some(last) if last.until.0.saturating_add(1) == day.0 && last.instead == instead => {
                last.until = *day;
                last.present = last.present.min(present);
            }
            Some(_) | None => found.push(Thin {
                policy: row.policy.intent.clone(),
                row: row.name(),
                whom: whom.to_string(),
                need: row.step.need.of(present).max(1),
                present,
                from: *day,
                until: *day,
                instead,
            }),
        }
    }
    found
}

/// Absences of the days whose cover is away as well.
fn uncovered(directory: &Directory, days: &[Day]) -> Vec<Uncovered> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Vec::new() };
    let mut found = Vec::new();
    for absence in &directory.absence {
        let Some(cover) = &absence.cover else { continue };
        for other in directory.absence.iter().filter(|other| other.person == *cover) {
            let of_one = absence.of.is_none() || other.of.is_none() || absence.of == other.of;
            let from = absence.from.max(other.from).max(*first);
            let until = absence.until.min(other.until).min(*last);
            if of_one && from <= until {
                let (person, cover) = (absence.person.clone(), cover.clone());
                found.push(Uncovered { person, cover, from, until });
            }
        }
    }
    found
}

/// People whose departure leaves a row to nobody.
fn lone(directory: &Directory, rows: &[Row<'_>], now: Timestamp) -> Vec<Lone> {
    let all_present = Directory { absence: Vec::new(), ..directory.clone() };
    let fills = |row: &Row<'_>, without: &[PersonId]| {
        row.whoms().is_none_or(|whoms| whoms.iter().any(|whom| row.can(&all_present, whom, without, now).1))
    };
    let filled: Vec<&Row<'_>> = rows.iter().filter(|row| fills(row, &[])).collect();
    let persons = directory.persons.keys();
    persons
        .filter_map(|person| {
            let without = std::slice::from_ref(person);
            let lost: Vec<&&Row<'_>> = filled.iter().filter(|row| !fills(row, without)).collect();
            let rows: BTreeSet<String> =
                lost.iter().map(|row| format!("{} of {}", row.name(), row.policy.intent)).collect();
            let asks = lost.iter().flat_map(|row| {
                let of = &row.policy.intent;
                row.policy.asking(&row.route.name).map(move |id| (of, id))
            });
            let rules = asks.collect::<BTreeSet<_>>().len();
            let rows: Vec<String> = rows.into_iter().collect();
            (!rows.is_empty()).then(|| Lone { person: person.clone(), rows, rules })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rulebook::tests::starter_rulebook;

    fn outlook(people: &str) -> Outlook {
        let rulebook = starter_rulebook();
        let text = format!("{}\n{people}", rulebook.people().trim_end());
        let now = Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("a moment");
        let changed = rulebook.with_people(&text, now).unwrap_or_else(|faults| panic!("{faults:#?}"));
        changed.outlook(now, 30)
    }

    #[test]
    fn the_shipped_house_has_no_thin_day_and_needs_nobody_alone() {
        let outlook = outlook("");
        assert_eq!((outlook.thin, outlook.uncovered, outlook.lone), (Vec::new(), Vec::new(), Vec::new()));
    }

    #[test]
    fn days_on_which_a_seat_is_thin_are_named_with_whoever_is_asked_instead() {
        let away = "| finance-lead | 2026-12-01 | 2026-12-04 | finance-1 | all |\n\
                    | finance-2 | 2026-12-03 | 2026-12-07 | finance-1 | all |\n\
                    | finance-3 | 2026-12-03 | 2026-12-04 | finance-1 | all |\n";
        let found = outlook(away);
        let thin = found.thin.iter().find(|thin| thin.row == "finance step 1").expect("finance is thin");
        assert_eq!((thin.need, thin.present), (2, 1));
        assert_eq!(
            (thin.from.to_string(), thin.until.to_string()),
            ("2026-12-03".into(), "2026-12-04".into())
        );
        assert_eq!(thin.instead.as_deref(), Some("pool fpna"));
    }

    #[test]
    fn whoever_a_row_cannot_do_without_is_named() {
        let mut files = crate::rulebook::tests::starter();
        let file = files.iter_mut().find(|file| file.path.ends_with("discount.policy.md"));
        let text = &mut file.expect("the discount policy").text;
        let (shipped, all) = ("| 2    | 16bh   | pool fpna       |", "| 4    | 16bh   | pool privacy    |");
        assert!(text.contains(shipped), "the finance row is as it was");
        *text = text.replace(shipped, all);
        let rulebook = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let now = Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("a moment");
        let lone = rulebook.outlook(now, 0).lone;
        let people: Vec<&str> = lone.iter().map(|lone| lone.person.as_str()).collect();
        assert_eq!(people, ["finance-1", "finance-2", "finance-3", "finance-lead"]);
        assert!(lone.iter().all(|lone| lone.rows == ["finance step 1 of discount"]), "{lone:?}");
    }

    #[test]
    fn a_cover_who_is_away_covers_nobody() {
        let away = "| finance-1 | 2026-12-01 | 2026-12-04 | finance-3 | all |\n\
                    | finance-3 | 2026-12-03 | 2026-12-07 | finance-1 | refund |\n\
                    | director-2 | 2026-12-01 | 2026-12-04 | director-3 | discount |\n\
                    | director-3 | 2026-12-01 | 2026-12-04 | director-1 | refund |\n";
        let found: Vec<String> = outlook(away)
            .uncovered
            .iter()
            .map(|gap| format!("{} {} {} {}", gap.person, gap.cover, gap.from, gap.until))
            .collect();
        let both = ["finance-1 finance-3 2026-12-03 2026-12-04", "finance-3 finance-1 2026-12-03 2026-12-04"];
        assert_eq!(found, both);
    }
}
