//! Of which packages a component in TypeScript is made: those of whose files esbuild took something into the bundle, and
//! the engine that componentize-qjs brings.

use super::typescript::{INSTALLED, PACKAGE_FILE};
use crate::materials::{Hash, Licence, Materials, Part, Role, purl};
use anyhow::{Context as _, Result, bail};
use data_encoding::{BASE64, HEXLOWER};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What puts its engine into the component.
const ENGINE: &str = "componentize-qjs";
/// What else has a hand in it.
const TOOLS: [&str; 2] = ["esbuild", "typescript"];

/// What esbuild says of a bundle.
#[derive(Debug, Deserialize)]
struct Bundle {
    outputs: BTreeMap<String, Output>,
}

#[derive(Debug, Deserialize)]
struct Output {
    #[serde(default)]
    exports: BTreeSet<String>,
    inputs: BTreeMap<String, Input>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    /// How much of it is in there: types are not.
    bytes_in_output: u64,
}

/// The manifest of a package, as far as it matters here.
#[derive(Debug, Deserialize)]
struct About {
    name: Option<String>,
    version: Option<String>,
    license: Option<serde_json::Value>,
}

/// What npm says of what it installed.
#[derive(Debug, Deserialize)]
struct Lock {
    #[serde(default)]
    packages: BTreeMap<String, Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    resolved: Option<String>,
    integrity: Option<String>,
    #[serde(default)]
    link: bool,
}

/// What of `wanted` the entry file does not export; `inputs` is what esbuild said of the bundle.
pub(super) fn lacks(inputs: &Path, wanted: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    let bundle: Bundle = read(inputs)?;
    let exports: BTreeSet<String> = bundle.outputs.into_values().flat_map(|output| output.exports).collect();
    Ok(wanted.difference(&exports).cloned().collect())
}

/// What the component of the package in `folder` is made of; `inputs` is what esbuild said of the bundle.
pub(super) fn materials(folder: &Path, inputs: &Path) -> Result<Materials> {
    let bundle: Bundle = read(inputs)?;
    let installed = folder.join(INSTALLED);
    let lock: Lock = read(&installed.join(".package-lock.json"))?;
    let mut inside = BTreeSet::from([installed.join(ENGINE)]);
    for (input, taken) in bundle.outputs.values().flat_map(|output| &output.inputs) {
        if 0 < taken.bytes_in_output {
            inside.insert(package_of(&folder.join(input))?);
        }
    }
    // The project itself is what the bill is about.
    inside.remove(folder);
    let inside = inside.iter().map(|place| (place.clone(), Role::Inside));
    let builds = TOOLS.map(|tool| (installed.join(tool), Role::Builds)).into_iter();
    let parts = inside.chain(builds.filter(|(place, _)| place.is_dir()));
    Ok(Materials {
        parts: parts.map(|(place, role)| part(folder, &place, role, &lock)).collect::<Result<_>>()?,
        tools: BTreeMap::new(),
    })
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = std::fs::read(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("`{}` is not understood", file.display()))
}

/// The package that a file belongs to: the nearest folder above it with a manifest that has a name.
fn package_of(file: &Path) -> Result<PathBuf> {
    let file = file.canonicalize().with_context(|| format!("`{}` cannot be found", file.display()))?;
    for folder in file.ancestors().skip(1) {
        let manifest = folder.join(PACKAGE_FILE);
        // Some packages have manifests without a name in folders of theirs.
        if manifest.is_file() && read::<About>(&manifest)?.name.is_some() {
            return Ok(folder.to_owned());
        }
    }
    bail!("`{}` belongs to no package", file.display())
}

fn part(project: &Path, place: &Path, role: Role, lock: &Lock) -> Result<Part> {
    let About { name, version, license } = read(&place.join(PACKAGE_FILE))?;
    let name = name.with_context(|| format!("the package in `{}` has no name", place.display()))?;
    let key = place.strip_prefix(project).ok().and_then(Path::to_str);
    // What is a link is a folder of somebody, whatever it is called.
    let locked = key.and_then(|key| lock.packages.get(key)).filter(|locked| !locked.link);
    // Some lists leave the address of a registry out.
    let is_registry = |from: &String| from.starts_with("https://") || from.starts_with("http://");
    let is_fetched = locked.is_some_and(|locked| locked.resolved.as_ref().is_none_or(is_registry));
    let purl = version.as_deref().filter(|_| is_fetched).map(|version| purl("npm", &name, version));
    let licence = match &license {
        Some(serde_json::Value::String(text)) => Licence::expression(Some(text)),
        // Old packages have an object there.
        Some(other) => Licence::expression(other["type"].as_str()),
        None => Licence::Unsaid,
    };
    let hash = locked.and_then(|locked| locked.integrity.as_deref()).and_then(hash);
    Ok(Part { name, version, purl, licence, hash, role })
}

/// The best hash of an `integrity`, which may have several.
fn hash(integrity: &str) -> Option<Hash> {
    [("sha512-", "SHA-512"), ("sha384-", "SHA-384"), ("sha256-", "SHA-256")].into_iter().find_map(
        |(begins, algorithm)| {
            let digits = integrity.split_whitespace().find_map(|one| one.strip_prefix(begins))?;
            let bytes = BASE64.decode(digits.split('?').next()?.as_bytes()).ok()?;
            Some(Hash { algorithm, hex: HEXLOWER.encode(&bytes) })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_made_of_the_packages_whose_code_is_in_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a folder");
        let write = |file: &str, text: &str| {
            let file = root.join(file);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::fs::write(file, text).expect("it is written");
        };
        write("sdk/package.json", r#"{"name": "the-sdk", "license": "Apache-2.0"}"#);
        write("sdk/src/index.ts", "");
        write("it/package.json", r#"{"name": "it"}"#);
        write("it/src/connector.ts", "");
        for (name, more) in [
            ("used", r#""license": {"type": "ISC"}"#),
            ("typed", r#""license": "MIT""#),
            ("@a/b", r#""license": "SEE LICENSE IN X""#),
            (ENGINE, r#""license": "Apache-2.0""#),
            ("esbuild", r#""license": "MIT""#),
        ] {
            write(
                &format!("it/node_modules/{name}/package.json"),
                &format!(r#"{{"name": "{name}", "version": "1.0.0", {more}}}"#),
            );
            write(&format!("it/node_modules/{name}/esm/package.json"), r#"{"type": "module"}"#);
            write(&format!("it/node_modules/{name}/esm/index.js"), "");
        }
        write(
            "it/node_modules/.package-lock.json",
            r#"{"packages": {
                "node_modules/used": {"resolved": "https://r.example/used.tgz", "integrity": "sha1-AAAA sha512-/w=="},
                "node_modules/@a/b": {"resolved": "https://r.example/b.tgz"},
                "node_modules/componentize-qjs": {"resolved": "file:../engine"},
                "node_modules/esbuild": {},
                "node_modules/the-sdk": {"resolved": "../sdk", "link": true}
            }}"#,
        );
        write(
            "inputs.json",
            r#"{"outputs": {"connector.js": {"exports": ["identity", "reader"], "inputs": {
                "src/connector.ts": {"bytesInOutput": 9}, "../sdk/src/index.ts": {"bytesInOutput": 9},
                "node_modules/used/esm/index.js": {"bytesInOutput": 9}, "node_modules/@a/b/esm/index.js": {"bytesInOutput": 1},
                "node_modules/typed/esm/index.js": {"bytesInOutput": 0}
            }}}}"#,
        );
        let wanted = BTreeSet::from(["reader", "writer"].map(str::to_owned));
        let lacking = lacks(&root.join("inputs.json"), &wanted).expect("it is read");
        assert_eq!(lacking, BTreeSet::from(["writer".to_owned()]));
        let materials = materials(&root.join("it"), &root.join("inputs.json")).expect("it is read");
        let expression = |text: &str| Licence::Expression(text.to_owned());
        let part = |name: &str, licence: Licence, role: Role, is_fetched: bool| Part {
            name: name.to_owned(),
            version: (name != "the-sdk").then(|| "1.0.0".to_owned()),
            purl: is_fetched.then(|| purl("npm", name, "1.0.0")),
            licence,
            hash: (name == "used").then(|| Hash { algorithm: "SHA-512", hex: "ff".to_owned() }),
            role,
        };
        let expected = BTreeSet::from([
            part("used", expression("ISC"), Role::Inside, true),
            part("@a/b", Licence::Words("SEE LICENSE IN X".to_owned()), Role::Inside, true),
            part("the-sdk", expression("Apache-2.0"), Role::Inside, false),
            part(ENGINE, expression("Apache-2.0"), Role::Inside, false),
            part("esbuild", expression("MIT"), Role::Builds, true),
        ]);
        assert_eq!(materials.parts, expected);
    }
}
