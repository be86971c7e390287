//! Answers without their trace: what a policy says to a case, as a number that is cheap to count by.

use crate::id::{FieldName, RouteName};
use crate::intent::value::{Facts, TokenValue, Tokens};
use crate::policy::Policy;
use crate::policy::asks::Asked;
use crate::policy::evaluate::asked;
use crate::policy::outcome::{Outcome, Settled};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Most different answers that are told apart; what comes after them is one answer, `others`.
const ANSWERS_MAX: usize = 256;
/// Most sets of what is asked whose answer is kept; others are looked for anew each time.
const KNOWN_MAX: usize = 4_096;

/// Every answer that was seen, by its number.
#[derive(Debug)]
pub(super) struct Answers {
    seen: Vec<Said>,
}

/// One answer, without its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Settled(Settled),
    Unsure,
    Others,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers { seen: vec![Said::Settled(Settled::Approve), Said::Unsure, Said::Others] }
    }
}

impl Answers {
    pub(super) const APPROVE: usize = 0;
    pub(super) const UNSURE: usize = 1;
    pub(super) const OTHERS: usize = 2;

    /// The number of a recorded answer.
    pub(super) fn of(&mut self, outcome: &Outcome) -> usize {
        match outcome {
            Outcome::Approve => Answers::APPROVE,
            Outcome::Needs(needs) => {
                let same = |said: &Said| matches!(said, Said::Settled(Settled::Needs(own)) if own == needs);
                let known = self.seen.iter().position(same);
                known.unwrap_or_else(|| self.add(Settled::Needs(needs.clone())))
            }
            Outcome::Deny => self.settled(&Settled::Deny),
            Outcome::Unsure(_) => Answers::UNSURE,
        }
    }

    /// The number of an answer in which everything could be evaluated.
    pub(super) fn settled(&mut self, settled: &Settled) -> usize {
        let same = |said: &Said| matches!(said, Said::Settled(own) if own == settled);
        self.seen.iter().position(same).unwrap_or_else(|| self.add(settled.clone()))
    }

    fn add(&mut self, settled: Settled) -> usize {
        if ANSWERS_MAX <= self.seen.len() {
            return Answers::OTHERS;
        }
        self.seen.push(Said::Settled(settled));
        self.seen.len().saturating_sub(1)
    }

    /// Whether two answers are not the same, as far as they are told apart.
    pub(super) fn differ(one: usize, other: usize) -> bool {
        one != other || one == Answers::OTHERS
    }

    pub(super) fn said(&self, number: usize) -> &Said {
        self.seen.get(number).unwrap_or(&Said::Others)
    }

    /// The routes that an answer asks; none unless it needs people.
    pub(super) fn routes(&self, number: usize) -> Option<&BTreeSet<RouteName>> {
        match self.said(number) {
            Said::Settled(Settled::Needs(needs)) => Some(&needs.routes),
            Said::Settled(Settled::Approve | Settled::Deny) | Said::Unsure | Said::Others => None,
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Said::Settled(settled) => write!(formatter, "{settled}"),
            Said::Unsure => formatter.write_str("unsure"),
            Said::Others => formatter.write_str("others"),
        }
    }
}

/// What a policy says to one case.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// The number of its answer.
    Answer(usize),
    /// It is unsure because these inputs were not recorded: no fault of the policy.
    Lacking(Vec<FieldName>),
}

impl Judged {
    pub(super) fn answer(self) -> usize {
        match self {
            Judged::Answer(answer) => answer,
            Judged::Lacking(_) => Answers::UNSURE,
        }
    }
}

/// One policy that answers many cases.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    policy: &'a Policy,
    /// The number of each answer that was met.
    known: BTreeMap<Asked, usize>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(policy: &'a Policy) -> Judge<'a> {
        Judge { policy, known: BTreeMap::new() }
    }

    /// The outcome that [`crate::policy::decide`] has, without the trace.
    pub(super) fn judge(&mut self, tokens: &Tokens, facts: &Facts, answers: &mut Answers) -> Judged {
        let Some(asked) = asked(self.policy, tokens, facts) else {
            let lacking = lacking(self.policy, tokens, facts);
            return if lacking.is_empty() {
                Judged::Answer(Answers::UNSURE)
            } else {
                Judged::Lacking(lacking)
            };
        };
        if let Some(answer) = self.known.get(&asked) {
            return Judged::Answer(*answer);
        }
        let answer = answers.settled(&self.policy.index.asks().settled(asked));
        if self.known.len() < KNOWN_MAX {
            self.known.insert(asked, answer);
        }
        Judged::Answer(answer)
    }
}

/// The inputs of which the record has no value.
fn lacking(policy: &Policy, tokens: &Tokens, facts: &Facts) -> Vec<FieldName> {
    let elements = match policy.list().and_then(|list| tokens.get(list)) {
        Some(TokenValue::List(elements)) => elements.as_slice(),
        Some(_) | None => &[],
    };
    let recorded = |name: &FieldName| {
        if tokens.contains_key(name) || facts.contains_key(name) {
            return true;
        }
        let short = name.as_str().split_once('.').and_then(|(_, short)| FieldName::parse(short).ok());
        short.is_some_and(|short| elements.iter().all(|element| element.contains_key(&short)))
    };
    policy.inputs.iter().map(|input| &input.name).filter(|name| !recorded(name)).cloned().collect()
}
