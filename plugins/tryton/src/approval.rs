//! Approval records: notes (`ir.note`) on a quote, an account or an opportunity.
//!
//! A note begins with the id of its effect, which is how a probe finds it. Tryton keeps who wrote
//! a note and when, and its screens let nobody change the words afterwards.

use crate::{account, quote, rest};
use countersign_sdk::{
    Context, Effect, Failure, Field, Finding, Proposal, Receipt, RecordRef, Snapshot, Value, WritePlan,
};
use serde::Deserialize;
use serde_json::json;

/// Tryton's name of the model.
pub(crate) const MODEL: &str = "ir.note";
const FIELDS: &[&str] = &["message", "resource", "_timestamp"];

/// What an approval record says, in this order.
pub(crate) const FIELD_NAMES: [&str; 5] = ["intent_id", "decision", "approvers", "policy_version", "seal"];

/// What follows the effect's id on the first line, for people.
const TITLE: &str = "countersign approval record";

/// One more than needed, so that a second note of one effect would be seen in a test.
const NOTES_MAX: u32 = 2;

#[derive(Debug, Deserialize)]
struct Note {
    id: i64,
    message: Option<String>,
    #[serde(rename = "_timestamp")]
    timestamp: String,
}

#[derive(Debug, Deserialize)]
struct Named {
    #[expect(dead_code, reason = "only its presence is asked for")]
    id: i64,
}

/// Tryton's model for a kind of record that can bear an approval record.
pub(crate) fn model_of(kind: &str) -> Result<&'static str, Failure> {
    match kind {
        "quote" => Ok(quote::MODEL),
        "account" => Ok(account::ACCOUNT_MODEL),
        "opportunity" => Ok(account::OPPORTUNITY_MODEL),
        other => Err(Failure::unknown_kind(other)),
    }
}

/// Reads an approval record.
pub(crate) fn fetch(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    let note: Note = rest::record(context, MODEL, &subject.id, FIELDS)?;
    Ok(note.snapshot())
}

/// A new note with every word of the proposal.
pub(crate) fn plan(context: &Context<'_>, what: &Proposal) -> Result<WritePlan, Failure> {
    let model = model_of(&what.subject.kind)?;
    // Only its presence matters: a note on nothing would be refused too late.
    let _: Named = rest::record(context, model, &what.subject.id, &["rec_name"])?;
    words(what)?;
    let mut plan = WritePlan::creation(what);
    plan.remarks.push("a note with these words is added to the record; nothing else changes".to_owned());
    Ok(plan)
}

/// One attempt: look first, then write.
pub(crate) fn apply(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    if let Some(note) = find(context, effect)? {
        return Ok(receipt(&note, effect));
    }
    let values = json!({"resource": resource(effect)?, "message": message(effect)?});
    let note: Note = rest::create(context, "record-approval", MODEL, &values, FIELDS)?;
    Ok(receipt(&note, effect))
}

/// A note that begins with the effect's id is the effect.
pub(crate) fn probe(context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
    let found = find(context, effect)?;
    Ok(found.map_or(Finding::Absent, |note| Finding::Landed(receipt(&note, effect))))
}

fn find(context: &Context<'_>, effect: &Effect) -> Result<Option<Note>, Failure> {
    // `_` stands for any letter in such a pattern, and effect ids are full of it.
    let pattern = format!("{} %", effect.effect_id.replace('_', "\\_"));
    let domain = json!([["resource", "=", resource(effect)?], ["message", "like", pattern]]);
    let notes: Vec<Note> = rest::search(context, MODEL, &domain, FIELDS, NOTES_MAX)?;
    let prefix = format!("{} ", effect.effect_id);
    let ours = |note: &Note| note.message.as_deref().is_some_and(|message| message.starts_with(&prefix));
    Ok(notes.into_iter().filter(ours).min_by_key(|note| note.id))
}

fn resource(effect: &Effect) -> Result<String, Failure> {
    let subject = &effect.what.subject;
    Ok(format!("{},{}", model_of(&subject.kind)?, subject.id))
}

/// The words of a proposal, by name, in the order of the record.
fn words(what: &Proposal) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut words = Vec::new();
    what.text("intent_id")?;
    for name in FIELD_NAMES {
        // A table's approval has no approvers: empty words are words.
        words.push((name, what.optional_text(name)?.unwrap_or_default().to_owned()));
    }
    Ok(words)
}

fn message(effect: &Effect) -> Result<String, Failure> {
    let mut message = format!("{} {TITLE}", effect.effect_id);
    for (name, word) in words(&effect.sealed())? {
        message.push_str(&format!("\n{name}: {}", escaped(&word)));
    }
    Ok(message)
}

fn receipt(note: &Note, effect: &Effect) -> Receipt {
    let now = note.snapshot();
    let planned = effect.plan.changes.iter();
    let applied = planned.map(|change| Field::new(&change.name, now.value(&change.name).clone())).collect();
    let mut receipt = Receipt::new(now.subject, applied);
    receipt.revision = now.revision;
    receipt
}

impl Note {
    fn snapshot(&self) -> Snapshot {
        let message = self.message.as_deref().unwrap_or_default();
        let fields = FIELD_NAMES
            .iter()
            .map(|name| {
                let line = message.lines().skip(1).filter_map(|line| line.split_once(": "));
                let word = line.filter(|(known, _)| known == name).map(|(_, word)| plain(word)).next();
                Field::new(*name, word.map_or(Value::Absent, Value::Text))
            })
            .collect();
        Snapshot {
            subject: RecordRef::new("approval", self.id.to_string()),
            revision: Some(self.timestamp.clone()),
            url: None,
            fields,
        }
    }
}

/// A word on one line: what breaks lines is written as two characters.
fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('\r', "\\r").replace('\n', "\\n")
}

fn plain(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        match (letter, if letter == '\\' { letters.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some(other)) => out.push(other),
            (other, _) => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_several_lines_comes_back_as_it_was() {
        for word in ["plain", "two\nlines", "back\\slash", "\\n is no line", "a\r\nb", ""] {
            assert_eq!(plain(&escaped(word)), word);
            assert!(!escaped(word).contains('\n'));
        }
    }
}
