//! What vendors tell by themselves: law `deliveries`.
//!
//! A delivery is a file in the folder `deliveries` beside the cassettes: what arrives, which records it is about, and what
//! it asks for. The kit hands it to the connector as a host does that has proved who sent it.

use super::bench::{Bench, Call, Gave, Outcome};
use super::cassette::{Body, Cassette, FILE_BYTES_MAX, Recorded};
use super::law::{self, Book, Breach, Law};
use anyhow::{Context as _, Result, bail};
use countersign_core::delivery::{Body as Arrived, Delivery, Draft};
use countersign_core::effect::attempt::Ended;
use countersign_core::record::{Field, RecordRef};
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The format that this kit reads.
const FORMAT: u32 = 1;
/// The folder of deliveries, beside the cassettes.
const FOLDER: &str = "deliveries";
/// Most deliveries of one connector.
const DELIVERIES_MAX: usize = 64;

/// One delivery, and what a connector makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Told {
    /// The format: 1.
    pub delivery: u32,
    /// What it shows, and where it is from. For people.
    pub about: String,
    /// The hook of the manifest that it comes by.
    pub hook: String,
    /// Headers, names in lower case, without those that prove who sent it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// The records that it is about.
    #[serde(default)]
    pub records: Vec<RecordRef>,
    /// What it asks for.
    #[serde(default)]
    pub intents: Vec<Wish>,
    /// Settings of the connection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// When it arrives, RFC 3339.
    pub now: String,
    /// Personal data in it, which must show up in no message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal: Vec<String>,
    /// What the target answers, if the connector asks it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Recorded>,
    /// The name of its file, without its ending.
    #[serde(skip)]
    pub name: String,
}

/// An intent that a delivery asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Wish {
    /// The intent type.
    pub intent_type: String,
    /// The record that it is about.
    pub source: RecordRef,
    /// Its tokens.
    pub fields: Vec<Field>,
    /// The same text for the same wish.
    pub dedupe_key: String,
    /// Who asks.
    #[serde(default)]
    pub requester: Option<String>,
}

impl Wish {
    fn draft(&self) -> Draft {
        let Wish { intent_type, source, fields, dedupe_key, requester } = self.clone();
        Draft { intent_type, source, fields, dedupe_key, requester }
    }
}

impl Told {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with the file.
    fn read(file: &Path) -> Result<Told> {
        let shown = file.display();
        let size = std::fs::metadata(file).with_context(|| format!("`{shown}` cannot be read"))?.len();
        if FILE_BYTES_MAX < size {
            bail!("`{shown}` is larger than 4 MiB");
        }
        let text = std::fs::read_to_string(file).with_context(|| format!("`{shown}` cannot be read"))?;
        let mut told: Told =
            serde_json::from_str(&text).with_context(|| format!("`{shown}` is no delivery"))?;
        if told.delivery != FORMAT {
            bail!("`{shown}` has format {}, and this kit reads format {FORMAT}", told.delivery);
        }
        if Timestamp::from_rfc3339(&told.now).is_none() {
            bail!("`{shown}` has `now` = `{}`, which is no moment such as 2026-11-02T10:00:00Z", told.now);
        }
        told.name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        Ok(told)
    }

    /// The target that it is told of.
    fn cassette(&self) -> Arc<Cassette> {
        Arc::new(Cassette {
            cassette: FORMAT,
            about: self.about.clone(),
            operation: String::new(),
            subject: RecordRef { kind: String::new(), id: String::new() },
            fields: Vec::new(),
            rival: None,
            settings: self.settings.clone(),
            now: self.now.clone(),
            personal: self.personal.clone(),
            exchanges: self.exchanges.clone(),
            name: format!("{FOLDER}/{}", self.name),
        })
    }

    /// What arrives.
    pub(super) fn arrives(&self, bench: &Bench) -> Delivery {
        Delivery {
            connection: bench.connection().clone(),
            hook: self.hook.clone(),
            headers: self.headers.clone(),
            body: Arrived::of(self.body.bytes()),
        }
    }

    /// Connects anew, to the target that it is told of.
    ///
    /// # Errors
    /// If the connection cannot be made.
    pub(super) fn begin(&self, bench: &Bench) -> Result<Arc<Cassette>> {
        let cassette = self.cassette();
        bench.begin(&cassette)?;
        Ok(cassette)
    }
}

/// The deliveries beside the cassettes in `folder`, by their names.
///
/// # Errors
/// If one of them cannot be read, or there are too many.
pub fn all(folder: &Path) -> Result<Vec<Told>> {
    let folder = folder.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("`{}` cannot be read", folder.display()))?;
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_some_and(|ending| ending == "json") {
            found.push(file);
        }
    }
    if DELIVERIES_MAX < found.len() {
        bail!("`{}` holds more than {DELIVERIES_MAX} deliveries", folder.display());
    }
    found.sort();
    found.iter().map(|file| Told::read(file)).collect()
}

/// Hands each delivery over twice, and looks for hooks that none of them comes by.
///
/// # Errors
/// If the connector cannot be connected.
pub(super) async fn look(bench: &Bench, deliveries: &[Told], book: &mut Book) -> Result<()> {
    for told in deliveries {
        let cassette = told.begin(bench)?;
        for call in bench.told(&told.arrives(bench)) {
            let first = bench.call(&call, cassette.moment(), None).await;
            let again = bench.call(&call, cassette.moment(), None).await;
            let breach = wrong(&call, told, &first, &again).map(|wanted| Breach {
                cassette: cassette.name.clone(),
                doing: call.name().to_owned(),
                found: found(&first),
                wanted,
            });
            book.enter(Law::Deliveries, breach);
        }
    }
    for told in deliveries {
        let is_known = bench.installed.manifest.webhooks.contains_key(&told.hook);
        let breach = (!is_known).then(|| Breach {
            cassette: format!("{FOLDER}/{}", told.name),
            doing: format!("hook `{}`", told.hook),
            found: "the manifest has no such hook".to_owned(),
            wanted: "a delivery by a hook of the manifest".to_owned(),
        });
        book.enter(Law::Deliveries, breach);
    }
    for hook in bench.installed.manifest.webhooks.keys() {
        let says = |told: &&Told| !told.records.is_empty() || !told.intents.is_empty();
        let is_shown = deliveries.iter().filter(says).any(|told| told.hook == *hook);
        let breach = (!is_shown).then(|| Breach {
            cassette: String::new(),
            doing: format!("hook `{hook}`"),
            found: "no delivery shows it that is about something".to_owned(),
            wanted: format!("a delivery: a file in `{FOLDER}` beside the cassettes"),
        });
        book.enter(Law::Deliveries, breach);
    }
    Ok(())
}

/// What a connector should have made of a delivery, if it did not.
fn wrong(call: &Call, told: &Told, first: &Outcome, again: &Outcome) -> Option<String> {
    let is_right = match (call, &first.ended) {
        (Call::Interpret(_), Ended::Returned(Gave::Records(records))) => *records == told.records,
        (Call::Receive(_), Ended::Returned(Gave::Drafts(drafts))) => {
            drafts.iter().eq(told.intents.iter().map(Wish::draft).collect::<Vec<_>>().iter())
        }
        _ => false,
    };
    if !is_right {
        return Some(match call {
            Call::Interpret(_) => format!("the records of the delivery: {}", shown(&told.records)),
            _ => format!("the intents of the delivery: {}", shown(&told.intents)),
        });
    }
    (first.ended != again.ended).then(|| "the same when the same arrives again".to_owned())
}

fn found(outcome: &Outcome) -> String {
    match &outcome.ended {
        Ended::Returned(Gave::Records(records)) => format!("named {}", shown(records)),
        Ended::Returned(Gave::Drafts(drafts)) => {
            let wishes = drafts.iter().cloned().map(|draft| {
                let Draft { intent_type, source, fields, dedupe_key, requester } = draft;
                Wish { intent_type, source, fields, dedupe_key, requester }
            });
            format!("asked for {}", shown(&wishes.collect::<Vec<_>>()))
        }
        Ended::Returned(_) | Ended::Failed(_) | Ended::Broke(_) => law::told(outcome),
    }
}

fn shown(of: &impl Serialize) -> String {
    serde_json::to_string(of).unwrap_or_else(|why| why.to_string())
}
