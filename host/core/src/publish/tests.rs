//! Which version is in force when, what is left out, and what the door says.

use super::*;
use crate::approval::Intent;
use crate::approval::life::{self, Context};
use crate::approval::refusal::Refusal;
use crate::document::SourceFile;
use crate::hash::Digest;
use crate::id::{IntentId, PersonId};
use crate::intent::Raw;
use crate::policy::Policy;
use crate::rulebook::tests::{starter, starter_rulebook};
use crate::rulebook::{Publications, Published, Rulebook};
use crate::time::{Millis, Timestamp};
use std::sync::Arc;

const FILE: &str = "policies/discount.policy.md";

fn moment(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).expect("a moment")
}

fn now() -> Timestamp {
    moment("2026-11-23T15:00:00Z")
}

fn discount() -> IntentTypeName {
    IntentTypeName::parse("discount").expect("a name")
}

/// The shipped discount policy with another bound of `mid-auto` and another date.
fn version(percent: u32, day: &str) -> String {
    let files = starter();
    let file = files.iter().find(|file| file.path == FILE).expect("the discount policy");
    let text = file.text.replacen("<= 10%", &format!("<= {percent}%"), 1);
    text.replacen("| 2026-01-01 ", &format!("| {day} "), 1)
}

fn published(number: u128, document: String, at: Timestamp) -> Published {
    let base = if number == 1 { starter_rulebook().base_of(&discount()) } else { Vec::new() };
    Published {
        intent: IntentId::from_bits(number),
        of: discount(),
        version: Digest::ZERO,
        document,
        base,
        author: PersonId::parse("pricing-1").expect("a person"),
        by: vec![PersonId::parse("pricing-lead").expect("a person")],
        reason: "the memo".to_owned(),
        at,
    }
}

fn on_record(list: &[Arc<Published>]) -> Publications<'_> {
    Publications { policies: list, ..Publications::default() }
}

fn with(list: Vec<Published>) -> Result<Rulebook, Vec<crate::document::Fault>> {
    let list: Vec<Arc<Published>> = list.into_iter().map(Arc::new).collect();
    Rulebook::with_published(&starter(), on_record(&list), now())
}

/// The bound of `mid-auto` in the version that is in force at a moment.
fn bound(rulebook: &Rulebook, at: &str) -> String {
    let policy = rulebook.policy(&discount(), moment(at)).expect("a version is in force");
    let rule = policy.rules.iter().find(|rule| &*rule.id == "mid-auto").expect("the row");
    rule.demands.iter().map(|demand| demand.text.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_turn_begins_at_the_date_or_at_the_activation_whichever_is_later() {
    let rulebook = with(vec![
        published(1, version(12, "2026-11-20"), moment("2026-11-23T10:00:00Z")),
        published(2, version(14, "2026-12-01"), moment("2026-11-23T11:00:00Z")),
        published(3, version(13, "2026-11-02"), moment("2026-11-23T12:00:00Z")),
    ])
    .expect("it is a good set");
    let check = |at: &str, expected: &str| {
        assert!(bound(&rulebook, at).ends_with(expected), "{at}: {}", bound(&rulebook, at));
    };
    check("2026-11-22T00:00:00Z", "<= 10%");
    check("2026-11-23T09:59:59.999Z", "<= 10%");
    check("2026-11-23T10:00:00Z", "<= 12%");
    check("2026-11-23T11:30:00Z", "<= 12%");
    check("2026-11-23T12:00:00Z", "<= 13%");
    check("2026-11-30T23:59:59.999Z", "<= 13%");
    check("2026-12-01T00:00:00Z", "<= 14%");
}

#[test]
fn an_earlier_version_takes_over_again_although_its_date_is_older() {
    let shipped = starter().into_iter().find(|file| file.path == FILE).expect("the file").text;
    let rulebook = with(vec![
        published(1, version(12, "2026-11-20"), moment("2026-11-23T10:00:00Z")),
        published(2, shipped, moment("2026-11-23T11:00:00Z")),
    ])
    .expect("it is a good set");
    assert!(bound(&rulebook, "2026-11-23T10:30:00Z").ends_with("<= 12%"));
    assert!(bound(&rulebook, "2026-11-23T11:00:00Z").ends_with("<= 10%"));
    let versions = rulebook.policies().filter(|policy| policy.intent == discount()).count();
    assert_eq!(versions, 2, "what was in force twice is one document");
}

#[test]
fn a_rollback_goes_to_the_version_before_the_one_in_force() {
    let shipped = starter().into_iter().find(|file| file.path == FILE).expect("the file").text;
    let rulebook = with(vec![
        published(1, version(12, "2026-11-20"), moment("2026-11-23T10:00:00Z")),
        published(2, shipped, moment("2026-11-23T11:00:00Z")),
        published(3, version(14, "2026-12-01"), moment("2026-11-23T12:00:00Z")),
    ])
    .expect("it is a good set");
    let check = |at: &str, expected: Option<&str>| {
        let turn = rulebook.turn_before(&discount(), moment(at));
        let policy = turn.and_then(|turn| rulebook.policy_version(&discount(), &turn.version));
        let rule = policy.and_then(|policy| policy.rules.iter().find(|rule| &*rule.id == "mid-auto"));
        let bound = rule.map(|rule| rule.demands[1].text.to_string());
        assert_eq!(bound.as_deref(), expected, "{at}");
    };
    check("2025-01-01T00:00:00Z", None);
    check("2026-11-23T09:00:00Z", None);
    check("2026-11-23T10:00:00Z", Some("<= 10%"));
    check("2026-11-23T11:00:00Z", Some("<= 12%"));
    check("2026-12-01T00:00:00Z", Some("<= 10%"));
    let same = with(vec![
        published(1, version(12, "2026-11-20"), moment("2026-11-23T10:00:00Z")),
        published(2, version(12, "2026-11-20"), moment("2026-11-23T11:00:00Z")),
    ])
    .expect("it is a good set");
    let before = same.turn_before(&discount(), moment("2026-11-23T12:00:00Z")).expect("the shipped one");
    assert_eq!(
        before.version,
        starter_rulebook().policy(&discount(), now()).expect("it is in force").version()
    );
    assert_eq!(same.turn_before(&IntentTypeName::parse("refund").expect("a name"), now()), None);
}

#[test]
fn a_document_is_published_with_line_feeds_alone() {
    assert_eq!(crate::rulebook::bare_document("\u{feff}# One\r\n\r\ntwo\n"), "# One\n\ntwo\n");
}

#[test]
fn with_nothing_published_the_files_decide() {
    assert_eq!(with(Vec::new()).expect("it is a good set"), starter_rulebook());
    assert!(starter_rulebook().remarks().is_empty());
}

#[test]
fn every_version_can_be_read_again_from_the_log() {
    let text = version(12, "2026-11-20");
    let rulebook = with(vec![published(1, text.clone(), now())]).expect("it is a good set");
    let shipped = starter_rulebook();
    let old = shipped.policy(&discount(), now()).expect("a version").version();
    assert!(rulebook.policy_version(&discount(), &old).is_some(), "open intents keep theirs");
    let document = rulebook.document(&discount(), &old).expect("its document");
    assert_eq!(Some(document), shipped.document(&discount(), &old));
    let new = rulebook.policy(&discount(), now()).expect("a version").version();
    assert_eq!(rulebook.document(&discount(), &new), Some(text.as_str()));
}

#[test]
fn a_file_that_is_not_what_was_published_is_named_and_does_not_count() {
    let mut change = published(1, version(12, "2026-11-20"), now());
    let read = with(vec![change.clone()]).expect("it is a good set");
    change.version = read.turn(&discount(), now()).expect("its turn has come").version;
    let list = vec![Arc::new(change)];
    let rulebook = Rulebook::with_published(&starter(), on_record(&list), now()).expect("it is a good set");
    let [(of, remark)] = rulebook.remarks().try_into().expect("one remark");
    assert_eq!(of, discount());
    assert!(remark.starts_with(&format!("`{FILE}` is not what was published last")), "{remark}");

    let mut same = starter();
    let file = same.iter_mut().find(|file| file.path == FILE).expect("the file");
    file.text = version(12, "2026-11-20").replace('\n', "\r\n");
    let rulebook = Rulebook::with_published(&same, on_record(&list), now()).expect("it is a good set");
    assert!(rulebook.remarks().is_empty(), "{:?}", rulebook.remarks());

    same.retain(|file| file.path != FILE);
    let rulebook = Rulebook::with_published(&same, on_record(&list), now()).expect("it is a good set");
    assert!(rulebook.remarks()[0].1.starts_with("the rules have no file for it"), "{:?}", rulebook.remarks());

    let mut broken = starter();
    broken.iter_mut().find(|file| file.path == FILE).expect("the file").text = "nothing".to_owned();
    let rulebook =
        Rulebook::with_published(&broken, on_record(&list), now()).expect("the log decides, not the file");
    assert!(bound(&rulebook, "2026-11-24T00:00:00Z").ends_with("<= 12%"));
}

/// The shipped files without the pool that only discounts need.
fn without_vp_sales() -> Vec<SourceFile> {
    let mut files = starter();
    let people = files.iter_mut().find(|file| file.path == "people.md").expect("the people");
    people.text = people
        .text
        .lines()
        .filter(|line| !line.starts_with("| vp-sales  "))
        .fold(String::new(), |text, line| text + line + "\n");
    files
}

#[test]
fn a_version_in_force_that_does_not_check_any_more_keeps_the_host_from_starting() {
    let list = vec![Arc::new(published(1, version(12, "2026-11-20"), moment("2026-11-23T10:00:00Z")))];
    let faults =
        Rulebook::with_published(&without_vp_sales(), on_record(&list), now()).expect_err("a pool is gone");
    let place = format!("published/{}/discount.policy.md", IntentId::from_bits(1));
    assert!(
        faults.iter().any(|fault| fault.file == place && fault.message.contains("vp-sales")),
        "{faults:#?}"
    );
}

#[test]
fn a_version_whose_turn_is_over_and_that_does_not_check_any_more_is_left_out_and_named() {
    let mut now_fit = version(14, "2026-11-21");
    for (from, to) in [
        ("pool vp-sales", "pool cro-office"),
        ("| 16bh   | pool cro-office |", "| 16bh   | pool pricing    |"),
    ] {
        assert!(now_fit.contains(from), "{from}");
        now_fit = now_fit.replacen(from, to, 1);
    }
    let list = vec![
        Arc::new(published(1, version(12, "2026-11-20"), moment("2026-11-23T10:00:00Z"))),
        Arc::new(published(2, now_fit, moment("2026-11-23T11:00:00Z"))),
    ];
    let rulebook = Rulebook::with_published(&without_vp_sales(), on_record(&list), now())
        .expect("what is in force checks");
    assert!(bound(&rulebook, "2026-11-23T12:00:00Z").ends_with("<= 14%"));
    let remarks: Vec<String> = rulebook.remarks().into_iter().map(|(_, remark)| remark).collect();
    assert!(remarks.iter().any(|remark| remark.contains("it was left out")), "{remarks:#?}");
}

#[test]
fn versions_of_long_ago_are_not_kept_in_memory() {
    let at = |number: u32| now().plus(Millis::seconds(u64::from(number)));
    let day = |number: u32| format!("2025-{:02}-{:02}", 1 + number / 28, 1 + number % 28);
    let list: Vec<Arc<Published>> = (1..=40_u32)
        .map(|number| Arc::new(published(u128::from(number), version(12, &day(number)), at(number))))
        .collect();
    let rulebook = Rulebook::with_published(&starter(), on_record(&list), at(100)).expect("it is a good set");
    assert_eq!(rulebook.turns(&discount()).len(), 33, "the one in force and 32 before it");
    let last = rulebook.turn(&discount(), at(100)).and_then(|turn| turn.published.clone());
    assert_eq!(last.map(|published| published.intent), Some(IntentId::from_bits(40)));
    assert_eq!(rulebook.published().len(), 40);
}

fn tokens(document: &str, accept: &[&str]) -> Raw {
    let text = |text: &str| Raw::Text(text.to_owned());
    let kinds = accept.iter().map(|kind| Raw::Map(vec![("kind".to_owned(), text(kind))])).collect();
    Raw::Map(vec![
        ("intent".to_owned(), text("discount")),
        ("document".to_owned(), text(document)),
        ("reason".to_owned(), text("the memo")),
        ("accept".to_owned(), Raw::List(kinds)),
    ])
}

fn submitted(rulebook: &Rulebook, tokens: &Raw) -> Result<Arc<Intent>, Refusal> {
    let context = Context::new(rulebook, now(), 0);
    let turn = life::submit(context, IntentId::from_bits(9), "pricing-1", POLICY_CHANGE, tokens)?;
    Ok(Arc::clone(&turn.approval().intent))
}

#[test]
fn a_warning_is_answered_for_by_its_kind() {
    let rulebook = starter_rulebook();
    let document = version(12, "2026-11-20");
    let Err(Refusal::Warnings(found)) = submitted(&rulebook, &tokens(&document, &[])) else {
        panic!("nobody answers for the warnings")
    };
    let kinds: BTreeSet<&str> = found.iter().map(|found| found.kind.as_str()).collect();
    assert!(kinds.contains("edge-without-example"), "{kinds:?}");
    let all: Vec<&str> = kinds.iter().copied().collect();
    let intent = submitted(&rulebook, &tokens(&document, &all)).expect("somebody answers for them");
    let change = evidence(&rulebook, &intent, BTreeSet::new(), now()).expect("evidence");
    assert_eq!(change.accepted, all);
    assert_eq!(change.before, rulebook.policy(&discount(), now()).map(Policy::version));
    assert_eq!(change.owners().len(), 1);
    let changed = rulebook.publish(published(1, document, now()), now()).expect("it is a good set");
    assert_eq!(changed.policy(&discount(), now()).map(Policy::version), Some(change.version));
}

#[test]
fn what_changes_nothing_or_is_too_large_or_for_another_policy_is_refused() {
    let rulebook = starter_rulebook();
    let check = |document: &str, expected: &str| {
        let Err(Refusal::Change(found)) = submitted(&rulebook, &tokens(document, &[])) else {
            panic!("{expected} passes the door")
        };
        assert!(found.iter().any(|found| found.to_string().contains(expected)), "{expected}: {found:#?}");
    };
    let shipped = starter().into_iter().find(|file| file.path == FILE).expect("the file").text;
    check(&shipped, "this version is in force already");
    check(&format!("{}\n{}", version(12, "2026-11-20"), "é".repeat(100_000)), "bytes; at most");
    let other = version(12, "2026-11-20").replacen("| discount   |", "| refund     |", 1);
    check(&other, "the document decides `refund`, not `discount`");
    check("# Nothing\n", "discount.policy.md");
}

#[test]
fn the_built_in_type_is_not_a_file_of_the_house() {
    let mut files = starter();
    for file in &mut files {
        file.text = file.text.replace("| intent    | discount   |", "| intent    | policy_change |");
    }
    let faults = Rulebook::load(&files).expect_err("its policy is built in");
    assert!(faults.iter().any(|fault| fault.message.contains("is built in")), "{faults:#?}");
    let mut files = starter();
    let intent = files.iter_mut().find(|file| file.path.ends_with("refund.intent.md")).expect("the file");
    let name = "| intent          | refund       ";
    assert!(intent.text.contains(name), "the file says its name");
    intent.text = intent.text.replacen(name, "| intent          | policy_change", 1);
    let faults = Rulebook::load(&files).expect_err("its schema is built in");
    assert!(faults.iter().any(|fault| fault.message.contains("`policy_change` is built in")), "{faults:#?}");
}

#[test]
fn a_house_without_the_route_is_told_what_to_add() {
    let mut files = starter();
    let routes = files.iter_mut().find(|file| file.path == "routes.md").expect("the routes");
    routes.text = routes.text.replacen("| policy-change     |", "| changes-of-policy |", 1);
    let rulebook = Rulebook::load(&files).expect("it is a good set");
    let Err(Refusal::Change(found)) = submitted(&rulebook, &tokens(&version(12, "2026-11-20"), &[])) else {
        panic!("nobody can decide it")
    };
    assert!(found[0].message.contains("there is no route `policy-change`"), "{found:#?}");
}
