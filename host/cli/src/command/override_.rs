//! `countersign override`: decide against the policy, with a reason and evidence.

use super::{Global, intent};
use crate::client::{Change, Client};
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use countersign_core::hash::Digest;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// Largest file of evidence: it is read whole, and only its digest is sent.
const EVIDENCE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A decision against the policy. Where the policy itself said no, or is unsure, the intent is taken up again
/// first: you see what would be written, and `countersign decide --approve` lets it pass.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("decision").required(true))]
pub struct Override {
    /// The intent
    pub id: String,
    /// Say yes
    #[arg(long, group = "decision")]
    pub approve: bool,
    /// Say no
    #[arg(long, group = "decision")]
    pub decline: bool,
    /// The revision that you read
    #[arg(long)]
    pub revision: u32,
    /// A reason of the intent type's table of overrides, such as `competitor-offer`
    #[arg(long, value_name = "OVERRIDE_REASON")]
    pub because: String,
    /// Why, in words
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// What shows it: `KIND=FILE`, of which the host keeps the SHA-256, or `KIND=https://...`
    #[arg(long, value_name = "KIND=FILE|LINK")]
    pub evidence: Vec<String>,
    /// The seal of the write plan that you read
    #[arg(long)]
    pub seal: Option<String>,
}

/// Decides against the policy.
///
/// # Errors
/// If a file of evidence cannot be read, the host cannot be reached, or the override is refused.
pub async fn run(command: Override, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    let evidence: Vec<Value> = command.evidence.iter().map(|given| piece(given)).collect::<Result<_>>()?;
    let mut body = json!({
        "decision": if command.approve { "approve" } else { "decline" },
        "override_reason": command.because,
        "reason": command.reason,
        "evidence": evidence,
    });
    if let Some(seal) = &command.seal {
        body["seal"] = json!(seal);
    }
    let path = intent::place(&command.id, "/overrides")?;
    let change = Change { path: &path, body: &body, revision: Some(command.revision), key: None };
    intent::changed(&client.change(&change).await?, global)?;
    Ok(ExitCode::from(exit::DONE))
}

/// In an emergency, take it on yourself to decide alone: for some hours you can override the policy of one intent with
/// `--because break-glass`. Who answers for the intent type and auditors are told at once, and somebody else looks at it
/// afterwards. It ends by itself.
#[derive(Debug, clap::Args)]
pub struct BreakGlass {
    /// The intent
    pub id: String,
    /// The revision that you read
    #[arg(long)]
    pub revision: u32,
    /// Why, in words: they all read it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Breaks the glass of an intent.
///
/// # Errors
/// If the host cannot be reached, or refuses.
pub async fn break_glass(command: BreakGlass, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    let body = json!({ "reason": command.reason });
    let path = intent::place(&command.id, "/break-glass")?;
    let change = Change { path: &path, body: &body, revision: Some(command.revision), key: None };
    intent::changed(&client.change(&change).await?, global)?;
    Ok(ExitCode::from(exit::DONE))
}

/// One piece of evidence as the host takes it.
fn piece(given: &str) -> Result<Value> {
    let Some((kind, what)) = given.split_once('=') else {
        let wrong = Failure::new(exit::USAGE, format!("`{given}` is no evidence"));
        return Err(wrong.with_help("write `KIND=FILE`, such as `competitor-quote=offer.pdf`").into());
    };
    if what.starts_with("https://") || what.starts_with("http://") {
        return Ok(json!({ "kind": kind, "link": what }));
    }
    let path = Path::new(what);
    let unread = || format!("the evidence `{what}` cannot be read");
    let bytes = std::fs::metadata(path).with_context(unread)?.len();
    if EVIDENCE_BYTES_MAX < bytes {
        let message =
            format!("the evidence `{what}` has {bytes} bytes, at most {EVIDENCE_BYTES_MAX} are read");
        let help = "give a link to it instead, `KIND=https://...`";
        return Err(Failure::new(exit::USAGE, message).with_help(help).into());
    }
    let content = std::fs::read(path).with_context(unread)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(json!({ "kind": kind, "name": name, "sha256": Digest::of(&content), "bytes": content.len() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_evidence_by_its_digest() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("offer.pdf");
        std::fs::write(&path, "abc").expect("it is written");
        let piece = piece(&format!("competitor-quote={}", path.display())).expect("it is evidence");
        // SHA-256 of "abc", from FIPS 180-2, appendix B.1.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            piece,
            json!({ "kind": "competitor-quote", "name": "offer.pdf", "sha256": sha256, "bytes": 3 })
        );
    }

    #[test]
    fn a_link_is_evidence_as_it_is() {
        let piece = piece("ticket-link=https://example.com/t/1?a=b").expect("it is evidence");
        assert_eq!(piece, json!({ "kind": "ticket-link", "link": "https://example.com/t/1?a=b" }));
    }

    #[test]
    fn what_names_no_kind_or_no_file_is_no_evidence() {
        for (given, said) in [
            ("offer.pdf", "`offer.pdf` is no evidence"),
            ("quote=missing.pdf", "the evidence `missing.pdf` cannot be read"),
        ] {
            let fault = piece(given).expect_err("it is none").to_string();
            assert_eq!(fault, said);
        }
    }
}
