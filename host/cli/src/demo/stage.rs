//! The folder of the host: rules, tokens, configuration, connectors. It is gone when the
//! demonstration is, unless something went wrong.

use super::host::free_address;
use crate::build;
use crate::command::init::STARTER;
use crate::standin::{StandIns, billing, contracts, crm};
use crate::wire::{TOKENS_FILE, TokenFile, private_folder};
use anyhow::{Context, Result};
use countersign_core::id::PersonId;
use countersign_server::token::{kept, minted};
use countersign_server::{Scope, TokenEntry};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The connectors that the flows need, in the order of their connections.
pub const CONNECTORS: [&str; 4] =
    ["countersign.stripe", "countersign.webdav", "countersign.tryton", "countersign.hledger"];

/// Everybody who asks, decides or looks.
const PERSONS: [&str; 27] = [
    "ae-1",
    "ae-2",
    "ae-3",
    "agent-1",
    "agent-2",
    "controller-1",
    "controller-2",
    "counsel-1",
    "counsel-2",
    "cro-chief-of-staff",
    "deputy-general-counsel",
    "director-1",
    "director-2",
    "director-3",
    "finance-1",
    "finance-2",
    "finance-3",
    "finance-lead",
    "general-counsel",
    "integration-lead",
    "privacy-1",
    "privacy-2",
    "sales-manager-1",
    "sales-manager-2",
    "support-lead-1",
    "vp-sales-1",
    "vp-sales-2",
];

/// A host's folder, ready to start from.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
    address: SocketAddr,
    tokens: BTreeMap<String, String>,
}

impl Stage {
    /// Writes everything that a host needs to reach these stand-ins through these connectors.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn set(stand_ins: &StandIns, connectors: &[PathBuf]) -> Result<Stage> {
        let folder = tempfile::Builder::new()
            .prefix("countersign-demo-")
            .tempdir()
            .context("no temporary folder can be made")?;
        let mut stage = Stage { folder, address: free_address()?, tokens: BTreeMap::new() };
        for (path, text) in STARTER {
            stage.write(&format!("rules/{path}"), text)?;
        }
        stage.write_tokens()?;
        let configuration = format!(
            "# Written by `countersign demo`.\n\
             [data]\nfolder = \"data\"\n\n\
             [rules]\nfolder = \"rules\"\n\n\
             [server]\nlisten = \"{}\"\n\n{}",
            stage.address,
            sections(stage.folder.path(), stand_ins, connectors)?
        );
        stage.write("countersign.toml", &configuration)?;
        Ok(stage)
    }

    /// The configuration file.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("countersign.toml")
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where the host will listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everybody's token, by person.
    #[must_use]
    pub fn tokens(&self) -> &BTreeMap<String, String> {
        &self.tokens
    }

    /// Leaves the folder on disk, and says where.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        write(self.folder.path(), path, text)
    }

    /// Mints a token for everybody; the host gets only their hashes.
    fn write_tokens(&mut self) -> Result<()> {
        let mut file = TokenFile::default();
        for person in PERSONS {
            let mut bits = [0; 32];
            getrandom::fill(&mut bits).context("the operating system gives no random bits")?;
            let token = minted(&bits);
            file.tokens.push(TokenEntry {
                name: person.to_owned(),
                person: PersonId::parse(person).map_err(|fault| anyhow::anyhow!("`{person}`: {fault}"))?,
                sha256: kept(&token),
                scopes: Scope::OF_PEOPLE.into(),
            });
            self.tokens.insert(person.to_owned(), token.as_str().to_owned());
        }
        private_folder(&self.data())?;
        let file = toml::to_string(&file).context("the tokens cannot be written")?;
        self.write(&format!("data/{TOKENS_FILE}"), &file)
    }
}

/// The components of the connectors that the flows need, built from this checkout.
///
/// # Errors
/// If there is no checkout, or one of them does not build.
pub fn connectors() -> Result<Vec<PathBuf>> {
    let plugins = plugins_folder().context(
        "there are no connectors to build; run this in a checkout of countersign, which has a folder `plugins`",
    )?;
    let built = build::build_all(&plugins, &build::out_folder(&plugins), &|_| {})?;
    let needed = built.into_iter().filter(|built| CONNECTORS.contains(&built.id()));
    Ok(needed.map(|built| built.file).collect())
}

/// The folder of the connectors' sources: above where we stand, or above where the program lies.
fn plugins_folder() -> Option<PathBuf> {
    let places = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    let above = places.iter().flatten().flat_map(|place| place.ancestors());
    above.map(|folder| folder.join("plugins")).find(|folder| folder.join("Cargo.toml").is_file())
}

fn write(folder: &Path, path: &str, text: &str) -> Result<()> {
    let file = folder.join(path);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&file, text).with_context(|| format!("`{}` cannot be written", file.display()))
}

/// The sections by which a configuration in this folder reaches these stand-ins through these connectors, as an operator
/// would write them. The secrets that they name are written beside it.
///
/// # Errors
/// If a file cannot be written.
pub fn sections(folder: &Path, stand_ins: &StandIns, connectors: &[PathBuf]) -> Result<String> {
    write(folder, "secrets/billing", billing::SECRET)?;
    write(folder, "secrets/crm", crm::KEY)?;
    write(folder, "secrets/contracts", &format!("{}:{}", contracts::USER, contracts::PASSWORD))?;
    let install: Vec<String> =
        connectors.iter().map(|path| format!("{:?}", path.display().to_string())).collect();
    let mut text =
        format!("[connectors]\ninstall = [{}]\nhosts = [\"*\"]\nunsigned = true\n", install.join(", "));
    let [stripe, webdav, tryton, hledger] = CONNECTORS;
    let connections = [
        ("billing", stripe, stand_ins.billing.base_url(), true),
        ("contracts", webdav, stand_ins.contracts.base_url(), true),
        ("crm", tryton, format!("{}/{}", stand_ins.crm.base_url(), crm::DATABASE), true),
        ("ledger", hledger, stand_ins.ledger.base_url(), false),
    ];
    for (name, connector, base, has_secret) in connections {
        write!(
            text,
            "\n[connection.{name}]\nconnector = \"{connector}\"\nallow = [\"127.0.0.0/8\"]\n\
             rate = {{ per-second = 200, burst = 200, concurrent = 8 }}\n\n\
             [connection.{name}.endpoints.api]\nbase = \"{base}\"\n"
        )?;
        if has_secret {
            writeln!(text, "secret = \"file:secrets/{name}\"")?;
        }
    }
    Ok(text)
}
