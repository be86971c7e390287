//! The key of a log: drawn once, and named by the file that it lies in.
//!
//! The file holds one line, `PRIVATE+KEY+NAME+ID+KEY`, as the signed notes of Go's checksum database have it. A log that
//! gets another key keeps its name; what the old one signed is checked with the old one.

use crate::command::{Global, key_file};
use crate::exit;
use crate::output::Failure;
use anyhow::Result;
use countersign_core::log::note::VerifierKey;
use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use std::path::Path;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// What an Ed25519 key begins with.
const ED25519: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";

/// A private key and the name of its log. It has no `Debug`, so that it cannot reach a log by accident.
pub(crate) struct LogKey {
    signing: SigningKey,
    public: VerifierKey,
}

impl LogKey {
    fn of(name: &str, seed: &[u8; 32]) -> Option<LogKey> {
        let signing = SigningKey::from_bytes(seed);
        let public = VerifierKey::of(name, signing.verifying_key().to_bytes())?;
        Some(LogKey { signing, public })
    }

    /// Reads the line of a key file.
    fn parse(line: &str) -> Option<LogKey> {
        let (name, rest) = line.strip_prefix(PRIVATE)?.split_once('+')?;
        let (id, key) = rest.split_once('+')?;
        let bytes = Zeroizing::new(BASE64.decode(key.as_bytes()).ok()?);
        let (kind, seed) = bytes.split_first()?;
        let key = LogKey::of(name, seed.try_into().ok()?)?;
        (*kind == ED25519 && HEXLOWER.encode(&key.public.id()) == id).then_some(key)
    }

    fn to_line(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new([&[ED25519], &self.signing.to_bytes()[..]].concat());
        let key = Zeroizing::new(BASE64.encode(&bytes));
        let id = HEXLOWER.encode(&self.public.id());
        Zeroizing::new(format!("{PRIVATE}{}+{id}+{}\n", self.public.name(), *key))
    }

    pub(crate) fn public(&self) -> &VerifierKey {
        &self.public
    }

    pub(crate) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.signing.sign(text).to_bytes()
    }
}

/// Whether an Ed25519 signature is right.
pub(crate) fn is_right(public: &[u8; 32], text: &[u8], signature: &[u8; 64]) -> bool {
    let key = VerifyingKey::from_bytes(public);
    key.is_ok_and(|key| key.verify_strict(text, &Signature::from_bytes(signature)).is_ok())
}

/// Draws a key pair: the private half into a file that only its owner reads, the public half onto the terminal.
///
/// # Errors
/// If the name is none, or the file is there already or cannot be written.
pub(crate) fn draw(name: &str, file: &Path, global: &Global) -> Result<ExitCode> {
    let seed = key_file::seed()?;
    let Some(key) = LogKey::of(name, &seed) else {
        let help = "at most 128 bytes without spaces and `+`, such as `acme.example/approvals`";
        return Err(Failure::new(exit::USAGE, format!("`{name}` is no name of a log"))
            .with_help(help)
            .into());
    };
    let next =
        "signs checkpoints: keep it where nobody else reads it. Give the line above to whoever checks them";
    key_file::write(file, &key.to_line(), (&key.public.to_string(), next), global)?;
    Ok(ExitCode::from(exit::DONE))
}

/// Reads a private key.
///
/// # Errors
/// If the file cannot be read, or holds none.
pub(crate) fn private(file: &Path) -> Result<LogKey> {
    let text = key_file::read(file)?;
    LogKey::parse(text.trim_end()).ok_or_else(|| {
        let failure =
            Failure::new(exit::USAGE, format!("`{}` holds no private key of a log", file.display()));
        failure.with_help("`countersign audit key NAME FILE` makes one").into()
    })
}
