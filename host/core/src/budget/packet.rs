//! What lies before whoever must say what follows from a budget that burns: the exceptions that spent it, by day and
//! by what they have in common.

use super::Spending;
use crate::approval::{Approval, Case, Outcome, Stage};
use crate::exception::Exception;
use crate::id::{ExceptionId, FieldName, IntentId};
use crate::intent::{Day, IntentType};
use std::collections::BTreeMap;

/// Most exceptions of which a packet tells more than that they are there: the newest.
pub const PACKET_CASES_MAX: usize = 100;

/// Most things in common that a packet names.
pub const PACKET_CLUSTERS_MAX: usize = 50;

/// The exceptions that spent a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// How many were opened on each day of the window, by UTC, the first day first.
    pub days: Vec<(Day, u32)>,
    /// The newest of them, the newest first.
    pub cases: Vec<SpentOn>,
    /// What the cases have in common, the most common first.
    pub clusters: Vec<Cluster>,
}

/// One exception that spent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentOn {
    /// The intent.
    pub intent: IntentId,
    /// Where that stands.
    pub state: &'static str,
    /// The exception.
    pub id: ExceptionId,
    /// What it is.
    pub exception: Exception,
    /// Rows of the policy that answered, where it did.
    pub rules: Vec<String>,
    /// The values of the tokens by which the intent type reports.
    pub reported: BTreeMap<FieldName, String>,
}

/// What some of the cases have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cluster {
    /// `cause`, `what` (the code of what happened), `row` of the policy, or a token by which the intent type reports.
    pub by: String,
    /// The value.
    pub value: String,
    /// How many cases.
    pub count: u32,
}

impl Packet {
    /// Lays out what was found: `approvals` are those with the newest exceptions.
    #[must_use]
    pub fn of(spending: &Spending, schema: &IntentType, approvals: &[Approval]) -> Packet {
        let mut cases: Vec<SpentOn> =
            approvals.iter().flat_map(|approval| spent_in(spending, schema, approval)).collect();
        cases.sort_by_key(|case| (std::cmp::Reverse(case.exception.opened), case.id));
        cases.truncate(PACKET_CASES_MAX);
        let clusters = clusters(&cases);
        Packet { cases, clusters, ..Packet::of_days(spending) }
    }

    /// The days alone, which tell of no intent.
    #[must_use]
    pub fn of_days(spending: &Spending) -> Packet {
        Packet { days: days(spending), cases: Vec::new(), clusters: Vec::new() }
    }
}

fn days(spending: &Spending) -> Vec<(Day, u32)> {
    let mut counts: BTreeMap<Day, u32> = BTreeMap::new();
    for at in &spending.opened {
        let count = counts.entry(Day::at(*at)).or_default();
        *count = count.saturating_add(1);
    }
    let (first, last) = (Day::at(spending.since).0, Day::at(spending.now).0);
    (first..=last).map(|day| (Day(day), counts.get(&Day(day)).copied().unwrap_or_default())).collect()
}

fn spent_in(spending: &Spending, schema: &IntentType, approval: &Approval) -> Vec<SpentOn> {
    let tokens = &approval.intent.tokens;
    let reported: BTreeMap<FieldName, String> = schema
        .reporting
        .iter()
        .filter_map(|name| Some((name.clone(), tokens.get(name)?.to_string())))
        .collect();
    let rules = rules(approval);
    let counts = |exception: &Exception| exception.spends() && spending.since < exception.opened;
    let spent = approval.exceptions.iter().filter(|(_, exception)| counts(exception));
    spent
        .map(|(id, exception)| SpentOn {
            intent: approval.intent.id,
            state: approval.stage.as_str(),
            id: *id,
            exception: exception.clone(),
            rules: rules.clone(),
            reported: reported.clone(),
        })
        .collect()
}

/// Rows of the policy that answered, as far as the approval still knows its answer.
fn rules(approval: &Approval) -> Vec<String> {
    let of_case = |case: &Case| case.evaluation.rules.iter().map(|rule| rule.id.to_string()).collect();
    match &approval.stage {
        Stage::Unsettled { evaluation: Some(evaluation) } => {
            evaluation.rules.iter().map(|rule| rule.id.to_string()).collect()
        }
        Stage::Seated { case, .. }
        | Stage::Executing { case, .. }
        | Stage::Closed(Outcome::Done { case, .. }) => of_case(case),
        Stage::Preparing { .. }
        | Stage::Unsettled { evaluation: None }
        | Stage::Returned { .. }
        | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => Vec::new(),
    }
}

fn clusters(cases: &[SpentOn]) -> Vec<Cluster> {
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    for case in cases {
        let SpentOn { exception, rules, reported, .. } = case;
        let mut all = vec![
            ("cause".to_owned(), exception.cause.as_str().to_owned()),
            ("what".to_owned(), exception.detail.code.clone()),
        ];
        all.extend(rules.iter().map(|rule| ("row".to_owned(), rule.clone())));
        all.extend(reported.iter().map(|(name, value)| (name.to_string(), value.clone())));
        all.sort();
        all.dedup();
        for key in all {
            let count = counts.entry(key).or_default();
            *count = count.saturating_add(1);
        }
    }
    let mut clusters: Vec<Cluster> =
        counts.into_iter().map(|((by, value), count)| Cluster { by, value, count }).collect();
    clusters.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.cmp(other)));
    clusters.truncate(PACKET_CLUSTERS_MAX);
    clusters
}
