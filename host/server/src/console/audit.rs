//! Audit: what stands in the log, as far as it is for whoever looks, with its proof; how the log is and where its
//! checkpoints were noted; and whether it begins with one that somebody has.

mod found;

use super::form::Form;
use super::guard::{self, Signed};
use super::intent::{denied, refused};
use super::measures::filled;
use super::page::{self, Here, framed, sentence};
use super::part::moment::Clocks;
use super::part::{all, named};
use crate::api;
use crate::api::view::LogHealthView;
use crate::asked::Place;
use crate::denied::Try;
use crate::door::Caller;
use crate::limits::AUDIT_ENTRIES_LOOKED_AT_MAX;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use countersign_core::log::note::{Checkpoint, Note};
use countersign_core::log::stored::is_consistent;
use countersign_core::people::Duty;
use countersign_engine::fault::Fault;
use countersign_engine::log_tree::Noting;
use found::{Asked, Found, Row, find};
use maud::{Markup, html};

/// What was found out about a checkpoint.
enum Checked {
    /// The log begins with it, and has so many entries now.
    Begins(Checkpoint, u64),
    /// It does not, and why.
    Not(String),
    /// Nothing was found out, and why.
    Unread(String),
}

/// Shows what is found.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let found = match Asked::of(&filled(&uri)) {
        Ok(asked) => find(&host, &signed.session.person, &asked).await.map(|found| (asked, found)),
        Err(problem) => Err(problem),
    };
    match found {
        Ok((asked, found)) => shown(&host, &signed, (&asked, &found), None).await,
        Err(problem) => {
            denied(&host, &signed, Try::of_page("search-log", ""), &problem);
            refused(&signed, &problem)
        }
    }
}

/// Sends a browser that opens the address of the form to its page.
pub(super) async fn again() -> Response {
    page::see_other("/audit")
}

/// Says whether the log begins with a checkpoint that somebody has. Changes nothing.
pub(super) async fn check(State(host): State<Host>, form: Form) -> Response {
    let signed = match guard::required(&host, &form.headers, "/audit") {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let checked = match checked(&host, form.field("checkpoint")).await {
        Ok(checked) => checked,
        Err(problem) => return page::problem_to(&signed.session.person, &problem),
    };
    let asked = Asked::default();
    match find(&host, &signed.session.person, &asked).await {
        Ok(found) => shown(&host, &signed, (&asked, &found), Some(&checked)).await,
        Err(problem) => page::problem_to(&signed.session.person, &problem),
    }
}

/// The proof of one entry of an intent, as a file.
pub(super) async fn proof(
    State(host): State<Host>,
    Place(name): Place<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let signed = match guard::required(&host, &headers, &format!("/intents/{}", super::form::escaped(&name)))
    {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let caller = Caller { person: signed.session.person.clone(), token: String::new() };
    match api::log::proved(&host, &caller, &name, &uri).await {
        Ok(proof) => {
            let file = format!("attachment; filename=\"{name}.tlog-proof\"");
            let kind = "text/plain; charset=utf-8";
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, &*file)], proof).into_response()
        }
        Err(problem) => {
            denied(&host, &signed, Try::of_page("prove", &name), &problem);
            refused(&signed, &problem)
        }
    }
}

/// Whether the log begins with a checkpoint, by a proof of a few hashes.
async fn checked(host: &Host, pasted: &str) -> Result<Checked, Problem> {
    let (tree, signer) = api::log::proving(host)?;
    let text = format!("{}\n", pasted.replace("\r\n", "\n").trim());
    let ours = |_: &[u8; 32], text: &[u8], signature: &[u8; 64]| (signer.sign)(text) == *signature;
    let Some(old) = Note::parse(&text).and_then(|note| note.checkpoint(&signer.public, ours)) else {
        let why = "It is no whole checkpoint that the key of this log has signed. Paste all of its lines, the last one begins with a dash.";
        return Ok(Checked::Unread(why.to_owned()));
    };
    let proved = tree.consistency(old.size).await.map_err(Fault::Store)?;
    let Some((proof, size, root)) = proved else {
        let now = tree.checkpoint().await.map_err(Fault::Store)?.0;
        return Ok(Checked::Not(format!(
            "The checkpoint counts {} entries, and the log has {now}.",
            old.size
        )));
    };
    if is_consistent((old.size, &old.root), (size, &root), &proof) {
        return Ok(Checked::Begins(old, size));
    }
    Ok(Checked::Not(format!("Its first {} entries are other ones than those that were signed.", old.size)))
}

async fn shown(
    host: &Host,
    signed: &Signed,
    (asked, found): (&Asked, &Found),
    checked: Option<&Checked>,
) -> Response {
    let person = &signed.session.person;
    let rulebook = host.engine.rulebook();
    let clocks = Clocks { directory: rulebook.directory(), person, now: host.engine.now() };
    let audits = rulebook.directory().has_duty(person, Duty::Auditor);
    let tells = audits || rulebook.directory().looks_after(person, None);
    let checkpoint = api::log::signed(host).await.ok();
    let body = html! {
        link rel="stylesheet" href="/assets/measures.css";
        p.purpose { "What stands in the log: every entry with who, when and its proof. Nobody can change an entry." }
        nav.lists aria-label="Lists" {
            a href="/audit" aria-current="true" { "Entries" }
            @if audits { a href="/audit/denied" { "Refused tries" } }
            a href="#log" { "The log itself" }
        }
        @if let Some(checked) = checked { (answered(checked)) }
        (form(asked, audits))
        (rows(asked, found, checkpoint.is_some(), clocks))
        (log(host, checkpoint.as_deref(), (clocks, tells)))
    };
    (StatusCode::OK, framed(Here::Audit, "Audit", person, &body)).into_response()
}

fn answered(checked: &Checked) -> Markup {
    html! {
        @match checked {
            Checked::Begins(old, now) => p.kept role="status" {
                "The log begins with the " (old.size) " entries of this checkpoint: none of them was changed or taken away. "
                (now.saturating_sub(old.size)) " came since."
            },
            Checked::Not(why) => div.warn role="alert" {
                p { strong { "The log does not begin with this checkpoint. " } (why) }
                p { "It was replaced by another one, or an old copy stands in its place. Keep the data folder as it is, and compare it with a backup." }
            },
            Checked::Unread(why) => p.warn role="alert" { (why) },
        }
    }
}

fn form(asked: &Asked, audits: bool) -> Markup {
    html! {
        form.asking method="get" action="/audit" {
            p { label for="intent" { "Intent" } input #intent name="intent" placeholder="int_..." value=(asked.intent.map(|id| id.to_string()).unwrap_or_default()) required[!audits]; }
            p { label for="person" { "Person" } input #person name="person" value=(asked.person.as_deref().unwrap_or_default()); }
            p { label for="kind" { "Kind" } input #kind name="kind" placeholder="approved" value=(asked.kind.as_deref().unwrap_or_default()); }
            p { label for="day" { "Day" } input #day type="date" name="day" value=(asked.day.map(|day| day.to_string()).unwrap_or_default()); }
            p { button { "Search" } }
        }
        @if !audits { p.note { "The log as a whole is for auditors. You can look at the entries of each intent that you may see." } }
    }
}

fn rows(asked: &Asked, found: &Found, proves: bool, clocks: Clocks<'_>) -> Markup {
    html! {
        @match found {
            Found::NotAsked => {
                p { strong { "Name an intent." } }
                p { "Its id stands at the end of the address of its page." }
                p { a.button.quiet href="/intents" { "All intents" } }
            },
            Found::Rows { rows, next, looked } => {
                @if rows.is_empty() && *looked < AUDIT_ENTRIES_LOOKED_AT_MAX { (empty(asked)) }
                @else if rows.is_empty() { p { "Among the last " (looked) " entries none is like that." } }
                @else { (table(rows, proves, clocks)) }
                @if asked.day.is_some() && asked.intent.is_none() {
                    p.note { "Days are those of UTC, by the clock of this host. If that was set back, an entry of the day may stand elsewhere in the log." }
                }
                @if asked.before.is_some() || next.is_some() {
                    nav.pages aria-label="Pages" {
                        @if asked.before.is_some() { a href=(asked.address(None)) { "First page" } }
                        @if let Some(next) = next { a rel="next" href=(asked.address(Some(*next))) { @if rows.is_empty() { "Look further back" } @else { "Next page" } } }
                    }
                }
            },
        }
    }
}

fn empty(asked: &Asked) -> Markup {
    html! {
        @if asked.is_narrow() {
            p { strong { "No entry is like that." } }
            p { a.button.quiet href="/audit" { "All entries" } }
        } @else {
            p { strong { "The log has no entry yet." } }
            p { "The first ones come when this host starts with connectors, and when somebody asks for something." }
        }
    }
}

fn table(rows: &[Row], proves: bool, clocks: Clocks<'_>) -> Markup {
    html! {
        table.rows {
            thead {
                tr {
                    th scope="col" { "entry" } th scope="col" { "what" } th scope="col" { "kind" } th scope="col" { "by" }
                    th scope="col" { "when" } @if proves { th scope="col" { "proof" } }
                }
            }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { (row.number) }
                        td data-of="what" {
                            span {
                                @if let Some(intent) = &row.intent { a href=(format!("/intents/{intent}")) { (sentence(&all(&row.about))) } p.note { (named(&row.words)) } }
                                @else { (row.about) }
                            }
                        }
                        td data-of="kind" { (row.kind) }
                        td data-of="by" { (row.by) }
                        td data-of="when" { span { (clocks.exact(&row.at)) } }
                        @if proves {
                            td data-of="proof" {
                                @if let Some(intent) = &row.intent {
                                    a href=(format!("/intents/{intent}/proof?sequence={}", row.sequence)) aria-label=(format!("Proof of entry {}", row.number)) { "proof" }
                                } @else { "-" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How the log is, and how it is checked.
fn log(host: &Host, checkpoint: Option<&str>, (clocks, tells): (Clocks<'_>, bool)) -> Markup {
    let health = LogHealthView::from(&host.engine.health());
    let notings = host.engine.log_tree().map(|tree| tree.notings()).unwrap_or_default();
    html! {
        h2 #log { "The log itself" }
        table {
            tbody {
                tr { th scope="row" { "entries" } td { (health.position) } }
                tr { th scope="row" { "takes more" } td { @match &health.why { None => "yes", Some(why) => b.late { "no: " (why) } } } }
                tr { th scope="row" { "head of its hash chain" } td { code { (health.head) } } }
            }
        }
        @match checkpoint {
            Some(checkpoint) => {
                h3 { "Its checkpoint" }
                p { "Signed just now, over every entry. Keep it where nobody of this host can change it: with it, anybody can tell later whether an entry was changed." }
                pre { (checkpoint) }
                (noted(&notings, (clocks, tells)))
                h3 { "Does it still begin with a checkpoint that you have?" }
                form method="post" action="/audit/checkpoint" {
                    label for="checkpoint" { "The whole checkpoint" }
                    textarea #checkpoint name="checkpoint" required {}
                    button.quiet { "Check it now" }
                }
                p.note { "It is this host that says so. Without trust in it: " code { "countersign audit extends" } " asks for the proof and checks it where you are, and "
                    code { "countersign audit verify" } " reads a stopped host's whole log again." }
            },
            None => {
                p { strong { "This host has no key for its log, so it proves nothing of it." } }
                p { code { "countersign audit key" } " makes one; name it as " code { "key" } " of " code { "[log]" } " in the configuration and start the host again." }
            },
        }
    }
}

/// Where checkpoints were noted, and how far. Why one could not be noted has addresses and places of this machine in it: that
/// is for those who audit or operate.
fn noted(notings: &[Noting], (clocks, tells): (Clocks<'_>, bool)) -> Markup {
    html! {
        h3 { "Where it was noted" }
        @if notings.is_empty() {
            p { "Nowhere: whoever rules this machine could put another log in its place. A section " code { "[log.anchor.NAME]" }
                " of the configuration has it noted where others keep it." }
        } @else {
            table.rows {
                thead { tr { th scope="col" { "place" } th.number scope="col" { "entries" } th scope="col" { "last noted" } th scope="col" { "since then" } } }
                tbody {
                    @for noting in notings {
                        tr {
                            th scope="row" { (noting.anchor) }
                            td.number data-of="entries" { @if let Some((entries, _)) = noting.last { (entries) } @else { "-" } }
                            td data-of="last noted" { @if let Some((_, at)) = noting.last { span { (clocks.past(&at.to_string())) } } @else { "not since this host runs" } }
                            td data-of="since then" { @if let Some(why) = &noting.failed { b.late { "it could not be noted" @if tells { ": " (all(why)) } } } @else { "-" } }
                        }
                    }
                }
            }
        }
    }
}
