//! A second, naive computation of the measures: over the bytes of the log, one whole intent after the other, with
//! nothing of the book that the product keeps. Both are compared, figure by figure.

use countersign_core::approval::event::{Actor, Entry, Event};
use countersign_core::approval::{Approval, life};
use countersign_core::effect::key::{re_assert_id, undo_id};
use countersign_core::id::{EffectId, IntentId, IntentTypeName};
use countersign_core::intent::{Day, Facts, Tokens};
use countersign_core::measure::book::{Asking, Book, By, Of, Report, Sees};
use countersign_core::measure::figures::Counts;
use countersign_core::measure::period::Period;
use countersign_core::measure::spread::Spread;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// What is counted where: day, group, name of the figure.
type Key = (i64, String, String);

/// All figures: counts, and lengths of time one by one.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    counts: BTreeMap<Key, i128>,
    lengths: BTreeMap<Key, Vec<u64>>,
}

impl Figures {
    fn add(&mut self, at: i64, group: &str, name: impl Into<String>, more: i128) {
        *self.counts.entry((Day::at(Timestamp(at)).0, group.to_owned(), name.into())).or_default() += more;
    }

    fn took(&mut self, at: i64, group: &str, name: &str, from: i64) {
        let key = (Day::at(Timestamp(at)).0, group.to_owned(), name.to_owned());
        self.lengths.entry(key).or_default().push(u64::try_from((at - from).max(0)).expect("a length"));
    }
}

/// One entry of an intent, as the log has it.
struct Happened {
    at: i64,
    is_by_person: bool,
    kind: String,
    body: Json,
}

impl Happened {
    fn is(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.kind.as_str())
    }

    fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    /// `policy`, `people`, `override` or `fail-open`, with the people.
    fn authority(&self) -> (String, Vec<String>) {
        match &self.body["authority"] {
            Json::String(word) => (word.clone(), Vec::new()),
            Json::Object(one) => {
                let (word, who) = one.iter().next().expect("it has a name");
                let people = who.as_array().cloned().unwrap_or_default();
                (word.clone(), people.iter().map(|who| who.as_str().expect("a person").to_owned()).collect())
            }
            other => panic!("{other} is no authority"),
        }
    }

    /// The effect that landed by it, and when.
    fn landed(&self) -> Option<(String, i64)> {
        let at = self.body["verdict"]["landed"]["at"].as_i64()?;
        self.is(&["attempted", "probed"]).then(|| (self.text("effect").to_owned(), at))
    }

    fn is_verdict(&self, word: &str) -> bool {
        self.body["verdict"][word].is_object()
    }
}

fn happened(entry: &Entry) -> Happened {
    let bytes = entry.to_bytes().expect("it has a canonical form");
    let json: Json = serde_json::from_slice(&bytes).expect("it is JSON");
    let (kind, body) = match &json["event"] {
        Json::String(word) => (word.clone(), Json::Null),
        Json::Object(one) => {
            let (kind, body) = one.iter().next().expect("it has a name");
            (kind.clone(), body.clone())
        }
        other => panic!("{other} is no event"),
    };
    let is_by_person = json["by"]["person"].is_string();
    Happened { at: json["at"].as_i64().expect("a moment"), is_by_person, kind, body }
}

/// What begins the preparation of an intent.
const BEGINS: [&str; 5] = ["submitted", "amended", "renewed", "reopened", "reconsidered"];
/// What asks for something else, or anew.
const ASKS: [&str; 4] = ["submitted", "amended", "reopened", "reconsidered"];
/// What people do.
const DEEDS: [&str; 18] = [
    "reminded",
    "released",
    "exception-moved",
    "voice-added",
    "voice-dropped",
    "asked",
    "answered",
    "voted",
    "sent-back",
    "amended",
    "reopened",
    "overridden",
    "withdrawn",
    "claimed",
    "handed",
    "recalled",
    "commented",
    "glass-broken",
];

/// The whole life of one intent.
struct Whole<'a> {
    entries: &'a [Happened],
    kind: String,
}

impl Whole<'_> {
    fn last_before(&self, place: usize, kinds: &[&str]) -> Option<(usize, &Happened)> {
        self.entries[..=place].iter().enumerate().rev().find(|(_, one)| one.is(kinds))
    }

    /// The type and the version that is pinned then.
    fn group(&self, place: usize) -> String {
        let (_, pinned) = self.last_before(place, &["submitted", "repinned"]).expect("it was submitted");
        format!("{} {}", self.kind, pinned.text("policy"))
    }

    /// Whether the pinned version answered since the preparation began.
    fn is_answered(&self, place: usize) -> bool {
        let (begun, _) = self.last_before(place, &BEGINS).expect("it was submitted");
        self.entries[begun..=place].iter().enumerate().any(|(past, one)| {
            let evaluation = match one.kind.as_str() {
                "evaluated" => &one.body["evaluation"],
                "sealed" => &one.body["case"]["evaluation"],
                _ => return false,
            };
            let group = format!("{} {}", self.kind, evaluation["version"].as_str().expect("a version"));
            group == self.group(begun + past)
        })
    }

    /// Whether everybody named gave their voice on what is sealed, or it was carried over to it.
    fn has_voices(&self, place: usize, people: &[String]) -> bool {
        let Some((from, sealed)) = self.last_before(place, &["sealed"]) else { return people.is_empty() };
        let seal = &sealed.body["case"]["seal"];
        let after = &self.entries[from..=place];
        people.iter().all(|who| {
            after.iter().any(|one| {
                let voted = one.kind == "voted" && one.text("person") == who && one.body["seal"] == *seal;
                let carried = one.kind == "carried"
                    && one.body["people"].as_array().expect("people").contains(&Json::from(who.as_str()));
                voted || carried
            })
        })
    }

    fn is_grounded(&self, place: usize) -> bool {
        let (begun, _) = self.last_before(place, &BEGINS).expect("it was submitted");
        let Some((_, sealed)) = self.last_before(place, &["sealed"]) else { return false };
        self.entries[begun..=place].iter().any(|one| {
            let what = &one.body["what"];
            let is_said = |name: &str| what[name].as_str().is_some_and(|text| !text.is_empty());
            one.kind == "overridden"
                && is_said("reason")
                && is_said("words")
                && one.body["seal"] == sealed.body["case"]["seal"]
        })
    }

    /// The first link that is missing of what was closed there, by what is known at the end.
    fn lacks(&self, place: usize) -> Option<&'static str> {
        let (decided, decision) = self.last_before(place, &["approved", "declined"]).expect("it was decided");
        if !self.is_answered(decided) {
            return Some("policy version");
        }
        let (authority, people) = decision.authority();
        let is_no = decision.kind == "declined";
        let begun = self.last_before(decided, &BEGINS).expect("it was submitted").0;
        let passes = || self.entries[begun..=decided].iter().any(|one| one.kind == "failed-open");
        let is_decided = match authority.as_str() {
            "policy" => true,
            "override" => self.is_grounded(decided),
            "people" if is_no => true,
            "people" => !people.is_empty() && self.has_voices(decided, &people),
            "fail-open" if is_no => true,
            _ => passes() && self.has_voices(decided, &people),
        };
        if !is_decided {
            return Some("decision");
        }
        if is_no {
            return None;
        }
        let (_, sealed) = self.last_before(decided, &["sealed"])?;
        let landed: BTreeSet<String> =
            self.entries.iter().filter_map(Happened::landed).map(|(effect, _)| effect).collect();
        if self.entries.iter().any(|one| one.kind == "undo-begun") {
            let planned = self.entries.iter().rev().find(|one| one.kind == "undo-planned");
            let undone = planned.map(|one| one.body["effects"].as_array().cloned().unwrap_or_default());
            let is_back = |effect: &Json| landed.contains(&undo(effect.as_str().expect("an id")));
            return (!undone.unwrap_or_default().iter().all(is_back)).then_some("receipt");
        }
        let writes = sealed.body["case"]["writes"].as_array().expect("writes");
        let effects: Vec<&str> =
            writes.iter().map(|write| write["effect"].as_str().expect("an id")).collect();
        let is_tried = |effect: &&str| {
            self.entries.iter().any(|one| one.kind == "attempted" && one.text("effect") == *effect)
        };
        if !effects.iter().all(is_tried) {
            return Some("attempt");
        }
        if !effects.iter().all(|effect| landed.contains(*effect)) {
            return Some("receipt");
        }
        let is_watched = |effect: &str| {
            self.entries.iter().any(|one| one.kind == "watched" && !one.body["effects"][effect].is_null())
        };
        let is_found = |effect: &str| {
            let found = |one: &Happened| one.text("effect") == effect && one.text("agreement") == "true";
            self.entries.iter().any(|one| one.kind == "reconciled" && found(one))
        };
        (!effects.iter().all(|effect| !is_watched(effect) || is_found(effect))).then_some("reconciliation")
    }

    /// The connection of each effect, with what takes it back and what writes it again.
    fn connections(&self) -> BTreeMap<String, String> {
        let mut connections = BTreeMap::new();
        for sealed in self.entries.iter().filter(|one| one.kind == "sealed") {
            for write in sealed.body["case"]["writes"].as_array().expect("writes") {
                let effect = write["effect"].as_str().expect("an id").to_owned();
                let to = write["connection"].as_str().expect("a connection").to_owned();
                connections.insert(undo(&effect), to.clone());
                for number in 1..100 {
                    connections.insert(again(&effect, number), to.clone());
                }
                connections.insert(effect, to);
            }
        }
        connections
    }

    fn count(&self, figures: &mut Figures, stakes: &BTreeMap<String, i128>) {
        let home = self.entries[0].at;
        let group = self.group(0);
        figures.add(home, &group, "submitted", 1);
        let any = |kinds: &[&str]| self.entries.iter().any(|one| one.is(kinds));
        let amiss = |one: &Happened| {
            one.kind == "reconciled" && matches!(one.text("agreement"), "late" | "drifted" | "gone")
        };
        let first_amiss = self.entries.iter().position(amiss);
        let is_reworked =
            any(&["sent-back", "amended", "reconsidered", "undo-begun"]) || first_amiss.is_some();
        for (name, is) in [
            ("excepted", any(&["exception-opened"])),
            ("sent-back", any(&["sent-back"])),
            ("amended", any(&["amended"])),
            ("reworked", is_reworked),
        ] {
            figures.add(home, &group, name, i128::from(is));
        }
        if let Some(place) = first_amiss {
            let (at, group) = (self.entries[place].at, self.group(place));
            figures.add(at, &group, "amiss", 1);
            stakes
                .iter()
                .for_each(|(currency, sum)| figures.add(at, &group, format!("stake {currency}"), *sum));
        }
        let mut is_done = false;
        for (place, one) in self.entries.iter().enumerate() {
            let (at, group) = (one.at, self.group(place));
            let is_peoples = one.kind == "declined" && matches!(&*one.authority().0, "people" | "fail-open");
            let is_closed = one.kind == "exception-closed" && one.body["closed"]["person"].is_string();
            if one.is_by_person && (one.is(&DEEDS) || is_peoples || is_closed) {
                figures.add(at, &group, "deeds", 1);
            }
            match one.kind.as_str() {
                "withdrawn" | "exception-opened" | "exception-closed" => {
                    figures.add(at, &group, &one.kind, 1)
                }
                "approved" | "declined" => {
                    let (authority, _) = one.authority();
                    figures.add(at, &group, format!("{} {authority}", one.kind), 1);
                    let by_people = matches!(&*authority, "people" | "override");
                    let name = if by_people { "by people" } else { "by policy" };
                    let (_, asked) = self.last_before(place, &ASKS).expect("it was submitted");
                    figures.took(at, &group, name, asked.at);
                }
                _ => {}
            }
            let ends = one.kind == "declined" || (one.kind == "closed" && !is_done);
            if one.kind == "closed" && !is_done {
                figures.add(at, &group, "done", 1);
                figures.took(at, &group, "until done", home);
                is_done = true;
            }
            if ends {
                figures.add(at, &group, "closed", 1);
                figures.add(
                    at,
                    &group,
                    self.lacks(place).map_or("whole".to_owned(), |l| format!("lacks {l}")),
                    1,
                );
            }
        }
        self.count_writes(figures);
        self.count_seats(figures);
    }

    fn count_writes(&self, figures: &mut Figures) {
        let connections = self.connections();
        let (mut tried, mut landed, mut found) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        for (place, one) in self.entries.iter().enumerate() {
            let effect = one.text("effect").to_owned();
            let Some(to) = connections.get(&effect) else { continue };
            let group = format!("{} at {to}", self.group(place));
            let mut add = |name: &str| figures.add(one.at, &group, name, 1);
            if one.is(&["attempted"]) {
                let is_first = tried.insert(effect.clone());
                let is_in = one.landed().is_some();
                for (name, is) in [
                    ("attempts", true),
                    ("first", is_first),
                    ("first landed", is_first && is_in),
                    ("landed", is_in),
                    ("retried", one.is_verdict("ready")),
                    ("unknown", one.is_verdict("probing")),
                    ("held", one.is_verdict("held")),
                ] {
                    if is {
                        add(name);
                    }
                }
            }
            if one.is(&["probed"]) {
                add("probes");
                if one.is_verdict("held") {
                    add("held");
                }
            }
            landed.extend(one.landed());
            if one.is(&["reconciled"]) {
                add("looks");
                match one.text("agreement") {
                    "late" | "drifted" | "gone" => add("amiss looks"),
                    "true" if found.insert(effect.clone()) => {
                        figures.took(one.at, &group, "lag", landed[&effect]);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Seat by seat: from when it is asked for the first time until it is filled, declined or put aside.
    fn count_seats(&self, figures: &mut Figures) {
        let seatings = self.entries.iter().enumerate().filter(|(_, one)| one.kind == "seated");
        for (from, seated) in seatings {
            let rows = seated.body["rows"].as_array().expect("rows").iter();
            let over = self.entries[from + 1..].iter().position(|one| {
                one.is(&["seated", "sent-back", "amended", "renewed", "reopened", "withdrawn", "approved"])
            });
            let until = over.map_or(self.entries.len(), |over| from + 1 + over);
            let stretch = &self.entries[from..until];
            let added = stretch.iter().filter(|one| one.kind == "voice-added").map(|one| &one.body["wanted"]);
            for (row, wanted) in (0_u64..).zip(rows.chain(added)) {
                self.count_seat(figures, (from, stretch), (row, &whom(wanted)));
            }
        }
    }

    fn count_seat(
        &self,
        figures: &mut Figures,
        (from, stretch): (usize, &[Happened]),
        (row, whom): (u64, &str),
    ) {
        let mut seat: Option<Seat> = None;
        let questions: Vec<&Json> =
            stretch.iter().filter(|one| one.kind == "asked").map(|one| &one.body["row"]).collect();
        for (place, one) in stretch.iter().enumerate() {
            let of_row = one.body["row"].as_u64() == Some(row);
            let mut counted = |name: &str| {
                figures.add(one.at, &self.group(from + place), format!("{name} {whom}"), 1);
            };
            match one.kind.as_str() {
                "seat-opened" | "seat-moved" if of_row => {
                    let (new, was_missed) = opened(seat.as_ref(), one.body["seat"].clone());
                    if was_missed {
                        counted("missed");
                    }
                    seat = Some(new);
                }
                "voice-dropped" if of_row => seat = None,
                "voice-added"
                    if one.body["beside"].as_u64() == Some(row) && one.text("order") == "before" =>
                {
                    seat = None;
                }
                "asked" if of_row => {
                    if let Some((seat, _, _)) = &mut seat {
                        seat["due"] = Json::from(i64::MAX);
                    }
                }
                "answered" | "unanswered" => {
                    let number = one.body["question"].as_u64().expect("a number") - 1;
                    let asked = questions.get(usize::try_from(number).expect("small"));
                    if let (Some((seat, _, _)), true) = (&mut seat, asked == Some(&&Json::from(row))) {
                        seat["due"] = one.body["due"].clone();
                    }
                }
                "carried" if of_row => {
                    if let Some((open, given, _)) = &mut seat {
                        let people = one.body["people"].as_array().expect("people");
                        *given +=
                            people.iter().map(|who| weight(open, who.as_str().expect("one"))).sum::<u64>();
                        if open["need"].as_u64() <= Some(*given) {
                            seat = None;
                        }
                    }
                }
                "voted" if one.body["rows"].as_array().expect("rows").contains(&Json::from(row)) => {
                    if let Some((open, given, late)) = &mut seat {
                        *given += weight(open, one.text("person"));
                        if open["need"].as_u64() <= Some(*given) {
                            if !*late {
                                counted("kept");
                            }
                            seat = None;
                        }
                    }
                }
                "declined" => {
                    let (_, people) = one.authority();
                    if let Some((open, _, false)) = &seat
                        && people.iter().any(|who| {
                            open["eligible"].as_array().expect("people").contains(&Json::from(who.as_str()))
                        })
                    {
                        counted("kept");
                    }
                    seat = None;
                }
                "exception-opened" if one.body["exception"]["cause"] == "overdue" => {
                    if let Some((open, _, late)) = &mut seat
                        && !*late
                        && open["due"].as_i64() <= Some(one.at)
                    {
                        *late = true;
                        counted("missed");
                    }
                }
                _ => {}
            }
        }
    }
}

/// A seat that is open, the weight that it was given, and whether it was counted as missed.
type Seat = (Json, u64, bool);

/// The seat that stands where this one stood, and whether that was missed by it.
fn opened(before: Option<&Seat>, new: Json) -> (Seat, bool) {
    let missed = |seat: &Json| seat["missed"].as_u64().unwrap_or_default();
    let (passed_on, was_late) = match before {
        Some((before, _, late)) => (missed(before) < missed(&new), *late),
        None => (false, false),
    };
    let approved = new["approved"].as_array().cloned().unwrap_or_default();
    let given = approved.iter().map(|who| weight(&new, who.as_str().expect("a person"))).sum();
    ((new, given, passed_on || was_late), passed_on && !was_late)
}

fn weight(seat: &Json, who: &str) -> u64 {
    seat["weights"][who].as_u64().unwrap_or(1)
}

fn whom(row: &Json) -> String {
    let (word, name) = match &row["whom"] {
        Json::Object(one) => one.iter().next().expect("it has a name"),
        other => panic!("{other} is nobody"),
    };
    match word.as_str() {
        "pool" | "role" => format!("{word} {}", name.as_str().expect("a name")),
        "manager" => "manager".to_owned(),
        _ => "somebody named".to_owned(),
    }
}

fn undo(effect: &str) -> String {
    undo_id(effect.parse::<EffectId>().expect("an id")).to_string()
}

fn again(effect: &str, number: u32) -> String {
    re_assert_id(effect.parse::<EffectId>().expect("an id"), number).to_string()
}

/// What is at stake in an intent by its last tokens and facts, by currency.
fn stakes(kind: &IntentTypeName, entries: &[Happened], rulebook: &Rulebook) -> BTreeMap<String, i128> {
    let asked = entries.iter().rev().find(|one| one.is(&["submitted", "amended"])).expect("it was submitted");
    let tokens: Tokens = serde_json::from_value(asked.body["intent"]["tokens"].clone()).expect("tokens");
    let known = entries.iter().rev().find_map(|one| match one.kind.as_str() {
        "evaluated" => one.body.get("facts"),
        "sealed" => one.body["case"].get("facts"),
        _ => None,
    });
    let facts: Facts =
        known.map(|facts| serde_json::from_value(facts.clone()).expect("facts")).unwrap_or_default();
    let stake = rulebook.intent_type(kind).and_then(|schema| schema.stake_with(&tokens, &facts));
    stake.map(|money| (money.currency.to_string(), i128::from(money.minor))).into_iter().collect()
}

/// The figures of the naive computation.
fn naive(entries: &[(IntentId, Entry)], rulebook: &Rulebook) -> Figures {
    let mut streams: BTreeMap<IntentId, Vec<Happened>> = BTreeMap::new();
    for (intent, entry) in entries {
        streams.entry(*intent).or_default().push(happened(entry));
    }
    let mut figures = Figures::default();
    for entries in streams.values() {
        let asked = &entries[0].body["intent"];
        if asked.get("trial").is_none() {
            let kind = asked["type"].as_str().expect("a type").to_owned();
            let stakes = stakes(&IntentTypeName::parse(&kind).expect("a type"), entries, rulebook);
            Whole { entries, kind }.count(&mut figures, &stakes);
        }
    }
    figures.counts.retain(|_, count| *count != 0);
    figures.lengths.values_mut().for_each(|lengths| lengths.sort_unstable());
    figures
}

/// What the book says of a group on a day.
fn told(figures: &mut Figures, day: Day, group: &str, counts: &Counts) {
    let Counts { figures: of, writes, open: _ } = counts;
    let at = day.begins().0;
    let rows = [
        ("submitted", of.submitted),
        ("approved policy", of.approved_by_policy),
        ("approved people", of.approved_by_people),
        ("declined policy", of.declined_by_policy),
        ("withdrawn", of.withdrawn),
        ("done", of.done),
        ("exception-opened", of.exceptions_opened),
        ("exception-closed", of.exceptions_closed),
        ("excepted", of.excepted),
        ("sent-back", of.sent_back),
        ("amended", of.amended),
        ("reworked", of.reworked),
        ("closed", of.closed),
        ("whole", of.whole),
        ("deeds", of.deeds),
        ("amiss", of.amiss),
        ("attempts", writes.attempts),
        ("landed", writes.landed),
        ("first", writes.first),
        ("first landed", writes.first_landed),
        ("retried", writes.retried),
        ("unknown", writes.unknown),
        ("held", writes.held),
        ("probes", writes.probes),
        ("looks", writes.looks),
        ("amiss looks", writes.amiss),
    ];
    rows.iter().for_each(|(name, count)| figures.add(at, group, *name, i128::from(*count)));
    // Of these the log tells apart what the book counts together.
    figures.add(at, group, "overridden", i128::from(of.overridden));
    figures.add(at, group, "failed open", i128::from(of.failed_open));
    figures.add(at, group, "declined by people", i128::from(of.declined_by_people));
    of.lacking.iter().for_each(|(link, count)| {
        figures.add(at, group, format!("lacks {}", link.as_str()), i128::from(*count))
    });
    for (asked, seats) in &of.seats {
        figures.add(at, group, format!("kept {asked}"), i128::from(seats.kept));
        figures.add(at, group, format!("missed {asked}"), i128::from(seats.missed));
    }
    of.amiss_stake
        .iter()
        .for_each(|(currency, sum)| figures.add(at, group, format!("stake {currency}"), *sum));
}

/// The same names as the book has, where it counts together.
fn together(figures: Figures) -> Figures {
    let mut all = Figures { lengths: figures.lengths, ..Figures::default() };
    for ((day, group, name), count) in figures.counts {
        let name = match name.as_str() {
            "approved override" | "declined override" => "overridden".to_owned(),
            "approved fail-open" => "failed open".to_owned(),
            "declined people" | "declined fail-open" => "declined by people".to_owned(),
            _ => name,
        };
        *all.counts.entry((day, group, name)).or_default() += count;
    }
    all
}

/// What the nearest rank is of sorted lengths.
fn ranks(sorted: &[u64]) -> [u64; 3] {
    [50, 90, 95].map(|percent| {
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted[rank - 1]
    })
}

fn same_lengths(name: &str, spread: &Spread, mut lengths: Vec<u64>) -> Result<(), String> {
    lengths.sort_unstable();
    let told = spread.percentiles([50, 90, 95]).map(|found| found.map(|length| length.0));
    let naive = (!lengths.is_empty()).then(|| ranks(&lengths));
    let sum = (spread.count(), spread.total().0);
    if told != naive || sum != (lengths.len() as u64, lengths.iter().sum::<u64>()) {
        return Err(format!("`{name}` is {told:?} and {sum:?} in the book, and of {lengths:?}"));
    }
    Ok(())
}

fn of_all<'a>(naive: &'a Figures, name: &'a str) -> Vec<u64> {
    let of_name = naive.lengths.iter().filter(|((_, _, known), _)| known == name);
    of_name.flat_map(|(_, lengths)| lengths.iter().copied()).collect()
}

/// Compares the book over some entries of the log, in their order, with the naive computation, and what it says is open
/// with what the approvals say.
///
/// # Errors
/// What differs.
pub fn compare(entries: &[(IntentId, Entry)], rulebook: &Rulebook) -> Result<(), String> {
    let mut book = Book::default();
    let mut approvals: BTreeMap<IntentId, Approval> = BTreeMap::new();
    let mut last = None;
    for (intent, entry) in entries {
        if last.is_some_and(|last| last != entry.at) {
            // What is over may be forgotten once an entry of another intent follows.
            let other = Entry { at: entry.at, by: Actor::Engine, event: Event::Closed };
            book.add(IntentId::from_bits(u128::MAX), &other, rulebook);
        }
        last = Some(entry.at);
        book.add(*intent, entry, rulebook);
        let before = approvals.remove(intent);
        let after = life::after(before, entry).map_err(|fault| fault.to_string())?;
        let open = after.exceptions.values().filter(|exception| exception.closed.is_none()).count();
        if after.intent.trial.is_none() && book.open_exceptions(*intent) != open {
            let (event, told) = (entry.event.as_str(), book.open_exceptions(*intent));
            return Err(format!(
                "after `{event}` {told} exceptions of {intent} are open in the book, not {open}"
            ));
        }
        approvals.insert(*intent, after);
    }
    let days: BTreeSet<Day> = entries.iter().map(|(_, entry)| Day::at(entry.at)).collect();
    let naive = together(naive(entries, rulebook));
    let mut found = Figures::default();
    let ask = |since: Day, until: Day, by: By| -> Report {
        book.report(Asking { since, until, by, per: Period::Day }, |_| Sees::All)
    };
    for day in &days {
        for (of, counts) in ask(*day, Day(day.0 + 1), By::Policy).groups {
            let Of::Policy(kind, version) = of else { panic!("it is of a policy") };
            let group = format!("{kind} {version}");
            told(&mut found, *day, &group, &Counts { writes: Default::default(), ..counts });
        }
        let of_writes = ask(*day, Day(day.0 + 1), By::Connection).groups;
        for (of, counts) in of_writes {
            let Of::Connection(name) = of else { panic!("it is of a connection") };
            told(&mut found, *day, &format!("at {name}"), &counts);
        }
    }
    found.counts.retain(|_, count| *count != 0);
    let mut wanted: BTreeMap<Key, i128> = BTreeMap::new();
    for ((day, group, name), count) in &naive.counts {
        // Of a connection the book tells all types together.
        let group = group.split_once(" at ").map_or(group.clone(), |(_, to)| format!("at {to}"));
        *wanted.entry((*day, group, name.clone())).or_default() += count;
    }
    if found.counts != wanted {
        let more: Vec<_> =
            found.counts.iter().filter(|(key, count)| wanted.get(key) != Some(count)).collect();
        let less: Vec<_> =
            wanted.iter().filter(|(key, count)| found.counts.get(key) != Some(count)).collect();
        return Err(format!("the book says {more:#?}, the log {less:#?}"));
    }
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(()) };
    let all = ask(*first, Day(last.0 + 1), By::Type).all;
    same_lengths("by policy", &all.figures.decision_by_policy, of_all(&naive, "by policy"))?;
    same_lengths("by people", &all.figures.decision_by_people, of_all(&naive, "by people"))?;
    same_lengths("until done", &all.figures.until_done, of_all(&naive, "until done"))?;
    same_lengths("lag", &all.writes.lag, of_all(&naive, "lag"))
}
