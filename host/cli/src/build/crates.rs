//! Of which crates a module in Rust is made: what cargo compiled for its target just now, as far as it is reached from
//! the connector's own crate, and what ran on this machine for it. And where they lie, which is nobody else's matter.

use super::{tool, toolchain};
use crate::materials::{Hash, Licence, Materials, Part, Role, encoded, purl};
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The index of crates.io, which is where a package URL of cargo means.
const CRATES_IO: [&str; 2] =
    ["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];

/// What one call of cargo compiled, by the ids of packages.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    /// For the component.
    pub for_target: BTreeSet<String>,
    /// For this machine: macros, build scripts and what they use.
    pub for_host: BTreeSet<String>,
}

/// Everything that cargo says of the packages of a workspace, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
    workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    manifest_path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
struct DependencyKind {
    /// `build`, `dev`, or nothing.
    kind: Option<String>,
}

/// A `Cargo.lock`, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

/// Asks cargo about the workspace that `folder` is in. Where it was built before, nothing has to be fetched; what only its
/// tests need may be missing all the same. A workspace that has no lock gets one, as a build would write it.
pub(super) fn metadata(folder: &Path) -> Result<Metadata> {
    let ask = |how: &[&str]| {
        let mut cargo = Command::new(toolchain::cargo());
        cargo.args(["metadata", "--format-version", "1", "--filter-platform", toolchain::TARGET]).args(how);
        tool::said_by(&mut cargo, folder, "cargo does not say of what the connector is made")
    };
    let is_locked = folder.join("Cargo.lock").is_file();
    let online = || ask(if is_locked { &["--locked"] } else { &[] });
    let said = ask(&["--locked", "--offline"]).or_else(|_| online())?;
    serde_json::from_slice(&said).context("cargo metadata is not understood")
}

impl Metadata {
    /// What the crate in the folder `own` is made of; `rustc` is the compiler's version.
    pub(super) fn materials(&self, own: &Path, compiled: &Compiled, rustc: &str) -> Result<Materials> {
        let file = self.workspace_root.join("Cargo.lock");
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
        let lock: Lock =
            toml::from_str(&text).with_context(|| format!("`{}` is not understood", file.display()))?;
        Ok(Materials {
            parts: self.parts(own, compiled, &lock).chain([standard_library(rustc)]).collect(),
            tools: BTreeMap::from([("rustc".to_owned(), rustc.to_owned())]),
        })
    }

    /// Flags by which what is built names no folder of this machine: places in the source, which panics tell, begin with
    /// the name of their package. Members of the workspace are named from its root on by themselves.
    pub(super) fn nameless(&self) -> Vec<String> {
        let named = |package: &Package| {
            let folder = package.manifest_path.parent()?;
            let is_member = package.source.is_none() && folder.starts_with(&self.workspace_root);
            (!is_member).then(|| format!("{}={}-{}", folder.display(), package.name, package.version))
        };
        // Of several that fit, the last one counts.
        let root = format!("{}=.", self.workspace_root.display());
        let all = std::iter::once(root).chain(self.packages.iter().filter_map(named));
        all.map(|renamed| format!("--remap-path-prefix={renamed}")).collect()
    }

    fn parts(&self, own: &Path, compiled: &Compiled, lock: &Lock) -> impl Iterator<Item = Part> {
        let roles = self.roles(own, compiled);
        let part = |package: &Package| {
            let role = *roles.get(package.id.as_str())?;
            let of_lock = |one: &&Locked| {
                one.name == package.name && one.version == package.version && one.source == package.source
            };
            let checksum = lock.package.iter().find(of_lock).and_then(|locked| locked.checksum.clone());
            Some(Part {
                name: package.name.clone(),
                version: Some(package.version.clone()),
                purl: package.purl(),
                licence: Licence::expression(package.license.as_deref()),
                hash: checksum.map(|hex| Hash { algorithm: "SHA-256", hex }),
                role,
            })
        };
        self.packages.iter().filter_map(part).collect::<Vec<_>>().into_iter()
    }

    /// The role of each package that is reached from the crate in `own`, without that crate.
    fn roles(&self, own: &Path, compiled: &Compiled) -> BTreeMap<&str, Role> {
        let nodes: BTreeMap<&str, &Node> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let Some(root) = self.packages.iter().find(|package| package.manifest_path.parent() == Some(own))
        else {
            return BTreeMap::new();
        };
        let mut roles = BTreeMap::new();
        // What is inside first: where something is both, it is inside.
        let mut inside = vec![root.id.as_str()];
        let mut others = Vec::new();
        while let Some(id) = inside.pop() {
            for dependency in nodes.get(id).map_or(&[][..], |node| &node.deps) {
                let is =
                    |kind: Option<&str>| dependency.dep_kinds.iter().any(|of| of.kind.as_deref() == kind);
                if is(None) && compiled.for_target.contains(&dependency.pkg) {
                    if roles.insert(dependency.pkg.as_str(), Role::Inside).is_none() {
                        inside.push(&dependency.pkg);
                    }
                } else if is(None) || is(Some("build")) {
                    others.push(dependency.pkg.as_str());
                }
            }
        }
        while let Some(id) = others.pop() {
            if !compiled.for_host.contains(id) || roles.contains_key(id) {
                continue;
            }
            roles.insert(id, Role::Builds);
            let needed = nodes.get(id).map_or(&[][..], |node| &node.deps).iter();
            let is_needed = |dependency: &&Dependency| {
                dependency.dep_kinds.iter().any(|of| of.kind.as_deref() != Some("dev"))
            };
            others.extend(needed.filter(is_needed).map(|dependency| dependency.pkg.as_str()));
        }
        roles
    }
}

impl Package {
    fn purl(&self) -> Option<String> {
        let source = self.source.as_deref()?;
        let purl = purl("cargo", &self.name, &self.version);
        if CRATES_IO.contains(&source) {
            return Some(purl);
        }
        let (kind, url) = source.split_once('+')?;
        match kind {
            "git" => Some(format!("{purl}?vcs_url={}", encoded(source))),
            "registry" | "sparse" => Some(format!("{purl}?repository_url={}", encoded(url))),
            _ => None,
        }
    }
}

/// What every module in Rust has in it.
fn standard_library(rustc: &str) -> Part {
    Part {
        name: "std".to_owned(),
        version: Some(rustc.to_owned()),
        purl: None,
        licence: Licence::Unsaid,
        hash: None,
        role: Role::Inside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, source: Option<&str>) -> serde_json::Value {
        json!({
            "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0", "source": source,
            "manifest_path": format!("/house/{name}/Cargo.toml"),
        })
    }

    fn node(id: &str, needs: &[(&str, Option<&str>)]) -> serde_json::Value {
        let needs: Vec<_> = needs
            .iter()
            .map(|(name, kind)| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] }))
            .collect();
        json!({ "id": id, "deps": needs })
    }

    /// A connector that uses `sdk` and the macro `derive`; `both` is in it and in the macro.
    fn metadata() -> Metadata {
        let crates_io = Some(CRATES_IO[0]);
        let metadata = json!({
            "workspace_root": "/shop",
            "packages": [
                package("own", None), package("sdk", None), package("derive", crates_io), package("syn", crates_io),
                package("both", crates_io), package("tests", crates_io), package("other", crates_io), package("cc", crates_io),
                package("unused", crates_io),
            ],
            "resolve": { "nodes": [
                node("own", &[("sdk", None), ("derive", None), ("tests", Some("dev")), ("unused", None)]),
                node("sdk", &[("both", None), ("cc", Some("build"))]),
                node("derive", &[("syn", None), ("both", None)]),
                node("syn", &[("tests", Some("dev"))]),
                node("other", &[]),
            ] },
        });
        serde_json::from_value(metadata).expect("it is read")
    }

    #[test]
    fn what_was_compiled_for_the_target_is_inside_and_what_ran_here_is_not() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
        let compiled = Compiled {
            // Another connector of the workspace uses `other` and, inside of it, what is a macro's here.
            for_target: ids(&["own", "sdk", "both", "other", "syn", "tests"]),
            for_host: ids(&["derive", "syn", "both", "cc", "tests"]),
        };
        let metadata = metadata();
        let roles = metadata.roles(Path::new("/house/own"), &compiled);
        let expected = [
            ("both", Role::Inside),
            ("cc", Role::Builds),
            ("derive", Role::Builds),
            ("sdk", Role::Inside),
            ("syn", Role::Builds),
        ];
        assert_eq!(roles.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_built_names_its_packages_and_no_folder() {
        let mut metadata = metadata();
        metadata.packages.retain(|package| ["own", "sdk", "both"].contains(&package.name.as_str()));
        for (package, file) in metadata.packages.iter_mut().zip([
            "/shop/own/Cargo.toml",
            "/house/sdk/rust/Cargo.toml",
            "/home/cargo/src/both-1.0.0/Cargo.toml",
        ]) {
            package.manifest_path = PathBuf::from(file);
        }
        assert_eq!(
            metadata.nameless(),
            [
                "--remap-path-prefix=/shop=.",
                "--remap-path-prefix=/house/sdk/rust=sdk-1.0.0",
                "--remap-path-prefix=/home/cargo/src/both-1.0.0=both-1.0.0",
            ]
        );
    }

    #[test]
    fn a_crate_is_named_as_its_source_has_it() {
        let lock = "[[package]]\nname = \"both\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                    checksum = \"ab\"\n";
        let lock: Lock = toml::from_str(lock).expect("it is a lock");
        let compiled = Compiled {
            for_target: BTreeSet::from(["sdk".to_owned(), "both".to_owned()]),
            ..Compiled::default()
        };
        let metadata = metadata();
        let parts: Vec<Part> = metadata.parts(Path::new("/house/own"), &compiled, &lock).collect();
        let [sdk, both] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!((sdk.purl.as_deref(), sdk.hash.as_ref()), (None, None), "a folder is in no registry");
        assert_eq!(both.purl.as_deref(), Some("pkg:cargo/both@1.0.0"));
        assert_eq!(both.hash, Some(Hash { algorithm: "SHA-256", hex: "ab".to_owned() }));
        assert_eq!(both.licence, Licence::Expression("MIT OR Apache-2.0".to_owned()));
        let check = |source: &str, expected: Option<&str>| {
            let package: Package = serde_json::from_value(package("x", Some(source))).expect("it is read");
            assert_eq!(package.purl().as_deref(), expected, "{source}");
        };
        check("sparse+https://index.crates.io/", Some("pkg:cargo/x@1.0.0"));
        check(
            "registry+https://r.example/",
            Some("pkg:cargo/x@1.0.0?repository_url=https:%2F%2Fr.example%2F"),
        );
        check(
            "git+https://g.example/x#ab",
            Some("pkg:cargo/x@1.0.0?vcs_url=git%2Bhttps:%2F%2Fg.example%2Fx%23ab"),
        );
    }
}
