//! The connectors of a running host: which builds there are, and which of them serves.

use super::{agreed, kilobytes, short};
use crate::client::{Change, Client, typed};
use crate::command::Global;
use crate::config;
use crate::distribution::lock::Lock;
use crate::distribution::{self, Fetched, Source};
use crate::exit;
use crate::output::{self, Failure, Table, plain};
use anyhow::Result;
use countersign_core::hash::Digest;
use countersign_core::id::ConnectorId;
use countersign_server::api::view::{
    BuildView, ConnectorEntryView, ConnectorView, Listed, OddView, ShadowView,
};
use serde_json::{Value, json};
use std::process::ExitCode;

/// One build of one connector of a running host, and why it is changed.
#[derive(Debug, clap::Args)]
pub struct OneBuild {
    /// The connector, such as `acme.salesforce`
    pub id: String,
    /// Digest of the build, or as much of its beginning as tells it apart
    pub digest: String,
    /// Why, for whoever meets it next
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// For what a build is put in force; for everything, unless one of these is said.
#[derive(Debug, clap::Args)]
pub struct How {
    /// On this connection only; every other one keeps its build
    #[arg(long, value_name = "CONNECTION", conflicts_with_all = ["canary", "shadow"])]
    pub on: Option<String>,
    /// For this share of the intents, in percent; the active build plans the others
    #[arg(long, value_name = "PERCENT", conflicts_with = "shadow", value_parser = clap::value_parser!(u8).range(1..=99))]
    pub canary: Option<u8>,
    /// For none: it plans what the active build plans, the two are compared, and nothing of it is written
    #[arg(long)]
    pub shadow: bool,
}

/// Fewest digits of a digest that name a build.
const DIGITS_MIN: usize = 6;

/// Lists the builds of every connector.
pub(super) async fn list(global: &Global) -> Result<ExitCode> {
    let body = Client::of(global)?.get("/v1/connectors").await?;
    let connectors = typed::<Listed<ConnectorView>>(&body)?.items;
    if global.json {
        output::json(&body)?;
    } else if connectors.is_empty() {
        output::say("no connector is installed; `countersign connector add FILE` adds one");
    } else {
        print(&connectors)?;
    }
    Ok(ExitCode::from(exit::DONE))
}

/// Shows what happened to a connector.
pub(super) async fn log(id: &str, limit: u16, global: &Global) -> Result<ExitCode> {
    let id = named(id)?;
    let body = Client::of(global)?.get(&format!("/v1/connectors/{id}/history?limit={limit}")).await?;
    if global.json {
        output::json(&body)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut table = Table::new(&["at", "what", "build", "by", "why"]);
    for ConnectorEntryView { at, by, what, digest, version, share, connection, intent, reason } in
        typed::<Listed<ConnectorEntryView>>(&body)?.items
    {
        let what = connection.map_or_else(|| what.clone(), |name| format!("{what} on {name}"));
        let what = share.map_or_else(|| what.clone(), |percent| format!("{what} {percent} %"));
        let build = [version, digest.map(|digest| short(&digest).to_owned())];
        let why = [intent, reason];
        let joined = |parts: [Option<String>; 2]| parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        table.row([at, what, joined(build), by.unwrap_or_else(|| "the host".to_owned()), joined(why)]);
    }
    table.print()?;
    Ok(ExitCode::from(exit::DONE))
}

/// What is added, and how.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// A component; an archive of several (`.tar`, or the folder of one); `oci://HOST/REPOSITORY:VERSION` or
    /// `oci://HOST/REPOSITORY@sha256:DIGEST`; or `https://HOST/PATH#sha256:DIGEST`
    #[arg(value_parser = distribution::source, value_name = "SOURCE", required_unless_present = "locked")]
    pub source: Option<Source>,
    /// Take it without a question: what it wants was read
    #[arg(long)]
    pub yes: bool,
    /// Let it wait in any case, until it is put in force
    #[arg(long)]
    pub stage: bool,
    /// Why, for whoever meets it next
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Put it into the data folder of a host that does not run; it serves from the next start on
    #[arg(long, conflicts_with_all = ["stage", "reason"])]
    pub offline: bool,
    /// Name it in `connectors.lock` beside the configuration, for your repository
    #[arg(long, conflicts_with_all = ["stage", "offline"])]
    pub lock: bool,
    /// Make the host as `connectors.lock` beside the configuration has it; what is so already stays as it is
    #[arg(long, conflicts_with_all = ["source", "yes", "stage", "reason", "offline", "lock"])]
    pub locked: bool,
}

/// Shows what the components of a source want, and adds them if that was agreed to.
pub(super) async fn add(source: &Source, add: &Add, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    // Before anything is added: a lock that is none is known now.
    let mut lock =
        if add.lock { Some(Lock::beside(config::found(global.config.as_deref()).as_deref())?) } else { None };
    for component in agreed(source, add.yes, global).await? {
        // Whoever reads the log later wants to know where it came from.
        let from = component.pinned.as_ref().map(|pinned| format!("from {pinned}"));
        let reason = add.reason.as_deref().or(from.as_deref());
        let kept = lock.as_ref().map(|_| component.clone());
        let (body, connector, build) = sent(&client, component, add.stage, reason).await?;
        if global.json {
            output::json(&body)?;
        } else {
            output::say(&plain(&came_of(&connector, &build)));
            for want in build.widens.iter().filter(|_| build.state == "held") {
                output::say(&plain(&format!("  {want}")));
            }
        }
        if let (Some(lock), Some(component)) = (&mut lock, kept) {
            lock.take(lock.named(source, &component, build.signer.as_deref())?)?;
            if !global.json && !global.quiet {
                output::say(&format!("`{}` names it", plain(&lock.name())));
            }
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

/// Sends a component to the host: what that answers, and what has come of it.
pub(super) async fn sent(
    client: &Client,
    component: Fetched,
    stage: bool,
    reason: Option<&str>,
) -> Result<(Value, ConnectorView, BuildView)> {
    let mut path = format!("/v1/connectors?stage={stage}");
    if let Some(reason) = reason {
        path.push_str(&format!("&reason={}", crate::client::escaped(reason)));
    }
    let evidence = component.evidence();
    let Fetched { about, bytes, .. } = component;
    let body = client.component(&path, bytes.into(), &evidence).await?;
    let connector = typed::<ConnectorView>(&body)?;
    let digest = about.digest.to_string();
    let Some(build) = connector.builds.iter().find(|build| build.digest == digest).cloned() else {
        anyhow::bail!(
            "the host has added `{}` and does not show it: is another countersign at the address?",
            about.manifest.connector.id
        );
    };
    Ok((body, connector, build))
}

/// What came of a build that was added.
pub(super) fn came_of(connector: &ConnectorView, build: &BuildView) -> String {
    let name = format!("`{}` {} (sha256:{})", connector.id, build.version, short(&build.digest));
    match build.state.as_str() {
        "active" => format!("{name} serves {}", served(build)),
        "held" => match &build.asked {
            Some(intent) => format!(
                "{name} waits: it asks for more than was granted, and {intent} asks who may to accept"
            ),
            None => format!(
                "{name} waits: it asks for more than was granted, and nobody can accept that: `routes.md` lacks the \
                 route `connector-upgrade`"
            ),
        },
        "quarantined" => {
            format!("{name} is in quarantine: {}", build.quarantined.as_deref().unwrap_or_default())
        }
        _ => format!("{name} waits; `countersign connector activate` puts it in force"),
    }
}

/// The connections that a build serves.
fn served(build: &BuildView) -> String {
    if build.serves.is_empty() { "no connection yet".to_owned() } else { build.serves.join(", ") }
}

/// Puts a build in force.
pub(super) async fn activate(build: &OneBuild, how: &How, global: &Global) -> Result<ExitCode> {
    let (more, says) = match how {
        How { shadow: true, .. } => (Some(("share", json!(0))), "it plans in the shadow".to_owned()),
        How { canary: Some(percent), .. } => {
            (Some(("share", json!(percent))), format!("it plans {percent} % of the intents"))
        }
        How { on, .. } => (on.as_ref().map(|on| ("connection", json!(on))), "it serves".to_owned()),
    };
    change(build, ("activations", &says), more, global).await
}

/// Calls a build no more.
pub(super) async fn quarantine(build: &OneBuild, global: &Global) -> Result<ExitCode> {
    change(build, ("quarantines", "it is called no more"), None, global).await
}

/// Lets a build be called again.
pub(super) async fn release(build: &OneBuild, global: &Global) -> Result<ExitCode> {
    change(
        build,
        ("releases", "it may serve; `countersign connector activate` puts it in force"),
        None,
        global,
    )
    .await
}

/// Takes a build away.
pub(super) async fn remove(build: &OneBuild, global: &Global) -> Result<ExitCode> {
    change(build, ("removals", "it is not there any more"), None, global).await
}

/// Takes back what was tried or put in force last.
pub(super) async fn roll_back(id: &str, reason: &str, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    let path = format!("/v1/connectors/{}/rollbacks", named(id)?);
    let body = json!({ "reason": reason });
    let body = client.change(&Change { path: &path, body: &body, revision: None, key: None }).await?;
    changed(&body, "it is taken back", global)
}

async fn change(
    OneBuild { id, digest, reason }: &OneBuild,
    (what, says): (&str, &str),
    more: Option<(&str, Value)>,
    global: &Global,
) -> Result<ExitCode> {
    let client = Client::of(global)?;
    let id = named(id)?;
    let digest = found(&client, &id, digest).await?;
    let mut body = json!({ "digest": digest, "reason": reason });
    if let Some((name, value)) = more {
        body[name] = value;
    }
    let path = format!("/v1/connectors/{id}/{what}");
    let body = client.change(&Change { path: &path, body: &body, revision: None, key: None }).await?;
    changed(&body, says, global)
}

fn changed(body: &Value, says: &str, global: &Global) -> Result<ExitCode> {
    if global.json {
        output::json(body)?;
    } else {
        output::say(says);
        print(&[typed::<ConnectorView>(body)?])?;
    }
    Ok(ExitCode::from(exit::DONE))
}

fn named(id: &str) -> Result<ConnectorId> {
    ConnectorId::parse(id).map_err(|_| {
        let failure = Failure::new(exit::USAGE, format!("`{}` is no id of a connector", plain(id)));
        failure.with_help("`countersign connector list` shows them").into()
    })
}

/// The digest that begins so, of a build of the connector.
async fn found(client: &Client, id: &ConnectorId, begins: &str) -> Result<String> {
    let begins = begins.strip_prefix("sha256:").unwrap_or(begins);
    if Digest::parse(begins).is_some() {
        return Ok(begins.to_owned());
    }
    let usage = |what: String| {
        let failure = Failure::new(exit::USAGE, what);
        failure.with_help(format!("`countersign connector list` shows the builds of `{id}`"))
    };
    if begins.len() < DIGITS_MIN || !begins.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let what = format!("`{}` is not {DIGITS_MIN} or more digits of a digest", plain(begins));
        return Err(usage(what).into());
    }
    let connector = typed::<ConnectorView>(&client.get(&format!("/v1/connectors/{id}")).await?)?;
    let mut fit = connector.builds.iter().filter(|build| build.digest.starts_with(begins));
    match (fit.next(), fit.next()) {
        (Some(build), None) => Ok(build.digest.clone()),
        (None, _) => Err(usage(format!("`{id}` has no build that begins with {begins}")).into()),
        (Some(_), Some(_)) => {
            Err(usage(format!("more than one build of `{id}` begins with {begins}")).into())
        }
    }
}

/// Prints the builds, and below what those in the shadow have shown.
fn print(connectors: &[ConnectorView]) -> Result<()> {
    table(connectors).print()?;
    for connector in connectors {
        for build in &connector.builds {
            if let Some(shadow) = &build.shadow {
                for line in shown_in_the_shadow(connector, build, shadow) {
                    output::say(&plain(&line));
                }
            }
        }
    }
    Ok(())
}

/// What a build has shown in the shadow, line by line.
fn shown_in_the_shadow(connector: &ConnectorView, build: &BuildView, shadow: &ShadowView) -> Vec<String> {
    let ShadowView { same, differs, failed, unknown, skipped, last } = shadow;
    let counts = format!(
        "`{}` {} in the shadow: {same} the same as the active build, {differs} not, {failed} failed; {unknown} cannot be \
         told, {skipped} were not asked",
        connector.id, build.version
    );
    let last = last.as_ref().map(|OddView { intent, connection, what }| {
        format!("  the last that was not the same, {intent} at `{connection}`: {what}")
    });
    [counts].into_iter().chain(last).collect()
}

/// A state with the share of a canary.
fn state(build: &BuildView) -> String {
    build.share.map_or_else(|| build.state.clone(), |percent| format!("{} {percent} %", build.state))
}

fn table(connectors: &[ConnectorView]) -> Table {
    let mut table = Table::new(&[
        "connector",
        "version",
        "system",
        "size",
        "sha256",
        "state",
        "serves",
        "tested",
        "operations",
    ]);
    for connector in connectors {
        for build in &connector.builds {
            let serves = served(build);
            let is_used = matches!(build.state.as_str(), "active" | "tried");
            table.row([
                connector.id.as_str(),
                &build.version,
                &connector.system,
                &build.size.map_or_else(|| "gone".to_owned(), kilobytes),
                &short(&build.digest),
                &state(build),
                if is_used { &serves } else { "" },
                build.level.as_deref().unwrap_or_default(),
                &build.operations.join(", "),
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_build_is_said_with_the_next_step() {
        let build = |state: &str| BuildView {
            digest: "ab".repeat(32),
            version: "1.1.0".to_owned(),
            state: state.to_owned(),
            serves: vec!["crm-eu".to_owned()],
            share: None,
            shadow: None,
            since: "2026-11-28T00:00:00.000Z".to_owned(),
            size: Some(1),
            signer: None,
            level: None,
            operations: Vec::new(),
            wants: Vec::new(),
            widens: Vec::new(),
            asked: None,
            accepted: None,
            quarantined: Some("it rounds".to_owned()),
        };
        let connector = ConnectorView {
            id: "acme.crm".to_owned(),
            version: "1.1.0".to_owned(),
            digest: "ab".repeat(32),
            system: "crm".to_owned(),
            connections: vec!["crm-eu".to_owned(), "crm-us".to_owned()],
            builds: Vec::new(),
        };
        let name = "`acme.crm` 1.1.0 (sha256:abababababab)";
        for (state, expected) in [
            ("active", "serves crm-eu".to_owned()),
            ("staged", "waits; `countersign connector activate` puts it in force".to_owned()),
            ("quarantined", "is in quarantine: it rounds".to_owned()),
        ] {
            assert_eq!(came_of(&connector, &build(state)), format!("{name} {expected}"));
        }
        assert!(came_of(&connector, &build("held")).contains("lacks the route `connector-upgrade`"));
        let canary = BuildView { share: Some(10), ..build("canary") };
        assert_eq!(
            (state(&canary), state(&build("staged"))),
            ("canary 10 %".to_owned(), "staged".to_owned())
        );
        let last = OddView {
            intent: "int_1".to_owned(),
            connection: "crm-eu".to_owned(),
            what: "it does not write `memo`".to_owned(),
        };
        let shadow = ShadowView { same: 40, differs: 2, failed: 0, unknown: 1, skipped: 3, last: Some(last) };
        assert_eq!(
            shown_in_the_shadow(&connector, &build("shadow"), &shadow),
            [
                "`acme.crm` 1.1.0 in the shadow: 40 the same as the active build, 2 not, 0 failed; 1 cannot be told, 3 \
                 were not asked",
                "  the last that was not the same, int_1 at `crm-eu`: it does not write `memo`"
            ]
        );
        let asked = BuildView { asked: Some("int_1".to_owned()), ..build("held") };
        assert!(
            came_of(&connector, &asked).ends_with("more than was granted, and int_1 asks who may to accept")
        );
    }
}
