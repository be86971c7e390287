//! The steps of `seats.feature`: people come and go, claim, ask and answer.

use super::{PATIENCE, Spec, asked_tokens, discount_world, person};
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Event;
use countersign_core::approval::seat::Seat;
use countersign_core::approval::{Sight, Stage};
use countersign_core::document::SourceFile;
use countersign_core::id::PersonId;
use countersign_core::intent::Day;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::limits::REVIEW_DELAY_MS;
use countersign_server::api::view::TimelineView;
use countersign_tests::world::{root, source_files};
use cucumber::{given, then, when};
use std::collections::BTreeMap;
use std::time::Duration;

/// Looks in vain after which the clock is turned on again.
const LOOKS_A_TURN: u32 = 200;

/// What the scenarios of these features remember: the files after what happened, and what was asked.
#[derive(Debug, Default)]
pub(crate) struct People {
    /// The files that are not the shipped ones, by their paths.
    changed: BTreeMap<String, String>,
    /// Percent and amount that were asked for.
    pub(crate) asked: (u32, u32),
}

impl People {
    /// Changes `people.md` before a host starts.
    pub(crate) fn begin_with(&mut self, change: impl FnOnce(String) -> String) {
        self.change("people.md", change);
    }

    /// Changes a file before a host starts.
    pub(crate) fn change(&mut self, path: &str, change: impl FnOnce(String) -> String) {
        let file = self.files().into_iter().find(|file| file.path == path);
        let text = file.unwrap_or_else(|| panic!("{path} is there")).text;
        self.changed.insert(path.to_owned(), change(text));
    }

    /// The shipped files with what was changed in them.
    pub(crate) fn files(&self) -> Vec<SourceFile> {
        let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
        for file in &mut files {
            if let Some(text) = self.changed.get(&file.path) {
                file.text.clone_from(text);
            }
        }
        files
    }

    /// That the files are not taken, and why.
    pub(crate) fn is_refused(&self, why: &str) {
        let faults = Rulebook::load(&self.files()).expect_err("it is refused");
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|fault| fault.contains(why)), "{said:#?}");
    }

    /// The rules as they are now.
    pub(crate) fn rulebook(&self) -> Rulebook {
        Rulebook::load(&self.files()).unwrap_or_else(|faults| panic!("{faults:#?}"))
    }
}

impl Spec {
    /// Puts a changed `people.md` in force, as a development host does when the file is saved.
    pub(super) fn save_people(&mut self, change: impl FnOnce(String) -> String) {
        self.people.begin_with(change);
        let rulebook = self.people.rulebook();
        let before = self.engine().rulebook();
        assert!(self.engine().replace_rulebook(&before, rulebook), "nobody else changes the rules here");
        self.let_review();
    }

    /// The seat that a route asks for: the latest that lacks a voice, or else the latest that is open.
    async fn seat(&self, route: &str) -> Seat {
        let approval = self.approval().await;
        let Stage::Seated { seats, .. } = &approval.stage else {
            panic!("the intent is {}", approval.stage.as_str())
        };
        let of = (0_u32..).zip(&seats.rows).filter(|(_, row)| row.route.as_str() == route);
        let open: Vec<&Seat> = of.filter_map(|(number, _)| seats.open.get(&number)).collect();
        let lacking = open.iter().rev().find(|seat| !seat.is_filled());
        lacking.or(open.last()).copied().unwrap_or_else(|| panic!("no seat of {route} is open")).clone()
    }

    /// Waits until somebody who is not there has no seat any more, before the clock goes on.
    pub(super) async fn out_of_seats(&self, who: &PersonId) {
        let waiting = async {
            loop {
                let approval = self.approval().await;
                let Stage::Seated { seats, .. } = &approval.stage else { return };
                if !seats.unfilled().any(|(_, seat)| seat.eligible.contains(who)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("they lose their seats");
    }

    /// Waits until a seat is as expected: what follows on a change of people or time comes by itself.
    async fn seat_until(&self, route: &str, expected: impl Fn(&Seat) -> bool) {
        let waiting = async {
            for look in 1_u32.. {
                if expected(&self.seat(route).await) {
                    return;
                }
                // Whoever looks everything up again may have begun to wait after the clock was turned.
                if look.is_multiple_of(LOOKS_A_TURN) {
                    self.clock.turn(Millis(REVIEW_DELAY_MS));
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("the seat of {route} is {:#?}", self.seat(route).await);
        }
    }
}

#[given(expr = "ae-1 asks for a discount of {int} % on {int} at a margin of {int} %")]
async fn asks_below_the_floor(spec: &mut Spec, percent: u32, amount: u32, margin: u32) {
    discount_world(spec, margin);
    spec.people.asked = (percent, amount);
    spec.submit("discount", asked_tokens(percent, amount)).await;
    spec.until("the seats", |event| matches!(event, Event::SeatOpened { .. }), 2).await;
}

#[when(expr = "{word} is away from {word} until {word} and {word} covers")]
async fn is_away(spec: &mut Spec, who: String, from: String, until: String, cover: String) {
    spec.save_people(|text| format!("{}\n| {who} | {from} | {until} | {cover} | all |\n", text.trim_end()));
    if Day::parse(&from).is_some_and(|from| from <= Day::at(spec.engine().now())) {
        spec.out_of_seats(&person(&who)).await;
    }
}

#[when(expr = "everybody of finance and fpna is away on {word}")]
fn all_are_away(spec: &mut Spec, day: String) {
    let away = ["finance-lead", "finance-1", "finance-2", "finance-3", "fpna-lead", "fpna-1", "fpna-2"];
    spec.save_people(|text| {
        let rows = away.map(|who| {
            let cover = if who == "finance-1" { "finance-2" } else { "finance-1" };
            format!("| {who} | {day} | {day} | {cover} | all |\n")
        });
        format!("{}\n{}", text.trim_end(), rows.concat())
    });
}

#[when(expr = "{word} stands by for {word}")]
fn stands_by(spec: &mut Spec, who: String, whom: String) {
    spec.save_people(|text| {
        let row = text.lines().find(|line| line.starts_with("| person sales-manager-2 ")).expect("a standby");
        text.replacen(row, &format!("{row}\n| person {whom} | {who} | |"), 1)
    });
}

#[when(expr = "{word} leaves the house")]
fn leaves(spec: &mut Spec, who: String) {
    spec.save_people(|text| {
        let row = format!("| {who} ");
        let stays = text.lines().filter(|line| !line.starts_with(&row)).collect::<Vec<_>>().join("\n");
        format!("{}\n", stays.replace(&format!(", {who}"), ""))
    });
}

#[when(expr = "the calendar {word} becomes {word}, {word}, {word}")]
fn calendar_becomes(spec: &mut Spec, calendar: String, zone: String, days: String, hours: String) {
    spec.save_people(|text| {
        let begins = format!("| {calendar} ");
        let changed = text.lines().map(|line| match line.strip_prefix(&begins) {
            Some(rest) if rest.contains(':') => format!("| {calendar} | {zone} | {days} | {hours} |"),
            Some(_) | None => line.to_owned(),
        });
        format!("{}\n", changed.collect::<Vec<_>>().join("\n"))
    });
}

#[when(expr = "it becomes {word}")]
async fn becomes(spec: &mut Spec, moment: String) {
    spec.clock.set(Timestamp::from_rfc3339(&moment).expect("a moment"));
    // Every errand that is due at this moment is done before the next step.
    let waiting = async {
        loop {
            let now = spec.engine().now();
            let approval = spec.approval().await;
            if approval.wakes().values().all(|due| now < *due) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the engine does what is due");
}

#[when(expr = "{word} claims revision {int}")]
async fn claims(spec: &mut Spec, name: String, revision: u32) {
    spec.command(Command::Claim { person: person(&name), revision }).await;
}

#[when(expr = "{word} releases revision {int}")]
async fn releases(spec: &mut Spec, name: String, revision: u32) {
    spec.command(Command::Release { person: person(&name), revision }).await;
}

#[when(expr = "{word} asks {string}")]
async fn asks(spec: &mut Spec, name: String, words: String) {
    spec.command(Command::Ask { person: person(&name), revision: 1, words }).await;
}

#[when(expr = "{word} answers {string}")]
async fn answers(spec: &mut Spec, name: String, words: String) {
    spec.command(Command::Answer { person: person(&name), revision: 1, question: None, words }).await;
}

#[when(expr = "{word} answers question {int} with {string}")]
async fn answers_one(spec: &mut Spec, name: String, number: u32, words: String) {
    let question = Some(number);
    spec.command(Command::Answer { person: person(&name), revision: 1, question, words }).await;
}

#[then("nothing is refused")]
fn nothing_refused(spec: &mut Spec) {
    assert_eq!(spec.refused, None);
}

#[then(expr = "{word} may decide for {word}")]
async fn may_decide_for(spec: &mut Spec, name: String, route: String) {
    let name = person(&name);
    spec.seat_until(&route, |seat| seat.eligible.contains(&name)).await;
}

#[then(expr = "{word} may not decide for {word}")]
async fn may_not_decide_for(spec: &mut Spec, name: String, route: String) {
    let name: PersonId = person(&name);
    spec.seat_until(&route, |seat| !seat.eligible.contains(&name)).await;
}

#[then(expr = "{word} is open for nobody")]
async fn nobody_may(spec: &mut Spec, route: String) {
    spec.seat_until(&route, |seat| seat.eligible.is_empty()).await;
}

#[then(expr = "{word} has {int} of {int} voices")]
async fn has_voices(spec: &mut Spec, route: String, given: usize, need: u32) {
    spec.seat_until(&route, |seat| (seat.approved.len(), seat.need) == (given, need)).await;
}

#[then(expr = "{word} answers through {word}")]
async fn answers_through(spec: &mut Spec, route: String, name: String) {
    let name = person(&name);
    spec.seat_until(&route, |seat| *seat.answerable() == name).await;
}

#[then(expr = "{word} is due at {word}")]
async fn is_due_at(spec: &mut Spec, route: String, moment: String) {
    let seat = spec.seat(&route).await;
    assert_eq!(seat.due, Timestamp::from_rfc3339(&moment).expect("a moment"), "{}", seat.due);
}

#[then(expr = "{word} waits for an answer")]
async fn waits(spec: &mut Spec, route: String) {
    let approval = spec.approval().await;
    let Stage::Seated { seats, .. } = &approval.stage else {
        panic!("the intent is {}", approval.stage.as_str())
    };
    let row = (0_u32..).zip(&seats.rows).find(|(_, row)| row.route.as_str() == route);
    let (row, _) = row.expect("the route has a row");
    assert!(seats.awaited(row).is_some());
}

#[then("no exception is open")]
async fn none_open(spec: &mut Spec) {
    let waiting = async {
        while spec.approval().await.exceptions.values().any(|exception| exception.closed.is_none()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("every exception is closed");
}

#[then("nothing wakes the engine")]
async fn nothing_wakes(spec: &mut Spec) {
    assert_eq!(spec.approval().await.wakes(), std::collections::BTreeMap::new());
}

#[then(expr = "the story says {string}")]
async fn story_says(spec: &mut Spec, words: String) {
    let intent = spec.intent.expect("something was submitted");
    let entries = spec.engine().entries(intent).await.expect("the intent is there");
    let story = TimelineView::of(&entries, &Sight::Whole).entries;
    let told: Vec<String> = story.into_iter().map(|entry| entry.words).collect();
    assert!(told.iter().any(|line| line.contains(&words)), "{told:#?}");
}

#[then("the story of the decision reads")]
async fn story_reads(spec: &mut Spec, step: &cucumber::gherkin::Step) {
    let intent = spec.intent.expect("something was submitted");
    let entries = spec.engine().entries(intent).await.expect("the intent is there");
    let story = TimelineView::of(&entries, &Sight::Whole).entries;
    // What follows on the decision is on its way by now, or not yet.
    let decided = story.iter().filter(|entry| entry.effect.is_none());
    let told: Vec<String> = decided.map(|entry| format!("{} {}", entry.at, entry.words)).collect();
    let expected = step.docstring.as_deref().unwrap_or_default().trim();
    assert_eq!(told.join("\n"), expected);
}
