//! `countersign connection sign-in`: somebody lets the host in at a provider, and the refresh token is kept where the
//! connection has it. It is done beside the host: what is granted and its file are the operator's, and the host hears of it
//! as of every rotation.

mod waiting;

use super::super::Global;
use crate::config::{self, OneConnection};
use crate::exit;
use crate::output::{self, Failure, plain};
use crate::wire::{SystemChance, SystemClock};
use anyhow::{Context as _, Result};
use countersign_connectors::{
    Authorizing, Back, ConnectionOptions, Granted, Inspected, Manifest, NotAuthorized, Overwrite,
    RawConnection, Scheme, installed_builds,
};
use countersign_core::hash::Digest;
use countersign_core::id::ConnectionName;
use countersign_engine::port::clock::Clock as _;
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How long somebody is waited for, in seconds: time to find a password and a second factor.
const WAIT_SECONDS: u64 = 600;
/// The longest that anybody is waited for, in seconds.
const WAIT_SECONDS_MAX: u64 = 3_600;

/// What to sign in to, and how the browser comes back.
#[derive(Debug, clap::Args)]
pub struct SignIn {
    /// The connection
    pub name: String,
    /// The endpoint, where several of the connection want somebody to sign in
    #[arg(long)]
    pub endpoint: Option<String>,
    /// Where the browser is sent back to, as it is registered at the provider: `http://127.0.0.1:8790/signed-in` or
    /// `http://localhost:8790/signed-in` as the manifest has it; any `https://` address is pasted back by hand
    #[arg(long, value_name = "URL")]
    pub redirect: Option<String>,
    /// Listen nowhere: paste the address that the browser shows in the end
    #[arg(long)]
    pub paste: bool,
    /// Put another refresh token in the place of the one that is there
    #[arg(long)]
    pub again: bool,
    /// How long to wait for whoever signs in, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = WAIT_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..=WAIT_SECONDS_MAX))]
    pub wait: u64,
    /// The build whose manifest counts, where those that are installed have people sign in at different places
    #[arg(long, value_name = "sha256:DIGEST", value_parser = digest)]
    pub build: Option<Digest>,
}

fn digest(text: &str) -> Result<Digest, String> {
    let digest = text.strip_prefix("sha256:").and_then(Digest::parse);
    digest.ok_or_else(|| "a digest is `sha256:` and 64 hexadecimal digits".to_owned())
}

/// An endpoint at which somebody signs in, for messages.
struct Place<'a> {
    connection: &'a ConnectionName,
    endpoint: &'a str,
    manifest: &'a Manifest,
}

/// Has somebody sign in.
///
/// # Errors
/// Why there is no refresh token in its file, with what to do next.
pub(super) async fn run(command: SignIn, global: &Global) -> Result<ExitCode> {
    let name = super::named(&command.name)?;
    let connection = config::one_connection(global.config.as_deref(), &name)?;
    let (data, trust, grant) = (connection.data.clone(), connection.trust.clone(), connection.grant.clone());
    let looked =
        tokio::task::spawn_blocking(move || installed_builds(&data.join("connectors"), &trust, &grant));
    let builds = looked.await.context("the installed connectors could not be looked at")??;
    let builds = of_connector((&name, &connection.raw), builds, command.build)?;
    let (manifest, endpoint) = chosen((&name, &connection.raw), &builds, command.endpoint.as_deref())?;
    let place = Place { connection: &name, endpoint: &endpoint, manifest };
    let (options, file) = options(&connection, &place)?;
    let overwrite = if command.again { Overwrite::Replace } else { Overwrite::Refuse };
    let authorizing =
        Authorizing::of(manifest, &options, (&endpoint, overwrite)).map_err(|why| place.told(&why))?;
    let back = back(&command, &authorizing, &place)?;
    let wait = Duration::from_secs(command.wait);
    let ways = waiting::Ways { wait, quiet: global.quiet };
    // Of an `https://` address there is no port here.
    let (back, ports) = if command.paste { (back, Vec::new()) } else { waiting::ports(&back).await? };
    let gone = Arc::new(authorizing.begin(&back, &SystemChance));
    ask(&gone.address, &authorizing);
    let came = if ports.is_empty() {
        waiting::pasted(&gone, ways).await?
    } else {
        waiting::listened(&gone, (&back, ports), ways).await?
    };
    let code = came.map_err(|why| place.told(&why))?;
    let granted =
        authorizing.finish(&gone, &code, SystemClock.now()).await.map_err(|why| place.told(&why))?;
    say(&granted, (&place, &file), global)?;
    Ok(ExitCode::from(exit::DONE))
}

/// The builds that a connection could be served by, the newest last.
fn of_connector(
    (name, raw): (&ConnectionName, &RawConnection),
    builds: Vec<Inspected>,
    build: Option<Digest>,
) -> Result<Vec<Inspected>> {
    let wanted = &raw.connector;
    let fits = |found: &Inspected| match wanted.strip_prefix("sha256:") {
        Some(hex) => found.digest.to_string() == hex,
        None => found.manifest.connector.id == *wanted,
    };
    let mut builds: Vec<Inspected> = builds.into_iter().filter(fits).collect();
    builds.retain(|found| build.is_none_or(|build| found.digest == build));
    if builds.is_empty() {
        let which = build.map_or_else(|| format!("`{}`", plain(wanted)), |build| format!("sha256:{build}"));
        let message =
            format!("connection `{name}`: connector {which} is not installed, or is not one that you take");
        let help = "`countersign connector add FILE --yes` installs it, with `--offline` while no host runs; \
                    `countersign check` says what `[trust]` and `[connectors]` take";
        return Err(Failure::new(exit::CONFIGURATION, message).with_help(help).into());
    }
    Ok(builds)
}

/// The manifest and the endpoint that somebody signs in for.
///
/// Which build serves stands in the log, which a host that runs keeps to itself. So all that are installed have to agree on
/// where a password and a secret go: one that nobody has approved yet decides neither.
fn chosen<'a>(
    (name, raw): (&ConnectionName, &RawConnection),
    builds: &'a [Inspected],
    named: Option<&str>,
) -> Result<(&'a Manifest, String)> {
    let Some(newest) = builds.last().map(|build| &build.manifest) else {
        return Err(Failure::new(exit::CONFIGURATION, format!("connection `{name}` has no connector")).into());
    };
    let is_refreshed = |endpoint: &&String| {
        newest.endpoints.get(*endpoint).is_some_and(|found| found.auth.scheme == Scheme::Oauth2Refresh)
    };
    let endpoint = match named {
        Some(named) => named.to_owned(),
        None => {
            let all: Vec<&String> = raw.endpoints.keys().filter(is_refreshed).collect();
            match all[..] {
                [one] => one.clone(),
                [] => return Err(nobody_signs_in(name, newest).into()),
                _ => {
                    let all = all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
                    let message =
                        format!("several endpoints of connection `{name}` want somebody to sign in: {all}");
                    let failure = Failure::new(exit::USAGE, message);
                    return Err(failure.with_help("name one of them with `--endpoint`").into());
                }
            }
        }
    };
    let places = |build: &Inspected| {
        let found = build.manifest.endpoints.get(&endpoint)?;
        let auth = &found.auth;
        Some((auth.token.clone()?, auth.authorize.clone()?, found.variables.clone()))
    };
    let said: Vec<_> = builds.iter().filter_map(places).collect();
    if said.windows(2).all(|two| two.first() == two.last()) {
        return Ok((newest, endpoint));
    }
    let message = format!(
        "the installed builds of `{}` have somebody sign in at different places",
        newest.connector.id
    );
    let lines = builds.iter().filter_map(|build| {
        let (token, authorize, _) = places(build)?;
        let version = &build.manifest.connector.version;
        Some(format!("sha256:{} ({version}): at {authorize}, and tokens are given at {token}", build.digest))
    });
    let mut failure = Failure::new(exit::CONFIGURATION, message);
    failure.places = lines.collect();
    let help = "`countersign connector list` says which of them serves; name it with `--build sha256:DIGEST`";
    Err(failure.with_help(help).into())
}

fn nobody_signs_in(name: &ConnectionName, manifest: &Manifest) -> Failure {
    let about = &manifest.connector;
    let message = format!(
        "nobody signs in for connection `{name}`: no endpoint that it grants has tokens given for a refresh token (connector \
         `{}` {})",
        about.id, about.version
    );
    let help = format!(
        "`countersign connector inspect` says what `{}` is sent instead; give that as its `secret`",
        about.id
    );
    Failure::new(exit::CONFIGURATION, message).with_help(help)
}

/// The connection with nothing but what somebody signs in for, and the file of its secret as the configuration names it.
fn options(connection: &OneConnection, place: &Place<'_>) -> Result<(ConnectionOptions, String)> {
    let mut raw = connection.raw.clone();
    raw.endpoints.retain(|name, _| name == place.endpoint);
    raw.webhooks.clear();
    let reference = raw.endpoints.get(place.endpoint).and_then(|endpoint| endpoint.secret.clone());
    let form = "one line `id:secret`, the id and the secret of the client that you have registered";
    if let Some(reference) = &reference
        && !reference.starts_with("file:")
    {
        let kind = reference.split(':').next().unwrap_or_default();
        let why = format!("has its secret from `{}:`, where no refresh token can be kept", plain(kind));
        let help =
            format!("put {form}, into a file that nobody else reads, and name it: `secret = \"file:PATH\"`");
        return Err(place.failure(exit::CONFIGURATION, &why).with_help(help).into());
    }
    if let Some(reference) = &reference
        && let Err(why) = connection.secret(reference)
    {
        let failure = place.failure(exit::CONFIGURATION, &format!("has a secret that cannot be read: {why}"));
        let help = format!("write {form}, into that file; the refresh token is put below it");
        return Err(failure.with_help(help).into());
    }
    let resolved = raw.resolve(place.connection.clone(), |reference| connection.secret(reference));
    let options = resolved.map_err(|faults| {
        let mut failure = Failure::new(exit::CONFIGURATION, "the connection is configured wrongly");
        failure.places = faults.iter().map(ToString::to_string).collect();
        failure.with_help("correct it; `countersign check` says it again")
    })?;
    let file = reference.as_deref().and_then(|reference| reference.strip_prefix("file:")).unwrap_or_default();
    Ok((options, file.to_owned()))
}

/// Where the browser is sent back to.
fn back(command: &SignIn, authorizing: &Authorizing, place: &Place<'_>) -> Result<Back> {
    if let Some(text) = &command.redirect {
        let parsed = Back::parse(text);
        return Ok(parsed.map_err(|why| {
            let failure =
                Failure::new(exit::USAGE, format!("`--redirect {}` leads nowhere: {why}", plain(text)));
            failure.with_help(
                "write it as it is registered at the provider, such as `http://localhost:8790/signed-in`",
            )
        })?);
    }
    authorizing.usual_back().ok_or_else(|| {
        let why = "signs in at a provider that sends no browser back to this machine";
        let help = "register an `https://` address of yours at the provider, whatever answers there, and name it with \
                    `--redirect`: when the browser is there, its address is pasted here";
        place.failure(exit::USAGE, why).with_help(help).into()
    })
}

/// Says what there is to do in a browser.
fn ask(address: &str, authorizing: &Authorizing) {
    output::say("open this address in a browser, and sign in there as somebody who may let the host in:\n");
    output::say(&format!("  {}\n", plain(address)));
    if !authorizing.scopes().is_empty() {
        output::say(&format!("they are asked for: {}", plain(&authorizing.scopes().join(" "))));
    }
}

/// Says what was granted, and what comes next.
fn say(granted: &Granted, (place, file): (&Place<'_>, &str), global: &Global) -> Result<()> {
    let Place { connection, endpoint, .. } = place;
    if global.json {
        return output::json(&json!({
            "connection": connection.to_string(),
            "endpoint": endpoint,
            "file": file,
            "granted": granted.scopes,
            "withheld": granted.withheld,
        }));
    }
    output::line(&plain(&format!("{connection}: endpoint `{endpoint}` has a refresh token, in `{file}`")))?;
    if let Some(scopes) = &granted.scopes {
        output::line(&plain(&format!("granted: {}", scopes.join(" "))))?;
    }
    if !granted.withheld.is_empty() {
        let withheld = granted.withheld.join(" ");
        output::say(&plain(&format!("asked for and not granted: {withheld}; what needs it will be refused")));
    }
    if !global.quiet {
        output::say(&format!(
            "next: `countersign connection check {connection}`, of a host that runs: it takes this up with the next token that it asks for. \
             If the connection is paused, close its exception by `retry`"
        ));
    }
    Ok(())
}

impl Place<'_> {
    fn failure(&self, exit: u8, why: &str) -> Failure {
        let Place { connection, endpoint, .. } = self;
        Failure::new(exit, plain(&format!("endpoint `{endpoint}` of connection `{connection}` {why}")))
    }

    /// Why the host was not let in, with what to do next.
    fn told(&self, why: &NotAuthorized) -> Failure {
        self.failure(exit_of(why), &why.to_string()).with_help(self.help(why))
    }

    fn help(&self, why: &NotAuthorized) -> String {
        let Place { connection, endpoint, manifest } = self;
        let id = &manifest.connector.id;
        match why {
            NotAuthorized::OtherScheme(_) => {
                format!("`countersign connector inspect` says what `{id}` is sent; give that as its `secret`")
            }
            NotAuthorized::NoAddress => format!(
                "add a build of `{id}` whose manifest says it, or write the provider's address as `authorize` of \
                 `[connection.{connection}.endpoints.{endpoint}]`"
            ),
            NotAuthorized::Connection(_) => {
                "correct it in the configuration; `countersign check` says it again".to_owned()
            }
            NotAuthorized::Form(_) => {
                "its first line is the client, `id:secret`; leave the second one out".to_owned()
            }
            NotAuthorized::Held => format!(
                "`countersign connection check {connection}` says whether it works; `--again` has another one given and puts \
                 it in its place"
            ),
            NotAuthorized::NotReplaceable(_) => {
                "run this as the user that the host runs as, and let that user write the file and its folder".to_owned()
            }
            NotAuthorized::Declined(_) => {
                "run it again, and have somebody sign in who may let the host in, and does".to_owned()
            }
            NotAuthorized::SentBack(_) => {
                "compare the client's id, the address of `--redirect` and the scopes with what is registered at the provider"
                    .to_owned()
            }
            NotAuthorized::OtherState | NotAuthorized::NoCode => {
                "run it again, open the address that it prints, and bring back what the browser shows behind that".to_owned()
            }
            NotAuthorized::Unreached(_) => {
                "what the browser came back with is good for once and for a short time only: run it again when the provider \
                 can be reached"
                    .to_owned()
            }
            NotAuthorized::Refused(_) => {
                "`invalid_client`: look at the first line of the secret's file; `invalid_grant`: run it again, it took too \
                 long or the address of `--redirect` is another one than the provider knows"
                    .to_owned()
            }
            NotAuthorized::NoRefreshToken => format!(
                "most providers give one only if they are asked for it: by a scope, `offline_access` or (Salesforce) \
                 `refresh_token`, or by `access_type=offline` and `prompt=consent` (Google); the manifest of `{id}` says it in \
                 `auth.scopes` or `auth.parameters`, and the app at the provider must allow it"
            ),
            NotAuthorized::Meanwhile => {
                "look at that file, and run it again with `--again` if another one is to be there".to_owned()
            }
            NotAuthorized::NotKept(_) => "let this user write the file and its folder, and run it again".to_owned(),
        }
    }
}

/// What the process answers where the host was not let in.
fn exit_of(why: &NotAuthorized) -> u8 {
    match why {
        NotAuthorized::OtherScheme(_)
        | NotAuthorized::NoAddress
        | NotAuthorized::Connection(_)
        | NotAuthorized::Form(_)
        | NotAuthorized::NotReplaceable(_) => exit::CONFIGURATION,
        NotAuthorized::Held | NotAuthorized::Meanwhile => exit::CONFLICT,
        NotAuthorized::Declined(_) | NotAuthorized::Refused(_) => exit::REFUSED,
        NotAuthorized::Unreached(_) => exit::UNREACHABLE,
        NotAuthorized::SentBack(_)
        | NotAuthorized::OtherState
        | NotAuthorized::NoCode
        | NotAuthorized::NoRefreshToken
        | NotAuthorized::NotKept(_) => exit::NO,
    }
}
