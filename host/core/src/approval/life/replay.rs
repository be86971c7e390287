//! Decided again: every answer of a policy and every seal in a life, made anew from what the log holds beside them.

use super::{Misplaced, after};
use crate::approval::event::{Entry, Event};
use crate::approval::{Approval, Case};
use crate::hash::Digest;
use crate::intent::Facts;
use crate::policy::{self, Evaluation, Outcome};
use crate::rulebook::Rulebook;
use crate::seal::{Content, Seal};
use crate::time::Timestamp;

/// One answer of a policy that is on record, and what comes of making it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Number of the entry in the life of the intent, from 1.
    pub sequence: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// Revision of the intent that it answers.
    pub revision: u32,
    /// Version of the policy that the intent was pinned to then.
    pub policy: Digest,
    /// The answer, made again.
    pub answer: Again,
    /// Whether the seal comes out the same; `None` where nothing was sealed.
    pub seal: Option<bool>,
}

/// What comes of making an answer again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// What is on record: the answer with every reason that it gives.
    Same,
    /// Something else.
    Otherwise {
        /// The answer on record.
        recorded: Box<Outcome>,
        /// The one that comes out now. If it is the same, its reasons are others.
        now: Box<Outcome>,
    },
    /// The rules have no such version of the policy.
    NoPolicy,
}

impl Replayed {
    /// Whether everything comes out as it is on record.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.answer == Again::Same && self.seal != Some(false)
    }
}

/// Makes every recorded answer and seal of one life again, from tokens, facts, plans and what components said as
/// they are on record. Nothing else is asked: no target, no component, no clock. Answers of the policies that
/// `rulebook` has are made again, those of others say so.
///
/// # Errors
/// [`Misplaced`] if the entries are not those of one life in their order.
pub fn replay(entries: &[Entry], rulebook: &Rulebook) -> Result<Vec<Replayed>, Misplaced> {
    let mut approval: Option<Approval> = None;
    let mut replayed = Vec::new();
    for (sequence, entry) in (1_u64..).zip(entries) {
        if let Some(before) = &approval {
            let recorded = if let Event::Evaluated { evaluation, facts } = &entry.event {
                Some((&**evaluation, facts, None))
            } else if let Event::Sealed { case } = &entry.event {
                Some((&case.evaluation, &case.facts, Some(&**case)))
            } else {
                None
            };
            replayed.extend(recorded.map(|(evaluation, facts, case)| Replayed {
                sequence,
                at: entry.at,
                revision: before.intent.revision,
                policy: before.policy,
                answer: again(before, evaluation, facts, rulebook),
                seal: case.map(|case| is_sealed(before, case)),
            }));
        }
        approval = Some(after(approval, entry)?);
    }
    Ok(replayed)
}

fn again(before: &Approval, recorded: &Evaluation, facts: &Facts, rulebook: &Rulebook) -> Again {
    let Some(policy) = rulebook.policy_version(&before.intent.intent_type, &before.policy) else {
        return Again::NoPolicy;
    };
    let said = policy.said_in(recorded);
    let now = policy::decide_with(policy, &before.intent.tokens, facts, &said);
    if now == *recorded {
        return Again::Same;
    }
    Again::Otherwise { recorded: Box::new(recorded.outcome.clone()), now: Box::new(now.outcome) }
}

fn is_sealed(before: &Approval, case: &Case) -> bool {
    let content = Content {
        writes: &case.writes,
        change: case.change.as_deref(),
        shared: case.shared.as_deref(),
        readiness: case.readiness.as_deref(),
        advisory: case.advisory,
        expires: case.expires,
    };
    Seal::of(&before.intent, before.policy, content).is_ok_and(|seal| seal == case.seal)
}

#[cfg(test)]
mod tests {
    use super::super::carry_tests::{found, redline};
    use super::super::{Context, submit};
    use super::*;
    use crate::approval::command::{Command, Prepared};
    use crate::id::{FieldName, IntentId};
    use crate::intent::TokenValue;
    use crate::rulebook::tests::{starter, starter_rulebook};
    use std::sync::Arc;

    /// A redline that was sealed, and its entries.
    fn sealed(rulebook: &Rulebook) -> Vec<Entry> {
        let now = Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("a moment");
        let context = Context::new(rulebook, now, 7);
        let asked = submit(
            context,
            IntentId::from_bits(1),
            "ae-1",
            "contract_redline",
            &redline("new", "negotiation"),
        );
        let prepare = |prepared: Prepared| Command::Prepare { revision: 1, prepared: Box::new(prepared) };
        let turn = asked.and_then(|turn| turn.then(prepare(found(rulebook)))).expect("it is sealed");
        turn.into_parts().0
    }

    fn only(entries: &[Entry], rulebook: &Rulebook) -> Replayed {
        let replayed = replay(entries, rulebook).expect("they are of one life");
        <[Replayed; 1]>::try_from(replayed).unwrap_or_else(|other| panic!("{other:#?}"))[0].clone()
    }

    #[test]
    fn what_is_on_record_comes_out_again() {
        let rulebook = starter_rulebook();
        let entries = sealed(&rulebook);
        let again = only(&entries, &rulebook);
        let answered = entries.iter().position(|entry| matches!(entry.event, Event::Sealed { .. }));
        assert_eq!(again.sequence, 1 + u64::try_from(answered.expect("it is")).expect("a number"));
        assert_eq!((again.revision, &again.answer, again.seal), (1, &Again::Same, Some(true)));
        assert!(again.is_same());
    }

    #[test]
    fn whatever_of_it_was_changed_comes_out_otherwise() {
        let rulebook = starter_rulebook();
        let check = |what: &str, change: &dyn Fn(&mut Event), answers: bool, seals: bool| {
            let mut entries = sealed(&rulebook);
            entries.iter_mut().for_each(|entry| change(&mut entry.event));
            let again = only(&entries, &rulebook);
            assert_eq!(
                (again.answer == Again::Same, again.seal),
                (answers, Some(seals)),
                "{what}: {again:#?}"
            );
            assert_eq!(again.is_same(), answers && seals, "{what}");
        };
        let case = |event: &mut Event, change: &dyn Fn(&mut Case)| {
            if let Event::Sealed { case } = event {
                change(Arc::make_mut(case));
            }
        };
        check("nothing", &|_| {}, true, true);
        let approve = |event: &mut Event| case(event, &|case| case.evaluation.outcome = Outcome::Approve);
        check("the answer", &approve, false, true);
        let version = |event: &mut Event| case(event, &|case| case.evaluation.version = Digest::ZERO);
        check("the version that it names", &version, false, true);
        let pinned = |event: &mut Event| {
            if let Event::Submitted { policy, .. } = event {
                *policy = Digest::ZERO;
            }
        };
        check("the version that the intent was pinned to", &pinned, false, false);
        let reason = |event: &mut Event| case(event, &|case| case.evaluation.not_true.clear());
        check("a reason", &reason, false, true);
        let fact = |event: &mut Event| {
            case(event, &|case| drop(case.facts.remove(&FieldName::parse("paper").expect("a name"))));
        };
        check("a fact", &fact, false, true);
        check("the write plan", &|event| case(event, &|case| case.advisory = true), true, false);
        let other = |event: &mut Event| {
            if let Event::Submitted { intent, .. } = event {
                let reason = FieldName::parse("customer_id").expect("a name");
                Arc::make_mut(intent).tokens.insert(reason, TokenValue::Text("A-2".to_owned()));
            }
        };
        check("what was asked for", &other, true, false);
    }

    #[test]
    fn an_answer_of_a_policy_that_is_gone_is_none_that_was_made_again() {
        let entries = sealed(&starter_rulebook());
        let mut files = starter();
        let policy = files.iter_mut().find(|file| file.path.ends_with("contract_redline.policy.md"));
        let text = &mut policy.expect("a policy").text;
        *text = text.replacen("16bh", "17bh", 1);
        let changed = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let again = only(&entries, &changed);
        assert_eq!((&again.answer, again.seal, again.is_same()), (&Again::NoPolicy, Some(true), false));
    }
}
