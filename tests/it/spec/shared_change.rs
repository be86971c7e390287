//! The steps of `shared_change.feature`.

use super::publishing::case;
use super::{Spec, map, person, text};
use countersign_core::approval::{Approval, Case, Stage};
use countersign_core::id::IntentTypeName;
use countersign_core::seal::Seal;
use countersign_core::shared_change::{Difference, SHARED_CHANGE, SharedChange, SharedFile};
use cucumber::{then, when};
use std::sync::Arc;
use std::time::Duration;

fn evidence(approval: &Approval) -> &SharedChange {
    case(approval).shared.as_deref().expect("evidence")
}

/// Proposes what is in force with one piece of it replaced; `; ` stands for the end of a line.
#[when(expr = "{word} proposes {word} with {string} as {string}")]
async fn proposes(spec: &mut Spec, who: String, file: String, from: String, to: String) {
    let rulebook = spec.engine().rulebook();
    let named = SharedFile::parse(&file);
    let document = match named.as_ref().and_then(|named| rulebook.text_of(named)) {
        Some(text) => {
            assert!(text.contains(&from), "`{file}` holds {from}");
            text.replacen(&from, &to.replace("; ", "\n"), 1)
        }
        None => "# Nothing\n".to_owned(),
    };
    let tokens =
        map(vec![("file", text(&file)), ("document", text(&document)), ("reason", text("as the memo says"))]);
    spec.submit_change(&who, SHARED_CHANGE, tokens).await;
}

#[when("the earlier proposal is looked at again")]
fn earlier(spec: &mut Spec) {
    spec.intent = spec.house.first_change();
}

#[then(expr = "it says {string}")]
async fn says(spec: &mut Spec, expected: String) {
    let approval = spec.approval().await;
    let said: Vec<String> = evidence(&approval).differences.iter().map(ToString::to_string).collect();
    assert_eq!(said, [expected]);
}

#[then("the seal covers what the file says otherwise")]
async fn sealed(spec: &mut Spec) {
    let approval = spec.approval().await;
    let mut case = case(&approval).clone();
    let seal = |case: &Case| Seal::of(&approval.intent, approval.policy, case.content()).expect("a seal");
    assert_eq!(seal(&case), case.seal);
    let more = Difference {
        section: "Pools".to_owned(),
        row: "finance".to_owned(),
        column: "members".to_owned(),
        was: None,
        now: Some("ae-1".to_owned()),
    };
    let mut change = evidence(&approval).clone();
    change.differences.push(more);
    case.shared = Some(Arc::new(change));
    assert_ne!(seal(&case), case.seal, "other evidence has another seal");
}

#[then(expr = "the evidence says that {word} has a stake")]
async fn has_a_stake(spec: &mut Spec, name: String) {
    let approval = spec.approval().await;
    assert_eq!(evidence(&approval).conflicted, [person(&name)]);
}

#[then(expr = "the evidence says that {word} is decided by another version")]
async fn decided_anew(spec: &mut Spec, name: String) {
    let approval = spec.approval().await;
    assert_eq!(evidence(&approval).policies, [IntentTypeName::parse(&name).expect("a name")]);
}

#[then(expr = "{word} is of the house")]
fn is_known(spec: &mut Spec, name: String) {
    assert!(spec.engine().rulebook().directory().knows(&person(&name)));
}

#[then(expr = "{word} is not of the house")]
fn is_unknown(spec: &mut Spec, name: String) {
    assert!(!spec.engine().rulebook().directory().knows(&person(&name)));
}

#[then(expr = "{word} may decide the discount")]
async fn may_decide_the_discount(spec: &mut Spec, name: String) {
    let person = person(&name);
    spec.let_review();
    let asked = async {
        loop {
            let approval = spec.last_discount().await;
            let Stage::Seated { seats, .. } = &approval.stage else { panic!("it waits for nobody") };
            if seats.open.values().any(|seat| seat.eligible.contains(&person)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, asked).await.expect("the seat is theirs");
}

#[then(expr = "the host says that the file {word} does not count")]
fn says_so(spec: &mut Spec, file: String) {
    let remarks = spec.engine().rulebook().file_remarks();
    assert!(remarks.iter().any(|remark| remark.starts_with(&format!("`{file}`"))), "{remarks:#?}");
}

#[then(expr = "{word} is what the house began with")]
fn as_shipped(spec: &mut Spec, file: String) {
    let named = SharedFile::parse(&file).expect("a shared file");
    let shipped = spec.house.files.iter().find(|found| found.path == file).expect("it is shipped");
    assert_eq!(spec.engine().rulebook().text_of(&named), Some(shipped.text.as_str()));
}
