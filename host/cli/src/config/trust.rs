//! `[trust.NAMESPACE]`: whose connectors are taken.

use super::keys::Section;
use super::problem::Problems;
use countersign_connectors::{Level, Namespace, Trust, TrustedKey};
use countersign_core::id::ConnectorId;
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// What is said of a host that takes unsigned connectors.
pub const UNSIGNED: &str =
    "`unsigned = true` in `[connectors]`: a connector that no namespace covers is taken whoever made it";
/// What to do about it.
pub const SIGN_THEM: &str = "sign yours with `countersign connector sign`, list the key in `[trust.NAMESPACE]`, \
                              and take `unsigned` out";

/// Every namespace with its keys.
pub(super) fn read(
    root: &DeTable<'_>,
    unsigned: bool,
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Trust {
    let mut namespaces = BTreeMap::new();
    let Some(found) = root.get("trust") else { return Trust { namespaces, unsigned } };
    let DeValue::Table(all) = found.get_ref() else {
        problems.at(
            found.span().start,
            "`trust` is a section for each namespace: write `[trust.acme]`".to_owned(),
        );
        return Trust { namespaces, unsigned };
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
        section.only(&["keys", "testers", "level"], problems);
        let mut keys = |name: &str| {
            let texts = section.texts(name, problems).unwrap_or_default();
            texts.iter().filter_map(|text| key(text, (place, &namespace), problems)).collect()
        };
        let (signers, testers) = (keys("keys"), keys("testers"));
        let level =
            section.text("level", problems).and_then(|text| level(&text, (place, &namespace), problems));
        namespaces.insert(namespace.to_string(), Namespace { keys: signers, testers, level });
    }
    Trust { namespaces, unsigned }
}

fn key(text: &str, (place, namespace): (usize, &ConnectorId), problems: &mut Problems) -> Option<TrustedKey> {
    let key = TrustedKey::parse(text);
    if key.is_none() {
        let help = "`ed25519:` and the public key in base 64, as `countersign connector key` prints it; perhaps \
                    `from 2026-01-01T00:00:00Z` and `until 2027-01-01T00:00:00Z` behind it";
        problems.add(place, format!("`{text}` of `[trust.{namespace}]` is no key"), Some(help.to_owned()));
    }
    key
}

fn level(text: &str, (place, namespace): (usize, &ConnectorId), problems: &mut Problems) -> Option<Level> {
    let level = Level::ALL.into_iter().find(|level| level.name() == text);
    if level.is_none() {
        let help = format!("one of {}", Level::ALL.map(Level::name).join(", "));
        problems.add(place, format!("`{text}` of `[trust.{namespace}]` is no level"), Some(help));
    }
    level
}
