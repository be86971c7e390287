//! Each conflict that could stand in a log is planted once, beside a life without any: what is found, by which entries, and
//! how much was looked at.

use super::*;
use crate::approval::Case;
use crate::approval::event::Entry;
use crate::policy;
use crate::rulebook::tests::starter_rulebook;
use crate::seal::Seal;
use serde_json::{Value as Json, json};
use std::sync::Arc;

const MORNING: &str = "2026-11-23T15:00:00Z";
const ZERO: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const EXCEPTION: ExceptionId = ExceptionId::from_bits(9);

/// A log that grows by one entry a minute.
struct Log {
    duties: Duties,
    position: u64,
    found: Vec<Finding>,
}

fn moment() -> Timestamp {
    Timestamp::from_rfc3339(MORNING).expect("a moment")
}

fn person(name: &str) -> PersonId {
    PersonId::parse(name).expect("a person")
}

fn event(value: Json) -> Event {
    serde_json::from_value(value).expect("an event")
}

fn intent(number: u128, requester: &str, revision: u32) -> Json {
    json!({
        "id": IntentId::from_bits(number),
        "type": "discount",
        "revision": revision,
        "requester": requester,
        "submitted": moment(),
        "tokens": {},
    })
}

fn exception(barred: &[&str], cause: &str) -> Event {
    event(json!({ "exception-opened": { "id": EXCEPTION, "exception": {
        "cause": cause, "route": "any", "owner": "revops-lead", "due": moment(), "closes_when": [],
        "connection": "crm", "detail": { "code": "x", "message": "x" }, "barred": barred,
    }}}))
}

fn closed(by: &str) -> Event {
    let closed = json!({ "by": "retry", "person": by, "reason": "looked", "at": moment() });
    event(json!({ "exception-closed": { "id": EXCEPTION, "closed": closed } }))
}

fn voted(by: &str, rows: &[u32]) -> Event {
    event(json!({ "voted": { "person": by, "rows": rows, "seal": ZERO } }))
}

fn handed(from: &str, to: &str) -> Event {
    event(json!({ "handed": { "handed": { "row": 0, "from": from, "to": to }, "reason": "away" } }))
}

fn opened(standing_in: Json) -> Event {
    event(json!({ "seat-opened": { "row": 0, "seat": {
        "need": 1, "eligible": ["director-1"], "owner": "director-1", "due": moment(), "standing_in": standing_in,
    }}}))
}

/// A case about a change of the house in which these have a stake.
fn sealed(conflicted: &[&str]) -> Event {
    let change = json!({
        "of": "discount", "version": ZERO, "effective": "2026-12-01", "owner": "pricing", "findings_total": 0,
        "examples": { "passed": 1, "of": 1 }, "mutants": { "passed": 1, "of": 1 }, "conflicted": conflicted,
    });
    let rulebook = starter_rulebook();
    let discount = IntentTypeName::parse("discount").expect("a name");
    let version = rulebook.policy(&discount, moment()).expect("a policy");
    Event::Sealed {
        case: Arc::new(Case {
            facts: BTreeMap::new(),
            evaluation: policy::decide(version, &BTreeMap::new(), &BTreeMap::new()),
            writes: Vec::new(),
            change: Some(Arc::new(serde_json::from_value(change).expect("a change"))),
            shared: None,
            readiness: None,
            advisory: false,
            council: None,
            seal: Seal(Digest::ZERO),
            expires: moment(),
        }),
    }
}

impl Log {
    fn new() -> Log {
        Log { duties: Duties::new(None, None), position: 0, found: Vec::new() }
    }

    fn at(&mut self) -> Timestamp {
        self.position += 1;
        let minutes = i64::try_from(self.position).expect("a number");
        Timestamp(moment().0 + 60_000 * minutes)
    }

    fn asked(&mut self, number: u128, requester: &str, policy: Digest) {
        let intent = intent(number, requester, 1);
        let submitted = event(json!({ "submitted": { "intent": intent, "policy": policy } }));
        self.says(number, requester, submitted);
    }

    fn says(&mut self, number: u128, by: &str, event: Event) {
        let at = self.at();
        let entry = Entry { at, by: Actor::Person(person(by)), event };
        let seen = Seen {
            position: self.position,
            intent: IntentId::from_bits(number),
            sequence: self.position,
            digest: Digest::ZERO,
            entry: &entry,
        };
        self.found.extend(self.duties.take(Told::Intent(seen)).expect("they are few"));
    }

    fn operates(&mut self, by: &str, event: connection::Event) {
        let at = self.at();
        let entry = connection::Entry { at, by: Some(person(by)), event };
        let name = ConnectionName::parse("crm").expect("a name");
        let told = Told::Connection(self.position, &name, &entry);
        self.found.extend(self.duties.take(told).expect("they are few"));
    }

    fn refused(&mut self, by: &str, code: &str) {
        let at = self.at();
        let denied = json!({ "by": by, "door": "api", "verb": "POST /v1/intents/{id}/decisions",
                             "on": [IntentId::from_bits(1)], "code": code });
        let event = denied::Event::Denied(serde_json::from_value(denied).expect("a try"));
        let entry = denied::Entry { at, event };
        self.found.extend(self.duties.take(Told::Denied(self.position, &entry)).expect("they are few"));
    }

    /// The rule, the person and the entries of each finding.
    #[track_caller]
    fn finds(&self, expected: &[(Rule, &str, &[u64])]) {
        let found: Vec<(Rule, &str, &[u64])> =
            self.found.iter().map(|one| (one.rule, one.person.as_str(), &*one.entries)).collect();
        assert_eq!(found, expected);
        for rule in Rule::ALL {
            let count = self.duties.counts()[&rule];
            let of_rule = found.iter().filter(|(one, ..)| *one == rule).count();
            assert_eq!(count.found, u64::try_from(of_rule).expect("a number"), "{rule:?}");
            assert!(count.found <= count.looked_at, "{rule:?}: {count:?}");
        }
    }

    fn looked_at(&self, rule: Rule) -> u64 {
        self.duties.counts()[&rule].looked_at
    }
}

/// An intent of `ae-1` with a seat, under the version of policy 0.
fn begun() -> Log {
    let mut log = Log::new();
    log.asked(1, "ae-1", Digest::ZERO);
    log.says(1, "ae-1", opened(json!({})));
    log
}

#[test]
fn a_life_that_is_as_it_should_be_has_nothing_and_says_what_was_looked_at() {
    let mut log = begun();
    log.says(1, "director-1", voted("director-1", &[0]));
    log.says(1, "director-1", exception(&["cro"], "rejected"));
    log.says(1, "revops-lead", closed("revops-lead"));
    log.finds(&[]);
    for (rule, looked_at) in [
        (Rule::AskedAndDecided, 1),
        (Rule::EditedAndDecided, 1),
        (Rule::CountedTwice, 1),
        (Rule::DecidedForRequester, 0),
        (Rule::StakeAndDecided, 0),
        (Rule::BarredAndClosed, 1),
        (Rule::ChangedPolicyAndDecided, 0),
        (Rule::AskedAndClosed, 1),
        (Rule::OperatedAndClosed, 1),
        (Rule::Overridden, 1),
        (Rule::GlassBroken, 1),
        (Rule::Refused, 0),
    ] {
        assert_eq!(log.looked_at(rule), looked_at, "{rule:?}");
    }
}

#[test]
fn whoever_asked_or_edited_last_and_decides_is_found() {
    let mut log = begun();
    log.says(1, "ae-1", voted("ae-1", &[0]));
    log.finds(&[(Rule::AskedAndDecided, "ae-1", &[1, 3])]);

    // Asked by a machine for which somebody answers.
    let mut log = Log::new();
    let mut asked = intent(1, "bot-1", 1);
    asked["answers"] = json!(["ae-2"]);
    log.says(1, "bot-1", event(json!({ "submitted": { "intent": asked, "policy": ZERO } })));
    log.says(1, "ae-2", voted("ae-2", &[0]));
    log.finds(&[(Rule::AskedAndDecided, "ae-2", &[1, 2])]);

    let mut log = begun();
    log.says(1, "director-1", event(json!({ "amended": { "intent": intent(1, "ae-1", 2) } })));
    log.says(1, "director-1", voted("director-1", &[0]));
    log.finds(&[(Rule::EditedAndDecided, "director-1", &[3, 4])]);

    let mut log = begun();
    let declined = json!({ "declined": { "authority": { "people": ["ae-1"] }, "reason": "no" } });
    log.says(1, "ae-1", event(declined));
    log.finds(&[(Rule::AskedAndDecided, "ae-1", &[1, 3])]);
}

#[test]
fn a_voice_that_was_written_in_is_found_and_one_that_is_known_counts_once() {
    let approved = |people: &[&str]| event(json!({ "approved": { "authority": { "people": people } } }));
    let mut log = begun();
    log.says(1, "director-1", voted("director-1", &[0]));
    log.says(1, "director-1", approved(&["director-1"]));
    log.finds(&[]);
    assert_eq!(log.looked_at(Rule::AskedAndDecided), 1);

    // The approval names somebody who said nothing.
    let mut log = begun();
    log.says(1, "director-1", voted("director-1", &[0]));
    log.says(1, "director-1", approved(&["director-1", "ae-1"]));
    log.finds(&[(Rule::AskedAndDecided, "ae-1", &[1, 4])]);
    let mut log = begun();
    log.says(1, "pricing-lead", event(json!({ "approved": { "authority": { "fail-open": ["ae-1"] } } })));
    log.finds(&[(Rule::AskedAndDecided, "ae-1", &[1, 3])]);

    // So does the carrying over of a voice to another revision, by whoever edited it too.
    let carried = |who: &str| event(json!({ "carried": { "row": 0, "people": [who], "revision": 1 } }));
    for (who, rule, entries) in
        [("ae-1", Rule::AskedAndDecided, &[3, 4]), ("director-1", Rule::EditedAndDecided, &[3, 4])]
    {
        let mut log = begun();
        log.says(1, "director-1", event(json!({ "amended": { "intent": intent(1, "ae-1", 2) } })));
        log.says(1, "director-1", carried(who));
        log.says(1, "director-1", approved(&[who]));
        log.finds(&[(rule, who, entries)]);
        assert_eq!(log.looked_at(Rule::AskedAndDecided), 1, "{who}");
    }
}

#[test]
fn a_person_who_is_counted_twice_is_found_and_one_who_is_asked_anew_is_not() {
    let mut log = begun();
    log.says(1, "director-1", voted("director-1", &[0]));
    log.says(1, "director-1", voted("director-1", &[1]));
    log.finds(&[(Rule::CountedTwice, "director-1", &[3, 4])]);

    let mut log = begun();
    log.says(1, "director-1", voted("director-1", &[0]));
    log.says(1, "ae-1", event(json!({ "amended": { "intent": intent(1, "ae-1", 2) } })));
    log.says(1, "director-1", voted("director-1", &[0]));
    log.says(1, "director-1", opened(json!({})));
    log.says(1, "director-1", voted("director-1", &[0]));
    log.finds(&[]);
    assert_eq!(log.looked_at(Rule::CountedTwice), 3);
}

#[test]
fn a_chain_of_hands_that_leads_back_to_the_requester_is_found() {
    let mut log = begun();
    log.says(1, "ae-1", handed("ae-1", "director-2"));
    log.says(1, "director-2", handed("director-2", "director-3"));
    log.says(1, "director-3", voted("director-3", &[0]));
    log.finds(&[(Rule::DecidedForRequester, "director-3", &[3, 4, 5])]);
    assert!(log.found[0].says.contains("`director-2`, of `ae-1`"), "{}", log.found[0].says);

    let mut log = begun();
    log.says(1, "director-1", handed("director-1", "director-2"));
    log.says(1, "director-2", voted("director-2", &[0]));
    log.finds(&[]);
    assert_eq!(log.looked_at(Rule::DecidedForRequester), 1);

    // Whoever stands in for whoever asked.
    let mut log = Log::new();
    log.asked(1, "ae-1", Digest::ZERO);
    log.says(1, "ae-1", opened(json!({ "director-2": "ae-1" })));
    log.says(1, "director-2", voted("director-2", &[0]));
    log.finds(&[(Rule::DecidedForRequester, "director-2", &[2, 3])]);

    // Two who hand it to each other end nowhere.
    let mut log = begun();
    log.says(1, "director-1", handed("director-1", "director-2"));
    log.says(1, "director-2", handed("director-2", "director-1"));
    log.says(1, "director-1", voted("director-1", &[0]));
    log.finds(&[]);
}

#[test]
fn a_stake_in_a_change_and_a_policy_that_somebody_changed_are_found() {
    let mut log = begun();
    log.says(1, "ae-1", sealed(&["cro"]));
    log.says(1, "cro", voted("cro", &[0]));
    log.says(1, "director-1", voted("director-1", &[1]));
    log.finds(&[(Rule::StakeAndDecided, "cro", &[1, 4])]);
    assert_eq!(log.looked_at(Rule::StakeAndDecided), 2);

    let version = Digest::of(b"another version");
    let mut log = begun();
    log.says(1, "pricing-lead", voted("pricing-lead", &[0]));
    log.says(1, "ae-1", event(json!({ "activated": { "policy": "discount", "version": version } })));
    log.asked(2, "ae-2", version);
    log.says(2, "pricing-lead", voted("pricing-lead", &[0]));
    log.says(2, "ae-1", voted("ae-1", &[1]));
    log.says(2, "director-1", voted("director-1", &[2]));
    log.finds(&[
        (Rule::ChangedPolicyAndDecided, "pricing-lead", &[3, 6]),
        (Rule::ChangedPolicyAndDecided, "ae-1", &[4, 7]),
    ]);
    assert_eq!(log.looked_at(Rule::ChangedPolicyAndDecided), 3);

    // A machine asks for the change: whoever answers for it has changed the policy too.
    let mut log = Log::new();
    let mut asked = intent(1, "bot-1", 1);
    asked["answers"] = json!(["ae-2"]);
    log.says(1, "bot-1", event(json!({ "submitted": { "intent": asked, "policy": ZERO } })));
    log.says(1, "bot-1", event(json!({ "activated": { "policy": "discount", "version": version } })));
    log.asked(2, "ae-1", version);
    log.says(2, "ae-2", voted("ae-2", &[0]));
    log.finds(&[(Rule::ChangedPolicyAndDecided, "ae-2", &[2, 4])]);
}

#[test]
fn whoever_settles_what_is_about_them_is_found() {
    let mut log = begun();
    log.says(1, "ae-1", exception(&["director-1"], "post-mortem"));
    log.says(1, "director-1", closed("director-1"));
    log.finds(&[(Rule::BarredAndClosed, "director-1", &[3, 4])]);

    let mut log = begun();
    log.says(1, "ae-1", exception(&[], "rejected"));
    log.says(1, "ae-1", closed("ae-1"));
    log.finds(&[(Rule::AskedAndClosed, "ae-1", &[1, 3, 4])]);

    let mut log = Log::new();
    log.operates("integration-1", connection::Event::Paused { reason: "maintenance".to_owned() });
    log.asked(1, "ae-1", Digest::ZERO);
    log.says(1, "ae-1", exception(&[], "denied"));
    log.says(1, "integration-1", closed("integration-1"));
    log.finds(&[(Rule::OperatedAndClosed, "integration-1", &[1, 3, 4])]);
    assert_eq!(log.looked_at(Rule::OperatedAndClosed), 1);
}

#[test]
fn overrides_broken_glass_and_refused_tries_are_listed() {
    let mut log = begun();
    let what =
        json!({ "by": "cro", "instead": "approve", "reason": "strategic", "words": "x", "evidence": [] });
    log.says(1, "cro", event(json!({ "overridden": { "what": what, "seal": ZERO } })));
    log.says(1, "ae-1", exception(&["cro"], "break-glass"));
    let broken = json!({ "person": "revops-lead", "row": "pool cro-office for 4h", "until": moment(), "reason": "x",
                         "loud": [] });
    log.says(1, "revops-lead", event(json!({ "glass-broken": broken })));
    // Whoever breaks it once more looks at no earlier time of it either.
    log.says(1, "revops-lead", closed("revops-lead"));
    log.refused("ae-1", "CS-E0110");
    log.refused("ae-1", "CS-E0111");
    log.finds(&[
        (Rule::Overridden, "cro", &[3]),
        (Rule::GlassBroken, "revops-lead", &[5]),
        (Rule::BarredAndClosed, "revops-lead", &[4, 6]),
        (Rule::Refused, "ae-1", &[7]),
    ]);
    assert_eq!(log.looked_at(Rule::Refused), 2);
    assert_eq!(log.found[3].intent, Some(IntentId::from_bits(1)));
}

#[test]
fn only_the_days_that_are_asked_for_are_counted_and_what_stood_before_them_is_known() {
    let at = |day| Day::parse(day).expect("a day");
    for (since, until, expected) in [
        ("2026-11-23", "2026-11-23", 1),
        ("2026-11-22", "2026-11-24", 1),
        ("2026-11-24", "2026-11-30", 0),
        ("2026-11-01", "2026-11-22", 0),
    ] {
        let mut log = begun();
        log.duties = Duties::new(Some(at(since)), Some(at(until)));
        log.position = 0;
        log.asked(1, "ae-1", Digest::ZERO);
        log.says(1, "ae-1", voted("ae-1", &[0]));
        assert_eq!(log.found.len(), expected, "{since} to {until}");
        assert_eq!(log.looked_at(Rule::AskedAndDecided), u64::try_from(expected).expect("a number"));
    }
    // What was asked for before these days is looked at on the first of them on which something happens to it, and once.
    for (day, looked_at) in [("2026-11-24", 1), ("2026-11-25", 0)] {
        let mut log = begun();
        log.duties = Duties::new(Some(at(day)), None);
        log.asked(1, "ae-1", Digest::ZERO);
        log.position = 24 * 60;
        log.says(1, "cro", voted("cro", &[0]));
        log.says(1, "director-1", voted("director-1", &[1]));
        assert_eq!(log.looked_at(Rule::Overridden), looked_at, "{day}");
        assert_eq!(log.looked_at(Rule::GlassBroken), looked_at, "{day}");
        assert_eq!(log.looked_at(Rule::AskedAndDecided), 2 * looked_at, "{day}");
    }
    // What nobody asked for stands in no log that a host wrote.
    let mut log = Log::new();
    let entry = Entry { at: moment(), by: Actor::Engine, event: voted("cro", &[0]) };
    let seen = Seen {
        position: 7,
        intent: IntentId::from_bits(1),
        sequence: 2,
        digest: Digest::ZERO,
        entry: &entry,
    };
    let fault = log.duties.take(Told::Intent(seen)).expect_err("it was not asked for");
    assert_eq!(fault.to_string(), "entry 7 of the log is about an intent that no entry before it asks for");
    // A trial counts nowhere.
    let mut log = Log::new();
    let mut trial = intent(1, "ae-1", 1);
    trial["trial"] = json!({ "by": { "webhook": { "connection": "crm", "hook": "x" } }, "shape": ZERO });
    log.says(1, "ae-1", event(json!({ "submitted": { "intent": trial, "policy": ZERO } })));
    log.says(1, "ae-1", voted("ae-1", &[0]));
    log.finds(&[]);
    assert_eq!(log.looked_at(Rule::AskedAndDecided), 0);
}
