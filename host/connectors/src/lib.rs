//! Runs connectors: WebAssembly components that speak to one kind of system each.
//!
//! A connector is a stranger. It runs in a sandbox with limits on everything ([`Runtime`]), gets a
//! fresh store for every call, and has one way out: a gate that checks each request against the
//! connector's manifest and the operator's connection, adds the credential and the idempotency key
//! that the connector never sees, and records what left the host. Nothing is granted by default.
//!
//! How a connector comes to be: [`componentize`] wraps a core module and its manifest,
//! [`Runtime::install`] checks and stores it, [`Runtime::connect`] gives it a configured target.
//! The engine then calls it through [`countersign_engine::port::connectors::Connectors`].
//!
//! People are told from here as well ([`Messengers`]), by mail and by webhooks, and the identity provider is
//! asked from here ([`OpenIdProvider`]): what leaves the host leaves it in this crate.
#![deny(missing_docs)]

mod catalogue;
mod compile;
mod connection;
mod contract;
mod contributor;
mod egress;
mod fault;
mod grant;
mod inbound;
mod lock;
mod manifest;
mod metrics;
mod notify;
mod package;
mod runtime;
mod sandbox;
mod secret;
mod sign_in;
mod trust;
mod wants;
mod witness;
mod wrap;

pub use catalogue::{Installed, installed_builds};
pub use compile::{COMPILE_ARGUMENT, ChildCompiler, Weight, compile_input};
pub use connection::{ConnectionOptions, ConnectorRef, EndpointOptions, RawConnection, RawEndpoint};
pub use contributor::{Contributors, componentize_contributor, inspect_contributor};
pub use egress::REQUESTS_MAX;
pub use egress::address::Cidr;
pub use egress::oauth2::{Authorizing, Back, ClientProof, Gone, Granted, NotAuthorized, Overwrite};
pub use fault::{Blame, ConnectorFault, FaultCode};
pub use grant::OperatorGrant;
pub use manifest::{
    About, Algorithm, Auth, CONTRACTS, Class, Endpoint, Idempotency, IdempotencyMode, Intake, KeyForm,
    MANIFEST_SECTION, Manifest, Rate, Redirect, Scheme, Setting, Signing, Unit, Verify, Webhook,
};
pub use notify::{MailOptions, Messengers, NotifyOptions, Security, WebhookOptions, webhook_secret};
pub use package::{COMPONENT_BYTES_MAX, Inspected, componentize, inspect};
pub use runtime::{Runtime, RuntimeOptions};
pub use secret::Secret;
pub use sign_in::{Claim, OpenIdProvider, SignInOptions};
pub use trust::{
    CONFORMANCE_BYTES_MAX, Level, Looks, Namespace, PrivateKey, PublicKey, SIGNATURE_BYTES_MAX, Tested,
    Trust, TrustedKey, Vouched, joined_reports, joined_signatures, unfit_report, unfit_signature,
};
pub use witness::{Answered, Exchange, Spent, Witness};
pub use wrap::embed_contract;
