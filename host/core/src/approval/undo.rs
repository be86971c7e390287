//! Taking back what an intent wrote: where its type says `undo`, all of it stands or none of it does.
//!
//! Each compensation is an effect of its own, with an id and keys of its own, and goes through the same table as every
//! other. It is derived from what was sealed, so nobody decides once more
//! (`host/docs/decisions/0030-an-undo-is-sealed-with-what-it-takes-back.md`).

use super::{Case, PlannedEffect};
use crate::effect::key::undo_id;
use crate::effect::life::EffectState;
use crate::id::EffectId;
use crate::intent::OnFailure;
use std::collections::BTreeMap;

/// That what an intent wrote is taken back, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// The effect because of which.
    pub because: EffectId,
    /// Whether that was refused for certain, so that nothing of it is in; else a person wanted the undo.
    pub refused: bool,
    /// The compensations, one after the other: what landed last is taken back first.
    pub writes: Vec<PlannedEffect>,
}

impl Undo {
    /// An undo of which nothing is planned yet.
    #[must_use]
    pub fn begun(because: EffectId, refused: bool) -> Undo {
        Undo { because, refused, writes: Vec::new() }
    }

    /// Whether the compensation of this effect is planned.
    #[must_use]
    pub fn plans(&self, effect: EffectId) -> bool {
        self.writes.iter().any(|write| write.undoes == Some(effect))
    }

    /// Whether nothing that was written stands any more.
    #[must_use]
    pub fn is_whole(&self, case: &Case, effects: &BTreeMap<EffectId, EffectState>) -> bool {
        let landed = |effect: EffectId| matches!(effects.get(&effect), Some(EffectState::Landed { .. }));
        let mut written = case.writes.iter().filter(|planned| planned.writes() && landed(planned.effect));
        written.all(|planned| landed(undo_id(planned.effect)))
    }
}

impl PlannedEffect {
    /// Whether it changes anything: its target may hold already what was asked for.
    #[must_use]
    pub fn writes(&self) -> bool {
        !self.plan.changes.is_empty()
    }

    /// The effect that takes this one back: its plan with before and after exchanged.
    #[must_use]
    pub fn compensation(&self) -> PlannedEffect {
        PlannedEffect {
            effect: undo_id(self.effect),
            after: Vec::new(),
            on_failure: OnFailure::Hold,
            undoes: Some(self.effect),
            re_asserts: None,
            plan: self.plan.taken_back(),
            ..self.clone()
        }
    }
}
