//! `countersign dev`: a host to try things on.
//!
//! It takes the configuration and the rules of this folder if there are any, else the starter rules; it keeps the log in
//! memory unless `--data` names a folder; it makes a token for each of a few persons and a password for all of them, and
//! prints them; with `--stand-ins` it has targets to write to; it follows changes of the rules while it runs: a file that changes counts at once, even before what was
//! published of its policy, and it says so. With `--connector` it builds a connector, follows its source, and shows what
//! that asks of its target. It listens on loopback only, since whoever reaches it can read its tokens from the terminal.

mod stand_ins;
mod workshop;

use super::Global;
use super::init::STARTER;
use super::serve::{admin_listener, until_stopped};
use crate::config::{self, Settings, rule_files};
use crate::exit;
use crate::log::Place;
use crate::output::{self, Failure, Table, plain};
use crate::proving::Proving;
use crate::wire::{self, DEVELOPMENT_FILE, PASSWORDS_FILE, Running, SystemChance, TOKENS_FILE};
use anyhow::{Context as _, Result};
use countersign_connectors::OperatorGrant;
use countersign_core::document::SourceFile;
use countersign_core::id::PersonId;
use countersign_core::people::Directory;
use countersign_core::policy::check::check_files;
use countersign_core::policy::lint::Level;
use countersign_core::rulebook::{Publications, Rulebook};
use countersign_core::time::Timestamp;
use countersign_engine::engine::Engine;
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::clock::{Chance as _, Clock as _};
use countersign_engine::port::store::Store;
use countersign_server::password::hashed;
use countersign_server::token::{kept, minted};
use countersign_server::{PasswordEntry, Scope, TokenEntry};
use data_encoding::BASE32_NOPAD;
use serde_json::json;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use workshop::{Shown, Workshop};

/// The persons of the starter rules that get a token: who asks, and one voice of every kind of seat.
const BUILT_IN: [&str; 13] = [
    "ae-1",
    "agent-1",
    "sales-manager-1",
    "director-1",
    "vp-sales-1",
    "deal-desk-1",
    "pricing-lead",
    "finance-1",
    "controller-1",
    "support-lead-1",
    "counsel-1",
    "revops-1",
    "integration-1",
];
/// Most persons of other rules that get one: enough to play every part, few enough to read.
const PERSONS_MAX: usize = 12;
/// What the names of these tokens begin with, so that the next run replaces them and no others.
const NAME_PREFIX: &str = "dev-";
/// Wait between two looks at the rules.
const LOOK_MS: u64 = 1_000;

/// Runs a development host.
#[derive(Debug, clap::Args)]
pub struct Dev {
    /// Keep the log in this folder; in memory unless given
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Rules, instead of those of the configuration or the starter rules
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Port on 127.0.0.1, 0 for a free one; the configured address unless given
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Build the connector in this folder, use it, build it anew whenever its source changes, and show each request to its
    /// target
    #[arg(long = "connector", value_name = "DIR")]
    pub connectors: Vec<PathBuf>,
    /// Start targets to write to, with made-up records, for the connections that are not configured: needs a checkout
    #[arg(long)]
    pub stand_ins: bool,
}

/// One person who may call.
struct Login {
    person: PersonId,
    token: String,
}

/// Who may call, and what all of them sign in with at the pages.
struct Logins {
    people: Vec<Login>,
    password: String,
}

/// Serves until a signal.
///
/// # Errors
/// If the configuration or the rules are wrong, or the host cannot be started.
pub async fn run(command: Dev, global: &Global) -> Result<ExitCode> {
    let mut settings = settings(&command, global)?;
    let in_memory = command.data.is_none();
    let temporary = tempfile::tempdir().context("no temporary folder can be made")?;
    settings.data = command.data.unwrap_or_else(|| temporary.path().join("data"));
    let folder = rules_folder(&settings, command.rules);
    if let Some(folder) = &folder {
        // Policy components lie beside the rules that name them.
        settings.rules.clone_from(folder);
    }
    let files = match &folder {
        Some(folder) => rule_files(folder).with_context(|| format!("rules folder `{}`", folder.display()))?,
        None => starter_files(),
    };
    let mut workshop = Workshop::new(&command.connectors, temporary.path().join("built"))?;
    if !command.connectors.is_empty() {
        settings.witness = Some(Arc::new(Shown));
        settings.install.extend(workshop.first());
    }
    let targets = match command.stand_ins {
        true => Some(stand_ins::start(&temporary.path().join("targets"), &mut settings).await?),
        false => None,
    };
    let store = store(&settings.data, in_memory).await?;
    let published = wire::published(&*store).await?;
    let rulebook = Rulebook::with_published(&files, published.publications(), wire::SystemClock.now())
        .map_err(|faults| {
            let failure = Failure::new(exit::CONFIGURATION, "the rules do not check");
            let places = faults.iter().map(ToString::to_string).collect();
            Failure { places, ..failure.with_help("correct them; `countersign check` says it again") }
        })?;
    let people = logins(&settings.data, rulebook.directory())?;
    let password = password(&settings.data, &people)?;
    let logins = Logins { people, password };
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!("`{}` cannot be listened on: choose another one with `--port`", settings.listen)
    })?;
    let admin = admin_listener(&settings).await?;
    let proving = Proving::of(&settings, Arc::clone(&store), !in_memory).await?;
    let running = Running { proving, ..wire::start(&settings, rulebook, store).await? };
    show(&logins, &running.missing, &listener, in_memory, global)?;
    if let Some(targets) = targets.as_ref().filter(|_| !global.json && !global.quiet) {
        targets.show();
    }
    running.waiting.iter().for_each(|waits| output::say(&plain(waits)));
    running.unreached.iter().for_each(|way| output::say(&plain(way)));
    for (policy, remark) in running.engine.rulebook().remarks() {
        output::say(&plain(&format!("{policy}: {remark}")));
    }
    running.engine.rulebook().file_remarks().iter().for_each(|remark| output::say(&plain(remark)));
    let engine = running.engine.clone();
    let manager = Arc::default();
    let served = until_stopped(running, (listener, admin), &settings, &manager);
    let rules = async {
        match folder {
            None => std::future::pending().await,
            Some(folder) => follow(&engine, &folder, files).await,
        }
    };
    let connectors = async {
        match logins.people.last() {
            None => std::future::pending().await,
            Some(login) => workshop.follow(&engine, &login.person).await,
        }
    };
    tokio::select! {
        ended = served => ended,
        never = rules => match never {},
        never = connectors => match never {},
    }
}

/// The configuration of this folder, if there is one, made safe for a host without secrets.
fn settings(command: &Dev, global: &Global) -> Result<Settings> {
    let here = Path::new("countersign.toml");
    let mut settings = match &global.config {
        Some(file) => config::load(Some(file))?,
        None if here.is_file() => config::load(Some(here))?,
        None => config::read(here, "", &|name| std::env::var(name).ok())?,
    };
    if let Some(port) = command.port {
        settings.listen.set_port(port);
    }
    // What is only tried here needs nobody's signature, unless the configuration names whose it wants.
    settings.trust.unsigned = true;
    // Nor does it need a grant of its own: whoever adds a connector here has read what it wants.
    if settings.grant.hosts.is_empty() {
        settings.grant = OperatorGrant::everything();
    }
    let addresses = [("listen", Some(settings.listen)), ("admin-listen", settings.admin_listen)];
    let not_here = |(key, address): (&'static str, Option<SocketAddr>)| {
        address.filter(|address| !address.ip().is_loopback()).map(|address| (key, address))
    };
    if let Some((key, address)) = addresses.into_iter().find_map(not_here) {
        let message = format!("`dev` listens on loopback only, not on `{address}`");
        let help = format!("leave `[server] {key}` out, or use `countersign serve`");
        return Err(Failure::new(exit::CONFIGURATION, message).with_help(help).into());
    }
    Ok(settings)
}

/// Where the rules are; nothing means the starter rules.
fn rules_folder(settings: &Settings, named: Option<PathBuf>) -> Option<PathBuf> {
    named.or_else(|| settings.rules.join("people.md").is_file().then(|| settings.rules.clone()))
}

fn starter_files() -> Vec<SourceFile> {
    let file = |(path, text): (&str, &str)| SourceFile { path: path.to_owned(), text: text.to_owned() };
    STARTER.into_iter().map(file).collect()
}

/// Marks the folder as one of `dev`, in which no host may serve: here files of rules count at once, and everybody's
/// token is printed.
///
/// # Errors
/// If a host has served in it.
fn mark(data: &Path) -> Result<()> {
    let marker = data.join(DEVELOPMENT_FILE);
    if marker.exists() {
        return Ok(());
    }
    if data.join("log").exists() || data.join(TOKENS_FILE).exists() {
        let message = format!("`{}` is the data folder of a host", data.display());
        let help = "name another folder, or leave `--data` out: `dev` would let rules count there that nobody approved, \
                    and print tokens";
        return Err(Failure::new(exit::CONFIGURATION, message).with_help(help).into());
    }
    std::fs::write(&marker, "`countersign dev` keeps its log here. No host serves in this folder.\n")
        .with_context(|| format!("`{}` cannot be written", marker.display()))
}

async fn store(data: &Path, in_memory: bool) -> Result<Arc<dyn Store>> {
    wire::private_folder(data)?;
    mark(data)?;
    if in_memory {
        return Ok(Arc::new(MemoryStore::new()));
    }
    Ok(Place::Folder(data.to_owned()).read(Into::into).await?.store())
}

/// Makes tokens for a few persons and keeps their hashes in the data folder, in the place of those of
/// the last run.
fn logins(data: &Path, directory: &Directory) -> Result<Vec<Login>> {
    wire::private_folder(data)?;
    let mut file = wire::read_token_file(data)?;
    file.tokens.retain(|token| !token.name.starts_with(NAME_PREFIX));
    let mut logins = Vec::new();
    for person in persons(directory) {
        let mut bits = [0; 32];
        for half in bits.chunks_mut(16) {
            half.copy_from_slice(&SystemChance.bits().to_be_bytes());
        }
        let token = minted(&bits);
        let name = format!("{NAME_PREFIX}{person}");
        let sha256 = kept(&token);
        file.tokens.push(TokenEntry {
            name,
            person: person.clone(),
            sha256,
            scopes: Scope::OF_PEOPLE.into(),
        });
        logins.push(Login { person, token: token.to_string() });
    }
    super::token::put(data, &file)?;
    Ok(logins)
}

/// Gives all of them one password, which is printed, in the place of those that they have.
fn password(data: &Path, people: &[Login]) -> Result<String> {
    let password = BASE32_NOPAD.encode(&SystemChance.bits().to_be_bytes()).to_lowercase();
    let argon2id = hashed(&password).map_err(|why| anyhow::anyhow!("{why}"))?;
    let mut file = wire::read_password_file(data)?;
    file.passwords.retain(|entry| people.iter().all(|login| login.person != entry.person));
    file.passwords.extend(
        people.iter().map(|login| PasswordEntry { person: login.person.clone(), argon2id: argon2id.clone() }),
    );
    wire::put_private(data, PASSWORDS_FILE, &file)?;
    Ok(password)
}

/// The built-in persons that these people know; some of these people if they know none.
fn persons(directory: &Directory) -> Vec<PersonId> {
    let built_in = BUILT_IN.iter().filter_map(|name| PersonId::parse(name).ok());
    let known: Vec<PersonId> = built_in.filter(|person| directory.knows(person)).collect();
    if known.is_empty() { directory.persons.keys().take(PERSONS_MAX).cloned().collect() } else { known }
}

fn show(
    logins: &Logins,
    missing: &[String],
    listener: &TcpListener,
    in_memory: bool,
    global: &Global,
) -> Result<()> {
    let url = format!("http://{}", listener.local_addr()?);
    if global.json {
        let one = |login: &Login| json!({ "person": login.person.to_string(), "token": login.token });
        let tokens: Vec<_> = logins.people.iter().map(one).collect();
        let answer = json!({ "url": url, "tokens": tokens, "password": logins.password, "missing": missing });
        return output::json(&answer);
    }
    let mut table = Table::new(&["person", "token"]);
    for login in &logins.people {
        table.row([login.person.to_string(), login.token.clone()]);
    }
    table.print()?;
    if global.quiet {
        return Ok(());
    }
    if in_memory {
        output::say(
            "development host: the log is in memory and ends with this process; `--data DIR` keeps it",
        );
    }
    for name in missing {
        output::say(&format!(
            "connection `{name}` is not configured: an intent that needs it becomes an exception with an owner"
        ));
    }
    output::say(&format!(
        "in a browser: {url}/sign-in, as one of these with the password {}",
        logins.password
    ));
    output::say(&format!(
        "in another terminal: export COUNTERSIGN_URL={url} COUNTERSIGN_TOKEN=<one of these>"
    ));
    Ok(())
}

/// Looks at the rules again and again; puts a changed set in force if it checks, and says what is
/// wrong with it if not. The last good set stays in force meanwhile.
async fn follow(engine: &Engine, folder: &Path, mut known: Vec<SourceFile>) -> Infallible {
    loop {
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        // A file that is being replaced can be missing for a moment: the next look finds it.
        let Ok(files) = rule_files(folder) else { continue };
        if files == known {
            continue;
        }
        let before = engine.rulebook();
        let changed = changed(&known, &files);
        let (aside, files_aside) = (before.published_of(&changed), before.published_files_of(&changed));
        let policies: Vec<_> =
            before.published().iter().filter(|published| !aside.contains(&published.of)).cloned().collect();
        let shared = before.published_files().iter();
        let shared: Vec<_> =
            shared.filter(|published| !files_aside.contains(&published.file)).cloned().collect();
        let kept = Publications { policies: &policies, files: &shared };
        match Rulebook::with_published(&files, kept, engine.now()) {
            Ok(rulebook) => {
                // Something was published meanwhile: the next look puts both together.
                if !engine.replace_rulebook(&before, rulebook) {
                    continue;
                }
                output::say("the rules have changed and are in force");
                unproved(&files, engine.now()).await;
                let files_aside = files_aside.iter().map(ToString::to_string);
                for name in aside.iter().map(ToString::to_string).chain(files_aside) {
                    output::say(&format!(
                        "{name}: a development host follows its files, so what was published is set aside"
                    ));
                }
            }
            Err(faults) => {
                output::say("the rules have changed and do not check; the last good set stays in force");
                faults.iter().for_each(|fault| output::say(&format!("  {}", plain(&fault.to_string()))));
            }
        }
        known = files;
    }
}

/// Says what would keep rules that are in force here from being published: a gap makes an answer unsure, and nobody is
/// there to be asked about the file.
async fn unproved(files: &[SourceFile], now: Timestamp) {
    let files = files.to_vec();
    let checked = tokio::task::spawn_blocking(move || check_files(&files, now)).await;
    let Ok(report) = checked else { return output::say("they could not be proved") };
    let errors: Vec<String> =
        report.findings().filter(|finding| finding.level == Level::Error).map(ToString::to_string).collect();
    if !errors.is_empty() {
        output::say("they do not pass `countersign policy check`, and no host would let them be published:");
    }
    errors.iter().flat_map(|error| error.lines()).for_each(|line| output::say(&format!("  {}", plain(line))));
}

/// The files that are there in one set only, or otherwise.
fn changed(known: &[SourceFile], files: &[SourceFile]) -> Vec<SourceFile> {
    let gone = known.iter().filter(|file| !files.contains(file));
    gone.chain(files.iter().filter(|file| !known.contains(file))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_server::TokenTable;

    fn starter() -> Rulebook {
        Rulebook::load(&starter_files()).expect("the starter rules check")
    }

    #[test]
    fn every_built_in_person_is_one_of_the_starter_rules() {
        let known: Vec<String> = persons(starter().directory()).iter().map(ToString::to_string).collect();
        assert_eq!(known, BUILT_IN);
    }

    #[test]
    fn a_second_run_replaces_its_own_tokens_and_keeps_others() {
        let data = tempfile::tempdir().expect("a folder");
        let other = TokenEntry {
            name: "mine".to_owned(),
            person: PersonId::parse("ae-2").expect("a person"),
            sha256: kept(&minted(&[3; 32])),
            scopes: [Scope::Read].into(),
        };
        let before = wire::TokenFile { tokens: vec![other.clone()] };
        super::super::token::put(data.path(), &before).expect("it is written");
        let first = logins(data.path(), starter().directory()).expect("tokens");
        let second = logins(data.path(), starter().directory()).expect("tokens");
        let file = wire::read_token_file(data.path()).expect("it is read");
        assert_eq!(file.tokens.len(), 1 + BUILT_IN.len());
        assert!(file.tokens.contains(&other));
        let table = TokenTable::new(file.tokens).expect("a table");
        assert!(table.find(&first[0].token).is_none(), "the token of the last run is void");
        let found = table.find(&second[0].token).map(|entry| entry.person.to_string());
        assert_eq!(found.as_deref(), Some("ae-1"));
    }

    #[test]
    fn a_folder_of_a_host_is_none_to_try_rules_in() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = |name: &str| {
            let folder = data.path().join(name);
            std::fs::create_dir(&folder).expect("a folder");
            folder
        };
        let own = folder("own");
        mark(&own).expect("it is empty");
        std::fs::create_dir(own.join("log")).expect("a log");
        mark(&own).expect("it is its own");
        for (name, held) in [("served", "log"), ("prepared", TOKENS_FILE)] {
            let other = folder(name);
            std::fs::write(other.join(held), "").expect("it is written");
            let refused = mark(&other).expect_err(name).to_string();
            assert_eq!(refused, format!("`{}` is the data folder of a host", other.display()));
            assert!(!other.join(DEVELOPMENT_FILE).exists());
        }
    }

    #[test]
    fn an_address_that_others_can_reach_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("countersign.toml");
        std::fs::write(&file, "[server]\nlisten = \"0.0.0.0:8700\"\n").expect("a file");
        let global = Global { config: Some(file), json: false, url: None, token: None, quiet: true };
        let refused = settings(
            &Dev { data: None, rules: None, port: Some(1), connectors: Vec::new(), stand_ins: false },
            &global,
        )
        .err();
        let refused = refused.expect("it is refused").to_string();
        assert_eq!(refused, "`dev` listens on loopback only, not on `0.0.0.0:1`");
    }
}
