//! What a change of a policy does: what its document says otherwise, what is decided otherwise, what the check found, and
//! what it would have answered to the recorded intents.

use super::all;
use super::tables::comparison;
use crate::api::drafts::file;
use crate::api::view::policy::{FoundView, RegionView, TallyView};
use crate::api::view::{IntentView, PolicyChangeView};
use countersign_core::approval::Approval;
use countersign_core::id::IntentTypeName;
use countersign_core::money::Money;
use countersign_core::policy::backtest::Backtest;
use countersign_core::rulebook::{Rulebook, layout};
use countersign_core::shared_change::{Difference, compare};
use maud::{Markup, html};

/// All that whoever decides on the change of a policy must see, as far as it is for them; nothing if it is no such change.
pub(in crate::console) fn policy(approval: &Approval, view: &IntentView, rulebook: &Rulebook) -> Markup {
    let (Some(change), Some(case)) = (&view.change, approval.case()) else { return html! {} };
    let Some(evidence) = case.change.as_deref() else { return html! {} };
    let document = approval.intent.tokens.iter().find(|(name, _)| name.as_str() == "document");
    let now = document.map(|(_, value)| value.to_string()).unwrap_or_default();
    let before = evidence.before.as_ref().and_then(|before| rulebook.document(&evidence.of, before));
    let otherwise = otherwise(&evidence.of, before, &now);
    html! {
        p {
            "In force from " (change.effective) " on, once it is approved; owned by " (change.owners.join(", ")) "."
            @if let Some(again) = &change.again { " This very version was in force before (" (again) ")." }
        }
        h3 { "What its document says otherwise" }
        @match &otherwise {
            Some(differences) if differences.is_empty() => p { "Nothing." },
            Some(differences) => (comparison(differences)),
            None if change.before.is_none() => p { "It is the first policy of this type: all of its document below is new." },
            None => p.warn { "The version before it cannot be read here. Compare the whole document below." },
        }
        (regions(&change.changed, Rest { inputs: &change.inputs, all: change.all, unsettled: change.unsettled }))
        h3 { "What the check found" }
        (tallies(change))
        (findings(&change.findings))
        @if change.findings.len() < change.findings_total { p.note { (change.findings_total) " findings in all; the most urgent are shown." } }
        @if !change.accepted.is_empty() { p { "The requester answers for the warnings " (change.accepted.join(", ")) "." } }
        h3 { "What it would have answered" }
        @match &change.backtest {
            Some(tried) => (backtest(tried)),
            None => p { "It was not tried on the record, or what that found is not for you." },
        }
        @if !change.conflicted.is_empty() { p.note { "No seat, as an intent of theirs is open: " (change.conflicted.join(", ")) "." } }
    }
}

/// What a document says otherwise than the one before it; nothing if there is none before it, or either cannot be read.
pub(in crate::console) fn otherwise(
    of: &IntentTypeName,
    before: Option<&str>,
    now: &str,
) -> Option<Vec<Difference>> {
    let read = |text: &str| layout(&file(of, text.to_owned())).ok();
    Some(compare(Some(&read(before?)?), &read(now)?))
}

/// What else there is to say of regions.
pub(in crate::console) struct Rest<'a> {
    pub(in crate::console) inputs: &'a [String],
    pub(in crate::console) all: bool,
    pub(in crate::console) unsettled: usize,
}

/// Every region that is decided otherwise.
pub(in crate::console) fn regions(regions: &[RegionView], rest: Rest<'_>) -> Markup {
    html! {
        h3 { "What is decided otherwise" }
        @if regions.is_empty() { p { "Nothing: every intent gets the answer that it gets now." } }
        @else {
            table.rows {
                thead { tr { th scope="col" { "where" } th scope="col" { "is" } th scope="col" { "would be" } th scope="col" { "such as" } } }
                tbody {
                    @for region in regions {
                        tr {
                            th scope="row" { (all(&region.region)) @if region.tried { p.note { "tried at points, not proved" } } }
                            td data-of="is" { (all(&region.was)) }
                            td data-of="would be" { (all(&region.now)) }
                            td data-of="such as" { (all(&region.witness)) }
                        }
                    }
                }
            }
        }
        @for input in rest.inputs { p { "input " (all(input)) } }
        @if !rest.all { p.warn { "These are not all: there are more regions than are listed." } }
        @if 0 < rest.unsettled { p.note { "In " (rest.unsettled) " more a guard that computes may differ, but no tried point does." } }
    }
}

fn tallies(change: &PolicyChangeView) -> Markup {
    let tally = |tally: TallyView| format!("{} of {}", tally.passed, tally.of);
    html! {
        p { (tally(change.examples)) " examples get the answer that they expect; " (tally(change.mutants)) " moved bounds are noticed by one." }
        @if !change.promises.is_empty() { ul { @for promise in &change.promises { li { (all(promise)) } } } }
    }
}

/// What the check found, the most urgent first.
pub(in crate::console) fn findings(findings: &[FoundView]) -> Markup {
    html! {
        @if findings.is_empty() { p { "Nothing is wrong with it." } }
        @else {
            table.rows {
                thead { tr { th scope="col" { "finding" } th scope="col" { "level" } th scope="col" { "place" } th scope="col" { "what to try" } } }
                tbody {
                    @for found in findings {
                        tr {
                            th scope="row" { (all(&found.message)) @if let Some(witness) = &found.witness { p.note { "such as: " (all(witness)) } } }
                            td data-of="level" { @if found.level == "error" { b.late { "error" } } @else { (found.level) } ", " (found.kind) }
                            td data-of="place" { (found.place) }
                            td data-of="what to try" { (found.advice.as_deref().map_or_else(|| "-".to_owned(), all)) }
                        }
                    }
                }
            }
        }
    }
}

/// One line of what a change would have answered to the recorded intents.
pub(in crate::console) fn figure(tried: &Backtest) -> String {
    format!("would change {} of {} recorded", tried.changed.count, tried.cases.count)
}

/// What a change would have answered to the recorded intents.
pub(in crate::console) fn backtest(tried: &Backtest) -> Markup {
    let since = tried.since.map(|day| format!(" since {day}")).unwrap_or_default();
    html! {
        p {
            strong { "It would change " (tried.changed.count) " of " (tried.cases.count) } " recorded intents" (since)
            (stakes(&tried.changed.at_stake)) ". "
            (tried.newly_approved.count) " of them would be approved without asking anybody" (stakes(&tried.newly_approved.at_stake))
            @if 0 < tried.newly_approved_though_declined.count { ", " b.late { (tried.newly_approved_though_declined.count) " of which people declined" } }
            "."
        }
        @if 0 < tried.lacking.cases.count { p.note { (tried.lacking.cases.count) " cannot be compared: what it asks for was not recorded then." } }
        @if tried.moved.iter().any(|moved| moved.was != moved.would_be) {
            table.rows {
                thead { tr { th scope="col" { "was" } th scope="col" { "would be" } th.number scope="col" { "intents" } th scope="col" { "at stake" } } }
                tbody {
                    @for moved in tried.moved.iter().filter(|moved| moved.was != moved.would_be) {
                        tr {
                            th scope="row" { (moved.was) }
                            td data-of="would be" { (moved.would_be) }
                            td.number data-of="intents" { (moved.count) }
                            td data-of="at stake" { (money(&moved.at_stake)) }
                        }
                    }
                }
            }
        }
        @if 0 < tried.moved_left_out { p.note { (tried.moved_left_out) " more rows are left out." } }
        @if !tried.worst.is_empty() {
            p { "Those with the most money among them:" }
            ul { @for worst in &tried.worst { li { (case(&worst.intent)) ": " (worst.was) ", would be " (worst.would_be) @if let Some(stake) = &worst.at_stake { ", " (stake) } "; " (worst.fate.words()) } } }
        }
    }
}

/// A recorded case, with its page where it is an intent of this host.
fn case(name: &str) -> Markup {
    html! { @if name.starts_with("int_") { a href=(format!("/intents/{name}")) { (name) } } @else { (name) } }
}

fn money(stakes: &[Money]) -> String {
    let all: Vec<String> = stakes.iter().map(ToString::to_string).collect();
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}

fn stakes(stakes: &[Money]) -> String {
    if stakes.is_empty() { String::new() } else { format!(" ({})", money(stakes)) }
}

/// A content address, as far as people tell two apart by it.
pub(in crate::console) fn short(version: &str) -> &str {
    version.get(..12).unwrap_or(version)
}
