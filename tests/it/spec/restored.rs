//! The steps of `restored.feature`: a host is lost, and another one starts on an older copy of its log.

use super::sealed::until_looked_for;
use super::{Spec, person};
use countersign_core::approval::event::{Entry, Event};
use countersign_core::id::EffectId;
use countersign_engine::port::clock::Clock as _;
use countersign_engine::port::store::Store as _;
use countersign_engine::restored::{Restored, note};
use cucumber::{then, when};
use std::collections::BTreeSet;
use std::sync::Arc;

#[when("a backup is made")]
fn is_backed_up(spec: &mut Spec) {
    spec.backup = Some(spec.store.copied());
}

#[when("the host is lost, and another one starts on the backup")]
async fn is_restored(spec: &mut Spec) {
    let rulebook = spec.engine().rulebook().as_ref().clone();
    spec.host = None;
    let backup = spec.backup.as_ref().expect("a backup was made").copied();
    note(&backup, &Restored { at: spec.clock.now(), from: String::new() }).await.expect("it is noted");
    spec.store = Arc::new(backup);
    spec.start(rulebook);
}

#[then("what was decided is looked for before it is written")]
async fn is_looked_for(spec: &mut Spec) {
    assert_eq!(spec.refused, None);
    until_looked_for(spec).await;
    assert_eq!(spec.connectors.writes().len(), 0);
    assert!(spec.approval().await.voices.contains(&person("sales-manager-1")), "it was decided once more");
}

#[then(expr = "the log says that it was restored {int} time(s)")]
async fn on_record(spec: &mut Spec, times: usize) {
    let entries = spec.store.load("restored/1").await.expect("it is read");
    assert_eq!(entries.len(), times);
}

#[then(expr = "{int} effects were looked for")]
async fn were_looked_for(spec: &mut Spec, count: usize) {
    let intent = spec.intent.expect("something was submitted");
    let entries = spec.engine().entries(intent).await.expect("the intent is there");
    let probed = |entry: &Entry| match &entry.event {
        Event::Probed { effect, .. } => Some(*effect),
        _ => None,
    };
    let effects: BTreeSet<EffectId> = entries.iter().filter_map(probed).collect();
    assert_eq!(effects.len(), count, "{entries:#?}");
}
