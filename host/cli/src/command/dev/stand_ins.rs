//! Targets for a development host: the stand-ins of the demonstration with its records, and without its faults.

use crate::config::{self, Settings};
use crate::demo::scenario::{Flow, Scenario, Wish};
use crate::demo::stage;
use crate::output::{self, plain};
use crate::standin::StandIns;
use crate::standin::faults::{Faults, Mix};
use anyhow::{Context as _, Result};
use countersign_engine::port::clock::Clock as _;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Makes the same records at every start, so that what is written down about them stays true.
const SEED: u64 = 1;
/// How many wishes there are records for.
const WISHES: usize = 20;
/// How many wishes are shown: enough for each flow, one that passes by itself and one that somebody is asked about.
const SHOWN: usize = 5;

/// The targets of a development host. They are gone when this is dropped.
pub(super) struct Targets {
    _stand_ins: StandIns,
    wishes: Vec<Wish>,
}

/// Starts the targets, builds the connectors that reach them, and adds both to settings that lack them.
///
/// # Errors
/// If there is no checkout to build from, a connector does not build, or no port can be had.
pub(super) async fn start(folder: &Path, settings: &mut Settings) -> Result<Targets> {
    output::say("building the connectors that reach the stand-ins");
    let connectors =
        tokio::task::spawn_blocking(stage::connectors).await.context("the build broke off")??;
    let now_s = crate::wire::SystemClock.now().0.div_euclid(1_000);
    let Scenario { world, wishes } = Scenario::new(SEED, WISHES, now_s);
    let stand_ins = StandIns::start(world, Faults::new(SEED, Mix::calm())).await?;
    fs::create_dir_all(folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
    let text = stage::sections(folder, &stand_ins, &connectors)?;
    let theirs = config::read(&folder.join("countersign.toml"), &text, &|_| None)?;
    settings.install.extend(theirs.install);
    settings.grant.hosts.extend(theirs.grant.hosts);
    for connection in theirs.connections {
        if settings.connections.iter().all(|known| known.name != connection.name) {
            settings.connections.push(connection);
        }
    }
    Ok(Targets { _stand_ins: stand_ins, wishes })
}

impl Targets {
    /// Says what can be asked for.
    pub(super) fn show(&self) {
        output::say(
            "the targets are stand-ins with made-up records, gone when this ends. Each of these can be asked for once:",
        );
        for wish in self.wishes.iter().take(SHOWN) {
            output::say(&plain(&format!("  as {}: {}", asker(wish.flow), command(wish))));
        }
    }
}

/// Somebody who has a token here, and whose managers have one.
fn asker(flow: Flow) -> &'static str {
    match flow {
        Flow::Discount | Flow::Redline => "ae-1",
        Flow::Refund => "agent-1",
    }
}

/// The wish as a command.
fn command(wish: &Wish) -> String {
    let mut words = format!("countersign intent submit {}", wish.flow.intent_type());
    for (name, value) in wish.tokens.as_object().into_iter().flatten() {
        let token = match value {
            Value::String(text) => format!("{name}={text}"),
            other => format!("'{name}:={other}'"),
        };
        words.push_str(" --set ");
        words.push_str(&token);
    }
    words
}
