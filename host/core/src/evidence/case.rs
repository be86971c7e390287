//! The connected chain of one case, from the intent to what its targets hold: each link says by which entries it stands,
//! and what of it must fit what other links say.
//!
//! Nothing but entries of the log is asked, so whoever has them makes the same chain. What the chain does not show is
//! whether a policy answers as it did (`countersign intent replay` does, with the rules at hand).

use crate::approval::event::{Actor, Entry, Event};
use crate::approval::{Approval, Authority, Case, Intent, Outcome, PlannedEffect, Stage, life};
use crate::canonical;
use crate::effect::attempt::Receipt;
use crate::effect::key::effect_id;
use crate::effect::life::EffectState;
use crate::effect::reconcile::Agreement;
use crate::hash::Digest;
use crate::id::{EffectId, ExceptionId, IntentId, PersonId};
use crate::seal::Seal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a link is about, in the order of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// What was asked for.
    Intent,
    /// The version of the policy.
    Policy,
    /// What the policy answered.
    Answer,
    /// What people decided.
    Decision,
    /// What was to be written.
    WritePlan,
    /// What was tried.
    Attempt,
    /// What the target said of it.
    Receipt,
    /// What the target held afterwards.
    Reconciliation,
    /// What the normal path could not settle.
    Exception,
    /// The end.
    End,
}

impl About {
    /// The words of it on a page.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            About::Intent => "intent",
            About::Policy => "policy version",
            About::Answer => "answer of the policy",
            About::Decision => "decision",
            About::WritePlan => "write plan",
            About::Attempt => "attempt",
            About::Receipt => "receipt",
            About::Reconciliation => "reconciliation",
            About::Exception => "exception",
            About::End => "end",
        }
    }
}

/// One link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What it is about.
    pub about: About,
    /// Places in the log of the entries that it stands by, counted from 1.
    pub entries: Vec<u64>,
    /// The moment of the first of them, in UTC.
    pub at: String,
    /// What they say, in words.
    pub says: String,
    /// What must fit.
    pub checks: Vec<Check>,
}

/// Two values that must be the same, and whether they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Of what, and where both stand.
    pub what: String,
    /// What the earlier link says.
    pub expected: String,
    /// What this one says.
    pub found: String,
    /// Whether it fits.
    pub holds: bool,
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// The intent.
    pub intent: IntentId,
    /// Where it stands.
    pub stage: String,
    /// Whether every check of every link holds.
    pub holds: bool,
    /// What a whole case has and this one lacks, so far.
    pub missing: Vec<String>,
    /// The links.
    pub links: Vec<Link>,
}

/// An entry of the case with its place in the log.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// Counted from 1.
    pub position: u64,
    /// What it says.
    pub entry: &'a Entry,
}

/// Where a version of a policy was published: more than once, where somebody went back to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The version.
    pub version: Digest,
    /// The intent that published it.
    pub intent: IntentId,
    /// Its entry that says so.
    pub position: u64,
}

/// The version that an entry pins the intent to.
fn pinned(event: &Event) -> Option<Digest> {
    if let Event::Submitted { policy, .. } | Event::Repinned { policy } = event {
        Some(*policy)
    } else {
        None
    }
}

/// Where a version was published last before an entry that pins to it.
fn publication_of(published: &[Publication], version: Digest, pin: u64) -> Option<&Publication> {
    let mut before = published.iter().filter(|one| one.version == version && one.position < pin);
    before.next_back()
}

/// Those of `published`, in the order of the log, that the entries of one life were pinned by.
#[must_use]
pub fn publications(entries: &[Placed<'_>], published: &[Publication]) -> Vec<Publication> {
    let pins = entries.iter().filter_map(|placed| Some((pinned(&placed.entry.event)?, placed.position)));
    let found = pins.filter_map(|(version, pin)| publication_of(published, version, pin));
    let once: BTreeMap<u64, &Publication> = found.map(|one| (one.position, one)).collect();
    once.into_values().cloned().collect()
}

/// Links the entries of one life. `published` says where versions of policies were published, in the order of the log.
///
/// # Errors
/// [`life::Misplaced`] if they are not those of one life in their order.
pub fn chain(entries: &[Placed<'_>], published: &[Publication]) -> Result<Chain, life::Misplaced> {
    let mut linking = Linking::of(published);
    let mut approval: Option<Approval> = None;
    for placed in entries {
        let before = approval.clone();
        let after = life::after(approval, placed.entry)?;
        linking.add(*placed, before.as_ref(), &after);
        approval = Some(after);
    }
    let Some(approval) = approval else {
        return Err(life::Misplaced { event: "nothing", stage: "nothing" });
    };
    linking.links.sort_by_key(|link| link.about);
    let holds = linking.links.iter().flat_map(|link| &link.checks).all(|check| check.holds);
    let missing = linking.missing(&approval);
    let stage = approval.stage.as_str().to_owned();
    Ok(Chain { intent: approval.intent.id, stage, holds, missing, links: linking.links })
}

struct Linking<'a> {
    published: &'a [Publication],
    links: Vec<Link>,
    /// What is sealed, and the entry that says so.
    sealed: Option<(u64, Seal)>,
    approved: Option<u64>,
    /// Who has a voice on what is sealed.
    voices: BTreeSet<PersonId>,
    landed: BTreeSet<EffectId>,
    /// What the last look at each write found, and the entry that says so.
    seen: BTreeMap<EffectId, (Agreement, u64)>,
    exceptions: BTreeMap<ExceptionId, usize>,
}

impl<'a> Linking<'a> {
    fn of(published: &'a [Publication]) -> Linking<'a> {
        Linking {
            published,
            links: Vec::new(),
            sealed: None,
            approved: None,
            voices: BTreeSet::new(),
            landed: BTreeSet::new(),
            seen: BTreeMap::new(),
            exceptions: BTreeMap::new(),
        }
    }

    fn link(&mut self, about: About, placed: Placed<'_>, says: String, checks: Vec<Check>) {
        let at = placed.entry.at.to_string();
        self.links.push(Link { about, entries: vec![placed.position], at, says, checks });
    }

    fn add(&mut self, placed: Placed<'_>, before: Option<&Approval>, after: &Approval) {
        self.of_intent(placed, before, after);
        self.of_answer(placed, before, after);
        self.of_decision(placed, before, after);
        self.of_effect(placed, before, after);
        self.of_exception(placed, after);
        if let Event::Closed = &placed.entry.event {
            self.link(About::End, placed, "nothing is open any more".to_owned(), Vec::new());
        }
    }

    fn of_intent(&mut self, placed: Placed<'_>, before: Option<&Approval>, after: &Approval) {
        let event = &placed.entry.event;
        let is_revision = before.is_none_or(|before| before.intent.revision != after.intent.revision);
        if is_revision {
            let intent = &after.intent;
            let tokens = canonical::to_vec(&intent.tokens).map(|bytes| Digest::of(&bytes).to_string());
            let says = format!(
                "revision {} of `{}` by `{}` (`{}`); SHA-256 of its tokens {}",
                intent.revision,
                intent.intent_type,
                intent.requester,
                event.as_str(),
                tokens.unwrap_or_else(|fault| fault.to_string()),
            );
            let mut checks = Vec::new();
            if let Some(before) = before {
                let same = "requester of every revision";
                checks.push(check(same, &before.intent.requester, &intent.requester));
            }
            self.link(About::Intent, placed, says, checks);
            (self.sealed, self.approved) = (None, None);
            self.voices.clear();
        }
        if let Some(policy) = pinned(event) {
            let (mut says, mut entries) = (format!("pinned to version {policy}"), vec![placed.position]);
            match publication_of(self.published, policy, placed.position) {
                Some(Publication { intent, position, .. }) => {
                    says.push_str(&format!(", which intent {intent} published (entry {position})"));
                    entries.push(*position);
                }
                None => says
                    .push_str(", which came with the files of the house: the log has no publication of it"),
            }
            self.link(About::Policy, placed, says, Vec::new());
            if let Some(link) = self.links.last_mut() {
                link.entries = entries;
            }
        }
    }

    fn of_answer(&mut self, placed: Placed<'_>, before: Option<&Approval>, after: &Approval) {
        let Some(before) = before else { return };
        let version =
            |found: &Digest| check("version of the policy: pinned, and that answered", &before.policy, found);
        if let Event::Evaluated { evaluation, .. } = &placed.entry.event {
            let says = format!("`{}`; no write is planned", answer(&evaluation.outcome));
            self.link(About::Answer, placed, says, vec![version(&evaluation.version)]);
        } else if let Event::Sealed { case } = &placed.entry.event {
            let says = format!("`{}`", answer(&case.evaluation.outcome));
            self.link(About::Answer, placed, says, vec![version(&case.evaluation.version)]);
            self.plan(placed, &after.intent, before.policy, case);
            self.sealed = Some((placed.position, case.seal));
        }
    }

    fn plan(&mut self, placed: Placed<'_>, intent: &Intent, policy: Digest, case: &Case) {
        let mut says: Vec<String> = case.writes.iter().map(planned).collect();
        if case.is_of_house() {
            says.push("a change of the house: its text and its evidence are sealed".to_owned());
        } else if says.is_empty() {
            says.push("nothing is to be written".to_owned());
        }
        let again = Seal::of(intent, policy, case.content());
        let again = again.map_or_else(|fault| fault.to_string(), |seal| seal.to_string());
        let what = "seal: on record, and made again of intent, policy version and write plan";
        let mut checks = vec![check(what, &case.seal, &again)];
        for write in &case.writes {
            let id = effect_id(intent.id, intent.revision, &write.binding, &write.what.subject);
            let what = format!("id of the effect at `{}`, which follows from the intent", write.connection);
            checks.push(check(what, &id, &write.effect));
        }
        self.link(About::WritePlan, placed, says.join("; "), checks);
    }

    /// What is decided on is what was sealed.
    fn same_seal(&self, found: Seal) -> Check {
        let (entry, sealed) =
            self.sealed.map_or((0, "none".to_owned()), |(entry, seal)| (entry, seal.to_string()));
        check(format!("seal: of the write plan (entry {entry}), and decided on"), &sealed, &found)
    }

    fn of_decision(&mut self, placed: Placed<'_>, before: Option<&Approval>, after: &Approval) {
        let event = &placed.entry.event;
        let asked = |person: &PersonId| apart(&after.intent, person);
        if let Event::Voted { person, rows, seal, .. } = event {
            let says = format!("`{person}` approves in {} of its seats", rows.len());
            let checks = vec![self.same_seal(*seal), asked(person), signed_in(placed.entry, person)];
            self.voices.insert(person.clone());
            self.link(About::Decision, placed, says, checks);
        } else if let Event::Carried { people, revision, .. } = event {
            let who: Vec<&str> = people.iter().map(PersonId::as_str).collect();
            let says = format!("the voices for revision {revision} hold: {}", who.join(", "));
            let checks = people.iter().map(asked).collect();
            self.voices.extend(people.iter().cloned());
            self.link(About::Decision, placed, says, checks);
        } else if let Event::Overridden { what, seal } = event {
            let says = format!(
                "`{}` decides against the policy: {} (`{}`)",
                what.by,
                what.instead.as_str(),
                what.reason
            );
            let checks = vec![self.same_seal(*seal), asked(&what.by)];
            self.link(About::Decision, placed, says, checks);
        } else if let Event::Approved { authority } = event {
            let (says, mut checks) = self.authority(authority, "approved");
            checks.extend(before.map(|before| founded(before, authority)).unwrap_or_default());
            self.approved = Some(placed.position);
            self.link(About::Decision, placed, says, checks);
        } else if let Event::Declined { authority, .. } = event {
            let (says, _) = self.authority(authority, "declined");
            self.link(About::Decision, placed, says, Vec::new());
        } else if let Event::Withdrawn { by } = event {
            self.link(About::Decision, placed, format!("withdrawn by `{by}`"), Vec::new());
        }
    }

    fn authority(&self, authority: &Authority, outcome: &str) -> (String, Vec<Check>) {
        let named = |people: &[PersonId]| {
            let people: BTreeSet<&str> = people.iter().map(PersonId::as_str).collect();
            people.into_iter().collect::<Vec<_>>().join(", ")
        };
        match authority {
            Authority::Policy => (format!("{outcome} by the policy"), Vec::new()),
            Authority::People(people) => {
                let silent: Vec<PersonId> =
                    people.iter().filter(|person| !self.voices.contains(person)).cloned().collect();
                let found = if silent.is_empty() { "nobody".to_owned() } else { named(&silent) };
                let what = "persons by whom it is approved, and who have no voice";
                (format!("{outcome} by {}", named(people)), vec![check(what, "nobody", &found)])
            }
            Authority::Override(person) => {
                (format!("{outcome} by `{person}` against the policy"), Vec::new())
            }
            Authority::FailOpen(people) => {
                let says =
                    format!("{outcome}: the policy could not be evaluated, and its owner lets it pass");
                let with =
                    if people.is_empty() { String::new() } else { format!(", with {}", named(people)) };
                (says + &with, Vec::new())
            }
        }
    }

    fn of_effect(&mut self, placed: Placed<'_>, before: Option<&Approval>, after: &Approval) {
        let event = &placed.entry.event;
        if let Event::Sending { effect, step, request } = event {
            let says = format!("step `{step}` of {effect} leaves; SHA-256 of what is sent {request}");
            let checks = self.allowed(placed, *effect, after);
            self.link(About::Attempt, placed, says, checks);
        } else if let Event::Attempted { effect, verdict, steps, .. } = event {
            let says = format!("an attempt at {effect} ends in {} steps: `{}`", steps.len(), state(verdict));
            let checks = self.allowed(placed, *effect, after);
            self.link(About::Attempt, placed, says, checks);
            self.receipt(placed, *effect, verdict, after);
        } else if let Event::Probed { effect, verdict, .. } = event {
            let says = format!("the target is asked for {effect}: `{}`", state(verdict));
            let checks = self.allowed(placed, *effect, after);
            self.link(About::Attempt, placed, says, checks);
            self.receipt(placed, *effect, verdict, after);
        } else if let Event::Replanned { effect, verdict, .. } = event {
            let says = format!("{effect} is planned anew, as its record was changed: `{}`", state(verdict));
            let checks = self.allowed(placed, *effect, after);
            self.link(About::Attempt, placed, says, checks);
            self.receipt(placed, *effect, verdict, after);
        } else if let Event::Reconciled { effect, agreement, fields, .. } = event {
            let mut says = format!("what {effect} wrote is read back: `{}`", agreement.as_str());
            if !fields.is_empty() {
                says.push_str(&format!(" ({})", fields.join(", ")));
            }
            let landed = if self.landed.contains(effect) { "yes" } else { "no" };
            let checks = vec![check("a receipt of the write stands before it", "yes", landed)];
            self.seen.insert(*effect, (*agreement, placed.position));
            self.link(About::Reconciliation, placed, says, checks);
        } else if let Event::UndoPlanned { effects } = event {
            let says = format!("{} writes are to be taken back", effects.len());
            self.link(About::WritePlan, placed, says, Vec::new());
        } else if let Event::ReAsserted { effect, plan, .. } = event {
            let says = format!("what {effect} wrote is written again: {} fields", plan.changes.len());
            let stands = before.is_some_and(|before| before.planned(*effect).is_some());
            let checks = vec![check("the write was sealed", "yes", if stands { "yes" } else { "no" })];
            self.link(About::WritePlan, placed, says, checks);
        }
    }

    /// Nothing is written before it was approved, and nothing but what was planned.
    fn allowed(&self, placed: Placed<'_>, effect: EffectId, after: &Approval) -> Vec<Check> {
        let order = match self.approved {
            Some(approved) if approved < placed.position => format!("after entry {approved}"),
            Some(_) | None => "not approved".to_owned(),
        };
        let expected =
            self.approved.map_or("after the approval".to_owned(), |at| format!("after entry {at}"));
        let known = if after.planned(effect).is_some() { "yes" } else { "no" };
        vec![
            check("order: after the approval", &expected, &order),
            check("the effect is one of the write plan", "yes", known),
        ]
    }

    fn receipt(&mut self, placed: Placed<'_>, effect: EffectId, verdict: &EffectState, after: &Approval) {
        let EffectState::Landed { receipt, .. } = verdict else { return };
        self.landed.insert(effect);
        let mut says = format!("{effect} landed: `{}`", receipt.subject);
        if let Some(id) = &receipt.vendor_request_id {
            says.push_str(&format!(", request `{id}` of the target"));
        }
        let otherwise = after.planned(effect).map(|planned| otherwise(planned, receipt)).unwrap_or_default();
        if !otherwise.is_empty() {
            says.push_str(&format!("; it says {}", otherwise.join(", ")));
        }
        let checks = self.allowed(placed, effect, after);
        self.link(About::Receipt, placed, says, checks);
    }

    fn of_exception(&mut self, placed: Placed<'_>, after: &Approval) {
        if let Event::ExceptionOpened { id, exception } = &placed.entry.event {
            let says = format!(
                "{id}, cause `{}`: `{}` answers for it until {}",
                exception.cause.as_str(),
                exception.owner,
                exception.due
            );
            self.exceptions.insert(*id, self.links.len());
            self.link(About::Exception, placed, says, Vec::new());
        } else if let Event::ExceptionClosed { id, closed, effects } = &placed.entry.event {
            for (effect, verdict) in effects {
                self.receipt(placed, *effect, verdict, after);
            }
            let Some(link) = self.exceptions.get(id).and_then(|at| self.links.get_mut(*at)) else { return };
            link.entries.push(placed.position);
            let who = closed.person.as_ref().map_or("the engine", PersonId::as_str);
            link.says.push_str(&format!("; closed at {} by `{who}`: `{}`", closed.at, closed.by.as_str()));
            let known = after.exceptions.get(id);
            if let Some((person, known)) = closed.person.as_ref().zip(known) {
                let barred = known.barred.contains(person);
                let found = if barred { "barred" } else { "not barred" };
                link.checks.push(check(format!("`{person}` closes it"), "not barred", found));
            }
        }
    }

    /// What a whole case has.
    fn missing(&self, approval: &Approval) -> Vec<String> {
        let mut missing = Vec::new();
        let mut lacks = |what: &str| missing.push(what.to_owned());
        match &approval.stage {
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Seated { .. } => lacks("a decision: it is open"),
            Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => {}
            Stage::Executing { case, effects, .. } | Stage::Closed(Outcome::Done { case, effects, .. }) => {
                for planned in &case.writes {
                    let stands = effects.get(&planned.effect);
                    let name = format!("`{}` at `{}`", planned.binding, planned.connection);
                    match stands {
                        Some(EffectState::Landed { .. }) => {}
                        Some(EffectState::GivenUp) => lacks(&format!("a receipt of {name}: it was given up")),
                        Some(
                            EffectState::Waiting
                            | EffectState::Ready { .. }
                            | EffectState::Sent { .. }
                            | EffectState::Probing { .. }
                            | EffectState::Held { .. },
                        )
                        | None => lacks(&format!("a receipt of {name}: it is open")),
                    }
                }
            }
        }
        for effect in approval.watches.keys() {
            match self.seen.get(effect) {
                None => lacks(&format!("a reconciliation of {effect}: it was not read back yet")),
                Some((Agreement::True, _)) => {}
                Some((
                    found @ (Agreement::Late | Agreement::Drifted | Agreement::Gone | Agreement::Unreadable),
                    entry,
                )) => lacks(&format!(
                    "agreement of {effect} with its target: `{}` at the last look (entry {entry})",
                    found.as_str()
                )),
            }
        }
        let open = approval.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
        for (id, exception) in open {
            lacks(&format!("the end of exception {id}: `{}` answers for it", exception.owner));
        }
        missing
    }
}

fn check(
    what: impl Into<String>,
    expected: &(impl ToString + ?Sized),
    found: &(impl ToString + ?Sized),
) -> Check {
    let (expected, found) = (expected.to_string(), found.to_string());
    Check { what: what.into(), holds: expected == found, expected, found }
}

/// Whoever decides is not who asked.
fn apart(intent: &Intent, person: &PersonId) -> Check {
    let asked = *person == intent.requester || intent.answers.contains(person);
    let found = if asked { "asked for it" } else { "did not ask for it" };
    check(format!("`{person}` decides"), "did not ask for it", found)
}

/// The entry was caused by the person whom it names.
fn signed_in(entry: &Entry, person: &PersonId) -> Check {
    let by = match &entry.by {
        Actor::Person(by) => by.to_string(),
        Actor::Engine => "the engine".to_owned(),
        Actor::Timer => "a timer".to_owned(),
    };
    check("who caused the entry, and whose decision it is", person, &by)
}

fn planned(write: &PlannedEffect) -> String {
    let changes: Vec<String> = write
        .plan
        .changes
        .iter()
        .map(|change| format!("{} from {} to {}", change.name, change.before, change.after))
        .collect();
    let digest = canonical::to_vec(&write.plan).map(|bytes| Digest::of(&bytes).to_string());
    format!(
        "{} at `{}` (`{}`, {}): {}; SHA-256 of the plan {}",
        write.effect,
        write.connection,
        write.what.operation,
        write.plan.subject,
        changes.join(", "),
        digest.unwrap_or_else(|fault| fault.to_string()),
    )
}

/// What the target says that it holds, where it says so in other words than was approved. Only a reconciliation compares
/// what it holds with what was approved: a target may spell 75 as 75.00 in its answer.
fn otherwise(planned: &PlannedEffect, receipt: &Receipt) -> Vec<String> {
    let said = |name: &str| receipt.applied.iter().find(|field| field.name == name).map(|field| &field.value);
    let compared = planned.plan.changes.iter().filter_map(|change| Some((change, said(&change.name)?)));
    let otherwise = compared.filter(|(change, said)| change.after != **said);
    otherwise.map(|(change, said)| format!("`{}` as {said} for {}", change.name, change.after)).collect()
}

/// That an approval follows from what stood before it: from the answer of the policy, filled seats or an override.
fn founded(before: &Approval, authority: &Authority) -> Vec<Check> {
    let yes = |holds: bool| if holds { "yes" } else { "no" };
    let Stage::Seated { case, seats } = &before.stage else {
        return vec![check("a write plan is decided about", "yes", "no")];
    };
    match authority {
        Authority::Policy => vec![
            check("answer of the policy", "approve", answer(&case.evaluation.outcome)),
            check("no council decides", "yes", yes(case.council.is_none())),
        ],
        Authority::People(people) => {
            vec![check("every seat is filled", "yes", yes(!people.is_empty() && seats.are_filled()))]
        }
        Authority::Override(person) => {
            let by = before.overridden.as_ref().map(|overridden| overridden.what.by.to_string());
            vec![check("who overrides the policy", person, &by.unwrap_or_else(|| "nobody".to_owned()))]
        }
        Authority::FailOpen(people) => vec![
            check("the policy could not be evaluated", "yes", yes(before.failed_open.is_some())),
            check("every seat is filled", "yes", yes(people.is_empty() || seats.are_filled())),
        ],
    }
}

fn answer(outcome: &crate::policy::Outcome) -> &'static str {
    match outcome {
        crate::policy::Outcome::Approve => "approve",
        crate::policy::Outcome::Deny => "deny",
        crate::policy::Outcome::Needs(_) => "needs people",
        crate::policy::Outcome::Unsure(_) => "unsure",
    }
}

fn state(verdict: &EffectState) -> &'static str {
    match verdict {
        EffectState::Waiting => "waiting",
        EffectState::Ready { .. } => "to be tried again",
        EffectState::Sent { .. } => "sent",
        EffectState::Probing { .. } => "unknown: the target is asked",
        EffectState::Landed { .. } => "landed",
        EffectState::Held { .. } => "held: a person must say what happens",
        EffectState::GivenUp => "given up",
    }
}

#[cfg(test)]
#[path = "case_tests.rs"]
mod tests;
