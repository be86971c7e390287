//! The only composition: settings become a running host. Nobody else knows every adapter.

use crate::backup::RESTORED_FILE;
use crate::config::{Settings, rule_files};
use crate::distribution::evidence_beside;
use crate::exit;
use crate::log::Log;
use crate::output::Failure;
use crate::proving::Proving;
use anyhow::{Context as _, bail};
use countersign_connectors::{
    ChildCompiler, ConnectorFault, Contributors, FaultCode, Messengers, NotifyOptions, OpenIdProvider,
    Runtime, RuntimeOptions,
};
use countersign_core::document::Fault as RuleFault;
use countersign_core::effect::key::InstallKey;
use countersign_core::hash::Digest;
use countersign_core::notice::link::{LinkKey, Links};
use countersign_core::people::{CalendarName, Contact};
use countersign_core::policy::Policy;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::engine::{Engine, Parts};
use countersign_engine::fault::Fault;
use countersign_engine::people::Record;
use countersign_engine::port::Answer;
use countersign_engine::port::clock::{Chance, Clock};
use countersign_engine::port::components::{Components, NoComponents};
use countersign_engine::port::identity::IdentityProvider;
use countersign_engine::port::notifier::Notifier;
use countersign_engine::port::store::{Store, StoreFault};
use countersign_engine::publish::OnRecord;
use countersign_engine::restored::Restored;
use countersign_server::{PasswordEntry, Passwords, SignIn, TokenEntry, TokenTable};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Name of the install key's file in the data folder.
pub const INSTALL_KEY_FILE: &str = "install.key";
/// Name of the file that marks a data folder as one of `countersign dev`.
pub const DEVELOPMENT_FILE: &str = "DEVELOPMENT";
/// Name of the tokens' file in the data folder.
pub const TOKENS_FILE: &str = "tokens.toml";
/// Name of the passwords' file in the data folder.
pub const PASSWORDS_FILE: &str = "passwords.toml";
/// Name of the file with the key of the links in messages.
pub const LINK_KEY_FILE: &str = "links.key";
/// Name of the file with the key that marks compiled code of this machine.
pub const CACHE_KEY_FILE: &str = "cache.key";
/// Wait between two looks whether the index of the log is there, in milliseconds.
const INDEX_LOOK_MS: u64 = 100;
/// Most looks: ten minutes, in which far more than a host ever writes is read again.
const INDEX_LOOKS_MAX: u32 = 6_000;
/// Name of the folder of policy components: beside the rules, and in the data folder.
pub const COMPONENTS_FOLDER: &str = "components";
/// Most bytes of what stands in the mark of a restored folder: a line.
const RESTORED_BYTES_MAX: usize = 1_024;
/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// When the clock was first asked how long something has been going on.
static STARTED: OnceLock<Instant> = OnceLock::new();

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock port")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock port")]
    fn passed(&self) -> Millis {
        let since = STARTED.get_or_init(Instant::now).elapsed();
        Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, moment: Timestamp) -> Answer<'_, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(moment.since(self.now()).0)))
    }
}

/// Random bits of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn bits(&self) -> u128 {
        let mut bytes = [0; 16];
        // Without random bits ids could repeat and jitter could be guessed: better no host at all.
        getrandom::fill(&mut bytes).expect("the operating system gives random bits");
        u128::from_be_bytes(bytes)
    }
}

/// A host that runs.
#[expect(missing_debug_implementations, reason = "it holds secrets")]
pub struct Running {
    /// The engine.
    pub engine: Engine,
    /// The log.
    pub store: Arc<dyn Store>,
    /// The same log where it is kept, so that it can be closed; none if it is in memory.
    pub log: Option<Log>,
    /// By what the log is proved, if the configuration names a key for it.
    pub proving: Option<Proving>,
    /// The connectors.
    pub runtime: Arc<Runtime>,
    /// Who may call.
    pub tokens: Arc<TokenTable>,
    /// By what people sign in.
    pub sign_in: SignIn,
    /// The identity provider, where one is configured.
    pub provider: Option<Arc<OpenIdProvider>>,
    /// Connections that the rules name and the configuration does not have.
    pub missing: Vec<String>,
    /// For each connection whose connector is not there, what it waits for.
    pub waiting: Vec<String>,
    /// How people are told.
    pub messengers: Arc<Messengers>,
    /// Ways by which `people.md` wants people told and the configuration does not have, in words.
    pub unreached: Vec<String>,
}

/// Looks that a host may serve in the data folder, and makes it if it is not there.
///
/// # Errors
/// If it may not, with what to do.
pub fn serving_folder(settings: &Settings) -> anyhow::Result<()> {
    private_folder(&settings.data)?;
    if settings.data.join(DEVELOPMENT_FILE).exists() {
        let message = format!("`{}` is a data folder of `countersign dev`", settings.data.display());
        let help = "give this host another folder, `folder` of `[data]`: what is on record there counted by rules that \
                    nobody approved";
        return Err(Failure::new(exit::CONFIGURATION, message).with_help(help).into());
    }
    Ok(())
}

/// Puts a host together over its log and starts it. Must be called inside a tokio runtime.
///
/// # Errors
/// The first part that does not start, with what to do.
pub async fn assemble(settings: &Settings, log: Log) -> anyhow::Result<Running> {
    let folder = &settings.rules;
    let files = rule_files(folder).with_context(|| format!("rules folder `{}`", folder.display()))?;
    let store = log.store();
    let published = published(&*store).await?;
    let rulebook = Rulebook::with_published(&files, published.publications(), SystemClock.now())
        .map_err(|faults| unsound(folder, &faults))?;
    let proving = Proving::of(settings, Arc::clone(&store), true).await?;
    let running = start(settings, rulebook, store).await?;
    Ok(Running { log: Some(log), proving, ..running })
}

/// Every version of a policy and every text of a shared file that the log says was published.
///
/// # Errors
/// If the log cannot be read, or its index is not there in time.
pub async fn published(store: &dyn Store) -> anyhow::Result<OnRecord> {
    let read = async || countersign_engine::publish::published(store).await;
    when_built(read).await.context("what was published cannot be read")
}

/// Who the log says is on record.
///
/// # Errors
/// If the log cannot be read, or its index is not there in time.
pub async fn recorded(store: &dyn Store) -> anyhow::Result<Record> {
    let read = async || countersign_engine::people::recorded(store).await;
    when_built(read).await.context("the record of people cannot be read")
}

/// Puts on record that the log was restored from a backup, if the data folder says so: whatever that log calls open is looked
/// for before anything is sent. Before the engine starts.
///
/// If the process stops in here the next start does it, perhaps once more, which does no harm.
async fn restored(data: &Path, store: &dyn Store) -> anyhow::Result<()> {
    let mark = data.join(RESTORED_FILE);
    let from = match fs::read(&mark) {
        Ok(bytes) => {
            String::from_utf8_lossy(bytes.get(..RESTORED_BYTES_MAX).unwrap_or(&bytes)).trim().to_owned()
        }
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(fault) => return Err(fault).with_context(|| format!("`{}` cannot be read", mark.display())),
    };
    let entry = Restored { at: SystemClock.now(), from };
    let noted = async || countersign_engine::restored::note(store, &entry).await;
    when_built(noted).await.context("that the log was restored cannot be put on record")?;
    fs::remove_file(&mark).with_context(|| format!("`{}` cannot be removed", mark.display()))?;
    fs::File::open(data)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("`{}`", data.display()))?;
    tracing::warn!(
        blame = "operator",
        from = %entry.from,
        "the log was restored from a backup: what it knows is looked for at its target before anything is sent"
    );
    Ok(())
}

/// What is read of a log once its index is there: it is built anew after a crash, and until then it does
/// not say what is there.
async fn when_built<T>(read: impl AsyncFn() -> Result<T, Fault>) -> anyhow::Result<T> {
    for _ in 0..INDEX_LOOKS_MAX {
        match read().await {
            Err(Fault::Store(StoreFault::Busy)) => {
                tokio::time::sleep(Duration::from_millis(INDEX_LOOK_MS)).await;
            }
            Err(fault) => return Err(anyhow::anyhow!("{fault}")),
            Ok(read) => return Ok(read),
        }
    }
    bail!("the index of the log is still being built: start the host again later")
}

/// Why rules and published policies make no set, with what to do.
fn unsound(folder: &Path, faults: &[RuleFault]) -> anyhow::Error {
    let mut failure =
        Failure::new(exit::CONFIGURATION, format!("the rules in `{}` do not check", folder.display()));
    failure.places = faults.iter().map(ToString::to_string).collect();
    let help = if faults.iter().any(|fault| fault.file.starts_with("published/")) {
        "a file under `published/` is what the intent of that name published: bring back the people, routes or \
         intent type that it names, start, and publish a policy that does not need them"
    } else {
        "correct them; `countersign check` says it again"
    };
    failure.with_help(help).into()
}

/// The same on a store that is open already, such as one in memory.
///
/// # Errors
/// The first part that does not start, with what to do.
pub async fn start(
    settings: &Settings,
    rulebook: Rulebook,
    store: Arc<dyn Store>,
) -> anyhow::Result<Running> {
    known_calendar(settings.provisioning.calendar.as_ref(), &rulebook)?;
    restored(&settings.data, &*store).await?;
    let (runtime, waiting) = connectors(settings, &*store).await?;
    let runtime = Arc::new(runtime);
    let missing = rulebook
        .connections()
        .iter()
        .filter(|name| !settings.connections.iter().any(|connection| connection.name == **name))
        .map(ToString::to_string)
        .collect();
    let tokens = Arc::new(read_tokens(&settings.data)?);
    let (sign_in, provider) = sign_in(settings)?;
    let messengers = messengers(&NotifyOptions { links: sign_in.links.clone(), ..settings.notify.clone() })?;
    let unreached = unreached(&rulebook, &*messengers);
    let record = recorded(&*store).await?;
    let components = components(settings).await?;
    find_components(settings, &rulebook, &*components)?;
    let engine = Engine::start(Parts {
        notifier: messengers.clone(),
        components,
        store: Arc::clone(&store),
        connectors: runtime.clone(),
        catalogue: runtime.clone(),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        rulebook,
        record,
    });
    engine.keep_measures();
    Ok(Running {
        engine,
        store,
        log: None,
        proving: None,
        runtime,
        tokens,
        sign_in,
        provider,
        missing,
        waiting,
        messengers,
        unreached,
    })
}

/// Looks that the calendar of joiners is one of `people.md`.
///
/// # Errors
/// If it is none.
pub fn known_calendar(calendar: Option<&CalendarName>, rulebook: &Rulebook) -> anyhow::Result<()> {
    let Some(calendar) = calendar else { return Ok(()) };
    if !rulebook.house().calendars.contains_key(calendar) {
        bail!("`calendar` of `[scim]`: `people.md` has no calendar `{calendar}`");
    }
    Ok(())
}

/// Reads and checks the rules of a folder.
///
/// # Errors
/// Every fault of every file, each with its place.
pub fn load_rules(folder: &Path) -> anyhow::Result<Rulebook> {
    let files = rule_files(folder).with_context(|| format!("rules folder `{}`", folder.display()))?;
    Rulebook::load(&files).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the rules in `{}` do not check\n{}", folder.display(), lines.join("\n"))
    })
}

/// What tells people.
///
/// # Errors
/// If the configuration cannot be used.
pub fn messengers(options: &NotifyOptions) -> anyhow::Result<Arc<Messengers>> {
    let messengers = Messengers::new(options.clone(), Arc::new(SystemClock));
    messengers.map(Arc::new).map_err(|why| anyhow::anyhow!("{why}"))
}

/// The ways that `people.md` names and nobody configured, with how many people rely on each.
#[must_use]
pub fn unreached(rulebook: &Rulebook, notifier: &dyn Notifier) -> Vec<String> {
    let mut ways: BTreeMap<String, usize> = BTreeMap::new();
    let contacts = rulebook.directory().contacts.values().flatten();
    for contact in contacts.filter(|contact| !notifier.reaches(contact)) {
        let way = match contact {
            Contact::Mail(_) => "`[mail]`".to_owned(),
            Contact::Webhook(name) => format!("`[webhook.{name}]`"),
        };
        *ways.entry(way).or_default() += 1;
    }
    let said = |(way, people)| {
        let people = if people == 1 { "1 contact".to_owned() } else { format!("{people} contacts") };
        format!("`people.md` has {people} by {way}, which is not configured: they are told nothing")
    };
    ways.into_iter().map(said).collect()
}

/// Loads the policy components of the data folder and installs those of the rules folder. A host
/// that never had one starts no runtime for them.
async fn components(settings: &Settings) -> anyhow::Result<Arc<dyn Components>> {
    let folder = settings.data.join(COMPONENTS_FOLDER);
    let files = component_files(&settings.rules.join(COMPONENTS_FOLDER))?;
    if files.is_empty() && !folder.is_dir() {
        return Ok(Arc::new(NoComponents));
    }
    private_folder(&folder)?;
    let cache_key = key(&folder.join(CACHE_KEY_FILE))?;
    let contributors = tokio::task::spawn_blocking(move || -> anyhow::Result<Contributors> {
        let contributors = Contributors::open(&folder, cache_key)?;
        for file in files {
            let named = || format!("policy component `{}`", file.display());
            contributors.install(&fs::read(&file).with_context(named)?).with_context(named)?;
        }
        Ok(contributors)
    });
    Ok(Arc::new(contributors.await.context("policy components could not be loaded")??))
}

/// The components that a policy names, as far as they lie beside the rules or were installed in a data
/// folder. They are compiled in a folder of their own, so a host that runs there is left alone.
///
/// # Errors
/// If one that is there cannot be read or loaded.
pub async fn components_of(
    policy: &Policy,
    rules: &Path,
    data: Option<&Path>,
) -> anyhow::Result<Arc<dyn Components>> {
    let mut found: BTreeMap<Digest, Vec<u8>> = BTreeMap::new();
    let named = |digest: &Digest| policy.components.iter().any(|component| component.digest == *digest);
    let installed = policy.components.iter().filter_map(|component| {
        Some(Contributors::file(&data?.join(COMPONENTS_FOLDER), &component.digest))
            .filter(|file| file.is_file())
    });
    let beside = if policy.components.is_empty() {
        Vec::new()
    } else {
        component_files(&rules.join(COMPONENTS_FOLDER))?
    };
    for file in beside.into_iter().chain(installed) {
        let bytes = fs::read(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
        let digest = Digest::of(&bytes);
        if named(&digest) {
            found.insert(digest, bytes);
        }
    }
    if found.is_empty() {
        return Ok(Arc::new(NoComponents));
    }
    let loaded = tokio::task::spawn_blocking(move || -> anyhow::Result<Contributors> {
        // What was loaded is in memory: nothing is read from there again.
        let folder = tempfile::tempdir().context("there is no place for temporary files")?;
        let contributors = Contributors::open(folder.path(), key(&folder.path().join(CACHE_KEY_FILE))?)?;
        for (digest, bytes) in found {
            contributors.install(&bytes).with_context(|| format!("policy component sha256:{digest}"))?;
        }
        Ok(contributors)
    });
    Ok(Arc::new(loaded.await.context("policy components could not be loaded")??))
}

/// Looks that every policy finds its components: without one it would be unsure of every intent.
fn find_components(
    settings: &Settings,
    rulebook: &Rulebook,
    installed: &dyn Components,
) -> anyhow::Result<()> {
    for policy in rulebook.policies() {
        let missing = policy.components.iter().find(|component| !installed.is_installed(&component.digest));
        if let Some(component) = missing {
            bail!(
                "`{}` names component `{}` sha256:{}, which is not installed: put its file into `{}`",
                policy.path,
                component.id,
                component.digest,
                settings.rules.join(COMPONENTS_FOLDER).display()
            );
        }
    }
    Ok(())
}

/// Whether a policy component was installed in this data folder.
#[must_use]
pub fn has_component(data: &Path, digest: &Digest) -> bool {
    Contributors::file(&data.join(COMPONENTS_FOLDER), digest).is_file()
}

/// The component files of a folder; none if it is not there.
///
/// # Errors
/// If the folder cannot be read.
pub fn component_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("`{}` cannot be read", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Loads what is installed, installs what the configuration names, makes the connections.
async fn connectors(settings: &Settings, store: &dyn Store) -> anyhow::Result<(Runtime, Vec<String>)> {
    let install_key = key(&settings.data.join(INSTALL_KEY_FILE))?;
    let folder = settings.data.join("connectors");
    private_folder(&folder)?;
    let runtime = Runtime::new(RuntimeOptions {
        cache_key: key(&folder.join(CACHE_KEY_FILE))?,
        folder,
        install_key: InstallKey::new(install_key),
        clock: Arc::new(SystemClock),
        grant: settings.grant.clone(),
        trust: settings.trust.clone(),
        compiler: Some(compiler()?),
        witness: settings.witness.clone(),
    })?;
    if !runtime.is_pooled() {
        tracing::warn!(blame = "host", "too little address space for a pool of instances; calls are slower");
    }
    for digest in runtime.stored()? {
        match runtime.load(digest).await {
            Ok(_) => {}
            // Whoever took a key away wants nothing more of what it signed, and one file that a disk has spoilt is no
            // reason to serve nothing; where either is missed is said below.
            Err(fault) if matches!(fault.code, FaultCode::Untrusted | FaultCode::Altered) => {
                tracing::warn!(%fault, %digest, blame = "operator", "an installed connector is left alone");
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    for file in &settings.install {
        let named = || format!("connector `{}`", file.display());
        let bytes = fs::read(file).with_context(named)?;
        let evidence = evidence_beside(file).with_context(named)?;
        runtime.install_signed(bytes, evidence).await.with_context(named)?;
    }
    runtime.expect(settings.connections.clone());
    let now = SystemClock.now();
    let settled = async || countersign_engine::connectors::settle(store, &runtime, now).await;
    when_built(settled).await.context("the record of connectors cannot be read")?;
    let faults = settings.connections.iter().filter_map(|options| runtime.connect(options.clone()).err());
    // A connector can be added while the host runs, and the others have theirs.
    let (waiting, faults): (Vec<_>, Vec<_>) = faults.partition(|fault| fault.code == FaultCode::NotInstalled);
    let words = |faults: Vec<ConnectorFault>| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    if !faults.is_empty() {
        bail!("{}", words(faults).join("\n"));
    }
    Ok((runtime, words(waiting)))
}

/// The program that compiles connectors as a child: this one.
///
/// # Errors
/// If nobody knows where it lies.
pub fn compiler() -> anyhow::Result<ChildCompiler> {
    std::env::current_exe().map(ChildCompiler::of).context("nobody knows where this program lies")
}

/// A key of this installation; drawn once, kept in a file that only its owner reads.
///
/// # Errors
/// If the file is there and is no key: guessing another one would give every open effect a new
/// idempotency key.
pub fn key(file: &Path) -> anyhow::Result<[u8; KEY_BYTES]> {
    if !file.exists() {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes).context("the operating system gives no random bits")?;
        let mut written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)
            .with_context(|| format!("`{}` cannot be written", file.display()))?;
        written.write_all(&bytes)?;
        written.sync_all()?;
        return Ok(bytes);
    }
    let bytes = fs::read(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    <[u8; KEY_BYTES]>::try_from(bytes).map_err(|bytes| {
        anyhow::anyhow!(
            "`{}` holds {} bytes instead of {KEY_BYTES}: restore it from your backup",
            file.display(),
            bytes.len()
        )
    })
}

/// The tokens' file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    /// Every token, by its hash.
    #[serde(default, rename = "token")]
    pub tokens: Vec<TokenEntry>,
}

/// Reads the tokens of a data folder; none if there is no file.
///
/// # Errors
/// If the file is there and cannot be read.
pub fn read_token_file(data: &Path) -> anyhow::Result<TokenFile> {
    read_private(data, TOKENS_FILE)
}

fn read_tokens(data: &Path) -> anyhow::Result<TokenTable> {
    TokenTable::new(read_token_file(data)?.tokens).map_err(|fault| anyhow::anyhow!("{TOKENS_FILE}: {fault}"))
}

/// The passwords' file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordFile {
    /// Every password, by its hash.
    #[serde(default, rename = "password")]
    pub passwords: Vec<PasswordEntry>,
}

/// Reads the passwords of a data folder; none if there is no file.
///
/// # Errors
/// If the file is there and cannot be read.
pub fn read_password_file(data: &Path) -> anyhow::Result<PasswordFile> {
    read_private(data, PASSWORDS_FILE)
}

/// By what people sign in on this host.
fn sign_in(settings: &Settings) -> anyhow::Result<(SignIn, Option<Arc<OpenIdProvider>>)> {
    let passwords = Passwords::default();
    let known = read_password_file(&settings.data)?.passwords;
    passwords.replace(known).map_err(|why| anyhow::anyhow!("{PASSWORDS_FILE}: {why}"))?;
    let provider = settings.sign_in.clone().map(OpenIdProvider::new).transpose();
    let provider = provider.map_err(|why| anyhow::anyhow!("{why}"))?.map(Arc::new);
    // A link is of use to whoever can sign in.
    let can = provider.is_some() || !passwords.is_empty();
    let links = match settings.notify.host.clone().filter(|_| can) {
        Some(host) => Some(Links { host, key: LinkKey::new(key(&settings.data.join(LINK_KEY_FILE))?) }),
        None => None,
    };
    let by = SignIn {
        address: settings.notify.host.clone(),
        links,
        provider: provider.clone().map(|provider| provider as Arc<dyn IdentityProvider>),
        passwords: Arc::new(passwords),
    };
    Ok((by, provider))
}

fn read_private<T: Default + DeserializeOwned>(data: &Path, name: &str) -> anyhow::Result<T> {
    let file = data.join(name);
    if !file.exists() {
        return Ok(T::default());
    }
    let text = fs::read_to_string(&file).with_context(|| format!("`{}`", file.display()))?;
    toml::from_str(&text).with_context(|| format!("`{}`", file.display()))
}

/// Writes a file that only its owner reads into the data folder: beside, and renamed, so that a crash leaves the
/// old one or the new one.
///
/// # Errors
/// If it cannot be written.
pub fn put_private<T: Serialize>(data: &Path, name: &str, content: &T) -> anyhow::Result<()> {
    let text = toml::to_string(content).with_context(|| format!("`{name}` cannot be written down"))?;
    let place = data.join(name);
    let beside = data.join(format!("{name}.{}", std::process::id()));
    let written = || -> std::io::Result<()> {
        let mut new = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        fs::rename(&beside, &place)
    };
    written().with_context(|| format!("`{}` cannot be written", place.display()))
}

/// Makes a folder that only its owner reads, if it is not there.
///
/// # Errors
/// If it cannot be made.
pub fn private_folder(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if !folder.is_dir() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("`{}` cannot be made", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joiners_have_a_calendar_of_the_house_or_the_host_does_not_start() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("starter");
        let rulebook = load_rules(&folder).expect("the starter rules check");
        let known = |name: &str| {
            let calendar = CalendarName::parse(name).expect("it is a name");
            known_calendar(Some(&calendar), &rulebook)
        };
        assert!(known("dublin").is_ok() && known_calendar(None, &rulebook).is_ok());
        let refused = known("mars").expect_err("there is none").to_string();
        assert_eq!(refused, "`calendar` of `[scim]`: `people.md` has no calendar `mars`");
    }
}
