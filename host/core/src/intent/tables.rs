//! The tables of an intent type's document.

use super::fact::{FactSource, FactSpec, LogMeasure, LogStanding, Window};
use super::kind::{FieldType, Unit};
use super::literal::{is_word, parse_type};
use super::parse::{counted, named, names, word};
use super::write::{Write, WriteValue};
use super::{Binding, IntentType, OnFailure, OverrideRule, Reconciled, Remedy, TokenSpec};
use crate::break_glass::BREAK_GLASS;
use crate::document::{Document, Faults};
use crate::effect::attempt::Guarantee;
use crate::id::{BindingName, FieldName};
use crate::policy::typed::{Expression, Kind, Scope};
use crate::policy::{Whom, field_name, route_take as take};
use crate::time::Millis;
use std::collections::BTreeSet;

pub(super) fn tokens(document: &Document, faults: &mut Faults) -> Vec<TokenSpec> {
    let Some(table) = document.table("Tokens") else {
        faults.on_line(0, "the intent type has no section `Tokens`");
        return Vec::new();
    };
    let mut tokens: Vec<TokenSpec> = Vec::new();
    for [name, kind, required, meaning] in table.rows_of(["token", "type", "required", "meaning"], faults) {
        let parsed = take(field_name(&name.text), name, faults);
        let typed = take(parse_type(&kind.text), kind, faults);
        let needed = take(word(&required.text, &[("yes", true), ("no", false)]), required, faults);
        let (Some(parsed), Some(typed), Some(needed)) = (parsed, typed, needed) else { continue };
        if let FieldType::Text { length: None } = typed {
            faults.at(kind, "a token says how long its text may be, such as `text 1 .. 200`");
        }
        let nested = parsed.as_str().split_once('.').map(|(list, _)| list);
        let lists: Vec<&TokenSpec> =
            tokens.iter().filter(|token| matches!(token.kind, FieldType::List { .. })).collect();
        match (nested, &typed) {
            (Some(_), FieldType::List { .. }) => faults.at(kind, "a list inside the list"),
            (None, FieldType::List { .. }) if !lists.is_empty() => faults.at(kind, "a second list"),
            (Some(list), _) if !lists.iter().any(|token| token.name.as_str() == list) => {
                faults.at(name, format!("`{list}` is no list that stands above"));
            }
            _ => {}
        }
        if tokens.iter().any(|token| token.name == parsed) {
            faults.at(name, format!("token `{parsed}` stands here twice"));
            continue;
        }
        if meaning.text.is_empty() {
            faults.at(meaning, format!("token `{parsed}` lacks its meaning"));
        }
        tokens.push(TokenSpec { name: parsed, kind: typed, required: needed, meaning: meaning.text.clone() });
    }
    tokens
}

pub(super) fn facts(document: &Document, tokens: &[TokenSpec], faults: &mut Faults) -> Vec<FactSpec> {
    let Some(table) = document.table("Facts") else { return Vec::new() };
    let mut facts: Vec<FactSpec> = Vec::new();
    for [name, kind, from, fresh] in table.rows_of(["fact", "type", "from", "fresh"], faults) {
        let parsed = take(field_name(&name.text), name, faults);
        let typed = take(parse_type(&kind.text), kind, faults);
        let source = take(source(&from.text), from, faults);
        let age = if fresh.text.is_empty() {
            Some(None)
        } else {
            take(length(&fresh.text), fresh, faults).map(Some)
        };
        let (Some(parsed), Some(typed), Some(source), Some(age)) = (parsed, typed, source, age) else {
            continue;
        };
        if tokens.iter().any(|token| token.name == parsed) || facts.iter().any(|fact| fact.name == parsed) {
            faults.at(name, format!("the name `{parsed}` stands for two things"));
            continue;
        }
        if matches!(source, FactSource::Connection { .. }) && age.is_none() {
            faults.at(fresh, "a fact of a connection says how old it may be, in `fresh`");
            faults.help("write the age at which it is read again, such as `5m`, `24h` or `7d`");
        } else if let Err(why) = source_fits(&source, &parsed, &typed, tokens, &facts) {
            faults.at(from, why);
        }
        facts.push(FactSpec { name: parsed, kind: typed, source, fresh: age });
    }
    facts
}

/// Reads the column `from`.
fn source(text: &str) -> Result<FactSource, String> {
    let parts: Vec<&str> = text.split(' ').collect();
    match parts.as_slice() {
        ["connection", connection, field, "of", token] if is_word(field) => Ok(FactSource::Connection {
            connection: named(connection)?,
            field: (*field).to_owned(),
            token: field_name(token)?,
        }),
        ["directory", field, "of", "requester"] => match *field {
            "manager" | "calendar" => Ok(FactSource::Directory { field: (*field).to_owned() }),
            other => Err(format!("`{other}`: the directory knows `manager` and `calendar`")),
        },
        ["age", "of", name] => Ok(FactSource::Age { of: field_name(name)? }),
        ["log", "count", rest @ ..] => log(LogMeasure::Count, rest, text),
        ["log", "sum", "of", token, rest @ ..] => log(LogMeasure::SumOf(field_name(token)?), rest, text),
        _ => Err(format!(
            "`{text}` is no source; connection C FIELD of TOKEN, directory FIELD of requester, age of NAME, \
             log count|sum of TOKEN of approved|asked by TOKEN in 7d"
        )),
    }
}

fn log(measure: LogMeasure, rest: &[&str], text: &str) -> Result<FactSource, String> {
    let standings = [("approved", LogStanding::Approved), ("asked", LogStanding::Asked)];
    let wrong = || format!("`{text}`: the end is `of approved by TOKEN in 7d` or `... in 12 months`");
    let (of, by, window) = match rest {
        ["of", of, "by", by, "in", days] => {
            let days = days.strip_suffix('d').ok_or_else(wrong)?;
            (of, by, Window::Days(counted(days, 3_660)?))
        }
        ["of", of, "by", by, "in", months, "months"] => (of, by, Window::Months(counted(months, 120)?)),
        _ => return Err(wrong()),
    };
    Ok(FactSource::Log { measure, of: word(of, &standings)?, by: field_name(by)?, window })
}

/// `5m`, `24h` or `7d`.
fn length(text: &str) -> Result<Millis, String> {
    let wrong = || format!("`{text}` is no length of time; write `5m`, `24h` or `7d`");
    let (digits, minutes) = match (text.strip_suffix('m'), text.strip_suffix('h'), text.strip_suffix('d')) {
        (Some(digits), _, _) => (digits, 1_u64),
        (_, Some(digits), _) => (digits, 60),
        (_, _, Some(digits)) => (digits, 1_440),
        (None, None, None) => return Err(wrong()),
    };
    let count = counted(digits, 10_000).map_err(|_| wrong())?;
    Ok(Millis::minutes(u64::from(count).saturating_mul(minutes)))
}

/// Whether what a source reads is there and of a type that it can read.
fn source_fits(
    source: &FactSource,
    name: &FieldName,
    kind: &FieldType,
    tokens: &[TokenSpec],
    facts: &[FactSpec],
) -> Result<(), String> {
    let token = |name: &FieldName| tokens.iter().find(|token| token.name == *name);
    let needed = |name: &FieldName| match token(name) {
        Some(token) if token.required => Ok(token),
        Some(_) => Err(format!("`{name}` is not required, so the fact could be missing")),
        None => Err(format!("`{name}` is no token")),
    };
    let list_of = |name: &FieldName| name.as_str().split_once('.').map(|(list, _)| list.to_owned());
    match source {
        FactSource::Connection { connection, token, .. } => {
            let spec = needed(token)?;
            match &spec.kind {
                FieldType::Record { connection: own, .. } if own == connection => {}
                FieldType::Record { connection: own, .. } => {
                    return Err(format!("`{token}` is a record of `{own}`, not of `{connection}`"));
                }
                FieldType::Text { .. } => {}
                FieldType::Number(_)
                | FieldType::YesNo
                | FieldType::OneOf(_)
                | FieldType::Date { .. }
                | FieldType::List { .. } => {
                    return Err(format!("`{token}` is {}, which names no record", spec.kind));
                }
            }
            if list_of(token) != list_of(name) {
                return Err(format!("`{name}` and `{token}` do not belong to the same list"));
            }
        }
        FactSource::Directory { .. } => {}
        FactSource::Age { of } => {
            let dated = token(of).map(|token| &token.kind);
            let dated = dated.or_else(|| facts.iter().find(|fact| fact.name == *of).map(|fact| &fact.kind));
            if !matches!(dated, Some(FieldType::Date { .. })) {
                return Err(format!("`{of}` is no date that stands above"));
            }
            if !matches!(kind, FieldType::Number(grid) if grid.unit == Unit::Days) {
                return Err("an age is `days LOW .. HIGH`".to_owned());
            }
        }
        FactSource::Log { measure, by, .. } => {
            needed(by)?;
            match measure {
                LogMeasure::Count if matches!(kind, FieldType::Number(grid) if grid.unit == Unit::Count) => {}
                LogMeasure::Count => return Err("a count is `count LOW .. HIGH`".to_owned()),
                LogMeasure::SumOf(of) => {
                    let same = matches!((&needed(of)?.kind, kind),
                        (FieldType::Number(one), FieldType::Number(other)) if one.unit == other.unit);
                    if !same {
                        return Err(format!("a sum of `{of}` has its unit"));
                    }
                }
            }
        }
    }
    Ok(())
}

pub(super) fn bindings(document: &Document, intent: &IntentType, faults: &mut Faults) -> Vec<Binding> {
    let Some(table) = document.table("Bindings") else { return Vec::new() };
    let columns = ["binding", "connection", "operation", "subject", "guarantee", "after", "on failure"];
    let classes = [
        ("by-key", Guarantee::ByKey),
        ("by-natural-key", Guarantee::ByNaturalKey),
        ("by-probe", Guarantee::ByProbe),
        ("blind", Guarantee::Blind),
    ];
    let failures = [("hold", OnFailure::Hold), ("undo", OnFailure::Undo), ("continue", OnFailure::Continue)];
    let mut bindings: Vec<Binding> = Vec::new();
    for [name, connection, operation, subject, guarantee, after, on_failure] in table.rows_of(columns, faults)
    {
        let parsed: Option<BindingName> = take(named(&name.text), name, faults);
        let to = take(named(&connection.text), connection, faults);
        if !is_word(&operation.text) {
            faults.at(operation, format!("`{}` is no operation", operation.text));
        }
        let about = if subject.text.is_empty() {
            Some(None)
        } else {
            take(subject_of(&subject.text, &connection.text, intent), subject, faults).map(Some)
        };
        let allowed: Result<Vec<Guarantee>, String> =
            guarantee.text.split(", ").map(|class| word(class, &classes)).collect();
        let allowed = take(allowed, guarantee, faults);
        let before: Option<Vec<BindingName>> = take(names(&after.text), after, faults);
        for other in before.iter().flatten() {
            if !bindings.iter().any(|binding| binding.name == *other) {
                faults.at(after, format!("`{other}` is no binding that stands above"));
            }
        }
        let fails = take(word(&on_failure.text, &failures), on_failure, faults);
        let (Some(parsed), Some(to), Some(about)) = (parsed, to, about) else { continue };
        let (Some(allowed), Some(before), Some(fails)) = (allowed, before, fails) else { continue };
        if bindings.iter().any(|binding| binding.name == parsed) {
            faults.at(name, format!("binding `{parsed}` stands here twice"));
            continue;
        }
        bindings.push(Binding {
            name: parsed,
            connection: to,
            operation: operation.text.clone(),
            subject: about,
            guarantees: allowed,
            after: before,
            on_failure: fails,
        });
    }
    bindings
}

/// The token or fact that names the record of a binding.
fn subject_of(text: &str, connection: &str, intent: &IntentType) -> Result<FieldName, String> {
    let name = field_name(text)?;
    match intent.kind_of(&name) {
        Some(FieldType::Record { connection: own, .. }) if own.as_str() == connection => {}
        Some(FieldType::Record { connection: own, .. }) => {
            return Err(format!("`{name}` is a record of `{own}`, not of `{connection}`"));
        }
        Some(other) => return Err(format!("`{name}` is {other}, which names no record")),
        None => return Err(format!("`{name}` is no token and no fact")),
    }
    if name.as_str().contains('.') || intent.token(&name).is_some_and(|token| !token.required) {
        return Err(format!("`{name}` must be one required record"));
    }
    Ok(name)
}

pub(super) fn writes(document: &Document, intent: &IntentType, faults: &mut Faults) -> Vec<Write> {
    let Some(table) = document.table("Writes") else { return Vec::new() };
    let inputs = intent.write_inputs();
    let scope = Scope { inputs: &inputs, terms: &[], in_element: false, folds: true, broken: &[] };
    let mut writes: Vec<Write> = Vec::new();
    for [binding, field, value] in table.rows_of(["binding", "field", "value"], faults) {
        let Some(parsed) = take(named::<BindingName>(&binding.text), binding, faults) else { continue };
        if !intent.bindings.iter().any(|other| other.name == parsed) {
            faults.at(binding, format!("`{parsed}` is no binding"));
        }
        if !is_word(&field.text) {
            faults.at(field, format!("`{}` is no field", field.text));
        }
        if writes.iter().any(|other| other.binding == parsed && other.field == field.text) {
            faults.at(field, format!("`{}` is written twice", field.text));
        }
        let engine = match value.text.as_str() {
            "intent.id" => Some(WriteValue::IntentId),
            "policy.version" => Some(WriteValue::PolicyVersion),
            "decision.outcome" => Some(WriteValue::Outcome),
            "decision.approvers" => Some(WriteValue::Approvers),
            "seal" => Some(WriteValue::Seal),
            _ => None,
        };
        let token = inputs.iter().find(|input| input.name.as_str() == value.text && !input.is_of_element());
        let quoted = value.text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let value = match (engine, token, quoted) {
            (Some(engine), _, _) => Some(engine),
            (None, Some(input), _) => Some(WriteValue::Named(input.name.clone())),
            (None, None, Some(text)) if !text.contains('"') => Some(WriteValue::Text(text.to_owned())),
            (None, None, _) => {
                let typed = take(Expression::parse(&value.text, scope), value, faults);
                match typed {
                    Some(typed) if typed.kind == Kind::Text => {
                        faults.at(value, "text is written as it is, by its name");
                        None
                    }
                    Some(typed) => {
                        optional_reads(intent, &typed, value, faults);
                        Some(WriteValue::Computed(typed))
                    }
                    None => None,
                }
            }
        };
        if let Some(value) = value {
            writes.push(Write { binding: parsed, field: field.text.clone(), value });
        }
    }
    for binding in &intent.bindings {
        if !writes.iter().any(|write| write.binding == binding.name) {
            faults.on_line(table.header.line, format!("binding `{}` writes nothing", binding.name));
        }
    }
    writes
}

fn optional_reads(
    intent: &IntentType,
    typed: &Expression,
    cell: &crate::document::Cell,
    faults: &mut Faults,
) {
    for name in &typed.reads {
        if intent.token(name).is_some_and(|token| !token.required) {
            faults.at(cell, format!("`{name}` is not required, so the value could be missing"));
        }
    }
}

pub(super) fn reconciliation(
    document: &Document,
    intent: &IntentType,
    faults: &mut Faults,
) -> Vec<Reconciled> {
    let Some(table) = document.table("Reconciliation") else { return Vec::new() };
    let remedies =
        [("re-assert", Remedy::ReAssert), ("adopt", Remedy::Adopt), ("exception", Remedy::Exception)];
    let columns = ["field", "binding", "required", "late", "drifted", "gone"];
    let mut watched = Vec::new();
    for [field, binding, required, late, drifted, gone] in table.rows_of(columns, faults) {
        let parsed: Option<BindingName> = take(named(&binding.text), binding, faults);
        let needed = take(word(&required.text, &[("yes", true), ("no", false)]), required, faults);
        let late_is = take(word(&late.text, &remedies), late, faults);
        let drifted_is = take(word(&drifted.text, &remedies), drifted, faults);
        let gone_is = take(word(&gone.text, &remedies), gone, faults);
        let (Some(parsed), Some(needed)) = (parsed, needed) else { continue };
        let (Some(late), Some(drifted), Some(gone)) = (late_is, drifted_is, gone_is) else { continue };
        if !intent.writes.iter().any(|write| write.binding == parsed && write.field == field.text) {
            faults.at(field, format!("binding `{parsed}` does not write `{}`", field.text));
        }
        watched.push(Reconciled {
            field: field.text.clone(),
            binding: parsed,
            required: needed,
            late,
            drifted,
            gone,
        });
    }
    watched
}

pub(super) fn overrides(document: &Document, faults: &mut Faults) -> Vec<OverrideRule> {
    let Some(table) = document.table("Overrides") else { return Vec::new() };
    let mut rules: Vec<OverrideRule> = Vec::new();
    let mut seen = BTreeSet::new();
    for [reason, evidence, by, review] in
        table.rows_of(["override_reason", "evidence", "by", "review after"], faults)
    {
        if !is_word(&reason.text) || !seen.insert(reason.text.clone()) {
            faults.at(reason, format!("`{}` is no reason, or stands here twice", reason.text));
        }
        if reason.text == BREAK_GLASS {
            faults.at(
                reason,
                format!("`{BREAK_GLASS}` is no reason of this table: the row `break glass` gives it"),
            );
        }
        let kinds: Vec<String> = evidence.text.split(", ").map(str::to_owned).collect();
        if !kinds.iter().all(|kind| is_word(kind)) {
            faults.at(evidence, format!("`{}` is no list of kinds of evidence", evidence.text));
        }
        let who = take(Whom::parse(&by.text), by, faults);
        let (often, then_blocked) = match review.text.strip_suffix(", then blocked") {
            Some(often) => (often, true),
            None => (review.text.as_str(), false),
        };
        let after = often.split_once(" in ").and_then(|(count, days)| {
            let count = counted(count, 1_000).ok()?;
            Some((count, counted(days.strip_suffix('d')?, 3_660).ok()?))
        });
        let wrong = || format!("`{}`: write `3 in 30d`, or `3 in 30d, then blocked`", review.text);
        let after = take(after.ok_or_else(wrong), review, faults);
        let (Some(by), Some((review_after, review_days))) = (who, after) else { continue };
        rules.push(OverrideRule {
            reason: reason.text.clone(),
            evidence: kinds,
            by,
            review_after,
            review_days,
            then_blocked,
        });
    }
    rules
}
