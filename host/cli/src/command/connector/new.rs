//! `countersign connector new`: a project that builds and is certified at once.
//!
//! Template and SDK are inside of the program, so that whoever has it needs nothing else of this repository.

mod languages;

use super::Global;
use crate::exit;
use crate::output::{self, Failure};
use anyhow::Result;
use languages::Language;
use std::path::PathBuf;
use std::process::ExitCode;

/// The id that the template has.
const TEMPLATE_ID: &str = "acme.orders";
/// Longest id of a connector.
const ID_BYTES_MAX: usize = 64;

/// What to write.
#[derive(Debug, clap::Args)]
pub struct New {
    /// Its id: your name, then the system's, such as `acme.orders`
    #[arg(value_name = "ID")]
    id: String,
    /// The language it is written in
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// The folder, instead of the id with dashes. It must not be there yet
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Writes a project.
///
/// # Errors
/// If the id is none, or the folder is there already or cannot be made.
pub(super) fn run(new: &New, global: &Global) -> Result<ExitCode> {
    let id = Id::parse(&new.id)?;
    let folder = new.folder.clone().unwrap_or_else(|| PathBuf::from(id.package()));
    if folder.exists() {
        let message = format!("`{}` is there already, and nothing was written", folder.display());
        return Err(Failure::new(exit::USAGE, message)
            .with_help("name another folder with `--folder DIR`")
            .into());
    }
    new.lang.write(&id, &folder)?;
    if !global.quiet {
        output::say(&format!(
            "wrote the connector `{id}` to {at}. Now:\n\n  cd {at}\n  countersign connector test .    every law, offline; it is certified as it is\n{own}\n\
             Then make it yours: connector.toml says what it asks for, {source} what it does, cassettes/ what its target \
             answers.",
            id = id.0,
            at = folder.display(),
            own = new.lang.own_tests(),
            source = new.lang.source(),
        ));
    }
    Ok(ExitCode::from(exit::DONE))
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

    /// The same with what the template calls itself in its place.
    fn fill(&self, text: &str) -> String {
        let of_template = Id(TEMPLATE_ID.to_owned());
        let module = |id: &Id| id.package().replace('-', "_");
        // Through marks, so that what was put in is not looked at again.
        let marked = text
            .replace(TEMPLATE_ID, "\u{1}")
            .replace(&of_template.package(), "\u{2}")
            .replace(&module(&of_template), "\u{3}");
        marked.replace('\u{1}', &self.0).replace('\u{2}', &self.package()).replace('\u{3}', &module(self))
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
    fn an_id_that_holds_the_templates_name_stays_as_it_is() {
        let id = Id("acme-orders.v2".to_owned());
        assert_eq!(
            id.fill("acme.orders acme-orders acme_orders"),
            "acme-orders.v2 acme-orders-v2 acme_orders_v2"
        );
    }

    #[test]
    fn nothing_of_the_template_is_left_in_a_new_project() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("it");
        Language::Rust.write(&Id("vendor.some-crm".to_owned()), &project).expect("it is written");
        let read = |file: &str| std::fs::read_to_string(project.join(file)).expect(file);
        for file in ["Cargo.toml", "connector.toml", "README.md", "src/lib.rs", "tests/orders.rs"] {
            let text = read(file);
            for left in ["acme.orders", "acme-orders", "acme_orders", "path = \"..\""] {
                assert!(!text.contains(left), "{file} holds `{left}`");
            }
        }
        assert!(read("connector.toml").contains("id = \"vendor.some-crm\""));
        assert!(read("tests/orders.rs").contains("use vendor_some_crm::Orders;"));
        assert!(
            read("sdk/wit/connector@1.0.0/connector.wit").contains("package countersign:connector@1.0.0;")
        );
        let project = folder.path().join("other");
        Language::Typescript.write(&Id("vendor.some-crm".to_owned()), &project).expect("it is written");
        let package = std::fs::read_to_string(project.join("package.json")).expect("it is read");
        for (part, there) in [("vendor-some-crm", true), ("file:sdk", true), ("..", false), ("acme", false)] {
            assert_eq!(package.contains(part), there, "{part}");
        }
        let project = folder.path().join("third");
        Language::Go.write(&Id("vendor.some-crm".to_owned()), &project).expect("it is written");
        let read = |file: &str| std::fs::read_to_string(project.join(file)).expect(file);
        for (file, part) in [
            ("go.mod", "module vendor-some-crm\n"),
            ("go.mod", "countersign/sdk => ./sdk\n"),
            ("build.toml", "wit = \"sdk/wit/connector@1.0.0\"\nsdk = \"sdk\"\n"),
            ("connector.go", "\"vendor.some-crm\""),
            ("sdk/guest/go.mod", "module countersign/guest\n"),
        ] {
            assert!(read(file).contains(part), "{file}: {part}");
        }
    }
}
