//! The steps of `undo.feature`: intents of several writes, of which all stand or none.

use super::{PATIENCE, Spec, attempted, finding, money, single_files, text};
use countersign_core::approval::command::Command;
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Approval, Stage};
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::{Answer, AttemptEnd, Detail, Ended, Failure, Guarantee, Receipt};
use countersign_core::effect::life::EffectState;
use countersign_core::exception::{Closure, Exception};
use countersign_core::id::{ExceptionId, PersonId};
use countersign_core::intent::Raw;
use countersign_core::record::RecordRef;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Millis;
use countersign_engine::fault::Fault;
use countersign_tests::scripted::{Act, Scripted, step};
use cucumber::{given, then, when};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Barrier;

const PLACES: [&str; 3] = ["one", "two", "three"];

/// What is asked for, and how its targets answer.
#[derive(Debug, Default)]
pub(super) struct Chain {
    on_failure: String,
    /// Whether three follows on one, like two, and not on two.
    forks: bool,
    /// What cannot be taken back.
    lasting: Option<String>,
    /// Where everything is already as it is asked for.
    holding: Option<String>,
    /// Whether the host is started again with another connector for three.
    swaps: bool,
    /// Where nothing can be asked.
    blind: Option<String>,
    acts: Vec<(String, bool, Act)>,
    /// Whether the host dies in the undo of two.
    dies: bool,
    cause: String,
}

impl Chain {
    fn rules(&self) -> Rulebook {
        let mut files = single_files();
        let single = |file: &SourceFile| file.path.contains("single");
        let anew = |file: &SourceFile| SourceFile {
            path: file.path.replace("single", "chain"),
            text: self.chained(&file.text.replace("single", "chain").replace("target", "one")),
        };
        files = files.iter().map(|file| if single(file) { anew(file) } else { file.clone() }).collect();
        Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
    }

    /// One write each in the place of the one of an intent type.
    fn chained(&self, text: &str) -> String {
        let Some(one) = text.lines().find(|line| line.starts_with("| write   | one")) else {
            return text.to_owned();
        };
        let third = if self.forks { "one" } else { "two" };
        let bindings = PLACES.into_iter().zip([("order_id", ""), ("", "one"), ("", third)]);
        let bindings = bindings.map(|(place, (subject, after))| {
            format!(
                "| {place} | {place} | deliver | {subject} | by-probe, blind | {after} | {} |",
                self.on_failure
            )
        });
        let writes = PLACES.map(|place| format!("| {place} | amount | amount |"));
        text.replace(one, &bindings.collect::<Vec<_>>().join("\n"))
            .replace("| write   | amount | amount |", &writes.join("\n"))
            .replace("| destinations    | one ", "| destinations    | one, two, three ")
    }

    fn connectors(&self) -> Scripted {
        let mut connectors = Scripted::default();
        for place in PLACES {
            let is_blind = self.blind.as_deref() == Some(place);
            let guarantee = if is_blind { Guarantee::Blind } else { Guarantee::ByProbe };
            connectors = connectors.with(place, guarantee, &[("deliver", "order")]);
            if self.lasting.as_deref() != Some(place) {
                connectors = connectors.reversible(place);
            }
        }
        if let Some(holding) = &self.holding {
            connectors.holds(holding);
            connectors.always(holding, false, Act::End(taken(holding)));
        }
        for (place, takes_back, act) in &self.acts {
            connectors.always(place, *takes_back, act.clone());
        }
        connectors
    }
}

/// It is there, whatever was sent.
fn taken(place: &str) -> AttemptEnd {
    let subject = RecordRef { kind: "order".to_owned(), id: place.to_owned() };
    let receipt = Receipt {
        subject,
        revision: None,
        url: None,
        vendor_request_id: None,
        applied: Vec::new(),
        extra: Vec::new(),
    };
    AttemptEnd { claim: Ended::Returned(receipt), steps: Vec::new(), held_back: None }
}

fn refused() -> AttemptEnd {
    let detail = Detail::new("scripted", "it is refused");
    let claim = Ended::Failed(Failure::Rejected { fields: Vec::new(), detail });
    AttemptEnd { claim, steps: vec![step(Answer::Answered { status: 422 })], held_back: None }
}

#[given(expr = "an intent that writes to one, then two, then three, and says {word}")]
fn in_a_row(spec: &mut Spec, on_failure: String) {
    spec.chain.on_failure = on_failure;
}

#[given(expr = "an intent that writes to one, then to two and three, and says {word}")]
fn in_a_fork(spec: &mut Spec, on_failure: String) {
    spec.chain.on_failure = on_failure;
    spec.chain.forks = true;
}

#[given(expr = "what is written to {word} cannot be taken back")]
fn cannot(spec: &mut Spec, place: String) {
    spec.chain.lasting = Some(place);
}

#[given(expr = "{word} holds already what is written to it")]
fn holds(spec: &mut Spec, place: String) {
    spec.chain.holding = Some(place);
}

#[when("three answers nothing until the host is started again with another connector there")]
fn swaps(spec: &mut Spec) {
    spec.chain.acts.push(("three".to_owned(), false, Act::Hang));
    spec.chain.swaps = true;
}

#[when("one is too busy")]
fn one_is_too_busy(spec: &mut Spec) {
    let detail = Detail::new("scripted", "it is busy");
    let claim = Ended::Failed(Failure::Transient { after: None, detail });
    let end = AttemptEnd { claim, steps: vec![step(Answer::Answered { status: 429 })], held_back: None };
    spec.chain.acts.push(("one".to_owned(), false, Act::End(end)));
}

#[when("one is busy no more")]
fn one_is_busy_no_more(spec: &mut Spec) {
    spec.connectors.lands_again("one", false);
}

#[when(expr = "{word} refuses")]
fn refuses(spec: &mut Spec, place: String) {
    spec.chain.acts.push((place, false, Act::End(refused())));
}

#[when(expr = "{word} refuses to take back what it wrote")]
fn refuses_undo(spec: &mut Spec, place: String) {
    spec.chain.acts.push((place, true, Act::End(refused())));
}

#[when(expr = "{word} takes back what it wrote")]
fn takes_back(spec: &mut Spec, place: String) {
    spec.connectors.lands_again(&place, true);
}

#[when("three refuses while two never answers and can be asked nothing")]
fn never_answers(spec: &mut Spec) {
    let claim = Ended::Failed(Failure::Uncertain(Detail::new("scripted", "no answer came")));
    together(spec, AttemptEnd { claim, steps: vec![step(Answer::Unanswered)], held_back: None });
    spec.chain.blind = Some("two".to_owned());
}

#[when("three refuses while two is too busy")]
fn too_busy(spec: &mut Spec) {
    let detail = Detail::new("scripted", "it is busy");
    let claim = Ended::Failed(Failure::Transient { after: None, detail });
    together(
        spec,
        AttemptEnd { claim, steps: vec![step(Answer::Answered { status: 429 })], held_back: None },
    );
}

/// Two ends like this at the moment when three is refused.
fn together(spec: &mut Spec, two: AttemptEnd) {
    let both = Arc::new(Barrier::new(2));
    for (place, end) in [("two", two), ("three", refused())] {
        spec.chain.acts.push((place.to_owned(), false, Act::EndTogether(Arc::clone(&both), end)));
    }
}

#[then("two was sent nothing more")]
fn nothing_more(spec: &mut Spec) {
    let writes = spec.connectors.writes();
    assert_eq!(writes.iter().filter(|call| call.connection.as_str() == "two").count(), 1);
}

#[when("the host dies while two takes back what it wrote")]
fn dies(spec: &mut Spec) {
    spec.chain.acts.push(("two".to_owned(), true, Act::Hang));
    spec.chain.dies = true;
}

#[when("it is asked for and approved")]
async fn asked_for(spec: &mut Spec) {
    spec.connectors = Arc::new(spec.chain.connectors());
    spec.start(spec.chain.rules());
    let tokens = Raw::Map(vec![
        ("order_id".to_owned(), text("order-1")),
        ("amount".to_owned(), money("10.00")),
        ("reason".to_owned(), text("goodwill")),
    ]);
    spec.submit("chain", tokens).await;
    if spec.chain.swaps {
        spec.has_written("one, two, three").await;
        spec.host = None;
        spec.connectors = Arc::new(spec.chain.connectors().built_anew_at("three"));
        spec.start(spec.chain.rules());
    }
    if spec.chain.dies {
        spec.has_written("one, two, three, undo of two").await;
        spec.connectors.lands_again("two", true);
        spec.start(spec.chain.rules());
    }
}

#[when("the next look finds it there")]
async fn found_there(spec: &mut Spec) {
    // One, two, three, and what the host that died had begun.
    spec.until("the look after the restart", attempted, 4).await;
    spec.connectors.next_finding(Ended::Returned(finding("landed")));
    spec.clock.turn(Millis::seconds(1));
}

#[then(expr = "the whole of it is {word}")]
async fn comes_to(spec: &mut Spec, stage: String) {
    spec.comes_to_be(&stage, |approval| approval.stage.as_str() == stage).await;
}

#[then(expr = "these were written: {}")]
async fn were_written(spec: &mut Spec, places: String) {
    spec.has_written(&places).await;
}

#[when("three has its connector again")]
fn has_its_connector(spec: &mut Spec) {
    spec.host = None;
    spec.chain.acts.clear();
    spec.connectors = Arc::new(spec.chain.connectors());
    spec.start(spec.chain.rules());
}

#[then("three is looked for before anything is sent there")]
async fn looked_for_first(spec: &mut Spec) {
    let probing = |approval: &Approval| match &approval.stage {
        Stage::Executing { effects, .. } => {
            effects.values().any(|state| matches!(state, EffectState::Probing { .. }))
        }
        _ => false,
    };
    spec.comes_to_be("looked for", probing).await;
    assert_eq!(spec.connectors.writes().len(), 0);
}

#[then("nothing was taken back")]
fn nothing_back(spec: &mut Spec) {
    assert_eq!(spec.taken_back(), [""; 0]);
}

#[then(expr = "only {word} was taken back")]
fn only_back(spec: &mut Spec, place: String) {
    assert_eq!(spec.taken_back(), [place]);
}

#[then(expr = "its one exception, {word}, is closed by {word}")]
async fn one_exception(spec: &mut Spec, cause: String, by: String) {
    let approval = spec.approval().await;
    let [exception] = <[&Exception; 1]>::try_from(approval.exceptions.values().collect::<Vec<_>>())
        .unwrap_or_else(|all| panic!("one exception: {all:#?}"));
    assert_eq!(exception.cause.as_str(), cause);
    let closed = exception.closed.as_ref().expect("it is closed");
    assert_eq!((closed.by.as_str(), &closed.person), (by.as_str(), &None));
}

#[then(expr = "an exception with cause {word} is open for {}")]
async fn open_for(spec: &mut Spec, cause: String, what: String) {
    spec.open_exception(&cause).await;
    spec.chain.cause = cause;
    let is_about = |approval: &Approval| {
        let mut open = approval.exceptions.values().filter(|exception| exception.closed.is_none());
        open.any(|exception| {
            let planned = exception.effect.and_then(|effect| approval.planned(effect));
            planned.is_some_and(|planned| {
                let undo = if planned.undoes.is_some() { "the undo of " } else { "" };
                format!("{undo}{}", planned.connection) == what
            })
        })
    };
    spec.comes_to_be(&format!("an exception about {what}"), is_about).await;
}

#[then(expr = "it can only be closed by {word}")]
async fn closed_only_by(spec: &mut Spec, by: String) {
    for way in Closure::ALL.into_iter().filter(|way| way.as_str() != by) {
        spec.cannot_close(way).await;
    }
}

#[then(expr = "it cannot be closed by {word}")]
async fn not_closed_by(spec: &mut Spec, by: String) {
    spec.cannot_close(Closure::parse(&by).expect("a way to close it")).await;
}

#[when(expr = "its owner closes it by {word}")]
async fn closes(spec: &mut Spec, by: String) {
    let by = Closure::parse(&by).expect("a way to close it");
    spec.close(by).await.expect("the owner may close it");
}

impl Spec {
    async fn last_open(&self) -> (ExceptionId, PersonId) {
        let approval = self.approval().await;
        let mut open = approval.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
        // One of two with one cause is about what is taken back: that was opened last.
        let open = open.by_ref().filter(|(_, exception)| exception.cause.as_str() == self.chain.cause);
        let last = open.max_by_key(|(_, exception)| {
            exception
                .effect
                .and_then(|effect| approval.planned(effect))
                .is_some_and(|own| own.undoes.is_some())
        });
        let (id, exception) = last.expect("one is open");
        (*id, exception.owner.clone())
    }

    async fn close(&self, by: Closure) -> Result<(), Fault> {
        let (id, owner) = self.last_open().await;
        let reason = "it was looked into".to_owned();
        let command = Command::CloseException { person: owner, id, by, reason };
        let intent = self.intent.expect("something was submitted");
        self.engine().command(intent, command, None).await.map(drop)
    }

    async fn cannot_close(&self, by: Closure) {
        let refused = self.close(by).await.expect_err(by.as_str());
        assert!(matches!(refused, Fault::Refused(Refusal::WrongClosure { .. })), "{by:?}: {refused}");
    }

    async fn comes_to_be(&self, what: &str, is: impl Fn(&Approval) -> bool) {
        let waiting = async {
            while !is(&*self.approval().await) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        if waited.is_err() {
            panic!("not {what}: {:#?}", self.approval().await);
        }
    }

    /// Where something was taken back, in order.
    fn taken_back(&self) -> Vec<String> {
        let writes = self.connectors.writes();
        let back = writes.iter().filter(|call| call.takes_back.is_some());
        back.map(|call| call.connection.to_string()).collect()
    }

    /// Waits until these were written, in this order, and no others.
    async fn has_written(&self, places: &str) {
        let written = || {
            let writes = self.connectors.writes();
            let words = writes.iter().map(|call| match &call.takes_back {
                Some(_) => format!("undo of {}", call.connection),
                None => call.connection.to_string(),
            });
            words.collect::<Vec<_>>().join(", ")
        };
        let waiting = async {
            while written() != places {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{} were written", written());
    }
}
