//! Tokens and passwords while a host serves: what is made or taken away counts within seconds.

use crate::wire::{self, PASSWORDS_FILE, TOKENS_FILE};
use anyhow::anyhow;
use countersign_server::{Passwords, TokenTable};
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

/// Wait between two looks at the files, in milliseconds.
const LOOK_MS: u64 = 1_000;

/// Looks at both files again and again, and takes what has changed. A file that cannot be read or does not
/// check is said once, and what was known stays.
pub async fn follow(data: &Path, tokens: &TokenTable, passwords: &Passwords) -> Infallible {
    // The first look takes both: what changed while the host started must not be missed.
    let mut seen: [Option<Option<Vec<u8>>>; 2] = [None, None];
    loop {
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        for (place, name) in seen.iter_mut().zip([TOKENS_FILE, PASSWORDS_FILE]) {
            let now = Some(bytes(data, name).await);
            if *place == now {
                continue;
            }
            let first = place.is_none();
            *place = now;
            let taken = if name == TOKENS_FILE {
                wire::read_token_file(data)
                    .and_then(|file| tokens.replace(file.tokens).map_err(|fault| anyhow!("{name}: {fault}")))
            } else {
                wire::read_password_file(data).and_then(|file| {
                    passwords.replace(file.passwords).map_err(|fault| anyhow!("{name}: {fault}"))
                })
            };
            match taken {
                Ok(()) if first => {}
                Ok(()) => tracing::info!(file = name, "a file of access has changed and is in force"),
                Err(fault) => {
                    let fault = format!("{fault:#}");
                    tracing::error!(
                        fault,
                        blame = "host",
                        "a file of access is not taken, what was known stays"
                    );
                }
            }
        }
    }
}

/// The bytes of a file; `None` if it is not there or cannot be read.
async fn bytes(data: &Path, name: &str) -> Option<Vec<u8>> {
    tokio::fs::read(data.join(name)).await.ok()
}
