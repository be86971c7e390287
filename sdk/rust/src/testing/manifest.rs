//! The part of `connector.toml` that a connector's own code must agree with.

use super::reply::{method_named, path_matches};
use crate::describe::{Descriptor, Guarantee};
use crate::http::{Method, Purpose, Request};
use std::collections::{BTreeMap, BTreeSet};

/// Header names that the host keeps for itself.
const HEADERS_OF_THE_HOST: [&str; 10] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "forwarded",
    "host",
    "idempotency-key",
    "te",
    "trailer",
    "transfer-encoding",
];

/// A connector's manifest.
#[derive(Debug, Clone)]
pub struct Manifest {
    id: String,
    version: String,
    endpoints: BTreeMap<String, Endpoint>,
    settings: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Clone)]
struct Endpoint {
    methods: Vec<Method>,
    paths: Vec<String>,
    read_posts: Vec<String>,
    idempotency: String,
}

impl Manifest {
    /// Reads the text of a `connector.toml`.
    ///
    /// # Panics
    /// If a part that the connector's code depends on is missing or malformed.
    #[must_use]
    pub fn parse(text: &str) -> Manifest {
        let file: toml::Table = text.parse().unwrap_or_else(|error| panic!("connector.toml: {error}"));
        let connector = table(&file, "connector");
        let endpoints = match file.get("endpoints") {
            Some(toml::Value::Table(endpoints)) => endpoints.clone(),
            _ => toml::Table::new(),
        };
        let settings = match file.get("settings") {
            Some(toml::Value::Table(settings)) => settings.clone(),
            _ => toml::Table::new(),
        };
        Manifest {
            id: text_at(connector, "id"),
            version: text_at(connector, "version"),
            endpoints: endpoints
                .keys()
                .map(|name| (name.clone(), Endpoint::parse(table(&endpoints, name))))
                .collect(),
            settings: settings
                .keys()
                .map(|name| {
                    let default = table(&settings, name).get("default").map(plain);
                    (name.clone(), default)
                })
                .collect(),
        }
    }

    /// Holds a connector's description against the manifest: the same id and version, kinds for
    /// all operations, schemas that are JSON objects, guarantees that an endpoint can keep.
    ///
    /// # Panics
    /// If they differ.
    pub fn agrees_with(&self, descriptor: &Descriptor) {
        assert_eq!(descriptor.name, self.id, "describe().name and connector.id");
        assert_eq!(descriptor.version, self.version, "describe().version and connector.version");
        let mut names = BTreeSet::new();
        for operation in &descriptor.operations {
            let name = &operation.name;
            assert!(names.insert(name), "the operation `{name}` is described twice");
            assert!(descriptor.kinds.contains(&operation.kind), "the kind of `{name}` is not described");
            let schema: serde_json::Value = serde_json::from_str(&operation.input_schema)
                .unwrap_or_else(|error| panic!("the schema of `{name}`: {error}"));
            assert_eq!(schema["type"], "object", "the schema of `{name}` describes an object");
            let mode = match operation.guarantee {
                Guarantee::ByKey => "header",
                Guarantee::ByNaturalKey => "natural-key",
                Guarantee::ByProbe | Guarantee::Blind => continue,
            };
            assert!(
                self.endpoints.values().any(|endpoint| endpoint.idempotency == mode),
                "`{name}` promises more than an endpoint can keep: no idempotency mode `{mode}`"
            );
        }
    }

    /// The default of a declared setting.
    ///
    /// # Panics
    /// If the manifest does not declare the setting: the host would never give it.
    pub(super) fn default_of(&self, setting: &str) -> Option<String> {
        let declared = self.settings.get(setting);
        declared.unwrap_or_else(|| panic!("the manifest declares no setting `{setting}`")).clone()
    }

    /// Holds a request against the manifest.
    ///
    /// # Panics
    /// If the gate of the host would refuse it.
    pub(super) fn allows(&self, request: &Request) {
        let line = format!("{} {}", request.method.name(), request.path);
        let endpoint = self
            .endpoints
            .get(&request.endpoint)
            .unwrap_or_else(|| panic!("the manifest has no endpoint `{}` for {line}", request.endpoint));
        assert!(
            endpoint.methods.contains(&request.method),
            "the manifest does not allow the method of {line}"
        );
        let allowed = |paths: &[String]| paths.iter().any(|path| path_matches(path, &request.path));
        assert!(allowed(&endpoint.paths), "the manifest does not allow the path of {line}");
        if request.purpose == Purpose::Read && !matches!(request.method, Method::Get | Method::Head) {
            let pure = request.method == Method::Post && allowed(&endpoint.read_posts);
            assert!(pure, "{line} is sent as a read, and the manifest does not list it under `read-posts`");
        }
        for (name, _) in &request.headers {
            let name = name.to_ascii_lowercase();
            assert!(!HEADERS_OF_THE_HOST.contains(&name.as_str()), "the header `{name}` is the host's own");
        }
    }
}

impl Endpoint {
    fn parse(table: &toml::Table) -> Endpoint {
        let methods = texts_at(table, "methods");
        let mode = table.get("idempotency").and_then(|value| value.get("mode")).and_then(toml::Value::as_str);
        Endpoint {
            methods: methods
                .iter()
                .map(|name| {
                    method_named(name).unwrap_or_else(|| panic!("connector.toml: no method `{name}`"))
                })
                .collect(),
            paths: texts_at(table, "paths"),
            read_posts: texts_at(table, "read-posts"),
            idempotency: mode.unwrap_or("none").to_owned(),
        }
    }
}

fn table<'a>(parent: &'a toml::Table, name: &str) -> &'a toml::Table {
    match parent.get(name) {
        Some(toml::Value::Table(table)) => table,
        _ => panic!("connector.toml: `{name}` must be a table"),
    }
}

fn text_at(parent: &toml::Table, name: &str) -> String {
    match parent.get(name) {
        Some(toml::Value::String(text)) => text.clone(),
        _ => panic!("connector.toml: `{name}` must be text"),
    }
}

fn texts_at(parent: &toml::Table, name: &str) -> Vec<String> {
    match parent.get(name) {
        None => Vec::new(),
        Some(toml::Value::Array(items)) => items.iter().map(plain).collect(),
        Some(_) => panic!("connector.toml: `{name}` must be a list"),
    }
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
