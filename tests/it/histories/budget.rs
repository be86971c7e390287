//! Exception budgets in random histories: the host has counted others, as it likes.

use super::History;
use countersign_core::approval::event::{Entry, Event};
use countersign_core::approval::{Approval, Authority};
use countersign_core::budget::{Budget, Found, Spending, Spent, Told};
use countersign_core::exception::{Cause, Exception, Level};
use countersign_core::id::IntentId;
use countersign_core::time::{Millis, Timestamp};

/// The intent in which somebody else's exception about the budget stands.
const ELSEWHERE: IntentId = IntentId::from_bits(7);

fn about_budget(approval: &Approval) -> impl Iterator<Item = &Exception> {
    approval.exceptions.values().filter(|exception| exception.cause == Cause::Budget)
}

impl History<'_> {
    /// What the host counts before a command, if it counts: exceptions of others, and what is about the budget.
    pub(super) fn counted(&self) -> Option<Spending> {
        if self.draw.in_100(20) {
            return None;
        }
        let then = self.draw.of(&["warn", "refuse", "council council", "council council"]);
        let budget = Budget::parse(&format!("4 in 7d, warn at 50%, then {then}")).expect("it is a budget");
        let hour_ago = Timestamp(self.now.0 - i64::try_from(Millis::hours(1).0).expect("it is small"));
        let opened = (0..self.draw.below(9)).map(|_| (hour_ago, ELSEWHERE)).collect();
        let owner = super::person("finance-lead");
        let mut told: Vec<(IntentId, Told)> = about_budget(&self.approval)
            .map(|exception| {
                let level = exception.burn.as_ref().map_or(Level::Spent, |burn| burn.level);
                let closed = exception.closed.as_ref().map(|closed| closed.at);
                let told = Told { opened: exception.opened, level, owner: exception.owner.clone(), closed };
                (self.approval.intent.id, told)
            })
            .collect();
        if told.iter().all(|(_, told)| told.closed.is_some()) && self.draw.in_100(30) {
            let told_once = Told { opened: hour_ago, level: Level::Burning, owner, closed: None };
            told.push((ELSEWHERE, told_once));
        }
        Some(Spending::of(&budget, Found { opened, told }, self.now))
    }

    /// Never two open exceptions about one budget, and nothing passes by itself while a council sits.
    pub(super) fn within_budget(&self, spending: Option<&Spending>, after: &Approval, new: &[Entry]) {
        if 1 < about_budget(after).filter(|exception| exception.closed.is_none()).count() {
            self.fail("two exceptions about one budget are open");
        }
        let opens = |entry: &Entry| matches!(&entry.event, Event::ExceptionOpened { exception, .. } if exception.cause == Cause::Budget);
        let open = spending.and_then(|spending| spending.open.as_ref());
        let closes = |entry: &Entry| matches!(&entry.event, Event::ExceptionClosed { closed, .. } if closed.person.is_none());
        let replaced = new.iter().any(closes);
        if new.iter().any(opens) && (spending.is_none() || (open.is_some() && !replaced)) {
            self.fail("an exception about the budget was opened beside another one, or uncounted");
        }
        let council = spending.is_some_and(|spending| matches!(spending.stops(), Some(Spent::Council(_))));
        let sealed = new.iter().any(|entry| matches!(entry.event, Event::Sealed { .. }));
        let by_itself =
            new.iter().any(|entry| matches!(entry.event, Event::Approved { authority: Authority::Policy }));
        if council && sealed && by_itself {
            self.fail("it passed by itself though the budget is spent and a council sits");
        }
    }
}
