//! The steps of `hands.feature`: seats in other hands, added voices, comments and reminders.

use super::{Spec, person};
use countersign_core::approval::command::{Command, Reassigned};
use countersign_core::approval::event::Event;
use countersign_core::approval::seat::Order;
use countersign_core::time::Timestamp;
use countersign_server::api::view::IntentView;
use countersign_server::api::view::intent::Looking;
use cucumber::{then, when};

impl Spec {
    pub(super) async fn hands(&mut self, from: &str, to: &str, until: Option<&str>, reason: String) {
        let (person, to) = (person(from), person(to));
        let until = until.map(|moment| Timestamp::from_rfc3339(moment).expect("a moment"));
        self.command(Command::Hand { person, revision: 1, to, until, reason }).await;
    }

    async fn recalls(&mut self, name: &str) {
        self.command(Command::Recall { person: person(name), revision: 1 }).await;
    }

    async fn adds(&mut self, name: &str, whom: &str, order: Order, reason: String) {
        let (person, whom) = (person(name), person(whom));
        self.command(Command::AddVoice { person, revision: 1, whom, order, reason }).await;
    }

    async fn seen_by(&self, name: &str) -> IntentView {
        let (approval, rulebook) = (self.approval().await, self.engine().rulebook());
        let (person, now) = (person(name), self.engine().now());
        IntentView::of(&approval, Looking { person: &person, rulebook: &rulebook, now }).expect("they see it")
    }
}

#[when(expr = "{word} delegates to {word} until {word} because {string}")]
async fn delegates(spec: &mut Spec, from: String, to: String, until: String, reason: String) {
    spec.hands(&from, &to, Some(&until), reason).await;
}

#[when(expr = "{word} transfers to {word} because {string}")]
async fn transfers(spec: &mut Spec, from: String, to: String, reason: String) {
    spec.hands(&from, &to, None, reason).await;
}

#[when(expr = "{word} reassigns the seat of {word} to {word} because {string}")]
async fn reassigns(spec: &mut Spec, name: String, from: String, to: String, reason: String) {
    let (person, what, to) = (person(&name), Reassigned::Seat { of: person(&from) }, person(&to));
    spec.command(Command::Reassign { person, revision: 1, what, to, reason }).await;
}

#[when(expr = "{word} recalls")]
async fn recalls(spec: &mut Spec, name: String) {
    spec.recalls(&name).await;
}

#[when(expr = "{word} adds the voice of {word} {word} because {string}")]
async fn adds(spec: &mut Spec, name: String, whom: String, order: String, reason: String) {
    let order = match order.as_str() {
        "before" => Order::Before,
        "after" => Order::After,
        other => panic!("no order `{other}`"),
    };
    spec.adds(&name, &whom, order, reason).await;
}

#[when(expr = "{word} adds the voice of {word} after in revision {int}")]
async fn adds_later(spec: &mut Spec, name: String, whom: String, revision: u32) {
    let (person, whom, reason) = (person(&name), person(&whom), "to be sure".to_owned());
    spec.command(Command::AddVoice { person, revision, whom, order: Order::After, reason }).await;
}

#[when(expr = "{word} adds and recalls a voice {int} times")]
async fn adds_and_recalls(spec: &mut Spec, name: String, times: u32) {
    for _ in 0..times {
        spec.adds(&name, "legal-lead-1", Order::Before, "to be sure".to_owned()).await;
        assert_eq!(spec.refused, None);
        spec.recalls(&name).await;
        assert_eq!(spec.refused, None);
    }
}

#[when(expr = "{word} comments {string}")]
async fn comments(spec: &mut Spec, name: String, words: String) {
    spec.command(Command::Comment { person: person(&name), words }).await;
}

#[when(expr = "{word} reminds")]
async fn reminds(spec: &mut Spec, name: String) {
    spec.command(Command::Remind { person: person(&name) }).await;
}

#[then(expr = "people were reminded {int} time(s)")]
async fn reminded(spec: &mut Spec, times: usize) {
    assert_eq!(spec.count(|event| matches!(event, Event::Reminded { .. })).await, times);
}

#[then("nobody was reminded")]
async fn not_reminded(spec: &mut Spec) {
    reminded(spec, 0).await;
}

#[then(expr = "{word} can hand the seat to {string}")]
async fn deputies(spec: &mut Spec, name: String, expected: String) {
    assert_eq!(spec.seen_by(&name).await.deputies.join(", "), expected);
}

#[then(expr = "{word} sees the progress {string}")]
async fn progress(spec: &mut Spec, name: String, expected: String) {
    let progress = spec.seen_by(&name).await.progress.expect("people are asked");
    assert_eq!(progress.words, expected);
}
