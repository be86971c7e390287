//! The log as others may check it: signed checkpoints, proofs of entries, and that it goes on where it ended.

use super::view::ConsistencyView;
use crate::asked::{self, Place, Query};
use crate::door::Caller;
use crate::log_signer::LogSigner;
use crate::problem::{Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use countersign_core::approval::event::Entry;
use countersign_core::id::EffectId;
use countersign_core::log::proof::Proof;
use countersign_core::log::tile::Tile;
use countersign_engine::fault::Fault;
use countersign_engine::log_tree::LogTree;
use std::sync::Arc;

/// The tree and the key, where the host has both.
pub(crate) fn proving(host: &Host) -> Result<(Arc<LogTree>, &LogSigner), Problem> {
    let tree = host.engine.log_tree().map(Arc::clone);
    tree.zip(host.log_signer.as_ref()).ok_or_else(|| {
        let help = "name one as `key` of `[log]` (`countersign audit key` makes it) and start the host again; or stop \
                    it, and prove by `countersign audit` with `--key`";
        Problem::new("CS-E0239", "this host has no key for its log, so it proves nothing of it", help)
    })
}

/// A text that others read as it is.
fn text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// Shows a signed checkpoint of the log: how many entries it has now, and the root over all of them.
#[utoipa::path(
    get, path = "/v1/log/checkpoint", tag = "log", operation_id = "log_checkpoint",
    responses(
        (status = 200, description = "the checkpoint, as `c2sp.org/tlog-checkpoint` has it", body = String, content_type = "text/plain; charset=utf-8"),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn checkpoint(State(host): State<Host>, uri: Uri) -> Result<Response, Problem> {
    Query::of(&uri, &[])?.checked()?;
    signed(&host).await.map(text)
}

/// The signed checkpoint of the log as it is now.
pub(crate) async fn signed(host: &Host) -> Result<String, Problem> {
    let (tree, signer) = proving(host)?;
    let (size, root) = tree.checkpoint().await.map_err(Fault::Store)?;
    Ok(signer.checkpoint(size, root).to_text())
}

/// Proves that the log goes on where it ended when it had fewer entries.
#[utoipa::path(
    get, path = "/v1/log/consistency", tag = "log", operation_id = "log_consistency",
    params(("from" = u64, Query, description = "entries of the checkpoint that was noted")),
    responses(
        (status = 200, description = "the proof, and a signed checkpoint that it leads to", body = ConsistencyView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn consistency(
    State(host): State<Host>,
    uri: Uri,
) -> Result<Json<ConsistencyView>, Problem> {
    let mut query = Query::of(&uri, &["from"])?;
    let from = query.required("from", "a number of entries", |text| text.parse::<u64>().ok());
    query.checked()?;
    let (tree, signer) = proving(&host)?;
    let from = from.unwrap_or_default();
    let proved = tree.consistency(from).await.map_err(Fault::Store)?;
    let Some((path, size, root)) = proved else {
        let size = tree.checkpoint().await.map_err(Fault::Store)?.0;
        let detail = format!("the log has {size} entries, and {from} were noted");
        let help = "it was replaced by another one, or an old copy stands in its place: keep the data folder as it is, and \
                    compare it with a backup";
        return Err(Problem::new("CS-E0240", detail, help));
    };
    Ok(Json(ConsistencyView::of(from, &path, &signer.checkpoint(size, root))))
}

/// Shows a tile of the log's tree, as `c2sp.org/tlog-tiles` has it, under the prefix `/v1/log`: `tile/0/x001/067` are hashes
/// and `tile/entries/x001/067` leaves. A leaf says of which stream an entry is, so leaves are for those who run or audit
/// the house.
pub(crate) async fn tile(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::of(&uri, &[])?.checked()?;
    let (tree, _) = proving(&host)?;
    let tile = Tile::parse(&name).ok_or_else(|| Problem::unknown("tile", &name))?;
    if tile.level.is_none() && !host.engine.rulebook().directory().has_a_duty(&caller.person) {
        let detail = "the leaves of the log are for those who run or audit the house: they say of what there are entries";
        let help = "ask one of them; who they are is in `people.md` under `Duties`";
        return Err(Problem::new("CS-E0244", detail, help));
    }
    let bytes = tree.tile(tile).await.map_err(Fault::Store)?;
    let bytes = bytes.ok_or_else(|| Problem::unknown("tile", &name))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// The sequence of the entry that decided, or by which the effect came to its end.
fn ended(life: &[Entry], effect: Option<EffectId>) -> Option<u64> {
    let is_it = |entry: &Entry| match effect {
        Some(effect) => entry.event.ends(effect),
        None => entry.event.decides(),
    };
    let (_, sequence) = life.iter().zip(1_u64..).filter(|(entry, _)| is_it(entry)).last()?;
    Some(sequence)
}

/// Proves that the decision of an intent stands in the log, or the end of one of its effects, or any entry of its life.
#[utoipa::path(
    get, path = "/v1/intents/{id}/proof", tag = "log", operation_id = "prove_intent",
    params(
        ("id" = String, Path, description = "the intent"),
        ("effect" = Option<String>, Query, description = "its effect whose end is proved, instead of the decision"),
        ("sequence" = Option<u64>, Query, description = "the entry of its life that is proved, counted from 1, instead of the decision"),
    ),
    responses(
        (status = 200, description = "the proof, as `c2sp.org/tlog-proof` has it", body = String, content_type = "text/plain; charset=utf-8"),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn proof(
    State(host): State<Host>,
    Extension(caller): Extension<Caller>,
    Place(name): Place<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    proved(&host, &caller, &name, &uri).await.map(text)
}

/// The proof that an address asks for, if the intent is for whoever asks.
pub(crate) async fn proved(host: &Host, caller: &Caller, name: &str, uri: &Uri) -> Result<String, Problem> {
    let mut query = Query::of(uri, &["effect", "sequence"])?;
    let effect = query.read("effect", "the id of an effect", |text| text.parse::<EffectId>().ok());
    let sequence = query.read("sequence", "a number, counted from 1", |text| text.parse::<u64>().ok());
    query.checked()?;
    let intent = asked::intent(name)?;
    super::read(host, caller, intent).await?;
    let (tree, signer) = proving(host)?;
    let wanted = match sequence {
        Some(sequence) => Some(sequence),
        None => ended(&host.engine.entries(intent).await?, effect),
    };
    let proved = match wanted {
        Some(sequence) => tree.prove(&intent.to_string(), sequence).await.map_err(Fault::Store)?,
        None => None,
    };
    let Some(proved) = proved else {
        let help =
            "an open one has none yet; `sequence` proves any entry of the life that its timeline shows";
        let what = effect.map_or_else(|| "decision".to_owned(), |effect| format!("end of {effect}"));
        let what = sequence.map_or(what, |sequence| format!("entry {sequence}"));
        return Err(Problem::new("CS-E0241", format!("the log has no {what} of {intent}"), help));
    };
    let note = signer.checkpoint(proved.size, proved.root);
    Ok(Proof { leaf: proved.leaf, index: proved.index, path: proved.path, note }.to_text())
}
