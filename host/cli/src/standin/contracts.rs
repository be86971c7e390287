//! The contract repository as a WebDAV server speaks: files with entity tags and conditions.

use super::Landing;
use super::server::{Asked, Reply, StandIn};
use data_encoding::BASE64;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The user that callers must be.
pub const USER: &str = "countersign";
/// The password of that user.
pub const PASSWORD: &str = "dav-stand-in";

#[derive(Debug, Clone)]
struct File {
    bytes: Vec<u8>,
    tag: String,
}

/// The state: files by their paths, and the folders that exist.
#[derive(Debug, Default)]
pub struct Contracts {
    files: BTreeMap<String, File>,
    folders: BTreeSet<String>,
    written: u64,
}

impl Contracts {
    /// Puts a contract in place, with the folder for its versions.
    pub fn add_contract(&mut self, id: &str, document: &Value) {
        let folder = format!("contracts/{id}");
        self.folders.insert(format!("{folder}/versions"));
        self.put(&format!("{folder}/canonical.json"), document.to_string().into_bytes());
        self.folders.insert(folder);
    }

    /// Puts the playbook in place.
    pub fn set_playbook(&mut self, playbook: &Value) {
        self.put("playbook.json", playbook.to_string().into_bytes());
    }

    /// The canonical document of a contract.
    #[must_use]
    pub fn canonical(&self, id: &str) -> Option<Value> {
        let file = self.files.get(&format!("contracts/{id}/canonical.json"))?;
        serde_json::from_slice(&file.bytes).ok()
    }

    /// How many versions of a contract lie beside it.
    #[must_use]
    pub fn versions(&self, id: &str) -> usize {
        let folder = format!("contracts/{id}/versions/");
        self.files.keys().filter(|path| path.starts_with(&folder)).count()
    }

    /// Everything that was done here: an effect counts once for each version that names it.
    #[must_use]
    pub fn landings(&self) -> Vec<Landing> {
        let ids = self.files.keys().filter_map(|path| {
            path.strip_prefix("contracts/").and_then(|rest| rest.strip_suffix("/canonical.json"))
        });
        let mut landings = Vec::new();
        for id in ids {
            let document = self.canonical(id).unwrap_or_default();
            let history = document["history"].as_array().map(Vec::as_slice).unwrap_or_default();
            let mut versions: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
            for accepted in history {
                if let (Some(effect), Some(version)) =
                    (accepted["effect_id"].as_str(), accepted["version"].as_i64())
                {
                    versions.entry(effect).or_default().insert(version);
                }
            }
            landings.extend(versions.into_iter().map(|(effect, versions)| Landing {
                system: Self::NAME,
                operation: "store-version",
                record: id.to_owned(),
                effect: Some(effect.to_owned()),
                times: versions.len(),
            }));
        }
        landings
    }

    fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.written += 1;
        let tag = format!("\"{}-{}\"", self.written, bytes.len());
        self.files.insert(path.to_owned(), File { bytes, tag });
    }

    fn read(&self, path: &str) -> Reply {
        match self.files.get(path) {
            None => Reply::status(404),
            Some(file) => Reply { body: file.bytes.clone(), ..Reply::status(200) }
                .with("content-type", "application/json")
                .with("etag", file.tag.as_str()),
        }
    }

    fn write(&mut self, asked: &Asked, path: &str) -> Reply {
        let there = self.files.get(path);
        let stands = |condition: &str| match (condition, there) {
            ("*", there) => there.is_some(),
            (tag, Some(file)) => tag.split(',').any(|tag| tag.trim() == file.tag),
            (_, None) => false,
        };
        let fails = asked.header("if-match").is_some_and(|condition| !stands(condition))
            || asked.header("if-none-match").is_some_and(stands);
        if fails {
            return Reply::status(412);
        }
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        if !above.is_empty() && !self.folders.contains(above) {
            return Reply::status(409);
        }
        let status = if there.is_some() { 204 } else { 201 };
        self.put(path, asked.body.clone());
        let tag = self.files.get(path).map(|file| file.tag.clone()).unwrap_or_default();
        Reply::status(status).with("etag", tag)
    }
}

impl StandIn for Contracts {
    const NAME: &'static str = "contracts";

    fn answer(&mut self, asked: &Asked) -> Reply {
        let expected = format!("Basic {}", BASE64.encode(format!("{USER}:{PASSWORD}").as_bytes()));
        if asked.header("authorization") != Some(expected.as_str()) {
            return Reply::status(401).with("www-authenticate", "Basic realm=\"contracts\"");
        }
        let path = asked.path.join("/");
        match asked.method.as_str() {
            "GET" | "HEAD" => self.read(&path),
            "PUT" => self.write(asked, &path),
            _ => Reply::status(405),
        }
    }

    fn unwell(&self, status: u16) -> Reply {
        Reply::status(status)
    }
}
