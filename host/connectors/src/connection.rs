//! A connection as the operator configures it: the second key to every grant.
//!
//! [`RawConnection`] is what stands in the file; [`ConnectionOptions`] is what the host uses, with
//! names checked and secrets resolved. Nothing is granted that does not stand here.

use crate::egress::address::Cidr;
use crate::egress::oauth2::is_refresh_token;
use crate::fault::{ConnectorFault, FaultCode};
use crate::manifest::Rate;
use crate::secret::Secret;
use countersign_core::hash::Digest;
use countersign_core::id::ConnectionName;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One connection as it stands in the operator's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawConnection {
    /// The connector: its id (`countersign.stripe`) or its digest (`sha256:...`).
    pub connector: String,
    /// The endpoints that this connection may use, by their names in the manifest.
    #[serde(default)]
    pub endpoints: BTreeMap<String, RawEndpoint>,
    /// Settings for the connector. Never a secret.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// The hooks that it takes deliveries by, by their names in the manifest.
    #[serde(default)]
    pub webhooks: BTreeMap<String, RawHook>,
    /// Special-purpose address ranges that it may reach all the same, such as `127.0.0.0/8`.
    #[serde(default)]
    pub allow: Vec<String>,
    /// How much the target bears, if the operator knows better than the manifest.
    #[serde(default)]
    pub rate: Option<Rate>,
}

/// One endpoint as it stands in the operator's file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawEndpoint {
    /// Base address, instead of the manifest's.
    #[serde(default)]
    pub base: Option<String>,
    /// Where tokens are given, instead of the manifest's address.
    #[serde(default)]
    pub token: Option<String>,
    /// Where a person signs in to have the first refresh token given, instead of the manifest's address.
    #[serde(default)]
    pub authorize: Option<String>,
    /// Values for the variables of the manifest's base address.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Id of the client that signs, where it signs for itself.
    #[serde(default)]
    pub issuer: Option<String>,
    /// For whom it signs.
    #[serde(default)]
    pub subject: Option<String>,
    /// Reference to the credential, such as `env:STRIPE_KEY`. Never the credential itself.
    #[serde(default)]
    pub secret: Option<String>,
}

/// One hook as it stands in the operator's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawHook {
    /// Reference to what its deliveries are proved by, such as `file:secrets/stripe-hook`: one secret a line, so that an
    /// old one and a new one count while it is rotated.
    pub secret: String,
}

/// Which connector a connection uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectorRef {
    /// The version installed last with this id.
    Id(String),
    /// Exactly these bytes.
    Digest(Digest),
}

/// One connection, checked and with its secrets.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds secrets")]
pub struct ConnectionOptions {
    /// Its name.
    pub name: ConnectionName,
    /// The connector.
    pub connector: ConnectorRef,
    /// The endpoints that it may use.
    pub endpoints: BTreeMap<String, EndpointOptions>,
    /// Settings for the connector.
    pub settings: BTreeMap<String, String>,
    /// What the deliveries of each hook are proved by.
    pub webhooks: BTreeMap<String, Secret>,
    /// Special-purpose address ranges that it may reach.
    pub allow: Vec<Cidr>,
    /// How much the target bears.
    pub rate: Option<Rate>,
    /// Where others reach this host, such as `https://approvals.example.com`: some sign the address that they post to.
    pub address: Option<String>,
}

impl ConnectionOptions {
    /// An endpoint of this connection and one of another that name the same file with a refresh token, if there are any:
    /// what takes the place of the token is known to one of them only.
    #[must_use]
    pub fn shared_refresh_token<'a>(&'a self, other: &'a ConnectionOptions) -> Option<(&'a str, &'a str)> {
        let secrets = |of: &'a ConnectionOptions| {
            let endpoints = of.endpoints.iter();
            endpoints.filter_map(|(name, endpoint)| Some((name.as_str(), endpoint.secret.as_ref()?)))
        };
        let spent = secrets(self).filter(|(_, secret)| is_refresh_token(secret));
        spent
            .flat_map(|(own, secret)| {
                secrets(other).map(move |(theirs, another)| (own, secret, theirs, another))
            })
            .find(|(_, secret, _, another)| secret.is_kept_with(another))
            .map(|(own, _, theirs, _)| (own, theirs))
    }

    /// The same with what is kept of its secrets now; none if that is what it has. Commands that tell a secret are run.
    pub(crate) fn renewed(mut self) -> Result<Option<ConnectionOptions>, String> {
        let (mut is_other, mut faults) = (false, Vec::new());
        let secrets = self.endpoints.values_mut().filter_map(|endpoint| endpoint.secret.as_mut());
        for secret in secrets.chain(self.webhooks.values_mut()) {
            match secret.renewed() {
                Ok(Some(another)) => (*secret, is_other) = (another, true),
                Ok(None) => {}
                Err(why) => faults.push(why),
            }
        }
        // One that cannot be read keeps no other one from being renewed.
        if is_other || faults.is_empty() { Ok(is_other.then_some(self)) } else { Err(faults.join("; ")) }
    }
}

/// One endpoint of a connection, with its secret.
#[derive(Clone, Default)]
#[expect(missing_debug_implementations, reason = "it holds a secret")]
pub struct EndpointOptions {
    /// Base address, instead of the manifest's.
    pub base: Option<String>,
    /// Where tokens are given, instead of the manifest's address.
    pub token: Option<String>,
    /// Where a person signs in to have the first refresh token given, instead of the manifest's address.
    pub authorize: Option<String>,
    /// Values for the variables of the manifest's base address.
    pub variables: BTreeMap<String, String>,
    /// Id of the client that signs, where it signs for itself.
    pub issuer: Option<String>,
    /// For whom it signs.
    pub subject: Option<String>,
    /// The credential.
    pub secret: Option<Secret>,
}

impl RawConnection {
    /// Checks the connection called `name` and resolves its secrets through `resolve`, which takes
    /// a reference (`env:NAME`) and gives the secret or says why it cannot.
    ///
    /// # Errors
    /// Every fault of the connection at once, one sentence each.
    pub fn resolve(
        self,
        name: ConnectionName,
        mut resolve: impl FnMut(&str) -> Result<Secret, String>,
    ) -> Result<ConnectionOptions, Vec<ConnectorFault>> {
        let mut faults = Vec::new();
        let mut fault = |what: String| {
            let message = format!("connection `{name}` {what}");
            faults.push(ConnectorFault::host(FaultCode::BadConnection, message));
        };
        let connector = match self.connector.strip_prefix("sha256:") {
            None => ConnectorRef::Id(self.connector),
            Some(hex) => Digest::parse(hex).map_or_else(
                || {
                    fault(format!(
                        "names connector `sha256:{hex}`, which is no digest of 64 hexadecimal digits"
                    ));
                    ConnectorRef::Id(String::new())
                },
                ConnectorRef::Digest,
            ),
        };
        let mut allow = Vec::new();
        for text in &self.allow {
            match Cidr::parse(text) {
                Some(range) => allow.push(range),
                None => fault(format!("allows `{text}`, which is no address range such as `127.0.0.0/8`")),
            }
        }
        let mut endpoints = BTreeMap::new();
        for (endpoint, raw) in self.endpoints {
            let secret = match raw.secret.as_deref().map(&mut resolve) {
                None => None,
                Some(Ok(secret)) => Some(secret),
                Some(Err(why)) => {
                    fault(format!("cannot read the secret of endpoint `{endpoint}`: {why}"));
                    None
                }
            };
            let RawEndpoint { base, token, authorize, variables, issuer, subject, secret: _ } = raw;
            let options = EndpointOptions { base, token, authorize, variables, issuer, subject, secret };
            endpoints.insert(endpoint, options);
        }
        let mut webhooks = BTreeMap::new();
        for (hook, raw) in self.webhooks {
            match resolve(&raw.secret) {
                Ok(secret) => drop(webhooks.insert(hook, secret)),
                Err(why) => fault(format!("cannot read the secret of hook `{hook}`: {why}")),
            }
        }
        if faults.is_empty() {
            let (settings, rate) = (self.settings, self.rate);
            Ok(ConnectionOptions {
                name,
                connector,
                endpoints,
                settings,
                webhooks,
                allow,
                rate,
                address: None,
            })
        } else {
            Err(faults)
        }
    }
}
