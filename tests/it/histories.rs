//! Random lives of approvals under people who come, go and race, and clocks that jump. After every step
//! everything that is open has one owner who is there and a next moment at which it is looked after;
//! nothing fires early, nothing is lost, and nobody decides who may not.
//!
//! `HISTORIES=10000` runs so many; a history is reproduced by its seed alone: `HISTORY=17`.

#[path = "histories/notices.rs"]
mod notices;

use countersign_core::approval::command::{Command, Hope, Prepared, Voice};
use countersign_core::approval::event::{Actor, Entry, Event};
use countersign_core::approval::life::{self, Context};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::seat::{Reply, Seat, Seats};
use countersign_core::approval::wake::Wake;
use countersign_core::approval::{Approval, Authority, Outcome, Stage};
use countersign_core::effect::attempt::Detail;
use countersign_core::exception::{Cause, Closure};
use countersign_core::id::{FieldName, IntentId, IntentTypeName, PersonId};
use countersign_core::intent::Raw;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::clock::Chance as _;
use countersign_engine::simulated::SeededChance;
use countersign_tests::world::{root, source_files};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A Monday morning in New York.
const MORNING: &str = "2026-11-23T15:00:00Z";
/// Directories that a history wanders through.
const DIRECTORIES: usize = 24;
/// Steps of one history.
const STEPS: u32 = 40;
/// Wake-ups that one moment may cause: more is an engine that turns on the spot.
const WAKES_MAX: u32 = 200;

/// Everybody who tries something, with or without a right to.
const PEOPLE: [&str; 20] = [
    "ae-1",
    "ae-2",
    "sales-manager-1",
    "director-1",
    "director-2",
    "director-3",
    "vp-sales-1",
    "vp-sales-2",
    "finance-lead",
    "finance-1",
    "finance-2",
    "finance-3",
    "fpna-lead",
    "fpna-1",
    "deal-desk-lead",
    "deal-desk-1",
    "deal-desk-2",
    "fpna-2",
    "cro",
    "revops-lead",
];

struct Draw(SeededChance);

impl Draw {
    fn below(&self, end: u64) -> u64 {
        u64::try_from(self.0.bits() % u128::from(end.max(1))).expect("it is below a u64")
    }

    fn of<'a, T>(&self, items: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(items.len() as u64)).expect("an index");
        &items[index]
    }

    fn in_100(&self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

fn person(name: &str) -> PersonId {
    PersonId::parse(name).expect("a person")
}

fn day(offset: u64) -> String {
    let days = 23 + offset;
    if days <= 30 { format!("2026-11-{days:02}") } else { format!("2026-12-{:02}", days - 30) }
}

/// The shipped rules with other absences, leavers and quorums. Not every draw checks: whoever made such
/// a file would be refused, so it is drawn again.
fn rulebook(draw: &Draw) -> Rulebook {
    loop {
        let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
        for file in &mut files {
            match file.path.as_str() {
                "people.md" => file.text = people(draw, &file.text),
                "policies/discount.policy.md" => file.text = quorums(draw, &file.text),
                _ => {}
            }
        }
        if let Ok(rulebook) = Rulebook::load(&files) {
            return rulebook;
        }
    }
}

fn people(draw: &Draw, text: &str) -> String {
    let mut text = text.trim_end().to_owned();
    for _ in 0..draw.below(3) {
        let who = draw.of(&["finance-3", "fpna-2", "director-3", "deal-desk-2"]);
        let row = format!("| {who} ");
        let stays = text.lines().filter(|line| !line.starts_with(&row)).collect::<Vec<_>>().join("\n");
        text = stays.replace(&format!(", {who}"), "");
    }
    text.push('\n');
    text = notices::with_contacts(&text);
    if draw.in_100(40) {
        // A whole house is away: everybody who could fill a seat, some days, each covered by the next.
        let (from, long) = (draw.below(8), draw.below(3));
        let away: Vec<&str> = PEOPLE.into_iter().filter(|who| !who.starts_with("ae")).collect();
        for (who, cover) in away.iter().zip(away.iter().cycle().skip(1)) {
            let row = format!("| {who} | {} | {} | {cover} | all |", day(from), day(from + long));
            writeln!(text, "{row}").expect("a text takes every line");
        }
    }
    for _ in 0..draw.below(30) {
        let from = draw.below(12);
        let until = from + draw.below(5);
        let (who, cover) = (draw.of(&PEOPLE), draw.of(&PEOPLE));
        let of = draw.of(&["all", "discount", "refund"]);
        let row = format!("| {who} | {} | {} | {cover} | {of} |", day(from), day(until));
        writeln!(text, "{row}").expect("a text takes every line");
    }
    text
}

fn quorums(draw: &Draw, text: &str) -> String {
    let need = draw.of(&["| 2    |", "| 1    |", "| all  |", "| 50%  |", "| 75%  |"]);
    text.replace("pool finance         | 2    |", &format!("pool finance         {need}"))
}

fn text(value: &str) -> Raw {
    Raw::Text(value.to_owned())
}

fn map(members: Vec<(&str, Raw)>) -> Raw {
    Raw::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn money(amount: u64) -> Raw {
    map(vec![("amount", text(&format!("{amount}.00"))), ("currency", text("USD"))])
}

fn tokens(draw: &Draw) -> Raw {
    map(vec![
        ("quote_id", text(draw.of::<&str>(&["Q-1", "Q-1", "Q-1", "Q-1", "Q-2"]))),
        ("customer_id", text("A-1")),
        ("discount_percent", text(&format!("{}%", draw.of(&[5, 12, 12, 12, 30, 44])))),
        ("amount", money(*draw.of(&[4_000, 20_000, 20_000, 20_000, 300_000]))),
        ("term_months", Raw::Integer(18)),
        ("payment_days", Raw::Integer(*draw.of(&[30, 30, 50, 70]))),
        ("reason", text(draw.of::<&str>(&["competitor", "volume"]))),
    ])
}

/// One history: an approval, what the log holds of it, and the moment.
struct History<'a> {
    seed: u64,
    draw: Draw,
    books: &'a [Rulebook],
    book: &'a Rulebook,
    now: Timestamp,
    /// The latest moment so far: behind it the clock has been set back.
    latest: Timestamp,
    approval: Approval,
    entries: Vec<Entry>,
    story: Vec<String>,
    /// What got through.
    sent: BTreeSet<u32>,
}

impl<'a> History<'a> {
    fn begin(seed: u64, books: &'a [Rulebook]) -> History<'a> {
        let draw = Draw(SeededChance::new(seed));
        let book = draw.of(books);
        let now =
            Timestamp::from_rfc3339(MORNING).expect("a moment").plus(Millis::minutes(draw.below(10_000)));
        let tokens = tokens(&draw);
        let requester = draw.of(&["ae-1", "ae-2", "sales-manager-1", "finance-1", "director-1"]);
        let context = Context { rulebook: book, now, chance: draw.0.bits(), own_open: None };
        let id = IntentId::from_bits(u128::from(seed) + 1);
        let turn = life::submit(context, id, requester, "discount", &tokens).expect("it passes the door");
        let (entries, approval) = turn.into_parts();
        let story = vec![format!("{now}: {requester} asks for a discount")];
        let sent = BTreeSet::new();
        History { seed, draw, books, book, now, latest: now, approval, entries, story, sent }
    }

    fn facts(&self) -> Prepared {
        let name = IntentTypeName::parse("discount").expect("a name");
        let facts = map(vec![
            ("segment", text(self.draw.of::<&str>(&["smb", "smb", "smb", "ent"]))),
            ("margin", text(&format!("{}%", self.draw.of(&[14, 14, 14, 30])))),
            ("renewal", Raw::Bool(false)),
        ]);
        let schema = self.book.intent_type(&name).expect("the type is there");
        Prepared { facts: schema.validate_facts(&facts).expect("they fit"), ..Prepared::default() }
    }

    fn context(&self) -> Context<'a> {
        Context { rulebook: self.book, now: self.now, chance: self.draw.0.bits(), own_open: None }
    }

    fn fail(&self, what: &str) -> ! {
        panic!("history {}: {what}\n{}\n{:#?}", self.seed, self.story.join("\n"), self.approval)
    }

    /// Gives one command, as the engine does: what is refused changes nothing.
    fn give(&mut self, who: &str, command: Command) -> Result<(), Refusal> {
        let told = format!("{}: {who}: {command:?}", self.now);
        let before = self.approval.clone();
        let turn = life::decide(&before, command, self.context());
        let turn = match turn {
            Ok(turn) => turn,
            Err(refusal) => {
                self.story.push(format!("{told} -> {refusal}"));
                return Err(refusal);
            }
        };
        let (new, after) = turn.into_parts();
        let events: Vec<&str> = new.iter().map(|entry| entry.event.as_str()).collect();
        self.story.push(format!("{told} -> {}", events.join(", ")));
        for entry in &new {
            self.on_time(&before, entry);
            self.by_right(&before, entry);
            self.carried(&before, entry);
        }
        self.only_voices_fill(&before, &after, &new);
        self.no_quorum_shrinks_by_amendment(&before, &after, &new);
        self.entries.extend(new);
        self.approval = after;
        Ok(())
    }

    /// A seat that lacked a voice before an amendment lacks one after it.
    fn no_quorum_shrinks_by_amendment(&self, before: &Approval, after: &Approval, new: &[Entry]) {
        let (Some(earlier), Stage::Seated { seats, .. }) = (&before.earlier, &after.stage) else { return };
        for entry in new {
            let Event::Carried { row, .. } = &entry.event else { continue };
            let wanted = &seats.rows[usize::try_from(*row).expect("an index")];
            let was = (0_u32..).zip(&earlier.seats.rows).find(|(_, other)| *other == wanted);
            let was = was.and_then(|(row, _)| earlier.seats.open.get(&row)).expect("its voices were there");
            if !was.is_filled() && seats.open[row].is_filled() {
                self.fail("an amendment filled a seat that lacked a voice");
            }
        }
    }

    /// A seat is filled by a voice and by nothing else: a quorum that shrinks is no pass.
    fn only_voices_fill(&self, before: &Approval, after: &Approval, new: &[Entry]) {
        let (Stage::Seated { seats: before, .. }, Stage::Seated { seats: after, .. }) =
            (&before.stage, &after.stage)
        else {
            return;
        };
        let voiced = |row: u32| {
            new.iter().any(|entry| matches!(&entry.event, Event::Voted { rows, .. } if rows.contains(&row)))
        };
        for (row, _) in before.unfilled() {
            if after.open.get(&row).is_some_and(Seat::is_filled) && !voiced(row) {
                self.fail("a seat was filled without a voice");
            }
        }
    }

    /// A timer acts at its time or after it, never before, and never while the requester is asked.
    fn on_time(&self, before: &Approval, entry: &Entry) {
        let Stage::Seated { seats, .. } = &before.stage else { return };
        match (&entry.by, &entry.event) {
            (Actor::Timer, Event::Declined { .. }) => {
                let due =
                    seats.unfilled().any(|(row, seat)| seat.due <= self.now && seats.awaited(row).is_none());
                // An answer that did not come can end in the same turn as the seat.
                let asked = seats.questions.iter().any(
                    |question| matches!(question.reply, Reply::Awaited { until, .. } if until <= self.now),
                );
                if !due && !asked {
                    self.fail("it was declined before its time");
                }
            }
            (Actor::Timer, Event::Released { row, person, expired: true }) => {
                let claims = seats.open.get(row).map(|seat| seat.claims.as_slice()).unwrap_or_default();
                if !claims.iter().any(|claim| claim.by == *person && claim.until <= self.now) {
                    self.fail("a claim ended before its time");
                }
            }
            (_, Event::Unanswered { question, .. }) => {
                let index = usize::try_from(*question).expect("an index") - 1;
                let reply = &seats.questions[index].reply;
                if !matches!(reply, Reply::Awaited { until, .. } if *until <= self.now) {
                    self.fail("a question ended before its time");
                }
            }
            _ => {}
        }
    }

    /// Whoever decides is there, did not ask for it, and has no voice in it yet.
    fn by_right(&self, before: &Approval, entry: &Entry) {
        let (Event::Voted { person, .. }
        | Event::Claimed { claim: countersign_core::approval::seat::Claim { by: person, .. }, .. }
        | Event::Asked { person, .. }) = &entry.event
        else {
            return;
        };
        let Stage::Seated { seats, .. } = &before.stage else { self.fail("nobody was asked") };
        let intent_type = &before.intent.intent_type;
        let directory = self.book.directory();
        let there = directory.knows(person) && directory.absence(person, intent_type, self.now).is_none();
        if !there || before.intent.requester == *person || seats.voices().any(|voice| voice == person) {
            self.fail("somebody acted in a seat who may not");
        }
    }

    /// A voice holds for the next revision only if it was given, and only for the same record and stake.
    fn carried(&self, before: &Approval, entry: &Entry) {
        let Event::Carried { people, revision, .. } = &entry.event else { return };
        let Some(earlier) = &before.earlier else { self.fail("voices came from nowhere") };
        let given: BTreeSet<&PersonId> = earlier.seats.voices().collect();
        let fixed = ["quote_id", "customer_id", "amount"].map(|name| FieldName::parse(name).expect("a name"));
        let same = fixed.iter().all(|name| earlier.intent.tokens.get(name) == before.intent.tokens.get(name));
        if !same
            || *revision != earlier.intent.revision
            || !people.iter().all(|person| given.contains(person))
        {
            self.fail("a voice was carried to something that it was not given for");
        }
    }

    /// Does everything that is due, as the schedule does.
    fn fire(&mut self) {
        self.latest = self.latest.max(self.now);
        for _ in 0..WAKES_MAX {
            let due = self.approval.wakes().into_iter().find(|(_, due)| *due <= self.now);
            let Some((wake, _)) = due else { return };
            let command = match &wake {
                Wake::Prepare if self.draw.in_100(10) => {
                    let detail = Detail::new("scripted", "the crm does not answer");
                    Command::Postpone {
                        revision: self.approval.intent.revision,
                        detail,
                        wish: None,
                        hope: Hope::Some,
                    }
                }
                Wake::Prepare => {
                    // Sometimes what was read for the revision before comes late: it must not count.
                    let revision = self.approval.intent.revision;
                    let stale = Command::Prepare { revision: revision - 1, prepared: Box::new(self.facts()) };
                    if self.give("engine", stale).is_ok() {
                        self.fail("what was planned for another revision was taken");
                    }
                    Command::Prepare { revision, prepared: Box::new(self.facts()) }
                }
                Wake::Seat(row) => Command::SeatDue { row: *row },
                Wake::Exception(id) => Command::ExceptionDue { id: *id },
                Wake::Returned => Command::ReturnDue,
                Wake::Notice(number) => self.send(*number),
                Wake::Effect(_) => self.fail("nothing is written in these histories"),
            };
            if let Err(refusal) = self.give("timer", command) {
                self.fail(&format!("the engine was refused: {refusal}"));
            }
        }
        self.fail("the engine turns on the spot");
    }

    /// Mostly somebody who may decide, sometimes anybody.
    fn somebody(&self) -> String {
        let eligible: Vec<&PersonId> = match &self.approval.stage {
            Stage::Seated { seats, .. } => seats.unfilled().flat_map(|(_, seat)| &seat.eligible).collect(),
            _ => Vec::new(),
        };
        if eligible.is_empty() || self.draw.in_100(30) {
            return (*self.draw.of(&PEOPLE)).to_owned();
        }
        self.draw.of(&eligible).to_string()
    }

    fn step(&mut self) {
        let who = self.somebody();
        let who = who.as_str();
        let person = person(who);
        let revision = self.approval.intent.revision + u32::from(self.draw.in_100(3));
        match self.draw.below(100) {
            0..22 => self.now = self.now.plus(Millis::minutes(self.draw.below(3_000))),
            22..25 => {
                self.now =
                    Timestamp(self.now.0 - 60_000 * i64::try_from(self.draw.below(3_000)).expect("it fits"))
            }
            25..27 => self.now = self.now.plus(Millis::hours(24 * 400)),
            27..37 => {
                self.book = self.draw.of(self.books);
                self.story.push(format!("{}: the directory changes", self.now));
                let _ = self.give("engine", Command::Review);
            }
            37..62 => {
                let voice = Voice::Approve { note: String::new() };
                let _ = self.give(who, Command::Decide { person, revision, seal: None, voice });
            }
            62..65 => {
                let words = "less of it".to_owned();
                let _ = self.give(who, Command::SendBack { person, revision, words });
            }
            65..70 => {
                let person = self.approval.intent.requester.clone();
                let tokens = tokens(&self.draw);
                let _ = self.give(who, Command::Amend { person, revision, tokens });
            }
            70..71 => {
                let voice = Voice::Decline { reason: "too much".to_owned() };
                let _ = self.give(who, Command::Decide { person, revision, seal: None, voice });
            }
            71..78 => drop(self.give(who, Command::Claim { person, revision })),
            78..82 => drop(self.give(who, Command::Release { person, revision })),
            82..88 => drop(self.give(who, Command::Ask { person, revision, words: "why?".to_owned() })),
            88..94 => {
                let person = self.approval.intent.requester.clone();
                let words = "because".to_owned();
                let _ = self.give(who, Command::Answer { person, revision, question: None, words });
            }
            94..95 => {
                let person = self.approval.intent.requester.clone();
                let _ = self.give(who, Command::Withdraw { person, revision });
            }
            _ => {
                let open = self.approval.exceptions.iter().find(|(_, exception)| exception.closed.is_none());
                let Some((id, owner)) = open.map(|(id, exception)| (*id, exception.owner.clone())) else {
                    return;
                };
                let (by, reason) = (Closure::Retry, "looked at it".to_owned());
                let _ = self
                    .give(owner.as_str(), Command::CloseException { person: owner.clone(), id, by, reason });
            }
        }
    }

    /// What must hold whenever nothing is due.
    fn check(&self) {
        self.check_notices();
        let wakes = self.approval.wakes();
        let open: Vec<_> = self.approval.exceptions.values().filter(|found| found.closed.is_none()).collect();
        match &self.approval.stage {
            Stage::Closed(outcome) => {
                let unsent = wakes.iter().all(|(wake, _)| matches!(wake, Wake::Notice(_)));
                if !unsent || !open.is_empty() {
                    self.fail("something is open though all is over");
                }
                if wakes.values().any(|due| *due <= self.now) {
                    self.fail("somebody is not told how it ended");
                }
                if let Outcome::Done { authority: Authority::People(people), .. } = outcome {
                    let distinct: BTreeSet<&PersonId> = people.iter().collect();
                    if distinct.len() != people.len() || distinct.contains(&self.approval.intent.requester) {
                        self.fail("it was approved by somebody twice, or by the requester");
                    }
                }
                return;
            }
            Stage::Seated { seats, .. } => self.check_seats(seats),
            Stage::Preparing { .. } | Stage::Returned { .. } | Stage::Executing { .. } => {}
            Stage::Unsettled { .. } => {
                if open.is_empty() {
                    self.fail("it waits for nobody");
                }
            }
        }
        if wakes.is_empty() {
            self.fail("nothing will ever wake it");
        }
        if let Some((wake, due)) = wakes.iter().find(|(_, due)| **due <= self.now) {
            self.fail(&format!("{wake} was due at {due} and is not looked after"));
        }
        for exception in open {
            if !self.book.directory().knows(&exception.owner) {
                self.fail("an exception belongs to somebody who left");
            }
        }
    }

    fn check_seats(&self, seats: &Seats) {
        let mut exceptions = self.approval.exceptions.values().filter(|found| found.closed.is_none());
        let no_seat = exceptions.any(|found| found.cause == Cause::NoSeat);
        if seats.unfilled().next().is_none() && !no_seat {
            self.fail("no seat is open and nobody looks for people");
        }
        for (row, seat) in seats.unfilled() {
            self.check_seat(seats, row, seat, no_seat);
        }
    }

    fn check_seat(&self, seats: &Seats, row: u32, seat: &Seat, no_seat: bool) {
        let directory = self.book.directory();
        let intent = &self.approval.intent;
        if seat.eligible.is_empty() {
            if !no_seat {
                self.fail("a seat is open for nobody, and nobody looks for people");
            }
            return;
        }
        if !seat.eligible.contains(seat.answerable()) {
            self.fail("a seat belongs to somebody who may not fill it");
        }
        if seat.lacking() < seat.claims.len() {
            self.fail("more is claimed than is missing");
        }
        let open =
            seat.eligible.iter().filter(|person| !seats.voices().any(|voice| voice == *person)).count();
        if open < seat.lacking() {
            self.fail("a seat lacks more voices than people can give");
        }
        for person in &seat.eligible {
            // Under a clock that was set back it is looked up at the next decision, and not before.
            let away = directory.absence(person, &intent.intent_type, self.now).is_some();
            let there =
                directory.knows(person) && !(away && self.latest <= self.now) && *person != intent.requester;
            // A voice of this seat stays, wherever its person is now.
            if !there && !seat.approved.contains(person) {
                self.fail(&format!("{person} may fill a seat and is not there"));
            }
        }
        if let Some((_, question)) = seats.awaited(row)
            && seats
                .questions
                .iter()
                .filter(|other| other.row == row)
                .filter(|other| matches!(other.reply, Reply::Awaited { .. }))
                .count()
                > 1
        {
            self.fail(&format!("{} asked while another question was open", question.by));
        }
    }

    /// The log alone gives the same approval.
    fn replay(&self) {
        let mut approval = None;
        for entry in &self.entries {
            let bytes = entry.to_bytes().expect("it has a canonical form");
            let read: Entry = serde_json::from_slice(&bytes).expect("it reads back");
            approval =
                Some(life::after(approval, &read).unwrap_or_else(|fault| self.fail(&fault.to_string())));
        }
        if approval.as_ref() != Some(&self.approval) {
            self.fail("the log gives another approval");
        }
    }
}

/// What became of all histories, so that none of it can be trivial.
#[derive(Debug, Default)]
struct Tally {
    done: u32,
    declined: u32,
    withdrawn: u32,
    open: u32,
    moved: usize,
    backups: usize,
    claims: usize,
    answers: usize,
    rounds: usize,
    carried: usize,
    no_seat: usize,
    told: usize,
    given_up: usize,
    moot: usize,
}

fn run(seed: u64, books: &[Rulebook], tally: &mut Tally) {
    let mut history = History::begin(seed, books);
    history.fire();
    history.check();
    for _ in 0..STEPS {
        history.step();
        history.fire();
        history.check();
    }
    history.replay();
    let count = |kind: fn(&Event) -> bool| history.entries.iter().filter(|entry| kind(&entry.event)).count();
    tally.moved += count(|event| matches!(event, Event::SeatMoved { .. }));
    tally.backups += count(|event| matches!(event, Event::SeatOpened { seat, .. } if seat.missed > 0));
    tally.claims += count(|event| matches!(event, Event::Claimed { .. }));
    tally.answers += count(|event| matches!(event, Event::Answered { .. }));
    tally.rounds += count(|event| matches!(event, Event::SentBack { .. }));
    tally.carried += count(|event| matches!(event, Event::Carried { .. }));
    tally.no_seat += count(
        |event| matches!(event, Event::ExceptionOpened { exception, .. } if exception.cause == Cause::NoSeat),
    );
    tally.told += history.sent.len();
    tally.given_up += count(|event| matches!(event, Event::NotTold { due: None, .. }));
    tally.moot += count(|event| matches!(event, Event::NoticesMoot { .. }));
    match &history.approval.stage {
        Stage::Closed(Outcome::Done { .. }) => tally.done += 1,
        Stage::Closed(Outcome::Declined { .. }) => tally.declined += 1,
        Stage::Closed(Outcome::Withdrawn { .. }) => tally.withdrawn += 1,
        _ => tally.open += 1,
    }
}

fn wanted(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[test]
fn nothing_that_is_open_is_ever_left_to_nobody() {
    let draw = Draw(SeededChance::new(1));
    let books: Vec<Rulebook> = (0..DIRECTORIES).map(|_| rulebook(&draw)).collect();
    let mut tally = Tally::default();
    if let Some(seed) = wanted("HISTORY") {
        return run(seed, &books, &mut tally);
    }
    let histories = wanted("HISTORIES").unwrap_or(500);
    for seed in 0..histories {
        run(seed, &books, &mut tally);
    }
    println!("{histories} histories of {STEPS} steps: {tally:?}");
    let Tally {
        done,
        declined,
        withdrawn,
        open,
        moved,
        backups,
        claims,
        answers,
        rounds,
        carried,
        no_seat,
        ..
    } = tally;
    let all = [done, declined, withdrawn, open].into_iter().all(|count| count > 0);
    assert!(
        all && [moved, backups, claims, answers, rounds, carried, no_seat].into_iter().all(|count| count > 0)
    );
    assert!([tally.told, tally.given_up, tally.moot].into_iter().all(|count| count > 0));
}
