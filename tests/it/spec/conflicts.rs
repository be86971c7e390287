//! The steps of `conflicts.feature`: a record that somebody else changed between the decision and the write.

use super::{
    PATIENCE, Spec, asked_tokens, attempted, discount_house, found_receipt, single_rules, submit_single,
};
use countersign_core::approval::Stage;
use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::event::Event;
use countersign_core::effect::attempt::{Answer, AttemptEnd, Detail, Ended, Failure, Finding};
use countersign_core::effect::life::EffectState;
use countersign_core::exception::Closure;
use countersign_core::id::PersonId;
use countersign_core::money::{Currency, Money};
use countersign_core::record::Value;
use countersign_tests::scripted::{Act, step};
use cucumber::{given, then, when};
use std::time::Duration;

fn conflict() -> AttemptEnd {
    let detail = Detail::new("moved", "the record was changed by someone else since it was planned");
    let claim = Ended::Failed(Failure::Conflict { revision: Some("r2".to_owned()), detail });
    AttemptEnd { claim, steps: vec![step(Answer::Answered { status: 412 })], held_back: None }
}

fn moved(before: Option<Value>) -> Act {
    Act::EndMoved(conflict(), "r2".to_owned(), before)
}

#[when("the record is changed elsewhere, and the same would be written")]
async fn harmless(spec: &mut Spec) {
    spec.connectors.once("target", moved(None));
    submit_single(spec).await;
    spec.until("the attempt", attempted, 1).await;
}

#[when("the record is changed elsewhere, and something else would be written")]
async fn harmful(spec: &mut Spec) {
    let currency = Currency::parse("USD").expect("a currency");
    let seven = Value::Money(Money::parse("7.00", currency).expect("an amount"));
    spec.connectors.once("target", moved(Some(seven)));
    submit_single(spec).await;
    spec.until("the attempt", attempted, 1).await;
}

#[when("the record is changed elsewhere four times, and something else would be written each time")]
async fn harmful_often(spec: &mut Spec) {
    let currency = Currency::parse("USD").expect("a currency");
    for amount in ["7.00", "8.00", "9.00", "9.50"] {
        let amount = Value::Money(Money::parse(amount, currency).expect("an amount"));
        spec.connectors.once("target", moved(Some(amount)));
    }
    submit_single(spec).await;
    spec.until("the attempt", attempted, 1).await;
}

#[when("the host dies in the first attempt, and the second finds something else there and sends nothing")]
async fn dies_and_finds(spec: &mut Spec) {
    spec.connectors.once("target", Act::Hang);
    submit_single(spec).await;
    spec.is_sent(0).await;
    let currency = Currency::parse("USD").expect("a currency");
    let seven = Value::Money(Money::parse("7.00", currency).expect("an amount"));
    let unsent = AttemptEnd { steps: Vec::new(), ..conflict() };
    spec.connectors.once("target", Act::EndMoved(unsent, "r2".to_owned(), Some(seven)));
    spec.start(single_rules());
    spec.until("the attempt after the restart", attempted, 1).await;
}

#[then("the target was asked whether it is in")]
fn was_asked(spec: &mut Spec) {
    assert!(0 < spec.connectors.probes());
}

#[when("the quote is changed elsewhere, and something else would be written there")]
async fn quote_otherwise(spec: &mut Spec) {
    spec.connectors.once("crm", moved(Some(Value::Decimal("3".to_owned()))));
    spec.everybody_approves().await;
}

#[then("everybody who decided is asked again")]
async fn all_again(spec: &mut Spec) {
    spec.until("the decision", |event| matches!(event, Event::Reconsidered { .. }), 1).await;
    let seated = |event: &Event| matches!(event, Event::Seated { .. });
    spec.until("the seats", seated, 2).await;
    let approval = spec.approval().await;
    let Stage::Seated { seats, .. } = &approval.stage else { panic!("it is {}", approval.stage.as_str()) };
    assert!(1 < seats.rows.len() && seats.open.values().all(|seat| seat.approved.is_empty()), "{seats:#?}");
    assert_eq!(spec.count(|event| matches!(event, Event::Carried { .. })).await, 0);
}

#[when("the look for it finds it there")]
fn is_in(spec: &mut Spec) {
    spec.connectors.next_finding(Ended::Returned(Finding::Landed(found_receipt())));
}

#[when("the record is changed elsewhere again and again")]
async fn again_and_again(spec: &mut Spec) {
    spec.connectors.always("target", false, moved(None));
    submit_single(spec).await;
    spec.until("the attempt", attempted, 1).await;
}

#[then("it was written on the record as it is now")]
fn on_the_new_one(spec: &mut Spec) {
    let revisions: Vec<_> = spec.connectors.writes().iter().map(|call| call.plan.revision.clone()).collect();
    assert_eq!(revisions, [None, Some("r2".to_owned())]);
}

#[then("it was written with new keys, on the record as it is now")]
fn with_new_keys(spec: &mut Spec) {
    on_the_new_one(spec);
    let writes = spec.connectors.writes();
    assert_eq!(writes[0].effect, writes[1].effect);
    // The bytes of a step are other ones for another revision, and a key stands for its bytes.
    assert!(writes[0].generation < writes[1].generation, "{} {}", writes[0].generation, writes[1].generation);
}

#[then("it was written under another key, on the record as it is now")]
fn under_another_key(spec: &mut Spec) {
    let writes = spec.connectors.writes();
    let revisions: Vec<_> = writes.iter().map(|call| call.plan.revision.as_deref()).collect();
    assert_eq!(revisions, [None, Some("r2")]);
    assert_ne!(writes[0].effect, writes[1].effect);
}

#[then(expr = "it is decided anew, as {}")]
async fn anew(spec: &mut Spec, why: String) {
    spec.until("the decision", |event| matches!(event, Event::Reconsidered { .. }), 1).await;
    let approval = spec.approval().await;
    let reconsidered = approval.reconsidered.as_ref().expect("it is");
    assert_eq!((reconsidered.times, reconsidered.why.as_str()), (1, why.as_str()));
    assert_eq!(approval.intent.revision, 2);
}

#[then(expr = "the voices of {word} hold, and {word} is asked")]
async fn asked_again(spec: &mut Spec, hold: String, asked: String) {
    spec.until("the seats", |event| matches!(event, Event::Carried { .. }), 1).await;
    let approval = spec.approval().await;
    let Stage::Seated { seats, .. } = &approval.stage else { panic!("it is {}", approval.stage.as_str()) };
    let of = |is_filled: bool| -> Vec<&str> {
        let open = seats.open.iter().filter(|(_, seat)| seat.is_filled() == is_filled);
        let row = |row: &u32| seats.rows[usize::try_from(*row).expect("it fits")].route.as_str();
        open.map(|(number, _)| row(number)).collect()
    };
    assert_eq!((of(true), of(false)), (vec![hold.as_str()], vec![asked.as_str()]));
    assert_eq!(spec.connectors.writes().len(), 1);
    assert!(approval.exceptions.is_empty());
}

#[when("everybody approves who is asked now")]
async fn approve_now(spec: &mut Spec) {
    spec.everybody_approves().await;
}

#[then("nobody is asked about it")]
async fn nobody_asked(spec: &mut Spec) {
    assert!(spec.approval().await.exceptions.is_empty());
}

#[then(expr = "somebody reads that {}")]
async fn reads(spec: &mut Spec, what: String) {
    let (id, _) = spec.open_exception("conflict").await;
    assert_eq!(spec.approval().await.exceptions[&id].detail.message, what);
}

#[when(expr = "the record is as it was, and the owner closes the exception of cause {word} by {word}")]
async fn closes(spec: &mut Spec, cause: String, by: String) {
    spec.connectors.as_it_was();
    let (id, person) = spec.open_exception(&cause).await;
    let by = Closure::parse(&by).expect("a way to close it");
    spec.command(Command::CloseException { person, id, by, reason: "put right".to_owned() }).await;
    assert_eq!(spec.refused, None);
}

#[when(expr = "it comes to rest, and the owner closes the exception of cause {word} by {word}")]
async fn closes_at_rest(spec: &mut Spec, cause: String, by: String) {
    spec.connectors.lands_again("target", false);
    spec.connectors.is_at("r3");
    closes(spec, cause, by).await;
}

#[then("the last one was written on the record as it came to rest")]
fn on_the_last_one(spec: &mut Spec) {
    let writes = spec.connectors.writes();
    assert_eq!(writes.last().and_then(|call| call.plan.revision.as_deref()), Some("r3"));
}

#[given(expr = "a discount of {int} % that people have approved at a margin of {int} %")]
async fn approved(spec: &mut Spec, percent: u32, margin: u32) {
    discount_house(spec, margin);
    spec.submit("discount", asked_tokens(percent, 12_000)).await;
    spec.until("the seat", |event| matches!(event, Event::SeatOpened { .. }), 1).await;
}

#[when(expr = "the quote is changed elsewhere, and its margin is {int} % now")]
async fn quote_moved(spec: &mut Spec, margin: u32) {
    spec.connectors.once("crm", moved(None));
    let margin = Value::Decimal(margin.to_string());
    let quote = [("margin", margin), ("renewal", Value::Flag(false))];
    spec.connectors.put("crm", "quote", "Q-1", &quote);
    spec.everybody_approves().await;
    // Time that passes before it waits for nothing.
    spec.until("the attempt", attempted, 1).await;
}

#[when(expr = "billing is changed elsewhere, and the price has brought the margin of the quote to {int} %")]
async fn billing_moved(spec: &mut Spec, margin: u32) {
    spec.connectors.once("billing", moved(None));
    let margin = Value::Decimal(margin.to_string());
    let quote = [("margin", margin), ("renewal", Value::Flag(false))];
    spec.connectors.put("crm", "quote", "Q-1", &quote);
    spec.everybody_approves().await;
}

#[then("the quote is priced")]
async fn priced(spec: &mut Spec) {
    spec.landed("quote-price").await;
}

#[then("billing has the price too")]
async fn billed(spec: &mut Spec) {
    spec.landed("billing-price").await;
}

impl Spec {
    async fn everybody_approves(&mut self) {
        loop {
            let approval = self.approval().await;
            let Stage::Seated { seats, .. } = &approval.stage else { return };
            let open = seats.open.values().find(|seat| !seat.is_filled()).expect("a seat is open");
            let free = |person: &&PersonId| !open.approved.contains(person);
            let person = open.eligible.iter().find(free).expect("somebody is free").clone();
            let voice = Voice::Approve { note: String::new() };
            let revision = approval.intent.revision;
            self.command(Command::Decide { person, revision, seal: None, voice }).await;
            assert_eq!(self.refused, None);
        }
    }

    /// Waits until what a binding writes has landed; time goes by meanwhile.
    async fn landed(&self, binding: &str) {
        let waiting = async {
            loop {
                let approval = self.approval().await;
                let planned = approval.writes().find(|planned| planned.binding.as_str() == binding);
                let effect = planned.expect("it is planned").effect;
                if let Stage::Executing { effects, .. }
                | Stage::Closed(countersign_core::approval::Outcome::Done { effects, .. }) =
                    &approval.stage
                    && matches!(effects.get(&effect), Some(EffectState::Landed { .. }))
                {
                    return;
                }
                assert!(approval.exceptions.is_empty(), "{:#?}", approval.exceptions);
                self.clock.turn(countersign_core::time::Millis(500));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{binding} did not land"));
    }
}
