//! The operation `store-version`: plan, attempt, look-up.
//!
//! Two steps: `store-version` writes the version under the effect's id, which nothing else ever
//! writes; `store-canonical` then replaces the canonical document if it is still the one that
//! was planned on. A stop between the two leaves a version that nobody reads and a canonical
//! document without the effect: the next attempt finds the version there and goes on.

use crate::contract::{APPROVAL_FIELDS, Contract, Redline};
use crate::repository::{self, API, Stored, canonical_path, version_path};
use countersign_sdk::{
    Answer, Context, Effect, Failure, Field, Finding, Proposal, Receipt, Value, WritePlan,
};
use std::collections::BTreeMap;

/// Stands for the effect in the plan, where it has no id yet; the plan shows only the wording.
const EFFECT_UNKNOWN: &str = "";

/// Most remarks that the host takes; the last one then counts the others.
const REMARKS_MAX: usize = 20;

/// Most characters of a clause that a remark repeats; a remark has at most 1,000 bytes.
const REMARK_CHARACTERS_MAX: usize = 70;

/// What will be written: the wording, the version, and what the history says of the approval.
pub(crate) fn plan(context: &Context<'_>, what: &Proposal) -> Result<WritePlan, Failure> {
    let stored = repository::contract(context, &what.subject.id)?;
    let now = stored.contract.snapshot(&stored.revision)?;
    let redlines = Redline::list(what.value("clauses"))?;
    if stored.contract.reads_as(&redlines)? {
        return Ok(WritePlan::update(&now, &[]));
    }
    let next = stored.contract.after(&redlines, EFFECT_UNKNOWN, &BTreeMap::new())?;
    let mut wanted =
        vec![Field::new("clauses", next.wording()?), Field::new("version", Value::Integer(next.version))];
    for name in APPROVAL_FIELDS {
        if let Some(word) = what.optional_text(name)? {
            wanted.push(Field::new(name, Value::Text(word.to_owned())));
        }
    }
    let mut plan = WritePlan::update(&now, &wanted);
    plan.remarks = remarks(&stored.contract, &next);
    Ok(plan)
}

/// One attempt.
pub(crate) fn apply(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    let stored = repository::contract(context, &effect.what.subject.id)?;
    if effect.plan.changes.is_empty() || stored.contract.holds(&effect.effect_id) {
        return receipt(effect, &stored);
    }
    let next = next_version(effect, &stored)?;
    keep_version(context, effect, &next)?;
    let answer = context
        .put(API, canonical_path(&next.contract_id))
        .header("if-match", &stored.revision)
        .json(&next)
        .step("store-canonical")?;
    if answer.status() == 412 {
        return Err(moved(&stored, "while it was written").answered(&answer));
    }
    answer.ok()?;
    // What the repository says now is the proof; what we sent is not.
    let written = match repository::contract(context, &next.contract_id) {
        Ok(written) => written,
        Err(failure) => return Err(unseen(&failure.detail().message)),
    };
    if written.contract.holds(&effect.effect_id) {
        receipt(effect, &written)
    } else {
        Err(unseen("the document that is there now does not name the effect"))
    }
}

/// The history of the canonical document says whether the effect landed.
pub(crate) fn probe(context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
    let stored = repository::contract(context, &effect.what.subject.id)?;
    if stored.contract.holds(&effect.effect_id) {
        Ok(Finding::Landed(receipt(effect, &stored)?))
    } else {
        Ok(Finding::Absent)
    }
}

/// The document that the sealed plan describes, made from the present one.
fn next_version(effect: &Effect, stored: &Stored) -> Result<Contract, Failure> {
    if effect.plan.revision.as_ref().is_some_and(|planned| *planned != stored.revision) {
        return Err(moved(stored, "since it was planned"));
    }
    // Some servers count entity tags in seconds, so equal tags are not trusted alone.
    let wording = stored.contract.wording()?;
    if effect.plan.changes.iter().any(|change| change.name == "clauses" && change.before != wording) {
        return Err(moved(stored, "since it was planned"));
    }
    let sealed = effect.sealed();
    let mut approval = BTreeMap::new();
    for name in APPROVAL_FIELDS {
        if let Some(word) = sealed.optional_text(name)? {
            approval.insert(name.to_owned(), word.to_owned());
        }
    }
    let redlines = Redline::list(effect.what.value("clauses"))?;
    let next = stored.contract.after(&redlines, &effect.effect_id, &approval)?;
    let holds = |name: &str, value: &Value| effect.plan.after(name).is_none_or(|after| after == value);
    if holds("clauses", &next.wording()?) && holds("version", &Value::Integer(next.version)) {
        Ok(next)
    } else {
        Err(Failure::bug("the redline does not lead to the planned wording"))
    }
}

/// The step `store-version`: the version under the effect's id. One that is there already is
/// ours; it is used if it is the same, and replaced if a new plan made it another.
fn keep_version(context: &Context<'_>, effect: &Effect, next: &Contract) -> Result<(), Failure> {
    let at = version_path(&next.contract_id, &effect.effect_id);
    let answer = context.put(API, &at).header("if-none-match", "*").json(next).step("store-version")?;
    if answer.status() != 412 {
        return stored_under(answer, &at);
    }
    let there = context.get(API, &at).read()?.ok()?;
    if serde_json::from_str::<Contract>(&there.text()).is_ok_and(|there| there == *next) {
        return Ok(());
    }
    let Some(tag) = there.etag() else {
        return Err(Failure::rejected(
            "no-entity-tag",
            format!("the repository gives no entity tag for `{at}`"),
        ));
    };
    let answer = context.put(API, &at).header("if-match", tag).json(next).step("replace-version")?;
    stored_under(answer, &at)
}

fn stored_under(answer: Answer, at: &str) -> Result<(), Failure> {
    // WebDAV says 409 when the folder above is missing: that is no conflict in our sense.
    if matches!(answer.status(), 404 | 409) {
        return Err(Failure::rejected(
            "no-folder",
            format!("the folder of `{at}` is missing: make the folder `versions` beside the contract"),
        )
        .answered(&answer));
    }
    answer.ok().map(|_| ())
}

/// What the repository holds now of the planned fields.
fn receipt(effect: &Effect, stored: &Stored) -> Result<Receipt, Failure> {
    let now = stored.contract.snapshot(&stored.revision)?;
    let applied = effect
        .plan
        .changes
        .iter()
        .map(|change| Field::new(&change.name, now.value(&change.name).clone()))
        .collect();
    let mut receipt = Receipt::new(now.subject, applied);
    receipt.revision = now.revision;
    Ok(receipt)
}

fn moved(stored: &Stored, when: &str) -> Failure {
    let message =
        format!("the contract `{}` was changed by someone else {when}", stored.contract.contract_id);
    match Failure::conflict("moved", message) {
        Failure::Conflict { detail, .. } => {
            Failure::Conflict { revision: Some(stored.revision.clone()), detail }
        }
        other => other,
    }
}

fn unseen(why: &str) -> Failure {
    Failure::uncertain("not-seen", format!("the contract was written but not seen again: {why}"))
}

/// A sentence for each clause that changes.
fn remarks(now: &Contract, next: &Contract) -> Vec<String> {
    let mut remarks = Vec::new();
    for clause in &now.clauses {
        match next.clause(&clause.id) {
            None => remarks.push(format!("clause {} is deleted", shortened(&clause.id))),
            Some(after) if after.text != clause.text => remarks.push(format!(
                "clause {} changes from \"{}\" to \"{}\"",
                shortened(&clause.id),
                shortened(&clause.text),
                shortened(&after.text)
            )),
            Some(_) => {}
        }
    }
    for clause in next.clauses.iter().filter(|clause| now.clause(&clause.id).is_none()) {
        remarks.push(format!("clause {} is added: \"{}\"", shortened(&clause.id), shortened(&clause.text)));
    }
    if remarks.len() > REMARKS_MAX {
        let more = remarks.len() - (REMARKS_MAX - 1);
        remarks.truncate(REMARKS_MAX - 1);
        remarks.push(format!("{more} more clauses change"));
    }
    remarks
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(REMARK_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
