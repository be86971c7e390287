//! `countersign token`: who may call the API. A token is shown once; only its hash is kept.

use super::Global;
use crate::output::{self, Failure, Table};
use crate::wire::{self, TOKENS_FILE, TokenFile};
use crate::{config, exit};
use anyhow::{Context as _, Result};
use countersign_core::document::{Faults, SourceFile};
use countersign_core::id::PersonId;
use countersign_core::people::Directory;
use countersign_core::rulebook::PEOPLE_FILE;
use countersign_server::token::{NotATable, kept, minted};
use countersign_server::{Scope, TokenEntry, TokenTable};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Bytes of chance in a token.
const SECRET_BYTES: usize = 32;

/// What to do with tokens.
#[derive(Debug, clap::Subcommand)]
pub enum Token {
    /// Make a token and show it once
    Create(Create),
    /// List the tokens, without their secrets
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Take a token away
    Revoke {
        /// Its name
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

/// A new token.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// In whose name it acts; for `provision`, a name of the identity provider that nobody of the house has
    pub person: String,
    /// What you call it; the person's id unless said otherwise
    #[arg(long)]
    pub name: Option<String>,
    /// What it may do: read, ask, decide, operate; or provision, which stands alone
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', default_value = "read,ask,decide",
        value_parser = scope)]
    pub scopes: Vec<Scope>,
    #[command(flatten)]
    pub place: Place,
}

/// Where the tokens are.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// Data folder, instead of the one in the configuration
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl Place {
    pub(super) fn folder(&self, global: &Global) -> Result<PathBuf> {
        match &self.data {
            Some(data) => Ok(data.clone()),
            None => Ok(config::load(global.config.as_deref())?.data),
        }
    }
}

/// Runs one of them.
///
/// # Errors
/// If the tokens cannot be read or written, or there is no such token.
pub fn run(command: Token, global: &Global) -> Result<ExitCode> {
    match command {
        Token::Create(create) => made(create, global)?,
        Token::List { place } => list(&wire::read_token_file(&place.folder(global)?)?, global)?,
        Token::Revoke { name, place } => {
            let data = place.folder(global)?;
            let mut file = wire::read_token_file(&data)?;
            let before = file.tokens.len();
            file.tokens.retain(|token| token.name != name);
            if file.tokens.len() == before {
                let failure = Failure::new(exit::NO, format!("there is no token `{}`", output::plain(&name)));
                return Err(failure.with_help("`countersign token list` names them").into());
            }
            put(&data, &file)?;
            if !global.quiet {
                output::say("revoked; a running host forgets it within seconds");
            }
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

fn made(create: Create, global: &Global) -> Result<()> {
    let person = PersonId::parse(&create.person).map_err(|fault| {
        Failure::new(exit::USAGE, format!("`{}` is no person: {fault}", output::plain(&create.person)))
    })?;
    let provisions = create.scopes.contains(&Scope::Provision);
    if is_machine(&person, global)
        && create.scopes.iter().any(|scope| !matches!(scope, Scope::Read | Scope::Ask | Scope::Provision))
    {
        let failure = Failure::new(exit::NO, format!("`{person}` is a machine, which reads and asks"));
        return Err(failure.with_help("add `--scope read,ask`").into());
    }
    match known(&person, global) {
        Some(true) if provisions => {
            let failure = Failure::new(
                exit::NO,
                format!("`{person}` stands in `people.md`, and who provisions is nobody of the house"),
            );
            return Err(failure.with_help("name the machine, such as `idp`").into());
        }
        Some(false) if !provisions && !global.quiet => {
            output::say(&format!(
                "`{person}` does not stand in `people.md`: the token is refused until they are of the house"
            ));
        }
        Some(_) | None => {}
    }
    let data = create.place.folder(global)?;
    let mut file = wire::read_token_file(&data)?;
    let mut bits = [0; SECRET_BYTES];
    getrandom::fill(&mut bits).context("the operating system gives no random bits")?;
    let token = minted(&bits);
    let scopes: BTreeSet<Scope> = create.scopes.into_iter().collect();
    let name = create.name.unwrap_or_else(|| person.to_string());
    file.tokens.push(TokenEntry { name: name.clone(), person: person.clone(), sha256: kept(&token), scopes });
    TokenTable::new(file.tokens.clone()).map_err(|fault| {
        let help = match &fault {
            NotATable::NameTwice(_) | NotATable::TokenTwice(..) => "choose another name with `--name`",
            NotATable::NotAlone(_) => "leave out `--scope`, or name `provision` and nothing else",
            NotATable::TooMany(_) => "`countersign token revoke NAME` takes one away",
        };
        Failure::new(exit::NO, fault.to_string()).with_help(help)
    })?;
    wire::private_folder(&data)?;
    put(&data, &file)?;
    if global.json {
        output::json(&json!({ "name": name, "person": person.to_string(), "token": token.as_str() }))?;
    } else {
        output::line(&token)?;
    }
    if !global.quiet {
        output::say("keep it now: it is not shown again; a running host knows it within seconds");
    }
    Ok(())
}

/// Whether `people.md` of the configured rules has a person, or a machine of that name; `None` if there is none that can
/// be read.
pub(super) fn known(person: &PersonId, global: &Global) -> Option<bool> {
    let directory = directory(global)?;
    Some(directory.knows(directory.answering(person)))
}

fn is_machine(name: &PersonId, global: &Global) -> bool {
    directory(global).is_some_and(|directory| directory.machines.contains_key(name))
}

fn directory(global: &Global) -> Option<Directory> {
    let rules = config::load(global.config.as_deref()).ok()?.rules;
    let text = std::fs::read_to_string(rules.join(PEOPLE_FILE)).ok()?;
    let mut faults = Faults::new(PEOPLE_FILE);
    Directory::parse(&SourceFile { path: PEOPLE_FILE.to_owned(), text }, &mut faults)
}

fn list(file: &TokenFile, global: &Global) -> Result<()> {
    let scopes = |token: &TokenEntry| token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>();
    if global.json {
        let item = |token: &TokenEntry| json!({ "name": token.name, "person": token.person.to_string(), "scopes": scopes(token) });
        return output::json(&json!({ "items": file.tokens.iter().map(item).collect::<Vec<_>>() }));
    }
    let mut table = Table::new(&["name", "person", "may", "sha256"]);
    for token in &file.tokens {
        let digest: String = token.sha256.to_string().chars().take(12).collect();
        table.row([&token.name, &token.person.to_string(), &scopes(token).join(", "), &digest]);
    }
    if table.is_empty() && !global.quiet {
        output::say("there is no token yet; `countersign token create PERSON` makes one");
    }
    table.print()
}

/// Writes the tokens down.
pub(super) fn put(data: &Path, file: &TokenFile) -> Result<()> {
    wire::put_private(data, TOKENS_FILE, file)
}

fn scope(word: &str) -> Result<Scope, String> {
    let all = Scope::ALL;
    let known = all.iter().find(|scope| scope.as_str() == word);
    known.copied().ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|scope| scope.as_str()).collect();
        format!("one of {}", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn tokens_are_kept_as_hashes_in_a_file_of_their_owner() {
        let data = std::env::temp_dir().join(format!("countersign-token-{}", std::process::id()));
        fs::create_dir_all(&data).expect("a folder");
        let token = minted(&[7; SECRET_BYTES]);
        let entry = TokenEntry {
            name: "one".to_owned(),
            person: PersonId::parse("ae-1").expect("a person"),
            sha256: kept(&token),
            scopes: [Scope::Read].into(),
        };
        put(&data, &TokenFile { tokens: vec![entry] }).expect("it is written");
        let place = data.join(TOKENS_FILE);
        assert_eq!(fs::metadata(&place).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert!(!fs::read_to_string(&place).expect("it is read").contains(token.as_str()));
        let read = wire::read_token_file(&data).expect("it is read");
        let table = TokenTable::new(read.tokens).expect("a table");
        assert_eq!(table.find(&token).map(|entry| entry.name.clone()).as_deref(), Some("one"));
        fs::remove_dir_all(&data).expect("it can be removed");
    }

    #[test]
    fn only_known_scopes_are_taken() {
        assert_eq!(scope("decide"), Ok(Scope::Decide));
        assert_eq!(scope("all"), Err("one of read, ask, decide, operate, provision".to_owned()));
    }
}
