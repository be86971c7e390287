//! What a connector takes, for whoever measures it: what it is to compile and to load, and a description on demand.

use super::Runtime;
use crate::compile::Weight;
use crate::fault::{ConnectorFault, FaultCode};
use countersign_core::hash::Digest;

impl Runtime {
    /// Compiles a component anew, keeps the result and loads that, to see how long each takes. Nothing of it runs, and it is
    /// not installed; to install it afterwards takes no second compilation.
    ///
    /// # Errors
    /// [`FaultCode::NotCompiled`], or [`FaultCode::Storage`] if the result cannot be kept.
    pub async fn weigh(&self, bytes: Vec<u8>) -> Result<Weight, ConnectorFault> {
        self.catalogue.weigh(bytes).await
    }

    /// Has a loaded connector describe itself once more, as it did when it was installed; whoever looks on hears what that
    /// took.
    ///
    /// # Errors
    /// [`FaultCode::NotInstalled`] if it is not loaded; [`FaultCode::BadDescription`].
    pub async fn describe(&self, digest: Digest) -> Result<(), ConnectorFault> {
        let loaded = self.catalogue.get(&digest).ok_or_else(|| {
            let what = format!("connector sha256:{digest} is not loaded; install it first");
            ConnectorFault::host(FaultCode::NotInstalled, what)
        })?;
        // The semaphore is never closed, so a permit always comes.
        let _permit = self.calls.acquire().await;
        loaded.describes_itself(self.witness.clone()).await
    }
}
