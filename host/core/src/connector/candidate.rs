//! The build that may be the next one: it plans a share of the intents while the active one plans the rest (*canary*), or
//! none of them while what it would have planned is compared (*shadow*).

use crate::effect::attempt::Finding;
use crate::effect::plan::WritePlan;
use crate::hash::Digest;
use crate::id::IntentId;
use std::fmt;

/// How many of a hundred intents a candidate plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u8);

impl Share {
    /// None of them: it plans in the shadow.
    pub const NONE: Share = Share(0);

    /// A share in percent, 0 to 99: what plans them all is no candidate, it is active.
    #[must_use]
    pub fn of(percent: u8) -> Option<Share> {
        (percent < 100).then_some(Share(percent))
    }

    /// It in percent.
    #[must_use]
    pub fn percent(self) -> u8 {
        self.0
    }
}

/// A build that may be the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The build.
    pub digest: Digest,
    /// How many intents it plans.
    pub share: Share,
}

impl Candidate {
    /// Whether it plans for this intent. The same for ever while its share stays; what a smaller share had, a greater one
    /// has as well; and two builds have different intents.
    #[must_use]
    pub fn plans(&self, intent: IntentId) -> bool {
        let Digest(hash) = Digest::of_parts(&[&self.digest.0, &intent.bits().to_be_bytes()]);
        let drawn = hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        // Of 2^64 numbers, a hundred divides all but sixteen evenly.
        drawn % 100 < u64::from(self.share.0)
    }
}

/// In what a candidate differs from the active build. It names fields and says none of their values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// It names another record.
    Subject,
    /// It leaves a field out.
    Lacks(String),
    /// It writes one field more.
    Adds(String),
    /// The field held something else before.
    Before(String),
    /// The field holds something else after.
    After(String),
    /// It finds an effect that the active build says is not there.
    Finds,
    /// It does not find an effect that the active build does.
    Misses,
}

impl Difference {
    /// Every difference of `plan` from `active`. The order of the fields, the revision that was read, and the words to the
    /// approver make none.
    #[must_use]
    pub fn between(active: &WritePlan, plan: &WritePlan) -> Vec<Difference> {
        let mut found = Vec::new();
        if active.subject != plan.subject {
            found.push(Difference::Subject);
        }
        for change in &active.changes {
            match plan.changes.iter().find(|other| other.name == change.name) {
                None => found.push(Difference::Lacks(change.name.clone())),
                Some(other) => {
                    if other.before != change.before {
                        found.push(Difference::Before(change.name.clone()));
                    }
                    if other.after != change.after {
                        found.push(Difference::After(change.name.clone()));
                    }
                }
            }
        }
        let is_new = |name: &str| active.changes.iter().all(|change| change.name != name);
        let new = plan.changes.iter().filter(|change| is_new(&change.name));
        found.extend(new.map(|change| Difference::Adds(change.name.clone())));
        found
    }

    /// The difference of what a probe `found` from what the active build did; `None` where one of them does not know.
    #[must_use]
    pub fn of_findings(active: &Finding, found: &Finding) -> Option<Vec<Difference>> {
        match (active, found) {
            (Finding::Unknown, _) | (_, Finding::Unknown) => None,
            (Finding::Absent, Finding::Absent) => Some(Vec::new()),
            (Finding::Absent, Finding::Landed(_)) => Some(vec![Difference::Finds]),
            (Finding::Landed(_), Finding::Absent) => Some(vec![Difference::Misses]),
            (Finding::Landed(active), Finding::Landed(found)) => {
                let another = (active.subject != found.subject).then_some(Difference::Subject);
                Some(another.into_iter().collect())
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Subject => formatter.write_str("it names another record"),
            Difference::Finds => formatter.write_str("it finds an effect that the active build does not"),
            Difference::Misses => {
                formatter.write_str("it does not find an effect that the active build does")
            }
            Difference::Lacks(name) => write!(formatter, "it does not write `{name}`"),
            Difference::Adds(name) => write!(formatter, "it writes `{name}` as well"),
            Difference::Before(name) => write!(formatter, "it reads another value of `{name}`"),
            Difference::After(name) => write!(formatter, "it writes another value of `{name}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::plan::Change;
    use crate::record::{RecordRef, Value};

    fn candidate(build: u8, percent: u8) -> Candidate {
        Candidate { digest: Digest([build; 32]), share: Share::of(percent).expect("a share") }
    }

    fn planned(candidate: Candidate) -> Vec<u128> {
        (0..10_000).filter(|number| candidate.plans(IntentId::from_bits(*number))).collect()
    }

    #[test]
    fn a_share_is_less_than_all_of_them() {
        assert_eq!(Share::of(0), Some(Share::NONE));
        assert_eq!(Share::of(99).map(Share::percent), Some(99));
        assert_eq!(Share::of(100), None);
    }

    #[test]
    fn a_candidate_plans_its_share_and_a_greater_share_keeps_what_a_smaller_one_had() {
        assert!(planned(candidate(1, 0)).is_empty());
        let mut before = Vec::new();
        for percent in [1, 10, 50, 99] {
            let now = planned(candidate(1, percent));
            let expected = 100 * usize::from(percent);
            // Four standard deviations of 10,000 draws are at most 200.
            assert!(now.len().abs_diff(expected) <= 200, "{percent} %: {}", now.len());
            assert!(before.iter().all(|intent| now.contains(intent)), "{percent} %");
            before = now;
        }
        assert_ne!(planned(candidate(1, 10)), planned(candidate(2, 10)));
    }

    #[test]
    fn a_plan_differs_in_what_is_written_and_in_nothing_else() {
        let change = |name: &str, before: i64, after: i64| Change {
            name: name.to_owned(),
            before: Value::Integer(before),
            after: Value::Integer(after),
        };
        let plan = |id: &str, changes: &[Change]| WritePlan {
            subject: RecordRef { kind: "order".to_owned(), id: id.to_owned() },
            revision: None,
            changes: changes.to_vec(),
            remarks: Vec::new(),
        };
        let active = plan("1", &[change("a", 1, 2), change("b", 3, 4)]);
        let between = |other: &WritePlan| -> Vec<String> {
            Difference::between(&active, other).iter().map(ToString::to_string).collect()
        };
        let same = WritePlan {
            revision: Some("7".to_owned()),
            remarks: vec!["it may be late".to_owned()],
            ..plan("1", &[change("b", 3, 4), change("a", 1, 2)])
        };
        assert!(between(&same).is_empty());
        assert_eq!(between(&plan("2", &active.changes)), ["it names another record"]);
        assert_eq!(
            between(&plan("1", &[change("a", 0, 9), change("c", 3, 4)])),
            [
                "it reads another value of `a`",
                "it writes another value of `a`",
                "it does not write `b`",
                "it writes `c` as well"
            ]
        );
    }
}
