//! Of which modules a component in Go is made: those of whose packages the compiler took one, the library of Go, and what
//! we put around it ourselves.

use super::go::{BINDINGS_MODULE, PROGRAM_MODULE, RUNTIME_MODULE};
use crate::materials::{Hash, Licence, Materials, Part, Role, purl};
use anyhow::{Context as _, Result};
use data_encoding::{BASE64, HEXLOWER};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A package, as `go list` says it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Package {
    module: Option<Listed>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    path: String,
    version: Option<String>,
    sum: Option<String>,
    replace: Option<Box<Listed>>,
}

/// What the connector that is the module `own` is made of, by what `go list` says of its program.
pub(super) fn materials(listed: &[u8], own: &str, version: &str) -> Result<Materials> {
    let mut parts = BTreeSet::new();
    for package in serde_json::Deserializer::from_slice(listed).into_iter::<Package>() {
        let package = package.context("what go lists is not understood")?;
        // Of Go's own library.
        let Some(module) = package.module else { continue };
        // What the bill is about, and what was generated for it.
        if [own, PROGRAM_MODULE, BINDINGS_MODULE].contains(&module.path.as_str()) {
            continue;
        }
        parts.insert(if module.path == RUNTIME_MODULE { runtime() } else { module.part() });
    }
    let version = version.trim_start_matches("go");
    parts.insert(Part {
        name: "std".to_owned(),
        version: Some(version.to_owned()),
        purl: Some(purl("golang", "std", version)),
        licence: Licence::Unsaid,
        hash: None,
        role: Role::Inside,
    });
    parts.insert(adapter());
    Ok(Materials { parts, tools: BTreeMap::from([("go".to_owned(), version.to_owned())]) })
}

impl Listed {
    fn part(&self) -> Part {
        // What lies in a folder has no version, or one that nobody asked about.
        let fetched = match &self.replace {
            Some(other) => other.version.is_some().then_some(other.as_ref()),
            None => Some(self),
        };
        let version = fetched.and_then(|module| module.version.as_deref());
        Part {
            name: self.path.clone(),
            version: version.map(str::to_owned),
            purl: fetched
                .zip(version)
                .map(|(module, version)| purl("golang", &module.path.to_lowercase(), version)),
            // A `go.mod` says nothing of it.
            licence: Licence::Unsaid,
            hash: fetched.and_then(|module| hash(module.sum.as_deref()?)),
            role: Role::Inside,
        }
    }
}

/// The sum of a `go.sum` is the SHA-256 of a list of what is in the module, which other bills name so as well.
fn hash(sum: &str) -> Option<Hash> {
    let bytes = BASE64.decode(sum.strip_prefix("h1:")?.as_bytes()).ok()?;
    Some(Hash { algorithm: "SHA-256", hex: HEXLOWER.encode(&bytes) })
}

/// What the bindings run on: it is in the package that generates them.
fn runtime() -> Part {
    of_ours("wit-bindgen-go", env!("COUNTERSIGN_GO_RUNTIME_VERSION"), env!("COUNTERSIGN_GO_RUNTIME_LICENCE"))
}

/// What makes the first preview of WASI, for which Go compiles, the second.
fn adapter() -> Part {
    of_ours(
        "wasi-preview1-component-adapter-provider",
        env!("COUNTERSIGN_WASI_ADAPTER_VERSION"),
        env!("COUNTERSIGN_WASI_ADAPTER_LICENCE"),
    )
}

/// A part that this program puts there out of a crate.
fn of_ours(name: &str, version: &str, licence: &str) -> Part {
    Part {
        name: name.to_owned(),
        version: Some(version.to_owned()),
        purl: Some(purl("cargo", name, version)),
        licence: Licence::expression(Some(licence)),
        hash: None,
        role: Role::Inside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_made_of_the_modules_of_its_packages() {
        let listed = r#"
            { "Standard": true }
            { "Module": { "Path": "countersign/component", "Replace": { "Path": "./c" } } }
            { "Module": { "Path": "its-own", "Main": true } }
            { "Module": { "Path": "go.bytecodealliance.org/pkg", "Replace": { "Path": "./r" } } }
            { "Module": { "Path": "countersign/sdk", "Version": "v0.0.0", "Replace": { "Path": "./sdk" } } }
            { "Module": { "Path": "example.com/A/b", "Version": "v1.2.0", "Sum": "h1:/w==" } }
            { "Module": { "Path": "example.com/A/b", "Version": "v1.2.0", "Sum": "h1:/w==" } }
            { "Module": { "Path": "old.example/x", "Version": "v1.0.0", "Sum": "h1:AA==",
                          "Replace": { "Path": "new.example/x", "Version": "v2.0.0", "Sum": "h1:AQ==" } } }"#;
        let materials = materials(listed.as_bytes(), "its-own", "go1.27.3").expect("it is read");
        let parts: Vec<_> = materials
            .parts
            .iter()
            .map(|part| {
                (part.name.as_str(), part.purl.as_deref(), part.hash.as_ref().map(|hash| hash.hex.as_str()))
            })
            .collect();
        let adapter = purl(
            "cargo",
            "wasi-preview1-component-adapter-provider",
            env!("COUNTERSIGN_WASI_ADAPTER_VERSION"),
        );
        let runtime = purl("cargo", "wit-bindgen-go", env!("COUNTERSIGN_GO_RUNTIME_VERSION"));
        let expected = [
            ("countersign/sdk", None, None),
            ("example.com/A/b", Some("pkg:golang/example.com/a/b@v1.2.0"), Some("ff")),
            ("old.example/x", Some("pkg:golang/new.example/x@v2.0.0"), Some("01")),
            ("std", Some("pkg:golang/std@1.27.3"), None),
            ("wasi-preview1-component-adapter-provider", Some(adapter.as_str()), None),
            ("wit-bindgen-go", Some(runtime.as_str()), None),
        ];
        assert_eq!(parts, expected);
        assert_eq!(materials.tools, BTreeMap::from([("go".to_owned(), "1.27.3".to_owned())]));
    }
}
