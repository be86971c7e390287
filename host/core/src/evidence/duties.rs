//! Segregation of duties over history: who did two things that are for two persons, who was kept from it, and who might
//! have had a stake, by the entries of the log alone.
//!
//! Each rule says how much was looked at for it, so that nothing found is told from nothing looked at. The host keeps the
//! forbidden ones at the moment of each decision; this reads the record once more, with code of its own.

use super::{Fault, Seen, one_of};
use crate::approval::event::{Actor, Event};
use crate::approval::seat::{Handed, Order};
use crate::approval::{Authority, Intent};
use crate::exception::{Cause, Closed, Exception};
use crate::hash::Digest;
use crate::id::{ConnectionName, EffectId, ExceptionId, IntentId, IntentTypeName, PersonId};
use crate::intent::Day;
use crate::time::Timestamp;
use crate::{connection, connector, denied};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most intents that are known at one time: about 500 bytes of each, some more while one is undecided.
pub const LIVES_MAX: usize = 2_000_000;
/// Longest chain of people who stand in for each other that is followed.
const CHAIN_MAX: usize = 16;

/// Codes by which a try is refused because somebody else must do it: their own intent, an open intent of their own under
/// the policy, their own override, and a deputy who asked.
pub const SEPARATION_CODES: [&str; 4] = ["CS-E0110", "CS-E0121", "CS-E0137", "CS-E0151"];

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Somebody decided on what they asked for.
    AskedAndDecided,
    /// Somebody decided on what they edited last.
    EditedAndDecided,
    /// One person was counted twice.
    CountedTwice,
    /// Somebody decided in the place of whoever asked.
    DecidedForRequester,
    /// Somebody decided on a change in which they had a stake.
    StakeAndDecided,
    /// Somebody settled an exception about what they did themselves.
    BarredAndClosed,
    /// Somebody settled an exception of what they had asked for.
    AskedAndClosed,
    /// Somebody changed a policy and decided under it.
    ChangedPolicyAndDecided,
    /// Somebody operated a connection and settled an exception of it.
    OperatedAndClosed,
    /// Somebody decided against the policy.
    Overridden,
    /// Somebody broke the glass, and could decide against the policy for a time.
    GlassBroken,
    /// Somebody was refused what is for somebody else.
    Refused,
}

/// What it means that something is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// The host never lets it happen: one is a breach.
    Breach,
    /// It is allowed, and somebody should look at it.
    ToBeSeen,
    /// The rule was kept.
    Kept,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 12] = [
        Rule::AskedAndDecided,
        Rule::EditedAndDecided,
        Rule::CountedTwice,
        Rule::DecidedForRequester,
        Rule::StakeAndDecided,
        Rule::BarredAndClosed,
        Rule::AskedAndClosed,
        Rule::ChangedPolicyAndDecided,
        Rule::OperatedAndClosed,
        Rule::Overridden,
        Rule::GlassBroken,
        Rule::Refused,
    ];

    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::AskedAndDecided => "asked-and-decided",
            Rule::EditedAndDecided => "edited-and-decided",
            Rule::CountedTwice => "counted-twice",
            Rule::DecidedForRequester => "decided-for-requester",
            Rule::StakeAndDecided => "stake-and-decided",
            Rule::BarredAndClosed => "barred-and-closed",
            Rule::ChangedPolicyAndDecided => "changed-policy-and-decided",
            Rule::AskedAndClosed => "asked-and-closed",
            Rule::OperatedAndClosed => "operated-and-closed",
            Rule::Overridden => "overridden",
            Rule::GlassBroken => "glass-broken",
            Rule::Refused => "refused",
        }
    }

    /// What it means that one is found.
    #[must_use]
    pub fn meaning(self) -> Meaning {
        match self {
            Rule::AskedAndDecided
            | Rule::EditedAndDecided
            | Rule::CountedTwice
            | Rule::DecidedForRequester
            | Rule::StakeAndDecided
            | Rule::BarredAndClosed
            | Rule::AskedAndClosed => Meaning::Breach,
            Rule::ChangedPolicyAndDecided
            | Rule::OperatedAndClosed
            | Rule::Overridden
            | Rule::GlassBroken => Meaning::ToBeSeen,
            Rule::Refused => Meaning::Kept,
        }
    }

    /// What is looked at for it.
    #[must_use]
    pub fn looks_at(self) -> &'static str {
        match self {
            Rule::AskedAndDecided | Rule::EditedAndDecided => "decisions of persons",
            Rule::CountedTwice => "voices",
            Rule::DecidedForRequester => "voices given in the place of others",
            Rule::StakeAndDecided => "voices on changes in which somebody had a stake",
            Rule::ChangedPolicyAndDecided => "decisions of persons under policies that were published",
            Rule::BarredAndClosed | Rule::AskedAndClosed => "exceptions that persons closed",
            Rule::OperatedAndClosed => "exceptions of a connection that persons closed",
            Rule::Overridden | Rule::GlassBroken => "intents",
            Rule::Refused => "refused tries on record",
        }
    }
}

/// What no rule here looks at, in words for whoever reads the result.
pub const NOT_LOOKED_AT: [&str; 8] = [
    "what people do outside of the log: at the targets, and on the machine of the host",
    "second accounts of one person: the log knows persons, and who they are says the identity provider",
    "who manages whom: `people.md` is not asked, only what is on record of each decision",
    "trials of intent types that were not live",
    "tries to give a second voice: they are refused, and not on record",
    "who installed a connector and who granted what it asks for; builds that were put in force on every connection at once, rolled \
     back, or put in quarantine",
    "who holds keys and tokens, and who reads the log",
    "changes of files that policies share, and who let an intent type go live",
];

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// By which rule.
    pub rule: Rule,
    /// What that means.
    pub meaning: Meaning,
    /// Places in the log of the entries that show it, counted from 1; the last one made it so.
    pub entries: Vec<u64>,
    /// The moment of the last one, in UTC.
    pub at: String,
    /// The intent, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentId>,
    /// The intent type.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub intent_type: Option<IntentTypeName>,
    /// Who.
    pub person: PersonId,
    /// What, in words.
    pub says: String,
}

/// How much was looked at for a rule, and how much was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Looked at.
    pub looked_at: u64,
    /// Found.
    pub found: u64,
}

/// An entry that is of use here, with its place in the log.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// Of the life of an intent.
    Intent(Seen<'a>),
    /// Of the record of a connection.
    Connection(u64, &'a ConnectionName, &'a connection::Entry),
    /// Of the record of a connector.
    Connector(u64, &'a connector::Entry),
    /// Of the record of refused tries.
    Denied(u64, &'a denied::Entry),
}

/// What is known of one intent.
#[derive(Debug)]
struct Life {
    kind: IntentTypeName,
    requester: PersonId,
    /// Whoever answered for the machine that asked.
    answers: Vec<PersonId>,
    /// The entry with the present revision.
    asked: u64,
    policy: Digest,
    /// Who amended it last, by which entry.
    editor: Option<(PersonId, u64)>,
    handed: Vec<(Handed, u64)>,
    /// By seat: who stands in for whom, by which entry.
    stand_ins: BTreeMap<u32, (BTreeMap<PersonId, PersonId>, u64)>,
    /// Voices on the present revision: the seats, and the entry.
    voices: BTreeMap<PersonId, (Vec<u32>, u64)>,
    conflicted: Vec<PersonId>,
    effects: BTreeMap<EffectId, ConnectionName>,
    exceptions: BTreeMap<ExceptionId, About>,
    /// Whether it was counted as one that was looked at.
    is_counted: bool,
}

#[derive(Debug)]
struct About {
    opened: u64,
    connection: Option<ConnectionName>,
    barred: Vec<PersonId>,
    /// Whether it is about a glass that was broken.
    is_of_glass: bool,
}

/// Looks through a log.
#[derive(Debug)]
pub struct Duties {
    since: Option<Day>,
    until: Option<Day>,
    kinds: BTreeSet<IntentTypeName>,
    people: BTreeSet<PersonId>,
    connections: BTreeSet<ConnectionName>,
    lives: BTreeMap<IntentId, Life>,
    /// Intents of which nothing is looked at.
    trials: BTreeSet<IntentId>,
    /// By version of a policy: who asked for it or approved it, and the entries.
    changed: BTreeMap<Digest, BTreeMap<PersonId, Vec<u64>>>,
    /// By connection: who paused it, let it go on or changed its connector last, and the entry.
    operated: BTreeMap<ConnectionName, BTreeMap<PersonId, u64>>,
    counts: BTreeMap<Rule, Count>,
    found: Vec<Finding>,
}

impl Duties {
    /// Looks at what happened on these days, in UTC. Entries before them are needed all the same.
    #[must_use]
    pub fn new(since: Option<Day>, until: Option<Day>) -> Duties {
        Duties {
            since,
            until,
            kinds: BTreeSet::new(),
            people: BTreeSet::new(),
            connections: BTreeSet::new(),
            lives: BTreeMap::new(),
            trials: BTreeSet::new(),
            changed: BTreeMap::new(),
            operated: BTreeMap::new(),
            counts: Rule::ALL.into_iter().map(|rule| (rule, Count::default())).collect(),
            found: Vec::new(),
        }
    }

    /// Takes one more entry, in the order of the log; gives what it shows.
    ///
    /// # Errors
    /// [`Fault`] if there are more intents than can be held, or an entry is about one that was not asked for.
    pub fn take(&mut self, told: Told<'_>) -> Result<Vec<Finding>, Fault> {
        match told {
            Told::Intent(seen) => self.of_intent(seen)?,
            Told::Connection(position, connection, entry) => self.of_connection(position, connection, entry),
            Told::Connector(position, entry) => {
                if let connector::Event::Activated { on: Some(connection), .. } = &entry.event {
                    self.operates(entry.by.as_ref(), connection, position);
                }
            }
            Told::Denied(position, entry) => self.of_denied(position, entry),
        }
        Ok(std::mem::take(&mut self.found))
    }

    /// How much was looked at and found, by rule: each rule is there.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<Rule, Count> {
        &self.counts
    }

    fn is_within(&self, at: Timestamp) -> bool {
        let day = Day::at(at);
        self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day <= until)
    }

    fn looks(&mut self, rule: Rule, at: Timestamp) {
        if self.is_within(at) {
            let count = self.counts.entry(rule).or_default();
            count.looked_at = count.looked_at.saturating_add(1);
        }
    }

    fn finds(&mut self, rule: Rule, of: &Of<'_>, before: &[u64], says: String) {
        if !self.is_within(of.at) {
            return;
        }
        let count = self.counts.entry(rule).or_default();
        count.found = count.found.saturating_add(1);
        let mut entries: Vec<u64> = before.to_vec();
        entries.push(of.position);
        self.found.push(Finding {
            rule,
            meaning: rule.meaning(),
            entries,
            at: of.at.to_string(),
            intent: of.intent,
            intent_type: of.kind.cloned(),
            person: of.person.clone(),
            says,
        });
    }

    fn of_connection(&mut self, position: u64, connection: &ConnectionName, entry: &connection::Entry) {
        match &entry.event {
            connection::Event::Paused { .. } | connection::Event::Resumed { .. } => {
                self.operates(entry.by.as_ref(), connection, position);
            }
            connection::Event::Followed { .. } => {}
        }
    }

    fn operates(&mut self, by: Option<&PersonId>, connection: &ConnectionName, position: u64) {
        let Some(by) = by else { return };
        let (by, connection) = (one_of(&mut self.people, by), one_of(&mut self.connections, connection));
        self.operated.entry(connection).or_default().insert(by, position);
    }

    fn of_denied(&mut self, position: u64, entry: &denied::Entry) {
        let denied::Event::Denied(denied) = &entry.event else { return };
        self.looks(Rule::Refused, entry.at);
        if SEPARATION_CODES.contains(&denied.code.as_str()) {
            let intent = denied.on.iter().find_map(|on| on.parse::<IntentId>().ok());
            let kind = intent.and_then(|intent| self.lives.get(&intent)).map(|life| life.kind.clone());
            let of = Of { position, at: entry.at, intent, kind: kind.as_ref(), person: &denied.by };
            let says = format!("`{}` was refused with {}", denied.verb, denied.code);
            self.finds(Rule::Refused, &of, &[], says);
        }
    }

    fn of_intent(&mut self, seen: Seen<'_>) -> Result<(), Fault> {
        if let Event::Submitted { intent, policy, .. } = &seen.entry.event {
            return self.submitted(seen, intent, *policy);
        }
        let Some(mut life) = self.lives.remove(&seen.intent) else {
            let is_trial = self.trials.contains(&seen.intent);
            return if is_trial { Ok(()) } else { Err(Fault::unasked(seen)) };
        };
        self.counts_once(&mut life, seen.entry.at);
        self.follows(&mut life, seen);
        self.looks_into(&life, seen);
        self.settles(&mut life, seen);
        self.lives.insert(seen.intent, life);
        Ok(())
    }

    fn submitted(&mut self, seen: Seen<'_>, intent: &Intent, policy: Digest) -> Result<(), Fault> {
        if intent.trial.is_some() {
            self.trials.insert(seen.intent);
            return self.holds();
        }
        let mut life = Life {
            kind: one_of(&mut self.kinds, &intent.intent_type),
            requester: one_of(&mut self.people, &intent.requester),
            answers: intent.answers.iter().map(|person| one_of(&mut self.people, person)).collect(),
            asked: seen.position,
            policy,
            editor: None,
            handed: Vec::new(),
            stand_ins: BTreeMap::new(),
            voices: BTreeMap::new(),
            conflicted: Vec::new(),
            effects: BTreeMap::new(),
            exceptions: BTreeMap::new(),
            is_counted: false,
        };
        self.counts_once(&mut life, seen.entry.at);
        self.lives.insert(seen.intent, life);
        self.holds()
    }

    fn holds(&self) -> Result<(), Fault> {
        let held = self.lives.len().saturating_add(self.trials.len());
        if LIVES_MAX < held { Err(Fault::TooMany { what: "intents", most: LIVES_MAX }) } else { Ok(()) }
    }

    /// An intent counts once, with its first entry on the days that are looked at.
    fn counts_once(&mut self, life: &mut Life, at: Timestamp) {
        if !life.is_counted && self.is_within(at) {
            life.is_counted = true;
            self.looks(Rule::Overridden, at);
            self.looks(Rule::GlassBroken, at);
        }
    }

    /// What is to be known of an intent when somebody decides about it.
    fn follows(&mut self, life: &mut Life, seen: Seen<'_>) {
        let event = &seen.entry.event;
        if let Event::Amended { intent } = event {
            life.revised(intent, seen.position);
            if let Actor::Person(person) = &seen.entry.by {
                life.editor = Some((one_of(&mut self.people, person), seen.position));
            }
        } else if let Event::Renewed { intent }
        | Event::Reopened { intent, .. }
        | Event::Reconsidered { intent, .. } = event
        {
            life.revised(intent, seen.position);
        } else if let Event::Repinned { policy } = event {
            life.policy = *policy;
        } else if let Event::Sealed { case } = event {
            life.conflicted = case.conflicted().cloned().collect();
            for write in &case.writes {
                life.effects.insert(write.effect, one_of(&mut self.connections, &write.connection));
            }
        } else if let Event::SeatOpened { row, seat } = event {
            life.voices.retain(|_, (rows, _)| !rows.contains(row));
            life.stand_ins.insert(*row, (seat.standing_in.clone(), seen.position));
        } else if let Event::SeatMoved { row, seat, .. } = event {
            life.stand_ins.insert(*row, (seat.standing_in.clone(), seen.position));
        } else if let Event::Handed { handed, .. } = event {
            life.handed.push((handed.clone(), seen.position));
        } else if let Event::Recalled { handed } = event {
            life.handed.retain(|(known, _)| known != handed);
        } else if let Event::VoiceAdded { beside, order: Order::Before, .. } = event {
            life.voices.retain(|_, (rows, _)| !rows.contains(beside));
        } else if let Event::Activated { version, .. } = event {
            let changed = self.changed.entry(*version).or_default();
            // Whoever answers for the machine that published it has changed it too.
            for person in std::iter::once(&life.requester).chain(&life.answers) {
                changed.entry(person.clone()).or_default().push(seen.position);
            }
            for (person, (_, position)) in &life.voices {
                changed.entry(person.clone()).or_default().push(*position);
            }
        }
    }

    /// What was decided or settled by it.
    fn looks_into(&mut self, life: &Life, seen: Seen<'_>) {
        let event = &seen.entry.event;
        if let Event::Voted { person, rows, .. } = event {
            let of = life.of(seen, person);
            self.decides(life, &of);
            self.votes(life, &of, rows);
        } else if let Event::Declined { authority: Authority::People(people), .. } = event {
            people.iter().for_each(|person| self.decides(life, &life.of(seen, person)));
        } else if let Event::Carried { people, .. } = event {
            people.iter().for_each(|person| self.decides(life, &life.of(seen, person)));
        } else if let Event::Approved { authority: Authority::People(people) | Authority::FailOpen(people) } =
            event
        {
            // Whoever has a voice was looked at with it; who is named without one was written in.
            let silent = people.iter().filter(|person| !life.voices.contains_key(*person));
            silent.for_each(|person| self.decides(life, &life.of(seen, person)));
        } else if let Event::Overridden { what, .. } = event {
            let of = life.of(seen, &what.by);
            self.decides(life, &of);
            let says = format!("against the policy: {} (`{}`)", what.instead.as_str(), what.reason);
            self.finds(Rule::Overridden, &of, &[], says);
        } else if let Event::GlassBroken { person, row, .. } = event {
            let says = format!("breaks the glass, as `{row}` lets them");
            self.finds(Rule::GlassBroken, &life.of(seen, person), &[], says);
        } else if let Event::ExceptionClosed { id, closed, .. } = event
            && let Some(about) = life.exceptions.get(id)
        {
            self.closes(life, (*id, about), closed, seen);
        }
    }

    /// Somebody says yes or no.
    fn decides(&mut self, life: &Life, of: &Of<'_>) {
        self.looks(Rule::AskedAndDecided, of.at);
        if life.asked_by(of.person) {
            self.finds(Rule::AskedAndDecided, of, &[life.asked], "decides on what they asked for".to_owned());
        }
        self.looks(Rule::EditedAndDecided, of.at);
        if let Some((editor, position)) = &life.editor
            && editor == of.person
        {
            let says = "decides on what they edited last".to_owned();
            self.finds(Rule::EditedAndDecided, of, &[*position], says);
        }
        let Some(changed) = self.changed.get(&life.policy) else { return };
        let before = changed.get(of.person).cloned();
        self.looks(Rule::ChangedPolicyAndDecided, of.at);
        if let Some(before) = before {
            let says = format!("decides under version {} of the policy, which they changed", life.policy);
            self.finds(Rule::ChangedPolicyAndDecided, of, &before, says);
        }
    }

    fn votes(&mut self, life: &Life, of: &Of<'_>, rows: &[u32]) {
        self.looks(Rule::CountedTwice, of.at);
        if let Some((_, position)) = life.voices.get(of.person) {
            let says = "is counted twice in one revision".to_owned();
            self.finds(Rule::CountedTwice, of, &[*position], says);
        }
        let places: Vec<(Vec<&PersonId>, Vec<u64>)> =
            rows.iter().map(|row| life.in_place_of(*row, of.person)).collect();
        for (people, entries) in places.into_iter().filter(|(people, _)| !people.is_empty()) {
            self.looks(Rule::DecidedForRequester, of.at);
            if people.iter().any(|person| life.asked_by(person)) {
                let chain: Vec<String> = people.iter().map(|person| format!("`{person}`")).collect();
                let says = format!("decides in the place of {}, who asked for it", chain.join(", of "));
                self.finds(Rule::DecidedForRequester, of, &entries, says);
            }
        }
        if !life.conflicted.is_empty() {
            self.looks(Rule::StakeAndDecided, of.at);
            if life.conflicted.contains(of.person) {
                let says = "decides on a change in which they have a stake".to_owned();
                self.finds(Rule::StakeAndDecided, of, &[life.asked], says);
            }
        }
    }

    fn closes(&mut self, life: &Life, (id, about): (ExceptionId, &About), closed: &Closed, seen: Seen<'_>) {
        let Some(person) = &closed.person else { return };
        let of = life.of(seen, person);
        let word = closed.by.as_str();
        self.looks(Rule::BarredAndClosed, of.at);
        if about.barred.contains(person) {
            let says = format!("closes {id} (`{word}`), which is about what they did");
            self.finds(Rule::BarredAndClosed, &of, &[about.opened], says);
        }
        self.looks(Rule::AskedAndClosed, of.at);
        if life.asked_by(person) {
            let says = format!("closes {id} (`{word}`) of what they asked for");
            self.finds(Rule::AskedAndClosed, &of, &[life.asked, about.opened], says);
        }
        let Some(connection) = &about.connection else { return };
        self.looks(Rule::OperatedAndClosed, of.at);
        let operated = self.operated.get(connection).and_then(|people| people.get(person)).copied();
        if let Some(position) = operated {
            let says = format!("closes {id} (`{word}`) of connection `{connection}`, which they operated");
            let mut before = vec![position, about.opened];
            before.sort_unstable();
            self.finds(Rule::OperatedAndClosed, &of, &before, says);
        }
    }

    /// What is to be known of it from now on.
    fn settles(&mut self, life: &mut Life, seen: Seen<'_>) {
        let event = &seen.entry.event;
        if let Event::Voted { person, rows, .. } = event {
            let known = life.voices.entry(one_of(&mut self.people, person)).or_default();
            known.0.extend(rows);
            known.1 = seen.position;
        } else if let Event::Carried { row, people, .. } = event {
            for person in people {
                let known = life.voices.entry(one_of(&mut self.people, person)).or_default();
                known.0.push(*row);
                known.1 = seen.position;
            }
        } else if let Event::ExceptionOpened { id, exception } = event {
            let about = self.about(life, exception, seen.position);
            life.exceptions.insert(*id, about);
        } else if let Event::GlassBroken { person, .. } = event {
            // Whoever breaks it looks at no earlier time of it either.
            for about in life.exceptions.values_mut().filter(|about| about.is_of_glass) {
                about.barred.push(person.clone());
            }
        } else if let Event::ExceptionClosed { id, .. } = event {
            life.exceptions.remove(id);
        } else if let Event::Closed | Event::Declined { .. } | Event::Withdrawn { .. } = event {
            life.handed.clear();
            life.stand_ins.clear();
            life.voices.clear();
            life.conflicted.clear();
        }
    }

    fn about(&mut self, life: &Life, exception: &Exception, opened: u64) -> About {
        let of_effect = || life.effects.get(&exception.effect?).cloned();
        let connection = exception.connection.clone().or_else(of_effect);
        About {
            opened,
            connection: connection.map(|connection| one_of(&mut self.connections, &connection)),
            barred: exception.barred.clone(),
            is_of_glass: exception.cause == Cause::BreakGlass,
        }
    }
}

/// Who did what when.
struct Of<'a> {
    position: u64,
    at: Timestamp,
    intent: Option<IntentId>,
    kind: Option<&'a IntentTypeName>,
    person: &'a PersonId,
}

impl Life {
    fn of<'a>(&'a self, seen: Seen<'_>, person: &'a PersonId) -> Of<'a> {
        let (position, at) = (seen.position, seen.entry.at);
        Of { position, at, intent: Some(seen.intent), kind: Some(&self.kind), person }
    }

    fn asked_by(&self, person: &PersonId) -> bool {
        self.requester == *person || self.answers.contains(person)
    }

    fn revised(&mut self, intent: &Intent, position: u64) {
        self.answers.clone_from(&intent.answers);
        self.asked = position;
        self.handed.clear();
        self.stand_ins.clear();
        self.voices.clear();
    }

    /// In whose place somebody decides in a seat, and in whose those did; with the entries that say so.
    fn in_place_of<'a>(&'a self, row: u32, person: &'a PersonId) -> (Vec<&'a PersonId>, Vec<u64>) {
        let (mut people, mut entries): (Vec<&PersonId>, Vec<u64>) = (Vec::new(), Vec::new());
        let mut here = person;
        while people.len() < CHAIN_MAX {
            let handed = self.handed.iter().rev().find(|(handed, _)| handed.row == row && handed.to == *here);
            let handed = handed.map(|(handed, position)| (&handed.from, *position));
            let stands = self.stand_ins.get(&row);
            let stands = || stands.and_then(|(people, position)| Some((people.get(here)?, *position)));
            let Some((of, position)) = handed.or_else(stands) else { break };
            if of == person || people.contains(&of) {
                break;
            }
            people.push(of);
            entries.push(position);
            here = of;
        }
        entries.sort_unstable();
        (people, entries)
    }
}

#[cfg(test)]
#[path = "duties_tests.rs"]
mod tests;
