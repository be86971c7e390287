//! The configuration file: read strictly, every problem named at once with its line, then resolved.
//!
//! Precedence: environment (`COUNTERSIGN__SECTION__KEY`) over the file; the file is `--config`, else
//! `./countersign.toml`, else `/etc/countersign/countersign.toml`. Paths in it are relative to it.

mod anchors;
mod keys;
mod notify;
mod one;
mod problem;
mod sign_in;
mod trust;
mod whereabouts;

pub use one::{OneConnection, one_connection};
pub use problem::{Problem, Problems};
pub use trust::{SIGN_THEM, UNSIGNED};
pub use whereabouts::{SECRET_KINDS, Whereabouts, whereabouts};

use crate::anchor::AnchorOptions;
use countersign_connectors::{
    Class, ConnectionOptions, NotifyOptions, OperatorGrant, RawConnection, Secret, SignInOptions, Trust,
    Witness,
};
use countersign_core::id::ConnectionName;
use countersign_core::people::CalendarName;
use countersign_core::time::Millis;
use countersign_server::Provisioning;
use keys::Section;
use notify::Lookup;
use serde::Deserialize as _;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where a configuration is looked for when none is named.
const PLACES: [&str; 2] = ["countersign.toml", "/etc/countersign/countersign.toml"];
/// Largest configuration file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Default address: loopback, so that nothing is reachable by accident.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8700);
/// Default time for running attempts to end when the host is stopped.
const SHUTDOWN_GRACE: Millis = Millis::seconds(10);

/// Settings that were checked and whose secrets were read.
#[expect(missing_debug_implementations, reason = "it holds secrets")]
pub struct Settings {
    /// The file that they came from.
    pub file: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// The address of the database that holds the log; without one it lies in the data folder.
    pub database: Option<Secret>,
    /// The file with the private key of the log; without one the host proves nothing of it.
    pub log_key: Option<PathBuf>,
    /// The places outside of the data folder in which checkpoints of the log are noted.
    pub anchors: Vec<AnchorOptions>,
    /// The folder with `intents/`, `policies/`, `people.md` and `routes.md`.
    pub rules: PathBuf,
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where health and metrics are read without a sign-in; nowhere if it is not set.
    pub admin_listen: Option<SocketAddr>,
    /// How long running attempts may take to end when the host is stopped.
    pub shutdown_grace: Millis,
    /// Component files that are installed at every start.
    pub install: Vec<PathBuf>,
    /// Who looks on while connectors speak to their targets; nobody, unless a command says so.
    pub witness: Option<Arc<dyn Witness>>,
    /// What connectors may want at all.
    pub grant: OperatorGrant,
    /// Whose connectors are taken.
    pub trust: Trust,
    /// The connections.
    pub connections: Vec<ConnectionOptions>,
    /// How people are told.
    pub notify: NotifyOptions,
    /// The identity provider by which people sign in.
    pub sign_in: Option<SignInOptions>,
    /// How people are provisioned.
    pub provisioning: Provisioning,
}

/// The configuration that is named, or the first that is there.
#[must_use]
pub fn found(named: Option<&Path>) -> Option<PathBuf> {
    match named {
        Some(named) => Some(named.to_owned()),
        None => PLACES.iter().map(PathBuf::from).find(|place| place.is_file()),
    }
}

/// Finds, reads, checks and resolves the configuration.
///
/// # Errors
/// Every problem at once.
pub fn load(named: Option<&Path>) -> Result<Settings, Problems> {
    let (file, text) = text_of(named)?;
    read(&file, &text, &|name| std::env::var(name).ok())
}

/// Where the host of the configuration that is named, or of the first that is there, listens; none if nothing says so. What
/// else is wrong with the configuration is not looked at.
#[must_use]
pub fn listens(named: Option<&Path>) -> Option<SocketAddr> {
    let (file, text) = text_of(named).ok()?;
    listens_in(&file, &text, &|name| std::env::var(name).ok())
}

fn listens_in(file: &Path, text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Option<SocketAddr> {
    let (parsed, _) = DeTable::parse_recoverable(text);
    let root = parsed.get_ref();
    server(&Section::new("", Some(root), environment), root, &mut Problems::of(file, text)).listen
}

/// The file that is named, or the first that is there, and its text.
fn text_of(named: Option<&Path>) -> Result<(PathBuf, String), Problems> {
    let file = match named {
        Some(file) => file.to_owned(),
        None => found(None).ok_or_else(|| {
            Problems::one(Path::new(PLACES[0]), 0, "there is no configuration file here")
                .with_help("run `countersign init`, or name one with `--config FILE`")
        })?,
    };
    let size = std::fs::metadata(&file).map(|about| about.len());
    if size.is_ok_and(|size| FILE_BYTES_MAX < size) {
        return Err(Problems::one(&file, 0, "the file is larger than 1 MiB"));
    }
    let text = std::fs::read_to_string(&file)
        .map_err(|fault| Problems::one(&file, 0, format!("cannot be read: {fault}")))?;
    Ok((file, text))
}

/// Reads `text` as the configuration in `file`; `environment` looks a variable up.
///
/// # Errors
/// Every problem at once.
pub fn read(
    file: &Path,
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Settings, Problems> {
    let mut problems = Problems::of(file, text);
    let (parsed, faults) = DeTable::parse_recoverable(text);
    for fault in faults {
        problems.at(fault.span().map_or(0, |span| span.start), fault.message().to_owned());
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let root = parsed.get_ref();
    let mut top = Section::new("", Some(root), environment);
    top.only(
        &[
            "data",
            "rules",
            "server",
            "connectors",
            "connection",
            "mail",
            "webhook",
            "sign-in",
            "scim",
            "trust",
            "log",
        ],
        &mut problems,
    );
    let here = file.parent().unwrap_or(Path::new("."));

    let lookup = Lookup { here, environment };
    let (data_folder, database) = data(&top, root, lookup, &mut problems);
    let (log_key, anchors) = anchors::read(&top, root, lookup, &mut problems);

    let rules_folder = rules_folder(&top, &mut problems);

    let Server { listen, admin_listen, grace, public } = server(&top, root, &mut problems);

    let Connectors { install, grant, trust } = connectors(&top, root, environment, &mut problems);

    let mut scim = top.section("scim", &mut problems);
    scim.only(&["calendar", "domains"], &mut problems);
    let calendar = scim.text("calendar", &mut problems);
    let domains = scim.texts("domains", &mut problems).unwrap_or_default();
    let provisioning = Provisioning {
        calendar: calendar_of(root, calendar, &mut problems),
        domains: domains.iter().map(|domain| domain.to_ascii_lowercase()).collect(),
        address: public.clone(),
    };

    let lookup = notify::Lookup { here, environment };
    let connections = connections(root, lookup, public.as_deref(), &mut problems);
    let sign_in = sign_in::read(&top, root, public.as_deref(), lookup, &mut problems);
    let notify = notify::read(&top, root, public, lookup, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Settings {
        file: file.to_owned(),
        data: here.join(data_folder),
        database,
        log_key,
        anchors,
        rules: here.join(rules_folder),
        listen: listen.unwrap_or(LISTEN),
        admin_listen,
        shutdown_grace: grace.unwrap_or(SHUTDOWN_GRACE),
        install: install.iter().map(|path| here.join(path)).collect(),
        witness: None,
        trust,
        grant,
        connections,
        notify,
        sign_in,
        provisioning,
    })
}

/// `[rules]`: their folder, seen from the configuration.
fn rules_folder(top: &Section<'_>, problems: &mut Problems) -> String {
    let mut rules = top.section("rules", problems);
    rules.only(&["folder"], problems);
    rules.text("folder", problems).unwrap_or_else(|| ".".to_owned())
}

/// The data folder, seen from the configuration.
fn data_folder(top: &Section<'_>, problems: &mut Problems) -> String {
    data_section(top, problems).1
}

/// `[data]`, and the data folder that it names.
fn data_section<'a>(top: &Section<'a>, problems: &mut Problems) -> (Section<'a>, String) {
    let mut data = top.section("data", problems);
    data.only(&["folder", "database"], problems);
    let folder = data.text("folder", problems).unwrap_or_else(|| "data".to_owned());
    (data, folder)
}

/// The data folder, and the address of the database if the log lies in one.
fn data(
    top: &Section<'_>,
    root: &DeTable<'_>,
    lookup: Lookup<'_>,
    problems: &mut Problems,
) -> (String, Option<Secret>) {
    let (data, folder) = data_section(top, problems);
    let place = root.get("data").map(|data| data.span().start);
    let database = data.text("database", problems).and_then(|reference| {
        let found = secret(&reference, lookup.here, lookup.environment);
        found.map_err(|why| problems.at(place, format!("`database` of `[data]`: {why}"))).ok()
    });
    (folder, database)
}

/// `[connectors]` and `[trust.NAMESPACE]`.
struct Connectors {
    install: Vec<String>,
    grant: OperatorGrant,
    trust: Trust,
}

fn connectors(
    top: &Section<'_>,
    root: &DeTable<'_>,
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Connectors {
    let mut connectors = top.section("connectors", problems);
    connectors.only(&["install", "hosts", "class-max", "unsigned"], problems);
    let unsigned = connectors.flag("unsigned", problems);
    let trust = trust::read(root, unsigned.unwrap_or(false), environment, problems);
    let install = connectors.texts("install", problems).unwrap_or_default();
    let hosts = connectors.texts("hosts", problems).unwrap_or_default();
    let classes = [("small", Class::Small), ("medium", Class::Medium), ("large", Class::Large)];
    let class_max = connectors.word("class-max", &classes, problems).unwrap_or(Class::Small);
    Connectors { install, grant: OperatorGrant { class_max, hosts }, trust }
}

/// `[server]`.
struct Server {
    listen: Option<SocketAddr>,
    admin_listen: Option<SocketAddr>,
    grace: Option<Millis>,
    public: Option<String>,
}

fn server(top: &Section<'_>, root: &DeTable<'_>, problems: &mut Problems) -> Server {
    let mut server = top.section("server", problems);
    server.only(&["listen", "admin-listen", "shutdown-grace", "public-address"], problems);
    let listen = server.parsed("listen", "an address such as `127.0.0.1:8700`", problems);
    let admin_listen = server.parsed("admin-listen", "an address such as `127.0.0.1:8701`", problems);
    let grace = server.duration("shutdown-grace", problems);
    let public = server.web_address("public-address", problems);
    if let Some(address) = &public
        && address.split_once("://").is_some_and(|(_, behind)| behind.contains('/'))
    {
        let place = root.get("server").map_or(0, |section| section.span().start);
        let help = Some("pages and links begin at the root of their host".to_owned());
        problems.add(place, format!("`public-address` `{address}` has a path behind its host"), help);
    }
    Server { listen, admin_listen, grace, public }
}

/// The calendar of whoever joins; whether `people.md` has it is looked at when the host starts.
fn calendar_of(root: &DeTable<'_>, found: Option<String>, problems: &mut Problems) -> Option<CalendarName> {
    let place = root.get("scim").map_or(0, |section| section.span().start);
    let parsed = CalendarName::parse(&found?);
    parsed.map_err(|why| problems.at(place, format!("`calendar` of `[scim]`: {why}"))).ok()
}

/// Every `[connection.NAME]`, of a host that others reach at `public`.
fn connections(
    root: &DeTable<'_>,
    notify::Lookup { here, environment }: notify::Lookup<'_>,
    public: Option<&str>,
    problems: &mut Problems,
) -> Vec<ConnectionOptions> {
    let Some(DeValue::Table(all)) = root.get("connection").map(|value| value.get_ref()) else {
        return Vec::new();
    };
    // Each is looked up once, though it is checked first and used afterwards: a command may be slow.
    let found = RefCell::new(BTreeMap::new());
    let secret = |reference: &str| -> Result<Secret, String> {
        let known = found.borrow().get(reference).cloned();
        known.unwrap_or_else(|| {
            let told = secret(reference, here, environment);
            found.borrow_mut().insert(reference.to_owned(), told.clone());
            told
        })
    };
    let mut connections = Vec::new();
    for (name, value) in all {
        let place = name.span().start;
        let name = match ConnectionName::parse(name.get_ref()) {
            Ok(name) => name,
            Err(fault) => {
                problems.at(place, fault.to_string());
                continue;
            }
        };
        let known = problems.all().len();
        connection_keys(&name, value, &secret, environment, problems);
        if known < problems.all().len() {
            continue;
        }
        match RawConnection::deserialize(toml::de::ValueDeserializer::from(value.clone())) {
            Err(fault) => {
                let place = fault.span().map_or(place, |span| span.start);
                problems.at(place, format!("connection `{name}`: {}", fault.message()));
            }
            Ok(raw) => match raw.resolve(name, secret) {
                Ok(options) => {
                    let options = ConnectionOptions { address: public.map(str::to_owned), ..options };
                    for other in &connections {
                        refresh_tokens(&options, other, place, problems);
                    }
                    connections.push(options);
                }
                Err(faults) => faults.iter().for_each(|fault| problems.at(place, fault.to_string())),
            },
        }
    }
    connections
}

/// Two connections cannot spend one refresh token: at many providers the second time ends what was granted.
fn refresh_tokens(
    options: &ConnectionOptions,
    other: &ConnectionOptions,
    place: usize,
    problems: &mut Problems,
) {
    let Some((own, theirs)) = options.shared_refresh_token(other) else { return };
    let (name, other) = (&options.name, &other.name);
    let message = format!(
        "connection `{name}`: endpoint `{own}` has its refresh token in the file that endpoint `{theirs}` of connection \
         `{other}` names, too; each is good for one of them only"
    );
    let help = "have the host authorized once more, and put that refresh token into a file of its own";
    problems.add(place, message, Some(help.to_owned()));
}

/// Looks at the keys and secrets of one connection where they stand, so that each has its own line.
fn connection_keys(
    name: &ConnectionName,
    value: &Spanned<DeValue<'_>>,
    resolve: &dyn Fn(&str) -> Result<Secret, String>,
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) {
    let DeValue::Table(table) = value.get_ref() else {
        return problems
            .at(value.span().start, format!("`{name}` is a section: write `[connection.{name}]`"));
    };
    let mut section = Section::new(&format!("connection.{name}"), Some(table), environment);
    section.only(&["connector", "endpoints", "settings", "webhooks", "allow", "rate"], problems);
    if !table.contains_key("connector") {
        let message = format!("connection `{name}` names no connector");
        problems.add(value.span().start, message, Some("`connector = \"countersign.stripe\"`".to_owned()));
    }
    if let Some(DeValue::Table(rate)) = table.get("rate").map(Spanned::get_ref) {
        let mut section = Section::new(&format!("connection.{name}.rate"), Some(rate), environment);
        section.only(&["per-second", "burst", "concurrent"], problems);
    }
    for (kind, known) in [
        ("endpoints", &["base", "token", "authorize", "variables", "issuer", "subject", "secret"][..]),
        ("webhooks", &["secret"]),
    ] {
        let Some(DeValue::Table(all)) = table.get(kind).map(Spanned::get_ref) else { continue };
        for (one, value) in all {
            let DeValue::Table(table) = value.get_ref() else { continue };
            let full = format!("connection.{name}.{kind}.{}", one.get_ref());
            Section::new(&full, Some(table), environment).only(known, problems);
            let Some(written) = table.get("secret") else { continue };
            if let DeValue::String(reference) = written.get_ref()
                && let Err(why) = resolve(reference)
            {
                problems.at(written.span().start, format!("secret of `[{full}]`: {why}"));
            }
        }
    }
}

/// Reads a secret by its reference. Never a literal: a configuration is copied and shown.
fn secret(
    reference: &str,
    here: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Secret, String> {
    match reference.split_once(':') {
        Some(("env", name)) => environment(name)
            .filter(|value| !value.is_empty())
            .map(Secret::new)
            .ok_or_else(|| format!("the environment has no `{name}`")),
        Some(("file", path)) => Secret::of_file(&here.join(path)),
        Some(("command", command)) => Secret::of_command(command, here),
        Some(_) | None => Err(
            "a secret is a reference, `env:NAME`, `file:PATH` or `command:PROGRAM …`, never the secret itself".to_owned(),
        ),
    }
}

/// The rule files below a folder, as the rulebook wants them.
///
/// # Errors
/// If a file cannot be read.
pub fn rule_files(folder: &Path) -> std::io::Result<Vec<countersign_core::document::SourceFile>> {
    let mut files = BTreeMap::new();
    for (sub, ending) in [("intents", ".intent.md"), ("policies", ".policy.md")] {
        let place = folder.join(sub);
        if !place.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(place)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.ends_with(ending) {
                files.insert(format!("{sub}/{name}"), std::fs::read_to_string(&path)?);
            }
        }
    }
    for name in ["people.md", "routes.md"] {
        let path = folder.join(name);
        if path.is_file() {
            files.insert(name.to_owned(), std::fs::read_to_string(path)?);
        }
    }
    let file = |(path, text)| countersign_core::document::SourceFile { path, text };
    Ok(files.into_iter().map(file).collect())
}

#[cfg(test)]
mod tests;
