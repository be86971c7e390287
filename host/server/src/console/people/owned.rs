//! Who answers for what: pools, intent types with their seats, connections.

use super::listed;
use crate::api::view::{OwnedTypeView, OwnerView, OwnershipView};
use crate::console::part::moment::Clocks;
use countersign_core::people::Directory;
use maud::{Markup, html};

/// Every pool: who sits in it, who leads it, whose turn it is.
pub(super) fn pools(directory: &Directory, clocks: Clocks<'_>) -> Markup {
    html! {
        h2 #pools { "Pools" }
        table.rows {
            thead { tr { th scope="col" { "pool" } th scope="col" { "in it" } th scope="col" { "lead" } th scope="col" { "on call" } } }
            tbody {
                @for (name, pool) in &directory.pools {
                    tr {
                        th scope="row" { (name) }
                        td data-of="in it" {
                            span { @if pool.members.is_empty() { b.late { "nobody" } } @else { (pool.members.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) } }
                        }
                        td data-of="lead" { (pool.lead) }
                        td data-of="on call" { @match directory.on_call(name, clocks.now) { Some(turn) => span { (turn.person) " until " (turn.until) }, None => "-" } }
                    }
                }
            }
        }
    }
}

/// Every intent type: who owns it, who decides it, what is lacking.
pub(super) fn types(owned: &OwnershipView) -> Markup {
    html! {
        h2 #owners { "Who answers for what" }
        @if owned.types.is_empty() {
            p { strong { "This house has no intent type." } }
            p { "The first one comes with " code { "countersign init" } "." }
        }
        @for one in &owned.types { (of_type(one)) }
    }
}

fn of_type(one: &OwnedTypeView) -> Markup {
    html! {
        details {
            summary { (one.name.replace('_', " ")) @if !one.lacking.is_empty() { " (something is lacking)" } }
            table {
                tbody {
                    tr { th scope="row" { "stands" } td { (one.state) ", " (one.impact) } }
                    tr { th scope="row" { "owned by" } td { (owner(&one.owner)) } }
                    @if let Some(of) = &one.policy_owner { tr { th scope="row" { "its policy by" } td { (owner(of)) } } }
                    tr { th scope="row" { "broken connections" } td { (owner(&one.incident_owner)) } }
                    tr { th scope="row" { "what everybody missed" } td { (one.fallback_owner) } }
                    @if !one.asked_by.is_empty() { tr { th scope="row" { "asked for by" } td { (listed(&one.asked_by)) } } }
                    @if !one.destinations.is_empty() { tr { th scope="row" { "written to" } td { (one.destinations.join(", ")) } } }
                    @for lack in &one.lacking { tr { th scope="row" { "lacking" } td { b.late { (lack) } } } }
                }
            }
            @if one.seats.is_empty() { p { "No rule of its policy asks anybody." } }
            @else {
                h3 { "Who may approve it" }
                table.rows {
                    thead { tr { th scope="col" { "asked" } th scope="col" { "now these" } th scope="col" { "how many" } th scope="col" { "within" } th scope="col" { "then" } th.number scope="col" { "rules that ask" } } }
                    tbody {
                        @for seat in &one.seats {
                            tr {
                                th scope="row" { (seat.whom) p.note { "route " (seat.route) ", step " (seat.step) } }
                                td data-of="now these" { span { @if seat.people.is_empty() { "depends on the intent" } @else { (seat.people.join(", ")) } } }
                                td data-of="how many" { (seat.need) }
                                td data-of="within" { (seat.within) }
                                td data-of="then" { span { (listed(&seat.backup)) ", then " (seat.finally) } }
                                td.number data-of="rules that ask" { (seat.rules) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn owner(owner: &OwnerView) -> Markup {
    html! {
        "pool " (owner.pool) ": " (listed(&owner.members))
        @if let Some(lead) = &owner.lead { ", led by " (lead) }
        @if let Some(turn) = &owner.on_call { "; " (turn.person) " is on call until " (turn.until) }
    }
}

/// Who looks after which connection.
pub(super) fn connections(owned: &OwnershipView) -> Markup {
    html! {
        h2 #connections { "Connections" }
        @if owned.connections.is_empty() {
            p { "There is none yet: the first one is a section of the configuration, " code { "countersign connection --help" } " says how." }
        } @else {
            table.rows {
                thead { tr { th scope="col" { "connection" } th scope="col" { "looked after by" } } }
                tbody {
                    @for one in &owned.connections {
                        tr {
                            th scope="row" {
                                @if one.configured { a href=(crate::console::reconciliation::address(&one.name)) { (one.name) } }
                                @else { (one.name) p.note { "not configured" } }
                            }
                            td data-of="looked after by" { span { @match &one.integration_owner { Some(of) => (owner(of)), None => "the operators" } } }
                        }
                    }
                }
            }
        }
    }
}
