//! What people are told in random lives: nothing is lost or told twice, nobody hears of what is over, and
//! whoever can decide or answers for something was told.

use super::History;
use countersign_core::approval::command::{Command, Hope};
use countersign_core::approval::event::{Actor, Event};
use countersign_core::approval::seat::Seats;
use countersign_core::approval::{Outcome, Stage};
use countersign_core::effect::attempt::Detail;
use countersign_core::id::PersonId;
use countersign_core::notice::{About, Notice, is_moot, words};
use countersign_core::time::Millis;

/// Who can be told; everybody else looks for themselves.
const REACHED: [&str; 12] = [
    "ae-1",
    "sales-manager-1",
    "director-1",
    "director-3",
    "vp-sales-1",
    "finance-lead",
    "finance-1",
    "finance-3",
    "fpna-1",
    "deal-desk-1",
    "revops-lead",
    "cro-chief-of-staff",
];

/// `people.md` with contacts, for those of them that are still in it.
pub(super) fn with_contacts(text: &str) -> String {
    let there = |who: &&&str| text.contains(&format!("\n| {who} "));
    let mut rows = String::from("## Contacts\n\n| person | by | address |\n|---|---|---|\n");
    for who in REACHED.iter().filter(there) {
        rows.push_str(&format!("| {who} | mail | {who}@example.com |\n"));
    }
    rows.push_str("| fpna-1 | webhook | chat |\n\n## Pools");
    text.replacen("## Pools", &rows, 1)
}

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Told,
    GivenUp,
    Moot,
}

impl History<'_> {
    /// Delivers a notice, or fails to.
    pub(super) fn send(&mut self, number: u32) -> Command {
        let Some(message) = words::message(&self.approval, number, &self.book, words::Reached::default())
        else {
            self.fail(&format!("notice {number} is to be sent and has no words"))
        };
        let lines = message.text.lines().chain([message.subject.as_str()]);
        if message.subject.is_empty() || lines.clone().any(|line| line.chars().any(char::is_control)) {
            self.fail(&format!("a message has no plain lines: {message:?}"));
        }
        let detail = Detail::new("scripted", "as chance has it");
        // In every third life the mail server is ill, so that much is over before it is told.
        let through = if self.seed.is_multiple_of(3) { 10 } else { 70 };
        match self.draw.below(100) {
            drawn if drawn < through => {
                if !self.sent.insert(number) {
                    self.fail(&format!("notice {number} was told twice"));
                }
                Command::Told { notice: number, detail }
            }
            70..96 => {
                let wish = self.draw.in_100(20).then(|| Millis::hours(self.draw.below(100)));
                Command::NotTold { notice: number, detail, wish, hope: Hope::Some }
            }
            _ => Command::NotTold { notice: number, detail, wish: None, hope: Hope::None },
        }
    }

    pub(super) fn check_notices(&self) {
        let all = self.notices();
        for (number, (notice, fate)) in (1_u32..).zip(&all) {
            let open = self.approval.notices.open.get(&number);
            if (*fate == Fate::Open) != open.is_some() {
                self.fail(&format!("notice {number} is {fate:?} in the log and otherwise in the state"));
            }
            if (*fate == Fate::Told) != self.sent.contains(&number) {
                self.fail(&format!("notice {number} is {fate:?}, which is not what was sent"));
            }
            if open.is_some() && is_moot(&self.approval, notice) {
                self.fail(&format!("notice {number} is to be sent and nobody needs it"));
            }
        }
        match &self.approval.stage {
            Stage::Seated { seats, .. } => self.deciders_know(seats),
            Stage::Closed(Outcome::Done { .. }) => self.requester_knows(&About::Done),
            Stage::Closed(Outcome::Declined { .. }) => self.requester_knows(&About::Declined),
            Stage::Returned { by, .. } if *by != self.approval.intent.requester => {
                self.requester_knows(&About::SentBack);
            }
            _ => {}
        }
        for (id, exception) in self.approval.exceptions.iter().filter(|(_, found)| found.closed.is_none()) {
            let about = |about: &About| matches!(about, About::Exception { id: other, .. } if other == id);
            if self.is_reached(&exception.owner) && !self.was_told(&exception.owner, 0, about) {
                self.fail(&format!("{} answers for {id} and does not know", exception.owner));
            }
        }
    }

    /// Whoever can decide was told so since people were asked about this revision.
    fn deciders_know(&self, seats: &Seats) {
        let asked = self.entries.iter().rposition(|entry| matches!(entry.event, Event::Seated { .. }));
        let since = asked.unwrap_or(0);
        for (row, seat) in seats.unfilled() {
            for person in seat.eligible.iter().filter(|person| seat.is_free_for(person)) {
                let about = |about: &About| match about {
                    About::Seat { rows, .. } => rows.contains(&row),
                    About::Free { row: own, .. } => *own == row,
                    _ => false,
                };
                let voiced = seats.voices().any(|voice| voice == person);
                if !voiced && self.is_reached(person) && !self.was_told(person, since, about) {
                    self.fail(&format!("{person} can decide in row {row} and does not know"));
                }
            }
        }
    }

    fn requester_knows(&self, what: &About) {
        let requester = &self.approval.intent.requester;
        // A directory of the moment may not have had them.
        let told = self.was_told(requester, 0, |about| about == what);
        let ended = self.entries.iter().rev().find(|entry| {
            matches!(entry.event, Event::Closed | Event::Declined { .. } | Event::SentBack { .. })
        });
        let own = ended.is_some_and(|entry| entry.by == Actor::Person(requester.clone()));
        if self.is_reached(requester) && !told && !own {
            self.fail(&format!("{requester} does not know: {}", what.as_str()));
        }
    }

    /// People who leave take their contact with them, so only those are looked at who never did.
    pub(super) fn is_reached(&self, person: &PersonId) -> bool {
        let leavers = ["finance-3", "director-3"];
        REACHED.contains(&person.as_str())
            && !leavers.contains(&person.as_str())
            && !self.left.contains(person)
    }

    /// Whether a notice of this kind was recorded from an entry on, and was not dropped.
    fn was_told(&self, person: &PersonId, since: usize, about: impl Fn(&About) -> bool) -> bool {
        let before = |event: &Event| match event {
            Event::Noticed { notices } => notices.len(),
            _ => 0,
        };
        let first: usize = self.entries[..since].iter().map(|entry| before(&entry.event)).sum();
        let since = self.notices().into_iter().skip(first);
        since
            .filter(|(notice, fate)| notice.to == *person && *fate != Fate::Moot)
            .any(|(notice, _)| about(&notice.about))
    }

    /// Every notice of the log in the order of their numbers, and what became of it.
    fn notices(&self) -> Vec<(Notice, Fate)> {
        let mut all: Vec<(Notice, Fate)> = Vec::new();
        for entry in &self.entries {
            let (numbers, fate) = match &entry.event {
                Event::Noticed { notices } => {
                    for notice in notices {
                        if entry.by != Actor::Engine {
                            self.fail("somebody else than the engine tells people");
                        }
                        all.push((notice.clone(), Fate::Open));
                    }
                    continue;
                }
                Event::Told { notice, .. } => (vec![*notice], Fate::Told),
                Event::NotTold { notice, due: None, .. } => (vec![*notice], Fate::GivenUp),
                Event::NoticesMoot { notices } => (notices.clone(), Fate::Moot),
                _ => continue,
            };
            for number in numbers {
                let place = usize::try_from(number).expect("an index") - 1;
                if all[place].1 != Fate::Open {
                    self.fail(&format!("notice {number} ended twice"));
                }
                all[place].1 = fate;
            }
        }
        all
    }
}
