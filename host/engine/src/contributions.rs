//! Asking the components of a policy: before a decision, and for an explanation that decides nothing.

use crate::fault::Fault;
use crate::port::components::Components;
use countersign_core::canonical;
use countersign_core::intent::{Facts, Tokens};
use countersign_core::policy::component::{Component, Contributed, Contributions};
use countersign_core::policy::{Evaluation, Policy, decide_with};
use serde::Serialize;
use std::sync::Arc;

/// What a policy answers to tokens and facts that nobody has submitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The answer of the tables and of the components that are here.
    pub evaluation: Evaluation,
    /// Ids of the components that are not: they count as if they had no objection, so the answer can
    /// only be stricter than this one.
    pub not_asked: Vec<Arc<str>>,
}

/// What a policy answers, with those of its components that are installed.
///
/// # Errors
/// [`Fault::Unreadable`] if the tokens or facts have no canonical form.
pub async fn explained(
    components: &dyn Components,
    policy: &Policy,
    tokens: &Tokens,
    facts: &Facts,
) -> Result<Explained, Fault> {
    let (here, away): (Vec<&Component>, Vec<&Component>) =
        policy.components.iter().partition(|component| components.is_installed(&component.digest));
    let mut said = said(components, here, tokens, facts).await?;
    let not_asked: Vec<Arc<str>> = away.iter().map(|component| Arc::clone(&component.id)).collect();
    said.extend(not_asked.iter().map(|id| (Arc::clone(id), Contributed::Said(Vec::new()))));
    Ok(Explained { evaluation: decide_with(policy, tokens, facts, &said), not_asked })
}

/// What these components of a policy say, all asked at once.
pub(crate) async fn said<'a>(
    components: &dyn Components,
    asked: impl IntoIterator<Item = &'a Component>,
    tokens: &Tokens,
    facts: &Facts,
) -> Result<Contributions, Fault> {
    let mut asked = asked.into_iter().peekable();
    if asked.peek().is_none() {
        return Ok(Contributions::new());
    }
    let (intent, facts) = (canonical_text(tokens)?, canonical_text(facts)?);
    let answers = asked.map(|component| {
        let answer = components.contribute(component.digest, intent.clone(), facts.clone());
        async { (Arc::clone(&component.id), answer.await) }
    });
    Ok(futures::future::join_all(answers).await.into_iter().collect())
}

fn canonical_text<T: Serialize>(value: &T) -> Result<String, Fault> {
    let bytes = canonical::to_vec(value).map_err(|fault| Fault::Unreadable(fault.to_string()))?;
    String::from_utf8(bytes).map_err(|fault| Fault::Unreadable(fault.to_string()))
}
