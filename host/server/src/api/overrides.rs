//! Overrides: a person decides against the policy, with a reason and evidence.

use super::view::IntentView;
use super::whole;
use crate::asked::{self, Members, Place, Posted};
use crate::limits::COMMAND_BYTES_MAX;
use crate::problem::{Flaw, Problem, ProblemView};
use crate::state::Host;
use axum::extract::State;
use axum::response::Response;
use countersign_core::approval::command::Command;
use countersign_core::hash::Digest;
use countersign_core::intent::Raw;
use countersign_core::intent::kind::refused_character;
use countersign_core::override_::{
    EVIDENCE_MAX, EVIDENCE_NAME_BYTES_MAX, Evidence, Instead, Override, Piece,
};
use countersign_core::seal::Seal;
use utoipa::ToSchema;

/// A decision against the policy.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct OverrideBody {
    /// `approve` or `decline`.
    #[schema(example = "approve", pattern = "^(approve|decline)$")]
    decision: String,
    /// A reason of the intent type's table of overrides.
    #[schema(example = "competitor-offer")]
    override_reason: String,
    /// Why, in words.
    reason: String,
    /// At least one piece of each kind that the table wants for the reason.
    #[schema(max_items = 10)]
    evidence: Vec<EvidenceBody>,
    /// The seal of the write plan that was read: 64 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    seal: Option<String>,
}

/// One piece of evidence: a file by its digest, or a link. The host keeps no files.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct EvidenceBody {
    /// A kind of the intent type's table.
    #[schema(example = "competitor-quote")]
    kind: String,
    /// What the file is called.
    name: Option<String>,
    /// SHA-256 of its bytes: 64 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: Option<String>,
    /// How many bytes it has.
    bytes: Option<u64>,
    /// An address that begins with `https://` or `http://`, instead of a file.
    link: Option<String>,
}

/// Decides against the policy, in the name of the token's person. Where the policy itself said no, or is
/// unsure, the intent is taken up again first: the person sees what would be written and approves that.
#[utoipa::path(
    post, path = "/v1/intents/{id}/overrides", tag = "intents", operation_id = "override",
    request_body = OverrideBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "the override is kept; this is where the intent stands now", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn decide(
    State(host): State<Host>,
    Place(name): Place<String>,
    Posted { caller, key, headers, body }: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let (intent, revision) = (asked::intent(&name)?, asked::revision(&headers)?);
    let mut members = Members::of(body, &["decision", "override_reason", "reason", "evidence", "seal"]);
    let instead = members.required("decision", "`approve` or `decline`", |word| match word {
        "approve" => Some(Instead::Approve),
        "decline" => Some(Instead::Decline),
        _ => None,
    });
    let reason = members.required("override_reason", "a reason of the intent type", word);
    let words = members.words("reason");
    let seal = members.optional("seal", "64 hexadecimal digits", Digest::parse).map(Seal);
    let evidence = evidence(&mut members);
    members.checked()?;
    // INVARIANT: without the two the body was flawed, and that was said above.
    let (instead, reason) = (instead.ok_or_else(Problem::bug)?, reason.ok_or_else(Problem::bug)?);
    let what = Box::new(Override { by: caller.person.clone(), instead, reason, words, evidence });
    let command = Command::Override { revision, seal, what };
    let standing = host.engine.command(intent, command, Some(key)).await?;
    Ok(whole(&host, &caller, &standing))
}

/// Why somebody must decide alone.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that is read by hand, so that every fault is said at once")]
pub(crate) struct BreakGlassBody {
    /// Why, in words: everybody who answers for the intent type reads it at once.
    #[schema(example = "the payment system double charged; all of finance is on a plane")]
    reason: String,
}

/// Breaks the glass of an intent, in the name of the token's person: for the hours that the intent type gives they can
/// override its policy alone, with the reason `break-glass`. Who answers for the type and auditors are told at once,
/// and somebody else looks at it afterwards. It ends by itself.
#[utoipa::path(
    post, path = "/v1/intents/{id}/break-glass", tag = "intents", operation_id = "break_glass",
    request_body = BreakGlassBody,
    params(
        ("id" = String, Path, description = "the intent"),
        ("Idempotency-Key" = String, Header, description = "makes a repeated request the same request"),
        ("If-Match" = String, Header, description = "the `ETag` of the intent that was read"),
    ),
    responses(
        (status = 200, description = "it is broken; `broken` says until when", body = IntentView),
        (status = "default", description = "a problem", body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn break_glass(
    State(host): State<Host>,
    Place(name): Place<String>,
    posted: Posted<COMMAND_BYTES_MAX>,
) -> Result<Response, Problem> {
    let command = |person, revision, reason| Command::BreakGlass { person, revision, reason };
    super::with_words(&host, &name, posted, ("reason", command)).await
}

fn word(text: &str) -> Option<String> {
    named(text).filter(|text| !text.contains(char::is_whitespace))
}

/// A name without hidden characters, of a length that can be shown.
fn named(text: &str) -> Option<String> {
    let most = i64::try_from(EVIDENCE_NAME_BYTES_MAX).unwrap_or(i64::MAX);
    let fits = !text.trim().is_empty() && text.len() <= EVIDENCE_NAME_BYTES_MAX;
    (fits && refused_character(text, most).is_none()).then(|| text.to_owned())
}

fn evidence(members: &mut Members) -> Vec<Evidence> {
    let expected = format!("a list of at most {EVIDENCE_MAX} objects");
    let pieces = match members.take("evidence") {
        None => return Vec::new(),
        Some(Raw::List(pieces)) if pieces.len() <= EVIDENCE_MAX => pieces,
        Some(other) => {
            members.flaw(Flaw::new("/evidence", expected, other.found()));
            return Vec::new();
        }
    };
    let mut given = Vec::with_capacity(pieces.len());
    for (index, raw) in pieces.into_iter().enumerate() {
        let place = format!("/evidence/{index}");
        let mut one = Members::of(raw, &["kind", "name", "sha256", "bytes", "link"]).below(&place);
        given.extend(piece(&mut one, &place));
        members.take_flaws(one);
    }
    given
}

/// One piece; its flaws are noted.
fn piece(members: &mut Members, place: &str) -> Option<Evidence> {
    let kind = members.required("kind", "a kind of evidence", word);
    let link = |text: &str| {
        let address = text.starts_with("https://") || text.starts_with("http://");
        named(text).filter(|text| address && !text.contains(char::is_whitespace))
    };
    let link = members.optional("link", "an address that begins with https:// or http://", link);
    let name = members.optional("name", "the name of a file", named);
    let sha256 = members.optional("sha256", "64 hexadecimal digits", Digest::parse);
    let bytes = members.take("bytes").and_then(|raw| match raw {
        Raw::Integer(bytes) => u64::try_from(bytes).ok(),
        Raw::Null | Raw::Bool(_) | Raw::Float | Raw::TooLarge | Raw::Text(_) | Raw::List(_) | Raw::Map(_) => {
            None
        }
    });
    let piece = match (link, name, sha256, bytes) {
        (Some(link), None, None, None) => Some(Piece::Link(link)),
        (None, Some(name), Some(sha256), Some(bytes)) => Some(Piece::File { name, sha256, bytes }),
        (_, _, _, _) => None,
    };
    if piece.is_none() && members.are_sound() {
        let expected = "either `link`, or `name`, `sha256` and `bytes` of a file";
        members.flaw(Flaw::new(place.to_owned(), expected, "something else"));
    }
    Some(Evidence { kind: kind?, piece: piece? })
}
