//! The policy components port: one pure call, one answer.

use super::Answer;
use countersign_core::hash::Digest;
use countersign_core::policy::component::Contributed;

/// All installed policy components.
pub trait Components: Send + Sync + 'static {
    /// Asks a component what it adds to the answer of the tables. `intent` and `facts` are
    /// canonical JSON. The same arguments give the same answer.
    ///
    /// Whatever breaks in the component, or if there is none with this digest, the answer is
    /// [`Contributed::Failed`] with one line for the policy's owner: never an approval.
    fn contribute(&self, component: Digest, intent: String, facts: String) -> Answer<'_, Contributed>;

    /// Whether a component with this digest is installed.
    fn is_installed(&self, component: &Digest) -> bool;
}

/// A host without policy components.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoComponents;

impl Components for NoComponents {
    fn contribute(&self, component: Digest, _: String, _: String) -> Answer<'_, Contributed> {
        let why = format!("component sha256:{component} is not installed");
        Box::pin(std::future::ready(Contributed::Failed(why)))
    }

    fn is_installed(&self, _: &Digest) -> bool {
        false
    }
}
