//! Stand-ins: small servers of this process that speak as the real target systems do, so that
//! the real connectors can be shown and tried without an account anywhere.
//!
//! | stand-in | speaks as | proof of a landed effect |
//! |---|---|---|
//! | [`billing`] | Stripe's `/v1`, idempotency keys included | metadata of refunds and prices |
//! | [`crm`] | Tryton's REST interface | prices of a quote, first word of a note |
//! | [`contracts`] | a WebDAV repository | history of the canonical document |
//! | [`ledger`] | hledger-web's JSON | code of a transaction |
//!
//! Each counts by itself what it was made to do, whatever the host believes, so that a doubled or
//! a lost effect is seen from outside. All of them fail on purpose: see [`faults`].

pub mod billing;
pub mod contracts;
pub mod crm;
pub mod faults;
pub mod ledger;
pub mod server;

#[cfg(test)]
mod tests;

use billing::Billing;
use contracts::Contracts;
use crm::Crm;
use faults::Faults;
use ledger::Ledger;
use server::{Server, Shared};
use std::sync::Arc;

/// One change that a stand-in was made to do, as it counts itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Landing {
    /// The stand-in: `billing`, `crm`, `contracts` or `ledger`.
    pub system: &'static str,
    /// What was done, in the words of the connector.
    pub operation: &'static str,
    /// Id of the record that it was done to.
    pub record: String,
    /// Id of the effect, where the system keeps one beside the change.
    pub effect: Option<String>,
    /// How often it was done. More than once is a doubled effect.
    pub times: usize,
}

/// All four stand-ins, before they are started: fill them with records first.
#[derive(Debug, Default)]
pub struct World {
    /// Customers, subscriptions, payments, refunds.
    pub billing: Billing,
    /// Accounts, quotes, approval records.
    pub crm: Crm,
    /// Contracts and their versions.
    pub contracts: Contracts,
    /// Journal entries.
    pub ledger: Ledger,
}

/// All four stand-ins, listening on loopback until this is dropped.
#[derive(Debug)]
pub struct StandIns {
    /// Billing, as Stripe.
    pub billing: Server<Billing>,
    /// CRM, as Tryton.
    pub crm: Server<Crm>,
    /// Contract repository, as WebDAV.
    pub contracts: Server<Contracts>,
    /// Ledger, as hledger-web.
    pub ledger: Server<Ledger>,
    faults: Arc<Faults>,
}

impl StandIns {
    /// Starts them on free ports of the loopback address.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(world: World, faults: Faults) -> std::io::Result<StandIns> {
        let faults = Arc::new(faults);
        Ok(StandIns {
            billing: Server::start(Shared::new(world.billing), Arc::clone(&faults)).await?,
            crm: Server::start(Shared::new(world.crm), Arc::clone(&faults)).await?,
            contracts: Server::start(Shared::new(world.contracts), Arc::clone(&faults)).await?,
            ledger: Server::start(Shared::new(world.ledger), Arc::clone(&faults)).await?,
            faults,
        })
    }

    /// What they did to the requests, and what they are about to do.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Everything that was done at all of them.
    #[must_use]
    pub fn landings(&self) -> Vec<Landing> {
        let mut all = self.billing.look(Billing::landings);
        all.extend(self.crm.look(Crm::landings));
        all.extend(self.contracts.look(Contracts::landings));
        all.extend(self.ledger.look(Ledger::landings));
        all.sort();
        all
    }

    /// How often an effect was done, at all of them together.
    #[must_use]
    pub fn applied(&self, effect: &str) -> usize {
        let ours = |landing: &&Landing| landing.effect.as_deref() == Some(effect);
        self.landings().iter().filter(ours).map(|landing| landing.times).sum()
    }
}
