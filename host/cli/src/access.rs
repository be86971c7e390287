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
        if let Err(fault) = take_out(data, tokens) {
            let fault = format!("{fault:#}");
            tracing::error!(fault, blame = "host", "a token that stood in an address is still in its file");
        }
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

/// Takes out of the file what was revoked because it stood in an address, so that no restart brings it back.
fn take_out(data: &Path, tokens: &TokenTable) -> anyhow::Result<()> {
    let revoked = tokens.revoked();
    if revoked.is_empty() {
        return Ok(());
    }
    let mut file = wire::read_token_file(data)?;
    let known = file.tokens.len();
    file.tokens.retain(|token| !revoked.contains(&token.sha256));
    if file.tokens.len() == known {
        return Ok(());
    }
    wire::put_private(data, TOKENS_FILE, &file)
}

/// The bytes of a file; `None` if it is not there or cannot be read.
async fn bytes(data: &Path, name: &str) -> Option<Vec<u8>> {
    tokio::fs::read(data.join(name)).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::id::PersonId;
    use countersign_server::token::{kept, minted};
    use countersign_server::{Scope, TokenEntry};

    #[test]
    fn what_was_revoked_is_not_there_after_a_restart() {
        let data = tempfile::tempdir().expect("a folder");
        let [one, other] = [minted(&[1; 32]), minted(&[2; 32])];
        let entry = |name: &str, token: &str| TokenEntry {
            name: name.to_owned(),
            person: PersonId::parse("ae-1").expect("a person"),
            sha256: kept(token),
            scopes: [Scope::Read].into(),
        };
        let file = wire::TokenFile { tokens: vec![entry("one", &one), entry("other", &other)] };
        wire::put_private(data.path(), TOKENS_FILE, &file).expect("it is written");
        let table = TokenTable::new(file.tokens.clone()).expect("a table");
        take_out(data.path(), &table).expect("nothing is revoked");
        assert_eq!(wire::read_token_file(data.path()).expect("it is read").tokens, file.tokens);
        table.revoke(&one).expect("it is known");
        take_out(data.path(), &table).expect("it is taken out");
        let left = wire::read_token_file(data.path()).expect("it is read");
        assert_eq!(left.tokens, [entry("other", &other)]);
        let after_a_restart = TokenTable::new(left.tokens).expect("a table");
        assert!(after_a_restart.find(&one).is_none() && after_a_restart.find(&other).is_some());
    }
}
