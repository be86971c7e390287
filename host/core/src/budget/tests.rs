//! What a budget says, and what a count of exceptions makes of it.

use super::*;
use crate::approval::command::{Command, Hope};
use crate::approval::life::{self, Context};
use crate::approval::refusal::Refusal;
use crate::effect::attempt::Detail;
use crate::exception::Closure;
use crate::rulebook::Rulebook;
use crate::rulebook::tests::{discount_tokens, starter};

const HOUR: i64 = HOUR_MS;

fn budget(text: &str) -> Budget {
    Budget::parse(text).expect("it is a budget")
}

fn told(level: Level, opened: i64, closed: Option<i64>) -> (IntentId, Told) {
    let owner = PersonId::parse("ann").expect("a person");
    let (opened, closed) = (Timestamp(opened), closed.map(Timestamp));
    (IntentId::from_bits(1), Told { opened, level, owner, closed })
}

fn spending(text: &str, opened: &[i64], about: Vec<(IntentId, Told)>, now: i64) -> Spending {
    let opened = opened.iter().map(|at| (Timestamp(*at), IntentId::from_bits(1))).collect();
    Spending::of(&budget(text), Found { opened, told: about }, Timestamp(now))
}

#[test]
fn a_budget_reads_back_as_it_is_written() {
    for text in [
        "20 in 7d, warn at 50%, then warn",
        "1 in 1d, warn at 1%, then refuse",
        "1000 in 92d, warn at 99%, then council incident-council",
    ] {
        assert_eq!(budget(text).to_string(), text);
    }
}

#[test]
fn what_is_no_budget_says_what_may_stand_there() {
    let check = |text: &str, why: &str| {
        let found = Budget::parse(text).expect_err(text);
        assert!(found.contains(why), "{text}: {found}");
    };
    check("", "write `20 in 7d, warn at 50%, then refuse`");
    check("20 in 7d, then refuse", "write `20 in 7d, warn at 50%, then refuse`");
    check("20 in 7d, warn at 50%, then refuse, then warn", "write `20 in 7d");
    check("20 a week, warn at 50%, then warn", "`20 a week`: write how many in how many days");
    check("20 in 7, warn at 50%, then warn", "`20 in 7`: write how many in how many days");
    check("0 in 7d, warn at 50%, then warn", "`0` is no number from 1 to 1000");
    check("1001 in 7d, warn at 50%, then warn", "`1001` is no number from 1 to 1000");
    check("20 in 93d, warn at 50%, then warn", "`93` is no number from 1 to 92");
    check("20 in 7d, warn at 50, then warn", "`warn at 50`: write when the owner is told");
    check("20 in 7d, warn at 0%, then warn", "`0` is no number from 1 to 99");
    check("20 in 7d, warn at 100%, then warn", "`100` is no number from 1 to 99");
    check("20 in 7d, warn at 50%, then wait", "`then wait` is none of `then warn`");
    check("20 in 7d, warn at 50%, then council", "is none of");
    check("20 in 7d, warn at 50%, then council A B", "is none of");
    check("20 in 7d, warn at 50%, then council Panel", "`Panel` is not a route");
}

#[test]
fn the_part_at_which_the_owner_is_told_is_rounded_up() {
    let check = |text: &str, from: u32| assert_eq!(budget(text).warns_from(), from, "{text}");
    check("20 in 7d, warn at 50%, then warn", 10);
    check("3 in 7d, warn at 50%, then warn", 2);
    check("1 in 7d, warn at 1%, then warn", 1);
    check("1000 in 7d, warn at 99%, then warn", 990);
}

#[test]
fn an_exception_counts_as_long_as_the_days_say_and_no_longer() {
    let text = "2 in 1d, warn at 50%, then refuse";
    let day = 24 * HOUR;
    let check = |now: i64, count: u32, level: Option<Level>, ends: Option<i64>| {
        let spending = spending(text, &[5, 7], Vec::new(), now);
        let found = (spending.count(), spending.level(), spending.ends());
        assert_eq!(found, (count, level, ends.map(Timestamp)), "at {now}");
    };
    check(7, 2, Some(Level::Spent), Some(5 + day));
    check(5 + day - 1, 2, Some(Level::Spent), Some(5 + day));
    check(5 + day, 1, Some(Level::Burning), None);
    check(7 + day, 0, None, None);
    // A clock that was set back does not hide what was opened.
    check(-3 * day, 2, Some(Level::Spent), Some(5 + day));
}

#[test]
fn when_more_were_opened_than_it_allows_enough_of_them_must_be_forgotten() {
    let spending = spending("2 in 1d, warn at 50%, then refuse", &[1, 2, 3, 4], Vec::new(), 9);
    assert_eq!(spending.ends(), Some(Timestamp(3 + 24 * HOUR)));
}

#[test]
fn closing_it_when_it_is_spent_begins_the_count_anew_and_before_that_it_does_not() {
    let text = "2 in 1d, warn at 50%, then refuse";
    let check = |about: Vec<(IntentId, Told)>, count: u32, was_told: bool, is_open: bool| {
        let spending = spending(text, &[1, 5, 9], about, 10);
        assert_eq!(
            (spending.count(), spending.was_told, spending.open.is_some()),
            (count, was_told, is_open)
        );
    };
    check(vec![], 3, false, false);
    check(vec![told(Level::Burning, 1, Some(6))], 3, true, false);
    check(vec![told(Level::Burning, 1, None)], 3, true, true);
    check(vec![told(Level::Spent, 1, Some(6))], 1, false, false);
    check(vec![told(Level::Spent, 1, Some(6)), told(Level::Spent, 7, Some(8))], 1, false, false);
    check(vec![told(Level::Spent, 1, Some(6)), told(Level::Burning, 9, None)], 1, true, true);
    check(vec![told(Level::Spent, 1, Some(9))], 0, false, false);
}

#[test]
fn growth_at_twice_the_allowed_rate_is_foretold_to_the_hour() {
    // 14 in 7 days are one every 12 hours; they come every 6 hours.
    let text = "14 in 7d, warn at 50%, then refuse";
    let every =
        |hours: i64, count: i64| -> Vec<i64> { (0..count).map(|number| number * hours * HOUR).collect() };
    let check = |opened: &[i64], foretold: Option<i64>| {
        let now = opened.last().copied().unwrap_or_default();
        let found = spending(text, opened, Vec::new(), now).exhausted();
        assert_eq!(found, foretold.map(|hour| Timestamp(hour * HOUR)), "{opened:?}");
    };
    check(&every(6, 7), Some(13 * 6));
    check(&every(6, 13), Some(13 * 6));
    check(&every(6, 14), None);
    // Slower than they are forgotten: never.
    check(&every(13, 7), None);
    // One alone is no rate.
    check(&every(6, 1), None);
    // What came long before does not hide that they come faster now.
    let mut faster = every(24, 3);
    faster.extend((1..=4).map(|number| (48 + number) * HOUR));
    check(&faster, Some(52 + 7));
    // All at one moment: this hour.
    check(&[0; 7], Some(0));
    // What leaves the window meanwhile makes room: four of long ago are gone before six more have come.
    let mut renewed: Vec<i64> = vec![0; 4];
    renewed.extend([144, 150, 156, 162].map(|hour| hour * HOUR));
    check(&renewed, Some(162 + 10 * 6));
}

#[test]
fn whoever_has_not_heard_that_it_is_spent_does_not_close_the_one_that_says_that_it_burns() {
    let mut files = starter();
    let file = files.iter_mut().find(|file| file.path == "intents/discount.intent.md").expect("the discount");
    let row = "| exception budget | 4 in 7d, warn at 50%, then refuse |\n| QA checkpoint ";
    file.text = file.text.replacen("| QA checkpoint ", row, 1);
    let rulebook = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let now = Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("a moment");
    let found = |count: i64, open: Option<(IntentId, Told)>| {
        let opened = (0..count).map(|before| (Timestamp(now.0 - before), IntentId::from_bits(2))).collect();
        let told = open.into_iter().collect();
        Spending::of(&budget("4 in 7d, warn at 50%, then refuse"), Found { opened, told }, now)
    };
    fn context<'a>(book: &'a Rulebook, now: Timestamp, spending: &'a Spending) -> Context<'a> {
        Context { spending: Some(spending), ..Context::new(book, now, 0) }
    }
    // The second exception of four: the first one about the budget.
    let before = found(1, None);
    let tokens = discount_tokens();
    let asked =
        life::submit(context(&rulebook, now, &before), IntentId::from_bits(1), "ae-1", "discount", &tokens);
    let hopeless = Command::Postpone {
        revision: 1,
        detail: Detail::new("gone", "the quote is gone"),
        wish: None,
        hope: Hope::None,
        denied: None,
    };
    let turn = asked.and_then(|turn| turn.then(hopeless)).expect("it is unsure");
    let (_, approval) = turn.into_parts();
    let about = approval.exceptions.iter().find(|(_, exception)| exception.cause == Cause::Budget);
    let (id, exception) = about.expect("somebody is told");
    assert_eq!(exception.burn.as_ref().map(|burn| burn.level), Some(Level::Burning));
    let told = Told { opened: now, level: Level::Burning, owner: exception.owner.clone(), closed: None };
    let closed = |count: i64| {
        let spending = found(count, Some((IntentId::from_bits(1), told.clone())));
        let (person, reason) = (exception.owner.clone(), "it is known".to_owned());
        let close = Command::CloseException { person, id: *id, by: Closure::Reviewed, reason };
        life::decide(&approval, close, context(&rulebook, now, &spending)).map(|_| ())
    };
    assert_eq!(closed(3), Ok(()));
    assert_eq!(closed(4), Err(Refusal::Overtaken));
    // Whoever answers for it hears of it; what is unsure stays with whoever looks after that.
    let spending = found(4, Some((IntentId::from_bits(1), told.clone())));
    let looked = life::decide(&approval, Command::LookAtBudget, context(&rulebook, now, &spending));
    let (_, after) = looked.expect("it is looked at").into_parts();
    assert_eq!(after.stage, approval.stage);
    let open = after.exceptions.values().filter(|exception| exception.closed.is_none());
    let open: Vec<(Cause, Option<Level>)> =
        open.map(|exception| (exception.cause, exception.burn.as_ref().map(|burn| burn.level))).collect();
    assert_eq!(open.len(), 2, "{open:?}");
    assert!(open.contains(&(Cause::Unsure, None)) && open.contains(&(Cause::Budget, Some(Level::Spent))));
}

#[test]
fn only_a_spent_budget_stops_anything_and_one_that_warns_stops_nothing() {
    let check = |text: &str, count: usize, stops: bool| {
        let found = spending(text, &vec![1; count], Vec::new(), 2);
        assert_eq!(found.stops().is_some(), stops, "{text}, {count}");
    };
    check("4 in 1d, warn at 50%, then refuse", 3, false);
    check("4 in 1d, warn at 50%, then refuse", 4, true);
    check("4 in 1d, warn at 50%, then council panel", 3, false);
    check("4 in 1d, warn at 50%, then council panel", 4, true);
    check("4 in 1d, warn at 50%, then throttle 5 a day", 3, false);
    check("4 in 1d, warn at 50%, then throttle 5 a day", 4, true);
    check("4 in 1d, warn at 50%, then warn", 400, false);
}
