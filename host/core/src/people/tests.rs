//! Who fills a seat, and until when.

use super::*;
use crate::rulebook::Rulebook;
use crate::rulebook::tests::{starter, starter_rulebook};
use crate::time::Millis;

fn person(name: &str) -> PersonId {
    PersonId::parse(name).expect("it is a name")
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).expect("it is a moment")
}

fn fill(
    whom: &str,
    requester: &str,
    excluded: &[&str],
    of: &str,
    on: &str,
) -> Option<(String, String, String)> {
    let rulebook = starter_rulebook();
    let whom = Whom::parse(whom).expect("it names somebody");
    let requester = person(requester);
    let intent_type = IntentTypeName::parse(of).expect("it is a name");
    let tokens = Tokens::new();
    let asking = Asking { requester: &requester, answers: &[], intent_type: &intent_type, tokens: &tokens };
    let excluded: Vec<PersonId> = excluded.iter().map(|name| person(name)).collect();
    let filled = rulebook.directory().fill(&whom, asking, &excluded, at(on))?;
    let eligible: Vec<&str> = filled.eligible.iter().map(PersonId::as_str).collect();
    Some((eligible.join(", "), filled.owner.to_string(), filled.calendar.to_string()))
}

#[test]
fn a_seat_goes_to_those_who_are_there_and_have_no_part_in_it() {
    let check = |whom: &str, requester: &str, excluded: &[&str], of: &str, on: &str, expected: &str| {
        let found =
            fill(whom, requester, excluded, of, on).map(|(people, owner, _)| format!("{people} / {owner}"));
        assert_eq!(found.as_deref().unwrap_or("nobody"), expected, "{whom} for {requester} on {on}");
    };
    let day = "2026-11-23T15:00:00Z";
    check("pool directors", "ae-1", &[], "discount", day, "director-1, director-2, director-3 / director-1");
    check("pool directors", "director-1", &[], "discount", day, "director-2, director-3 / director-2");
    check(
        "pool directors",
        "ae-1",
        &["director-1", "director-2"],
        "discount",
        day,
        "director-3 / director-3",
    );
    check("manager of requester", "ae-1", &[], "discount", day, "sales-manager-1 / sales-manager-1");
    check("manager of manager of requester", "ae-1", &[], "discount", day, "director-1 / director-1");
    check("manager of requester", "cro", &[], "discount", day, "nobody");
    check(
        "role general-counsel",
        "counsel-1",
        &[],
        "contract_redline",
        day,
        "general-counsel / general-counsel",
    );
    // In conflict: the standby, then the second one.
    check(
        "role general-counsel",
        "general-counsel",
        &[],
        "discount",
        day,
        "deputy-general-counsel / deputy-general-counsel",
    );
    check(
        "role general-counsel",
        "general-counsel",
        &["deputy-general-counsel"],
        "discount",
        day,
        "legal-lead-1 / legal-lead-1",
    );
    check("manager of requester", "ae-1", &["sales-manager-1"], "discount", day, "director-1 / director-1");
    check("person finance-1", "ae-1", &["finance-1"], "discount", day, "nobody");
    // Away: the cover; both days count, in the person's calendar.
    check("person finance-2", "ae-1", &[], "refund", "2026-12-14T15:00:00Z", "finance-1 / finance-1");
    check("person finance-2", "finance-1", &[], "refund", "2026-12-18T15:00:00Z", "nobody");
    check("person finance-2", "ae-1", &[], "refund", "2026-12-19T15:00:00Z", "finance-2 / finance-2");
    check(
        "pool directors",
        "ae-1",
        &[],
        "discount",
        "2026-12-22T15:00:00Z",
        "director-2, director-3 / director-2",
    );
    check("pool directors", "director-2", &[], "discount", "2026-12-22T15:00:00Z", "director-3 / director-3");
    // Away for one intent type only.
    check(
        "person counsel-1",
        "ae-1",
        &[],
        "contract_redline",
        "2026-12-02T15:00:00Z",
        "counsel-2 / counsel-2",
    );
    check("person counsel-1", "ae-1", &[], "discount", "2026-12-02T15:00:00Z", "counsel-1 / counsel-1");
}

#[test]
fn whoever_stands_by_for_one_of_a_pool_has_their_place_and_nobody_elses() {
    let mut files = starter();
    let people = files.iter_mut().find(|file| file.path == "people.md").expect("the people");
    let row = "| person sales-manager-2 | director-3             | director-2     |\n";
    let more = format!("{row}| person director-1 | vp-sales-1 | |\n");
    assert!(people.text.contains(row));
    people.text = people.text.replacen(row, &more, 1);
    for (who, cover) in
        [("director-1", "director-2"), ("director-2", "director-1"), ("director-3", "director-1")]
    {
        people.text =
            format!("{}\n| {who} | 2026-11-25 | 2026-11-25 | {cover} | all |\n", people.text.trim_end());
    }
    let rulebook = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let (whom, of) = (Whom::parse("pool directors").expect("a pool"), IntentTypeName::parse("discount"));
    let (of, tokens) = (of.expect("a name"), Tokens::new());
    let check = |requester: &str, used: &[&str], expected: &str| {
        let (requester, used) = (person(requester), used.iter().map(|name| person(name)).collect::<Vec<_>>());
        let asking = Asking { requester: &requester, answers: &[], intent_type: &of, tokens: &tokens };
        let filled =
            rulebook.directory().fill_places(&whom, asking, (&[], &used), at("2026-11-25T15:00:00Z"));
        let standing = filled.map(|filled| {
            filled
                .standing_in
                .iter()
                .map(|(who, whose)| format!("{who} for {whose}"))
                .collect::<Vec<_>>()
                .join(", ")
        });
        assert_eq!(standing.as_deref().unwrap_or("nobody"), expected, "{requester}, {used:?}");
    };
    check("ae-1", &[], "vp-sales-1 for director-1");
    check("ae-1", &["director-2"], "vp-sales-1 for director-1");
    check("ae-1", &["director-1"], "nobody");
    // What the requester's standby decided would be decided in the place of somebody else.
    check("director-1", &[], "nobody");
}

#[test]
fn a_pool_has_its_calendar_and_a_person_their_own() {
    let calendar = |whom: &str| {
        fill(whom, "ae-1", &[], "discount", "2026-11-23T15:00:00Z").map(|(_, _, calendar)| calendar)
    };
    assert_eq!(calendar("pool privacy").as_deref(), Some("dublin"));
    assert_eq!(calendar("person ae-3").as_deref(), Some("dublin"));
    assert_eq!(calendar("role cro").as_deref(), Some("us-east"));
}

#[test]
fn business_hours_run_while_the_calendar_is_open() {
    let rulebook = starter_rulebook();
    let check = |within: &str, calendar: &str, from: &str, expected: &str| {
        let within = Within::parse(within).expect("it is a limit");
        let calendar = CalendarName::parse(calendar).expect("it is a name");
        let due = rulebook.directory().due(&within, &calendar, at(from));
        assert_eq!(due, at(expected), "{within} in {calendar} from {from}: {due}");
    };
    // A Monday: New York is at -05:00, so it opens at 14:00 UTC and closes at 22:00.
    check("2bh", "us-east", "2026-11-23T15:00:00Z", "2026-11-23T17:00:00Z");
    check("8bh", "us-east", "2026-11-23T15:00:00Z", "2026-11-24T15:00:00Z");
    check("8bh", "us-east", "2026-11-23T03:00:00Z", "2026-11-23T22:00:00Z");
    // Thanksgiving (26th) and the week-end are closed.
    check("4bh", "us-east", "2026-11-25T20:00:00Z", "2026-11-27T16:00:00Z");
    check("4bh", "us-east", "2026-11-27T20:00:00Z", "2026-11-30T16:00:00Z");
    // Clocks go forward on 2026-03-08 and back on 2026-11-01.
    check("8bh", "us-east", "2026-03-06T20:00:00Z", "2026-03-09T19:00:00Z");
    check("8bh", "us-east", "2026-10-30T19:00:00Z", "2026-11-02T20:00:00Z");
    check("2h", "us-east", "2026-11-28T20:00:00Z", "2026-11-28T22:00:00Z");
    check("30bh", "always", "2026-11-28T20:00:00Z", "2026-11-30T02:00:00Z");
}

#[test]
fn a_clock_that_stood_still_loses_and_wins_nothing() {
    let rulebook = starter_rulebook();
    let directory = rulebook.directory();
    for calendar in ["us-east", "dublin", "always"] {
        let calendar = CalendarName::parse(calendar).expect("it is a name");
        for within in ["8bh", "20h"] {
            let within = Within::parse(within).expect("it is a limit");
            // A year that holds both changes of the clock, holidays and every hour of the week.
            for hour in (0..365 * 24).step_by(5) {
                let opened = at("2026-03-01T00:30:00Z").plus(Millis::hours(hour));
                let due = directory.due(&within, &calendar, opened);
                let asked = opened.plus(Millis::minutes(hour % 300));
                let left = directory.left(&within, &calendar, asked, due);
                let same = directory.after(&within, &calendar, asked, left);
                assert_eq!(same, due.max(asked), "an answer at once changes nothing: {opened} {calendar}");
                let answered = asked.plus(Millis::hours(hour % 90));
                let later = directory.after(&within, &calendar, answered, left);
                assert_eq!(
                    directory.left(&within, &calendar, answered, later),
                    left,
                    "{answered} {calendar}"
                );
            }
        }
    }
}

#[test]
fn a_seat_looks_again_when_an_absence_begins_or_ends_where_its_person_lives() {
    let mut rulebook = starter_rulebook();
    let text = format!(
        "{}\n| finance-3 | 2026-12-02 | 2026-12-03 | deal-desk-2 | all |\n\
         | deal-desk-2 | 2026-12-03 | 2026-12-03 | pricing-1 | refund |\n\
         | cro-chief-of-staff | 2026-12-05 | 2026-12-05 | cro | all |\n",
        rulebook.people().trim_end()
    );
    let now = at("2026-11-23T15:00:00Z");
    rulebook = rulebook.with_people(&text, now).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let check = |whom: &str, of: &str, on: &str, expected: &str| {
        let (requester, tokens) = (person("ae-1"), Tokens::new());
        let intent_type = IntentTypeName::parse(of).expect("it is a name");
        let asking =
            Asking { requester: &requester, answers: &[], intent_type: &intent_type, tokens: &tokens };
        let whom = Whom::parse(whom).expect("it names somebody");
        let next = rulebook.directory().next_change(&whom, asking, at(on));
        assert_eq!(next.map(|next| next.to_string()).unwrap_or_default(), expected, "{whom} from {on}");
    };
    // Dublin is at UTC in winter, New York five hours behind.
    check("pool finance", "discount", "2026-11-23T15:00:00Z", "2026-12-02T00:00:00.000Z");
    check("pool finance", "discount", "2026-12-02T00:00:00Z", "2026-12-04T00:00:00.000Z");
    check("pool finance", "refund", "2026-12-02T00:00:00Z", "2026-12-03T00:00:00.000Z");
    check("pool finance", "discount", "2026-12-04T00:00:00Z", "2026-12-14T05:00:00.000Z");
    check("pool finance", "discount", "2026-12-14T05:00:00Z", "2026-12-19T05:00:00.000Z");
    check("pool finance", "discount", "2026-12-19T05:00:00Z", "");
    // The standby of a role counts as well.
    check("role cro", "discount", "2026-11-23T15:00:00Z", "2026-12-05T05:00:00.000Z");
    check("pool privacy", "discount", "2026-11-23T15:00:00Z", "");
    // Whether somebody has time for it is a matter of their own absence, and of no cover's.
    let away = |who: &str, of: &str, on: &str| {
        let of = IntentTypeName::parse(of).expect("it is a name");
        rulebook.directory().next_away(&person(who), &of, at(on)).map(|begins| begins.to_string())
    };
    let begins = Some("2026-12-02T00:00:00.000Z".to_owned());
    assert_eq!(away("finance-3", "refund", "2026-11-23T15:00:00Z"), begins);
    assert_eq!(away("finance-3", "refund", "2026-12-02T00:00:00Z"), None);
    assert_eq!(away("deal-desk-2", "discount", "2026-11-23T15:00:00Z"), None);
    assert!(away("deal-desk-2", "refund", "2026-11-23T15:00:00Z").is_some());
}

#[test]
fn a_calendar_that_makes_no_sense_is_refused() {
    let check = |zone: &str, days: &str, hours: &str, column: usize| {
        let fault = Calendar::parse(zone, days, hours).expect_err("it makes no sense");
        assert_eq!(fault.0, column, "{fault:?}");
    };
    check("Mars/Olympus", "mon-fri", "09:00-17:00", 0);
    check("UTC", "monday", "09:00-17:00", 1);
    check("UTC", "mon-fri", "9-17", 2);
    check("UTC", "mon-fri", "17:00-09:00", 2);
    check("UTC", "mon-fri", "09:00-24:30", 2);
    assert!(Calendar::parse("UTC", "sun-tue, fri", "00:00-24:00").is_ok());
}

/// `people.md` of the shipped rules with one more section, read.
fn with_section(section: &str) -> Result<Directory, Vec<String>> {
    let text = include_str!("../../../cli/starter/people.md");
    let text = text.replacen("## Pools", &format!("{section}\n## Pools"), 1);
    let mut faults = crate::document::Faults::new("people.md");
    let file = crate::document::SourceFile { path: "people.md".to_owned(), text };
    let directory = Directory::parse(&file, &mut faults);
    let faults = faults.into_list();
    if faults.is_empty() {
        Ok(directory.expect("it has no fault"))
    } else {
        Err(faults.iter().map(ToString::to_string).collect())
    }
}

fn accounts(rows: &str) -> Result<Vec<(String, String)>, Vec<String>> {
    let directory = with_section(&format!("## Accounts\n\n| person | account |\n|---|---|\n{rows}"))?;
    Ok(directory.accounts.iter().map(|(account, person)| (account.to_string(), person.to_string())).collect())
}

#[test]
fn an_account_is_of_one_person_and_a_person_may_have_several() {
    let two = accounts("| ae-1 | a.ann@example.com |\n| ae-1 | 00u1ann |\n").expect("no fault");
    assert_eq!(two.len(), 2);
    assert!(two.iter().all(|(_, person)| person == "ae-1"));
    let faults = accounts("| ae-1 | shared |\n| cro | shared |\n").expect_err("it is a fault");
    assert!(
        faults.iter().any(|fault| fault.contains("`shared` is the account of `ae-1` already")),
        "{faults:?}"
    );
    for odd in ["with space", "b\u{43e}", ""] {
        let faults = accounts(&format!("| ae-1 | {odd} |\n")).expect_err("it is a fault");
        assert!(faults[0].contains("an account"), "{faults:?}");
    }
    assert!(accounts("| nobody | x |\n").is_err());
}

fn contacts(rows: &str) -> Result<Vec<String>, Vec<String>> {
    let directory =
        with_section(&format!("## Contacts\n\n| person | by | address |\n|---|---|---|\n{rows}"))?;
    let contacts = directory.contacts;
    let ways = |(person, ways): (PersonId, Vec<Contact>)| {
        let ways: Vec<String> = ways.iter().map(ToString::to_string).collect();
        format!("{person}: {}", ways.join(", "))
    };
    Ok(contacts.into_iter().map(ways).collect())
}

#[test]
fn a_person_can_be_told_in_several_ways() {
    let rows = "| ae-1 | mail | sam@example.com |\n| ae-2 | webhook | chat |\n| ae-1 | webhook | chat |\n";
    let expected = ["ae-1: mail to sam@example.com, webhook chat", "ae-2: webhook chat"];
    assert_eq!(contacts(rows), Ok(expected.map(str::to_owned).to_vec()));
    assert_eq!(contacts(""), Ok(Vec::new()));
}

#[test]
fn every_fault_of_a_contact_has_its_place() {
    let check = |row: &str, expected: &str| {
        let faults = contacts(row).expect_err("it is a fault");
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{row}: {faults:?}");
        assert!(faults.iter().all(|fault| fault.starts_with("people.md:69:")), "{row}: {faults:?}");
    };
    check("| ae-9 | mail | sam@example.com |\n", "`ae-9` is no person of this file");
    check("| ae-1 | mail |  |\n", "there is no address");
    check("| ae-1 | webhook |  |\n", "the webhook has no name");
    check("| ae-1 | mail | sam |\n", "`sam` is no mail address");
    check("| ae-1 | webhook | Chat Room |\n", "`Chat Room` is not a webhook");
    check("| ae-1 | pigeon | loft |\n", "`pigeon` is no way to tell somebody");
    let twice = "| ae-1 | mail | sam@example.com |\n| ae-1 | mail | sam@example.com |\n";
    let faults = contacts(twice).expect_err("it is a fault");
    assert_eq!(faults, ["people.md:70:3: `ae-1` is told by mail to sam@example.com already"]);
}

#[test]
fn a_moment_is_spelt_by_the_clocks_of_its_reader() {
    let rulebook = starter_rulebook();
    let check = |who: &str, moment: &str, expected: &str| {
        let spelt = rulebook.directory().spelt(&person(who), at(moment), at("2026-11-23T15:00:00Z"));
        assert_eq!(spelt.to_string(), expected);
    };
    check("ae-1", "2026-11-30T22:00:00Z", "Mon 30 Nov 17:00 New York (22:00 UTC)");
    check("ae-1", "2026-12-01T03:30:00Z", "Mon 30 Nov 22:30 New York (Tue 1 Dec 03:30 UTC)");
    check("ae-1", "2027-07-01T21:00:00Z", "Thu 1 Jul 2027 17:00 New York (21:00 UTC)");
    check("ae-3", "2026-11-30T17:00:00Z", "Mon 30 Nov 17:00 Dublin (17:00 UTC)");
    check("integration-1", "2026-11-30T17:00:00Z", "Mon 30 Nov 17:00 UTC");
    check("nobody-here", "2026-11-30T17:00:00Z", "Mon 30 Nov 17:00 UTC");
}

#[test]
fn an_auditor_has_no_other_duty() {
    let mut directory = starter_rulebook().directory().clone();
    let (auditor, operator) = (person("auditor-1"), person("integration-1"));
    assert!(directory.has_duty(&auditor, Duty::Auditor) && directory.has_duty(&operator, Duty::Operator));
    assert!(!directory.has_duty(&operator, Duty::Auditor) && !directory.has_duty(&auditor, Duty::Operator));
    // A group puts them into the other pool: they audit, and do nothing that they would audit.
    let integrations = PoolName::parse("integrations").expect("it is a name");
    directory.pools.get_mut(&integrations).expect("the pool").members.push(auditor.clone());
    assert!(directory.has_duty(&auditor, Duty::Auditor) && !directory.has_duty(&auditor, Duty::Operator));
    // Whoever left has none.
    directory.persons.remove(&operator);
    assert!(!directory.has_duty(&operator, Duty::Operator));
}

#[test]
fn an_integration_owner_looks_after_their_connections_alone() {
    let mut directory = starter_rulebook().directory().clone();
    let connection = |name: &str| ConnectionName::parse(name).expect("a name");
    let looks_after = |directory: &Directory, who: &str, after: Option<&str>| {
        directory.looks_after(&person(who), after.map(connection).as_ref())
    };
    for (who, of_billing, of_crm, of_all) in [
        ("billing-1", true, false, false),
        ("billing-2", true, false, false),
        ("integration-1", true, true, true),
        ("revops-lead", false, false, false),
        ("auditor-1", false, false, false),
        ("somebody-else", false, false, false),
    ] {
        let found = [Some("billing"), Some("crm"), None].map(|after| looks_after(&directory, who, after));
        assert_eq!(found, [of_billing, of_crm, of_all], "{who}");
    }
    let (crm, billing) = (connection("crm"), PoolName::parse("billing").expect("it is a name"));
    let refused = directory.operates(&person("billing-1"), Some(&crm)).expect_err("it is not theirs");
    assert_eq!(refused.to_string(), "`billing-1` is neither an operator nor an integration owner of `crm`");
    let refused = directory.operates(&person("billing-1"), None).expect_err("connectors are for operators");
    assert_eq!(refused.to_string(), "`billing-1` is no operator");
    // A group puts an auditor into the pool: they look after nothing that they would audit.
    directory.pools.get_mut(&billing).expect("the pool").members.push(person("auditor-1"));
    assert!(!looks_after(&directory, "auditor-1", Some("billing")));
    directory.persons.remove(&person("billing-1"));
    assert!(!looks_after(&directory, "billing-1", Some("billing")), "whoever left looks after nothing");
    // Where nobody says who operates, the word of a token counts; no more than that.
    directory.duties.remove(&Duty::Operator);
    assert_eq!(directory.operates(&person("ae-1"), Some(&crm)), Ok(()));
    assert!(!looks_after(&directory, "ae-1", Some("crm")));
}
