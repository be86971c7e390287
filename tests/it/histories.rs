//! Random lives of approvals under people who come, go and race, and clocks that jump. After every step
//! everything that is open has one owner who is there and a next moment at which it is looked after;
//! nothing fires early, nothing is lost, and nobody decides who may not.
//!
//! `HISTORIES=10000` runs so many; a history is reproduced by its seed alone: `HISTORY=17`.

#[path = "histories/budget.rs"]
mod budget;
#[path = "histories/check.rs"]
mod check;
#[path = "histories/clocks.rs"]
mod clocks;
#[path = "histories/notices.rs"]
mod notices;
#[path = "histories/people.rs"]
mod people;
#[path = "histories/tally.rs"]
mod tally;

use countersign_core::approval::command::{Command, Hope, Prepared, Voice};
use countersign_core::approval::event::{Entry, Event};
use countersign_core::approval::life::{self, Context};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::seat::Order;
use countersign_core::approval::wake::Wake;
use countersign_core::approval::{Approval, Stage};
use countersign_core::break_glass::BREAK_GLASS;
use countersign_core::budget::Spending;
use countersign_core::effect::attempt::Detail;
use countersign_core::exception::Closure;
use countersign_core::id::{IntentId, IntentTypeName, PersonId};
use countersign_core::intent::Raw;
use countersign_core::override_::{Evidence, Habit, Instead, Override, Piece};
use countersign_core::people::register::Register;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::clock::Chance as _;
use countersign_tests::draw::{Draw, wanted};
use countersign_tests::evidence;
use countersign_tests::measured::compare;
use countersign_tests::world::{root, source_files, weighed};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use tally::Tally;

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

/// Whether a voice was given in somebody's place.
fn is_in_place(before: &Approval, entry: &Entry) -> bool {
    let (Stage::Seated { seats, .. }, Event::Voted { person, rows, .. }) = (&before.stage, &entry.event)
    else {
        return false;
    };
    rows.iter().filter_map(|row| seats.open.get(row)).any(|seat| seat.standing_in.contains_key(person))
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
                "intents/discount.intent.md" => {
                    let row = "| break glass | pool cro-office for 4h |\n| rounds ";
                    file.text = file.text.replacen("| rounds ", row, 1);
                }
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
    if draw.in_100(50) {
        text = weighed(&text, "finance", "finance-lead 2, finance-1 3");
    }
    text = notices::with_contacts(&text);
    if draw.in_100(50) {
        // A turn ends in the middle of many a life.
        let (first, days) = (day(draw.below(3)), 1 + draw.below(4));
        let order = draw.of(&["pricing-lead, pricing-1", "pricing-1, pricing-lead"]);
        let turns = format!(
            "## Rotations\n\n| pool | from | days | order |\n|---|---|---|---|\n\
             | pricing | {first} | {days} | {order} |\n\
             | revenue-operations | {first} | {days} | revops-1, revops-lead |\n\n## Roles"
        );
        text = text.replacen("## Roles", &turns, 1);
    }
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
    let need = draw.of(&[
        "| 2    |",
        "| 1    |",
        "| all  |",
        "| 50%  |",
        "| 75%  |",
        "| weight 2 |",
        "| weight 3 |",
    ]);
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
        ("discount_percent", text(&format!("{}%", draw.of(&[5, 11, 12, 12, 12, 30, 44])))),
        ("amount", money(*draw.of(&[4_000, 20_000, 20_000, 20_000, 300_000]))),
        ("term_months", Raw::Integer(18)),
        ("payment_days", Raw::Integer(*draw.of(&[30, 30, 50, 70]))),
        ("reason", text(draw.of::<&str>(&["competitor", "volume"]))),
    ])
}

/// What is asked for next: mostly the same but for one token.
fn amended(draw: &Draw, before: &Raw) -> Raw {
    let (Raw::Map(mut tokens), Raw::Map(drawn)) = (before.clone(), tokens(draw)) else {
        panic!("tokens are a map")
    };
    if draw.in_100(20) {
        return Raw::Map(drawn);
    }
    // The discount is what people haggle over.
    let haggled = drawn.iter().find(|(name, _)| name == "discount_percent" && draw.in_100(50));
    let (name, value) = haggled.unwrap_or_else(|| draw.of(&drawn));
    tokens.iter_mut().filter(|(own, _)| own == name).for_each(|(_, own)| own.clone_from(value));
    Raw::Map(tokens)
}

/// What the host finds of a quote.
fn found(draw: &Draw) -> Raw {
    map(vec![
        ("segment", text(draw.of::<&str>(&["smb", "smb", "smb", "ent", "pub"]))),
        ("margin", text(&format!("{}%", draw.of(&[14, 14, 14, 30])))),
        ("renewal", Raw::Bool(false)),
    ])
}

/// One history: an approval, what the log holds of it, and the moment.
struct History<'a> {
    seed: u64,
    draw: Draw,
    books: &'a [Rulebook],
    /// The files in force.
    house: &'a Rulebook,
    /// Who is on record.
    register: Arc<Register>,
    /// Both together.
    book: Rulebook,
    now: Timestamp,
    /// The latest moment so far: behind it the clock has been set back.
    latest: Timestamp,
    /// What was asked for last.
    asked: Raw,
    /// What the host finds of the quote.
    found: Raw,
    approval: Approval,
    entries: Vec<Entry>,
    story: Vec<String>,
    /// Voices that were given in somebody's place.
    in_place: usize,
    restarts: usize,
    /// What the host counted of other overrides.
    habit: Habit,
    /// What got through.
    sent: BTreeSet<u32>,
    /// Whoever ever left.
    left: BTreeSet<PersonId>,
    /// What people did beside the approval, and how often.
    deeds: BTreeMap<&'static str, usize>,
}

impl<'a> History<'a> {
    fn begin(seed: u64, books: &'a [Rulebook]) -> History<'a> {
        let draw = Draw::new(seed);
        let house = draw.of(books);
        let now =
            Timestamp::from_rfc3339(MORNING).expect("a moment").plus(Millis::minutes(draw.below(10_000)));
        let (asked, found) = (tokens(&draw), found(&draw));
        let requester = draw.of(&["ae-1", "ae-2", "sales-manager-1", "finance-1", "director-1"]);
        let context = Context::new(house, now, draw.0.bits());
        let id = IntentId::from_bits(u128::from(seed) + 1);
        let turn = life::submit(context, id, requester, "discount", &asked).expect("it passes the door");
        let (entries, approval) = turn.into_parts();
        let story = vec![format!("{now}: {requester} asks for a discount")];
        History {
            seed,
            draw,
            books,
            house,
            register: Arc::default(),
            book: house.clone(),
            now,
            latest: now,
            asked,
            found,
            approval,
            entries,
            story,
            sent: BTreeSet::new(),
            left: BTreeSet::new(),
            deeds: BTreeMap::new(),
            in_place: 0,
            restarts: 0,
            habit: Habit::default(),
        }
    }

    fn facts(&self) -> Prepared {
        let name = IntentTypeName::parse("discount").expect("a name");
        let schema = self.book.intent_type(&name).expect("the type is there");
        Prepared { facts: schema.validate_facts(&self.found).expect("they fit"), ..Prepared::default() }
    }

    fn context<'b>(&'b self, spending: Option<&'b Spending>) -> Context<'b> {
        let overrides = Some(&self.habit);
        Context { overrides, spending, ..Context::new(&self.book, self.now, self.draw.0.bits()) }
    }

    fn fail(&self, what: &str) -> ! {
        panic!("history {}: {what}\n{}\n{:#?}", self.seed, self.story.join("\n"), self.approval)
    }

    /// Gives one command, as the engine does: what is refused changes nothing.
    fn give(&mut self, who: &str, command: Command) -> Result<(), Refusal> {
        let told = format!("{}: {who}: {command:?}", self.now);
        self.habit.recent = u32::try_from(self.draw.below(3)).expect("it is small");
        self.habit.by =
            if self.draw.in_100(50) { [person("cro-chief-of-staff")].into() } else { BTreeSet::new() };
        self.habit.reviewed_in = self.draw.in_100(10).then(|| IntentId::from_bits(7));
        let before = self.approval.clone();
        let spending = self.counted();
        let looks = matches!(command, Command::Review | Command::ExceptionDue { .. });
        let turn = life::decide(&before, command, self.context(spending.as_ref()));
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
            self.in_place += usize::from(is_in_place(&before, entry));
            self.on_time(&before, entry);
            self.by_right(&before, entry);
            self.carried(&before, &after, entry);
            self.linked(&before, entry);
        }
        self.only_voices_fill(&before, &after, &new);
        self.overridden(&before, &after, &new);
        self.broken(&after, &new);
        self.within_budget(spending.as_ref(), &after, &new);
        self.clocks(&before, &after, &new);
        if looks {
            self.owners_are_there(&after);
        }
        self.voices_are_distinct(&new);
        self.no_quorum_shrinks_by_amendment(&before, &after, &new);
        self.entries.extend(new);
        self.approval = after;
        Ok(())
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
                        denied: None,
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
                Wake::Effect(_) | Wake::Watch(_) | Wake::ReAssert(_) | Wake::Delivery => {
                    self.fail("nothing is written in these histories")
                }
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

    /// Mostly one of the deputies.
    fn hands(&mut self, who: &str, revision: u32) {
        let by = person(who);
        let deputies = life::deputies(&self.approval, &by, self.context(None));
        let anybody = person(self.draw.of::<&str>(&PEOPLE));
        let to = if deputies.is_empty() || self.draw.in_100(20) {
            anybody
        } else {
            self.draw.of(&deputies).clone()
        };
        let reason = "audit week".to_owned();
        let command = match self.draw.below(15) {
            0..6 => {
                let time = Millis::minutes(self.draw.below(6_000));
                let until = self.draw.in_100(60).then(|| self.now.plus(time));
                Command::Hand { person: by, revision, to, until, reason }
            }
            6..8 => Command::Recall { person: by, revision },
            8..11 => {
                let order = if self.draw.in_100(50) { Order::Before } else { Order::After };
                Command::AddVoice { person: by, revision, whom: to, order, reason }
            }
            11..13 => Command::Comment { person: by, words: reason },
            _ => Command::Remind { person: self.approval.intent.requester.clone() },
        };
        let _ = self.give(who, command);
    }

    /// Mostly somebody who may override, sometimes anybody, mostly with evidence.
    fn overrides(&mut self, who: &str, revision: u32) {
        let broken = self.approval.broken.as_ref().filter(|broken| broken.is_open(self.now));
        let by_glass = broken.filter(|_| self.draw.in_100(80)).map(|broken| broken.by.to_string());
        let reason = if by_glass.is_some() { BREAK_GLASS } else { "competitor-offer" };
        let who = match &by_glass {
            Some(by) => by.as_str(),
            None if self.draw.in_100(80) => "cro",
            None => who,
        };
        let link = Piece::Link("https://example.com/offer".to_owned());
        let evidence = Evidence { kind: "competitor-quote".to_owned(), piece: link };
        let what = Override {
            by: person(who),
            instead: if self.draw.in_100(80) { Instead::Approve } else { Instead::Decline },
            reason: reason.to_owned(),
            words: "they pay it elsewhere".to_owned(),
            evidence: if self.draw.in_100(90) { vec![evidence] } else { Vec::new() },
        };
        let _ = self.give(who, Command::Override { revision, seal: None, what: Box::new(what) });
    }

    fn amend(&mut self, who: &str, revision: u32) {
        let person = self.approval.intent.requester.clone();
        let tokens = amended(&self.draw, &self.asked);
        if self.draw.in_100(30) {
            self.found = found(&self.draw);
        }
        if self.give(who, Command::Amend { person, revision, tokens: tokens.clone() }).is_ok() {
            self.asked = tokens;
        }
    }

    fn step(&mut self) {
        let who = self.somebody();
        let who = who.as_str();
        let person = person(who);
        let revision = self.approval.intent.revision + u32::from(self.draw.in_100(3));
        if self.draw.in_100(5) {
            self.replay();
        }
        match self.draw.below(125) {
            0..22 => self.now = self.now.plus(Millis::minutes(self.draw.below(3_000))),
            22..25 => {
                self.now =
                    Timestamp(self.now.0 - 60_000 * i64::try_from(self.draw.below(3_000)).expect("it fits"))
            }
            25..27 => self.now = self.now.plus(Millis::hours(24 * 400)),
            27..37 => {
                self.house = self.draw.of(self.books);
                self.book = self.house.clone().with_register(Arc::clone(&self.register));
                self.story.push(format!("{}: the directory changes", self.now));
                let _ = self.give("engine", Command::Review);
            }
            37..62 => {
                let voice = Voice::Approve { note: String::new() };
                let command = Command::Decide { person, revision, seal: None, voice };
                let _ = self.give(who, self.by_link(command));
            }
            62..65 => {
                let words = "less of it".to_owned();
                let _ = self.give(who, Command::SendBack { person, revision, words });
            }
            65..70 => {
                self.amend(who, revision);
            }
            70..71 => {
                let voice = Voice::Decline { reason: "too much".to_owned() };
                let _ = self.give(who, Command::Decide { person, revision, seal: None, voice });
            }
            71..78 => drop(self.give(who, Command::Claim { person, revision })),
            78..82 => drop(self.give(who, Command::Release { person, revision })),
            82..88 => {
                let command = Command::Ask { person, revision, words: "why?".to_owned() };
                let _ = self.give(who, self.by_link(command));
            }
            88..94 => {
                let person = self.approval.intent.requester.clone();
                let words = "because".to_owned();
                let command = Command::Answer { person, revision, question: None, words };
                let _ = self.give(who, self.by_link(command));
            }
            94..95 => {
                let person = self.approval.intent.requester.clone();
                let _ = self.give(who, Command::Withdraw { person, revision });
            }
            95..97 => self.overrides(who, revision),
            97..98 => {
                let whoever = ["cro", "cro-chief-of-staff", who];
                let person = *self.draw.of(&whoever);
                let command = Command::BreakGlass {
                    person: self::person(person),
                    revision,
                    reason: "it cannot wait".to_owned(),
                };
                let _ = self.give(person, command);
                if self.draw.in_100(50) {
                    self.overrides(who, revision);
                }
            }
            100..115 => self.hands(who, revision),
            115..125 => self.people(),
            _ => {
                let open = self.approval.exceptions.iter().find(|(_, exception)| exception.closed.is_none());
                let Some((id, owner)) = open.map(|(id, exception)| (*id, exception.owner.clone())) else {
                    return;
                };
                let reviewed = self.approval.exceptions[&id].cause.outlives();
                let by = if reviewed { Closure::Reviewed } else { Closure::Retry };
                let reason = "looked at it".to_owned();
                let _ = self
                    .give(owner.as_str(), Command::CloseException { person: owner.clone(), id, by, reason });
            }
        }
    }

    /// The log alone gives the same approval; a host that starts again goes on from it.
    fn replay(&mut self) {
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
        self.approval = approval.unwrap_or_else(|| self.fail("the log is empty"));
        self.restarts += 1;
    }

    /// The figures over its log are those that a second computation has, and populations say what it came to.
    fn measured(&self) {
        let id = self.approval.intent.id;
        let log: Vec<(IntentId, Entry)> = self.entries.iter().map(|entry| (id, entry.clone())).collect();
        if let Err(what) = compare(&log, &self.book).and_then(|()| evidence::compare(&log)) {
            self.fail(&what);
        }
    }

    /// The same through the link of a message, sometimes somebody else's, an old one or one for something else.
    fn by_link(&self, command: Command) -> Command {
        let linked: Vec<u32> = self.approval.notices.linked.keys().copied().collect();
        if linked.is_empty() || self.draw.in_100(70) {
            return command;
        }
        let notice = if self.draw.in_100(50) { linked[linked.len() - 1] } else { *self.draw.of(&linked) };
        Command::ByLink { notice, command: Box::new(command) }
    }
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
    history.measured();
    tally.count(&history);
}

#[test]
fn nothing_that_is_open_is_ever_left_to_nobody() {
    let draw = Draw::new(1);
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
    tally.has_some_of_all();
}
