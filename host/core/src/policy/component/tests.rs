//! What components say is joined, can only tighten, and is void as a whole where it does not fit.

use super::{Contributed, Contribution, Contributions};
use crate::document::{Faults, SourceFile};
use crate::intent::value::{Facts, TokenValue, Tokens};
use crate::policy::{Evaluation, Outcome, Policy, decide, decide_with};
use std::collections::BTreeMap;
use std::sync::Arc;

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn document(components: &str) -> String {
    format!(
        "# Trial\n\n| policy | |\n|---|---|\n| intent | trial |\n| owner | pricing |\n| effective | 2026-01-01 |\n\
         | unsure | closed |\n\n## Inputs\n\n| name | type |\n|---|---|\n| urgent | yes/no |\n\n\
         ## Rules: first\n\n| id | urgent | => outcome | because |\n|---|---|---|---|\n\
         | fast | yes | approve | quick |\n| rest | | boss | all else |\n\n## Components\n\n{components}\n\n\
         ## Routes\n\n| route | step | whom | need | within | backup | finally |\n|---|---|---|---|---|---|---|\n\
         | boss | 1 | pool pricing | 1 | 8h | pool deal-desk | hold |\n\
         | legal | 1 | pool legal | 1 | 8h | pool deal-desk | hold |\n"
    )
}

fn read(components: &str) -> Result<Policy, Vec<String>> {
    let file = SourceFile { path: "trial.policy.md".to_owned(), text: document(components) };
    let mut faults = Faults::new(&file.path);
    let policy = Policy::parse(&file, &BTreeMap::new(), &mut faults);
    let faults: Vec<String> = faults.into_list().iter().map(ToString::to_string).collect();
    if faults.is_empty() { Ok(policy.expect("it was read")) } else { Err(faults) }
}

fn policy() -> Policy {
    read(&format!("| id | digest | because |\n|---|---|---|\n| words | sha256:{DIGEST} | bad words |"))
        .expect("it is sound")
}

fn answer(said: Option<Contributed>) -> Evaluation {
    let urgent = crate::id::FieldName::parse("urgent").expect("a name");
    let tokens = Tokens::from([(urgent, TokenValue::YesNo(true))]);
    let said: Contributions = said.into_iter().map(|said| (Arc::from("words"), said)).collect();
    decide_with(&policy(), &tokens, &Facts::new(), &said)
}

fn one(id: &str, routes: &[&str]) -> Contribution {
    let routes = routes.iter().map(ToString::to_string).collect();
    Contribution { id: id.to_owned(), routes, because: "it says so".to_owned(), reads: Vec::new() }
}

#[test]
fn a_component_adds_routes_or_says_no_and_silence_changes_nothing() {
    let check = |said: Vec<Contribution>, expected: &str| {
        assert_eq!(answer(Some(Contributed::Said(said))).outcome.to_string(), expected);
    };
    check(Vec::new(), "approve");
    check(vec![one("a", &["legal"])], "legal");
    check(vec![one("a", &["legal"]), one("b", &["boss"])], "boss + legal");
    check(vec![one("a", &["legal"]), one("b", &[])], "deny");
}

#[test]
fn what_does_not_fit_the_policy_makes_it_unsure() {
    let long = "x".repeat(super::CONTRIBUTION_TEXT_BYTES_MAX + 1);
    for (said, why) in [
        (None, "component words: it was not asked"),
        (Some(Contributed::Failed("it trapped".to_owned())), "component words: it trapped"),
        (
            Some(Contributed::Said(vec![one("a", &["legal"]), one("b", &["board"])])),
            "component words: `b` asks for route `board`, which the policy does not have",
        ),
        (Some(Contributed::Said(vec![one("a", &[]), one("a", &[])])), "component words: it gave `a` twice"),
        (
            Some(Contributed::Said(vec![one("a\n", &[])])),
            "component words: `a\\n` has a control character in its id or reason",
        ),
        (Some(Contributed::Said(vec![one(&long, &[])])), "is empty or longer than 500 bytes"),
        (
            Some(Contributed::Said(vec![one("a", &[]); super::CONTRIBUTIONS_MAX + 1])),
            "component words: it gave 65 contributions, at most 64 are read",
        ),
    ] {
        let evaluation = answer(said);
        let Outcome::Unsure(unsure) = &evaluation.outcome else { panic!("{why}: {}", evaluation.outcome) };
        let reasons: Vec<String> = unsure.reasons.iter().map(ToString::to_string).collect();
        assert!(matches!(reasons.as_slice(), [reason] if reason.contains(why)), "{reasons:?} lacks {why}");
        assert_eq!(unsure.possible.to_string(), "deny", "it could have said so");
    }
}

#[test]
fn the_trace_says_what_a_component_added_and_reads_back() {
    let evaluation = answer(Some(Contributed::Said(vec![one("a", &["legal"])])));
    let words = evaluation.words();
    assert!(words.contains(&"component `words` adds legal: it says so".to_owned()), "{words:?}");
    assert!(evaluation.contributions().any(|voice| voice.id == "a"));
    let text = serde_json::to_string(&evaluation).expect("it is written");
    assert_eq!(serde_json::from_str::<Evaluation>(&text).expect("it is read"), evaluation);
}

#[test]
fn what_was_said_is_read_out_of_the_answer_that_it_led_to() {
    let both = vec![Contribution { reads: vec!["urgent".to_owned()], ..one("a", &["legal"]) }, one("b", &[])];
    for said in [
        Contributed::Said(Vec::new()),
        Contributed::Said(vec![one("a", &["boss", "legal"])]),
        Contributed::Said(both),
        Contributed::Failed("it trapped: at 7".to_owned()),
    ] {
        let recorded = answer(Some(said.clone()));
        assert_eq!(policy().said_in(&recorded), Contributions::from([(Arc::from("words"), said)]));
    }
}

#[test]
fn the_tables_alone_do_not_wait_for_components() {
    let urgent = crate::id::FieldName::parse("urgent").expect("a name");
    let tokens = Tokens::from([(urgent, TokenValue::YesNo(true))]);
    assert_eq!(decide(&policy(), &tokens, &Facts::new()).outcome, Outcome::Approve);
}

#[test]
fn a_row_that_names_no_component_is_refused_with_its_place() {
    let check = |row: &str, expected: &str| {
        let faults =
            read(&format!("| id | digest | because |\n|---|---|---|\n{row}")).expect_err("it is refused");
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{faults:?} lacks {expected}");
    };
    check("| words | 0123 | bad words |", "trial.policy.md:27:11: component `words`: `0123` is no digest");
    check(&format!("| Words | sha256:{DIGEST} | bad words |"), "`Words` is no id");
    check(&format!("| words | sha256:{DIGEST} | |"), "a component says what it looks for");
    let twice = format!("| words | sha256:{DIGEST} | bad words |");
    check(&format!("{twice}\n{twice}"), "component `words` stands here twice");
}
