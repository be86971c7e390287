//! The HTTP server: the `/v1` API, its description, SCIM for identity providers, and health.
//!
//! A thin door in front of the engine. It says who calls, reads strictly what is asked, and gives the
//! engine's answer a shape ([`api::view`]) or a documented problem ([`code::CODES`]). It decides
//! nothing: every change is one command to the engine.
#![forbid(unsafe_code)]

pub mod api;
mod asked;
mod busy;
pub mod code;
pub mod console;
mod denied;
pub mod door;
pub mod limits;
mod log_signer;
mod metrics;
mod openapi;
pub mod password;
pub mod problem;
pub mod routes;
pub mod scim;
mod serve;
mod session;
mod sign_in;
mod state;
pub mod token;

pub use log_signer::{LogSigner, Sign};
pub use openapi::openapi;
pub use password::{PasswordEntry, Passwords};
pub use routes::{Routers, routers};
pub use scim::Provisioning;
pub use serve::serve;
pub use sign_in::SignIn;
pub use state::Parts;
pub use token::{Scope, TokenEntry, TokenTable};
