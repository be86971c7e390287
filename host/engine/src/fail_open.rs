//! How often intents of a type passed today although their policy could not be evaluated: what the next one must
//! know of the others.

use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::COUNTER_ROWS_MAX;
use crate::port::store::{PAGE_ROWS_MAX, Query};
use crate::row::{FAILED_OPEN, Summary};
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
        let today = Day::at(self.clock.now());
        let fixed = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let of_type = ("type".to_owned(), approval.intent.intent_type.to_string());
        let labels = BTreeMap::from([of_type, fixed(FAILED_OPEN)]);
        let (mut count, mut seen, mut after) = (0_u32, 0_usize, None);
        // Every row of the type is looked at, up to a bound beyond which none passes any more.
        loop {
            let query = Query { labels: labels.clone(), after: after.take(), limit: PAGE_ROWS_MAX };
            let page = self.store.query(query).await?;
            seen = seen.saturating_add(page.rows.len());
            for row in &page.rows {
                // A row that says nothing must not make room for one more.
                let Ok(summary) = serde_json::from_slice::<Summary>(&row.row.summary) else {
                    return Ok(u32::MAX);
                };
                if summary.failed_open.is_some_and(|at| Day::at(at) == today) {
                    count = count.saturating_add(1);
                }
            }
            match page.next {
                Some(_) if COUNTER_ROWS_MAX <= seen => return Ok(u32::MAX),
                Some(next) => after = Some(next),
                None => return Ok(count),
            }
        }
    }
}
