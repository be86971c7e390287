//! The steps of `sealed.feature`: what was decided is what is executed.

use super::{Spec, attempted, single_rules};
use countersign_core::approval::{
    Approval, ApprovedIntent, Case, Intent, NotToBeWritten, PlannedEffect, Stage,
};
use countersign_core::hash::Digest;
use countersign_core::time::{Millis, Timestamp};
use countersign_tests::draw::Draw;
use countersign_tests::scripted::Scripted;
use cucumber::{then, when};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Fewest of the changes that are something else, and no mere other spelling or no longer readable.
const CHANGES_MIN: usize = 1_000;

/// The same with one byte of its JSON form changed, if that is something else.
fn changed<T: Serialize + DeserializeOwned + PartialEq>(draw: &Draw, value: &T) -> Option<T> {
    let mut bytes = serde_json::to_vec(value).expect("it has a form");
    let place = usize::try_from(draw.below(bytes.len() as u64)).expect("an index");
    let letters = b"0123456789abcdefghijklmnopqrstuvwxyz-_ ";
    bytes[place] = *draw.of(letters);
    serde_json::from_slice(&bytes).ok().filter(|changed| changed != value)
}

fn executing(approval: &Approval) -> &Case {
    match &approval.stage {
        Stage::Executing { case, .. } => case,
        other => panic!("it is {}", other.as_str()),
    }
}

/// The same approval about another case.
fn about(approval: &Approval, change: impl FnOnce(&mut Case)) -> Approval {
    let mut approval = approval.clone();
    if let Stage::Executing { case, .. } = &mut approval.stage {
        change(Arc::make_mut(case));
    }
    approval
}

#[then(
    expr = "of {int} changes of one byte in what was asked, by which policy and what is written none is executed"
)]
async fn none_is_executed(spec: &mut Spec, count: usize) {
    let approval = spec.approval().await;
    let case = executing(&approval);
    let effect = case.writes.first().expect("something is written").effect;
    let approved = ApprovedIntent::of(&approval).expect("it is approved");
    approved.write(effect).expect("what was sealed is executed");
    let draw = Draw::new(13);
    let mut tried = 0;
    for number in 0..count {
        let other = match number % 4 {
            0 => changed(&draw, &*approval.intent)
                .map(|intent: Intent| Approval { intent: Arc::new(intent), ..approval.as_ref().clone() }),
            1 => changed(&draw, &approval.policy)
                .map(|policy: Digest| Approval { policy, ..approval.as_ref().clone() }),
            2 => changed(&draw, &case.writes)
                .map(|writes: Vec<PlannedEffect>| about(&approval, |case| case.writes = writes)),
            _ => changed(&draw, &case.expires)
                .map(|expires: Timestamp| about(&approval, |case| case.expires = expires)),
        };
        let Some(other) = other else { continue };
        tried += 1;
        let written =
            ApprovedIntent::of(&other).expect("it says that it is approved").write(effect).map(drop);
        assert!(matches!(written, Err(NotToBeWritten::SealBroken(_))), "{written:?}: {other:#?}");
    }
    assert!(CHANGES_MIN <= tried, "{tried} of {count} were something else");
}

#[when("the connector is replaced by another build")]
async fn replaced(spec: &mut Spec) {
    let other = Scripted::default().with("target", spec.guarantee, &[("deliver", "order")]);
    spec.connectors = Arc::new(other.built_anew());
    spec.start(single_rules());
    spec.clock.turn(Millis::seconds(1));
    spec.until("the refused attempt", attempted, 2).await;
}
