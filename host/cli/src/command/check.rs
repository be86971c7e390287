//! `countersign check`: everything that can be known without starting anything, all at once.

use super::Global;
use crate::build;
use crate::config::{self, Settings, rule_files};
use crate::distribution::evidence_beside;
use crate::exit;
use crate::log::Place;
use crate::output::{self, plain};
use crate::wire;
use anyhow::Result;
use countersign_connectors::{ConnectorRef, inspect_contributor};
use countersign_core::built_in::is_built_in;
use countersign_core::document::Fault;
use countersign_core::going_live::{Lack, Point, Reachable, fields};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, PersonId};
use countersign_core::intent::TypeState;
use countersign_core::rulebook::Rulebook;
use countersign_engine::port::clock::Clock as _;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to check.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// Check only the rules in this folder
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
struct Findings {
    /// What keeps the host from starting.
    problems: Vec<Fault>,
    /// What does not, and is worth knowing.
    warnings: Vec<String>,
    /// What is fine, counted.
    checked: Vec<String>,
}

/// Checks.
///
/// # Errors
/// If stdout cannot be written; what is wrong is the answer, not an error.
pub async fn run(command: Check, global: &Global) -> Result<ExitCode> {
    let mut found = Findings::default();
    match command.rules {
        Some(folder) => {
            if let Some(rulebook) = found.rules(&folder) {
                found.components(&folder, None, &rulebook);
            }
        }
        None => {
            let files = found.everything(global.config.as_deref());
            let in_force = found.published(global.config.as_deref()).await;
            if let Some(rulebook) = in_force.or(files) {
                found.drafts(&rulebook);
            }
        }
    }
    let clean = found.problems.is_empty();
    if global.json {
        output::json(&found)?;
    } else {
        for problem in &found.problems {
            output::line(&plain(&problem.to_string()))?;
            if let Some(help) = &problem.help {
                output::line(&format!("  try: {}", plain(help)))?;
            }
        }
        for warning in &found.warnings {
            output::line(&format!("warning: {}", plain(warning)))?;
        }
        if clean {
            output::line(&format!("nothing is wrong: {}", found.checked.join(", ")))?;
        } else if !global.quiet {
            let count = found.problems.len();
            output::say(&format!("{count} problem{}", if count == 1 { "" } else { "s" }));
        }
    }
    Ok(ExitCode::from(if clean { exit::DONE } else { exit::NO }))
}

impl Findings {
    /// Configuration, rules, connectors. Rules are looked at even if the configuration is wrong.
    fn everything(&mut self, named: Option<&Path>) -> Option<Rulebook> {
        match config::load(named) {
            Ok(settings) => {
                self.checked.push(format!("{}", settings.file.display()));
                let rulebook = self.rules(&settings.rules);
                self.connectors(&settings);
                if let Some(rulebook) = &rulebook {
                    self.components(&settings.rules, Some(&settings.data), rulebook);
                    self.connections(&settings, rulebook);
                    self.contacts(&settings, rulebook);
                    self.people(&settings, rulebook);
                }
                rulebook
            }
            Err(problems) => {
                let file = problems.file().display().to_string();
                self.problems.extend(problems.all().iter().map(|problem| Fault {
                    file: file.clone(),
                    line: u32::try_from(problem.line).unwrap_or(0),
                    column: 0,
                    message: problem.message.clone(),
                    help: problem.help.clone(),
                }));
                let beside = problems.file().parent().unwrap_or(Path::new("."));
                let beside = if beside.as_os_str().is_empty() { Path::new(".") } else { beside };
                if beside.join("people.md").is_file() {
                    self.rules(beside);
                }
                None
            }
        }
    }

    /// Intent types that take trials only, and what their files lack before they can go live. What a connection
    /// can do, only a host that runs knows.
    fn drafts(&mut self, rulebook: &Rulebook) {
        let now = wire::SystemClock.now();
        for schema in rulebook.intent_types() {
            if rulebook.state_of(schema) == TypeState::Live {
                continue;
            }
            let name = &schema.name;
            self.warnings.push(format!("{name}: it is a draft, so only trials of it are taken"));
            let (_, lacking) = fields(rulebook, schema, &Reachable::new(), now);
            let of_file = |lack: &&Lack| !matches!(lack.point, Point::Source | Point::Destinations);
            self.warnings.extend(
                lacking.iter().filter(of_file).map(|lack| format!("{name}: before it goes live: {lack}")),
            );
        }
    }

    /// What the configuration says about people, beside what `people.md` says.
    fn people(&mut self, settings: &Settings, rulebook: &Rulebook) {
        let calendar = settings.provisioning.calendar.as_ref();
        if let Err(fault) = wire::known_calendar(calendar, rulebook) {
            let known: Vec<String> = rulebook.house().calendars.keys().map(ToString::to_string).collect();
            self.problems.push(Fault {
                file: settings.file.display().to_string(),
                line: 0,
                column: 0,
                message: fault.to_string(),
                help: Some(format!("one of {}", known.join(", "))),
            });
        }
        let passwords = wire::read_password_file(&settings.data).unwrap_or_default().passwords;
        if settings.sign_in.is_some() && !passwords.is_empty() {
            let people: Vec<String> = passwords.iter().map(|entry| entry.person.to_string()).collect();
            self.warnings.push(format!(
                "{} can sign in by password, past the identity provider: `countersign password remove PERSON`",
                people.join(", ")
            ));
        }
        for entry in passwords.iter().filter(|entry| !rulebook.house().knows(&entry.person)) {
            self.warnings.push(format!("`{}` has a password and is nobody of `people.md`", entry.person));
        }
    }

    /// Files that do not count because the log says what is in force. Only looked at if everything else
    /// is right and no host has the log open.
    async fn published(&mut self, named: Option<&Path>) -> Option<Rulebook> {
        let settings = config::load(named).ok()?;
        if !self.problems.is_empty() {
            return None;
        }
        let in_force = in_force(&settings).await.transpose()?;
        match in_force {
            Ok(Ok(rulebook)) => {
                let remarks = rulebook.remarks().into_iter();
                self.warnings.extend(remarks.map(|(policy, remark)| format!("{policy}: {remark}")));
                self.warnings.extend(rulebook.file_remarks());
                let published = [
                    (rulebook.published().len(), "published version", "published versions"),
                    (rulebook.published_files().len(), "published text of a shared file", "published texts of shared files"),
                ];
                for (count, one, many) in published.into_iter().filter(|(count, ..)| 0 < *count) {
                    self.checked.push(format!("{count} {}", if count == 1 { one } else { many }));
                }
                return Some(rulebook);
            }
            Ok(Err(faults)) => self.problems.extend(faults),
            Err(fault) => self.warnings.push(format!(
                "what was published was not looked at ({fault:#}); of a running host `countersign policy list` says it"
            )),
        }
        None
    }

    fn rules(&mut self, folder: &Path) -> Option<Rulebook> {
        let files = match rule_files(folder) {
            Ok(files) => files,
            Err(fault) => {
                self.problem(folder, format!("the rules cannot be read: {fault}"), None);
                return None;
            }
        };
        match Rulebook::load(&files) {
            Ok(rulebook) => {
                let own = rulebook.intent_types().filter(|schema| !is_built_in(&schema.name));
                let (intents, policies) = (own.count(), rulebook.policies().count());
                self.checked.push(format!("{intents} intent types, {policies} policies"));
                Some(rulebook)
            }
            Err(faults) => {
                let placed = |mut fault: Fault| {
                    fault.file = folder.join(&fault.file).display().to_string();
                    fault
                };
                self.problems.extend(faults.into_iter().map(placed));
                None
            }
        }
    }

    /// The components that policies name: beside the rules, or installed in the data folder before.
    fn components(&mut self, rules: &Path, data: Option<&Path>, rulebook: &Rulebook) {
        let folder = rules.join(wire::COMPONENTS_FOLDER);
        let mut known = BTreeSet::new();
        for file in wire::component_files(&folder).unwrap_or_default() {
            let digest = std::fs::read(&file).map_err(anyhow::Error::from);
            match digest.and_then(|bytes| Ok(inspect_contributor(&bytes)?)) {
                Ok(digest) => {
                    known.insert(digest);
                }
                Err(fault) => {
                    let help = "`countersign policy build` makes policy components";
                    self.problem(&file, format!("{fault:#}"), Some(help));
                }
            }
        }
        let installed = |digest: &Digest| data.is_some_and(|data| wire::has_component(data, digest));
        for policy in rulebook.policies() {
            for named in &policy.components {
                if known.contains(&named.digest) || installed(&named.digest) {
                    continue;
                }
                let message = format!("component `{}` sha256:{} is nowhere", named.id, named.digest);
                let help = format!("put its file into `{}`", folder.display());
                self.problem(&rules.join(&policy.path), message, Some(&help));
            }
        }
    }

    /// The components that are installed at every start, and whether each connection has one.
    fn connectors(&mut self, settings: &Settings) {
        let mut ids = BTreeSet::new();
        for file in &settings.install {
            match build::inspected(file) {
                Ok(about) => {
                    let admitted = evidence_beside(file).and_then(|evidence| {
                        let now = wire::SystemClock.now();
                        Ok(settings.trust.admits(&about, &evidence, now)?)
                    });
                    if let Err(fault) = admitted {
                        let help = "`countersign connector sign` signs; `[trust.NAMESPACE]` says whose signature counts";
                        self.problem(file, format!("{fault:#}"), Some(help));
                    }
                    ids.insert(about.manifest.connector.id);
                }
                Err(fault) => {
                    let help = "`countersign connector build` makes components; `inspect` looks into one";
                    self.problem(file, format!("{fault:#}"), Some(help));
                }
            }
        }
        if !ids.is_empty() {
            self.checked.push(format!("{} connectors", ids.len()));
        }
        let installed = settings.data.join("connectors").is_dir();
        for connection in &settings.connections {
            if let ConnectorRef::Id(id) = &connection.connector
                && !ids.contains(id)
            {
                let name = &connection.name;
                if installed {
                    self.warnings.push(format!(
                        "connection `{name}` uses `{id}`, which is not under `install`: it serves if it was added"
                    ));
                } else {
                    let message = format!("connection `{name}` uses `{id}`, which nothing installs");
                    let help = "add it to the host once that runs: `countersign connector add`; or name it in \
                                `[connectors] install`";
                    self.problem(&settings.file, message, Some(help));
                }
            }
        }
    }

    /// Connections that the rules name and nobody configured.
    fn connections(&mut self, settings: &Settings, rulebook: &Rulebook) {
        let configured =
            |name: &ConnectionName| settings.connections.iter().any(|connection| connection.name == *name);
        for name in rulebook.connections().iter().filter(|name| !configured(name)) {
            self.warnings.push(format!(
                "the rules use connection `{name}`, which is not configured: an intent that needs it becomes an exception"
            ));
        }
        let (used, owned) = (rulebook.connections(), &rulebook.house().integrations);
        for name in owned.keys().filter(|name| !configured(name) && !used.contains(*name)) {
            self.warnings.push(format!(
                "`people.md` names the integration owner of connection `{name}`, which is neither configured nor used"
            ));
        }
    }

    /// Ways by which `people.md` wants people told and nobody configured.
    fn contacts(&mut self, settings: &Settings, rulebook: &Rulebook) {
        match wire::messengers(&settings.notify) {
            Ok(messengers) => self.warnings.extend(wire::unreached(rulebook, &*messengers)),
            Err(fault) => self.problem(&settings.file, format!("{fault:#}"), None),
        }
        // A house without contacts looks for itself and knows it; one with some may have forgotten others.
        let directory = rulebook.directory();
        let told = |person: &PersonId| directory.contacts.contains_key(person);
        let silent = directory.pools.iter().filter(|(_, pool)| !pool.members.iter().any(told));
        let silent: Vec<String> = silent.map(|(name, _)| format!("`{name}`")).collect();
        if !directory.contacts.is_empty() && !silent.is_empty() {
            let pools = silent.join(", ");
            self.warnings.push(format!("nobody of {pools} has a contact: what they are asked waits unseen"));
        }
    }

    fn problem(&mut self, file: &Path, message: String, help: Option<&str>) {
        let (file, help) = (file.display().to_string(), help.map(str::to_owned));
        self.problems.push(Fault { file, line: 0, column: 0, message, help });
    }
}

/// The set that the rules and the log of a host that does not run make together; none if no host has run.
async fn in_force(settings: &Settings) -> Result<Option<Result<Rulebook, Vec<Fault>>>> {
    let files = rule_files(&settings.rules)?;
    let Some(log) = Place::of(settings).read_if_begun(Into::into).await? else { return Ok(None) };
    let store = log.store();
    let published = wire::published(&*store).await;
    let record = wire::recorded(&*store).await;
    log.close().await?;
    let (published, lives) = (published?, record?.lives);
    let rulebook = Rulebook::with_published(&files, published.publications(), wire::SystemClock.now());
    Ok(Some(rulebook.map(|rulebook| rulebook.with_lives(lives))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_and_rules_are_told_together() {
        let folder = std::env::temp_dir().join(format!("countersign-check-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("countersign.toml");
        std::fs::write(&file, "[server]\nlisten = \"here\"\n").expect("a file");
        std::fs::write(folder.join("people.md"), "nobody\n").expect("a file");
        let mut found = Findings::default();
        found.everything(Some(&file));
        let about = |name: &str| found.problems.iter().any(|problem| problem.file.ends_with(name));
        assert!(about("countersign.toml") && about("people.md") && about("routes.md"), "{found:?}");
        assert!(found.checked.is_empty());
        std::fs::remove_dir_all(&folder).expect("it can be removed");
    }
    #[test]
    fn an_integration_owner_of_what_is_not_there_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        crate::command::init::begin(folder.path()).expect("it is begun");
        let people = folder.path().join("people.md");
        let text = std::fs::read_to_string(&people).expect("it is read");
        // The rules use both of these connections, and nobody has configured one.
        let warned = || {
            let mut found = Findings::default();
            found.everything(Some(&folder.path().join("countersign.toml")));
            assert!(found.problems.is_empty(), "{:?}", found.problems);
            found
                .warnings
                .into_iter()
                .filter(|warning| warning.contains("integration owner"))
                .collect::<Vec<_>>()
        };
        assert_eq!(warned(), Vec::<String>::new());
        std::fs::write(&people, text.replacen("| ledger     | billing ", "| legder     | billing ", 1))
            .expect("it is written");
        let expected = "`people.md` names the integration owner of connection `legder`, which is neither configured nor used";
        assert_eq!(warned(), [expected]);
    }
}
