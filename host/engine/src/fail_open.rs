//! How often intents of a type passed today although their policy could not be evaluated: what the next one must
//! know of the others.

use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::COUNTER_ROWS_MAX;
use crate::port::store::{PAGE_ROWS_MAX, Query};
use crate::row::FAILED_OPEN;
use countersign_core::approval::Approval;
use countersign_core::approval::command::Command;
use countersign_core::intent::{Day, FailMode};
use std::collections::BTreeMap;

impl Inner {
    /// Whether a command may let something pass that its policy cannot evaluate.
    pub(crate) fn may_fail_open(&self, approval: &Approval, command: &Command) -> bool {
        let rulebook = self.rulebook();
        let schema = rulebook.intent_type(&approval.intent.intent_type);
        matches!(command, Command::Prepare { .. })
            && schema.is_some_and(|schema| schema.fail_mode == FailMode::MayOpen)
    }

    /// How many intents of this type passed like that today (by UTC). The caller holds `failing_open`, so that
    /// two at once count each other.
    pub(crate) async fn failed_open(&self, approval: &Approval) -> Result<u32, Fault> {
        let of_type = ("type".to_owned(), approval.intent.intent_type.to_string());
        let today = (FAILED_OPEN.to_owned(), Day::at(self.clock.now()).to_string());
        let labels = BTreeMap::from([of_type, today]);
        let (mut count, mut after) = (0_usize, None);
        loop {
            let query = Query { labels: labels.clone(), after: after.take(), limit: PAGE_ROWS_MAX };
            let page = self.store.query(query).await?;
            count = count.saturating_add(page.rows.len());
            match page.next {
                // So many in one day: none passes any more until the next.
                Some(_) if COUNTER_ROWS_MAX <= count => return Ok(u32::MAX),
                Some(next) => after = Some(next),
                None => return Ok(u32::try_from(count).unwrap_or(u32::MAX)),
            }
        }
    }
}
