//! `[trust.NAMESPACE]`: whose connectors are taken.

use super::keys::Section;
use super::problem::Problems;
use countersign_connectors::{Trust, TrustedKey};
use countersign_core::id::ConnectorId;
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// Every namespace with its keys.
pub(super) fn read(
    root: &DeTable<'_>,
    unsigned: bool,
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Trust {
    let mut keys = BTreeMap::new();
    let Some(found) = root.get("trust") else { return Trust { keys, unsigned } };
    let DeValue::Table(all) = found.get_ref() else {
        problems.at(
            found.span().start,
            "`trust` is a section for each namespace: write `[trust.acme]`".to_owned(),
        );
        return Trust { keys, unsigned };
    };
    for (name, value) in all {
        let (place, written) = (name.span().start, name.get_ref());
        let DeValue::Table(table) = value.get_ref() else {
            problems.at(place, format!("`{written}` is a section: write `[trust.{written}]`"));
            continue;
        };
        let Ok(namespace) = ConnectorId::parse(written) else {
            problems.at(place, format!("`{written}` is no first part of a connector's id, such as `acme`"));
            continue;
        };
        let mut section = Section::new(&format!("trust.{namespace}"), Some(table), environment);
        section.only(&["keys"], problems);
        let mut trusted = Vec::new();
        for text in section.texts("keys", problems).unwrap_or_default() {
            match TrustedKey::parse(&text) {
                Some(key) => trusted.push(key),
                None => {
                    let help = "`ed25519:` and the public key in base 64, as `countersign connector key` prints it; \
                                perhaps `from 2026-01-01T00:00:00Z` and `until 2027-01-01T00:00:00Z` behind it";
                    let message = format!("`{text}` of `[trust.{namespace}]` is no key");
                    problems.add(place, message, Some(help.to_owned()));
                }
            }
        }
        keys.insert(namespace.to_string(), trusted);
    }
    Trust { keys, unsigned }
}
