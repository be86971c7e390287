//! Contract repository: WsgiDAV over a folder, with one user.
//!
//! Its layout is the one that the `webdav` connector reads:
//! `/contracts/<id>/canonical.json`, `/contracts/<id>/versions/`, `/playbook.json`.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::{self, Answer};
use super::{Process, python_program};

const USER: &str = "countersign";
const PASSWORD: &str = "dav-password-for-tests";

/// One clause of a contract to be seeded.
#[derive(Debug, Clone, Copy)]
pub struct Clause<'a> {
    /// Its number in the contract, such as `7.2`.
    pub id: &'a str,
    /// One of liability, indemnity, data, payment, termination, law, other.
    pub topic: &'a str,
    /// Its words.
    pub text: &'a str,
}

/// A contract to be seeded.
#[derive(Debug, Clone, Copy)]
pub struct Contract<'a> {
    /// Its id, such as `C-100`.
    pub id: &'a str,
    /// Its value as decimal text, in USD.
    pub value: &'a str,
    /// Whose paper it is: `ours` or `theirs`.
    pub paper: &'a str,
    /// Its clauses in order.
    pub clauses: &'a [Clause<'a>],
}

/// A running WsgiDAV with an empty folder.
#[derive(Debug)]
pub struct WebDav {
    process: Process,
}

impl WebDav {
    /// Starts one whose repository has an empty playbook and no contract.
    ///
    /// # Errors
    /// It is not installed, or does not answer.
    pub fn start() -> Result<Self> {
        let program = python_program("wsgidav")?;
        let process = Process::start("wsgidav", "/", |folder, port| {
            std::fs::create_dir_all(folder.join("files/contracts"))?;
            let files = folder.join("files");
            std::fs::write(folder.join("dav.json"), configuration(port, &files.to_string_lossy()))?;
            let mut command = Command::new(&program);
            command.args(["--config", "dav.json"]);
            Ok(command)
        })?;
        let server = Self { process };
        server.put_playbook(&[])?;
        Ok(server)
    }

    /// The base of an endpoint.
    pub fn base_url(&self) -> String {
        self.process.base_url()
    }

    /// The user of the credential scheme `basic`.
    pub fn user(&self) -> &'static str {
        USER
    }

    /// The password of that user.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Puts a contract in place as version 1, with an empty history.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn put_contract(&self, contract: &Contract<'_>) -> Result<()> {
        let clauses: Vec<Value> = contract
            .clauses
            .iter()
            .map(|clause| json!({"id": clause.id, "topic": clause.topic, "text": clause.text}))
            .collect();
        let document = json!({
            "contract_id": contract.id,
            "value": {"amount": contract.value, "currency": "USD"},
            "paper": contract.paper,
            "version": 1,
            "clauses": clauses,
            "history": [],
        });
        let folder = self.process.folder().join("files/contracts").join(contract.id);
        std::fs::create_dir_all(folder.join("versions"))?;
        std::fs::write(folder.join("canonical.json"), serde_json::to_vec(&document)?)?;
        Ok(())
    }

    /// Replaces the playbook: which wordings are `standard` or `fallback`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_playbook(&self, wordings: &[(&str, &str)]) -> Result<()> {
        let list: Vec<Value> = wordings
            .iter()
            .map(|(text, position)| json!({"sha256": sha256(text), "position": position}))
            .collect();
        let path = self.process.folder().join("files/playbook.json");
        std::fs::write(path, serde_json::to_vec(&json!({"wordings": list}))?)?;
        Ok(())
    }

    /// The canonical document of a contract, over HTTP.
    ///
    /// # Errors
    /// The server refuses.
    pub fn canonical(&self, contract: &str) -> Result<Value> {
        self.send("GET", &format!("/contracts/{contract}/canonical.json"), &[], &[])?.json()
    }

    /// The words of one clause now; `None` when the contract has no such clause.
    ///
    /// # Errors
    /// The server refuses.
    pub fn clause_text(&self, contract: &str, clause: &str) -> Result<Option<String>> {
        let document = self.canonical(contract)?;
        let clauses = document["clauses"].as_array().context("no clauses")?;
        let found = clauses.iter().find(|known| known["id"] == clause);
        Ok(found.and_then(|known| known["text"].as_str()).map(str::to_owned))
    }

    /// The names of the stored versions of a contract, sorted.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn versions(&self, contract: &str) -> Result<Vec<String>> {
        let folder = self.process.folder().join("files/contracts").join(contract).join("versions");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Changes one clause behind everybody's back, as a person with a file manager would.
    ///
    /// # Errors
    /// The contract has no such clause, or the server refuses.
    pub fn edit_clause(&self, contract: &str, clause: &str, text: &str) -> Result<()> {
        let mut document = self.canonical(contract)?;
        let clauses = document["clauses"].as_array_mut().context("no clauses")?;
        let found = clauses.iter_mut().find(|known| known["id"] == clause);
        found.with_context(|| format!("no clause `{clause}`"))?["text"] = json!(text);
        let path = format!("/contracts/{contract}/canonical.json");
        let answer = self.send("PUT", &path, &[], &serde_json::to_vec(&document)?)?;
        ensure!(answer.succeeded(), "status {}: {}", answer.status, answer.text());
        Ok(())
    }

    /// Sends any request with the user's credential.
    ///
    /// # Errors
    /// No complete answer.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let basic = http::basic(USER, PASSWORD);
        let mut all = vec![("authorization", basic.as_str())];
        all.extend_from_slice(headers);
        http::send(method, &format!("{}{path}", self.base_url()), &all, body)
    }
}

/// The hash that a redline names a wording by: SHA-256 of its UTF-8, in lower-case hex.
pub fn sha256(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

fn configuration(port: u16, files: &str) -> String {
    json!({
        "host": "127.0.0.1",
        "port": port,
        "server": "cheroot",
        "provider_mapping": {"/": files},
        "http_authenticator": {
            "domain_controller": null,
            "accept_basic": true,
            "accept_digest": false,
            "default_to_digest": false,
        },
        "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
        "property_manager": null,
        "lock_storage": true,
        "verbose": 1,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_holds_a_contract_and_honours_conditions() -> Result<()> {
        let dav = WebDav::start()?;
        let clauses = [Clause { id: "7.2", topic: "liability", text: "Liability is capped." }];
        dav.put_contract(&Contract { id: "C-100", value: "80000.00", paper: "ours", clauses: &clauses })?;
        assert_eq!(dav.clause_text("C-100", "7.2")?.as_deref(), Some("Liability is capped."));
        dav.edit_clause("C-100", "7.2", "Liability is not capped.")?;
        assert_eq!(dav.clause_text("C-100", "7.2")?.as_deref(), Some("Liability is not capped."));
        let path = "/contracts/C-100/canonical.json";
        let refused = dav.send("PUT", path, &[("if-none-match", "*")], b"{}")?;
        assert_eq!(refused.status, 412);
        assert!(dav.versions("C-100")?.is_empty());
        Ok(())
    }
}
