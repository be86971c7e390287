//! What the policy says and why: the sentences, the rows that decided, and what would have made it easier.

use super::all;
use crate::api::view::EvaluationView;
use maud::{Markup, html};

/// The policy's answer.
pub(in crate::console) fn judged(evaluation: &EvaluationView) -> Markup {
    html! {
        h2 { "What the policy says" }
        ul { @for words in &evaluation.words { li { (all(words)) } } }
    }
}

/// How it came to that.
pub(in crate::console) fn explained(evaluation: &EvaluationView) -> Markup {
    html! {
        @if !evaluation.near.is_empty() {
            h3 { "What would have been easier" }
            ul { @for near in &evaluation.near { li { (all(&otherwise_it(&near.words))) } } }
        }
        details {
            summary { "How it came to that" }
            @for rule in &evaluation.rules {
                table {
                    caption {
                        "Row " (rule.row) " of " (rule.of) ", " (rule.id)
                        @if let Some(element) = rule.element { ", element " (element) }
                    }
                    tbody {
                        @for cell in &rule.cells {
                            tr { th scope="row" { (cell.input) } td { (all(&cell.value)) ", as " code { (all(&cell.cell)) } } }
                        }
                        tr { th scope="row" { "asks for" } td { (all(&rule.outcome)) } }
                        tr { th scope="row" { "because" } td { (all(&rule.because)) } }
                    }
                }
            }
            @if !evaluation.guards.is_empty() {
                table {
                    caption { "Guards that hold" }
                    tbody {
                        @for guard in &evaluation.guards {
                            tr { th scope="row" { (guard.id) } td { code { (all(&guard.when)) } " adds " (all(&guard.adds)) ": " (all(&guard.because)) } }
                        }
                    }
                }
            }
            @if !evaluation.components.is_empty() {
                table {
                    caption { "What components added" }
                    tbody {
                        @for added in &evaluation.components {
                            tr { th scope="row" { (added.component) } td { (all(&added.adds)) ": " (all(&added.because)) } }
                        }
                    }
                }
            }
            @if !evaluation.terms.is_empty() {
                table {
                    caption { "What it was computed from" }
                    tbody {
                        @for term in &evaluation.terms { tr { th scope="row" { (term.name) } td { (all(&term.text)) } } }
                    }
                }
            }
            p.note { "Policy of " (evaluation.policy) ", version " code { (evaluation.version) } "." }
        }
    }
}

/// What it would be otherwise, as a sentence.
fn otherwise_it(words: &str) -> String {
    match words.strip_prefix("needs ") {
        Some(rest) => format!("it would need {rest}"),
        None => format!("it would be {words}"),
    }
}
