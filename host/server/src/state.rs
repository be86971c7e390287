//! What every request needs: the engine, the tokens, chance for operation ids, and a bounded number
//! of places.

use crate::console::Streams;
use crate::limits::{
    BACKTESTS_AT_ONCE_MAX, COMPONENTS_AT_ONCE_MAX, IMPORTS_AT_ONCE_MAX, PROOFS_AT_ONCE_MAX,
    REQUESTS_IN_FLIGHT_MAX,
};
use crate::log_signer::LogSigner;
use crate::metrics::Metrics;
use crate::scim::Provisioning;
use crate::sign_in::{SignIn, Signing};
use crate::token::TokenTable;
use countersign_engine::engine::Engine;
use countersign_engine::port::clock::Chance;
use countersign_engine::port::exchange::Exchange;
use countersign_engine::task::Tasks;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What a server is made of.
pub struct Parts {
    /// The engine that does what is asked.
    pub engine: Engine,
    /// Who may ask.
    pub tokens: Arc<TokenTable>,
    /// By what people sign in.
    pub sign_in: SignIn,
    /// Random bits for operation ids, sessions and tokens.
    pub chance: Arc<dyn Chance>,
    /// The formats that policies come from and go to.
    pub exchange: Arc<dyn Exchange>,
    /// What the operator says about joiners.
    pub provisioning: Provisioning,
    /// What signs the checkpoints of the log; nothing where its tree is not kept.
    pub log_signer: Option<LogSigner>,
    /// What everything else of the host counts into; what the server counts is added.
    pub registry: Registry,
}

impl fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) engine: Engine,
    pub(crate) tokens: Arc<TokenTable>,
    pub(crate) signing: Arc<Signing>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) exchange: Arc<dyn Exchange>,
    pub(crate) provisioning: Arc<Provisioning>,
    pub(crate) log_signer: Option<LogSigner>,
    pub(crate) metrics: Metrics,
    pub(crate) registry: Arc<Registry>,
    pub(crate) proofs: Arc<Semaphore>,
    pub(crate) imports: Arc<Semaphore>,
    pub(crate) backtests: Arc<Semaphore>,
    pub(crate) components: Arc<Semaphore>,
    pub(crate) tasks: Tasks,
    /// The pages that are kept up to date.
    pub(crate) streams: Streams,
}

impl Host {
    pub(crate) fn of(mut parts: Parts) -> Host {
        let metrics = Metrics::within(&mut parts.registry);
        Host {
            metrics,
            registry: Arc::new(parts.registry),
            engine: parts.engine,
            tokens: parts.tokens,
            signing: Arc::new(Signing::of(parts.sign_in)),
            chance: parts.chance,
            exchange: parts.exchange,
            provisioning: Arc::new(parts.provisioning),
            log_signer: parts.log_signer,
            proofs: Arc::new(Semaphore::new(PROOFS_AT_ONCE_MAX)),
            imports: Arc::new(Semaphore::new(IMPORTS_AT_ONCE_MAX)),
            places: Arc::new(Semaphore::new(REQUESTS_IN_FLIGHT_MAX)),
            components: Arc::new(Semaphore::new(COMPONENTS_AT_ONCE_MAX)),
            backtests: Arc::new(Semaphore::new(BACKTESTS_AT_ONCE_MAX)),
            tasks: Tasks::default(),
            streams: Streams::default(),
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Host").finish_non_exhaustive()
    }
}
