//! The door: what is asked for becomes an approval, or is refused with every fault at once.

use crate::engine::{Inner, Standing, Submission};
use crate::fault::Fault;
use countersign_core::approval::Approval;
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Entry;
use countersign_core::approval::life;
use countersign_core::id::IntentId;
use countersign_core::publish::POLICY_CHANGE;
use std::sync::Arc;

impl Inner {
    pub(crate) async fn submit(self: &Arc<Self>, submission: Submission) -> Result<Standing, Fault> {
        if self.tasks.are_stopping() {
            return Err(Fault::Stopping);
        }
        let key = submission.key.as_ref();
        // Taken before the look-up: of two calls with one key only one can get past both.
        let _running = self.hot.begin(key)?;
        if let Some(answered) = self.answered(key).await? {
            return self.read(answered).await;
        }
        let id = IntentId::drawn(self.clock.now(), self.chance.bits());
        let turn = if submission.intent_type == POLICY_CHANGE {
            // A change of policy is proved at the door.
            let (inner, submission) = (Arc::clone(self), submission.clone());
            self.proved(move || inner.admitted(id, &submission)).await??
        } else {
            self.admitted(id, &submission)?
        };
        let slot = self.hot.slot(id);
        let mut place = slot.lock().await;
        let standing = self.store_turn(None, turn, key).await.map(|stored| {
            let standing = stored.standing();
            *place = super::hot::kept(stored);
            standing
        });
        drop(place);
        self.hot.release(id, &slot);
        standing
    }

    /// The first entries of an intent that passes the door.
    fn admitted(&self, id: IntentId, asked: &Submission) -> Result<(Vec<Entry>, Approval), Fault> {
        let rulebook = self.rulebook();
        let context = self.context(&rulebook);
        let mut turn = life::submit(context, id, &asked.requester, &asked.intent_type, &asked.tokens)?;
        self.has_components(&rulebook, turn.approval())?;
        // What needs no look at the world is decided in the same commit.
        let name = &turn.approval().intent.intent_type;
        let asks =
            life::deciding(context, turn.approval()).is_some_and(|policy| !policy.components.is_empty());
        if !asks && rulebook.intent_type(name).is_some_and(|schema| schema.is_self_contained()) {
            let revision = turn.approval().intent.revision;
            turn = turn.then(Command::Prepare { revision, prepared: Box::default() })?;
        }
        Ok(turn.into_parts())
    }
}
