//! Adoption: what a target holds instead of what was approved becomes an intent of its own.

use crate::count::each;
use crate::engine::{Engine, Inner, Key, Standing, Submission};
use crate::fault::Fault;
use crate::reconcile;
use crate::row::{ADOPTS, counts_as};
use countersign_core::adopt::{self, NotAdopted};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Adopts, Outcome, Stage};
use countersign_core::effect::reconcile::compare;
use countersign_core::id::{ExceptionId, IntentId, PersonId};
use std::sync::Arc;

impl Engine {
    /// Asks for what a target was found to hold, in the name of whoever answers for the exception about it. The
    /// exception stays open until that has landed, or it is closed otherwise. Durable on return.
    ///
    /// With a key that was used before for the same request, answers with the intent that it made.
    ///
    /// # Errors
    /// [`Fault::Refused`] if the exception is not theirs or not about what a target holds, if what is there cannot be
    /// asked for, or is asked for already.
    pub async fn adopt(
        &self,
        (intent, exception): (IntentId, ExceptionId),
        person: &PersonId,
        key: Key,
    ) -> Result<Standing, Fault> {
        let _inside = self.inner.doors.enter();
        self.inner.adopt(Adopts { intent, exception }, person, key).await
    }
}

impl Inner {
    async fn adopt(self: &Arc<Self>, adopts: Adopts, person: &PersonId, key: Key) -> Result<Standing, Fault> {
        if let Some(answered) = self.answered(Some(&key)).await? {
            return self.read(answered).await;
        }
        // A target may take its time: nobody else waits for that.
        let approval = self.read(adopts.intent).await?.approval;
        let standing = adopt::asked(&approval, adopts.exception, person)?;
        let paused = self.paused_connections().await?.contains(&standing.planned.connection);
        let found = reconcile::read(self, standing.planned, &standing.receipt.subject, paused).await;
        let field =
            standing.planned.plan.changes.first().map(|change| change.name.clone()).unwrap_or_default();
        let found =
            found.map_err(|(_, why)| Refusal::from(NotAdopted::Unread { field, why: why.message }))?;

        // Two at once would not find each other.
        let _alone = self.adopting.lock().await;
        if let Some(answered) = self.answered(Some(&key)).await? {
            return self.read(answered).await;
        }
        let approval = self.read(adopts.intent).await?.approval;
        let standing = adopt::asked(&approval, adopts.exception, person)?;
        if let Some(asks) = self.adopted_by(adopts.exception).await? {
            return Err(Refusal::from(NotAdopted::UnderWay(asks)).into());
        }
        let Stage::Closed(Outcome::Done { case, authority, .. }) = &approval.stage else {
            return Err(Refusal::Overtaken.into());
        };
        let changes = case.written(standing.planned, authority);
        let compared = compare(&changes, standing.receipt, Ok(&found));
        let rulebook = self.rulebook();
        let intent_type = &approval.intent.intent_type;
        let schema = rulebook.intent_type(intent_type).ok_or(Refusal::Overtaken)?;
        let tokens = adopt::tokens(&approval, schema, &standing, &compared).map_err(Refusal::from)?;
        let submission = Submission {
            requester: person.to_string(),
            intent_type: intent_type.to_string(),
            tokens,
            key: Some(key),
        };
        self.submit(submission, None, Some(adopts)).await
    }

    /// The intent that asks for what is there already, or has had it approved, if there is one.
    async fn adopted_by(&self, exception: ExceptionId) -> Result<Option<IntentId>, Fault> {
        let mut found = None;
        each(&*self.store, &[(ADOPTS, &exception.to_string())], |row| {
            let state = row.row.labels.iter().find(|(name, _)| name == "state");
            let counts = state.is_some_and(|(_, state)| counts_as(state).1);
            found = row.stream.parse().ok().filter(|_| counts);
            found.is_some()
        })
        .await?;
        Ok(found)
    }
}
