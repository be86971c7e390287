//! The connector against a small repository that keeps conditions as WebDAV servers do.

use super::*;
use countersign_sdk::testing::{Manifest, Reply, ScriptedTarget, Sent, effect, proposal};
use countersign_sdk::{Change, Method};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

const MANIFEST: &str = include_str!("../connector.toml");
const CANONICAL: &str = "/contracts/C-100/canonical.json";
const VERSION: &str = "/contracts/C-100/versions/eff_1.json";

/// Files with a counter as their entity tag.
type Files = Rc<RefCell<BTreeMap<String, (u32, String)>>>;

fn put(files: &Files, sent: &Sent) -> Reply {
    let mut files = files.borrow_mut();
    let now = files.get(&sent.request.path).map(|(tag, _)| *tag);
    let tag = now.map(|tag| format!("\"{tag}\""));
    let refused = sent.header("if-none-match").is_some_and(|_| tag.is_some())
        || sent.header("if-match").is_some_and(|wanted| Some(wanted) != tag.as_deref());
    if refused {
        return Reply::status(412);
    }
    files.insert(sent.request.path.clone(), (now.unwrap_or(0) + 1, sent.text()));
    Reply::status(if now.is_some() { 204 } else { 201 })
}

fn get(files: &Files, sent: &Sent) -> Reply {
    match files.borrow().get(&sent.request.path) {
        Some((tag, text)) => Reply::text(200, text.as_str()).header("etag", &format!("\"{tag}\"")),
        None => Reply::status(404),
    }
}

/// A repository with one contract, and a playbook with one wording of each kind.
fn repository() -> (ScriptedTarget, Files) {
    let contract = json!({
        "contract_id": "C-100", "value": {"amount": "80000.00", "currency": "USD"}, "paper": "ours",
        "version": 1,
        "clauses": [{"id": "7.2", "topic": "liability", "text": "Capped at fees."}],
    });
    let playbook = json!({"wordings": [
        {"sha256": contract::sha256("Capped at fees."), "position": "standard"},
        {"sha256": contract::sha256("Capped at twice the fees."), "position": "fallback"},
    ]});
    let files = Files::default();
    files.borrow_mut().insert(CANONICAL.into(), (1, contract.to_string()));
    files.borrow_mut().insert("/playbook.json".into(), (1, playbook.to_string()));
    let target = ScriptedTarget::of(MANIFEST);
    let (reads, writes) = (files.clone(), files.clone());
    target.answers(Method::Get, "/*", move |sent| get(&reads, sent));
    target.answers(Method::Put, "/*", move |sent| put(&writes, sent));
    (target, files)
}

fn redline(old: &str, new: &str) -> Proposal {
    let clauses = json!([{"contract_clause_id": "C-100/7.2", "old_text_sha256": contract::sha256(old),
        "new_text": new, "author": "counterparty"}]);
    proposal(
        "store-version",
        RecordRef::new("contract", "C-100"),
        vec![Field::new("clauses", Value::json(&clauses).expect("JSON"))],
    )
}

fn planned(target: &ScriptedTarget) -> Effect {
    let what = redline("Capped at fees.", "Capped at twice the fees.");
    let plan = target.plan(&WebDav, &what).expect("a plan");
    effect("eff_1", &what, &plan)
}

fn text_now(files: &Files) -> String {
    let document: serde_json::Value = serde_json::from_str(&files.borrow()[CANONICAL].1).expect("JSON");
    document["clauses"][0]["text"].as_str().expect("text").to_owned()
}

#[test]
fn the_description_agrees_with_the_manifest() {
    Manifest::parse(MANIFEST).agrees_with(&WebDav.describe());
}

#[test]
fn a_contract_a_clause_and_a_wording_can_be_looked_up() {
    let (target, _) = repository();
    let contract = target.fetch(&WebDav, "contract", "C-100").expect("a contract");
    assert_eq!(contract.revision.as_deref(), Some("\"1\""));
    assert_eq!(contract.value("value"), &Value::Money(countersign_sdk::Money::new("80000.00", "USD")));
    assert_eq!(contract.value("paper"), &Value::Text("ours".into()));
    assert_eq!(
        contract.value("clauses"),
        &Value::Json(r#"[{"clause_id":"7.2","text":"Capped at fees."}]"#.into())
    );
    let clause = target.fetch(&WebDav, "clause", "C-100/7.2").expect("a clause");
    assert_eq!(clause.value("topic"), &Value::Text("liability".into()));
    let rows =
        [("Capped at fees.", "standard"), ("Capped at twice the fees.", "fallback"), ("No cap.", "beyond")];
    for (wording, position) in rows {
        let found = target.fetch(&WebDav, "new_text", wording).expect("a position");
        assert_eq!(found.value("position"), &Value::Text(position.into()), "{wording}");
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let (target, _) = repository();
    for (kind, id) in [
        ("contract", "C-101"),
        ("contract", "../secrets"),
        ("contract", ".git"),
        ("clause", "C-100/9.9"),
        ("clause", "7.2"),
        ("clause", "C-101/7.2"),
    ] {
        let failure = target.fetch(&WebDav, kind, id).expect_err("nothing there");
        assert!(failure.is_not_found(), "{kind}/{id}: {failure}");
    }
    assert_eq!(target.fetch(&WebDav, "file", "x").expect_err("no kind").code(), "unknown-kind");
}

#[test]
fn the_plan_shows_the_wording_and_says_each_clause() {
    let (target, _) = repository();
    let plan = planned(&target).plan;
    assert_eq!(plan.revision.as_deref(), Some("\"1\""));
    assert_eq!(plan.changes.len(), 2);
    assert_eq!(plan.changes[1], Change::new("version", Value::Integer(1), Value::Integer(2)));
    assert_eq!(
        plan.remarks,
        ["clause 7.2 changes from \"Capped at fees.\" to \"Capped at twice the fees.\""]
    );
}

#[test]
fn a_plan_of_many_clauses_says_no_more_than_the_host_takes() {
    let (target, _) = repository();
    let clauses: Vec<_> = (0..50)
        .map(|number| {
            json!({"contract_clause_id": format!("9.{number}"), "old_text_sha256": contract::sha256(""),
            "new_text": "New words.", "author": "us"})
        })
        .collect();
    let clauses = Field::new("clauses", Value::json(&clauses).expect("JSON"));
    let what = proposal("store-version", RecordRef::new("contract", "C-100"), vec![clauses]);
    let plan = target.plan(&WebDav, &what).expect("a plan");
    assert_eq!(plan.remarks.len(), 20);
    assert_eq!(plan.remarks.last().map(String::as_str), Some("31 more clauses change"));
}

#[test]
fn a_wording_that_is_there_already_needs_no_change() {
    let (target, _) = repository();
    let plan = target.plan(&WebDav, &redline("anything", "Capped at fees.")).expect("a plan");
    assert!(plan.changes.is_empty());
}

#[test]
fn an_accepted_redline_becomes_a_version_and_the_canonical_document() {
    let (target, files) = repository();
    let effect = planned(&target);
    assert_eq!(target.probe(&WebDav, &effect), Ok(Finding::Absent));
    let receipt = target.apply(&WebDav, &effect).expect("it lands");
    assert_eq!(receipt.applied, effect.plan.applied());
    assert_eq!(receipt.revision.as_deref(), Some("\"2\""));
    assert_eq!(text_now(&files), "Capped at twice the fees.");
    assert_eq!(files.borrow()[VERSION].1, files.borrow()[CANONICAL].1);
    let document: serde_json::Value = serde_json::from_str(&files.borrow()[CANONICAL].1).expect("JSON");
    assert_eq!(document["history"][0]["author"], "counterparty");
    assert_eq!(document["history"][0]["effect_id"], "eff_1");
    assert_eq!(target.probe(&WebDav, &effect), Ok(Finding::Landed(receipt)));
}

#[test]
fn wherever_an_attempt_stops_the_next_one_lands_once() {
    for (step, after) in [
        ("store-version", false),
        ("store-version", true),
        ("store-canonical", false),
        ("store-canonical", true),
    ] {
        let (target, files) = repository();
        let effect = planned(&target);
        if after {
            target.stop_after(step);
        } else {
            target.stop_before(step);
        }
        assert!(target.apply(&WebDav, &effect).is_err(), "{step} stops");
        target.apply(&WebDav, &effect).expect("the second attempt lands");
        assert_eq!(text_now(&files), "Capped at twice the fees.");
        assert_eq!(files.borrow()[CANONICAL].0, 2, "one write of the canonical document: {step} {after}");
        assert_eq!(files.borrow()[VERSION].0, 1, "one write of the version: {step} {after}");
    }
}

#[test]
fn a_document_that_someone_else_moved_is_a_conflict_and_stays_as_it_is() {
    let (target, files) = repository();
    let effect = planned(&target);
    let edited = files.borrow()[CANONICAL].1.replace("at fees", "at nothing");
    // With the same entity tag, as servers give that count in seconds, and with another one.
    for tag in [1, 7] {
        files.borrow_mut().insert(CANONICAL.into(), (tag, edited.clone()));
        let failure = target.apply(&WebDav, &effect).expect_err("it moved");
        assert!(
            matches!(&failure, Failure::Conflict { revision: Some(revision), .. } if *revision == format!("\"{tag}\"")),
            "{failure}"
        );
        assert!(target.steps().is_empty() && text_now(&files) == "Capped at nothing.");
    }
}

#[test]
fn a_document_that_moves_during_the_write_is_a_conflict() {
    let (target, files) = repository();
    let effect = planned(&target);
    let moving = files.clone();
    target.answers(Method::Put, "/contracts/*/versions/*", move |sent| {
        let edited = moving.borrow()[CANONICAL].1.replace("at fees", "at nothing");
        moving.borrow_mut().insert(CANONICAL.into(), (9, edited));
        put(&moving, sent)
    });
    let failure = target.apply(&WebDav, &effect).expect_err("it moved");
    assert_eq!((failure.case(), failure.code()), ("conflict", "moved"));
    assert_eq!(text_now(&files), "Capped at nothing.");
}

#[test]
fn a_version_that_an_older_plan_left_behind_is_replaced() {
    let (target, files) = repository();
    let effect = planned(&target);
    files.borrow_mut().insert(VERSION.into(), (1, "{}".to_owned()));
    target.apply(&WebDav, &effect).expect("it lands");
    assert_eq!(files.borrow()[VERSION].1, files.borrow()[CANONICAL].1);
    let steps: Vec<_> = target.steps().iter().filter_map(|sent| sent.step().map(str::to_owned)).collect();
    assert_eq!(steps, ["store-version", "replace-version", "store-canonical"]);
}

#[test]
fn the_approval_is_kept_in_the_history_as_it_was_sealed() {
    let (target, _) = repository();
    let mut what = redline("Capped at fees.", "Capped at twice the fees.");
    what.fields.push(Field::new("seal", Value::Text("{seal}".into())));
    let mut plan = target.plan(&WebDav, &what).expect("a plan");
    let seal = plan.changes.iter_mut().find(|change| change.name == "seal").expect("the plan shows the seal");
    seal.after = Value::Text("abc".into());
    let receipt = target.apply(&WebDav, &effect("eff_1", &what, &plan)).expect("it lands");
    assert!(receipt.applied.contains(&Field::new("seal", Value::Text("abc".into()))));
    let contract = target.fetch(&WebDav, "contract", "C-100").expect("a contract");
    assert_eq!(contract.value("seal"), &Value::Text("abc".into()));
}

#[test]
fn an_answer_of_the_repository_means_what_is_known_of_the_write() {
    let rows = [
        (401, "denied", "not-permitted"),
        (409, "rejected", "no-folder"),
        (423, "conflict", "moved"),
        (507, "uncertain", "unavailable"),
    ];
    for (status, case, code) in rows {
        let (target, files) = repository();
        let effect = planned(&target);
        target.once(Method::Put, "/contracts/*", Reply::status(status));
        let failure = target.apply(&WebDav, &effect).expect_err("refused");
        assert_eq!((failure.case(), failure.code()), (case, code), "{status}");
        assert_eq!(text_now(&files), "Capped at fees.");
    }
}

#[test]
fn the_check_needs_a_playbook_and_strong_entity_tags() {
    let (target, files) = repository();
    assert_eq!(target.check(&WebDav), Ok(()));
    target.once(
        Method::Get,
        "/playbook.json",
        Reply::text(200, r#"{"wordings":[]}"#).header("etag", "W/\"1\""),
    );
    assert_eq!(target.check(&WebDav).expect_err("weak").code(), "no-entity-tag");
    target.once(Method::Get, "/playbook.json", Reply::status(401));
    assert_eq!(target.check(&WebDav).expect_err("denied").case(), "denied");
    files.borrow_mut().remove("/playbook.json");
    assert!(target.check(&WebDav).expect_err("missing").is_not_found());
}

#[test]
fn a_document_of_another_shape_is_refused_and_a_page_in_its_place_is_asked_for_again() {
    let (target, _) = repository();
    let rows = [
        (r#"{"contract_id":"C-100"}"#, "rejected", "bad-document"),
        ("<html>bad gateway</html>", "transient", "unreadable-answer"),
        ("{\"contract_id\":", "transient", "unreadable-answer"),
    ];
    for (body, case, code) in rows {
        target.once(Method::Get, CANONICAL, Reply::text(200, body).header("etag", "\"1\""));
        let failure = target.fetch(&WebDav, "contract", "C-100").expect_err("no contract");
        assert_eq!((failure.case(), failure.code()), (case, code), "{body}");
    }
}

#[test]
fn a_written_contract_that_cannot_be_seen_again_is_uncertain() {
    let (target, files) = repository();
    let effect = planned(&target);
    let writes = files.clone();
    target.answers(Method::Put, CANONICAL, move |sent| {
        let reply = put(&writes, sent);
        // Someone else's write lands right behind ours and drops its history.
        let text = sent.text().replace("\"effect_id\":\"eff_1\"", "\"effect_id\":\"eff_0\"");
        writes.borrow_mut().insert(CANONICAL.into(), (9, text));
        reply
    });
    let failure = target.apply(&WebDav, &effect).expect_err("it is not there");
    assert_eq!((failure.case(), failure.code()), ("uncertain", "not-seen"));
}

#[test]
fn an_operation_that_is_not_ours_is_refused() {
    let (target, _) = repository();
    let mut what = redline("a", "b");
    what.operation = "delete".into();
    assert_eq!(target.plan(&WebDav, &what).expect_err("unknown").code(), "unknown-operation");
    what.operation = "store-version".into();
    what.subject.kind = "clause".into();
    assert_eq!(target.plan(&WebDav, &what).expect_err("unknown").code(), "unknown-kind");
}
