//! One connection of the configuration, for whoever has nothing to do with the others: none of their secrets is read, and
//! none that this shell does not have is missed.

use super::keys::Section;
use super::problem::Problems;
use super::{Connectors, connection_keys, connectors, data_folder, secret, text_of};
use countersign_connectors::{OperatorGrant, RawConnection, Secret, Trust};
use countersign_core::id::ConnectionName;
use serde::Deserialize as _;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// One connection as it stands in the configuration, and what its connector is known by.
#[derive(Debug, Clone)]
pub struct OneConnection {
    /// The configuration.
    pub file: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// What connectors may want at all.
    pub grant: OperatorGrant,
    /// Whose connectors are taken.
    pub trust: Trust,
    /// The connection.
    pub raw: RawConnection,
}

impl OneConnection {
    /// Reads the secret that a reference of the configuration names.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn secret(&self, reference: &str) -> Result<Secret, String> {
        let here = self.file.parent().unwrap_or(Path::new("."));
        secret(reference, here, &|name| std::env::var(name).ok())
    }
}

/// Finds the configuration and reads one connection of it.
///
/// # Errors
/// Every problem of what is read, or that there is no such connection.
pub fn one_connection(named: Option<&Path>, name: &ConnectionName) -> Result<OneConnection, Problems> {
    let (file, text) = text_of(named)?;
    let mut problems = Problems::of(&file, &text);
    let (parsed, faults) = DeTable::parse_recoverable(&text);
    for fault in faults {
        problems.at(fault.span().map_or(0, |span| span.start), fault.message().to_owned());
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let environment = |name: &str| std::env::var(name).ok();
    let root = parsed.get_ref();
    let top = Section::new("", Some(root), &environment);
    let here = file.parent().unwrap_or(Path::new("."));
    let data = here.join(data_folder(&top, &mut problems));
    let Connectors { grant, trust, .. } = connectors(&top, root, &environment, &mut problems);
    let all = match root.get("connection").map(|value| value.get_ref()) {
        Some(DeValue::Table(all)) => Some(all),
        Some(_) | None => None,
    };
    let Some(value) = all.and_then(|all| all.get(name.as_str())) else {
        let known: Vec<String> =
            all.into_iter().flatten().map(|(name, _)| format!("`{}`", name.get_ref())).collect();
        let help = if known.is_empty() {
            format!("write `[connection.{name}]`, as the README of its connector has it")
        } else {
            format!("it has {}", known.join(", "))
        };
        problems.add(None, format!("there is no connection `{name}`"), Some(help));
        return Err(problems);
    };
    let place = value.span().start;
    // Nothing is read that may not be needed.
    let unread = |_: &str| Ok(Secret::new(String::new()));
    connection_keys(name, value, &unread, &environment, &mut problems);
    let raw = RawConnection::deserialize(toml::de::ValueDeserializer::from(value.clone()));
    match raw {
        Ok(raw) if problems.is_empty() => Ok(OneConnection { data, grant, trust, raw, file }),
        Ok(_) => Err(problems),
        Err(fault) => {
            if problems.is_empty() {
                let place = fault.span().map_or(place, |span| span.start);
                problems.at(place, format!("connection `{name}`: {}", fault.message()));
            }
            Err(problems)
        }
    }
}
