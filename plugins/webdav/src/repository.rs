//! Where things lie in the repository, and how they are read.
//!
//! | path | what |
//! |---|---|
//! | `/contracts/<contract>/canonical.json` | the canonical document; its entity tag is the revision |
//! | `/contracts/<contract>/versions/<effect>.json` | the document as that effect made it |
//! | `/playbook.json` | which wordings are approved, by hash |

use crate::contract::{Contract, sha256};
use countersign_sdk::{Answer, Context, Failure, path};
use serde::Deserialize;

/// The endpoint of the manifest.
pub(crate) const API: &str = "api";

const PLAYBOOK: &str = "/playbook.json";

/// A contract as it lies in the repository.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    /// The document.
    pub contract: Contract,
    /// Its entity tag.
    pub revision: String,
}

/// The approved wordings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Playbook {
    wordings: Vec<Wording>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Wording {
    sha256: String,
    position: Position,
}

/// How far a wording is from what we want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Position {
    /// Our own words.
    Standard,
    /// Words that the playbook allows.
    Fallback,
    /// Anything else.
    Beyond,
}

impl Position {
    /// The word that policies use.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Position::Standard => "standard",
            Position::Fallback => "fallback",
            Position::Beyond => "beyond",
        }
    }
}

impl Playbook {
    /// Where exactly these words stand; words that the playbook does not list are beyond it.
    #[must_use]
    pub(crate) fn position(&self, text: &str) -> Position {
        let hash = sha256(text);
        self.wordings
            .iter()
            .find(|wording| wording.sha256.eq_ignore_ascii_case(&hash))
            .map_or(Position::Beyond, |wording| wording.position)
    }
}

/// The path of a contract's canonical document.
#[must_use]
pub(crate) fn canonical_path(contract: &str) -> String {
    path(["contracts", contract, "canonical.json"])
}

/// The path of the version that an effect makes.
#[must_use]
pub(crate) fn version_path(contract: &str, effect_id: &str) -> String {
    path(["contracts", contract, "versions", &format!("{effect_id}.json")])
}

/// Reads a contract.
///
/// # Errors
/// [`Failure::not_found`] when there is none, `rejected` when the document cannot be used.
pub(crate) fn contract(context: &Context<'_>, id: &str) -> Result<Stored, Failure> {
    let at = canonical_path(id);
    let answer = context.get(API, &at).read()?;
    if answer.status() == 404 {
        return Err(Failure::not_found(format_args!("contract/{id}")).answered(&answer));
    }
    let answer = answer.ok()?;
    let contract: Contract = document(&answer, &at)?;
    if contract.contract_id != id {
        return Err(Failure::rejected(
            "bad-document",
            format!("`{at}` is the document of the contract `{}`", contract.contract_id),
        ));
    }
    Ok(Stored { contract, revision: revision(&answer, &at)? })
}

/// Reads the playbook with its entity tag.
///
/// # Errors
/// `rejected` when it is missing or cannot be used.
pub(crate) fn playbook(context: &Context<'_>) -> Result<(Playbook, String), Failure> {
    let answer = context.get(API, PLAYBOOK).read()?;
    if answer.status() == 404 {
        return Err(Failure::not_found(
            "playbook.json (put the approved wordings there, or an empty list of them)",
        )
        .answered(&answer));
    }
    let answer = answer.ok()?;
    Ok((document(&answer, PLAYBOOK)?, revision(&answer, PLAYBOOK)?))
}

/// The document in an answer. One of another shape is the owner's to mend; what is no document at
/// all may be a proxy's page, and looking again may help.
fn document<T: serde::de::DeserializeOwned>(answer: &Answer, at: &str) -> Result<T, Failure> {
    serde_json::from_str(&answer.text()).map_err(|error| {
        if error.is_data() {
            Failure::rejected("bad-document", format!("`{at}` cannot be read: {error}"))
        } else {
            answer.unreadable(&error.to_string())
        }
    })
}

/// The entity tag. A weak one never satisfies `If-Match`, so it cannot guard a write.
fn revision(answer: &Answer, at: &str) -> Result<String, Failure> {
    match answer.etag() {
        Some(tag) if !tag.starts_with("W/") => Ok(tag.to_owned()),
        Some(_) | None => Err(Failure::rejected(
            "no-entity-tag",
            format!("the repository gives no strong entity tag for `{at}`, so writes cannot be guarded"),
        )),
    }
}
