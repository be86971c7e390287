//! Adoption: what a target holds instead of what was approved is asked for, as an intent of its own.
//!
//! Nothing is taken for approved because it is there. The new intent says what the old one said, with what was found in
//! the place of what was written; its policy decides it, or seats people, as for any other. What is found and cannot be
//! said in tokens, or would not be written so by them, cannot be adopted.

use crate::approval::refusal::Refusal;
use crate::approval::watch::Standing;
use crate::approval::{Approval, Outcome, Stage};
use crate::effect::reconcile::{Agreement, Compared};
use crate::exception::Cause;
use crate::id::{ExceptionId, FieldName, IntentId, PersonId};
use crate::intent::{EngineNames, IntentType, Raw, Tokens, WriteValue};
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
            | NotAdopted::Otherwise { .. } => "CS-E0145",
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
            NotAdopted::UnderWay(_) => "see to that intent; the exception closes when it has landed",
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
    standing.ok_or(Refusal::Overtaken)
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
    for field in compared {
        match field.agreement {
            Agreement::True => continue,
            Agreement::Late | Agreement::Drifted => {}
            Agreement::Gone | Agreement::Unreadable => {
                let why = "the connector does not show it".to_owned();
                return Err(NotAdopted::Unread { field: field.field.clone(), why });
            }
        }
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

/// That these tokens write what is there, field by field.
fn as_there(
    approval: &Approval,
    schema: &IntentType,
    tokens: &Tokens,
    (standing, compared): (&Standing<'_>, &[Compared]),
) -> Result<(), NotAdopted> {
    let Stage::Closed(Outcome::Done { case, .. }) = &approval.stage else { return Ok(()) };
    let engine = EngineNames {
        intent_id: approval.intent.id.to_string(),
        policy_version: approval.policy.to_string(),
    };
    let planned = schema.proposals(tokens, &case.facts, &engine).map_err(|faults| {
        NotAdopted::Misfit(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let own = planned.into_iter().find(|planned| planned.binding == standing.planned.binding);
    let fields: BTreeMap<_, _> = own
        .into_iter()
        .flat_map(|planned| planned.proposal.fields)
        .map(|field| (field.name, field.value))
        .collect();
    let write = |field: &Compared| {
        let mut writes = schema.writes.iter();
        let write =
            writes.find(|write| write.binding == standing.planned.binding && write.field == field.field);
        write.map(|write| &write.value)
    };
    for field in compared {
        match write(field) {
            Some(WriteValue::Named(_) | WriteValue::Computed(_) | WriteValue::Text(_)) | None => {}
            Some(
                WriteValue::IntentId
                | WriteValue::PolicyVersion
                | WriteValue::Outcome
                | WriteValue::Approvers
                | WriteValue::Seal,
            ) if field.agreement == Agreement::True => continue,
            Some(_) => {
                let why =
                    format!("`{}` holds the engine's own word, and nobody can ask for another", field.field);
                return Err(NotAdopted::Misfit(why));
            }
        }
        if let Some(would) = fields.get(&field.field)
            && let Some(holds) = field.current.as_ref().filter(|holds| *holds != would)
        {
            let (would, holds) = (would.to_string(), holds.to_string());
            return Err(NotAdopted::Otherwise { field: field.field.clone(), would, holds });
        }
    }
    Ok(())
}
