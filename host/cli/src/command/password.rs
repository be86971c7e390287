//! `countersign password`: who signs in with a password. Only its hash is kept.

use super::Global;
use super::token::Place;
use crate::exit;
use crate::output::{self, Failure, Table, plain};
use crate::wire::{self, PASSWORDS_FILE};
use anyhow::{Context as _, Result};
use countersign_core::id::PersonId;
use countersign_server::password::hashed;
use countersign_server::{PasswordEntry, Passwords};
use serde_json::json;
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// What to do with passwords.
#[derive(Debug, clap::Subcommand)]
pub enum Password {
    /// Give somebody a password of 15 to 128 characters, or another one; their sessions end. From a pipe it is the
    /// first line
    Set {
        /// Who
        person: String,
        #[command(flatten)]
        place: Place,
    },
    /// List who has one
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Take somebody's password away; their sessions end
    Remove {
        /// Whose
        person: String,
        #[command(flatten)]
        place: Place,
    },
}

/// Runs one of them.
///
/// # Errors
/// If the passwords cannot be read or written, or the person is none.
pub fn run(command: Password, global: &Global) -> Result<ExitCode> {
    match command {
        Password::Set { person, place } => set(&named(&person)?, &place, global)?,
        Password::List { place } => {
            let file = wire::read_password_file(&place.folder(global)?)?;
            let people: Vec<String> = file.passwords.iter().map(|entry| entry.person.to_string()).collect();
            if global.json {
                output::json(&json!({ "items": people }))?;
            } else {
                let mut table = Table::new(&["person"]);
                people.iter().for_each(|person| table.row([person]));
                if table.is_empty() && !global.quiet {
                    output::say("nobody has a password; `countersign password set PERSON` gives one");
                }
                table.print()?;
            }
        }
        Password::Remove { person, place } => {
            let (person, data) = (named(&person)?, place.folder(global)?);
            let mut file = wire::read_password_file(&data)?;
            let before = file.passwords.len();
            file.passwords.retain(|entry| entry.person != person);
            if file.passwords.len() == before {
                let failure = Failure::new(exit::NO, format!("`{person}` has no password"));
                return Err(failure.with_help("`countersign password list` says who has one").into());
            }
            wire::put_private(&data, PASSWORDS_FILE, &file)?;
            if !global.quiet {
                output::say("removed; a running host forgets it, and ends its sessions, within seconds");
            }
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

fn named(person: &str) -> Result<PersonId> {
    let parsed = PersonId::parse(person);
    Ok(parsed
        .map_err(|fault| Failure::new(exit::USAGE, format!("`{}` is no person: {fault}", plain(person))))?)
}

fn set(person: &PersonId, place: &Place, global: &Global) -> Result<()> {
    if super::token::known(person, global) == Some(false) && !global.quiet {
        output::say(&format!(
            "`{person}` does not stand in `people.md`: they cannot sign in until they are of the house"
        ));
    }
    let data = place.folder(global)?;
    let argon2id = hashed(&asked(person)?).map_err(|why| {
        Failure::new(exit::USAGE, why).with_help("a few words in a row are long and easy to keep in mind")
    })?;
    let mut file = wire::read_password_file(&data)?;
    file.passwords.retain(|entry| entry.person != *person);
    file.passwords.push(PasswordEntry { person: person.clone(), argon2id });
    Passwords::default().replace(file.passwords.clone()).map_err(|why| Failure::new(exit::NO, why))?;
    wire::private_folder(&data)?;
    wire::put_private(&data, PASSWORDS_FILE, &file)?;
    if !global.quiet {
        output::say("kept as a hash; a running host knows it within seconds, and sign-ins are at `/sign-in`");
    }
    Ok(())
}

/// Asks for the password twice without showing it; from a pipe it is the first line.
fn asked(person: &PersonId) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).context("the password cannot be read")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let ask = |what: &str| rpassword::prompt_password(what).context("the password cannot be read");
    let first = ask(&format!("Password of {person}: "))?;
    if first != ask("The same again: ")? {
        return Err(Failure::new(exit::USAGE, "the two are not the same").with_help("try again").into());
    }
    Ok(first)
}
