//! Exception budgets: the exception that reaches the declared part of a budget, or the end of it, opens one more in
//! its own commit, about the budget. And what a spent budget means for new intents.

use super::settle::{self, Opening};
use super::{Context, Turn};
use crate::approval::event::{Entry, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Approval, Council};
use crate::budget::{Spending, Spent, TakesNothing, many};
use crate::effect::attempt::Detail;
use crate::exception::{Burn, Cause, Exception, Level};
use crate::id::{ExceptionId, IntentTypeName};
use crate::intent::Day;

/// How many exceptions that spend the budget of their intent type these entries open.
#[must_use]
pub fn spends(entries: &[Entry]) -> usize {
    let spends = |entry: &&Entry| {
        if let Event::ExceptionOpened { exception, .. } = &entry.event { exception.spends() } else { false }
    };
    entries.iter().filter(spends).count()
}

/// Refuses what is asked for anew while the budget of its intent type is spent and its file says so.
pub(super) fn admit(context: Context<'_>, name: &IntentTypeName) -> Result<(), Refusal> {
    let Some(spending) = context.spending else { return Ok(()) };
    let (Some(stops), Some(ends)) = (spending.stops(), spending.ends()) else { return Ok(()) };
    let (a_day, until) = match stops {
        Spent::Warn | Spent::Council(_) => return Ok(()),
        Spent::Throttle(most) if spending.today.is_some_and(|today| today < *most) => return Ok(()),
        Spent::Throttle(most) => {
            (Some(*most), ends.min(Day(Day::at(context.now).0.saturating_add(1)).begins()))
        }
        Spent::Refuse => (None, ends),
    };
    Err(Refusal::BudgetSpent(Box::new(TakesNothing {
        of: name.clone(),
        opened: spending.count(),
        at_most: spending.budget.at_most,
        days: spending.budget.days,
        a_day,
        until,
        owner: spending.open.as_ref().map(|(_, told)| told.owner.clone()),
    })))
}

/// How far the budget has burnt, for what spends it or is stopped by it. A trial does neither.
fn spending<'a>(turn: &Turn<'a>) -> Option<&'a Spending> {
    turn.context.spending.filter(|_| turn.approval.intent.trial.is_none())
}

/// The people who decide on each new intent while the budget is spent, and why.
pub(super) fn council(turn: &Turn<'_>) -> Option<Council> {
    let spending = spending(turn)?;
    match spending.stops()? {
        Spent::Council(route) => Some(Council { route: route.clone(), burn: spending.burn(Level::Spent) }),
        Spent::Warn | Spent::Throttle(_) | Spent::Refuse => None,
    }
}

/// The open exception about the budget in this approval, and what its owner knows.
fn own(approval: &Approval) -> Option<(ExceptionId, Level)> {
    let mut open = approval.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
    open.find_map(|(id, exception)| Some((*id, exception.burn.as_ref()?.level)))
}

/// Whether an exception about a budget was opened when it burned, and it is spent by now: its owner has not heard
/// that, and closing it would say that they had.
pub(super) fn is_unheard(turn: &Turn<'_>, exception: &Exception) -> bool {
    let level = spending(turn).and_then(Spending::level);
    exception.burn.as_ref().is_some_and(|burn| Some(burn.level) < level)
}

/// Looks at the budget at the end of a command: opens the one exception about it if this command opened others, or
/// another one in the place of one that says too little.
pub(super) fn look(turn: &mut Turn<'_>) {
    let new = spends(&turn.entries);
    if 0 < new || own(&turn.approval).is_some() {
        look_with(turn, new);
    }
}

/// The same whatever happened here: nobody may have been told of what
/// other intents have spent, or of a budget that is smaller by now.
pub(super) fn look_anew(turn: &mut Turn<'_>) {
    look_with(turn, 0);
}

fn look_with(turn: &mut Turn<'_>, new: usize) {
    let Some(before) = spending(turn) else { return };
    let Some(level) = before.level_with(new) else { return };
    match own(&turn.approval) {
        Some((id, known)) if known < level => {
            // Another exception, so that whoever closes it has seen what it says.
            settle::overtaken(turn, id, "the budget is spent by now, and another exception says so");
            open(turn, level, &before.with(new));
        }
        Some(_) => {}
        None => {
            let was_told = match level {
                Level::Burning => before.was_told,
                // What was closed when it was spent gave the budget back; what was closed before did not.
                Level::Spent => false,
            };
            if before.open.is_none() && !was_told {
                open(turn, level, &before.with(new));
            }
        }
    }
}

fn open(turn: &mut Turn<'_>, level: Level, spending: &Spending) {
    let burn = spending.burn(level);
    let opening = Opening::of(Cause::Budget, detail(turn, &burn, spending));
    // Whoever asked for what tipped it does not say what follows.
    let directory = turn.context.rulebook.directory();
    let barred = vec![turn.approval.intent.behind(directory).clone()];
    settle::open(turn, Opening { barred, burn: Some(burn), ..opening });
}

fn detail(turn: &Turn<'_>, burn: &Burn, spending: &Spending) -> Detail {
    let Burn { level, opened, at_most, days, .. } = burn;
    let name = &turn.approval.intent.intent_type;
    let (code, follows) = match level {
        Level::Burning => {
            let foretold = match burn.exhausted {
                Some(hour) => format!("at this rate it is spent in the hour from {hour}"),
                None => "at this rate it is not spent".to_owned(),
            };
            let then = match &spending.budget.then {
                Spent::Warn => "then you are told again".to_owned(),
                Spent::Council(route) => format!("then route `{route}` decides on every new intent"),
                Spent::Throttle(most) => format!("then at most {most} a day are taken"),
                Spent::Refuse => "then nothing new is taken".to_owned(),
            };
            ("budget-burning", format!("{foretold}; {then}"))
        }
        Level::Spent => {
            let until = match burn.ends {
                Some(until) => format!("until {until} or until you close this"),
                None => "until you close this".to_owned(),
            };
            let now = match &spending.budget.then {
                Spent::Warn => "nothing else follows".to_owned(),
                Spent::Council(route) => format!("route `{route}` decides on every new intent, {until}"),
                Spent::Throttle(most) => format!("at most {most} a day are taken, {until}"),
                Spent::Refuse => format!("nothing new is taken, {until}"),
            };
            ("budget-spent", now)
        }
    };
    let since = burn.since;
    let (opened, days) = (many(*opened, "exception"), many(*days, "day"));
    let message = format!(
        "`{name}` has {opened} in {days} (counted since {since}), of {at_most} that its budget allows; \
         {follows}. Why, and what follows?"
    );
    Detail::new(code, message)
}
