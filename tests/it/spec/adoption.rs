//! Steps about asking for what a target holds instead of what was approved.

use super::{PATIENCE, Spec};
use countersign_core::approval::Stage;
use countersign_core::hash::Digest;
use countersign_core::id::PersonId;
use countersign_core::money::{Currency, Money};
use countersign_engine::engine::Key;
use countersign_engine::fault::Fault;
use countersign_tests::scripted::Act;
use cucumber::{then, when};
use std::time::Duration;

impl Spec {
    /// The open exception is adopted by its owner, or by this person.
    async fn adopts(&mut self, by: Option<&str>) {
        let intent = self.watched.first.expect("the first one landed");
        self.intent = Some(intent);
        let (id, owner) = {
            let approval = self.approval().await;
            let mut open = approval.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
            let (id, exception) = open.next().expect("an exception is open");
            (*id, exception.owner.clone())
        };
        let person = by.map_or(owner, |by| PersonId::parse(by).expect("a name"));
        self.watched.asked += 1;
        let key = Key { key: format!("adopt-{}", self.watched.asked), fingerprint: Digest::of(b"adopt") };
        self.refused = match self.engine().adopt((intent, id), &person, key).await {
            Ok(standing) => {
                self.watched.adopted = Some(standing.approval.intent.id);
                None
            }
            Err(Fault::Refused(refusal)) => Some(refusal.code().to_owned()),
            Err(fault) => panic!("{fault}"),
        };
    }
}

#[when("the owner adopts what is there")]
async fn adopts(spec: &mut Spec) {
    spec.adopts(None).await;
}

#[when("the owner adopts what is there, and once more before that has landed")]
async fn adopts_twice(spec: &mut Spec) {
    spec.connectors.next_act(Act::Hang);
    spec.adopts(None).await;
    assert_eq!(spec.refused, None);
    spec.adopts(None).await;
}

#[when("somebody else adopts what is there")]
async fn somebody_adopts(spec: &mut Spec) {
    spec.adopts(Some("finance-1")).await;
}

#[then("an intent asks for what is there, in the owner's name")]
async fn asks(spec: &mut Spec) {
    assert_eq!(spec.refused, None);
    let first = spec.watched.first.expect("the first one landed");
    let adopted = spec.watched.adopted.expect("it is asked for");
    let owner = spec.about("drift").await.expect("it is open").owner;
    let approval = spec.engine().read(adopted).await.expect("it is there").approval;
    let intent = &approval.intent;
    let adopts = intent.adopts.expect("it says so");
    assert_eq!((adopts.intent, &intent.requester), (first, &owner));
    let currency = Currency::parse("USD").expect("a currency");
    let amount = Money::parse("12.00", currency).expect("an amount").to_string();
    let asked: Vec<String> = intent.tokens.values().map(ToString::to_string).collect();
    assert!(asked.contains(&amount), "{asked:?}");
}

#[when("what it asks for has landed")]
async fn lands(spec: &mut Spec) {
    let adopted = spec.watched.adopted.expect("it is asked for");
    let waiting = async {
        loop {
            let approval = spec.engine().read(adopted).await.expect("it is there").approval;
            if let Stage::Closed(_) = &approval.stage {
                return approval;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let approval = tokio::time::timeout(PATIENCE, waiting).await.expect("it ends");
    assert_eq!(approval.stage.as_str(), "done");
}
