//! Real servers for the tests: programs that nobody here wrote, each started on a free
//! loopback port, seeded with the data of the flows and ended when its value is dropped.
//!
//! `tests/install` puts the programs in place once; a server that is not installed says
//! so and names that script. The seeding and the read-back helpers speak to the servers
//! directly and never through our connectors, so that a test compares what a connector
//! says with what the target really holds.
//!
//! | value | program | plays |
//! |---|---|---|
//! | [`LocalStripe`] | localstripe | billing |
//! | [`Tryton`] | trytond on SQLite | customers and quotes |
//! | [`WebDav`] | WsgiDAV | contract repository |
//! | [`HledgerWeb`] | hledger-web | ledger |
//! | [`MailServer`] | aiosmtpd | the operator's mail server |
//! | [`OpenIdProvider`] | oidc-provider on Node.js | the identity provider |
//! | [`Slack`] | backlot | where people are told what was approved |
//! | [`Registry`] | docker-registry | the registry that a vendor pushes connectors to |
//! | [`Vendor`] | a stand-in of ours in Python | a vendor that nobody can run |
//! | [`ChromeDriver`] | Chromium and its chromedriver | the browser that people see the console in |
//! | [`any_caller`] | schemathesis, openapi-spec-validator | whoever calls the API, and says anything |
//! | [`Postgres`] | PostgreSQL | the database that a log is kept in |
//! | [`ScimProvider`] | scim2-client, scim2-tester | the operator's identity provider |

use std::path::PathBuf;

use anyhow::{Result, ensure};

pub mod any_caller;
mod chrome_driver;
mod hledger_web;
pub mod http;
mod local_stripe;
mod mail_server;
mod openid_provider;
mod postgres;
mod process;
mod registry;
mod scim_provider;
mod slack;
mod tryton;
mod vendor;
mod web_dav;

pub use chrome_driver::{ChromeDriver, axe};
pub use hledger_web::HledgerWeb;
pub use local_stripe::LocalStripe;
pub use mail_server::{MailServer, Received};
pub use openid_provider::{CLIENT, CLIENT_SECRET, OpenIdProvider};
pub use postgres::Postgres;
pub use process::{Process, free_port};
pub use registry::Registry;
pub use scim_provider::ScimProvider;
pub use slack::Slack;
pub use tryton::{Quote, QuoteLine, Tryton, UNIT_COST};
pub use vendor::Vendor;
pub use web_dav::{Clause, Contract, WebDav, sha256};

/// The folder that `tests/install` fills: `target/test-servers` of the workspace, or the
/// folder that `COUNTERSIGN_TEST_SERVERS` names.
pub fn install_folder() -> PathBuf {
    std::env::var_os("COUNTERSIGN_TEST_SERVERS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/test-servers")),
        PathBuf::from,
    )
}

/// A program of the Python environment that `tests/install` made.
fn python_program(name: &str) -> Result<PathBuf> {
    program_of("venv", name)
}

/// A program of one of its Python environments.
///
/// # Errors
/// If it is not installed.
pub fn program_of(environment: &str, name: &str) -> Result<PathBuf> {
    let path = install_folder().join(environment).join("bin").join(name);
    ensure!(path.exists(), "the test server `{name}` is not installed: run `tests/install`");
    Ok(path)
}
