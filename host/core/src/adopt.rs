//! Adoption: what a target holds instead of what was approved is asked for, as an intent of its own.
//!
//! Nothing is taken for approved because it is there. The new intent says what the old one said, with what was found in
//! the place of what was written; its policy decides it, or seats people, as for any other. What is found and cannot be
//! said in tokens, or would not be written so by them, cannot be adopted.

use crate::approval::refusal::Refusal;
use crate::approval::watch::Standing;
use crate::approval::{Approval, PlannedEffect};
use crate::effect::reconcile::{Agreement, Compared};
use crate::exception::Cause;
use crate::id::{BindingName, ExceptionId, FieldName, IntentId, PersonId};
use crate::intent::{EngineNames, IntentType, Raw, Tokens, WriteValue};
use crate::record::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Why what is there cannot be adopted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAdopted {
    /// The exception is about something else.
    NotDrift(Cause),
    /// The target holds what was approved by now, or what it held before.
    NothingThere,
    /// It cannot be read what the target holds.
    Unread {
        /// Which field.
        field: String,
        /// Why, where somebody said it.
        why: String,
    },
    /// What is there is no value that the intent type takes.
    Misfit(String),
    /// Two fields that the same token fills hold different values.
    Torn(FieldName),
    /// With what was found the intent would write something else into a field than is there.
    Otherwise {
        /// Which.
        field: String,
        /// What would be written.
        would: String,
        /// What is there.
        holds: String,
    },
    /// What one of its bindings wrote would be written once more beside itself, or may be.
    Again(BindingName),
    /// It is asked for already.
    UnderWay(IntentId),
}

impl NotAdopted {
    /// The documented code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NotAdopted::NotDrift(_)
            | NotAdopted::NothingThere
            | NotAdopted::Unread { .. }
            | NotAdopted::Misfit(_)
            | NotAdopted::Torn(_)
            | NotAdopted::Otherwise { .. }
            | NotAdopted::Again(_) => "CS-E0145",
            NotAdopted::UnderWay(_) => "CS-E0146",
        }
    }

    /// What the person can do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            NotAdopted::NotDrift(_) => "close it in one of the ways that it names",
            NotAdopted::NothingThere => "close it by `probe`: it is looked at again now",
            NotAdopted::Unread { .. } => "see to it that the target can be read, then adopt it again",
            NotAdopted::Misfit(_) | NotAdopted::Torn(_) | NotAdopted::Otherwise { .. } => {
                "put the target right so that all of it fits together, or close the exception by `re-assert` or `give-up`"
            }
            NotAdopted::Again(_) => {
                "an intent of that type would do all of it once more: put the target right, or close the exception by \
                 `re-assert` or `give-up`"
            }
            NotAdopted::UnderWay(_) => {
                "see to that intent; when it is done, the next look closes the exception: `probe` looks now"
            }
        }
    }
}

impl fmt::Display for NotAdopted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotAdopted::NotDrift(cause) => {
                write!(
                    formatter,
                    "an exception `{}` is not about what a target holds instead",
                    cause.as_str()
                )
            }
            NotAdopted::NothingThere => formatter.write_str(
                "the target does not hold anything else than what was approved, or was there before",
            ),
            NotAdopted::Unread { field, why } => write!(formatter, "`{field}` cannot be read: {why}"),
            NotAdopted::Misfit(why) => formatter.write_str(why),
            NotAdopted::Torn(token) => {
                write!(formatter, "fields that `{token}` fills hold different values at the target")
            }
            NotAdopted::Otherwise { field, would, holds } => write!(
                formatter,
                "the target holds {holds} in `{field}`, and what is there otherwise would make that {would}"
            ),
            NotAdopted::Again(binding) => {
                write!(
                    formatter,
                    "`{binding}` made a record of its own, or may have, and would make another one"
                )
            }
            NotAdopted::UnderWay(intent) => write!(formatter, "`{intent}` asks for it already"),
        }
    }
}

impl From<NotAdopted> for Refusal {
    fn from(refused: NotAdopted) -> Refusal {
        Refusal::Adoption(refused)
    }
}

/// The write whose target holds something else, if this person answers for the exception about it.
///
/// # Errors
/// If there is no such exception, it is closed, it is somebody else's, or it is about something else.
pub fn asked<'a>(
    approval: &'a Approval,
    id: ExceptionId,
    person: &PersonId,
) -> Result<Standing<'a>, Refusal> {
    let exception = approval.exceptions.get(&id).filter(|exception| exception.closed.is_none());
    let exception = exception.ok_or(Refusal::UnknownException(id))?;
    if exception.owner != *person {
        return Err(Refusal::NotOwner { person: person.clone(), owner: exception.owner.clone() });
    }
    if exception.cause != Cause::Drift {
        return Err(NotAdopted::NotDrift(exception.cause).into());
    }
    let standing = approval.standing().find(|standing| Some(standing.planned.effect) == exception.effect);
    let standing = standing.ok_or(Refusal::Overtaken)?;
    match made(approval) {
        Some(binding) => Err(NotAdopted::Again(binding.clone()).into()),
        None => Ok(standing),
    }
}

/// A binding of which nobody knows that it wrote to a record that was there: the new intent does all that the type says,
/// under keys of its own, so what made a record would make another one.
fn made(approval: &Approval) -> Option<&BindingName> {
    let writes = &approval.case()?.writes;
    let is_known = |planned: &&PlannedEffect| {
        let mut standing = approval.standing();
        standing.any(|standing| standing.planned.effect == planned.effect && standing.is_repeatable())
    };
    let made = writes.iter().filter(|planned| planned.writes()).find(|planned| !is_known(planned));
    made.map(|planned| &planned.binding)
}

/// What the new intent asks for: the tokens of the old one, with what was found in the fields that a token fills as it
/// is. `compared` is what the record of `standing` holds now.
///
/// # Errors
/// [`NotAdopted`], if that would not write what is there.
pub fn tokens(
    approval: &Approval,
    schema: &IntentType,
    standing: &Standing<'_>,
    compared: &[Compared],
) -> Result<Raw, NotAdopted> {
    let binding = &standing.planned.binding;
    let mut found = Tokens::new();
    let is_otherwise = |field: &&Compared| matches!(field.agreement, Agreement::Late | Agreement::Drifted);
    for field in compared.iter().filter(is_otherwise) {
        let mut writes = schema.writes.iter();
        let write = writes.find(|write| write.binding == *binding && write.field == field.field);
        let Some(WriteValue::Named(name)) = write.map(|write| &write.value) else { continue };
        let (Some(token), Some(current)) = (schema.token(name), &field.current) else { continue };
        let value = IntentType::held(name, &token.kind, current).map_err(NotAdopted::Misfit)?;
        if found.insert(name.clone(), value.clone()).is_some_and(|other| other != value) {
            return Err(NotAdopted::Torn(name.clone()));
        }
    }
    let mut tokens = approval.intent.tokens.clone();
    tokens.extend(found);
    as_there(approval, schema, &tokens, (standing, compared))?;
    if tokens == approval.intent.tokens {
        return Err(NotAdopted::NothingThere);
    }
    Ok(Raw::of_tokens(&tokens))
}

/// That these tokens write what is there, field by field. What they change nothing of stays as it is found.
fn as_there(
    approval: &Approval,
    schema: &IntentType,
    tokens: &Tokens,
    (standing, compared): (&Standing<'_>, &[Compared]),
) -> Result<(), NotAdopted> {
    let before = fields(approval, schema, &approval.intent.tokens, standing)?;
    let after = fields(approval, schema, tokens, standing)?;
    for field in compared {
        let (was, would) = (before.get(&field.field), after.get(&field.field));
        match field.agreement {
            Agreement::True | Agreement::Unreadable if was == would => continue,
            Agreement::True | Agreement::Late | Agreement::Drifted => {}
            Agreement::Gone | Agreement::Unreadable => {
                let why = "the connector does not show it".to_owned();
                return Err(NotAdopted::Unread { field: field.field.clone(), why });
            }
        }
        if would != field.current.as_ref() {
            let words = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
            let (would, holds) = (words(would), words(field.current.as_ref()));
            return Err(NotAdopted::Otherwise { field: field.field.clone(), would, holds });
        }
    }
    Ok(())
}

/// What the binding of `standing` writes for these tokens, with the facts as they were found.
fn fields(
    approval: &Approval,
    schema: &IntentType,
    tokens: &Tokens,
    standing: &Standing<'_>,
) -> Result<BTreeMap<String, Value>, NotAdopted> {
    let facts = approval.case().map(|case| case.facts.clone()).unwrap_or_default();
    let engine = EngineNames {
        intent_id: approval.intent.id.to_string(),
        policy_version: approval.policy.to_string(),
    };
    let planned = schema.proposals(tokens, &facts, &engine).map_err(|faults| {
        NotAdopted::Misfit(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let own = planned.into_iter().find(|planned| planned.binding == standing.planned.binding);
    let fields = own.into_iter().flat_map(|planned| planned.proposal.fields);
    Ok(fields.map(|field| (field.name, field.value)).collect())
}
