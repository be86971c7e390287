//! `countersign serve`: the host, until somebody stops it.

use super::Global;
use crate::access;
use crate::config::{self, Settings};
use crate::directory;
use crate::exit;
use crate::formats::Formats;
use crate::log::Log;
use crate::service::Manager;
use crate::wire::{self, Running, SystemChance};
use anyhow::Context as _;
use countersign_engine::port::store::StoreFault;
use countersign_server::Parts;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the host: the API, the engine, the connectors.
#[derive(Debug, clap::Args)]
pub struct Serve {}

/// Descriptors that a host wants: one for each connection of a caller, as many for targets, and time
/// to spare for the log, the index and the rules.
const DESCRIPTORS_WANTED: u64 = 8_192;

/// Takes as many descriptors as this process may have and wants: what a shell or a service manager gives
/// at first (1,024, most often) is less than the callers that a host bears at one time.
fn take_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let (Some(current), most) = (limit.current, limit.maximum.unwrap_or(DESCRIPTORS_WANTED)) else { return };
    let wanted = DESCRIPTORS_WANTED.min(most);
    if current < wanted
        && let Err(fault) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit })
    {
        tracing::warn!(%fault, current, blame = "host", "the limit of descriptors stays as it is");
    }
    if most < DESCRIPTORS_WANTED {
        tracing::warn!(
            most,
            wanted = DESCRIPTORS_WANTED,
            blame = "host",
            "few descriptors: raise `ulimit -Hn`"
        );
    }
}

/// Serves until a signal.
///
/// # Errors
/// If the host cannot be started.
pub async fn run(_: Serve, global: &Global) -> anyhow::Result<ExitCode> {
    let manager = Arc::new(Manager::of_environment());
    tokio::select! {
        ended = served(global, &manager) => ended,
        never = manager.beat() => match never {},
    }
}

async fn served(global: &Global, manager: &Arc<Manager>) -> anyhow::Result<ExitCode> {
    let settings = config::load(global.config.as_deref())?;
    take_descriptors();
    if settings.trust.unsigned {
        tracing::warn!(blame = "host", "{}; {}", config::UNSIGNED, config::SIGN_THEM);
    }
    wire::serving_folder(&settings)?;
    // Whoever waits for the log answers nobody: what sends requests to hosts looks for one that listens.
    let log = Log::open(&settings, &|why| manager.waits(why)).await?;
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!("`{}` cannot be listened on: is another host running? see `[server] listen`", settings.listen)
    })?;
    let admin = admin_listener(&settings).await?;
    let running = wire::assemble(&settings, log).await?;
    for name in &running.missing {
        tracing::warn!(connection = %name, blame = "host", "the rules name a connection that is not configured");
    }
    for waits in &running.waiting {
        tracing::warn!(blame = "host", "{waits}");
    }
    for way in &running.unreached {
        tracing::warn!(blame = "host", "{way}");
    }
    for (policy, remark) in running.engine.rulebook().remarks() {
        tracing::warn!(policy = %policy, blame = "host", "{remark}");
    }
    for remark in running.engine.rulebook().file_remarks() {
        tracing::warn!(blame = "host", "{remark}");
    }
    directory::name_leavers(&running.engine.rulebook());
    let engine = running.engine.clone();
    tokio::select! {
        ended = until_stopped(running, (listener, admin), &settings, manager) => ended,
        never = directory::follow(&engine, &settings.rules) => match never {},
    }
}

/// The listener of whoever watches over the host, if the operator wants one.
///
/// # Errors
/// If its address is taken, or none of this machine.
pub async fn admin_listener(settings: &Settings) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = settings.admin_listen else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).with_context(|| {
        format!("`{address}` cannot be listened on: is another host running? see `[server] admin-listen`")
    })
}

/// What all parts of a host count into.
fn registry(running: &Running) -> Registry {
    let mut registry = Registry::with_prefix("countersign");
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The program that runs", build);
    running.engine.register_metrics(&mut registry);
    running.runtime.register_metrics(&mut registry);
    if let Some(log) = &running.log {
        log.register_metrics(&mut registry);
    }
    registry
}

/// Serves a host that runs, then drains it.
///
/// # Errors
/// If the listener breaks.
pub async fn until_stopped(
    mut running: Running,
    (listener, admin): (TcpListener, Option<TcpListener>),
    settings: &Settings,
    manager: &Arc<Manager>,
) -> anyhow::Result<ExitCode> {
    let address = listener.local_addr()?;
    let log_signer = running.proving.take().map(|proving| proving.begun(&running.engine));
    let routers = countersign_server::routers(Parts {
        registry: registry(&running),
        engine: running.engine.clone(),
        tokens: Arc::clone(&running.tokens),
        sign_in: running.sign_in.clone(),
        chance: Arc::new(SystemChance),
        exchange: Arc::new(Formats),
        provisioning: settings.provisioning.clone(),
        log_signer,
    });
    let mut terminate = signal(SignalKind::terminate())?;
    let (engine, log) = (running.engine.clone(), running.log.clone());
    let (lost, mut was_lost) = tokio::sync::oneshot::channel();
    let told = Arc::clone(manager);
    let stopped = async move {
        let overtaken = async {
            match &log {
                Some(log) => log.lost().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
            () = engine.lost() => drop(lost.send(())),
            () = overtaken => drop(lost.send(())),
        }
        told.stops();
    };
    crate::output::line(&format!("listening on http://{address}"))?;
    manager.ready();
    let watched = async {
        match admin {
            Some(listener) => {
                crate::output::line(&format!("metrics on http://{}/metrics", listener.local_addr()?))?;
                countersign_server::serve(listener, routers.admin, std::future::pending()).await?;
                Ok(())
            }
            None => std::future::pending::<anyhow::Result<()>>().await,
        }
    };
    let (tokens, passwords) = (Arc::clone(&running.tokens), Arc::clone(&running.sign_in.passwords));
    tokio::select! {
        served = countersign_server::serve(listener, routers.public, stopped) => served?,
        watched = watched => watched?,
        never = access::follow(&settings.data, &tokens, &passwords) => match never {},
    }
    if was_lost.try_recv().is_ok() {
        anyhow::bail!(StoreFault::Lost("see the log of this process".to_owned()));
    }
    let grace = Duration::from_millis(settings.shutdown_grace.0);
    if tokio::time::timeout(grace, running.engine.stop()).await.is_err() {
        tracing::warn!(blame = "remote", "attempts were still running; they are looked at after the restart");
        return Ok(ExitCode::from(exit::TEMPORARY));
    }
    if let Some(log) = running.log {
        log.close().await?;
    }
    Ok(ExitCode::from(exit::DONE))
}
