//! The steps of `going_live.feature`.

use super::{Spec, asked_tokens, map, person, publishing, text};
use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Case, Outcome, Stage};
use countersign_core::going_live::{GO_LIVE, NotLive};
use countersign_core::id::{FieldName, IntentId, IntentTypeName, PersonId};
use countersign_core::intent::{FactValue, Raw, TokenValue, Trigger, TypeState};
use countersign_core::rulebook::Rulebook;
use countersign_engine::engine::Submission;
use countersign_engine::fault::Fault;
use cucumber::{given, then, when};
use std::sync::Arc;

/// The file of the type that is a draft.
const FILE: &str = "intents/discount.intent.md";

/// What the scenarios of this feature remember.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    trial: Option<IntentId>,
    /// Intents of this feature that are looked at later.
    earlier: Vec<IntentId>,
    /// Which of the eleven were lacking.
    lacking: Vec<&'static str>,
}

fn discount() -> IntentTypeName {
    IntentTypeName::parse("discount").expect("a name")
}

/// Lets the file of the discount say that it is a draft.
pub(super) fn begin_draft(spec: &mut Spec) {
    spec.change_discount("| impact ", "| state | draft |\n| impact ");
}

/// Starts a host with the files as they are.
pub(super) fn start(spec: &mut Spec) {
    spec.start_with_files();
}

impl Spec {
    /// Replaces something in the file of the discount.
    fn change_discount(&mut self, from: &str, to: &str) {
        let file = self.house.files.iter_mut().find(|file| file.path == FILE).expect("the discount");
        assert!(file.text.contains(from), "it holds {from}");
        file.text = file.text.replacen(from, to, 1);
    }

    fn start_with_files(&mut self) {
        let rulebook = Rulebook::load(&self.house.files);
        self.start(rulebook.unwrap_or_else(|faults| panic!("{faults:#?}")));
    }

    /// Keeps what the door said.
    fn said(&mut self, answer: Result<countersign_engine::engine::Standing, Fault>) {
        self.refused = None;
        self.draft.lacking.clear();
        match answer {
            Ok(standing) => self.intent = Some(standing.approval.intent.id),
            Err(Fault::Refused(refusal)) => {
                self.refused = Some(refusal.code().to_owned());
                if let Refusal::GoingLive(NotLive::NotReady { lacking, .. }) = &refusal {
                    self.draft.lacking.extend(lacking.iter().map(|lack| lack.point.as_str()));
                }
            }
            Err(fault) => panic!("{fault}"),
        }
    }

    async fn asks_to_go_live(&mut self, requester: &str, waive: Option<&str>) {
        let trial = self.draft.trial.expect("it was tried out").to_string();
        let mut tokens =
            vec![("intent", text("discount")), ("trial", text(&trial)), ("reason", text("the pilot begins"))];
        tokens.extend(waive.map(|why| ("waive_trigger", text(why))));
        let (requester, intent_type) = (requester.to_owned(), GO_LIVE.to_owned());
        let submission = Submission { requester, intent_type, tokens: map(tokens), key: None };
        let answer = self.engine().submit(submission).await;
        self.said(answer);
    }

    async fn is_decided(&mut self, by: PersonId) {
        self.says(by, Voice::Approve { note: String::new() }).await;
        assert_eq!(self.refused, None, "the vote is taken");
    }

    async fn says(&mut self, person: PersonId, voice: Voice) {
        self.command(Command::Decide { person, revision: 1, seal: None, voice }).await;
    }

    /// Somebody who may decide on the last intent.
    async fn somebody(&self) -> PersonId {
        let approval = self.approval().await;
        let Stage::Seated { seats, .. } = &approval.stage else { panic!("it is seated") };
        seats.unfilled().find_map(|(_, seat)| seat.eligible.first()).expect("somebody may").clone()
    }

    /// What the host counted for the last intent.
    async fn counted(&self) -> i64 {
        let approval = self.approval().await;
        let case: &Case = match &approval.stage {
            Stage::Seated { case, .. } | Stage::Closed(Outcome::Done { case, .. }) => case,
            other => panic!("the intent is {}", other.as_str()),
        };
        let name = FieldName::parse("asked_7d").expect("a name");
        match case.facts.get(&name) {
            Some(FactValue::Known(TokenValue::Count(count))) => *count,
            other => panic!("nothing was counted: {other:?}"),
        }
    }
}

#[given("a house with the discount as a draft")]
fn draft(spec: &mut Spec) {
    publishing::shipped(spec);
    begin_draft(spec);
    start(spec);
}

#[given("a house that counts the discounts of a week, as a draft")]
fn counting(spec: &mut Spec) {
    let fact = "| asked_7d | count 0 .. 1000 | log count of asked by customer_id in 7d | |\n\n## Bindings";
    spec.change_discount("\n## Bindings", fact);
    spec.start_with_files();
}

#[when(expr = "{word} asks for a discount of {int} %")]
async fn asks(spec: &mut Spec, requester: String, percent: u32) {
    let tokens: Raw = asked_tokens(percent, 12_000);
    spec.people.asked = (percent, 12_000);
    let submission = Submission { requester, intent_type: "discount".into(), tokens, key: None };
    let answer = spec.engine().submit(submission).await;
    spec.said(answer);
}

#[when(expr = "{word} tries out a discount of {int} %")]
async fn tries_out(spec: &mut Spec, requester: String, percent: u32) {
    let tokens = asked_tokens(percent, 12_000);
    let submission = Submission { requester, intent_type: "discount".into(), tokens, key: None };
    let answer = spec.engine().try_out(submission, Trigger::Button).await;
    spec.said(answer);
    if spec.refused.is_none() {
        spec.draft.trial = spec.intent;
    }
}

#[when("a director approves the trial")]
async fn approves_trial(spec: &mut Spec) {
    spec.becomes("seated").await;
    let director = spec.somebody().await;
    spec.is_decided(director).await;
}

#[given("the discount went live beside it")]
async fn went_live_beside(spec: &mut Spec) {
    let first = spec.intent.expect("it was tried out");
    went_live(spec).await;
    spec.draft.earlier.push(first);
}

#[when("a director approves the first trial")]
async fn approves_first(spec: &mut Spec) {
    spec.intent = spec.draft.earlier.first().copied();
    let director = spec.somebody().await;
    spec.says(director, Voice::Approve { note: String::new() }).await;
}

#[when("a director declines the first trial")]
async fn declines_first(spec: &mut Spec) {
    spec.intent = spec.draft.earlier.first().copied();
    let director = spec.somebody().await;
    spec.says(director, Voice::Decline { reason: "it is live now".to_owned() }).await;
}

#[when(expr = "{word} asks that the discount goes live once more")]
async fn once_more(spec: &mut Spec, requester: String) {
    let before = spec.intent;
    goes_live(spec, requester).await;
    spec.intent = before;
}

#[when(expr = "{word} asks that the discount goes live")]
async fn goes_live(spec: &mut Spec, requester: String) {
    spec.asks_to_go_live(&requester, Some("the crm has no hook here")).await;
}

#[when(expr = "{word} asks that the discount goes live, waiving nothing")]
async fn goes_live_as_it_is(spec: &mut Spec, requester: String) {
    spec.asks_to_go_live(&requester, None).await;
}

#[given("the discount went live")]
async fn went_live(spec: &mut Spec) {
    tries_out(spec, "revops-1".to_owned(), 12).await;
    approves_trial(spec).await;
    spec.becomes("done").await;
    goes_live(spec, "revops-1".to_owned()).await;
    spec.becomes("seated").await;
    spec.is_decided(person("revops-lead")).await;
    is_live(spec).await;
}

#[when(expr = "the host is started again with the owner {word}")]
async fn another_owner(spec: &mut Spec, owner: String) {
    let file = spec.house.files.iter().find(|file| file.path == FILE).expect("the discount");
    let row = file.text.lines().find(|line| line.starts_with("| owner ")).expect("an owner").to_owned();
    spec.change_discount(&row, &format!("| owner | {owner} |"));
    spec.start_again().await;
}

#[then("the discount is live, as that trial shows")]
async fn is_live(spec: &mut Spec) {
    let rulebook = spec.engine().rulebook();
    let schema = rulebook.intent_type(&discount()).expect("the discount");
    assert_eq!(rulebook.state_of(schema), TypeState::Live);
    let went = rulebook.went_live(schema).map(Arc::clone).expect("it is on record");
    assert_eq!(Some(went.trial), spec.draft.trial);
    assert_eq!((went.asked.as_str(), went.by.as_slice()), ("revops-1", &[person("revops-lead")][..]));
}

#[then("the discount is a draft")]
fn is_draft(spec: &mut Spec) {
    let rulebook = spec.engine().rulebook();
    let schema = rulebook.intent_type(&discount()).expect("the discount");
    assert_eq!(rulebook.state_of(schema), TypeState::Draft);
    let about = rulebook.remarks().into_iter().find(|(of, _)| *of == discount()).expect("it is named");
    assert!(about.1.contains("a draft again"), "{}", about.1);
}

#[then(expr = "what is lacking is {string}")]
fn lacking(spec: &mut Spec, expected: String) {
    let mut named = spec.draft.lacking.clone();
    named.dedup();
    assert_eq!(named.join(", "), expected);
}

#[then(expr = "the trial found {int} discount(s) of the week")]
async fn trial_counted(spec: &mut Spec, expected: i64) {
    assert_eq!(spec.counted().await, expected);
}

#[then(expr = "the intent found {int} discount(s) of the week")]
async fn intent_counted(spec: &mut Spec, expected: i64) {
    assert_eq!(spec.counted().await, expected);
}
