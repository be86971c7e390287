//! What a change must pass: at the door, when it is prepared, and at every vote.

use super::compare::compare;
use super::evidence::AHEAD_MAX;
use super::gain::gainers;
use super::{
    Asked, DIFFERENCES_BYTES_MAX, DIFFERENCES_MAX, Difference, PublishedFile, SHARED_CHANGE_ROUTE,
    SharedChange, SharedFile, version_of, voices,
};
use crate::approval::Intent;
use crate::approval::refusal::Refusal;
use crate::document::{Layout, SourceFile};
use crate::id::{IntentTypeName, PersonId, PoolName};
use crate::intent::{self, TypeState};
use crate::policy::Policy;
use crate::publish::{BASE_BYTES_MAX, Found, POLICY_CHANGE_BYTES_MAX};
use crate::rulebook::outlook::{OUTLOOK_DAYS, Outlook};
use crate::rulebook::{Rulebook, layout};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// Fewest people who can decide on the next change: with one of them asking, another one is left.
const VOICES_MIN: usize = 2;

/// The set with the change in it.
struct Examined {
    changed: Rulebook,
    differences: Vec<Difference>,
}

/// Whether a change may be asked for.
///
/// # Errors
/// [`Refusal::Change`] with every finding if the changed set would not check, if the text says nothing otherwise than one
/// on record or more than whoever decides can read, and if nobody could decide on the next change.
pub fn admit(rulebook: &Rulebook, intent: &Intent, now: Timestamp) -> Result<(), Refusal> {
    examine(rulebook, intent, now).map(|_| ()).map_err(Refusal::Change)
}

/// The evidence of a change that passed the door. `conflicted` are those who have an open intent of the changed type.
///
/// # Errors
/// Every finding, if the set would not check any more: something else was published since.
pub fn evidence(
    rulebook: &Rulebook,
    intent: &Intent,
    conflicted: BTreeSet<PersonId>,
    now: Timestamp,
) -> Result<SharedChange, Vec<Found>> {
    let Examined { changed, differences } = examine(rulebook, intent, now)?;
    let asked = Asked::of(&intent.tokens).ok_or_else(no_tokens)?;
    let mut owners: Vec<PoolName> = Vec::new();
    for owner in [rulebook, &changed].into_iter().filter_map(|set| set.file_owner(&asked.file)) {
        if !owners.contains(owner) {
            owners.push(owner.clone());
        }
    }
    let mut without = conflicted;
    without.extend(gainers(rulebook, &changed));
    Ok(SharedChange {
        version: version_of(asked.document),
        before: rulebook.text_of(&asked.file).map(version_of),
        owners,
        differences,
        policies: read_anew(rulebook, &changed, now),
        drafts: drafts(rulebook, &changed),
        ahead: ahead(rulebook, &changed, now),
        conflicted: without.into_iter().collect(),
        file: asked.file,
    })
}

/// Whether what was prepared still is what would become active.
///
/// # Errors
/// [`Refusal::ChangeOvertaken`] if the text in force is another one than the approvers saw; [`Refusal::Change`] if the
/// set does not check any more.
pub fn confirm(
    rulebook: &Rulebook,
    intent: &Intent,
    seen: &SharedChange,
    now: Timestamp,
) -> Result<(), Refusal> {
    let overtaken = || Refusal::ChangeOvertaken(seen.file.to_string());
    if rulebook.text_of(&seen.file).map(version_of) != seen.before {
        return Err(overtaken());
    }
    let published = proposed(rulebook, intent, now).ok_or_else(overtaken)?;
    if published.file != seen.file || published.version != seen.version {
        return Err(overtaken());
    }
    let changed = rulebook.publish_file(published, now);
    changed.map(|_| ()).map_err(|faults| Refusal::Change(faults.into_iter().map(Found::of_fault).collect()))
}

fn no_tokens() -> Vec<Found> {
    let found = Found::error("tokens", 0, "file", "this names no file that policies share");
    vec![found.with_advice(
        "`file` is people.md, routes.md or NAME.intent.md; a policy is changed by `countersign policy publish`",
    )]
}

/// The change as if it had become active now.
fn proposed(rulebook: &Rulebook, intent: &Intent, now: Timestamp) -> Option<PublishedFile> {
    let asked = Asked::of(&intent.tokens)?;
    Some(PublishedFile {
        intent: intent.id,
        base: rulebook.file_base(&asked.file),
        version: version_of(asked.document),
        document: asked.document.to_owned(),
        file: asked.file,
        author: intent.requester.clone(),
        by: Vec::new(),
        reason: asked.reason.to_owned(),
        at: now,
    })
}

fn examine(rulebook: &Rulebook, intent: &Intent, now: Timestamp) -> Result<Examined, Vec<Found>> {
    let published = proposed(rulebook, intent, now).ok_or_else(no_tokens)?;
    let (file, path) = (published.file.clone(), published.path());
    let name = file.to_string();
    let one = |kind: &str, message: String, advice: &str| {
        vec![Found::error(name.as_str(), 0, kind, message).with_advice(advice)]
    };
    let bytes = published.document.len();
    if POLICY_CHANGE_BYTES_MAX < bytes {
        let message = format!("the text has {bytes} bytes; at most {POLICY_CHANGE_BYTES_MAX} are taken");
        return Err(one("too-large", message, "take away what is over, such as absences that have passed"));
    }
    let base = published.base.as_ref().map_or(0, |file| file.text.len());
    if BASE_BYTES_MAX < base {
        let message = format!("the file holds {base} bytes; at most {BASE_BYTES_MAX} can be replaced");
        return Err(one("too-large", message, "make the file shorter by hand before its first change"));
    }
    let read = |text: &str| {
        let source = SourceFile { path: name.clone(), text: text.to_owned() };
        layout(&source).map_err(|faults| faults.into_iter().map(Found::of_fault).collect::<Vec<_>>())
    };
    let after = read(&published.document)?;
    if let SharedFile::IntentType(of) = &file {
        let source = SourceFile { path: name.clone(), text: published.document.clone() };
        let found = intent::defined_by(&source);
        if let Some(found) = found.filter(|found| found != of) {
            let message = format!("the text defines intent type `{found}`, not `{of}`");
            return Err(one("intent", message, "propose it under the name of the type that it defines"));
        }
    }
    let before: Option<Layout> = rulebook.text_of(&file).and_then(|text| read(text).ok());
    let differences = compare(before.as_ref(), &after);
    // A house that wants two persons from now on puts a file on record as it is.
    if differences.is_empty() && published.base.is_none() {
        return Err(one(
            "unchanged",
            "this is what is in force already".to_owned(),
            "change a row or a word",
        ));
    }
    bounded(&differences, &one)?;
    let changed = rulebook.publish_file(published, now).map_err(|faults| {
        let found = faults.into_iter().map(Found::of_fault);
        found.map(|found| found.named(&path, &name)).collect::<Vec<_>>()
    })?;
    let effective = changed.shared().effective;
    if file == SharedFile::Routes && now < effective.begins() {
        let message =
            format!("the text is effective on {effective}, and a shared file counts from its approval on");
        return Err(one("effective", message, "set `effective` to a day that has come"));
    }
    still_decided(&changed, &file, &one)?;
    Ok(Examined { changed, differences })
}

type One<'a> = dyn Fn(&str, String, &str) -> Vec<Found> + 'a;

/// Whoever decides sees everything: what is more than one can read is not taken, and never shown in part.
fn bounded(differences: &[Difference], one: &One<'_>) -> Result<(), Vec<Found>> {
    let bytes = differences.iter().map(Difference::bytes).fold(0, usize::saturating_add);
    let count = differences.len();
    if DIFFERENCES_MAX < count || DIFFERENCES_BYTES_MAX < bytes {
        let message = format!(
            "the text says {count} things otherwise, in {bytes} bytes; at most {DIFFERENCES_MAX} in \
             {DIFFERENCES_BYTES_MAX} bytes can be read by whoever decides"
        );
        return Err(one("too-many", message, "change the file in parts"));
    }
    Ok(())
}

/// That the next change can be decided on, so that this one can be taken back.
fn still_decided(changed: &Rulebook, file: &SharedFile, one: &One<'_>) -> Result<(), Vec<Found>> {
    let owners: Vec<PoolName> = changed.file_owner(file).into_iter().cloned().collect();
    if VOICES_MIN <= voices(changed, &owners).len() {
        return Ok(());
    }
    let message = format!(
        "with it fewer than {VOICES_MIN} people could decide on the next change, so nobody could take it back"
    );
    let advice = format!("the route `{SHARED_CHANGE_ROUTE}` of `routes.md` must ask people who are there");
    Err(one("route", message, &advice))
}

/// The intent types whose policy is another version with the change.
fn read_anew(rulebook: &Rulebook, changed: &Rulebook, now: Timestamp) -> Vec<IntentTypeName> {
    let version = |set: &Rulebook, of: &IntentTypeName| set.policy(of, now).map(Policy::version);
    let names = changed.intent_types().map(|schema| &schema.name);
    names.filter(|of| version(rulebook, of) != version(changed, of)).cloned().collect()
}

/// The intent types that were live and are drafts with the change.
fn drafts(rulebook: &Rulebook, changed: &Rulebook) -> Vec<IntentTypeName> {
    let live = |of: &IntentTypeName| {
        rulebook.intent_type(of).is_some_and(|schema| rulebook.state_of(schema) == TypeState::Live)
    };
    let drafts = changed.intent_types().filter(|schema| changed.state_of(schema) == TypeState::Draft);
    drafts.map(|schema| &schema.name).filter(|of| live(of)).cloned().collect()
}

/// What lies ahead with the change and did not without it.
fn ahead(rulebook: &Rulebook, changed: &Rulebook, now: Timestamp) -> Outlook {
    let (before, after) = (rulebook.outlook(now, OUTLOOK_DAYS), changed.outlook(now, OUTLOOK_DAYS));
    Outlook {
        thin: fresh(after.thin, &before.thin),
        uncovered: fresh(after.uncovered, &before.uncovered),
        lone: fresh(after.lone, &before.lone),
    }
}

fn fresh<T: PartialEq>(after: Vec<T>, before: &[T]) -> Vec<T> {
    after.into_iter().filter(|found| !before.contains(found)).take(AHEAD_MAX).collect()
}
