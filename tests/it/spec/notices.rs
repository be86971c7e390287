//! The steps of `notices.feature`: who is told what, and what becomes of messages on their way.

use super::{PATIENCE, Spec, asked_tokens, discount_world};
use countersign_core::approval::Sight;
use countersign_core::approval::event::Event;
use countersign_core::approval::wake::Wake;
use countersign_core::notice::words::Message;
use countersign_core::time::Millis;
use countersign_server::api::view::TimelineView;
use countersign_tests::told::Delivery;
use cucumber::{given, then, when};
use std::collections::BTreeSet;
use std::time::Duration;

/// Who can be told.
const REACHED: [&str; 9] = [
    "ae-1",
    "sales-manager-1",
    "finance-lead",
    "finance-1",
    "finance-2",
    "fpna-1",
    "deal-desk-1",
    "revops-lead",
    "cro-chief-of-staff",
];

impl Spec {
    /// What reached a person.
    pub(super) fn reached(&self, name: &str) -> Vec<Message> {
        self.notifier.arrived().into_iter().filter(|message| message.to.as_str() == name).collect()
    }

    /// Waits until something holds: what follows on a step comes by itself.
    pub(super) async fn in_the_end(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("{what}: {:#?}", self.notifier.arrived());
        }
    }

    async fn story(&self) -> Vec<String> {
        let intent = self.intent.expect("something was submitted");
        let entries = self.engine().entries(intent).await.expect("the intent is there");
        TimelineView::of(&entries, &Sight::Whole).entries.into_iter().map(|entry| entry.words).collect()
    }

    /// Waits until nothing that is due waits for its turn.
    async fn settled(&self) {
        self.in_the_end("something is due and not done", async || {
            let now = self.engine().now();
            let wakes = self.approval().await.wakes();
            wakes.iter().all(|(wake, due)| !matches!(wake, Wake::Notice(_)) || now < *due)
        })
        .await;
    }
}

#[given("people have contacts")]
pub(super) fn have_contacts(spec: &mut Spec) {
    let mut rows = String::from("## Contacts\n\n| person | by | address |\n|---|---|---|\n");
    for who in REACHED {
        rows.push_str(&format!("| {who} | mail | {who}@example.com |\n"));
    }
    spec.people.begin_with(|text| text.replacen("## Pools", &format!("{rows}\n## Pools"), 1));
}

#[given("nobody has contacts")]
fn no_contacts(spec: &mut Spec) {
    spec.people = super::seats::People::default();
}

#[given("no mail gets through")]
fn none_gets_through(spec: &mut Spec) {
    spec.notifier.always(Some(Delivery::Again(None)));
}

#[given("every mail hangs")]
fn all_hang(spec: &mut Spec) {
    spec.notifier.always(Some(Delivery::Hangs));
}

#[given(expr = "the next {int} mails do not get through")]
fn next_fail(spec: &mut Spec, count: usize) {
    (0..count).for_each(|_| spec.notifier.next(Delivery::Again(None)));
}

#[given(expr = "the next mail is put off for {int} seconds")]
fn put_off(spec: &mut Spec, seconds: u64) {
    spec.notifier.next(Delivery::Again(Some(Millis::seconds(seconds))));
}

#[given("the next mail is refused for good")]
fn refused_for_good(spec: &mut Spec) {
    spec.notifier.next(Delivery::Never);
}

#[given("the host dies while the next mail is on its way")]
fn dies_on_the_way(spec: &mut Spec) {
    spec.notifier.next(Delivery::Hangs);
}

#[when(expr = "ae-1 asks for {int} % on {int} at a margin of {int} %")]
async fn asks_for(spec: &mut Spec, percent: u32, amount: u32, margin: u32) {
    discount_world(spec, margin);
    spec.people.asked = (percent, amount);
    spec.submit("discount", asked_tokens(percent, amount)).await;
    spec.until("the seats", |event| matches!(event, Event::SeatOpened { .. }), 1).await;
}

#[when("mails get through again")]
fn through_again(spec: &mut Spec) {
    spec.notifier.always(None);
}

#[when("writes get through")]
fn writes_get_through(spec: &mut Spec) {
    spec.connectors.forget_acts();
}

#[when("every notice was tried")]
async fn all_tried(spec: &mut Spec) {
    spec.settled().await;
}

#[when(expr = "ae-1 goes on trying for {int} hours")]
async fn goes_on(spec: &mut Spec, hours: u64) {
    // Half an hour at a time, as a clock goes.
    for _ in 0..hours * 2 {
        spec.clock.turn(Millis::minutes(30));
        spec.settled().await;
    }
}

#[when("the host starts again after the mail left")]
async fn starts_again(spec: &mut Spec) {
    spec.in_the_end("the mail does not leave", async || !spec.notifier.arrived().is_empty()).await;
    let rulebook = spec.people.rulebook();
    spec.start(rulebook);
}

#[when("the host starts again")]
async fn starts_again_now(spec: &mut Spec) {
    let rulebook = spec.people.rulebook();
    spec.start(rulebook);
}

#[then(expr = "an exception was reminded of {int} time(s)")]
async fn reminded_of(spec: &mut Spec, times: usize) {
    assert_eq!(spec.count(|event| matches!(event, Event::ExceptionReminded { .. })).await, times);
}

#[then("nobody was reminded of an exception")]
async fn not_reminded_of(spec: &mut Spec) {
    reminded_of(spec, 0).await;
}

#[then(expr = "{word} is told {string}")]
async fn is_told(spec: &mut Spec, name: String, subject: String) {
    let told = || spec.reached(&name).into_iter().find(|message| message.subject.starts_with(&subject));
    spec.in_the_end(&format!("{name} is not told {subject}"), async || told().is_some()).await;
    let found = told().expect("it was told just now");
    let count = spec.reached(&name).iter().filter(|message| message.key == found.key).count();
    assert_eq!(count, 1, "it is told once");
    spec.read = Some(found);
}

#[then(expr = "that message says {string}")]
fn message_says(spec: &mut Spec, words: String) {
    let message = spec.read.as_ref().expect("a message was read");
    assert!(message.text.contains(&words), "{}", message.text);
}

#[then(expr = "{word} is told nothing")]
async fn told_nothing(spec: &mut Spec, name: String) {
    spec.settled().await;
    assert_eq!(spec.reached(&name), []);
}

#[then("nobody was told anything")]
async fn nobody_told(spec: &mut Spec) {
    spec.settled().await;
    assert_eq!(spec.notifier.arrived(), []);
}

#[then(expr = "{word} is told {int} message(s)")]
async fn told_count(spec: &mut Spec, name: String, count: usize) {
    spec.settled().await;
    let subjects: Vec<String> = spec.reached(&name).into_iter().map(|message| message.subject).collect();
    assert_eq!(subjects.len(), count, "{subjects:#?}");
}

#[then(expr = "{word} is told {string} in the end, under one key after {int} tries")]
async fn told_in_the_end(spec: &mut Spec, name: String, subject: String, tries: usize) {
    let tried = || -> Vec<Message> {
        spec.notifier.tried().into_iter().filter(|message| message.to.as_str() == name).collect()
    };
    spec.in_the_end("it is not tried so often", async || {
        spec.clock.turn(Millis::seconds(1));
        tried().len() >= tries
    })
    .await;
    spec.settled().await;
    let keys: BTreeSet<String> = tried().into_iter().map(|message| message.key).collect();
    assert_eq!((keys.len(), tried().len()), (1, tries));
    let last = spec.reached(&name).pop().expect("it arrived");
    assert!(last.subject.starts_with(&subject), "{}", last.subject);
}

#[then("no notice is recorded")]
async fn none_recorded(spec: &mut Spec) {
    assert_eq!(spec.count(|event| matches!(event, Event::Noticed { .. })).await, 0);
}

#[then("nothing but what landed wakes the engine in the end")]
async fn nothing_wakes_in_the_end(spec: &mut Spec) {
    spec.in_the_end("something is open", async || {
        let wakes = spec.approval().await.wakes();
        wakes.keys().all(|wake| matches!(wake, Wake::Watch(_)))
    })
    .await;
}

#[then(expr = "the story tells in the end {string}")]
async fn story_tells(spec: &mut Spec, words: String) {
    spec.in_the_end(&words, async || spec.story().await.iter().any(|line| line.contains(&words))).await;
}

#[then(expr = "the intent is {word} in the end")]
async fn is_in_the_end(spec: &mut Spec, state: String) {
    spec.in_the_end(&state, async || spec.approval().await.stage.as_str() == state).await;
}
