//! An exception is somebody's who is there, also on the day on which its owner is not.

use super::carry_tests::person;
use super::{Context, decide, submit};
use crate::approval::Approval;
use crate::approval::command::{Command, Hope};
use crate::approval::wake::Wake;
use crate::effect::attempt::Detail;
use crate::exception::Exception;
use crate::id::{ExceptionId, IntentId};
use crate::rulebook::Rulebook;
use crate::rulebook::tests::{discount_tokens, starter};
use crate::time::Timestamp;

/// Late on a Monday in New York: what is to be settled in four working hours is due the day after.
const MONDAY: &str = "2026-11-23T21:00:00Z";
const MIDNIGHT: &str = "2026-11-24T05:00:00Z";

/// The starter rules, with pricing-lead away for a day if one is named.
fn house(away: Option<&str>) -> Rulebook {
    let mut files = starter();
    let people = files.iter_mut().find(|file| file.path == "people.md").expect("people.md");
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
    let context = at(rulebook, MONDAY);
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
    assert_eq!(moved.wakes().get(&Wake::Exception(id)), Some(&exception.due), "nothing is ahead any more");
}

#[test]
fn an_absence_that_is_put_on_record_later_wakes_it_too_and_one_that_is_taken_back_does_not() {
    let (there, away) = (house(None), house(Some("2026-11-24")));
    let approval = unsettled(&there);
    let (id, exception) = only(&approval);
    let wakes = |approval: &Approval| approval.wakes().get(&Wake::Exception(id)).copied();
    assert_eq!(wakes(&approval), Some(exception.due));
    let (_, foreseen) = after(&approval, Command::Review, at(&away, MONDAY));
    assert_eq!(wakes(&foreseen), Some(moment(MIDNIGHT)));
    assert_eq!(after(&foreseen, Command::Review, at(&away, MONDAY)).0, 0, "it is remembered once");
    let (_, forgotten) = after(&foreseen, Command::Review, at(&there, MONDAY));
    assert_eq!(wakes(&forgotten), Some(exception.due));
}

#[test]
fn an_absence_that_begins_when_it_is_due_anyway_is_nothing_to_wake_for() {
    let rulebook = house(Some("2026-11-25"));
    let approval = unsettled(&rulebook);
    let (id, exception) = only(&approval);
    assert_eq!((exception.review, approval.wakes().get(&Wake::Exception(id))), (None, Some(&exception.due)));
}
