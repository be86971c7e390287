//! `countersign connector`: begin connectors, build them, test them, look into them, install them.

mod distribute;
mod hosted;
mod locked;
mod new;
mod profile;
mod sign;
mod test;

use super::Global;
use crate::build::{self, BuiltConnector, MANIFEST_FILE};
use crate::config::{self, Settings};
use crate::distribution::reference::Reference;
use crate::distribution::{self, Fetched, Kind, Source};
use crate::exit;
use crate::output::{self, Failure, Progress, Table, plain};
use crate::wire;
use anyhow::{Context as _, Result};
use countersign_connectors::{FaultCode, Inspected, Manifest, Runtime, RuntimeOptions, Tested};
use countersign_core::effect::key::InstallKey;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Digits of a digest that a table shows.
const DIGEST_DIGITS: usize = 12;

/// Things that happened to a connector that are shown unless told otherwise.
const LOG_ENTRIES: u16 = 50;

/// What to do with connectors.
#[derive(Debug, clap::Subcommand)]
pub enum Connector {
    /// Write a new connector that builds and is certified at once
    New(new::New),
    /// Build connectors from source, each into one component with its manifest inside
    Build(Build),
    /// List the builds of connectors that a host has, and what each serves
    List {
        /// Those in the data folder of a host that does not run
        #[arg(long)]
        offline: bool,
    },
    /// Say what a component wants and offers, without running it
    Inspect {
        #[command(flatten)]
        from: Component,
        /// Print its bill of materials instead, as it lies beside it: CycloneDX
        #[arg(long)]
        sbom: bool,
    },
    /// Test a connector against its laws, offline, or record what its target answers
    Test(test::Test),
    /// Measure what a connector takes, offline: time, fuel and memory of each export, and how near that is to its limits
    Profile(profile::Profile),
    /// Draw a key pair that signs connectors
    Key {
        /// Where the private half goes; there must be no such file yet
        file: PathBuf,
    },
    /// Sign a component: the signature lies beside it, as FILE.sig
    Sign {
        /// The component
        file: PathBuf,
        /// The private key, as `countersign connector key` or openssl writes it
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Put a component and what lies beside it into a registry
    Push {
        /// The component
        file: PathBuf,
        /// Where, such as `registry.example.com/acme/crm`; its version is what the manifest says
        #[arg(value_parser = distribute::destination, value_name = "REFERENCE")]
        reference: Reference,
    },
    /// Fetch a component and what is said of it into files
    Pull {
        #[command(flatten)]
        from: Component,
        /// The file, instead of ID-VERSION.wasm here
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Write components into one file, for a host that reaches no registry
    Export {
        /// What to write: each as `connector add` takes it
        #[arg(required = true, value_parser = distribution::source, value_name = "SOURCE")]
        sources: Vec<Source>,
        /// The file, such as `connectors.tar`
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Add a build of a connector to a host while it runs; it serves at once if it asks for nothing new
    #[command(visible_alias = "upgrade")]
    Add(hosted::Add),
    /// Put a build in force, try it on one connection or with a share of the intents, or compare it in the shadow
    Activate {
        #[command(flatten)]
        build: hosted::OneBuild,
        #[command(flatten)]
        how: hosted::How,
    },
    /// Show what happened to a connector: which builds were added, put in force or taken back, by whom, and why
    Log {
        /// The connector, such as `acme.salesforce`
        id: String,
        /// How many things, the newest first
        #[arg(long, value_name = "N", default_value_t = LOG_ENTRIES, value_parser = clap::value_parser!(u16).range(1..=200))]
        limit: u16,
    },
    /// Take back a canary or shadow, if there is one; else put in force again what was so before
    Rollback {
        /// The connector, such as `acme.salesforce`
        id: String,
        /// Why, for whoever meets it next
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Call a build no more, whatever it has planned; what served before it serves again
    Quarantine(hosted::OneBuild),
    /// Let a build be called again
    Release(hosted::OneBuild),
    /// Take a build away that serves nothing
    Remove(hosted::OneBuild),
}

/// Where a component is had from.
#[derive(Debug, clap::Args)]
pub struct Component {
    /// A component; an archive of several (`.tar`, or the folder of one); `oci://HOST/REPOSITORY:VERSION` or
    /// `oci://HOST/REPOSITORY@sha256:DIGEST`; or `https://HOST/PATH#sha256:DIGEST`
    #[arg(value_parser = distribution::source, value_name = "SOURCE")]
    pub source: Source,
}

/// What to build.
#[derive(Debug, clap::Args)]
pub struct Build {
    /// Folders of cargo workspaces or packages
    #[arg(default_value = ".", value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Wrap this finished core module (or component) instead of calling cargo
    #[arg(long, value_name = "FILE")]
    pub core: Option<PathBuf>,
    /// Where the component goes, instead of target/connectors/ID.wasm
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Runs one of them.
///
/// # Errors
/// If a connector cannot be built, is no honest one, or cannot be stored.
pub async fn run(command: Connector, global: &Global) -> Result<ExitCode> {
    match command {
        Connector::Build(build) => {
            let built = built(&build, global)?;
            shown(&built, global)
        }
        Connector::List { offline: true } => list(global).await,
        Connector::List { offline: false } => hosted::list(global).await,
        Connector::Inspect { from, sbom: true } => distribute::materials(&from.source).await,
        Connector::Inspect { from, sbom: false } => {
            for component in from.source.fetch().await? {
                shown_of(&component, global)?;
            }
            Ok(ExitCode::from(exit::DONE))
        }
        Connector::New(new) => new::run(&new, global),
        Connector::Test(test) => test::run(test, global).await,
        Connector::Profile(profile) => profile::run(&profile, global).await,
        Connector::Key { file } => sign::key(&file, global),
        Connector::Sign { file, key } => sign::sign(&file, &key, global),
        Connector::Push { file, reference } => distribute::push(&file, &reference, global).await,
        Connector::Pull { from, out } => distribute::pull(&from.source, out.as_deref(), global).await,
        Connector::Export { sources, out } => distribute::export(&sources, &out, global).await,
        Connector::Add(add) => match &add.source {
            Some(source) if add.offline => self::add(source, add.yes, global).await,
            Some(source) => hosted::add(source, &add, global).await,
            None => locked::sync(global).await,
        },
        Connector::Activate { build, how } => hosted::activate(&build, &how, global).await,
        Connector::Log { id, limit } => hosted::log(&id, limit, global).await,
        Connector::Rollback { id, reason } => hosted::roll_back(&id, &reason, global).await,
        Connector::Quarantine(build) => hosted::quarantine(&build, global).await,
        Connector::Release(build) => hosted::release(&build, global).await,
        Connector::Remove(build) => hosted::remove(&build, global).await,
    }
}

fn built(build: &Build, global: &Global) -> Result<Vec<BuiltConnector>> {
    if let Some(core) = &build.core {
        let [folder] = build.folders.as_slice() else { return Err(one_folder("--core").into()) };
        let manifest = folder.join(MANIFEST_FILE);
        let out = build.out.clone().unwrap_or_else(|| core.with_extension("component.wasm"));
        return Ok(vec![build::wrap(core, &manifest, &out)?]);
    }
    let progress = Progress::begin(global.quiet);
    let mut built = Vec::new();
    for folder in &build.folders {
        let out = build::out_folder(folder);
        built.extend(build::build_all(folder, &out, &|text| progress.now(text))?);
        for project in build::projects_in(folder)? {
            built.extend(build::build_all(&project, &out, &|text| progress.now(text))?);
        }
    }
    progress.end();
    if let Some(out) = &build.out {
        let [one] = built.as_mut_slice() else { return Err(one_folder("--out").into()) };
        let is_there =
            |out: &Path| Ok::<bool, std::io::Error>(out.canonicalize()? == one.file.canonicalize()?);
        // To copy a file onto itself empties it.
        if !is_there(out).unwrap_or(false) {
            let beside = one.materials.take().map(|bill| (bill, Kind::Materials.place_of(out)));
            let all = [(one.file.clone(), out.clone())].into_iter().chain(beside);
            for (from, to) in all {
                std::fs::copy(from, &to).with_context(|| format!("`{}` cannot be written", to.display()))?;
            }
            one.materials = Some(Kind::Materials.place_of(out));
        }
        one.file.clone_from(out);
    }
    Ok(built)
}

fn one_folder(option: &str) -> Failure {
    Failure::new(exit::USAGE, format!("`{option}` is for one connector")).with_help("name the folder of one")
}

fn shown(built: &[BuiltConnector], global: &Global) -> Result<ExitCode> {
    if global.json {
        let items: Vec<_> = built.iter().map(built_json).collect();
        output::json(&json!({ "items": items }))?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut table = Table::new(&["connector", "version", "size", "sha256", "imports", "file"]);
    for BuiltConnector { file, about, .. } in built {
        table.row([
            about.manifest.connector.id.clone(),
            about.manifest.connector.version.clone(),
            kilobytes(about.size),
            short(&about.digest.to_string()),
            names(&about.imports),
            file.display().to_string(),
        ]);
    }
    table.print()?;
    Ok(ExitCode::from(exit::DONE))
}

fn built_json(built: &BuiltConnector) -> serde_json::Value {
    let mut said = inspected_json(&built.file.display().to_string(), &built.about);
    said["materials"] = json!(built.materials.as_ref().map(|file| file.display().to_string()));
    said
}

/// A component in the data folder's catalogue, and nothing else of a host.
async fn list(global: &Global) -> Result<ExitCode> {
    let settings = config::load(global.config.as_deref())?;
    let runtime = catalogue(&settings)?;
    for digest in runtime.stored()? {
        match runtime.load(digest).await {
            Ok(_) => {}
            Err(fault) if fault.code == FaultCode::Untrusted => output::say(&plain(&fault.message)),
            Err(fault) => return Err(fault.into()),
        }
    }
    let mut installed = runtime.loaded();
    installed.sort_by(|one, other| (&one.id, &one.version).cmp(&(&other.id, &other.version)));
    if global.json {
        let item = |one: &countersign_connectors::Installed| {
            json!({
                "id": one.id,
                "version": one.version,
                "digest": one.digest.to_string(),
                "system": one.system,
                "size": one.size,
                "operations": one.operations.iter().map(|operation| &operation.name).collect::<Vec<_>>(),
            })
        };
        output::json(&json!({ "items": installed.iter().map(item).collect::<Vec<_>>() }))?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut table = Table::new(&["connector", "version", "system", "size", "sha256", "operations"]);
    for one in &installed {
        let operations: Vec<&str> = one.operations.iter().map(|operation| operation.name.as_str()).collect();
        let digest = short(&one.digest.to_string());
        table.row([
            &one.id,
            &one.version,
            &one.system,
            &kilobytes(one.size),
            &digest,
            &operations.join(", "),
        ]);
    }
    if table.is_empty() && !global.quiet {
        output::say("no connector is installed; `countersign connector add --offline FILE` installs one");
    }
    table.print()?;
    Ok(ExitCode::from(exit::DONE))
}

/// Shows what a component wants, and installs it if that was agreed to.
async fn add(source: &Source, yes: bool, global: &Global) -> Result<ExitCode> {
    let settings = config::load(global.config.as_deref())?;
    let components = agreed(source, yes, global).await?;
    let runtime = catalogue(&settings)?;
    for component in components {
        let evidence = component.evidence();
        let installed = runtime.install_signed(component.bytes, evidence).await?;
        if !global.quiet {
            output::say(&format!(
                "installed `{}` {} (sha256:{}); it serves from the next start of the host on",
                installed.id,
                installed.version,
                short(&installed.digest.to_string())
            ));
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

/// The components of a source; without a `--yes` only what they want is said.
async fn agreed(source: &Source, yes: bool, global: &Global) -> Result<Vec<Fetched>> {
    let components = source.fetch().await?;
    if yes {
        return Ok(components);
    }
    for component in &components {
        shown_of(component, global)?;
    }
    let id = |component: &Fetched| format!("`{}`", component.about.manifest.connector.id);
    let ids: Vec<String> = components.iter().map(id).collect();
    let message = format!("{} was not installed: nobody agreed to what it wants", plain(&ids.join(", ")));
    let help = match components.as_slice() {
        // A version, and an answer, can be another one the next time.
        [Fetched { pinned: Some(pinned), .. }] => {
            format!(
                "read what it wants, then add exactly this: `countersign connector add {} --yes`",
                plain(pinned)
            )
        }
        _ => "read what it wants, then repeat with `--yes`".to_owned(),
    };
    Err(Failure::new(exit::NO, message).with_help(help).into())
}

fn catalogue(settings: &Settings) -> Result<Runtime> {
    let data = &settings.data;
    wire::private_folder(data)?;
    let folder = data.join("connectors");
    wire::private_folder(&folder)?;
    Ok(Runtime::new(RuntimeOptions {
        cache_key: wire::key(&folder.join(wire::CACHE_KEY_FILE))?,
        folder,
        install_key: InstallKey::new(wire::key(&data.join(wire::INSTALL_KEY_FILE))?),
        clock: Arc::new(wire::SystemClock),
        grant: settings.grant.clone(),
        trust: settings.trust.clone(),
        compiler: Some(wire::compiler()?),
        witness: None,
    })?)
}

/// What a component wants and offers, and what is said of it.
fn shown_of(component: &Fetched, global: &Global) -> Result<()> {
    let from = component.from.trim_matches('`');
    if global.json {
        let mut shown = inspected_json(from, &component.about);
        shown["from"] = json!(component.pinned);
        shown["evidence"] =
            json!(component.evidence.iter().map(|(kind, _)| kind.artifact_type()).collect::<Vec<_>>());
        if let Ok(Some(said)) = component.materials() {
            shown["materials"] = json!({
                "inside": said.inside,
                "builds": said.builds,
                "licences": said.licences,
                "unsaid": said.unsaid,
            });
        }
        return output::json(&shown);
    }
    described(component)
}

fn inspected_json(file: &str, about: &Inspected) -> serde_json::Value {
    let Manifest { connector, endpoints, settings, .. } = &about.manifest;
    let endpoints: serde_json::Map<_, _> = endpoints
        .iter()
        .map(|(name, endpoint)| {
            let about = json!({
                "base": endpoint.base,
                "methods": endpoint.methods,
                "paths": endpoint.paths,
                "auth": endpoint.auth.scheme.words(),
                "why": endpoint.why,
            });
            (name.clone(), about)
        })
        .collect();
    json!({
        "file": file,
        "id": connector.id,
        "version": connector.version,
        "contract": connector.contract,
        "class": connector.class.as_str(),
        "license": connector.license,
        "description": connector.description,
        "size": about.size,
        "digest": about.digest.to_string(),
        "imports": about.imports,
        "exports": about.exports,
        "endpoints": endpoints,
        "settings": settings.keys().collect::<Vec<_>>(),
    })
}

fn described(component: &Fetched) -> Result<()> {
    let about = &component.about;
    let Manifest { connector, endpoints, settings, webhooks, intake, .. } = &about.manifest;
    let mut table = Table::new(&["connector", &connector.id]);
    table.row(["version", &connector.version]);
    table.row(["what", &connector.description]);
    table.row(["licence", &connector.license]);
    table.row(["contract", &connector.contract]);
    table.row(["class", connector.class.as_str()]);
    table.row(["from", component.from.trim_matches('`')]);
    if let Some(pinned) = &component.pinned {
        table.row(["exactly", pinned]);
    }
    table.row(["size", &kilobytes(about.size)]);
    table.row(["sha256", &about.digest.to_string()]);
    let signed = match (component.of(Kind::Signature), component.unfit(Kind::Signature)) {
        (None, _) => "no".to_owned(),
        (Some(_), None) => "yes; the host says whether by whom you trust".to_owned(),
        (Some(_), Some(why)) => format!("no: it {why}"),
    };
    table.row(["signed", &plain(&signed)]);
    match (component.of(Kind::Conformance), component.unfit(Kind::Conformance)) {
        (None, _) => {}
        (Some(report), None) => table.row(["tested", &tested(report)]),
        (Some(_), Some(why)) => table.row(["tested", &plain(&format!("no: it {why}"))]),
    }
    if let Ok(Some(said)) = component.materials() {
        table.row(["made of", &plain(&said.to_string())]);
    }
    table.row(["imports", &names(&about.imports)]);
    table.row(["exports", &names(&about.exports)]);
    for (name, endpoint) in endpoints {
        let base = endpoint.base.as_deref().unwrap_or("wherever the connection says");
        table.row(["reaches", &format!("{name}: {base} ({})", endpoint.auth.scheme.words())]);
        table.row(["", &format!("{} {}", endpoint.methods.join(" "), endpoint.paths.join(" "))]);
        table.row(["", &endpoint.why]);
        if let Some(token) = &endpoint.auth.token {
            table.row(["", &format!("tokens are given at {token}")]);
        }
    }
    for (name, hook) in webhooks {
        table.row(["is told", &format!("by hook {name}: {}", hook.verify.scheme.as_str())]);
    }
    for types in intake.iter().map(|intake| &intake.intent_types) {
        table.row(["asks for", &format!("intents of type {}", types.join(", "))]);
    }
    for (name, setting) in settings {
        table.row(["setting", &format!("{name}: {}", setting.why)]);
    }
    table.print()
}

/// What a conformance report says, whoever signed it.
fn tested(report: &[u8]) -> String {
    match Tested::read_unverified(report) {
        Some(Tested { level, kit, .. }) => {
            format!("`{}` by kit {kit}; the host says whether by whom you trust", level.name())
        }
        None => "by something that is no conformance report".to_owned(),
    }
}

/// Imports or exports of the contract, without its name and version. WASI is one word: there is nothing behind it.
fn names(all: &[String]) -> String {
    let short = |name: &String| {
        let name = name.strip_prefix("countersign:connector/").unwrap_or(name);
        name.split('@').next().unwrap_or(name).to_owned()
    };
    let is_wasi = |name: &&String| name.starts_with("wasi:");
    let mut names: Vec<String> = all.iter().filter(|name| !is_wasi(name)).map(short).collect();
    if all.iter().any(|name| is_wasi(&name)) {
        names.push("inert WASI".to_owned());
    }
    names.join(", ")
}

pub(super) fn short(digest: &str) -> String {
    digest.chars().take(DIGEST_DIGITS).collect()
}

fn kilobytes(bytes: usize) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}
