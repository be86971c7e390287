//! Who breaks the glass, who looks at it, and who sees what is behind it.

use super::*;
use crate::approval::command::{Command, Hope, Reassigned};
use crate::approval::life::{self, Context};
use crate::approval::refusal::Refusal;
use crate::approval::{Approval, Sight, Stage};
use crate::effect::attempt::Detail;
use crate::exception::{Cause, Exception};
use crate::id::IntentId;
use crate::override_::NotOverridden;
use crate::people::Asking;
use crate::rulebook::tests::{discount_tokens, starter};
use crate::rulebook::{Happening, Rulebook};

#[test]
fn the_row_reads_back_as_it_is_written_and_what_is_none_says_what_may_stand_there() {
    for text in ["role cro for 4h", "pool incident-response for 24h", "person boss for 1h"] {
        assert_eq!(BreakGlass::parse(text).map(|row| row.to_string()).as_deref(), Ok(text));
    }
    for text in [
        "",
        "role cro",
        "role cro for 4",
        "role cro for 0h",
        "role cro for 25h",
        "role cro for -1h",
        "everybody for 4h",
        "owner of policy for 4h",
        "manager of requester for 4h",
    ] {
        let why = BreakGlass::parse(text).expect_err(text);
        assert!(why.contains("such as `role cro for 4h`"), "{text}: {why}");
    }
}

fn now() -> Timestamp {
    Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("a moment")
}

fn person(name: &str) -> PersonId {
    PersonId::parse(name).expect("a person")
}

/// The shipped set, with these rows for discounts and these people away.
fn rules(rows: &str, away: &[(&str, &str)]) -> Rulebook {
    let mut files = starter();
    let file = files.iter_mut().find(|file| file.path == "intents/discount.intent.md").expect("the discount");
    file.text = file.text.replacen("| rounds ", &format!("{rows}| rounds "), 1);
    let people = files.iter_mut().find(|file| file.path == "people.md").expect("the people");
    for (who, cover) in away {
        people.text.push_str(&format!("| {who} | 2026-11-20 | 2026-12-18 | {cover} | all |\n"));
    }
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// A discount that waits for somebody, as its facts cannot be had.
fn unsettled(rulebook: &Rulebook) -> Approval {
    let context = Context::new(rulebook, now(), 0);
    let turn = life::submit(context, IntentId::from_bits(1), "ae-1", "discount", &discount_tokens());
    let hopeless = Command::Postpone {
        revision: 1,
        detail: Detail::new("gone", "the quote is gone"),
        wish: None,
        hope: Hope::None,
        denied: None,
    };
    turn.and_then(|turn| turn.then(hopeless)).expect("it is unsure").into_parts().1
}

fn breaks(rulebook: &Rulebook, approval: &Approval, who: &str) -> Result<Approval, Refusal> {
    let (person, reason) = (person(who), "it cannot wait".to_owned());
    let command = Command::BreakGlass { person, revision: 1, reason };
    life::decide(approval, command, Context::new(rulebook, now(), 0)).map(|turn| turn.into_parts().1)
}

fn reviews(approval: &Approval) -> Vec<&Exception> {
    approval.exceptions.values().filter(|exception| exception.cause == Cause::BreakGlass).collect()
}

#[test]
fn whoever_broke_it_and_has_gone_keeps_nobody_else_from_it_and_nobody_looks_at_the_other() {
    let row = "| break glass | pool cro-office for 4h |\n";
    let rulebook = rules(row, &[]);
    let broken = breaks(&rulebook, &unsettled(&rulebook), "cro").expect("it is broken");
    let until = now().plus(Millis::hours(4));
    let already = NotBroken::Already { by: person("cro"), until };
    assert_eq!(breaks(&rulebook, &broken, "cro-chief-of-staff").err(), Some(already.into()));

    let away = rules(row, &[("cro", "cro-chief-of-staff")]);
    let twice = breaks(&away, &broken, "cro-chief-of-staff").expect("cro is away by now");
    let both = [person("cro"), person("cro-chief-of-staff")];
    let reviews = reviews(&twice);
    assert_eq!(reviews.len(), 2);
    for review in reviews {
        assert!(both.iter().all(|person| review.barred.contains(person)), "{review:#?}");
        assert!(!both.contains(&review.owner), "{review:#?}");
    }
}

#[test]
fn whoever_broke_it_does_not_choose_who_looks_at_it() {
    let rulebook = rules("| break glass | person revops-lead for 4h |\n", &[]);
    let broken = breaks(&rulebook, &unsettled(&rulebook), "revops-lead").expect("it is broken");
    let (id, _) =
        broken.exceptions.iter().find(|(_, found)| found.cause == Cause::BreakGlass).expect("a review");
    let moves = |who: &str| {
        let (person, what, reason) = (person(who), Reassigned::Exception { id: *id }, "away".to_owned());
        let command = Command::Reassign {
            person,
            revision: 1,
            what,
            to: super::tests::person("deal-desk-lead"),
            reason,
        };
        life::decide(&broken, command, Context::new(&rulebook, now(), 0)).map(|_| ())
    };
    assert_eq!(moves("revops-lead"), Err(NotOverridden::Own(person("revops-lead")).into()));
    assert_eq!(moves("revops-1"), Ok(()));
}

#[test]
fn at_the_head_of_the_house_somebody_who_is_away_looks_at_it_before_whoever_did_it() {
    let rulebook = rules("", &[]);
    let approval = unsettled(&rulebook);
    let intent = &approval.intent;
    let asking = Asking {
        requester: &intent.requester,
        answers: &[],
        intent_type: &intent.intent_type,
        tokens: &intent.tokens,
    };
    let happened = Happening { cause: Cause::BreakGlass.as_str(), amount: None, connection: None };
    // Everybody but one of the pool that owns the type.
    let directory = rulebook.directory();
    let barred: Vec<PersonId> =
        directory.persons.keys().filter(|person| person.as_str() != "revops-1").cloned().collect();
    let owner = rulebook.owner_of(asking, happened, (9, &barred), now()).expect("somebody").owner;
    assert_eq!(owner, person("revops-1"));
}

#[test]
fn whoever_may_break_it_in_the_place_of_somebody_who_is_away_sees_what_they_decide_on() {
    let rows = "| seen by | those in it |\n| break glass | role cro for 4h |\n";
    let cover = [("cro", "cro-chief-of-staff")];
    let there = rules(rows, &[]);
    let approval = unsettled(&there);
    let sight = |rulebook: &Rulebook, who: &str| rulebook.sight(&approval, &person(who), now());
    assert_eq!(sight(&there, "cro"), Sight::Whole);
    assert_eq!(sight(&there, "director-1"), Sight::Nothing);
    let away = rules(rows, &cover);
    assert_eq!(sight(&away, "cro-chief-of-staff"), Sight::Whole);
    let broken = breaks(&away, &approval, "cro-chief-of-staff").expect("they stand in");
    assert!(matches!(broken.stage, Stage::Unsettled { .. }));
}
