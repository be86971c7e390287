//! The door: what is asked for becomes an approval, or is refused with every fault at once.

use crate::engine::{Inner, Standing, Submission};
use crate::fault::Fault;
use crate::going_live::Log;
use countersign_core::approval::Approval;
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Entry;
use countersign_core::approval::life;
use countersign_core::approval::refusal::Refusal;
use countersign_core::going_live::NotLive;
use countersign_core::id::IntentId;
use countersign_core::intent::Trigger;
use countersign_core::publish::POLICY_CHANGE;
use std::sync::Arc;

impl Inner {
    /// Takes what is asked for; as a trial of a draft, if it says by what that begins.
    pub(crate) async fn submit(
        self: &Arc<Self>,
        submission: Submission,
        trial: Option<Trigger>,
    ) -> Result<Standing, Fault> {
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
            self.proved(move || inner.admitted(id, &submission, trial)).await??
        } else {
            self.admitted(id, &submission, trial)?
        };
        if let Some((of, Err(lacking))) = self.ready(&turn.1, Log::Trusted).await? {
            return Err(Refusal::from(NotLive::NotReady { of, lacking }).into());
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

    /// The first entries of an intent that passes the door.
    fn admitted(
        &self,
        id: IntentId,
        asked: &Submission,
        trial: Option<Trigger>,
    ) -> Result<(Vec<Entry>, Approval), Fault> {
        let rulebook = self.rulebook();
        let context = self.context(&rulebook);
        let words = (asked.requester.as_str(), asked.intent_type.as_str(), &asked.tokens);
        let mut turn = match trial {
            None => life::submit(context, id, words.0, words.1, words.2)?,
            Some(by) => life::submit_trial(context, id, words, by)?,
        };
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
