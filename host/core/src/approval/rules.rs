//! What the life of an approval asks of the rulebook: who fills a seat, whose an exception is.

use super::{Approval, Intent, Stage};
use crate::exception::Cause;
use crate::id::{ConnectionName, EffectId, PersonId};
use crate::money::Money;
use crate::people::{Asking, Whom, Within};
use crate::rulebook::{Answerable, Happening, Rulebook};
use crate::time::{Millis, Timestamp};

/// Time for an exception whose intent type is not installed any more.
const FALLBACK_WITHIN: Millis = Millis::hours(24);

/// People who can fill a seat, resolved at the moment it opens.
pub(super) struct Filled {
    pub(super) eligible: Vec<PersonId>,
    pub(super) owner: PersonId,
    pub(super) due: Timestamp,
}

/// Who can fill a seat for `whom` now; `None` if nobody can.
pub(super) fn fill(
    rulebook: &Rulebook,
    intent: &Intent,
    whom: &Whom,
    within: &Within,
    taken: &[PersonId],
    now: Timestamp,
) -> Option<Filled> {
    let directory = rulebook.directory();
    let filled = directory.fill(whom, asking(intent), taken, now)?;
    let due = directory.due(within, &filled.calendar, now);
    Some(Filled { eligible: filled.eligible, owner: filled.owner, due })
}

/// Whose an exception is after it was missed `missed` times: the first owner, then the backups in
/// turn, then the fallback owner of the intent type for good.
pub(super) fn owner(
    rulebook: &Rulebook,
    approval: &Approval,
    cause: Cause,
    effect: Option<EffectId>,
    missed: u32,
    now: Timestamp,
) -> Answerable {
    let intent = &approval.intent;
    let connection = effect.and_then(|effect| connection_of(approval, effect));
    let happened = Happening {
        cause: cause.as_str(),
        amount: stake(rulebook, approval),
        connection: connection.as_ref(),
    };
    rulebook.owner_of(asking(intent), happened, missed, now).unwrap_or_else(|| Answerable {
        route: "none".to_owned(),
        owner: last_resort(rulebook, intent),
        due: now.plus(FALLBACK_WITHIN),
        closes_when: Vec::new(),
    })
}

/// An intent type that is not installed any more leaves the requester's manager, and at the head of
/// the house the requester: somebody always answers.
fn last_resort(rulebook: &Rulebook, intent: &Intent) -> PersonId {
    rulebook.directory().manager(&intent.requester, 1).unwrap_or_else(|| intent.requester.clone())
}

fn asking(intent: &Intent) -> Asking<'_> {
    Asking { requester: &intent.requester, intent_type: &intent.intent_type, tokens: &intent.tokens }
}

fn stake(rulebook: &Rulebook, approval: &Approval) -> Option<Money> {
    let schema = rulebook.intent_type(&approval.intent.intent_type)?;
    match &approval.stage {
        Stage::Seated { case, .. } | Stage::Executing { case, .. } => {
            schema.stake_with(&approval.intent.tokens, &case.facts)
        }
        Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Closed(_) => {
            schema.stake_of(&approval.intent.tokens)
        }
    }
}

fn connection_of(approval: &Approval, effect: EffectId) -> Option<ConnectionName> {
    let Stage::Executing { case, .. } = &approval.stage else { return None };
    case.writes.iter().find(|planned| planned.effect == effect).map(|planned| planned.connection.clone())
}
