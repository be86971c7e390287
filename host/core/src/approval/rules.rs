//! What the life of an approval asks of the rulebook: who fills a seat, whose an exception is.

use super::seat::Because;
use super::{Approval, Intent};
use crate::exception::{Cause, Closure, Exception};
use crate::id::{ConnectionName, EffectId, PersonId};
use crate::money::Money;
use crate::people::{Asking, Filled, MANAGERS_MAX, Whom, most_of};
use crate::rulebook::{Answerable, Happening, Rulebook};
use crate::time::{Millis, Timestamp};

/// Time for an exception whose intent type is not installed any more.
const FALLBACK_WITHIN: Millis = Millis::hours(24);

/// Whether a person asked for it, themselves or by a machine: they decide nothing about it.
pub(super) fn asked(rulebook: &Rulebook, intent: &Intent, person: &PersonId) -> bool {
    rulebook.directory().has_asked(person, asking(intent))
}

/// Whether a person does what a requester does: themselves, or whoever answers for the machine that asked now.
pub(super) fn is_requester(rulebook: &Rulebook, intent: &Intent, person: &PersonId) -> bool {
    *person == intent.requester || person == intent.behind(rulebook.directory())
}

/// Who can fill a seat for `whom` now; `None` if nobody can.
pub(super) fn fill(
    rulebook: &Rulebook,
    intent: &Intent,
    whom: &Whom,
    taken: &[PersonId],
    now: Timestamp,
) -> Option<Filled> {
    rulebook.directory().fill(whom, asking(intent), taken, now)
}

/// The same for a seat in which these have decided, or had somebody decide in their place.
pub(super) fn fill_places(
    rulebook: &Rulebook,
    intent: &Intent,
    whom: &Whom,
    (taken, used): (&[PersonId], &[PersonId]),
    now: Timestamp,
) -> Option<Filled> {
    rulebook.directory().fill_places(whom, asking(intent), (taken, used), now)
}

/// When to look again whether somebody can fill a seat for `whom`.
pub(super) fn review(rulebook: &Rulebook, intent: &Intent, whom: &Whom, now: Timestamp) -> Option<Timestamp> {
    rulebook.directory().next_change(whom, asking(intent), now)
}

/// Why somebody cannot fill a seat any more.
pub(super) fn because(rulebook: &Rulebook, intent: &Intent, person: &PersonId, now: Timestamp) -> Because {
    rulebook.directory().because(person, asking(intent), now)
}

/// How long after `now` the claim on a seat for `whom` goes back; `None` if it is no pool's.
pub(super) fn claim_ends(rulebook: &Rulebook, whom: &Whom, now: Timestamp) -> Option<Timestamp> {
    let directory = rulebook.directory();
    directory.pool_of(whom).map(|pool| directory.due(&pool.claim_returns, &pool.calendar, now))
}

/// What an exception is about, for whoever looks for its owner.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) cause: Cause,
    pub(super) effect: Option<EffectId>,
    /// The connection, where it is about all of it.
    pub(super) connection: Option<&'a ConnectionName>,
    /// Who cannot close it, so it is never theirs.
    pub(super) barred: &'a [PersonId],
}

impl<'a> About<'a> {
    pub(super) fn of(exception: &'a Exception) -> About<'a> {
        About {
            cause: exception.cause,
            effect: exception.effect,
            connection: exception.connection.as_ref(),
            barred: &exception.barred,
        }
    }
}

/// Whose an exception is after it was missed `missed` times: the first owner, then the backups in
/// turn, then the fallback owner of the intent type for good.
pub(super) fn owner(
    rulebook: &Rulebook,
    approval: &Approval,
    about: About<'_>,
    missed: u32,
    now: Timestamp,
) -> Answerable {
    let intent = &approval.intent;
    let happened = Happening {
        cause: about.cause.as_str(),
        amount: stake(rulebook, approval),
        connection: connection(approval, about),
    };
    rulebook.owner_of(asking(intent), happened, (missed, about.barred), now).unwrap_or_else(|| Answerable {
        route: "none".to_owned(),
        owner: last_resort(rulebook, intent, about.barred),
        due: now.plus(FALLBACK_WITHIN),
        remind: now.plus(most_of(FALLBACK_WITHIN)),
        closes_when: Vec::new(),
    })
}

/// An intent type that is not installed any more leaves the requester's manager, and at the head of
/// the house the requester: somebody always answers.
fn last_resort(rulebook: &Rulebook, intent: &Intent, barred: &[PersonId]) -> PersonId {
    let (directory, requester) = (rulebook.directory(), intent.behind(rulebook.directory()));
    let mut above = (1..=MANAGERS_MAX).filter_map(|levels| directory.manager(requester, levels));
    above.find(|person| !barred.contains(person)).unwrap_or_else(|| rulebook.successor(requester))
}

fn asking(intent: &Intent) -> Asking<'_> {
    let (requester, answers) = (&intent.requester, intent.answers.as_slice());
    Asking { requester, answers, intent_type: &intent.intent_type, tokens: &intent.tokens }
}

fn stake(rulebook: &Rulebook, approval: &Approval) -> Option<Money> {
    let schema = rulebook.intent_type(&approval.intent.intent_type)?;
    let tokens = &approval.intent.tokens;
    approval.case().map_or_else(|| schema.stake_of(tokens), |case| schema.stake_with(tokens, &case.facts))
}

/// The connection that an exception is about, or over which its effect goes.
fn connection<'a>(approval: &'a Approval, about: About<'a>) -> Option<&'a ConnectionName> {
    let of_effect = || Some(&approval.planned(about.effect?)?.connection);
    about.connection.or_else(of_effect)
}

/// Whether a person who does not answer for an exception may close it in this way all the same: whoever looks after the
/// connection that it is about has what is stuck there tried again, or looked for, once it is whole. What else becomes
/// of the intent is for whoever answers.
pub(super) fn tries_again(
    rulebook: &Rulebook,
    approval: &Approval,
    exception: &Exception,
    (person, by): (&PersonId, Closure),
) -> bool {
    let about = connection(approval, About::of(exception));
    let theirs = about.is_some() && rulebook.directory().looks_after(person, about);
    theirs && exception.cause.is_of_connection() && matches!(by, Closure::Retry | Closure::Probe)
}
