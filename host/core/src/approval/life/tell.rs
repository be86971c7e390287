//! Telling people: at the end of each command what it caused is looked at once, and whom it concerns is
//! recorded in the same commit; what nobody needs to hear any more is dropped in it too.

use super::Turn;
use crate::approval::command::{Command, Hope};
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Approval, Sight};
use crate::effect::attempt::Detail;
use crate::notice::link::{self, Dead, LinkVerb};
use crate::notice::{is_moot, next_try, whom};
use crate::time::Millis;

/// Where a command began.
pub(super) struct Begun {
    /// The approval before it; `None` if nobody can be told anything.
    before: Option<Approval>,
    entries: usize,
}

pub(super) fn begin(turn: &Turn<'_>) -> Begun {
    let anybody = !turn.context.rulebook.directory().contacts.is_empty();
    Begun { before: anybody.then(|| turn.approval.clone()), entries: turn.entries.len() }
}

/// Records who is to be told of what the command caused, and what is moot by it.
pub(super) fn end(turn: &mut Turn<'_>, begun: Begun) {
    let open = turn.approval.notices.open.iter();
    let moot: Vec<u32> =
        open.filter(|(_, open)| is_moot(&turn.approval, &open.notice)).map(|(number, _)| *number).collect();
    if !moot.is_empty() {
        turn.record(Actor::Engine, Event::NoticesMoot { notices: moot });
    }
    let Some(before) = begun.before else { return };
    let new = turn.entries.get(begun.entries..).unwrap_or_default();
    if new.is_empty() {
        return;
    }
    let (rulebook, now) = (turn.context.rulebook, turn.context.now);
    let mut notices = whom::whom(rulebook.directory(), &before, new, &turn.approval);
    // Nobody is told of what is not there for them.
    notices.retain(|notice| rulebook.sight(&turn.approval, &notice.to, now) != Sight::Nothing);
    if !notices.is_empty() {
        turn.record(Actor::Engine, Event::Noticed { notices });
    }
}

/// Spends the link of a notice on a command, which must be what the link was for.
pub(super) fn by_link(turn: &mut Turn<'_>, notice: u32, command: &Command) -> Result<(), Refusal> {
    let (verb, person, revision) = LinkVerb::of_command(command).ok_or(Refusal::DeadLink(Dead::Unknown))?;
    let told = link::alive(&turn.approval, notice, verb).map_err(Refusal::DeadLink)?;
    // Whoever else has the address learns nothing from it, not even whose it is.
    if told.to != *person || told.revision != revision {
        return Err(Refusal::DeadLink(Dead::Unknown));
    }
    let by = Actor::Person(person.clone());
    turn.record(by, Event::LinkUsed { notice, verb });
    Ok(())
}

pub(super) fn told(turn: &mut Turn<'_>, notice: u32, detail: Detail) -> Result<(), Refusal> {
    // It may have been dropped while it was on its way: that it arrived is a fact all the same.
    if !(1..=turn.approval.notices.recorded).contains(&notice) {
        return Err(Refusal::Overtaken);
    }
    turn.record(Actor::Engine, Event::Told { notice, detail });
    Ok(())
}

pub(super) fn not_told(
    turn: &mut Turn<'_>,
    notice: u32,
    detail: Detail,
    wish: Option<Millis>,
    hope: Hope,
) -> Result<(), Refusal> {
    let open = turn.approval.notices.open.get(&notice).ok_or(Refusal::Overtaken)?;
    let due = match hope {
        Hope::Some => next_try(open, turn.context.now, wish, turn.context.chance),
        Hope::None => None,
    };
    turn.record(Actor::Engine, Event::NotTold { notice, detail, due });
    Ok(())
}
