//! The record of people: what is put on it, what is not, and the directory that it makes.

use super::*;
use crate::id::IntentId;
use crate::people::Account;
use crate::people::{Asking, Whom};
use crate::rulebook::Rulebook;
use crate::rulebook::tests::starter_rulebook;
use proptest::prelude::*;

fn person(name: &str) -> PersonId {
    PersonId::parse(name).expect("it is a name")
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).expect("it is a moment")
}

fn now() -> Timestamp {
    at("2026-11-23T15:00:00Z")
}

fn day(text: &str) -> Day {
    Day::parse(text).expect("it is a day")
}

fn about(user_name: &str) -> About {
    About { user_name: user_name.to_owned(), external: None, manager: None }
}

fn join(name: &str) -> Command {
    let about = about(&format!("{name}@example.com"));
    Command::Join { person: person(name), about, standing: Active::Yes, calendar: None, vouched: true }
}

fn form(number: u128, name: &str, members: &[&str]) -> Command {
    let members = members.iter().map(|name| person(name)).collect();
    Command::Form { group: GroupId::from_bits(number), named: (name.to_owned(), None), members }
}

fn standing(name: &str, standing: Active) -> Command {
    Command::Change { person: person(name), about: about(&format!("{name}@example.com")), standing }
}

fn delete(name: &str) -> Command {
    Command::Delete { person: person(name) }
}

fn away(name: &str, from: &str, until: &str, cover: &str) -> Away {
    Away { person: person(name), from: day(from), until: day(until), cover: Some(person(cover)), of: None }
}

/// A house with its record.
struct House {
    rulebook: Rulebook,
    now: Timestamp,
}

impl House {
    fn new() -> House {
        let rulebook = starter_rulebook();
        let calendar = "| calendar | us-east            |";
        let open = format!("{calendar}\n| groups   | billing, finance   |");
        let text = rulebook.people().replacen(calendar, &open, 1);
        let rulebook = rulebook.with_people(&text, now()).unwrap_or_else(|faults| panic!("{faults:#?}"));
        House { rulebook, now: now() }
    }

    fn give(&mut self, by: &Actor, command: &Command) -> Result<usize, NotRecorded> {
        let register = Arc::clone(self.rulebook.register());
        let directory = self.rulebook.directory();
        let events = register.decide(command, Asked { by, directory, now: self.now, waits: None })?;
        let mut after = Register::clone(&register);
        for event in &events {
            let entry = Entry { at: self.now, by: by.clone(), event: event.clone() };
            // What is folded is what is read back.
            let bytes = entry.to_bytes().expect("it has a canonical form");
            let read: Entry = serde_json::from_slice(&bytes).expect("it is read back");
            assert_eq!(read, entry);
            after = after.after(&read);
        }
        self.rulebook = self.rulebook.clone().with_register(Arc::new(after));
        Ok(events.len())
    }

    /// What the identity provider asks; it is done, and says how many entries it took.
    #[track_caller]
    fn told(&mut self, command: &Command) -> usize {
        self.give(&Actor::Token("idp".to_owned()), command).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// Why the identity provider is refused.
    #[track_caller]
    fn refused(&mut self, command: &Command) -> String {
        let refusal = self.give(&Actor::Token("idp".to_owned()), command).expect_err("it is refused");
        assert!(!refusal.help().is_empty());
        format!("{} {refusal}", refusal.code())
    }

    fn says(&mut self, by: &str, command: &Command) -> String {
        match self.give(&Actor::Person(person(by)), command) {
            Ok(count) => format!("{count}"),
            Err(refusal) => format!("{} {refusal}", refusal.code()),
        }
    }

    fn fills(&self, whom: &str, requester: &str, on: &str) -> String {
        let (requester, tokens) = (person(requester), crate::intent::Tokens::new());
        let intent_type = IntentTypeName::parse("discount").expect("it is a name");
        let asking =
            Asking { requester: &requester, answers: &[], intent_type: &intent_type, tokens: &tokens };
        let whom = Whom::parse(whom).expect("it names somebody");
        let filled = self.rulebook.directory().fill(&whom, asking, &[], at(on));
        let names = |people: &[PersonId]| people.iter().map(PersonId::as_str).collect::<Vec<_>>().join(", ");
        filled.map_or("nobody".to_owned(), |filled| names(&filled.eligible))
    }

    fn pool(&self, name: &str) -> String {
        let name = PoolName::parse(name).expect("it is a name");
        match self.rulebook.directory().pool(&name) {
            None => "none".to_owned(),
            Some(pool) => {
                let members: Vec<&str> = pool.members.iter().map(PersonId::as_str).collect();
                format!("{} / {}", members.join(", "), pool.lead)
            }
        }
    }
}

const DAY: &str = "2026-11-23T15:00:00Z";

#[test]
fn a_leaver_is_nowhere_any_more_and_the_house_goes_on() {
    let mut house = House::new();
    for name in ["finance-lead", "general-counsel", "sales-manager-1", "deputy-general-counsel", "finance-1"]
    {
        house.told(&join(name));
    }
    assert_eq!(house.fills("role general-counsel", "ae-1", DAY), "general-counsel");
    house.told(&standing("finance-lead", Active::No));
    house.told(&standing("general-counsel", Active::No));
    house.told(&standing("sales-manager-1", Active::No));
    let directory = house.rulebook.directory();
    assert!(!directory.knows(&person("finance-lead")));
    assert_eq!(house.pool("finance"), "finance-1, finance-2, finance-3 / finance-1");
    assert_eq!(house.fills("role general-counsel", "ae-1", DAY), "deputy-general-counsel");
    // Whoever reported to them reports to whoever is above: never to somebody lower, and never to nobody.
    assert_eq!(directory.manager(&person("finance-1"), 1), Some(person("cro")));
    assert_eq!(house.fills("manager of requester", "ae-1", DAY), "director-1");
    // A seat of the person themselves goes to whoever the house has stand by for them.
    assert_eq!(house.fills("person sales-manager-1", "ae-3", DAY), "director-1");
    house.told(&standing("deputy-general-counsel", Active::No));
    assert_eq!(house.fills("role general-counsel", "ae-1", DAY), "legal-lead-1");
    // Away with a cover who has left: the person is away still, and nobody covers.
    let monday = "2026-12-14T15:00:00Z";
    assert_eq!(house.fills("person finance-2", "ae-1", monday), "finance-1");
    house.told(&standing("finance-1", Active::No));
    assert_eq!(house.fills("person finance-2", "ae-1", monday), "nobody");
}

#[test]
fn a_cover_who_left_and_returns_covers_nobody_until_it_is_said_again() {
    let mut house = House::new();
    let absence = away("sales-manager-1", "2026-11-23", "2026-11-27", "director-2");
    assert_eq!(house.says("sales-manager-1", &Command::Away(absence)), "1");
    assert_eq!(house.fills("manager of requester", "ae-1", DAY), "director-2");
    house.told(&join("director-2"));
    for active in [Active::No, Active::Yes] {
        house.told(&standing("director-2", active));
        // Whoever is away stays away, and the standby is asked.
        assert_eq!(house.fills("manager of requester", "ae-1", DAY), "director-1");
    }
}

#[test]
fn an_emptied_pool_is_no_pool_and_its_seats_are_nobodys() {
    let mut house = House::new();
    for name in ["privacy-1", "privacy-2"] {
        house.told(&join(name));
        house.told(&standing(name, Active::No));
    }
    assert_eq!((&*house.pool("privacy"), &*house.fills("pool privacy", "ae-1", DAY)), ("none", "nobody"));
}

#[test]
fn whoever_answers_for_what_nobody_takes_is_never_a_leaver() {
    let mut house = House::new();
    let names: Vec<PersonId> = house.rulebook.directory().persons.keys().cloned().collect();
    let fallback = |house: &House| {
        let intents: Vec<PersonId> =
            house.rulebook.intent_types().map(|intent| intent.fallback_owner.clone()).collect();
        intents.iter().map(|owner| house.rulebook.successor(owner)).collect::<Vec<_>>()
    };
    for name in names.iter().filter(|name| name.as_str() != "agent-2") {
        house.told(&join(name.as_str()));
        house.told(&standing(name.as_str(), Active::No));
        for owner in fallback(&house) {
            assert!(house.rulebook.directory().knows(&owner), "{owner} answers after {name} has left");
        }
    }
    assert!(fallback(&house).iter().all(|owner| owner.as_str() == "agent-2"));
}

#[test]
fn a_joiner_is_a_person_and_sits_where_a_group_says() {
    let mut house = House::new();
    let about = About { manager: Some(person("sales-manager-2")), ..about("zoe@example.com") };
    let dublin = CalendarName::parse("dublin").ok();
    let command = Command::Join {
        person: person("zoe"),
        about,
        standing: Active::Yes,
        calendar: dublin,
        vouched: true,
    };
    assert_eq!(house.told(&command), 1);
    assert_eq!(house.fills("manager of requester", "zoe", DAY), "sales-manager-2");
    assert_eq!(
        house.rulebook.directory().calendar_of(&person("zoe")).map(CalendarName::as_str),
        Some("dublin")
    );
    let before = house.pool("billing");
    house.told(&form(1, "billing", &["zoe"]));
    assert_eq!(house.pool("billing"), before.replace(" / ", ", zoe / "));
    // A group that no pool is called like means nothing, nor one of a pool that the file does not open.
    house.told(&form(2, "book club", &["zoe"]));
    let controllers = house.pool("controllers");
    house.told(&form(3, "controllers", &["zoe"]));
    assert_eq!(house.pool("controllers"), controllers);
    assert_eq!(house.pool("finance"), "finance-lead, finance-1, finance-2, finance-3 / finance-lead");
    house.told(&Command::Disband { group: GroupId::from_bits(1) });
    assert_eq!(house.pool("billing"), before);
}

#[test]
fn what_the_file_says_of_a_person_counts() {
    let mut house = House::new();
    let about = About { manager: Some(person("ae-2")), ..about("ae-1@example.com") };
    let calendar = CalendarName::parse("dublin").ok();
    house.told(&Command::Join {
        person: person("ae-1"),
        about,
        standing: Active::Yes,
        calendar,
        vouched: true,
    });
    let directory = house.rulebook.directory();
    assert_eq!(directory.manager(&person("ae-1"), 1), Some(person("sales-manager-1")));
    assert_eq!(directory.calendar_of(&person("ae-1")).map(CalendarName::as_str), Some("us-east"));
}

#[test]
fn whoever_returns_has_what_the_file_still_says_and_no_group() {
    let mut house = House::new();
    house.told(&join("finance-1"));
    house.told(&join("zoe"));
    house.told(&form(1, "billing", &["finance-1", "zoe"]));
    house.told(&standing("finance-1", Active::No));
    house.told(&standing("zoe", Active::No));
    assert_eq!(house.told(&standing("finance-1", Active::Yes)), 1);
    assert_eq!(house.told(&standing("zoe", Active::Yes)), 1);
    assert_eq!(house.pool("finance"), "finance-lead, finance-1, finance-2, finance-3 / finance-lead");
    assert_eq!(house.pool("billing"), "billing-1, billing-2 / billing-1");
    assert!(house.rulebook.directory().knows(&person("zoe")));
}

#[test]
fn an_id_and_an_account_are_never_used_twice() {
    let mut house = House::new();
    house.told(&join("zoe"));
    house.told(&form(1, "billing", &["zoe"]));
    assert_eq!(house.refused(&join("zoe")), "CS-E0161 `zoe` is on record already");
    house.told(&delete("zoe"));
    let spent = "CS-E0160 `zoe` was somebody who was deleted, and an id is never used twice";
    assert_eq!(house.refused(&join("zoe")), spent);
    for command in [delete("zoe"), standing("zoe", Active::Yes)] {
        assert_eq!(house.refused(&command), "CS-E0163 there is nobody `zoe` on record");
    }
    assert_eq!(house.refused(&form(2, "finance", &["zoe"])), "CS-E0163 there is nobody `zoe` on record");
    // The same human under another id would be a second voice, or decide what they asked for themselves.
    let again = |user_name: &str, external: Option<&str>| Command::Join {
        vouched: true,
        person: person("zoe-2"),
        about: About { external: external.map(str::to_owned), ..about(user_name) },
        standing: Active::Yes,
        calendar: None,
    };
    let taken = "CS-E0161 the account `ZOE@example.com` is or was that of `zoe`";
    assert_eq!(house.refused(&again("ZOE@example.com", None)), taken);
    let taken = "CS-E0161 the account `zoe@example.com` is or was that of `zoe`";
    assert_eq!(house.refused(&again("other@example.com", Some("zoe@example.com"))), taken);
    // A new id begins with nothing.
    house.told(&again("zoe-2@example.com", Some("00u2")));
    assert_eq!(house.pool("billing"), "billing-1, billing-2 / billing-1");
    let signs_in = |account: &str| {
        let account = Account::parse(account).expect("an account");
        house.rulebook.directory().accounts.get(&account).cloned()
    };
    assert_eq!(signs_in("00u2"), Some(person("zoe-2")));
    assert_eq!(signs_in("zoe@example.com"), None);
    // Somebody of the file who was deleted does not come back with the file.
    house.told(&join("cro"));
    house.told(&delete("cro"));
    let text = format!("{}\n", house.rulebook.people().trim_end());
    house.rulebook = house.rulebook.with_people(&text, now()).unwrap_or_else(|faults| panic!("{faults:#?}"));
    assert!(!house.rulebook.directory().knows(&person("cro")));
    assert_eq!(house.rulebook.leavers().map(PersonId::as_str).collect::<Vec<_>>(), ["cro"]);
}

#[test]
fn what_is_so_already_is_no_entry() {
    let mut house = House::new();
    house.told(&join("zoe"));
    house.told(&form(1, "billing", &["zoe"]));
    assert_eq!(house.told(&standing("zoe", Active::Yes)), 0);
    let members = BTreeSet::from([person("zoe")]);
    let group = GroupId::from_bits(1);
    let same = Command::Regroup { group, named: ("billing".to_owned(), None), members };
    assert_eq!(house.told(&same), 0);
}

#[test]
fn a_leaver_leaves_whatever_else_is_wrong_with_the_change() {
    let mut house = House::new();
    house.told(&join("zoe"));
    house.told(&join("max"));
    let about = about("max@example.com");
    let change = |standing| Command::Change { person: person("zoe"), about: about.clone(), standing };
    assert_eq!(
        house.refused(&change(Active::Yes)),
        "CS-E0161 the account `max@example.com` is or was that of `max`"
    );
    assert_eq!(house.told(&change(Active::No)), 1);
    assert!(!house.rulebook.directory().knows(&person("zoe")));
}

#[test]
fn what_does_not_fit_the_record_is_refused() {
    let mut house = House::new();
    house.told(&join("zoe"));
    house.told(&form(1, "billing", &[]));
    let named = |user_name: &str| Command::Join {
        person: person("max"),
        about: about(user_name),
        standing: Active::Yes,
        calendar: None,
        vouched: true,
    };
    for bad in ["", " max", "max\n", "m\u{200b}ax", &"m".repeat(ACCOUNT_BYTES_MAX + 1)] {
        assert!(house.refused(&named(bad)).starts_with("CS-E0162 "), "{bad:?}");
    }
    assert_eq!(house.refused(&form(2, "billing", &[])), "CS-E0161 there is a group `billing` already");
    assert_eq!(house.refused(&form(2, "legal", &["nobody"])), "CS-E0163 there is nobody `nobody` on record");
    let gone = Command::Disband { group: GroupId::from_bits(9) };
    assert!(house.refused(&gone).starts_with("CS-E0163 there is no group"));
    let about = About { manager: Some(person("max")), ..about("zoe@example.com") };
    house.told(&Command::Change { person: person("zoe"), about, standing: Active::Yes });
    let about = About { manager: Some(person("zoe")), ..self::about("max@example.com") };
    let circle =
        Command::Join { person: person("max"), about, standing: Active::Yes, calendar: None, vouched: true };
    assert_eq!(house.refused(&circle), "CS-E0162 `max` would report to themselves");
    let crowd: BTreeSet<PersonId> =
        (0..=GROUP_MEMBERS_MAX).map(|number| person(&format!("p-{number}"))).collect();
    let group = GroupId::from_bits(1);
    let crowd = Command::Regroup { group, named: ("billing".to_owned(), None), members: crowd };
    assert_eq!(house.refused(&crowd), "CS-E0168 the record takes at most 5000 members of a group");
}

#[test]
fn a_machine_says_who_is_there_and_people_say_who_is_away() {
    let mut house = House::new();
    house.told(&join("zoe"));
    let absence = Command::Away(away("ae-1", "2026-11-24", "2026-11-25", "sales-manager-1"));
    assert_eq!(house.refused(&absence), "CS-E0164 when `ae-1` is away is not for `idp` to say");
    let back = Command::Back { person: person("ae-1"), number: None };
    assert_eq!(house.refused(&back), "CS-E0164 when `ae-1` is away is not for `idp` to say");
    for command in [join("max"), standing("zoe", Active::No), delete("zoe"), form(1, "finance", &["zoe"])] {
        let said = house.says("revops-lead", &command);
        assert!(said.starts_with("CS-E0164 ") || said.starts_with("CS-E0163 "), "{said}");
    }
}

#[test]
fn an_absence_moves_seats_from_its_first_day_where_the_person_lives() {
    let mut house = House::new();
    let absence = away("sales-manager-2", "2026-11-24", "2026-11-25", "director-2");
    assert_eq!(house.says("sales-manager-2", &Command::Away(absence)), "1");
    let fills = |on: &str| house.fills("manager of requester", "ae-3", on);
    // Dublin is at UTC in winter.
    assert_eq!(fills("2026-11-23T23:59:59Z"), "sales-manager-2");
    assert_eq!(fills("2026-11-24T00:00:00Z"), "director-2");
    assert_eq!(fills("2026-11-25T23:59:59Z"), "director-2");
    assert_eq!(fills("2026-11-26T00:00:00Z"), "sales-manager-2");
    let whom = Whom::parse("manager of requester").expect("it names somebody");
    let (requester, tokens) = (person("ae-3"), crate::intent::Tokens::new());
    let intent_type = IntentTypeName::parse("discount").expect("it is a name");
    let asking = Asking { requester: &requester, answers: &[], intent_type: &intent_type, tokens: &tokens };
    let next = house.rulebook.directory().next_change(&whom, asking, now());
    assert_eq!(next, Some(at("2026-11-24T00:00:00Z")));
}

#[test]
fn every_absence_that_does_not_fit_is_refused() {
    let check = |by: &str, absence: Away, expected: &str| {
        let mut house = House::new();
        let said = house
            .says("director-2", &Command::Away(away("director-2", "2026-12-07", "2026-12-11", "director-3")));
        assert_eq!(said, "1");
        assert_eq!(house.says(by, &Command::Away(absence.clone())), expected, "{absence:?}");
    };
    let own = |from: &str, until: &str, cover: &str| away("director-1", from, until, cover);
    check("director-1", own("2026-11-24", "2026-11-25", "director-3"), "1");
    check(
        "director-1",
        own("2026-11-25", "2026-11-24", "director-3"),
        "CS-E0165 the absence ends before it begins",
    );
    check(
        "director-1",
        own("2026-11-20", "2026-11-22", "director-3"),
        "CS-E0165 the absence is over: today is 2026-11-23",
    );
    check(
        "director-1",
        own("2028-01-01", "2028-01-02", "director-3"),
        "CS-E0165 the absence begins more than 366 days ahead",
    );
    check(
        "director-1",
        own("2026-12-01", "2027-12-31", "director-3"),
        "CS-E0165 the absence is longer than 366 days",
    );
    let covers = "CS-E0167 `director-1` cannot cover; director-2, director-3, vp-sales-1 can";
    check("director-1", own("2026-11-24", "2026-11-25", "director-1"), covers);
    let covers = "CS-E0167 `ae-1` cannot cover; director-2, director-3, vp-sales-1 can";
    check("director-1", own("2026-11-24", "2026-11-25", "ae-1"), covers);
    check(
        "director-1",
        own("2026-11-24", "2026-12-07", "director-2"),
        "CS-E0167 `director-2` is away on some of the days, until 2026-12-11",
    );
    // The file has an absence of theirs in December.
    let overlaps = "CS-E0166 `director-1` is away from 2026-12-21 until 2026-12-31 already";
    check("director-1", own("2026-12-31", "2027-01-04", "director-3"), overlaps);
    check(
        "ae-1",
        own("2026-11-24", "2026-11-25", "director-3"),
        "CS-E0164 when `director-1` is away is not for `ae-1` to say",
    );
    check(
        "nobody",
        away("nobody", "2026-11-24", "2026-11-25", "cro"),
        "CS-E0163 `nobody` is nobody of the house",
    );
    // Those of the pool that owns `people.md` may for others, and never to stand in themselves.
    check("revops-1", own("2026-11-24", "2026-11-25", "director-3"), "1");
    check(
        "revops-1",
        away("revops-lead", "2026-11-24", "2026-11-25", "revops-1"),
        "CS-E0164 `revops-1` cannot send somebody away and cover for them",
    );
    // A role is covered by whoever the house has stand by, not by somebody elsewhere.
    let covers = "CS-E0167 `vp-sales-2` cannot cover; cro-chief-of-staff, vp-sales-1 can";
    check("cro", away("cro", "2026-11-24", "2026-11-25", "vp-sales-2"), covers);
}

#[test]
fn a_role_is_not_covered_by_a_mere_colleague() {
    let mut house = House::new();
    house.told(&join("general-counsel"));
    house.told(&form(1, "legal", &["general-counsel"]));
    let absence = away("general-counsel", "2026-11-24", "2026-11-25", "counsel-1");
    assert_eq!(
        house.says("general-counsel", &Command::Away(absence)),
        "CS-E0167 `counsel-1` cannot cover; cro, deputy-general-counsel, legal-lead-1 can"
    );
}

#[test]
fn managers_who_go_round_in_a_circle_are_cut_where_the_record_has_them() {
    let said = |name: &str, manager: &str| Event::Joined {
        vouched: true,
        person: person(name),
        about: About { manager: Some(person(manager)), ..about(name) },
        calendar: None,
    };
    let mut register = Register::default();
    // No command makes this: it takes an edit of the file, or somebody who writes the log.
    for event in [said("zoe", "max"), said("max", "ann"), said("ann", "zoe"), said("tim", "max")] {
        register = register.after(&Entry { at: now(), by: Actor::Token("idp".to_owned()), event });
    }
    let rulebook = starter_rulebook().with_register(Arc::new(register));
    let managers = |name: &str| {
        let above = (1..=crate::people::MANAGERS_MAX)
            .map_while(|levels| rulebook.directory().manager(&person(name), levels));
        above.map(|manager| manager.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(managers("ann"), "");
    assert_eq!(managers("max"), "ann");
    assert_eq!(managers("zoe"), "max ann");
    assert_eq!(managers("tim"), "max ann");
}

#[test]
fn nobody_sends_away_whom_their_own_intent_waits_for() {
    let house = House::new();
    let (by, command) = (
        Actor::Person(person("revops-1")),
        Command::Away(away("director-1", "2026-11-24", "2026-11-25", "director-3")),
    );
    let waits = Some(IntentId::from_bits(1));
    let asked = Asked { by: &by, directory: house.rulebook.directory(), now: now(), waits };
    let refused = house.rulebook.register().decide(&command, asked).expect_err("it is refused");
    assert_eq!(refused, NotRecorded::SelfDealing { by: person("revops-1"), intent: waits });
}

#[test]
fn an_absence_is_ended_by_the_person_or_the_owners_of_the_file_but_not_by_the_cover() {
    let mut house = House::new();
    let absence = || Command::Away(away("revops-1", "2026-11-23", "2026-11-27", "revops-lead"));
    let back = |number: Option<u64>| Command::Back { person: person("revops-1"), number };
    assert_eq!(house.says("revops-1", &back(None)), "CS-E0169 `revops-1` has no such absence on record");
    assert_eq!(house.says("revops-1", &absence()), "1");
    assert_eq!(
        house.says("revops-lead", &back(None)),
        "CS-E0164 when `revops-1` is away is not for `revops-lead` to say"
    );
    assert_eq!(house.says("ae-1", &back(None)), "CS-E0164 when `revops-1` is away is not for `ae-1` to say");
    assert_eq!(house.says("revops-1", &back(Some(7))), "CS-E0169 `revops-1` has no such absence on record");
    assert_eq!(house.says("revops-1", &back(None)), "1");
    assert_eq!(house.says("revops-1", &absence()), "1");
    assert_eq!(house.says("revops-1", &back(Some(2))), "1");
    // Those of the pool that owns the file may for somebody else.
    let absence = Command::Away(away("director-1", "2026-11-23", "2026-11-27", "director-2"));
    assert_eq!(house.says("director-1", &absence), "1");
    let back = Command::Back { person: person("director-1"), number: None };
    assert_eq!(house.says("revops-1", &back), "1");
    // One that stands in the file ends there.
    house.now = at("2026-12-22T15:00:00Z");
    assert_eq!(house.says("director-1", &back), "CS-E0169 `director-1` has no such absence on record");
}

#[test]
fn a_person_has_a_bounded_number_of_absences_and_those_that_are_over_are_forgotten() {
    let mut house = House::new();
    let absence = |month: u32| {
        let day = format!("2027-01-{:02}", month + 1);
        Command::Away(away("director-1", &day, &day, "director-2"))
    };
    for number in 0..20 {
        assert_eq!(house.says("director-1", &absence(number)), "1");
    }
    let spent = "CS-E0168 the record takes at most 20 absences of one person";
    assert_eq!(house.says("director-1", &absence(20)), spent);
    house.now = at("2027-01-24T15:00:00Z");
    house.told(&join("zoe"));
    assert_eq!(house.rulebook.register().absences().count(), 0);
}

const NAMES: [&str; 8] =
    ["cro", "finance-1", "finance-lead", "zoe", "max", "sales-manager-1", "ann", "privacy-1"];

fn name() -> impl Strategy<Value = PersonId> {
    prop::sample::select(NAMES.to_vec()).prop_map(person)
}

fn said() -> impl Strategy<Value = About> {
    ("[a-c]@x", prop::option::of("[a-c]"), prop::option::of(name()))
        .prop_map(|(user_name, external, manager)| About { user_name, external, manager })
}

fn absent() -> impl Strategy<Value = Away> {
    (name(), 20_780..20_800_i64, 0..9_i64, prop::option::of(name())).prop_map(
        |(person, from, days, cover)| Away {
            person,
            from: Day(from),
            until: Day(from + days),
            cover,
            of: None,
        },
    )
}

/// Any event, whether it makes sense or not.
fn event() -> impl Strategy<Value = Event> {
    let group = || (0..3_u128).prop_map(GroupId::from_bits);
    let names = || prop::collection::vec(name(), 0..4);
    let pool = prop::sample::select(vec!["finance", "privacy", "revenue-operations", "book club"]);
    prop_oneof![
        (name(), said()).prop_map(|(person, about)| Event::Joined {
            person,
            about,
            calendar: None,
            vouched: true
        }),
        (name(), said()).prop_map(|(person, about)| Event::Changed { person, about }),
        name().prop_map(|person| Event::Left { person }),
        name().prop_map(|person| Event::Returned { person }),
        name().prop_map(|person| Event::Deleted { person }),
        (group(), pool, names(), names()).prop_map(|(group, name, added, removed)| Event::Grouped {
            group,
            name: name.to_owned(),
            external: None,
            added,
            removed
        }),
        group().prop_map(|group| Event::Disbanded { group }),
        (0..5_u64, absent()).prop_map(|(number, away)| Event::Away { number, away }),
        (0..5_u64).prop_map(|number| Event::Back { number }),
    ]
}

proptest! {
    #[test]
    fn any_entries_make_a_directory_in_which_everybody_who_is_named_exists(
        events in prop::collection::vec(event(), 0..40),
    ) {
        let mut register = Register::default();
        let mut deleted = BTreeSet::new();
        for event in events {
            if let Event::Deleted { person } = &event && register.member(person).is_some() {
                deleted.insert(person.clone());
            }
            register = register.after(&Entry { at: now(), by: Actor::Token("idp".to_owned()), event });
        }
        let rulebook = starter_rulebook().with_register(Arc::new(register.clone()));
        let directory = rulebook.directory();
        let knows = |person: &PersonId| directory.knows(person);
        for gone in &deleted {
            prop_assert!(!knows(gone), "{gone} was deleted");
        }
        for (name, known) in &directory.persons {
            prop_assert!(known.manager.as_ref().is_none_or(knows));
            prop_assert!(directory.calendars.contains_key(&known.calendar));
            prop_assert!(directory.manager(name, crate::people::MANAGERS_MAX).is_none(), "a circle above {name}");
        }
        for pool in directory.pools.values() {
            prop_assert!(pool.members.iter().all(knows) && pool.members.contains(&pool.lead));
            let distinct: BTreeSet<&PersonId> = pool.members.iter().collect();
            prop_assert_eq!(distinct.len(), pool.members.len());
        }
        prop_assert!(directory.roles.values().all(knows) && directory.contacts.keys().all(knows));
        prop_assert!(directory.standby.iter().all(|standby| standby.people.iter().all(knows)));
        for absence in &directory.absence {
            prop_assert!(knows(&absence.person) && absence.cover.as_ref().is_none_or(knows));
        }
        for intent in rulebook.intent_types() {
            prop_assert!(knows(&rulebook.successor(&intent.fallback_owner)));
        }
    }
}

#[test]
fn an_account_that_was_ones_is_never_anothers() {
    let mut house = House::new();
    house.told(&join("zoe"));
    let renamed = About { external: Some("E7".to_owned()), ..about("zoe.new@example.com") };
    house.told(&Command::Change { person: person("zoe"), about: renamed, standing: Active::Yes });
    let mut again = |user_name: &str, external: Option<&str>| {
        let about = About { external: external.map(str::to_owned), ..about(user_name) };
        let (person, standing) = (person("zoe-2"), Active::Yes);
        house.refused(&Command::Join { person, about, standing, calendar: None, vouched: true })
    };
    // The old name, in another case, and as somebody's external id.
    assert!(again("ZOE@example.com", None).starts_with("CS-E0161"));
    assert!(again("other@example.com", Some("zoe@example.com")).starts_with("CS-E0161"));
    assert!(again("other@example.com", Some("E7")).starts_with("CS-E0161"));
}

#[test]
fn a_guest_is_not_whom_the_file_gets_later_nor_anybody_by_an_account_of_the_file() {
    let mut house = House::new();
    let guest = Command::Join {
        person: person("ben"),
        about: about("ben@partner.example"),
        standing: Active::Yes,
        calendar: None,
        vouched: false,
    };
    house.told(&guest);
    let account = |name: &str| Account::parse(name).expect("an account");
    let whose = |house: &House, name: &str| {
        house.rulebook.directory().accounts.get(&account(name)).map(ToString::to_string)
    };
    assert_eq!(whose(&house, "ben@partner.example").as_deref(), Some("ben"));
    // Somebody of the same name is employed, and an account of the file is the file's.
    let text = house.rulebook.people().replacen(
        "\n## Pools",
        "| ben | cro | |\n\n## Accounts\n\n| person | account |\n|---|---|\n| ae-1 | sub-1 |\n\n## Pools",
        1,
    );
    let text = text.replacen("\n\n| ben | cro", "\n| ben | cro", 1);
    let register = Arc::clone(house.rulebook.register());
    let changed = house.rulebook.with_people(&text, house.now).unwrap_or_else(|faults| panic!("{faults:#?}"));
    house.rulebook = changed.with_register(register);
    assert!(house.rulebook.house().knows(&person("ben")));
    assert_eq!(whose(&house, "ben@partner.example"), None, "the guest does not sign in as the employee");
    house.told(&join("ae-1"));
    house.told(&delete("ae-1"));
    let second = About { external: Some("sub-1".to_owned()), ..about("zoe@example.com") };
    let (zoe, standing) = (person("zoe"), Active::Yes);
    house.told(&Command::Join { person: zoe, about: second, standing, calendar: None, vouched: true });
    assert_eq!(whose(&house, "sub-1"), None, "it was somebody else's");
}

#[test]
fn whoever_sends_somebody_away_does_not_choose_who_decides_what_they_ask() {
    let mut house = House::new();
    // An owner of the file sends a manager away, and asks for something a moment later.
    let owner = house.rulebook.directory().pool(&house.rulebook.directory().owner).expect("it is there");
    let owner = owner.members[0].to_string();
    let absence = away("director-2", "2026-11-23", "2026-11-27", "director-3");
    assert_eq!(house.says(&owner, &Command::Away(absence)), "1");
    assert_eq!(house.fills("person director-2", "ae-1", DAY), "director-3");
    assert_eq!(house.fills("person director-2", &owner, DAY), "nobody");
}

#[test]
fn a_group_fills_no_emptied_pool_with_a_lead_of_its_own() {
    let mut house = House::new();
    house.told(&join("zoe"));
    house.told(&form(1, "billing", &["zoe"]));
    for name in ["billing-1", "billing-2"] {
        house.told(&join(name));
        house.told(&standing(name, Active::No));
    }
    assert_eq!(house.pool("billing"), "none");
}
