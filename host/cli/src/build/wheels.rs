//! Of which distributions a component in Python is made: what the project asks for and what that needs, as it is installed
//! in the environment of the build, and the interpreter that componentize-py brings.

use super::tool;
use crate::materials::{Hash, Licence, Materials, Part, Role, purl};
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// What puts its interpreter and its library into the component.
const INTERPRETER: &str = "componentize-py";
/// The SDK, which is a folder and no distribution.
const SDK: &str = "countersign_sdk";
/// Asks an environment what is installed in it.
const QUESTION: &str = "\
import importlib.metadata, json, sys
print(json.dumps({
    'python': '%d.%d.%d' % sys.version_info[:3],
    'installed': [{
        'name': one.metadata['Name'],
        'version': one.version,
        'expression': one.metadata.get('License-Expression'),
        'license': one.metadata.get('License'),
        'classifiers': one.metadata.get_all('Classifier') or [],
        'requires': one.requires or [],
    } for one in importlib.metadata.distributions()],
}))";

#[derive(Debug, Deserialize)]
struct Environment {
    python: String,
    installed: Vec<Distribution>,
}

#[derive(Debug, Deserialize)]
struct Distribution {
    name: String,
    version: String,
    /// Its licence in the identifiers of SPDX.
    expression: Option<String>,
    /// Its licence in words, or the whole text of it.
    license: Option<String>,
    classifiers: Vec<String>,
    /// What it needs: a name first, then which versions and when.
    requires: Vec<String>,
}

/// What pip says of an installation.
#[derive(Debug, Deserialize)]
struct Report {
    install: Vec<Installed>,
}

#[derive(Debug, Deserialize)]
struct Installed {
    download_info: Download,
    metadata: Named,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Download {
    archive_info: Option<Archive>,
}

#[derive(Debug, Deserialize)]
struct Archive {
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

/// What a component is made of that was built in this environment, for a project with these dependencies.
pub(super) fn materials(environment: &Path, dependencies: &[String], sdk: &Path) -> Result<Materials> {
    let mut python = Command::new(environment.join("bin").join("python3"));
    python.args(["-I", "-c", QUESTION]);
    let said = tool::said_by(&mut python, environment, "python3 does not say of what the connector is made")?;
    let installed: Environment =
        serde_json::from_slice(&said).context("what is installed for the build is not understood")?;
    let file = environment.join(tool::REPORT);
    let named = || format!("pip's report `{}`", file.display());
    let report = std::fs::read(&file).with_context(named)?;
    let report: Report = serde_json::from_slice(&report).with_context(named)?;
    Ok(installed.materials(&report, dependencies, sdk.join(SDK).is_dir()))
}

impl Environment {
    fn materials(&self, report: &Report, dependencies: &[String], has_sdk: bool) -> Materials {
        let by_name: BTreeMap<String, &Distribution> =
            self.installed.iter().map(|one| (normal(&one.name), one)).collect();
        let mut inside = BTreeSet::from([INTERPRETER.to_owned()]);
        let mut open: Vec<String> = dependencies.iter().map(|wanted| name_in(wanted)).collect();
        while let Some(name) = open.pop() {
            // What is wanted on another machine only is not installed.
            let Some(distribution) = by_name.get(&name).filter(|_| !inside.contains(&name)) else { continue };
            open.extend(distribution.requires.iter().map(|wanted| name_in(wanted)));
            inside.insert(name);
        }
        let part = |installed: &Installed| {
            let name = normal(&installed.metadata.name);
            let distribution = by_name.get(&name)?;
            let hashes = installed.download_info.archive_info.as_ref().map(|archive| &archive.hashes);
            Some(Part {
                name: distribution.name.clone(),
                version: Some(distribution.version.clone()),
                purl: hashes.map(|_| purl("pypi", &name, &distribution.version)),
                licence: distribution.licence(),
                hash: hashes
                    .and_then(|hashes| hashes.get("sha256"))
                    .map(|hex| Hash { algorithm: "SHA-256", hex: hex.clone() }),
                role: if inside.contains(&name) { Role::Inside } else { Role::Builds },
            })
        };
        let sdk = has_sdk.then(|| Part {
            name: SDK.to_owned(),
            version: None,
            purl: None,
            licence: Licence::Unsaid,
            hash: None,
            role: Role::Inside,
        });
        Materials {
            parts: report.install.iter().filter_map(part).chain(sdk).collect(),
            tools: BTreeMap::from([("python".to_owned(), self.python.clone())]),
        }
    }
}

impl Distribution {
    fn licence(&self) -> Licence {
        if self.expression.is_some() {
            return Licence::expression(self.expression.as_deref());
        }
        let classified = self.classifiers.iter().filter_map(|one| one.strip_prefix("License :: "));
        let classified: Vec<&str> = classified.filter_map(|one| one.rsplit(" :: ").next()).collect();
        // Some put the whole text there.
        let words =
            self.license.as_deref().map(str::trim).filter(|text| !text.is_empty() && !text.contains('\n'));
        match (classified.as_slice(), words) {
            ([], None) => Licence::Unsaid,
            ([], Some(words)) => Licence::Words(words.to_owned()),
            (classified, _) => Licence::Words(classified.join(", ")),
        }
    }
}

/// The name with which a requirement begins, in its one form.
fn name_in(wanted: &str) -> String {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let wanted = wanted.trim();
    normal(wanted.split(|letter| !is_name(letter)).next().unwrap_or(wanted))
}

/// The one form of a distribution's name.
fn normal(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn installed(name: &str, requires: &[&str]) -> serde_json::Value {
        json!({
            "name": name, "version": "1.0.0", "expression": null, "license": null, "classifiers": [],
            "requires": requires,
        })
    }

    #[test]
    fn what_the_project_asks_for_is_inside_with_what_that_needs() {
        let environment: Environment = serde_json::from_value(json!({
            "python": "3.12.1",
            "installed": [
                installed("componentize-py", &[]), installed("Some_Lib", &["needed>=1; python_version > '3'", "absent"]),
                installed("needed", &["some.lib"]), installed("builder", &[]), installed("pip", &[]),
            ],
        }))
        .expect("it is read");
        let said = |name: &str, archive: serde_json::Value| json!({ "download_info": { "archive_info": archive }, "metadata": { "name": name } });
        let report: Report = serde_json::from_value(json!({ "install": [
            said("componentize-py", json!({ "hashes": { "sha256": "ab" } })), said("some-lib", json!({})),
            said("needed", json!(null)), said("builder", json!({})),
        ] }))
        .expect("it is read");
        let materials = environment.materials(&report, &["some-lib[fast]~=1.0".to_owned()], true);
        let parts: Vec<_> = materials
            .parts
            .iter()
            .map(|part| (part.name.as_str(), part.purl.as_deref(), part.role))
            .collect();
        let expected = [
            ("Some_Lib", Some("pkg:pypi/some-lib@1.0.0"), Role::Inside),
            ("builder", Some("pkg:pypi/builder@1.0.0"), Role::Builds),
            ("componentize-py", Some("pkg:pypi/componentize-py@1.0.0"), Role::Inside),
            ("countersign_sdk", None, Role::Inside),
            ("needed", None, Role::Inside),
        ];
        assert_eq!(parts, expected);
        let interpreter = materials.parts.iter().find(|part| part.name == INTERPRETER).expect("it is there");
        assert_eq!(interpreter.hash, Some(Hash { algorithm: "SHA-256", hex: "ab".to_owned() }));
    }

    #[test]
    fn a_licence_is_what_the_newest_member_says() {
        let check = |more: serde_json::Value, expected: Licence| {
            let mut one = installed("x", &[]);
            for (name, value) in more.as_object().expect("members") {
                one[name] = value.clone();
            }
            let one: Distribution = serde_json::from_value(one).expect("it is read");
            assert_eq!(one.licence(), expected);
        };
        let words = |text: &str| Licence::Words(text.to_owned());
        check(json!({ "expression": "MIT", "license": "Other" }), Licence::Expression("MIT".to_owned()));
        check(
            json!({ "license": "BSD", "classifiers": ["License :: OSI Approved :: BSD License", "Typing :: Typed"] }),
            words("BSD License"),
        );
        check(json!({ "license": "BSD" }), words("BSD"));
        check(json!({ "license": "The whole\ntext" }), Licence::Unsaid);
        check(json!({}), Licence::Unsaid);
    }
}
