//! The door: what is asked for becomes an approval, or is refused with every fault at once.

use crate::engine::{Inner, Standing, Submission};
use crate::fault::Fault;
use countersign_core::approval::command::Command;
use countersign_core::approval::life::{self, Context};
use countersign_core::id::IntentId;
use countersign_core::intent::Facts;
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
        let rulebook = self.rulebook();
        let context = Context { rulebook: &rulebook, now: self.clock.now(), chance: self.chance.bits() };
        let id = IntentId::drawn(context.now, self.chance.bits());
        let mut turn =
            life::submit(context, id, &submission.requester, &submission.intent_type, &submission.tokens)?;
        // What needs no look at the world is decided in the same commit.
        let name = &turn.approval().intent.intent_type;
        if rulebook.intent_type(name).is_some_and(|schema| schema.is_self_contained()) {
            turn = turn.then(Command::Prepare { facts: Facts::default(), writes: Vec::new() })?;
        }
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
}
