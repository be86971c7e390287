//! Signatures of components: a key pair is made once, and each component signed with it.

use crate::build;
use crate::command::{Global, key_file};
use crate::distribution::Kind;
use crate::exit;
use crate::materials;
use crate::output::{self, Failure};
use anyhow::{Context as _, Result};
use countersign_connectors::PrivateKey;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// Draws a key pair: the private half into a file that only its owner reads, the public half onto the terminal.
///
/// # Errors
/// If the file is there already or cannot be written.
pub(super) fn key(file: &Path, global: &Global) -> Result<ExitCode> {
    let key = PrivateKey::drawn(&*key_file::seed()?);
    let pem = key.to_pem().context("the key cannot be written down")?;
    let next = "signs connectors: keep it where nobody else reads it. Operators put the line above into `keys` of \
                `[trust.NAMESPACE]`";
    key_file::write(file, &pem, (&key.public().to_string(), next), global)?;
    Ok(ExitCode::from(exit::DONE))
}

/// Reads a private key.
///
/// # Errors
/// If the file cannot be read, or holds none.
pub(super) fn private(key: &Path) -> Result<PrivateKey> {
    let pem = key_file::read(key)?;
    PrivateKey::from_pem(&pem).map_err(|why| {
        let failure = Failure::new(exit::USAGE, format!("`{}` {why}", key.display()));
        let help = "`countersign connector key FILE` makes one; so does `openssl genpkey -algorithm ed25519`";
        failure.with_help(help).into()
    })
}

/// Signs a component; the signature lies beside it.
///
/// # Errors
/// If the component is none, its bill of materials is not of it, the key is none, or the signature cannot be written.
pub(super) fn sign(component: &Path, key: &Path, global: &Global) -> Result<ExitCode> {
    let about = build::inspected(component)?;
    // Whoever signs gives it away, with what lies beside it.
    if let Some(bill) = Kind::Materials.beside(component)? {
        materials::read(&bill, &about.digest).map_err(|unfit| unfit.beside(component, &about.digest))?;
    }
    let key = private(key)?;
    let signature = key.sign(&about)?;
    let place = Kind::Signature.place_of(component);
    fs::write(&place, signature).with_context(|| format!("`{}` cannot be written", place.display()))?;
    let public = key.public().to_string();
    if global.json {
        output::json(&json!({
            "signature": place.display().to_string(),
            "digest": about.digest.to_string(),
            "public": public,
        }))?;
    } else if !global.quiet {
        let named = &about.manifest.connector;
        output::say(&format!(
            "`{}` {} (sha256:{}) is signed by `{public}`: `{}`",
            named.id,
            named.version,
            super::short(&about.digest.to_string()),
            place.display()
        ));
    }
    Ok(ExitCode::from(exit::DONE))
}
