//! `countersign connector new`: a project that builds and is certified at once.
//!
//! Templates and SDK are inside of the program, so that whoever has it needs nothing else of this repository.

mod ask;
mod languages;
mod systems;
mod tree;

use super::Global;
use crate::exit;
use crate::output::{self, Failure};
use anyhow::Result;
use ask::{Question, choice};
use clap::ValueEnum;
use languages::Language;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use systems::{Filling, System};

/// The language and the kind of system that nobody has chosen otherwise.
const USUAL: (Language, System) = (Language::Rust, System::Other);
/// Longest id of a connector.
const ID_BYTES_MAX: usize = 64;

/// What to write.
#[derive(Debug, clap::Args)]
pub struct New {
    /// Its id: your name, then the system's, such as `acme.orders`
    #[arg(value_name = "ID")]
    id: String,
    /// The language it is written in. Asked for at a terminal; elsewhere it is Rust
    #[arg(long, value_enum)]
    lang: Option<Language>,
    /// What it is to write to. Asked for at a terminal; elsewhere it is another kind of system
    #[arg(long, value_enum, value_name = "KIND")]
    system: Option<System>,
    /// The folder, instead of the id with dashes. It must not be there yet
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Writes a project.
///
/// # Errors
/// If the id is none, the folder is there already or cannot be made, or a question is not answered.
pub(super) fn run(new: &New, global: &Global) -> Result<ExitCode> {
    let id = Id::parse(&new.id)?;
    let folder = new.folder.clone().unwrap_or_else(|| PathBuf::from(id.package()));
    if folder.exists() {
        let message = format!("`{}` is there already, and nothing was written", folder.display());
        return Err(Failure::new(exit::USAGE, message)
            .with_help("name another folder with `--folder DIR`")
            .into());
    }
    let (lang, system) = new.chosen(global)?;
    lang.write(&Filling::new(&id, system)?, &folder)?;
    if !global.quiet {
        let taken = new.taken(lang, system);
        output::say(&format!(
            "wrote the connector `{id}` to {at}{taken}. Now:\n\n  cd {at}\n  countersign connector test .    every law, offline; it is certified as it is\n{own}\n\
             Then make it yours: connector.toml says what it asks for, {source} what it does, cassettes/ what its target \
             answers, example/ how somebody asks for it.",
            id = id.0,
            at = folder.display(),
            own = lang.own_tests(),
            source = lang.source(),
        ));
    }
    Ok(ExitCode::from(exit::DONE))
}

impl New {
    /// In which language and for what: as it was said, as somebody at a terminal answers, or the usual.
    fn chosen(&self, global: &Global) -> Result<(Language, System)> {
        let asks = !global.json && io::stdin().is_terminal() && io::stderr().is_terminal();
        let (mut from, mut to) = (io::stdin().lock(), io::stderr().lock());
        let lang = match self.lang {
            Some(lang) => lang,
            None if asks => {
                let question = Question { words: "which language is it written in", option: "lang" };
                choice(&question, USUAL.0, &mut from, &mut to)?
            }
            None => USUAL.0,
        };
        let system = match self.system {
            Some(system) => system,
            None if asks => {
                let question = Question { words: "what does it write to", option: "system" };
                choice(&question, USUAL.1, &mut from, &mut to)?
            }
            None => USUAL.1,
        };
        Ok((lang, system))
    }

    /// How what nobody said is said the next time.
    fn taken(&self, lang: Language, system: System) -> String {
        match (self.lang, self.system) {
            (Some(_), Some(_)) => String::new(),
            (None, _) | (_, None) => format!(" (`--lang {} --system {}`)", name(lang), name(system)),
        }
    }
}

/// What a value is called on the command line.
fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The id of a connector, as the manifest wants it.
struct Id(String);

impl Id {
    fn parse(text: &str) -> Result<Id> {
        let is_name = |part: &str| {
            part.starts_with(|first: char| first.is_ascii_lowercase())
                && part
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
        };
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() < 2 || ID_BYTES_MAX < text.len() || !parts.iter().all(|part| is_name(part)) {
            let message = format!("`{text}` is no id of a connector");
            let help = "your name, a point, and the system's: small letters, digits and dashes, such as `acme.orders`";
            return Err(Failure::new(exit::USAGE, message).with_help(help).into());
        }
        Ok(Id(text.to_owned()))
    }

    /// The name of the package.
    fn package(&self) -> String {
        self.0.replace('.', "-")
    }

    /// As it stands in a text: itself, as the name of a package, and of a module.
    fn forms(&self) -> [String; 3] {
        [self.0.clone(), self.package(), self.package().replace('-', "_")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_name_and_a_system() {
        for good in ["acme.orders", "a.b", "acme-2.crm.v2"] {
            assert!(Id::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "acme",
            "Acme.orders",
            "acme.",
            ".orders",
            "acme..orders",
            "acme.or ders",
            "2acme.orders",
            "a/../b.c",
        ] {
            let why = Id::parse(bad).err().map(|error| error.to_string());
            assert_eq!(why, Some(format!("`{bad}` is no id of a connector")));
        }
    }

    #[test]
    fn without_a_terminal_nothing_is_asked_and_what_is_taken_is_said() {
        let taken = |lang, system| {
            let new = New { id: "acme.orders".to_owned(), lang, system, folder: None };
            // Whoever wants JSON is no person, also at the terminal of whoever runs this.
            let global = Global { config: None, json: true, url: None, token: None, quiet: false };
            let (lang, system) = new.chosen(&global).expect("a choice");
            new.taken(lang, system)
        };
        assert_eq!(taken(None, None), " (`--lang rust --system other`)");
        assert_eq!(taken(Some(Language::Go), None), " (`--lang go --system other`)");
        assert_eq!(taken(None, Some(System::Ledger)), " (`--lang rust --system ledger`)");
        assert_eq!(taken(Some(Language::Go), Some(System::Ledger)), "");
    }

    #[test]
    fn an_id_that_holds_the_templates_name_stays_as_it_is() {
        let id = Id("acme-quotes.v2".to_owned());
        let filling = Filling::new(&id, System::Other).expect("words");
        assert_eq!(
            filling.fill("acme.quotes acme-quotes acme_quotes"),
            "acme-quotes.v2 acme-quotes-v2 acme_quotes_v2"
        );
    }
}
