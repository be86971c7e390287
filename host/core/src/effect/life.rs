//! The life of an effect: what is known, what was seen, and so what happens next.
//!
//! [`next`] is the one table. The connector names a case; the table believes it only as far as the
//! wire allows, so a connector can make an outcome more careful and never less
//! (`host/docs/decisions/0004-the-wire-decides.md`).

use super::attempt::{
    Answer, AttemptEnd, Break, BreakKind, Detail, Ended, Failure, Finding, Guarantee, Receipt, Step,
};
use super::retry::{
    self, ATTEMPT_MAX, EFFECT_ATTEMPTS_MAX, EFFECT_PROBES_MAX, KEY_REPEATS_MAX, REPLANS_MAX, TRAPS_MAX,
};
use crate::hash::Digest;
use crate::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

/// Where an effect stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectState {
    /// Effects that it must come after have not landed.
    Waiting,
    /// To be attempted at `due`.
    Ready {
        /// When.
        due: Timestamp,
        /// What earlier attempts left behind.
        history: History,
    },
    /// A step was recorded as about to be sent and no verdict followed: either an attempt is
    /// running, or the host died in it.
    Sent {
        /// The step.
        step: String,
        /// When it was recorded.
        at: Timestamp,
        /// What earlier attempts left behind.
        history: History,
    },
    /// The outcome is open; the target is asked at `due`.
    Probing {
        /// When.
        due: Timestamp,
        /// When the last step was sent at the latest.
        sent: Timestamp,
        /// Probes so far that did not settle it.
        probes: u32,
        /// What earlier attempts left behind.
        history: History,
    },
    /// Done: the target holds it.
    Landed {
        /// The target's proof.
        receipt: Receipt,
        /// When we learned it.
        at: Timestamp,
    },
    /// A person must say what happens; an exception with an owner is open.
    Held {
        /// Why.
        cause: HeldCause,
        /// For people.
        detail: Detail,
        /// What earlier attempts left behind.
        history: History,
    },
    /// A person gave it up, with a reason that the exception holds.
    GivenUp,
}

impl EffectState {
    /// Whether nothing more happens to it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match self {
            EffectState::Landed { .. } | EffectState::GivenUp => true,
            EffectState::Waiting
            | EffectState::Ready { .. }
            | EffectState::Sent { .. }
            | EffectState::Probing { .. }
            | EffectState::Held { .. } => false,
        }
    }
}

/// What attempts that did not settle an effect leave behind for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    /// Attempts so far.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// Attempts in a row that broke inside the connector.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub breaks: u32,
    /// Attempts under the present idempotency keys whose outcome stayed open.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeats: u32,
    /// Generation of the idempotency keys.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u32,
    /// First time that a step left under the present keys, by a clock that is never set back: see
    /// [`clock::set_back`](crate::clock::set_back).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_sent: Option<Timestamp>,
    /// Since when an attempt under them may have been made that left no trace: see [`Terms::untraced`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untraced: Option<Timestamp>,
    /// When the target was last asked and held nothing of it, by the same clock; noted only where it was ever set back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Timestamp>,
    /// How often the log had been restored from a backup when the target was asked because of that.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub restored: u32,
    /// How often in a row it was to be planned anew because its record had been changed elsewhere.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub replans: u32,
    /// Whether it is planned anew before it is attempted again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub moved: bool,
    /// Whether a person had it sent once more although nobody knew whether it was in.
    #[serde(default, skip_serializing_if = "is_false")]
    pub vouched: bool,
}

impl History {
    /// The same after a step that may be in, or is while the rest is not.
    #[must_use]
    pub fn left_open(self, sent: Timestamp) -> History {
        History { first_sent: self.first_sent.or(Some(sent)), repeats: self.repeats.max(1), ..self }
    }

    /// The same where something may have left since then without a trace, if it is not known already.
    #[must_use]
    pub fn since(self, untraced: Option<Timestamp>) -> History {
        History { untraced: self.untraced.or(untraced), ..self }
    }

    /// Since when an attempt at what is due then may have begun, by a clock that is never set back.
    #[must_use]
    pub fn may_have_begun(self, due: Timestamp) -> Timestamp {
        self.absent.map_or(due, |absent| due.max(absent))
    }

    /// Whether nothing can be in, where every step is on record before it leaves.
    #[must_use]
    pub fn is_unsent(self, traced: bool) -> bool {
        traced && self.first_sent.is_none() && !self.vouched
    }

    /// The same under new keys, of which the target knows nothing.
    pub(crate) fn anew(self) -> History {
        let generation = self.generation.saturating_add(1);
        History { generation, repeats: 0, first_sent: None, untraced: None, vouched: false, ..self }
    }
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Why an effect needs a person. Each is a cause in the exception table of `routes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldCause {
    /// The target or the connector says that it will never work as asked.
    Rejected,
    /// The record moved under us.
    Conflict,
    /// Nobody can say whether it landed, and sending again could do it twice.
    Uncertain,
    /// Its budget of attempts or probes is spent.
    Exhausted,
    /// The credential or a permission is missing.
    Denied,
    /// The connector breaks again and again.
    Quarantined,
}

impl HeldCause {
    /// The cause as files and surfaces spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            HeldCause::Rejected => "rejected",
            HeldCause::Conflict => "conflict",
            HeldCause::Uncertain => "uncertain",
            HeldCause::Exhausted => "exhausted",
            HeldCause::Denied => "denied",
            HeldCause::Quarantined => "quarantined",
        }
    }
}

/// What the host saw leave, summed up over the steps of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Nothing left, or the target refused all of it for certain.
    Nothing,
    /// At least one step succeeded and none is open.
    Landed,
    /// At least one step may or may not have been taken.
    Open,
}

impl Wire {
    /// Sums up `steps`. A 408 and every 5xx leave a step open: targets send them after applying too.
    #[must_use]
    pub fn of(steps: &[Step]) -> Wire {
        steps.iter().fold(Wire::Nothing, |wire, step| {
            let seen = match step.answer {
                Answer::NotSent => Wire::Nothing,
                Answer::Unanswered | Answer::Answered { status: 408 | 500.. } => Wire::Open,
                Answer::Answered { status: 200..=299 } => Wire::Landed,
                Answer::Answered { status: _ } => Wire::Nothing,
            };
            match (wire, seen) {
                (Wire::Open, _) | (_, Wire::Open) => Wire::Open,
                (Wire::Landed, _) | (_, Wire::Landed) => Wire::Landed,
                (Wire::Nothing, Wire::Nothing) => Wire::Nothing,
            }
        })
    }
}

/// Whether any byte of a step left the host.
#[must_use]
pub fn left_the_host(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.answer != Answer::NotSent)
}

/// How far it reaches that a credential was refused, or that a connector broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Denial {
    /// To this effect: the connection is let in otherwise, and its connector does not break.
    #[default]
    Effect,
    /// To the whole connection, and nobody has been told.
    Connection,
    /// To the whole connection, and it will pass: somebody is seeing to it, or the credential is another one by
    /// now. The effect waits for that.
    Passing,
}

/// What is known of the target's side, beside the attempt itself.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// What the host may promise of the operation.
    pub guarantee: Guarantee,
    /// How long after the last send an `absent` can be believed.
    pub settle: Millis,
    /// Before which moment none can be: the clock was set forward since.
    pub unsettled_until: Timestamp,
    /// How long the target remembers an idempotency key.
    pub key_lifetime: Millis,
    /// How far the clock was ever set back: see [`clock::set_back`](crate::clock::set_back).
    pub set_back: Millis,
    /// How far it reaches that the credential was refused, or that the connector broke.
    pub denial: Denial,
    /// Whether it can be planned anew where its record was changed elsewhere: what takes something back cannot.
    pub replans: bool,
    /// Whether the write plan has no change: the target already holds what was asked for.
    pub nothing_to_write: bool,
    /// Since when an attempt may have been made that left no trace, as its host died in it: where a key makes repeats
    /// harmless no step is recorded before it leaves. `None` where every step is, or no key is forgotten.
    pub untraced: Option<Timestamp>,
    /// When the attempt or the probe began: nothing of it left before that, and what it says holds for then.
    pub began: Timestamp,
    /// The moment of the verdict.
    pub now: Timestamp,
    /// Random bits for jitter.
    pub chance: u128,
}

/// What happens next to an effect: the state that it goes to. Made here and nowhere else, recorded
/// in the log, applied by replay.
pub type Verdict = EffectState;

/// The verdict on one attempt. Total: every claim meets every wire.
#[must_use]
pub fn next(history: History, end: &AttemptEnd, terms: &Terms) -> Verdict {
    let wire = Wire::of(&end.steps);
    let left = left_the_host(&end.steps);
    // Later attempts say nothing of when the target first saw the key.
    let history = history.since(terms.untraced);
    if let (false, Some(rest), Ended::Failed(Failure::Transient { .. } | Failure::Uncertain(_))) =
        (left, end.held_back, &end.claim)
    {
        // It was the host that kept it from trying: that spends nothing of its budget.
        return EffectState::Ready {
            due: terms.now.plus(retry::delay(1, Some(rest), terms.chance)),
            history,
        };
    }
    let before = history;
    let history = History {
        attempts: history.attempts.saturating_add(1),
        breaks: if matches!(end.claim, Ended::Broke(_)) { history.breaks.saturating_add(1) } else { 0 },
        first_sent: history.first_sent.or(left.then_some(terms.unset(terms.began))),
        ..history
    };
    match (&end.claim, wire) {
        (Ended::Returned(receipt), Wire::Landed) => {
            EffectState::Landed { receipt: receipt.clone(), at: terms.now }
        }
        (Ended::Returned(receipt), Wire::Nothing) if terms.nothing_to_write => {
            EffectState::Landed { receipt: receipt.clone(), at: terms.now }
        }
        // A receipt for something that was not sent: perhaps it was there before. Look.
        (Ended::Returned(_), Wire::Nothing) => probe(history, terms.now, Millis(0)),
        (Ended::Returned(_), Wire::Open) => {
            uncertain(history, &Detail::new("unanswered", "a step was sent and not answered"), terms)
        }
        (Ended::Failed(failure), Wire::Open) => uncertain(history, failure.detail(), terms),
        (Ended::Failed(Failure::Transient { after, detail }), Wire::Nothing) => {
            retry(history, *after, detail, terms)
        }
        // An earlier step of the attempt is in: only a key or an upsert makes it safe to go on blindly.
        (Ended::Failed(Failure::Transient { detail, .. } | Failure::Uncertain(detail)), Wire::Landed) => {
            uncertain(history, detail, terms)
        }
        (Ended::Failed(Failure::Uncertain(detail)), Wire::Nothing) => {
            if left {
                uncertain(history, detail, terms)
            } else {
                retry(history, None, detail, terms)
            }
        }
        // What was sent before under this key may be in, whatever its repeat is told. Look.
        (Ended::Failed(Failure::Rejected { .. } | Failure::Conflict { .. }), Wire::Nothing)
            if 0 < history.repeats =>
        {
            probe(history, terms.now, Millis(0))
        }
        (Ended::Failed(Failure::Rejected { detail, .. }), Wire::Nothing) => {
            held(HeldCause::Rejected, detail.clone(), history)
        }
        // A part of it is in: no later refusal of another attempt says that nothing is.
        (Ended::Failed(Failure::Rejected { detail, .. }), Wire::Landed) => held(
            HeldCause::Rejected,
            partial(detail, &end.steps),
            history.left_open(terms.unset(terms.began)),
        ),
        // Our own earlier step may be what moved the record. Look before it is believed.
        (Ended::Failed(Failure::Conflict { .. }), Wire::Landed) => probe(history, terms.now, Millis(0)),
        (Ended::Failed(Failure::Conflict { detail, .. }), Wire::Nothing) => moved(history, detail, terms),
        (Ended::Failed(Failure::Denied(detail)), wire) => {
            let history =
                if wire == Wire::Landed { history.left_open(terms.unset(terms.began)) } else { history };
            let waiting = History { attempts: before.attempts, ..history };
            let waits = terms.denial == Denial::Passing;
            let waits = waits.then(|| unpaused(waiting, wire == Wire::Landed, terms)).flatten();
            waits.unwrap_or_else(|| held(HeldCause::Denied, detail.clone(), history))
        }
        (Ended::Broke(broke), Wire::Nothing) if !left => {
            let waiting = History { attempts: before.attempts, breaks: before.breaks, ..history };
            broken(history, waiting, broke, terms)
        }
        (Ended::Broke(broke), Wire::Nothing | Wire::Landed | Wire::Open) => {
            uncertain(history, &Detail::new("connector-broke", broke.message.clone()), terms)
        }
    }
}

/// The verdict on a probe. Total: every answer meets every budget.
#[must_use]
pub fn next_after_probe(
    history: History,
    sent: Timestamp,
    probes: u32,
    end: &Ended<Finding>,
    terms: &Terms,
) -> Verdict {
    let probes = probes.saturating_add(1);
    match end {
        Ended::Returned(Finding::Landed(receipt)) => {
            EffectState::Landed { receipt: receipt.clone(), at: terms.now }
        }
        Ended::Returned(Finding::Absent) => absent(history, sent, probes, terms),
        Ended::Returned(Finding::Unknown) => unsettled(
            history,
            sent,
            probes,
            &Detail::new("unknown", "the target does not say whether it landed"),
            terms,
        ),
        // Its outcome is open, so a blind effect is held as uncertain, whatever refuses to say.
        Ended::Failed(Failure::Denied(detail)) if terms.guarantee != Guarantee::Blind => match terms.denial {
            Denial::Effect => unsettled(history, sent, probes, detail, terms),
            Denial::Connection => held(HeldCause::Denied, detail.clone(), history),
            Denial::Passing => {
                let due = terms.now.plus(retry::delay(1, None, terms.chance));
                EffectState::Probing { due, sent, probes: probes.saturating_sub(1), history }
            }
        },
        Ended::Failed(failure) => unsettled(history, sent, probes, failure.detail(), terms),
        Ended::Broke(broke) => {
            let detail = Detail::new("connector-broke", broke.message.clone());
            match terms.denial {
                Denial::Connection if terms.guarantee != Guarantee::Blind => {
                    held(HeldCause::Quarantined, detail, history)
                }
                Denial::Passing if terms.guarantee != Guarantee::Blind => {
                    let due = terms.now.plus(retry::delay(1, None, terms.chance));
                    EffectState::Probing { due, sent, probes: probes.saturating_sub(1), history }
                }
                Denial::Effect | Denial::Connection | Denial::Passing => {
                    unsettled(history, sent, probes, &detail, terms)
                }
            }
        }
    }
}

/// Whether an attempt was refused, and nothing of it is in.
#[must_use]
pub fn is_refused(verdict: &Verdict, steps: &[Step]) -> bool {
    let refused = matches!(
        verdict,
        EffectState::Held { cause: HeldCause::Rejected, history: History { vouched: false, .. }, .. }
    );
    refused && Wire::of(steps) == Wire::Nothing
}

/// What becomes of an effect that is not to be sent any more, by the verdict that its attempt would have had: it is
/// looked for instead of being repeated, and it is over if nothing of it can be in. `traced` is whether every step is on
/// record before it leaves.
#[must_use]
pub fn called_off(verdict: Verdict, traced: bool, steps: &[Step], now: Timestamp) -> Verdict {
    let refused = Wire::of(steps) == Wire::Nothing;
    match verdict {
        EffectState::Ready { history, .. } if history.is_unsent(traced) => EffectState::GivenUp,
        EffectState::Ready { due, history } => EffectState::Probing { due, sent: now, probes: 0, history },
        EffectState::Held { cause: HeldCause::Rejected | HeldCause::Conflict, history, .. }
            if refused && !history.vouched =>
        {
            if traced {
                EffectState::GivenUp
            } else {
                probe(history, now, Millis(0))
            }
        }
        EffectState::Waiting
        | EffectState::Sent { .. }
        | EffectState::Probing { .. }
        | EffectState::Landed { .. }
        | EffectState::Held { .. }
        | EffectState::GivenUp => verdict,
    }
}

/// The same for one that was looked for: what is absent stays so.
#[must_use]
pub fn absent_for_good(verdict: Verdict, end: &Ended<Finding>) -> Verdict {
    match (end, &verdict) {
        (
            Ended::Returned(Finding::Absent),
            EffectState::Ready { .. } | EffectState::Held { cause: HeldCause::Exhausted, .. },
        ) => EffectState::GivenUp,
        (Ended::Returned(_) | Ended::Failed(_) | Ended::Broke(_), _) => verdict,
    }
}

/// The end that an attempt had when the host died in it: the ledger knows only that a step was
/// about to leave.
#[must_use]
pub fn interrupted(step: &str) -> AttemptEnd {
    AttemptEnd {
        claim: Ended::Broke(Break {
            kind: BreakKind::Deadline,
            message: "the host stopped during the attempt".to_owned(),
        }),
        steps: vec![Step { name: step.to_owned(), request: Digest::ZERO, answer: Answer::Unanswered }],
        held_back: None,
    }
}

/// The vendor's words, and which steps are in although the whole was refused.
fn partial(detail: &Detail, steps: &[Step]) -> Detail {
    let is_in = |step: &&Step| matches!(step.answer, Answer::Answered { status: 200..=299 });
    let landed: Vec<String> = steps.iter().filter(is_in).map(|step| format!("`{}`", step.name)).collect();
    let message = match landed.as_slice() {
        [] => return detail.clone(),
        [step] => format!("{}; in part it is written: step {step} is in", detail.message),
        steps => format!("{}; in part it is written: steps {} are in", detail.message, steps.join(", ")),
    };
    Detail { message, ..detail.clone() }
}

/// `absent` counts only once no late request can still arrive; then the next attempt has new keys.
fn absent(history: History, sent: Timestamp, probes: u32, terms: &Terms) -> Verdict {
    // A clock that was set back since says nothing of how long ago it was sent: counted from now on.
    let sent = sent.min(terms.now);
    let believable = sent.plus(terms.settle).max(terms.unsettled_until);
    // It was so when the target was asked: since then something may have arrived, however late this is judged.
    if terms.began < believable {
        // The clock may have been set since that moment was reckoned.
        let due = believable.min(terms.now.plus(terms.settle)).max(terms.now);
        return EffectState::Probing { due, sent, probes, history };
    }
    if terms.guarantee == Guarantee::Blind {
        let detail = Detail::new("absent", "the target does not hold it; sending again needs a person");
        return held(HeldCause::Uncertain, detail, history);
    }
    let absent = (Millis(0) < terms.set_back).then(|| terms.unset(terms.began));
    let history = History { absent, ..history.anew() };
    retry(history, None, &Detail::new("absent", "a probe found it absent"), terms)
}

fn unsettled(history: History, sent: Timestamp, probes: u32, detail: &Detail, terms: &Terms) -> Verdict {
    if EFFECT_PROBES_MAX <= probes {
        return held(HeldCause::Uncertain, detail.clone(), history);
    }
    let due = terms.now.plus(retry::delay(probes, None, terms.chance));
    EffectState::Probing { due, sent, probes, history }
}

/// The outcome is open: what is safe depends on what the target offers.
fn uncertain(history: History, detail: &Detail, terms: &Terms) -> Verdict {
    match terms.guarantee {
        Guarantee::ByKey | Guarantee::ByNaturalKey => {
            let first_sent = history.first_sent.unwrap_or(terms.unset(terms.began));
            let forgotten = terms.memory().may_lack(first_sent, terms.unset(terms.now));
            if !forgotten && history.repeats < KEY_REPEATS_MAX {
                let history = History { repeats: history.repeats.saturating_add(1), ..history };
                return retry(history, None, detail, terms);
            }
            probe(history, terms.now, Millis(0))
        }
        Guarantee::ByProbe => probe(history, terms.now, retry::delay(1, None, terms.chance)),
        Guarantee::Blind => held(HeldCause::Uncertain, detail.clone(), history),
    }
}

impl Terms {
    /// A moment up to now, by a clock that is never set back.
    fn unset(&self, at: Timestamp) -> Timestamp {
        at.min(self.now).plus(self.set_back)
    }

    fn memory(&self) -> Memory {
        Memory { guarantee: self.guarantee, key_lifetime: self.key_lifetime, set_back: self.set_back }
    }
}

/// What a target remembers of the keys that it was sent.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// What the host may promise of the operation.
    pub guarantee: Guarantee,
    /// How long the target remembers an idempotency key.
    pub key_lifetime: Millis,
    /// How far the clock was ever set back: see [`clock::set_back`](crate::clock::set_back).
    pub set_back: Millis,
}

impl Memory {
    /// Whether the target may have forgotten a key by the time that an attempt under it arrives. Both moments are by a
    /// clock that is never set back.
    fn may_lack(self, first_sent: Timestamp, now: Timestamp) -> bool {
        let arrives = now.plus(ATTEMPT_MAX);
        self.guarantee == Guarantee::ByKey && self.key_lifetime <= arrives.since(first_sent)
    }
}

/// Whether an effect that was due is looked for before it is attempted now.
///
/// Where a key makes repeats harmless, no step is recorded before it leaves, so an attempt that died with its host left
/// no trace: it may have begun as soon as it was due. If the key may be forgotten since, sending again could do it
/// twice. The same holds for what a person has tried again days later. `due` is by a clock that is never set back.
#[must_use]
pub fn is_looked_for_first(due: Timestamp, history: History, memory: Memory, now: Timestamp) -> bool {
    let seen = [history.first_sent, history.untraced].into_iter().flatten().min();
    memory.may_lack(seen.unwrap_or(history.may_have_begun(due)), now.plus(memory.set_back))
}

/// What becomes of an effect that a person has tried again.
///
/// Steps of it may be in, whatever held it, and one that a host left behind when it died may have come after the
/// refusal. Where the target can be asked it is asked first, and behind a key too once that was refused: a target may
/// answer with its refusal for ever, and only what is absent has new keys. Where asking has led to nothing the person's
/// word counts, and it counts at a target that offers nothing.
#[must_use]
pub fn again(history: History, cause: HeldCause, guarantee: Guarantee, now: Timestamp) -> Verdict {
    // That something is open under its keys is not forgotten.
    let history = History { attempts: 0, breaks: 0, repeats: history.repeats.min(1), replans: 0, ..history };
    // What it was planned on has changed since: it is looked at once more.
    let history = History { moved: history.moved || cause == HeldCause::Conflict, ..history };
    if cause == HeldCause::Uncertain {
        // The person's word stands in the place of the target's memory; the key stays, for a target that has it still.
        let history = History { first_sent: None, untraced: None, vouched: true, ..history };
        return EffectState::Ready { due: now, history };
    }
    let asks = match guarantee {
        Guarantee::ByProbe => true,
        Guarantee::ByKey => matches!(cause, HeldCause::Rejected | HeldCause::Conflict),
        Guarantee::ByNaturalKey | Guarantee::Blind => false,
    };
    if asks && history.first_sent.is_some() {
        return probe(history, now, Millis(0));
    }
    EffectState::Ready { due: now, history }
}

/// What waits for its connection to be let in again; `None` where an earlier step landed and nothing can be asked.
fn unpaused(history: History, landed: bool, terms: &Terms) -> Option<Verdict> {
    let delay = retry::delay(1, None, terms.chance);
    match terms.guarantee {
        Guarantee::ByProbe if landed => Some(probe(history, terms.now, delay)),
        Guarantee::Blind if landed => None,
        Guarantee::ByKey | Guarantee::ByNaturalKey | Guarantee::ByProbe | Guarantee::Blind => {
            Some(EffectState::Ready { due: terms.now.plus(delay), history })
        }
    }
}

/// Its record was changed elsewhere: it goes on if what would be written, and what was decided on, is still the same.
fn moved(history: History, detail: &Detail, terms: &Terms) -> Verdict {
    if !terms.replans || REPLANS_MAX <= history.replans {
        return held(HeldCause::Conflict, detail.clone(), history);
    }
    let history = History { replans: history.replans.saturating_add(1), moved: true, ..history };
    EffectState::Ready { due: terms.now.plus(retry::delay(history.replans, None, terms.chance)), history }
}

/// The connector broke before anything left. `waiting` is the same without this attempt.
fn broken(history: History, waiting: History, broke: &Break, terms: &Terms) -> Verdict {
    let detail = Detail::new("connector-broke", broke.message.clone());
    match terms.denial {
        Denial::Effect if history.breaks < TRAPS_MAX => retry(history, None, &detail, terms),
        Denial::Effect | Denial::Connection => held(HeldCause::Quarantined, detail, history),
        Denial::Passing => {
            EffectState::Ready { due: terms.now.plus(retry::delay(1, None, terms.chance)), history: waiting }
        }
    }
}

fn retry(history: History, wish: Option<Millis>, detail: &Detail, terms: &Terms) -> Verdict {
    if EFFECT_ATTEMPTS_MAX <= history.attempts {
        // One of them may be in, or one of before that a person had sent again: it is looked for, which has a budget of its
        // own, before a person is asked.
        if 0 < history.repeats || history.vouched {
            return probe(history, terms.now, Millis(0));
        }
        return held(HeldCause::Exhausted, detail.clone(), history);
    }
    let due = terms.now.plus(retry::delay(history.attempts, wish, terms.chance));
    EffectState::Ready { due, history }
}

/// The target is asked after a while whether it landed.
#[must_use]
pub fn probe(history: History, now: Timestamp, after: Millis) -> Verdict {
    EffectState::Probing { due: now.plus(after), sent: now, probes: 0, history }
}

fn held(cause: HeldCause, detail: Detail, history: History) -> Verdict {
    EffectState::Held { cause, detail, history }
}

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;
