//! An exception is somebody's who is there, also on the day on which its owner is not.

use super::carry_tests::person;
use super::{Context, decide, submit};
use crate::approval::Approval;
use crate::approval::command::{Command, Hope};
use crate::approval::event::{Actor, Event};
use crate::approval::wake::Wake;
use crate::effect::attempt::Detail;
use crate::exception::{Closure, Exception};
use crate::id::{ExceptionId, IntentId};
use crate::rulebook::Rulebook;
use crate::rulebook::tests::{discount_tokens, starter};
use crate::time::Timestamp;

/// Late on a Monday in New York: what is to be settled in four working hours is due the day after.
const MONDAY: &str = "2026-11-23T21:00:00Z";
const MIDNIGHT: &str = "2026-11-24T05:00:00Z";
/// Three of the four hours have run.
const MOST: &str = "2026-11-24T16:00:00Z";
const DUE: &str = "2026-11-24T17:00:00Z";

/// The starter rules, with pricing-lead away for a day if one is named.
fn house(away: Option<&str>) -> Rulebook {
    house_with(away, "")
}

/// The same with one more section.
fn house_with(away: Option<&str>, section: &str) -> Rulebook {
    let mut files = starter();
    let people = files.iter_mut().find(|file| file.path == "people.md").expect("people.md");
    people.text = people.text.replacen("## Roles", &format!("{section}## Roles"), 1);
    if let Some(day) = away {
        people.text.push_str(&format!("| pricing-lead | {day} | {day} | cro | all |\n"));
    }
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn moment(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).expect("a moment")
}

fn at<'a>(rulebook: &'a Rulebook, text: &str) -> Context<'a> {
    Context::new(rulebook, moment(text), 7)
}

/// A discount whose facts cannot be had, since Monday.
fn unsettled(rulebook: &Rulebook) -> Approval {
    unsettled_at(rulebook, MONDAY)
}

fn unsettled_at(rulebook: &Rulebook, moment: &str) -> Approval {
    let context = at(rulebook, moment);
    let asked = submit(context, IntentId::from_bits(1), "ae-1", "discount", &discount_tokens());
    let detail = Detail::new("gone", "the quote is gone");
    let hopeless = Command::Postpone { revision: 1, detail, wish: None, hope: Hope::None, denied: None };
    asked.and_then(|turn| turn.then(hopeless)).expect("it is unsure").into_parts().1
}

fn only(approval: &Approval) -> (ExceptionId, &Exception) {
    let found: Vec<_> = approval.exceptions.iter().collect();
    let [(id, exception)] = found.as_slice() else { panic!("one exception: {found:#?}") };
    (**id, exception)
}

/// After a command; says how many entries it made.
fn after(approval: &Approval, command: Command, context: Context<'_>) -> (usize, Approval) {
    let (entries, approval) = decide(approval, command, context).expect("it is taken").into_parts();
    (entries.len(), approval)
}

#[test]
fn an_exception_is_somebody_elses_from_the_midnight_on_at_which_its_owner_is_away() {
    let rulebook = house(Some("2026-11-24"));
    let approval = unsettled(&rulebook);
    let (id, exception) = only(&approval);
    assert_eq!((&exception.owner, exception.due), (&person("pricing-lead"), moment("2026-11-24T17:00:00Z")));
    assert_eq!(approval.wakes().get(&Wake::Exception(id)), Some(&moment(MIDNIGHT)));

    let (_, moved) = after(&approval, Command::ExceptionDue { id }, at(&rulebook, MIDNIGHT));
    let (_, theirs) = only(&moved);
    assert_ne!(theirs.owner, exception.owner);
    assert_eq!((theirs.due, theirs.missed), (exception.due, 0), "its time runs on");
    assert_eq!(moved.wakes().get(&Wake::Exception(id)), Some(&moment(MOST)), "it is reminded as before");
}

#[test]
fn an_absence_that_is_put_on_record_later_wakes_it_too_and_one_that_is_taken_back_does_not() {
    let (there, away) = (house(None), house(Some("2026-11-24")));
    let approval = unsettled(&there);
    let (id, exception) = only(&approval);
    let wakes = |approval: &Approval| approval.wakes().get(&Wake::Exception(id)).copied();
    assert_eq!((wakes(&approval), exception.due), (Some(moment(MOST)), moment(DUE)));
    let (_, foreseen) = after(&approval, Command::Review, at(&away, MONDAY));
    assert_eq!(wakes(&foreseen), Some(moment(MIDNIGHT)));
    assert_eq!(after(&foreseen, Command::Review, at(&away, MONDAY)).0, 0, "it is remembered once");
    let (_, forgotten) = after(&foreseen, Command::Review, at(&there, MONDAY));
    assert_eq!(wakes(&forgotten), Some(moment(MOST)));
}

#[test]
fn an_absence_that_begins_when_it_is_due_anyway_is_nothing_to_wake_for() {
    let rulebook = house(Some("2026-11-25"));
    let approval = unsettled(&rulebook);
    let (id, exception) = only(&approval);
    assert_eq!((exception.review, approval.wakes().get(&Wake::Exception(id))), (None, Some(&moment(MOST))));
}

#[test]
fn whoever_answers_is_reminded_once_before_it_is_passed_on_and_so_is_whoever_comes_next() {
    let rulebook = house(None);
    let approval = unsettled(&rulebook);
    let (id, first) = only(&approval);
    let wakes = |approval: &Approval| approval.wakes().get(&Wake::Exception(id)).copied();
    let due = |approval: &Approval, text: &str| {
        let turn = decide(approval, Command::ExceptionDue { id }, at(&rulebook, text)).expect("it is taken");
        let (entries, approval) = turn.into_parts();
        (entries.into_iter().map(|entry| (entry.by, entry.event)).collect::<Vec<_>>(), approval)
    };
    assert_eq!(due(&approval, "2026-11-24T15:59:59.999Z").0, [], "not a moment early");
    let (told, reminded) = due(&approval, MOST);
    let next = Some(person("revops-lead"));
    assert_eq!(told, [(Actor::Timer, Event::ExceptionReminded { id, next })]);
    assert_eq!((wakes(&reminded), &only(&reminded).1.owner), (Some(moment(DUE)), &first.owner));
    assert_eq!(due(&reminded, "2026-11-24T16:59:59.999Z").0, [], "once");

    // Whoever has it next has all of its time, and a reminder of their own.
    let (_, passed) = due(&reminded, DUE);
    let (_, theirs) = only(&passed);
    let again = theirs.remind.expect("a moment");
    assert!(moment(DUE) < again && again < theirs.due && theirs.missed == 1, "{theirs:?}");
    assert_eq!(wakes(&passed), Some(again));
    // A host that slept through it all passes it on, and reminds nobody of what is not theirs any more.
    let (late, _) = due(&approval, "2026-11-26T12:00:00Z");
    assert!(matches!(late.as_slice(), [(_, Event::ExceptionEscalated { .. })]), "{late:?}");

    let (owner, by) = (first.owner.clone(), Closure::Decline);
    let close = Command::CloseException { person: owner, id, by, reason: "the quote is gone".to_owned() };
    let (_, closed) = after(&approval, close, at(&rulebook, MONDAY));
    assert_eq!((wakes(&closed), due(&closed, MOST).0), (None, Vec::new()), "what is closed reminds nobody");
}

#[test]
fn what_an_older_host_opened_is_passed_on_and_reminds_nobody() {
    let rulebook = house(None);
    let mut approval = unsettled(&rulebook);
    let (id, exception) = only(&approval);
    let mut older = serde_json::to_value(exception).expect("it is written");
    older.as_object_mut().expect("an object").remove("remind").expect("it has one");
    let opened = exception.opened;
    let older: Exception = serde_json::from_value(older).expect("it reads");
    assert_eq!(older.remind, None);
    approval.exceptions.insert(id, Exception { opened, ..older });
    assert_eq!(approval.wakes().get(&Wake::Exception(id)), Some(&moment(DUE)));
    assert_eq!(after(&approval, Command::ExceptionDue { id }, at(&rulebook, MOST)).0, 0);
}

#[test]
fn an_exception_stays_with_whoever_was_on_call_when_it_was_given_to_them() {
    let turns = "## Rotations\n\n| pool | from | days | order |\n|---|---|---|---|\n\
                 | pricing | 2026-11-17 | 7 | pricing-1, pricing-lead |\n\n";
    let rulebook = house_with(None, turns);
    let approval = unsettled(&rulebook);
    let (id, exception) = only(&approval);
    assert_eq!(exception.owner, person("pricing-1"), "it is their week");
    // The week of pricing-lead has begun.
    let (entries, same) = after(&approval, Command::Review, at(&rulebook, MIDNIGHT));
    assert_eq!((entries, &only(&same).1.owner), (0, &exception.owner));
    assert_eq!(
        only(&unsettled_at(&rulebook, MIDNIGHT)).1.owner,
        person("pricing-lead"),
        "what comes now is theirs"
    );
    let (_, moved) = after(&approval, Command::ExceptionDue { id }, at(&rulebook, DUE));
    assert_eq!(only(&moved).1.owner, person("revops-lead"), "missed, it is its backup's");
}
