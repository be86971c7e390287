//! The door: what is asked for becomes an approval, or is refused with every fault at once.

use crate::budget;
use crate::engine::{Inner, Standing, Submission};
use crate::fault::Fault;
use crate::going_live::Log;
use crate::row::{TAKEN, TRIED};
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Entry;
use countersign_core::approval::life::{self, Context, Loads};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Adopts, Approval};
use countersign_core::budget::{Spending, Spent};
use countersign_core::connector::upgrade::CONNECTOR_UPGRADE;
use countersign_core::going_live::{GO_LIVE, NotLive};
use countersign_core::id::{IntentId, IntentTypeName};
use countersign_core::intent::Trigger;
use countersign_core::publish::POLICY_CHANGE;
use countersign_core::shared_change::SHARED_CHANGE;
use std::sync::Arc;
use tokio::sync::MutexGuard;

impl Inner {
    /// Takes what is asked for; as a trial of a draft, if it says by what that begins; as an adoption, if it says of
    /// what.
    pub(crate) async fn submit(
        self: &Arc<Self>,
        submission: Submission,
        trial: Option<Trigger>,
        adopts: Option<Adopts>,
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
        let (_throttling, spending) = match trial {
            // What is tried out spends no budget, and no spent one stops it.
            Some(_) => (None, None),
            None => self.known_at_the_door(&submission.intent_type).await?,
        };
        let goes_live = submission.intent_type == GO_LIVE;
        let _trying = if trial.is_some() || goes_live { Some(self.trying.lock().await) } else { None };
        let tried = match (&trial, IntentTypeName::parse(&submission.intent_type)) {
            (Some(_), Ok(of)) => Some(self.counted_today(&of, TRIED).await?),
            (Some(_) | None, _) => None,
        };
        let counts = (tried, spending.as_ref(), None);
        let id = IntentId::drawn(self.clock.now(), self.chance.bits());
        let mut turn = if [POLICY_CHANGE, SHARED_CHANGE].contains(&submission.intent_type.as_str()) {
            // A change of the rules is proved at the door.
            let (inner, submission, trial) = (Arc::clone(self), submission.clone(), trial.clone());
            self.proved(move || inner.admitted(id, (&submission, None), trial, (tried, None, None))).await??
        } else {
            self.admitted(id, (&submission, adopts), trial.clone(), counts)?
        };
        if goes_live {
            self.asked_once(&turn.1).await?;
        }
        if submission.intent_type == CONNECTOR_UPGRADE {
            self.waits_for_exactly(&turn.1, key).await?;
        }
        if let Some((of, Err(lacking))) = self.ready(&turn.1, Log::Trusted).await? {
            return Err(Refusal::from(NotLive::NotReady { of, lacking }).into());
        }
        // What opens exceptions, or a seat of a fair pool, is decided once more with a count of the others.
        let mut counted = self.counted(&turn.0, &turn.1).await?;
        if let (Some((_, anew)), Some(known)) = (&mut counted, &spending) {
            anew.today = known.today;
        }
        let spending = counted.as_ref().map(|(_, spending)| spending).or(spending.as_ref());
        let loads = self.loads(None, &turn.0).await;
        if counted.is_some() || loads.is_some() {
            turn = self.admitted(id, (&submission, adopts), trial, (tried, spending, loads.as_ref()))?;
        }
        let spends = life::spends(&turn.0);
        let slot = self.hot.slot(id);
        let mut place = slot.lock().await;
        let standing = self.store_turn(None, turn, key).await.map(|stored| {
            let raised =
                counted.as_ref().and_then(|(_, spending)| budget::to_be_raised(id, spends, spending));
            raised.into_iter().for_each(|intent| self.raise(intent));
            let standing = stored.standing();
            *place = super::hot::kept(stored);
            standing
        });
        drop(place);
        self.hot.release(id, &slot);
        standing
    }

    /// How far the exception budget of an intent type has burnt, if that matters for what is asked for here and now.
    /// With a guard, nobody else is counted until that is dropped.
    async fn known_at_the_door(
        &self,
        name: &str,
    ) -> Result<(Option<MutexGuard<'_, ()>>, Option<Spending>), Fault> {
        let rulebook = self.rulebook();
        let name = IntentTypeName::parse(name).ok();
        let schema = name.as_ref().and_then(|name| rulebook.intent_type(name));
        let Some((schema, budget)) = schema.and_then(|schema| Some((schema, schema.budget.as_ref()?))) else {
            return Ok((None, None));
        };
        let (matters, throttling) = match &budget.then {
            Spent::Refuse => (true, None),
            Spent::Throttle(_) => (true, Some(self.throttling.lock().await)),
            Spent::Council(_) => (schema.is_self_contained(), None),
            Spent::Warn => (false, None),
        };
        if !matters {
            return Ok((None, None));
        }
        let mut spending = self.spending(&schema.name, budget).await?;
        if throttling.is_some() {
            spending.today = Some(self.counted_today(&schema.name, TAKEN).await?);
        }
        Ok((throttling, Some(spending)))
    }

    /// The first entries of an intent that passes the door.
    fn admitted(
        &self,
        id: IntentId,
        (asked, adopts): (&Submission, Option<Adopts>),
        trial: Option<Trigger>,
        (tried, spending, loads): (Option<u32>, Option<&Spending>, Option<&Loads>),
    ) -> Result<(Vec<Entry>, Approval), Fault> {
        let rulebook = self.rulebook();
        let set_back = self.set_back();
        let context = Context { set_back, tried, spending, loads, adopts, ..self.context(&rulebook) };
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
