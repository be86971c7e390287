//! Keeps the canonical text of contracts in a WebDAV repository.
//!
//! A contract is one JSON document. An accepted redline becomes a version at a path that we
//! choose (the effect's id is the natural key), and then the canonical document, guarded by its
//! entity tag. The history inside the document names every effect that led to it; that is how a
//! probe finds one.

mod contract;
mod repository;
mod store;

use countersign_sdk::{
    Connector, Context, Descriptor, Effect, Failure, Field, Finding, Guarantee, Operation, Proposal, Receipt,
    RecordRef, Snapshot, Value, WritePlan,
};

/// Longest id of a contract that is made into a path.
const CONTRACT_ID_CHARACTERS_MAX: usize = 80;

/// What `store-version` takes.
const STORE_VERSION_INPUT: &str = r#"{
  "type": "object",
  "required": ["clauses"],
  "properties": {
    "clauses": {"title": "Changes in order: contract_clause_id, old_text_sha256, new_text, author"},
    "intent_id": {"title": "The intent that was decided"},
    "decision": {"title": "What was decided"},
    "approvers": {"title": "Who decided"},
    "policy_version": {"title": "The policy that it was decided under"},
    "seal": {"title": "What binds decision, payload, policy and plan"}
  },
  "additionalProperties": false
}"#;

/// The connector.
#[derive(Debug, Default)]
pub struct WebDav;

impl Connector for WebDav {
    fn describe(&self) -> Descriptor {
        Descriptor::new("countersign.webdav", env!("CARGO_PKG_VERSION"), "webdav")
            .kinds(&["contract", "clause", "new_text"])
            .operation(Operation::new(
                "store-version",
                "contract",
                Guarantee::ByNaturalKey,
                STORE_VERSION_INPUT,
            ))
    }

    fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        repository::playbook(context).map(|_| ())
    }

    fn fetch(&self, context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
        match subject.kind.as_str() {
            "contract" => fetch_contract(context, &subject.id),
            "clause" => fetch_clause(context, subject),
            "new_text" => fetch_position(context, subject),
            other => Err(Failure::unknown_kind(other)),
        }
    }

    fn plan(&self, context: &Context<'_>, what: &Proposal, _now_ms: u64) -> Result<WritePlan, Failure> {
        known(what)?;
        store::plan(context, what)
    }

    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
        known(&effect.what)?;
        store::apply(context, effect)
    }

    fn probe(&self, context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
        known(&effect.what)?;
        store::probe(context, effect)
    }
}

countersign_sdk::export!(WebDav);

/// Whether the operation is ours and its subject one that it can have.
fn known(what: &Proposal) -> Result<(), Failure> {
    if what.operation != "store-version" {
        return Err(Failure::unknown_operation(&what.operation));
    }
    if what.subject.kind != "contract" {
        return Err(Failure::unknown_kind(&what.subject.kind));
    }
    usable_id(&what.subject.id)
}

/// An id becomes a folder's name, so only harmless ones are used.
fn usable_id(id: &str) -> Result<(), Failure> {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let usable = !id.is_empty()
        && id.len() <= CONTRACT_ID_CHARACTERS_MAX
        && !id.starts_with('.')
        && id.bytes().all(harmless);
    if usable { Ok(()) } else { Err(Failure::not_found(format_args!("contract/{id}"))) }
}

fn fetch_contract(context: &Context<'_>, id: &str) -> Result<Snapshot, Failure> {
    usable_id(id)?;
    let stored = repository::contract(context, id)?;
    stored.contract.snapshot(&stored.revision)
}

/// A clause is named `<contract>/<number>`.
fn fetch_clause(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    let Some((contract_id, number)) = subject.id.rsplit_once('/') else {
        return Err(Failure::not_found(subject));
    };
    usable_id(contract_id)?;
    let stored = repository::contract(context, contract_id)?;
    let clause = stored.contract.clause(number).ok_or_else(|| Failure::not_found(subject))?;
    Ok(Snapshot {
        subject: subject.clone(),
        revision: Some(stored.revision),
        url: None,
        fields: vec![
            Field::new("topic", Value::text_or_absent(Some(&*clause.topic))),
            Field::new("text", Value::Text(clause.text.clone())),
            Field::new("text_sha256", Value::Text(contract::sha256(&clause.text))),
        ],
    })
}

/// A proposed wording is its own id: the playbook is asked where exactly these words stand. The
/// answer names it by its hash, since an id that is told is short.
fn fetch_position(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    let (playbook, revision) = repository::playbook(context)?;
    let position = playbook.position(&subject.id);
    Ok(Snapshot {
        subject: RecordRef::new("new_text", contract::sha256(&subject.id)),
        revision: Some(revision),
        url: None,
        fields: vec![Field::new("position", Value::Text(position.word().to_owned()))],
    })
}

#[cfg(test)]
mod tests;
