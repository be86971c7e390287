//! `countersign audit case`: everything that the log holds of one intent in one file, with the proof of each entry, and as a
//! page to read and to print.

mod page;

use super::evidence::{Whole, same};
use super::ledger::{Bound, Ledger, Under};
use super::population::Log;
use super::{Global, key, tree};
use crate::exit;
use crate::output::{self, Failure};
use anyhow::{Context as _, Result, ensure};
use countersign_core::approval::event::{Entry, Event};
use countersign_core::evidence::case::{Chain, Placed, Publication, chain, publications};
use countersign_core::hash::Digest;
use countersign_core::id::IntentId;
use countersign_core::log::leaf::Leaf;
use countersign_core::log::note::{Note, VerifierKey};
use countersign_core::log::picked::Picked;
use countersign_core::log::proof::Proof;
use countersign_engine::port::store::Logged;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the file calls itself.
const FORM: &str = "countersign-case/1";
/// Largest file of a case that is read, in bytes: the largest life of an intent with its proofs is smaller.
pub(super) const CASE_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Most bytes of the entries of one life, together: far more than any policy or plan needs.
const ENTRIES_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Most publications of policies that are known at one time.
const PUBLICATIONS_MAX: usize = 100_000;
/// Bytes of every entry that says that a policy was published.
const ACTIVATED: &[u8] = b"\"activated\"";

/// What is wanted of it.
#[derive(Debug, clap::Args)]
pub struct CaseOf {
    /// The intent
    id: IntentId,
    /// The file: JSON; no file is written over
    file: PathBuf,
    /// Also write a page to read and to print (HTML without scripts)
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Make a file that is there again from the log, up to its own checkpoint, and compare every byte
    #[arg(long, conflicts_with_all = ["page", "checkpoint"])]
    again: bool,
    #[command(flatten)]
    under: Under,
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    form: String,
    log: Log,
    chain: Chain,
    entries: Vec<Proved>,
}

/// An entry of the log, and the proof that it stands there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proved {
    position: u64,
    stream: String,
    sequence: u64,
    /// SHA-256 of the text of the entry.
    sha256: Digest,
    /// Its bytes, as text.
    entry: String,
    /// `c2sp.org/tlog-proof`.
    proof: String,
}

/// What the first reading finds.
struct Found {
    of: IntentId,
    entries: Vec<Raw>,
    bytes: usize,
    /// Every publication of a policy, in the order of the log.
    published: Vec<Publication>,
}

#[derive(Debug, Clone)]
struct Raw {
    leaf: Leaf,
    position: u64,
    text: String,
}

impl Raw {
    fn of(logged: &Logged, leaf: &Leaf) -> Result<Raw> {
        let text = std::str::from_utf8(&logged.entry).context("an entry is no text")?.to_owned();
        Ok(Raw { leaf: leaf.clone(), position: logged.position.0, text })
    }

    fn entry(&self) -> Result<Entry> {
        serde_json::from_str(&self.text)
            .with_context(|| format!("entry {} of `{}` cannot be read", self.leaf.sequence, self.leaf.stream))
    }
}

/// What the second reading picks.
struct Picking {
    picked: Picked,
    publications: BTreeSet<u64>,
    found: Vec<Raw>,
}

/// Writes a case, or makes one again.
///
/// # Errors
/// If the log cannot be read, is not what its checkpoint says or has no such intent; or a file cannot be written or is not
/// what the log says.
pub(super) async fn run(command: CaseOf, global: &Global) -> Result<ExitCode> {
    let CaseOf { id, file, page, again, under } = command;
    let known = again.then(|| read(&file)).transpose()?;
    let whole = if again { None } else { Some(Whole::begin(&file)?) };
    let shown = page.as_deref().map(Whole::begin).transpose()?;
    let ledger = under.ledger(known.as_ref().map(|(known, _)| known.log.checkpoint.clone()), global).await?;
    let case = made(id, ledger).await?;
    let bytes = serde_json::to_string_pretty(&case)? + "\n";
    if CASE_BYTES_MAX < bytes.len() {
        let message =
            format!("the case of {id} is longer than {CASE_BYTES_MAX} bytes, and could not be checked");
        let help = "prove the entries that matter one by one: `countersign audit prove`";
        return Err(Failure::new(exit::NO, message).with_help(help).into());
    }
    match (whole, &known) {
        (Some(whole), _) => whole.write(bytes.as_bytes())?,
        (None, Some((_, text))) => same(text, &bytes, &file)?,
        (None, None) => {}
    }
    if let Some(shown) = shown {
        shown.write(page::of(&case.chain, &case.log, &file.display().to_string()).as_bytes())?;
    }
    say(&file, &case, again, global)
}

async fn made(id: IntentId, ledger: Ledger) -> Result<CaseFile> {
    let found = Found { of: id, entries: Vec::new(), bytes: 0, published: Vec::new() };
    let (found, bound) = ledger.walk(found, find).await?;
    if found.entries.is_empty() {
        let message = format!("the log of {} entries has no intent `{id}`", bound.checkpoint.size);
        return Err(Failure::new(exit::NO, message).into());
    }
    let entries = found.entries.iter().map(Raw::entry).collect::<Result<Vec<_>>>()?;
    let placed = placed(&found.entries, &entries);
    let published = publications(&placed, &found.published);
    let chain = chain(&placed, &published)?;
    let publications: BTreeSet<u64> = published.iter().map(|publication| publication.position).collect();
    let positions = found.entries.iter().map(|raw| raw.position).chain(publications.iter().copied());
    let picked = Picked::new(positions.map(|position| position.saturating_sub(1)), bound.checkpoint.size);
    let ledger = ledger.up_to(bound.clone());
    let (picking, _) = ledger.walk(Picking { picked, publications, found: Vec::new() }, pick).await?;
    let all = found.entries.into_iter().chain(picking.found);
    let entries = all.map(|raw| proved(raw, &picking.picked, &bound)).collect::<Result<Vec<_>>>()?;
    Ok(CaseFile { form: FORM.to_owned(), log: Log::of(&bound), chain, entries })
}

fn placed<'a>(raw: &[Raw], entries: &'a [Entry]) -> Vec<Placed<'a>> {
    raw.iter().zip(entries).map(|(raw, entry)| Placed { position: raw.position, entry }).collect()
}

fn find(found: &mut Found, logged: &Logged, leaf: &Leaf) -> Result<()> {
    let Ok(intent) = logged.stream.parse::<IntentId>() else { return Ok(()) };
    if intent == found.of {
        found.bytes = found.bytes.saturating_add(logged.entry.len());
        ensure!(
            found.bytes <= ENTRIES_BYTES_MAX,
            Failure::new(
                exit::NO,
                format!("the entries of {intent} have more than {ENTRIES_BYTES_MAX} bytes")
            )
        );
        found.entries.push(Raw::of(logged, leaf)?);
    }
    // Most entries are not read for it.
    if logged.entry.windows(ACTIVATED.len()).any(|part| part == ACTIVATED)
        && let Event::Activated { version, .. } = Raw::of(logged, leaf)?.entry()?.event
    {
        found.published.push(Publication { version, intent, position: logged.position.0 });
        ensure!(
            found.published.len() <= PUBLICATIONS_MAX,
            Failure::new(
                exit::NO,
                format!("the log has more than {PUBLICATIONS_MAX} publications of policies")
            )
        );
    }
    Ok(())
}

fn pick(picking: &mut Picking, logged: &Logged, leaf: &Leaf) -> Result<()> {
    picking.picked.push(tree::hash(leaf));
    if picking.publications.contains(&logged.position.0) {
        picking.found.push(Raw::of(logged, leaf)?);
    }
    Ok(())
}

fn proved(raw: Raw, picked: &Picked, bound: &Bound) -> Result<Proved> {
    let Raw { leaf, position, text } = raw;
    let index = position.saturating_sub(1);
    let path = picked.path(index).ok().context("the log became shorter while it was read")?;
    let note = Note::parse(&bound.note).context("a checkpoint that was read before is none")?;
    let (stream, sequence, sha256) = (leaf.stream.clone(), leaf.sequence, leaf.entry);
    let proof = Proof { leaf, index, path, note }.to_text();
    Ok(Proved { position, stream, sequence, sha256, entry: text, proof })
}

/// Reads a case; gives its text too.
fn read(file: &Path) -> Result<(CaseFile, String)> {
    let text = super::text_of(file, CASE_BYTES_MAX)?;
    Ok((parsed(file, &text)?, text))
}

/// The case of a text that was read from a file.
fn parsed(file: &Path, text: &str) -> Result<CaseFile> {
    let case: CaseFile = serde_json::from_str(text)
        .map_err(|fault| Failure::new(exit::NO, format!("`{}` is no case: {fault}", file.display())))?;
    if case.form != FORM {
        let message = format!("`{}` is a `{}`, and this program knows `{FORM}`", file.display(), case.form);
        return Err(Failure::new(exit::NO, message).into());
    }
    Ok(case)
}

/// Checks a case with nothing but itself and the public key of the log: every proof, every entry, every link.
///
/// # Errors
/// What is not as it says.
pub(super) fn check(file: &Path, text: &str, public: &VerifierKey, global: &Global) -> Result<ExitCode> {
    let case = parsed(file, text)?;
    let no = |what: String| Failure::new(exit::NO, format!("`{}`: {what}", file.display()));
    let Some(bound) = Bound::of(case.log.checkpoint.clone(), public) else {
        return Err(no(format!("its checkpoint is not signed by `{}`", public.name())).into());
    };
    ensure!(Log::of(&bound) == case.log, no("its log is not that of its checkpoint".to_owned()));
    let (mut own, mut published) = (Vec::new(), Vec::new());
    for proved in &case.entries {
        let raw = proof_of(proved, public, &bound)
            .map_err(|what| no(format!("entry {} of the log: {what}", proved.position)))?;
        if proved.stream == case.chain.intent.to_string() {
            let next = u64::try_from(own.len())?.saturating_add(1);
            ensure!(raw.leaf.sequence == next, no(format!("entry {next} of the intent is missing")));
            own.push(raw);
        } else if let Event::Activated { version, .. } = raw.entry()?.event {
            let intent =
                proved.stream.parse().map_err(|_| no(format!("`{}` is no intent", proved.stream)))?;
            published.push(Publication { version, intent, position: proved.position });
        }
    }
    let entries = own.iter().map(Raw::entry).collect::<Result<Vec<_>>>()?;
    published.sort_by_key(|publication| publication.position);
    let chain = chain(&placed(&own, &entries), &published)?;
    ensure!(chain == case.chain, no("its links are not those that its entries make".to_owned()));
    say(file, &case, true, global)
}

/// The entry, if its proof holds.
fn proof_of(proved: &Proved, public: &VerifierKey, bound: &Bound) -> Result<Raw, String> {
    if Digest::of(proved.entry.as_bytes()) != proved.sha256 {
        return Err("its text is not what its SHA-256 says".to_owned());
    }
    let proof = Proof::parse(&proved.proof).map_err(|flaw| flaw.to_string())?;
    let checkpoint = proof.check(public, key::is_right).map_err(|flaw| flaw.to_string())?;
    let Leaf { stream, sequence, entry } = &proof.leaf;
    let is_it = (stream, *sequence, *entry) == (&proved.stream, proved.sequence, proved.sha256)
        && proof.index.checked_add(1) == Some(proved.position);
    if !is_it {
        return Err("its proof is of another entry".to_owned());
    }
    if checkpoint != bound.checkpoint {
        return Err("its proof leads to another checkpoint".to_owned());
    }
    Ok(Raw { leaf: proof.leaf, position: proved.position, text: proved.entry.clone() })
}

fn say(file: &Path, case: &CaseFile, is_checked: bool, global: &Global) -> Result<ExitCode> {
    let Chain { intent, stage, holds, missing, links } = &case.chain;
    let checks = links.iter().map(|link| link.checks.len()).sum::<usize>();
    let broken = links.iter().flat_map(|link| &link.checks).filter(|check| !check.holds);
    let broken: Vec<String> =
        broken.map(|check| format!("{}: {} is not {}", check.what, check.found, check.expected)).collect();
    if global.json {
        output::json(&json!({
            "file": file.display().to_string(),
            "intent": intent,
            "stage": stage,
            "holds": holds,
            "checks": checks,
            "broken": broken,
            "missing": missing,
            "entries": case.entries.len(),
            "root": case.log.root,
        }))?;
    } else {
        let found = if is_checked { "holds what it says" } else { "is written" };
        output::line(&format!(
            "`{}` {found}: {intent} ({stage}), {} links of {} entries",
            file.display(),
            links.len(),
            case.entries.len()
        ))?;
        for what in missing {
            output::line(&output::plain(&format!("missing: {what}")))?;
        }
        output::line(&format!("{} of {checks} checks hold", checks.saturating_sub(broken.len())))?;
    }
    if *holds {
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut failure = Failure::new(exit::NO, format!("the links of {intent} do not fit together"));
    failure.places = broken;
    let help = "nobody but whoever runs the host could have written that: keep the data folder and this file as they are";
    Err(failure.with_help(help).into())
}
