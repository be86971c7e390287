//! What a change must pass: at the door, when it is prepared, and at every vote.

use super::evidence::{Again, Change, FINDINGS_MAX, REGIONS_MAX, Tally, WORDS_MAX};
use super::{Asked, BASE_BYTES_MAX, POLICY_CHANGE_BYTES_MAX};
use crate::approval::Intent;
use crate::approval::refusal::Refusal;
use crate::document::{Fault, Faults, SourceFile};
use crate::hash::Digest;
use crate::id::{IntentTypeName, PersonId};
use crate::policy::check::{self, Checked};
use crate::policy::diff::{self, Diff};
use crate::policy::lint::{Finding, Level};
use crate::policy::stop::Stop;
use crate::policy::{self, Policy};
use crate::rulebook::{Published, ROUTES_FILE, Rulebook, Turn, same_document};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// One thing that was found in a change, as it is shown and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Path of the file.
    pub file: String,
    /// Line, from 1; 0 where it is about the whole file.
    #[serde(default)]
    pub line: u32,
    /// How much it weighs.
    pub level: Level,
    /// What it is, in a word that does not change.
    pub kind: String,
    /// What is wrong.
    pub message: String,
    /// One intent that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// What to try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Found {
    /// Something that keeps a change from being published.
    pub(crate) fn error(file: impl Into<String>, line: u32, kind: &str, message: impl Into<String>) -> Found {
        Found {
            file: file.into(),
            line,
            level: Level::Error,
            kind: kind.to_owned(),
            message: message.into(),
            witness: None,
            advice: None,
        }
    }

    pub(crate) fn with_advice(self, advice: impl Into<String>) -> Found {
        Found { advice: Some(advice.into()), ..self }
    }

    pub(crate) fn of_fault(fault: Fault) -> Found {
        Found { advice: fault.help, ..Found::error(fault.file, fault.line, "fault", fault.message) }
    }

    /// What a check found, with its words cut where they are longer than what is kept of them.
    #[must_use]
    pub fn of_finding(finding: &Finding) -> Found {
        Found {
            file: finding.file.clone(),
            line: finding.line,
            level: finding.level,
            kind: finding.kind.to_owned(),
            message: cut(&finding.message),
            witness: finding.witness.as_deref().map(cut),
            advice: finding.advice.as_deref().map(cut),
        }
    }

    /// The same with the published document called as its author knows it.
    pub(crate) fn named(self, path: &str, name: &str) -> Found {
        if self.file == path { Found { file: name.to_owned(), ..self } } else { self }
    }

    /// Where it is: file and line.
    #[must_use]
    pub fn place(&self) -> String {
        if self.line == 0 { self.file.clone() } else { format!("{}:{}", self.file, self.line) }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} {}: {}", self.place(), self.level, self.kind, self.message)
    }
}

/// Places and reasons in one line, for a detail that is a text.
#[must_use]
pub fn places(found: &[Found]) -> String {
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn cut(text: &str) -> String {
    text.chars().take(WORDS_MAX).collect()
}

/// The set with the change in it, before its examples are believed.
struct Examined {
    policy: Policy,
    checked: Checked,
    again: Option<Again>,
}

/// Whether a change may be asked for.
///
/// # Errors
/// [`Refusal::Change`] with every finding if the changed set would not check;
/// [`Refusal::Warnings`] with those that nobody answers for.
pub fn admit(rulebook: &Rulebook, intent: &Intent, now: Timestamp) -> Result<(), Refusal> {
    let examined = examine(rulebook, intent, now).map_err(Refusal::Change)?;
    // What has been in force before was answered for then.
    if examined.again.is_some() {
        return Ok(());
    }
    let accept = Asked::of(&intent.tokens).map(|asked| asked.accept).unwrap_or_default();
    let open = |finding: &&Finding| finding.level == Level::Warning && !accept.contains(finding.kind);
    let open: Vec<Found> = examined.checked.findings.iter().filter(open).map(Found::of_finding).collect();
    if open.is_empty() { Ok(()) } else { Err(Refusal::Warnings(open)) }
}

/// The evidence of a change that passed the door. `conflicted` are those who have an open intent of
/// the changed type.
///
/// # Errors
/// Every finding, if the set would not check any more: something else was published since.
pub fn evidence(
    rulebook: &Rulebook,
    intent: &Intent,
    conflicted: BTreeSet<PersonId>,
    now: Timestamp,
) -> Result<Change, Vec<Found>> {
    let Examined { policy, checked, again } = examine(rulebook, intent, now)?;
    let asked = Asked::of(&intent.tokens);
    let before = rulebook.policy(&policy.intent, now);
    let findings = checked.findings.iter().take(FINDINGS_MAX).map(Found::of_finding).collect();
    let warned = |kind: &str| {
        checked.findings.iter().any(|finding| finding.level == Level::Warning && finding.kind == kind)
    };
    let accepted = asked.iter().flat_map(|asked| &asked.accept).filter(|kind| warned(kind));
    let noticed = checked.mutants.iter().filter(|mutant| !mutant.noticed_by.is_empty()).count();
    Ok(Change {
        of: policy.intent.clone(),
        version: policy.version,
        effective: policy.effective,
        owner: policy.owner.clone(),
        owner_before: before.map(|before| before.owner.clone()),
        before: before.map(Policy::version),
        again,
        findings,
        findings_total: checked.findings.len(),
        accepted: accepted.map(|kind| (*kind).to_owned()).collect(),
        examples: Tally { passed: checked.passing, of: checked.examples },
        mutants: Tally { passed: noticed, of: checked.mutants.len() },
        promises: checked.promises.iter().map(|kept| cut(&kept.to_string())).collect(),
        diff: before.map(|before| bounded(diff::diff(before, &policy, &Stop::never()))),
        backtest: None,
        conflicted: conflicted.into_iter().collect(),
    })
}

/// A difference that fits into an entry.
fn bounded(mut diff: Diff) -> Diff {
    diff.all &= diff.changed.len() <= REGIONS_MAX;
    diff.changed.truncate(REGIONS_MAX);
    for changed in &mut diff.changed {
        for text in [&mut changed.region, &mut changed.was, &mut changed.now, &mut changed.witness] {
            *text = cut(text);
        }
    }
    diff.inputs.iter_mut().for_each(|input| *input = cut(input));
    diff
}

/// Whether what was prepared still is what would become active.
///
/// # Errors
/// [`Refusal::ChangeOvertaken`] if the version in force or the new one is another one than the
/// approvers saw; [`Refusal::Change`] if the set does not check any more.
pub fn confirm(rulebook: &Rulebook, intent: &Intent, change: &Change, now: Timestamp) -> Result<(), Refusal> {
    if rulebook.policy(&change.of, now).map(Policy::version) != change.before {
        return Err(Refusal::ChangeOvertaken(change.of.to_string()));
    }
    let Some(published) = proposed(rulebook, intent, change.version, now) else {
        return Err(Refusal::ChangeOvertaken(change.of.to_string()));
    };
    let changed = rulebook.publish(published, now);
    let changed =
        changed.map_err(|faults| Refusal::Change(faults.into_iter().map(Found::of_fault).collect()))?;
    match own_turn(&changed, intent, &change.of) {
        Some(turn) if turn.version == change.version => Ok(()),
        Some(_) | None => Err(Refusal::ChangeOvertaken(change.of.to_string())),
    }
}

/// The change as if it had become active now.
fn proposed(rulebook: &Rulebook, intent: &Intent, version: Digest, now: Timestamp) -> Option<Published> {
    let asked = Asked::of(&intent.tokens)?;
    Some(Published {
        intent: intent.id,
        base: rulebook.base_of(&asked.of),
        of: asked.of,
        version,
        document: asked.document.to_owned(),
        author: intent.requester.clone(),
        by: Vec::new(),
        reason: asked.reason.to_owned(),
        at: now,
    })
}

fn own_turn<'a>(rulebook: &'a Rulebook, intent: &Intent, of: &IntentTypeName) -> Option<&'a Turn> {
    let own = |turn: &&Turn| turn.published.as_ref().is_some_and(|published| published.intent == intent.id);
    rulebook.turns(of).iter().find(own)
}

fn examine(rulebook: &Rulebook, intent: &Intent, now: Timestamp) -> Result<Examined, Vec<Found>> {
    let no_tokens = || vec![Found::error("tokens", 0, "tokens", "these are no tokens of a policy change")];
    let asked = Asked::of(&intent.tokens).ok_or_else(no_tokens)?;
    let name = format!("{}.policy.md", asked.of);
    let again = known(rulebook, &asked);
    before_reading(rulebook, &asked, &name, again.is_some())?;
    let published = proposed(rulebook, intent, Digest::ZERO, now).ok_or_else(no_tokens)?;
    let bytes = published.base.iter().fold(0_usize, |sum, file| sum.saturating_add(file.text.len()));
    if BASE_BYTES_MAX < bytes {
        let message = format!(
            "the files of `{}` hold {bytes} bytes; at most {BASE_BYTES_MAX} can be replaced",
            asked.of
        );
        let found = Found::error(name, 0, "too-large", message);
        return Err(vec![found.with_advice("take versions away that are not in force any more")]);
    }
    let path = published.path();
    let changed = rulebook.draft_with(published, now).map_err(|faults| {
        let found = faults.into_iter().map(Found::of_fault);
        found.map(|found| found.named(&path, &name)).collect::<Vec<_>>()
    })?;
    let policy = own_turn(&changed, intent, &asked.of)
        .and_then(|turn| changed.policy_version(&asked.of, &turn.version))
        .ok_or_else(|| {
            vec![Found::error(&name, 0, "unread", "the document was read but is no policy of the set")]
        })?;
    if rulebook.policy(&asked.of, now).map(Policy::version) == Some(policy.version) {
        let found = Found::error(&name, 0, "unchanged", "this version is in force already");
        return Err(vec![found.with_advice("change a row, a guard or a route, and the effective date")]);
    }
    let mut policy = policy.clone();
    policy.path.clone_from(&name);
    let checked = check::check(&changed, &policy, now, []).ok_or_else(no_tokens)?;
    if checked.findings.iter().any(|finding| finding.level == Level::Error) {
        return Err(checked.findings.iter().map(Found::of_finding).collect());
    }
    Ok(Examined { policy, checked, again })
}

/// The earlier time of being in force, if the document is one that the host knows.
fn known(rulebook: &Rulebook, asked: &Asked<'_>) -> Option<Again> {
    let same = |turn: &&Turn| {
        let text = rulebook.document(&asked.of, &turn.version);
        text.is_some_and(|text| same_document(text, asked.document))
    };
    let turn = rulebook.turns(&asked.of).iter().rev().find(same)?;
    Some(Again { intent: turn.published.as_ref().map(|published| published.intent), since: turn.since })
}

/// What can be said before the whole set is read.
fn before_reading(rulebook: &Rulebook, asked: &Asked<'_>, name: &str, again: bool) -> Result<(), Vec<Found>> {
    let mut found = Vec::new();
    let of = &asked.of;
    let types: Vec<&str> = rulebook
        .intent_types()
        .map(|known| known.name.as_str())
        .filter(|known| !crate::built_in::NAMES.contains(known))
        .collect();
    if !types.contains(&of.as_str()) {
        let error = Found::error(name, 0, "intent", format!("there is no intent type `{of}` with a policy"));
        found.push(error.with_advice(format!("one of {}", types.join(", "))));
    }
    if POLICY_CHANGE_BYTES_MAX < asked.document.len() {
        let message = format!(
            "the document has {} bytes; at most {POLICY_CHANGE_BYTES_MAX} are taken",
            asked.document.len()
        );
        found.push(Found::error(name, 0, "too-large", message));
        return Err(found);
    }
    let file = SourceFile { path: name.to_owned(), text: asked.document.to_owned() };
    let mut faults = Faults::new(name);
    let head = policy::head(&file, &mut faults);
    found.extend(faults.into_list().into_iter().map(Found::of_fault));
    if let Some(head) = head {
        if head.intent != *of {
            let message = format!("the document decides `{}`, not `{of}`", head.intent);
            found.push(Found::error(name, head.intent_line, "intent", message));
        }
        let twin = rulebook.policies().find(|old| old.intent == *of && old.effective == head.effective);
        if let Some(twin) = twin.filter(|_| !again) {
            let message = format!("version {} is effective on {} too", twin.version, head.effective);
            let advice =
                "set `effective` to another day; a day that has passed means from the moment of activation";
            found.push(Found::error(name, head.effective_line, "effective", message).with_advice(advice));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// What is said while `routes.md` does not have the route that decides changes.
pub(crate) fn no_route(route: &str) -> Refusal {
    let message = format!("there is no route `{route}`, so nobody can decide on a change");
    let advice = "add its row: whom `owner of policy`, need 1, within, backup, finally `decline`";
    Refusal::Change(vec![Found::error(ROUTES_FILE, 0, "route", message).with_advice(advice)])
}
