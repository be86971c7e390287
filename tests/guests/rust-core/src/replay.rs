//! A policy and many inputs to one digest of everything that is said about them. The same file is
//! compiled into the guest and into the suite.

use countersign_core::document::{Faults, SourceFile};
use countersign_core::hash::Digest;
use countersign_core::intent::value::{Facts, Tokens};
use countersign_core::policy::Policy;
use std::collections::BTreeMap;

/// Reads a policy's document.
///
/// # Errors
/// Its faults.
pub(crate) fn policy(text: &str) -> Result<Policy, String> {
    let file = SourceFile { path: "policy.md".to_owned(), text: text.to_owned() };
    let mut faults = Faults::new("policy.md");
    let policy = Policy::parse(&file, &BTreeMap::new(), &mut faults);
    let faults: Vec<String> = faults.into_list().iter().map(ToString::to_string).collect();
    policy.filter(|_| faults.is_empty()).ok_or_else(|| faults.join("; "))
}

/// The digest of all evaluations, as the log holds them and as people read them, of the policy's
/// content address, and of the inputs as they were understood.
///
/// # Errors
/// What could not be read.
pub(crate) fn digest(text: &str, asked: &str) -> Result<String, String> {
    let policy = policy(text)?;
    let asked: Vec<(Tokens, Facts)> = serde_json::from_str(asked).map_err(|fault| fault.to_string())?;
    let mut digest = policy.version();
    for (tokens, facts) in &asked {
        let evaluation = policy.decide(tokens, facts);
        let said = serde_json::to_vec(&(tokens, facts, &evaluation, policy.outcome(tokens, facts)));
        let said = said.map_err(|fault| fault.to_string())?;
        digest = Digest::of_parts(&[&digest.0, &said, evaluation.words().join("\n").as_bytes()]);
    }
    Ok(digest.to_string())
}
