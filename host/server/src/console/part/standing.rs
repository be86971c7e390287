//! What is on its way to the targets, and what they do not hold any more, as far as it is for whoever looks.

use super::all;
use super::moment::Clocks;
use super::ways::happened;
use crate::api::view::effect::is_settled;
use crate::api::view::intent::Looking;
use crate::api::view::{EffectView, ExceptionView, IntentView};
use crate::console::exceptions;
use crate::console::inbox::{LOOKED_AT_MAX, collect};
use crate::console::page::sentence;
use crate::problem::Problem;
use crate::state::Host;
use countersign_core::approval::Approval;
use countersign_core::approval::event::{Entry, Event};
use countersign_core::exception::Cause;
use countersign_core::id::{ExceptionId, PersonId};
use countersign_core::notice::words::title;
use countersign_core::time::Timestamp;
use countersign_engine::row::EXCEPTION_OPEN;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// The label of an intent with a write that has not ended.
const OPEN: (&str, &str) = ("effects", "open");

/// A write that has not ended.
pub(in crate::console) struct Open {
    title: String,
    /// When it was approved.
    pub(in crate::console) since: Option<Timestamp>,
    /// Whether nobody knows if it landed.
    pub(in crate::console) unknown: bool,
    effect: EffectView,
}

/// A write that its target does not hold any more, or does not let be read.
pub(in crate::console) struct Amiss {
    title: String,
    connection: String,
    cause: Cause,
    since: Timestamp,
    exception: ExceptionView,
}

/// How it stands with the targets.
#[derive(Default)]
pub(in crate::console) struct Standing {
    open: Vec<Open>,
    pub(in crate::console) amiss: Vec<Amiss>,
    /// Whether there may be more than was looked at.
    more: bool,
}

impl Standing {
    pub(in crate::console) fn open_at(&self, connection: &str) -> impl Iterator<Item = &Open> {
        self.open.iter().filter(move |open| open.effect.connection == connection)
    }

    pub(in crate::console) fn amiss_at(&self, connection: &str) -> impl Iterator<Item = &Amiss> {
        self.amiss.iter().filter(move |amiss| amiss.connection == connection)
    }
}

/// Looks through the intents of which something is open.
pub(in crate::console) async fn standing(host: &Host, person: &PersonId) -> Result<Standing, Problem> {
    let mut found = Standing::default();
    let (mut written, mut excepted) = (BTreeSet::new(), BTreeSet::new());
    found.more |= collect(host, OPEN, &mut written).await?;
    found.more |= collect(host, EXCEPTION_OPEN, &mut excepted).await?;
    let both: BTreeSet<_> = written.union(&excepted).map(|place| place.intent).collect();
    for intent in both {
        let (approval, rulebook) = (host.engine.read(intent).await?.approval, host.engine.rulebook());
        let looking = Looking { person, rulebook: &rulebook, now: host.engine.now() };
        let Some(view) = IntentView::of(&approval, looking) else { continue };
        let title = title(&approval, &rulebook, &rulebook.sight(&approval, person, looking.now));
        let amiss = view.exceptions.into_iter().filter_map(|view| of_watch(&approval, &title, view));
        found.amiss.extend(amiss);
        let mut open = view.effects.into_iter().filter(|effect| !is_settled(effect)).peekable();
        if open.peek().is_none() {
            continue;
        }
        let since = approved(&host.engine.entries(intent).await?);
        found.open.extend(open.map(|effect| Open {
            title: title.clone(),
            since,
            unknown: is_unknown(&effect),
            effect,
        }));
    }
    found.amiss.sort_by_key(|amiss| amiss.since);
    found.open.sort_by_key(|open| open.since);
    Ok(found)
}

/// An open exception about what a target holds after the write.
fn of_watch(approval: &Approval, title: &str, view: ExceptionView) -> Option<Amiss> {
    let id: ExceptionId = view.id.parse().ok()?;
    let exception = approval.exceptions.get(&id)?;
    if exception.closed.is_some() || !exception.is_of_watch() {
        return None;
    }
    let planned = approval.planned(exception.effect?)?;
    Some(Amiss {
        title: title.to_owned(),
        connection: planned.connection.to_string(),
        cause: exception.cause,
        since: exception.opened,
        exception: view,
    })
}

/// When an intent was approved, the last time that it was.
fn approved(entries: &[Entry]) -> Option<Timestamp> {
    let mut newest = entries.iter().rev();
    newest.find(|entry| matches!(entry.event, Event::Approved { .. })).map(|entry| entry.at)
}

fn is_unknown(effect: &EffectView) -> bool {
    effect.state == "probing" || effect.cause.as_deref() == Some("uncertain")
}

/// That not all of it was looked at, where it was not.
pub(in crate::console) fn whole(standing: &Standing) -> Markup {
    html! {
        @if standing.more {
            p.note { "More than " (LOOKED_AT_MAX) " intents have something open; the oldest are not counted here. The metrics count all." }
        }
    }
}

/// What is on its way, what was approved first before the rest.
pub(in crate::console) fn open<'a>(open: impl Iterator<Item = &'a Open>, clocks: Clocks<'_>) -> Markup {
    html! {
        table.rows {
            thead { tr { th scope="col" { "intent" } th scope="col" { "write" } th scope="col" { "state" } th scope="col" { "approved" } } }
            tbody {
                @for open in open {
                    tr {
                        th scope="row" { a href=(format!("/intents/{}", open.effect.intent)) { (sentence(&all(&open.title))) } }
                        td data-of="write" { (open.effect.binding) }
                        td data-of="state" {
                            span {
                                (open.effect.state)
                                @if open.unknown { ": nobody knows whether it landed" }
                                @else if let Some(detail) = &open.effect.detail { ": " (all(&detail.message)) }
                            }
                        }
                        td data-of="approved" { @if let Some(since) = open.since { span { (clocks.past(&since.to_string())) } } @else { "-" } }
                    }
                }
            }
        }
    }
}

/// What is not as it was approved, what was found first before the rest.
pub(in crate::console) fn amiss<'a>(amiss: impl Iterator<Item = &'a Amiss>, clocks: Clocks<'_>) -> Markup {
    html! {
        table.rows {
            thead {
                tr {
                    th scope="col" { "what was found" } th scope="col" { "connection" } th scope="col" { "intent" }
                    th scope="col" { "owner" } th scope="col" { "since" }
                }
            }
            tbody {
                @for one in amiss {
                    tr {
                        th scope="row" {
                            a href=(exceptions::address(&one.exception)) { (sentence(happened(one.cause))) }
                            p.note { (all(&one.exception.detail.message)) }
                        }
                        td data-of="connection" { (one.connection) }
                        td data-of="intent" {
                            span {
                                (sentence(&all(&one.title))) br;
                                a href=(compared(&one.exception.intent)) { "Approved, written, current" }
                            }
                        }
                        td data-of="owner" { (one.exception.owner) }
                        td data-of="since" { span { (clocks.past(&one.since.to_string())) } }
                    }
                }
            }
        }
    }
}

/// The page on which what was approved stands beside what is there.
pub(in crate::console) fn compared(intent: &str) -> String {
    format!("/intents/{intent}/reconciliation")
}
