//! A world of the contract, as it stands in its folder.

use anyhow::{Context as _, Result};
use std::collections::BTreeSet;
use std::path::Path;
use wit_bindgen_core::wit_parser::{Resolve, WorldId, WorldKey};

/// The contract in the folder `wit`, and the world of this name in it.
///
/// # Errors
/// If there is none.
pub(super) fn named(wit: &Path, world: &str) -> Result<(Resolve, WorldId)> {
    let what = || format!("`{}` has no world `{world}` that can be read", wit.display());
    let mut contract = Resolve::default();
    let (package, _) = contract.push_path(wit).with_context(what)?;
    let world = contract.select_world(&[package], Some(world)).with_context(what)?;
    Ok((contract, world))
}

/// The interfaces that a component of this world exports, by their names.
///
/// # Errors
/// Those of [`named`].
pub(super) fn exports(wit: &Path, world: &str) -> Result<BTreeSet<String>> {
    let (contract, world) = named(wit, world)?;
    let exports = contract.worlds.get(world).map(|world| world.exports.keys()).into_iter().flatten();
    Ok(exports
        .filter_map(|key| match key {
            WorldKey::Name(name) => Some(name.clone()),
            WorldKey::Interface(interface) => contract.interfaces.get(*interface)?.name.clone(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_says_what_it_exports() {
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/connector@1.0.0");
        let check = |world: &str, expected: &[&str]| {
            let found = exports(&wit, world).unwrap_or_else(|error| panic!("{error:#}"));
            assert_eq!(found, expected.iter().map(|name| (*name).to_owned()).collect(), "{world}");
        };
        check("read-connector", &["identity", "reader"]);
        check("connector", &["identity", "reader", "writer"]);
        check("intake-connector", &["identity", "intake", "reader", "webhooks"]);
        let why = exports(&wit, "other").expect_err("there is none").to_string();
        assert!(why.ends_with("has no world `other` that can be read"), "{why}");
    }
}
