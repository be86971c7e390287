//! The steps of `overrides.feature`: a person decides against the policy.

use super::{PATIENCE, Spec, asked_tokens, discount_house, discount_world, person};
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Event;
use countersign_core::approval::{Authority, Outcome, Stage};
use countersign_core::exception::Closure;
use countersign_core::hash::Digest;
use countersign_core::id::{IntentId, IntentTypeName};
use countersign_core::override_::{Evidence, Instead, Override, Piece};
use countersign_core::record::{RecordRef, Value};
use countersign_core::rulebook::Rulebook;
use countersign_core::seal::Seal;
use countersign_core::time::Millis;
use countersign_engine::port::store::Query;
use countersign_server::api::view::IntentView;
use countersign_server::api::view::intent::Looking;
use countersign_tests::world::{root, source_files};
use cucumber::{given, then, when};
use std::collections::BTreeMap;
use std::time::Duration;

const WORDS: &str = "they pay it elsewhere";

fn evidence(kind: &str) -> Vec<Evidence> {
    let piece = Piece::File { name: "offer.pdf".to_owned(), sha256: Digest::of(b"an offer"), bytes: 8 };
    let given = Evidence { kind: kind.to_owned(), piece };
    if kind == "nothing" { Vec::new() } else { vec![given] }
}

fn what(name: &str, instead: Instead, reason: &str, kind: &str) -> Override {
    let (reason, words) = (reason.to_owned(), WORDS.to_owned());
    Override { by: person(name), instead, reason, words, evidence: evidence(kind) }
}

fn segment(spec: &Spec, segment: &str) {
    let customer = RecordRef { kind: "customer".into(), id: "cus_1".into() };
    let account = [("segment", Value::Text(segment.into())), ("billing_account", Value::Reference(customer))];
    spec.connectors.put("crm", "account", "A-1", &account);
}

impl Spec {
    async fn overrides(&mut self, revision: u32, what: Override) {
        self.command(Command::Override { revision, seal: None, what: Box::new(what) }).await;
    }

    async fn can(&self, name: &str) -> Vec<String> {
        let (approval, rulebook) = (self.approval().await, self.engine().rulebook());
        let (person, now) = (person(name), self.engine().now());
        IntentView::of(&approval, Looking { person: &person, rulebook: &rulebook, now })
            .expect("they see it")
            .can
    }

    async fn asks_once_more(&mut self) {
        let opened = |event: &Event| matches!(event, Event::SeatOpened { .. });
        self.submit("discount", asked_tokens(12, 12_000)).await;
        self.until("the seats", opened, 2).await;
    }

    async fn closes_post_mortem(&mut self, name: &str, by: Closure) {
        let (id, _) = self.open_exception("post-mortem").await;
        let (person, reason) = (person(name), "the floor is too high for renewals".to_owned());
        self.command(Command::CloseException { person, id, by, reason }).await;
    }

    /// Who decided, once that is so.
    pub(super) async fn authority(&self) -> Authority {
        let waiting = async {
            loop {
                match &self.approval().await.stage {
                    Stage::Executing { authority, .. }
                    | Stage::Closed(Outcome::Done { authority, .. } | Outcome::Declined { authority, .. }) => {
                        return authority.clone();
                    }
                    _ => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it is decided")
    }
}

#[given(expr = "ae-1 asks for a discount of {int} % for the public sector")]
async fn asks_public(spec: &mut Spec, percent: u32) {
    discount_world(spec, 40);
    segment(spec, "pub");
    spec.people.asked = (percent, 12_000);
    spec.submit("discount", asked_tokens(percent, 12_000)).await;
    spec.until("the answer", |event| matches!(event, Event::Declined { .. }), 1).await;
}

#[given("ae-1 asks for a discount below the margin floor, and the targets take every write")]
async fn asks_and_is_written(spec: &mut Spec) {
    discount_house(spec, 14);
    spec.asks_once_more().await;
}

#[given(expr = "overrides of discounts for competitor-offer are blocked until the post-mortem")]
fn blocked(spec: &mut Spec) {
    discount_world(spec, 14);
    let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
    for file in files.iter_mut().filter(|file| file.path == "intents/discount.intent.md") {
        let row = "| competitor-offer   | competitor-quote        | role cro     | 3 in 30d     |";
        assert!(file.text.contains(row), "the table has the row");
        file.text = file.text.replace(row, &row.replace("3 in 30d     ", "3 in 30d, then blocked"));
    }
    spec.start(Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}")));
}

#[given(expr = "cro has overridden {int} discounts for competitor-offer")]
async fn has_overridden(spec: &mut Spec, times: u32) {
    if spec.host.is_none() {
        discount_world(spec, 14);
    }
    for _ in 0..times {
        spec.asks_once_more().await;
        spec.overrides(1, what("cro", Instead::Decline, "competitor-offer", "competitor-quote")).await;
        assert_eq!(spec.refused, None);
    }
}

#[when(expr = "cro has overridden {int} other discounts for competitor-offer")]
async fn has_overridden_others(spec: &mut Spec, times: u32) {
    let asked = spec.intent;
    segment(spec, "smb");
    spec.clock.turn(Millis::minutes(6));
    has_overridden(spec, times).await;
    spec.intent = asked;
}

#[given(expr = "ae-1 asks for {int} % for the public sector in the same house")]
async fn asks_public_here(spec: &mut Spec, percent: u32) {
    segment(spec, "pub");
    spec.submit("discount", asked_tokens(percent, 12_000)).await;
    spec.until("the answer", |event| matches!(event, Event::Declined { .. }), 1).await;
}

#[given("ae-1 asks once more")]
#[when("ae-1 asks once more")]
async fn once_more(spec: &mut Spec) {
    spec.asks_once_more().await;
}

#[when(expr = "{word} overrides revision {int} to {word} for {word} with {word}")]
async fn overrides(
    spec: &mut Spec,
    name: String,
    revision: u32,
    instead: String,
    reason: String,
    kind: String,
) {
    let instead = match instead.as_str() {
        "approve" => Instead::Approve,
        "decline" => Instead::Decline,
        other => panic!("nobody can {other} instead"),
    };
    spec.overrides(revision, what(&name, instead, &reason, &kind)).await;
}

#[when("cro overrides revision 1 without a word")]
async fn overrides_mutely(spec: &mut Spec) {
    let what = what("cro", Instead::Approve, "competitor-offer", "competitor-quote");
    spec.overrides(1, Override { words: "  ".to_owned(), ..what }).await;
}

#[when("cro overrides another seal")]
async fn overrides_another(spec: &mut Spec) {
    let what = Box::new(what("cro", Instead::Approve, "competitor-offer", "competitor-quote"));
    let seal = Some(Seal(Digest::of(b"another write plan")));
    spec.command(Command::Override { revision: 1, seal, what }).await;
}

#[when("the customer is no public one after all")]
fn no_public_one(spec: &mut Spec) {
    segment(spec, "smb");
    // The fact that was read is used for five minutes.
    spec.clock.turn(Millis::minutes(6));
}

#[when(expr = "{int} days pass")]
fn days_pass(spec: &mut Spec, days: u64) {
    spec.clock.turn(Millis::hours(24 * days));
}

#[when(expr = "the owner of the post-mortem closes it by {word}")]
async fn owner_closes(spec: &mut Spec, by: String) {
    let (_, owner) = spec.open_exception("post-mortem").await;
    let by = if by == "reviewed" { Closure::Reviewed } else { Closure::Retry };
    spec.closes_post_mortem(owner.as_str(), by).await;
}

#[when(expr = "{word} closes the post-mortem")]
async fn closes(spec: &mut Spec, name: String) {
    spec.closes_post_mortem(&name, Closure::Reviewed).await;
}

#[when("the owner of the open post-mortem closes it")]
async fn closes_open(spec: &mut Spec) {
    let last = spec.intent;
    let labels = BTreeMap::from([("post-mortem".to_owned(), "competitor-offer".to_owned())]);
    let page = spec.engine().list(Query { labels, after: None, limit: 5 }).await.expect("the list answers");
    assert_eq!(page.rows.len(), 1, "one post-mortem is open");
    let other: IntentId = page.rows[0].stream.parse().expect("an intent");
    spec.intent = Some(other);
    owner_closes(spec, "reviewed".to_owned()).await;
    assert_eq!(spec.refused, None);
    spec.intent = last;
}

#[then(expr = "{word} answers for the post-mortem after it was missed")]
async fn missed_by_others(spec: &mut Spec, name: String) {
    let (id, _) = spec.open_exception("post-mortem").await;
    let due = spec.approval().await.exceptions[&id].due;
    spec.clock.set(due);
    let escalated = |event: &Event| matches!(event, Event::ExceptionEscalated { .. });
    spec.until("the escalation", escalated, 1).await;
    let (_, owner) = spec.open_exception("post-mortem").await;
    assert_eq!(owner, person(&name));
}

#[then(expr = "{word} can {word}")]
async fn can(spec: &mut Spec, name: String, verb: String) {
    let can = spec.can(&name).await;
    assert!(can.contains(&verb), "{name} can {can:?}");
}

#[then(expr = "{word} can not {word}")]
async fn can_not(spec: &mut Spec, name: String, verb: String) {
    let can = spec.can(&name).await;
    assert!(!can.contains(&verb), "{name} can {can:?}");
}

#[then(expr = "it was decided by the override of {word}")]
async fn by_override(spec: &mut Spec, name: String) {
    assert_eq!(spec.authority().await, Authority::Override(person(&name)));
}

#[then("it was decided by the policy")]
async fn by_policy(spec: &mut Spec) {
    assert_eq!(spec.authority().await, Authority::Policy);
}

#[then("nothing was written")]
fn nothing_written(spec: &mut Spec) {
    assert!(spec.connectors.writes().is_empty());
}

#[then("what would be written is shown")]
async fn shown(spec: &mut Spec) {
    let (approval, rulebook) = (spec.approval().await, spec.engine().rulebook());
    let (person, now) = (person("cro"), spec.engine().now());
    let seen = IntentView::of(&approval, Looking { person: &person, rulebook: &rulebook, now })
        .expect("they see it");
    let writes = seen.plan.expect("there is a plan").writes;
    let name = IntentTypeName::parse("discount").expect("a name");
    let bindings = rulebook.intent_type(&name).expect("it is there").bindings.len();
    assert_eq!(writes.len(), bindings);
}

#[then(expr = "the target is told {string} by {string}")]
async fn told(spec: &mut Spec, outcome: String, approver: String) {
    let waiting = async {
        loop {
            let told = format!("{:?}", spec.connectors.writes());
            if told.contains(&format!("{outcome:?}")) && told.contains(&format!("{approver:?}")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
        panic!("the targets were told {:#?}", spec.connectors.writes());
    }
}
