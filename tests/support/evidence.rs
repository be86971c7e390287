//! What a population says of a log, compared with the approvals that the same log makes: outcomes one by one, and that
//! nothing is missing or there twice. The links of every case fit together, and nobody did what is for two persons.

use countersign_core::approval::event::{Entry, Event};
use countersign_core::approval::{Approval, Outcome, Stage, life};
use countersign_core::effect::life::EffectState;
use countersign_core::evidence::Seen;
use countersign_core::evidence::case::{Placed, chain};
use countersign_core::evidence::duties::{Duties, Meaning, Rule, Told};
use countersign_core::evidence::population::{Fates, Of, Picker, Query, Tally};
use countersign_core::hash::Digest;
use countersign_core::id::{EffectId, IntentId};
use std::collections::{BTreeMap, BTreeSet};

/// Shows every entry with its place.
fn walk<'a>(
    entries: &'a [(IntentId, Entry)],
    mut see: impl FnMut(Seen<'a>) -> Result<(), String>,
) -> Result<(), String> {
    let mut sequences: BTreeMap<IntentId, u64> = BTreeMap::new();
    for (position, (intent, entry)) in (1..).zip(entries) {
        let sequence = sequences.entry(*intent).or_default();
        *sequence += 1;
        see(Seen { position, intent: *intent, sequence: *sequence, digest: Digest::ZERO, entry })?;
    }
    Ok(())
}

/// Compares the populations of a log with its approvals.
///
/// # Errors
/// What differs.
pub fn compare(entries: &[(IntentId, Entry)]) -> Result<(), String> {
    let mut fates = Fates::default();
    let mut approvals: BTreeMap<IntentId, Approval> = BTreeMap::new();
    let mut begun: BTreeSet<EffectId> = BTreeSet::new();
    walk(entries, |seen| {
        fates.take(seen).map_err(|fault| fault.to_string())?;
        let before = approvals.remove(&seen.intent);
        let after = life::after(before, seen.entry).map_err(|fault| fault.to_string())?;
        begun.extend(states(&after).map(|(effect, _)| effect));
        agrees(&fates, &after).map_err(|what| format!("after `{}`: {what}", seen.entry.event.as_str()))?;
        approvals.insert(seen.intent, after);
        Ok(())
    })?;
    hangs_together(entries)?;
    nobody_did_both(entries)?;
    let is = |wanted: fn(&Event) -> bool| entries.iter().filter(|(_, entry)| wanted(&entry.event)).count();
    let trials = approvals.values().filter(|approval| approval.intent.trial.is_some()).count();
    for (of, there) in [
        (Of::Intents, approvals.len()),
        (Of::Decisions, is(Event::decides)),
        (Of::Effects, begun.len()),
        (Of::Exceptions, is(|event| matches!(event, Event::ExceptionOpened { .. }))),
    ] {
        let (ids, tally) = picked(entries, of)?;
        let once: BTreeSet<&String> = ids.iter().collect();
        if once.len() != ids.len() || ids.len() as u64 != tally.count {
            return Err(format!("{} {} of the population are {}", tally.count, of.as_str(), once.len()));
        }
        let all = tally.count + tally.left_out.trials;
        if all != there as u64 || (of == Of::Intents && tally.left_out.trials != trials as u64) {
            return Err(format!("{} {} are counted, and there are {there}", all, of.as_str()));
        }
    }
    Ok(())
}

/// The links of every life fit together.
fn hangs_together(entries: &[(IntentId, Entry)]) -> Result<(), String> {
    let mut lives: BTreeMap<IntentId, Vec<Placed<'_>>> = BTreeMap::new();
    walk(entries, |seen| {
        lives.entry(seen.intent).or_default().push(Placed { position: seen.position, entry: seen.entry });
        Ok(())
    })?;
    for (id, life) in lives {
        let chain = chain(&life, &[]).map_err(|fault| fault.to_string())?;
        let broken = chain.links.iter().flat_map(|link| &link.checks).find(|check| !check.holds);
        if let Some(broken) = broken {
            return Err(format!("the links of {id} do not fit together: {broken:?}"));
        }
    }
    Ok(())
}

/// The host let nobody do what is for two.
fn nobody_did_both(entries: &[(IntentId, Entry)]) -> Result<(), String> {
    let mut duties = Duties::new(None, None);
    walk(entries, |seen| {
        let found = duties.take(Told::Intent(seen)).map_err(|fault| fault.to_string())?;
        match found.into_iter().find(|one| one.meaning == Meaning::Breach) {
            Some(breach) => Err(format!("a breach: {breach:?}")),
            None => Ok(()),
        }
    })?;
    let voices = entries.iter().filter(|(_, entry)| matches!(entry.event, Event::Voted { .. })).count();
    let looked_at = duties.counts()[&Rule::CountedTwice].looked_at;
    if looked_at as usize > voices {
        return Err(format!("{looked_at} voices are looked at, and there are {voices}"));
    }
    Ok(())
}

fn picked(entries: &[(IntentId, Entry)], of: Of) -> Result<(Vec<String>, Tally), String> {
    let mut fates = Fates::default();
    walk(entries, |seen| fates.take(seen).map_err(|fault| fault.to_string()))?;
    let query = Query { of, since: None, until: None, intent_type: None };
    let (mut picker, mut ids) = (Picker::new(query, fates), Vec::new());
    walk(entries, |seen| {
        let found = picker.take(seen).map_err(|fault| fault.to_string())?;
        ids.extend(found.into_iter().map(|item| item.id));
        Ok(())
    })?;
    Ok((ids, picker.tally()))
}

fn states(approval: &Approval) -> impl Iterator<Item = (EffectId, &EffectState)> {
    let effects = match &approval.stage {
        Stage::Executing { effects, .. } | Stage::Closed(Outcome::Done { effects, .. }) => Some(effects),
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Seated { .. }
        | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => None,
    };
    effects.into_iter().flatten().map(|(effect, state)| (*effect, state))
}

/// Whether what has become of one intent by now is what its approval says.
fn agrees(fates: &Fates, approval: &Approval) -> Result<(), String> {
    let id = approval.intent.id;
    let (may_be, is_over): (&[&str], bool) = match &approval.stage {
        Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Returned { .. } | Stage::Seated { .. } => {
            (&["open"], false)
        }
        // What is written again after the end stays done.
        Stage::Executing { .. } => (&["approved", "done"], false),
        Stage::Closed(Outcome::Done { .. }) => (&["done"], true),
        Stage::Closed(Outcome::Declined { .. }) => (&["declined"], true),
        Stage::Closed(Outcome::Withdrawn { .. }) => (&["withdrawn"], true),
    };
    let found = fates.of_intent(id).unwrap_or("missing");
    if !may_be.contains(&found) {
        return Err(format!("{id} is `{found}` in the population, not {may_be:?}"));
    }
    for (effect, state) in states(approval) {
        let found = fates.of_effect(id, effect).unwrap_or("missing");
        let may_be: &[&str] = match state {
            EffectState::Landed { .. } => &["landed"],
            // What is called off has no entry of its own until the end.
            EffectState::GivenUp if !is_over => &["given-up", "open"],
            EffectState::GivenUp => &["given-up"],
            EffectState::Waiting
            | EffectState::Ready { .. }
            | EffectState::Sent { .. }
            | EffectState::Probing { .. }
            | EffectState::Held { .. } => &["open"],
        };
        if !may_be.contains(&found) {
            return Err(format!("effect {effect} is `{found}` in the population, not {may_be:?}"));
        }
    }
    for (exception, known) in &approval.exceptions {
        let found = fates.of_exception(id, *exception).unwrap_or("missing");
        let expected = known.closed.as_ref().map_or("open", |closed| closed.by.as_str());
        let is_moot = found == "moot" && known.closed.as_ref().is_some_and(|closed| closed.person.is_none());
        if found != expected && !is_moot {
            let cause = known.cause.as_str();
            return Err(format!("exception {exception} (`{cause}`) is `{found}`, not `{expected}`"));
        }
    }
    Ok(())
}
