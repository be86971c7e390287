//! Where the files of a house lie, for whoever needs none of its secrets: none is read, and none that this shell does not
//! have is missed.

use super::keys::Section;
use super::problem::Problems;
use super::{data_section, rules_folder, text_of};
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// How a reference to a secret begins.
pub const SECRET_KINDS: [&str; 3] = ["env:", "file:", "command:"];

/// Where they lie.
#[derive(Debug, Clone)]
pub struct Whereabouts {
    /// The configuration.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// The data folder.
    pub data: PathBuf,
    /// The rules.
    pub rules: PathBuf,
    /// Whether the log lies in a database.
    pub in_database: bool,
}

impl Whereabouts {
    /// Each key of the configuration whose value says where a secret is, with that reference.
    #[must_use]
    pub fn references(&self) -> Vec<(String, String)> {
        let (parsed, _) = DeTable::parse_recoverable(&self.text);
        let mut found = Vec::new();
        references("", parsed.get_ref(), &mut found);
        found
    }
}

fn references(above: &str, table: &DeTable<'_>, found: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let name =
            if above.is_empty() { key.get_ref().to_string() } else { format!("{above}.{}", key.get_ref()) };
        match value.get_ref() {
            DeValue::Table(table) => references(&name, table, found),
            DeValue::String(text) if SECRET_KINDS.iter().any(|kind| text.starts_with(kind)) => {
                found.push((name, text.to_string()));
            }
            _ => {}
        }
    }
}

/// Finds the configuration, and says where the files of its house lie.
///
/// # Errors
/// Every problem of what is read.
pub fn whereabouts(named: Option<&Path>) -> Result<Whereabouts, Problems> {
    let (file, text) = text_of(named)?;
    let mut problems = Problems::of(&file, &text);
    let (parsed, faults) = DeTable::parse_recoverable(&text);
    for fault in faults {
        problems.at(fault.span().map_or(0, |span| span.start), fault.message().to_owned());
    }
    let environment = |name: &str| std::env::var(name).ok();
    let top = Section::new("", Some(parsed.get_ref()), &environment);
    let (data_keys, data) = data_section(&top, &mut problems);
    let in_database = data_keys.text("database", &mut problems).is_some();
    let rules = rules_folder(&top, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let here = file.parent().unwrap_or(Path::new("."));
    let (data, rules) = (here.join(data), here.join(rules));
    Ok(Whereabouts { file, text, data, rules, in_database })
}
