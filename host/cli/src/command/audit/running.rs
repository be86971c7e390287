//! Checkpoints and proofs of a host that runs: it is asked for them, and what it answers is checked where it can be.

use super::super::intent::place;
use super::{Global, key};
use crate::client::{self, Client};
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use countersign_core::hash::Digest;
use countersign_core::id::EffectId;
use countersign_core::log::note::{Checkpoint, Note, VerifierKey};
use countersign_core::log::stored;
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::Value;

/// What the host says of how its log goes on.
#[derive(Deserialize)]
struct Consistency {
    path: Vec<String>,
    checkpoint: String,
}

/// A signed checkpoint of the log as it is now.
pub(super) async fn checkpoint(global: &Global) -> Result<String> {
    text(&Client::of(global)?.get("/v1/log/checkpoint").await?)
}

/// The proof of the decision of an intent, of the end of one of its effects, or of an entry of its life.
pub(super) async fn proof(
    intent: &str,
    effect: Option<EffectId>,
    sequence: Option<u64>,
    global: &Global,
) -> Result<String> {
    let which = match (effect, sequence) {
        (Some(effect), _) => format!("?effect={effect}"),
        (None, Some(sequence)) => format!("?sequence={sequence}"),
        (None, None) => String::new(),
    };
    let path = place(intent, &format!("/proof{which}"))?;
    text(&Client::of(global)?.get(&path).await?)
}

/// Today's checkpoint of the log, if it goes on where `noted` ended.
///
/// # Errors
/// If it does not, or the host cannot show that it does.
pub(super) async fn extension(noted: &Checkpoint, public: &VerifierKey, global: &Global) -> Result<String> {
    let answer = Client::of(global)?.get(&format!("/v1/log/consistency?from={}", noted.size)).await?;
    let Consistency { path, checkpoint } = client::typed(&answer)?;
    let today = Note::parse(&checkpoint).and_then(|note| note.checkpoint(public, key::is_right));
    let Some(today) = today else {
        let message = format!("the host signs as somebody else than `{}`", public.name());
        let help = "it has another key now, or is another host: ask who runs it";
        return Err(Failure::new(exit::NO, message).with_help(help).into());
    };
    let hash = |text: &String| Some(Digest(BASE64.decode(text.as_bytes()).ok()?.try_into().ok()?));
    let path: Option<Vec<Digest>> = path.iter().map(hash).collect();
    let is_shown = path.is_some_and(|path| {
        stored::is_consistent((noted.size, &noted.root), (today.size, &today.root), &path)
    });
    if is_shown {
        return Ok(checkpoint);
    }
    let message = format!(
        "the log of {} entries does not begin with the {} of the noted checkpoint",
        today.size, noted.size
    );
    let help = "somebody replaced the log or put an old copy in its place; keep both checkpoints and the data folder as \
                they are";
    Err(Failure::new(exit::NO, message).with_help(help).into())
}

fn text(answer: &Value) -> Result<String> {
    answer.as_str().map(str::to_owned).context("the host answers in a shape that this program does not know")
}
