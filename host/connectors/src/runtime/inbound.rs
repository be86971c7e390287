//! What arrives at the hooks of connections: proved here, on the bytes, before any connector sees it.

use super::{Bound, Runtime};
use crate::inbound::{Proved, shown};
use countersign_core::delivery::{Body, Delivery};
use countersign_core::id::ConnectionName;
use countersign_core::time::Timestamp;
use countersign_engine::port::connectors::{Arrived, Inbound, NotTaken, Verified};

/// What a connection takes without having asked.
pub(super) fn of(bound: &Bound) -> Inbound {
    let hooks = bound.grant.hooks.iter().map(|(name, verifier)| (name.clone(), verifier.scheme()));
    let intake = bound.loaded.installed.manifest.intake.iter();
    Inbound {
        hooks: hooks.collect(),
        interprets: bound.loaded.contract.exports().interprets,
        brings: intake.flat_map(|intake| intake.intent_types.clone()).collect(),
    }
}

impl Runtime {
    pub(super) fn verified(
        &self,
        name: &ConnectionName,
        hook: &str,
        arrived: Arrived,
        now: Timestamp,
    ) -> Result<Verified, NotTaken> {
        let target = self.targets.load().get(name).cloned();
        let hooks = target.as_ref().map(|target| &target.current.grant.hooks);
        let Some(verifier) = hooks.and_then(|hooks| hooks.get(hook)) else {
            return Err(NotTaken::NoHook { connection: name.clone(), hook: hook.to_owned() });
        };
        let not_proved = |why| NotTaken::NotProved(format!("hook `{hook}` of connection `{name}`: {why}"));
        match verifier.proved(&arrived, now).map_err(not_proved)? {
            Proved::Challenge(text) => Ok(Verified::Challenge(text)),
            Proved::Delivery(id) => {
                let (connection, hook) = (name.clone(), hook.to_owned());
                let (headers, body) = (shown(arrived.headers, verifier.header()), Body::of(arrived.body));
                Ok(Verified::Delivery { id, delivery: Delivery { connection, hook, headers, body } })
            }
        }
    }
}
