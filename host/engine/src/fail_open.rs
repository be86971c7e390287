//! How often intents of a type passed today although their policy could not be evaluated: what the next one must
//! know of the others.

use crate::engine::Inner;
use crate::fault::Fault;
use crate::row::FAILED_OPEN;
use countersign_core::approval::Approval;
use countersign_core::approval::command::Command;
use countersign_core::intent::FailMode;

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
        self.counted_today(&approval.intent.intent_type, FAILED_OPEN).await
    }
}
