//! What a component is made of: a bill of materials in [CycloneDX](https://cyclonedx.org/docs/1.6/json/) 1.6, which lies
//! beside it.
//!
//! It names the component by its bytes, and says nothing else of the moment: no date and no random number, so that the same
//! build gives the same bill. What is read may be another tool's, of any version that has the same members.

use crate::distribution::Kind;
use crate::exit;
use crate::output::Failure;
use countersign_connectors::Inspected;
use countersign_core::hash::Digest;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The version of the format that is written: the newest that the common readers take.
const SPEC_VERSION: &str = "1.6";
/// Most components in components of a bill that is read.
const DEPTH_MAX: usize = 16;

/// A package of which a component is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Its name in its ecosystem.
    pub name: String,
    /// Its version; none of a folder that has none.
    pub version: Option<String>,
    /// Where others find it; none of a folder: a name there would be somebody else's in a registry.
    pub purl: Option<String>,
    /// What its own metadata says.
    pub licence: Licence,
    /// The hash of its archive, as its ecosystem has it.
    pub hash: Option<Hash>,
    /// Whether it is in the component.
    pub role: Role,
}

/// Whether a package is in the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It is in there.
    Inside,
    /// It ran on the machine that built it: it had a hand in what is in there.
    Builds,
}

/// What a package says of its licence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Licence {
    /// An expression in the identifiers of SPDX.
    Expression(String),
    /// Other words.
    Words(String),
    /// Nothing.
    Unsaid,
}

/// A hash in CycloneDX.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash {
    /// The algorithm by the name that CycloneDX has for it.
    pub algorithm: &'static str,
    /// Small hexadecimal digits.
    pub hex: String,
}

/// What went into one build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Materials {
    /// Every package, in any order.
    pub parts: BTreeSet<Part>,
    /// What built it: name and version.
    pub tools: BTreeMap<String, String>,
}

impl Licence {
    /// An expression as cargo and npm have it, also of the time when a stroke meant `OR`.
    #[must_use]
    pub fn expression(text: Option<&str>) -> Licence {
        match text.map(str::trim) {
            None | Some("") => Licence::Unsaid,
            Some(text) if is_expression(text) => Licence::Expression(text.to_owned()),
            Some(text) if is_expression(&text.replace('/', " OR ")) => {
                let parts: Vec<&str> = text.split('/').map(str::trim).collect();
                Licence::Expression(parts.join(" OR "))
            }
            Some(text) => Licence::Words(text.to_owned()),
        }
    }

    fn document(&self) -> Option<Value> {
        match self {
            Licence::Expression(expression) => Some(json!([{ "expression": expression }])),
            Licence::Words(name) => Some(json!([{ "license": { "name": name } }])),
            Licence::Unsaid => None,
        }
    }
}

/// Whether these words have the shape of an expression: identifiers with `AND`, `OR` or `WITH` between them.
fn is_expression(text: &str) -> bool {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let is_identifier = |word: &str| {
        word.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '+' | ':'))
    };
    let (mut open, mut wants_name) = (0_usize, true);
    for word in spaced.split_whitespace() {
        match word {
            "(" if wants_name => open += 1,
            ")" if !wants_name && 0 < open => open -= 1,
            "AND" | "OR" | "WITH" if !wants_name => wants_name = true,
            "(" | ")" | "AND" | "OR" | "WITH" => return false,
            // npm says so of what nobody may use, and of a text that lies elsewhere.
            "UNLICENSED" => return false,
            name if wants_name && is_identifier(name) => wants_name = false,
            _ => return false,
        }
    }
    open == 0 && !wants_name
}

/// A package URL: `pkg:`, the ecosystem, the name with its namespace, the version.
#[must_use]
pub fn purl(ecosystem: &str, name: &str, version: &str) -> String {
    let name: Vec<String> = name.split('/').map(encoded).collect();
    format!("pkg:{ecosystem}/{}@{}", name.join("/"), encoded(version))
}

/// Percent encoding, as package URLs have it.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
        text
    })
}

impl Part {
    fn document(&self) -> Value {
        let mut said = json!({ "type": "library", "name": self.name });
        if let Some(version) = &self.version {
            said["version"] = json!(version);
        }
        said["scope"] = json!(match self.role {
            Role::Inside => "required",
            Role::Builds => "excluded",
        });
        if let Some(Hash { algorithm, hex }) = &self.hash {
            said["hashes"] = json!([{ "alg": algorithm, "content": hex }]);
        }
        if let Some(licences) = self.licence.document() {
            said["licenses"] = licences;
        }
        if let Some(purl) = &self.purl {
            said["purl"] = json!(purl);
        }
        said
    }
}

impl Materials {
    /// The bill of a component.
    ///
    /// # Errors
    /// If it cannot be written down, which no component causes.
    pub fn document(&self, about: &Inspected) -> serde_json::Result<Vec<u8>> {
        let named = &about.manifest.connector;
        let tool = |(name, version): (&str, &str)| json!({ "type": "application", "name": name, "version": version });
        let own = ("countersign", env!("CARGO_PKG_VERSION"));
        let others = self.tools.iter().map(|(name, version)| (name.as_str(), version.as_str()));
        let tools: Vec<Value> = [own].into_iter().chain(others).map(tool).collect();
        let mut component = json!({
            "type": "library",
            "name": named.id,
            "version": named.version,
            "hashes": [{ "alg": "SHA-256", "content": about.digest.to_string() }],
        });
        if let Some(licences) = Licence::expression(Some(&named.license)).document() {
            component["licenses"] = licences;
        }
        let document = json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": SPEC_VERSION,
            "version": 1,
            "metadata": {
                "lifecycles": [{ "phase": "build" }],
                "tools": { "components": tools },
                "component": component,
            },
            "components": self.parts.iter().map(Part::document).collect::<Vec<_>>(),
        });
        let mut bytes = serde_json::to_vec_pretty(&document)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// What a bill says, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// How many packages are in the component.
    pub inside: usize,
    /// How many built it, and are not in there.
    pub builds: usize,
    /// How many of those inside have which licence.
    pub licences: BTreeMap<String, usize>,
    /// How many of those inside say nothing of one.
    pub unsaid: usize,
}

/// Why a bill is none of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It is no such document.
    NotOne(String),
    /// It does not name the bytes that it is about.
    Silent,
    /// It is about other bytes.
    Other(String),
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unfit::NotOne(why) => write!(formatter, "it is none in CycloneDX: {why}"),
            Unfit::Silent => formatter.write_str("it does not say which bytes it is about"),
            Unfit::Other(digest) => write!(formatter, "it is about other bytes (sha256:{digest})"),
        }
    }
}

impl Unfit {
    /// The same as an answer of the command line, about the bill that lies beside `component`.
    #[must_use]
    pub fn beside(&self, component: &Path, digest: &Digest) -> Failure {
        let place = Kind::Materials.place_of(component);
        let message = format!("the bill of materials `{}` is not of this component: {self}", place.display());
        let help = match self {
            Unfit::NotOne(_) | Unfit::Other(_) => {
                "build the component again, which writes one, or take the file away".to_owned()
            }
            Unfit::Silent => {
                format!(
                    "name them in `metadata.component.hashes`: SHA-256 is {digest}; `connector build` does"
                )
            }
        };
        Failure::new(exit::NO, message).with_help(help)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    bom_format: String,
    #[serde(default)]
    metadata: About,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Default, Deserialize)]
struct About {
    #[serde(default)]
    component: Component,
}

#[derive(Default, Deserialize)]
struct Component {
    scope: Option<String>,
    #[serde(default)]
    hashes: Vec<HashOf>,
    #[serde(default)]
    licenses: Vec<LicenceOf>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct HashOf {
    alg: String,
    content: String,
}

#[derive(Deserialize)]
struct LicenceOf {
    expression: Option<String>,
    license: Option<NamedLicence>,
}

#[derive(Deserialize)]
struct NamedLicence {
    id: Option<String>,
    name: Option<String>,
}

/// Reads the bill of the component with this digest.
///
/// # Errors
/// If it is none, or none of these bytes.
pub fn read(bytes: &[u8], about: &Digest) -> Result<Said, Unfit> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|fault| Unfit::NotOne(fault.to_string()))?;
    if document.bom_format != "CycloneDX" {
        return Err(Unfit::NotOne("its `bomFormat` is another one".to_owned()));
    }
    let named: Vec<&HashOf> =
        document.metadata.component.hashes.iter().filter(|hash| hash.alg == "SHA-256").collect();
    match named.as_slice() {
        [] => return Err(Unfit::Silent),
        all if all.iter().any(|hash| !hash.content.eq_ignore_ascii_case(&about.to_string())) => {
            let other = all.iter().find(|hash| !hash.content.eq_ignore_ascii_case(&about.to_string()));
            return Err(Unfit::Other(other.map(|hash| hash.content.clone()).unwrap_or_default()));
        }
        _ => {}
    }
    let mut said = Said::default();
    said.count(&document.components, 0)?;
    Ok(said)
}

impl Said {
    fn count(&mut self, components: &[Component], depth: usize) -> Result<(), Unfit> {
        if DEPTH_MAX < depth {
            return Err(Unfit::NotOne(format!(
                "its components lie more than {DEPTH_MAX} deep in each other"
            )));
        }
        for component in components {
            if component.scope.as_deref() == Some("excluded") {
                self.builds += 1;
            } else {
                self.inside += 1;
                let said = component.licenses.iter().filter_map(|licence| {
                    let named =
                        licence.license.as_ref().and_then(|named| named.id.clone().or(named.name.clone()));
                    licence.expression.clone().or(named)
                });
                let said: Vec<String> = said.collect();
                self.unsaid += usize::from(said.is_empty());
                if !said.is_empty() {
                    *self.licences.entry(said.join(" AND ")).or_default() += 1;
                }
            }
            self.count(&component.components, depth + 1)?;
        }
        Ok(())
    }
}

/// Most licences that are named in one line; the rest is counted.
const LICENCES_SHOWN: usize = 6;

impl std::fmt::Display for Said {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let packages =
            |count: usize| if count == 1 { "1 package".to_owned() } else { format!("{count} packages") };
        formatter.write_str(&packages(self.inside))?;
        if 0 < self.builds {
            write!(formatter, ", built with {}", packages(self.builds))?;
        }
        let mut licences: Vec<(&String, &usize)> = self.licences.iter().collect();
        licences.sort_by(|(one, count), (other, more)| more.cmp(count).then(one.cmp(other)));
        let mut words: Vec<String> =
            licences.iter().take(LICENCES_SHOWN).map(|(name, count)| format!("{name} ({count})")).collect();
        if LICENCES_SHOWN < licences.len() {
            words.push(format!("{} more", licences.len() - LICENCES_SHOWN));
        }
        if 0 < self.unsaid {
            words.push(format!("none said ({})", self.unsaid));
        }
        if words.is_empty() { Ok(()) } else { write!(formatter, "; licences: {}", words.join(", ")) }
    }
}

#[cfg(test)]
mod tests;
