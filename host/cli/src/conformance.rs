//! The conformance kit: a connector against its laws, offline, with the host's own runtime and gate
//! around it and a scripted target before it.
//!
//! | module | what it knows |
//! |---|---|
//! | [`cassette`] | what is asked and what a target answers, in a file |
//! | [`vendor`] | the scripted target: what has landed, and which request meets which trouble |
//! | [`bench`] | one connector, called one export at a time |
//! | [`straight`] | the straight way of one effect; the recorder walks it at a real target |
//! | [`faults`], [`once`], [`sealed`], [`deliveries`], [`fuzz`] | the laws |
//! | [`budgets`] | the same ways once more, on an engine that counts fuel |
//! | [`profile`] | what a connector takes, along the same ways, for its author |
//! | [`law`], [`report`] | what was shown of each, and the level that was reached |
//!
//! The same component, cassettes and number of inputs give the same report on every machine that is not so busy that
//! a call is cut off for its time.

pub mod bench;
pub mod budgets;
pub mod cassette;
pub mod deliveries;
mod faults;
mod fuzz;
pub mod law;
mod once;
pub mod profile;
pub mod report;
mod sealed;
pub mod straight;
pub mod vendor;

use anyhow::{Context as _, Result, bail};
use bench::Bench;
use budgets::Budgets;
use cassette::Cassette;
use countersign_connectors::{ConnectionOptions, ConnectorFault, FaultCode, inspect};
use deliveries::Told;
use law::{Book, Breach, Law};
use report::Report;
use std::path::Path;
use std::sync::Arc;
use straight::{Crooked, Straight};

/// The version of the kit: it rises when a law or a check is added.
pub const KIT: u32 = 3;
/// Strange inputs of the law `fuzz`.
pub const INPUTS: u64 = 10_000;
/// Most strange inputs of one run.
pub const INPUTS_MAX: u64 = 10_000_000;

/// What a connector is tried with.
#[derive(Debug, Default)]
pub struct Recordings {
    /// What is asked, and what the target answers.
    pub cassettes: Vec<Cassette>,
    /// What the target tells by itself.
    pub deliveries: Vec<Told>,
    /// What each call may cost, if anybody has agreed to that.
    pub budgets: Option<Budgets>,
}

impl Recordings {
    /// Everything in a folder of cassettes.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn of(folder: &Path) -> Result<Recordings> {
        Ok(Recordings {
            cassettes: cassette::all(folder)?,
            deliveries: deliveries::all(folder)?,
            budgets: Budgets::of(folder)?,
        })
    }
}

impl From<Vec<Cassette>> for Recordings {
    fn from(cassettes: Vec<Cassette>) -> Recordings {
        Recordings { cassettes, ..Recordings::default() }
    }
}

/// Runs every law against a component; `progress` is told what is done now.
///
/// # Errors
/// If the kit itself cannot work here. What the connector does wrong is in the report.
pub async fn run(
    component: &[u8],
    recordings: impl Into<Recordings>,
    inputs: u64,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Report> {
    let Recordings { cassettes, deliveries, budgets } = recordings.into();
    let mut book = Book::default();
    let inspected = match inspect(component) {
        Ok(inspected) => inspected,
        Err(fault) => {
            book.enter(Law::Static, Some(refused("reading the component", &fault.into())));
            return Ok(Report::new(component, None, &[], (&book, Vec::new())));
        }
    };
    progress("loading");
    let bench = match Bench::scripted(component.to_vec()).await {
        Ok(bench) => bench,
        Err(error) => {
            let Some(fault) = error.downcast_ref::<ConnectorFault>() else { return Err(error) };
            // The host has it describe itself twice at install, and compares that with the manifest.
            let law = match fault.code {
                FaultCode::BadDescription => Law::Describe,
                _ => Law::Static,
            };
            book.enter(law, Some(refused("installing the component", &error)));
            return Ok(Report::new(component, Some(&inspected.manifest), &[], (&book, Vec::new())));
        }
    };
    book.enter(Law::Static, None);
    book.enter(Law::Describe, None);
    let cassettes: Vec<Arc<Cassette>> = cassettes.into_iter().map(Arc::new).collect();
    let straights = walked(&bench, &cassettes, &mut book, progress).await?;
    for straight in &straights {
        progress(&format!("{}: every trouble at every request", straight.cassette.name));
        faults::sweep(&bench, straight, &mut book).await?;
        progress(&format!("{}: cut off everywhere", straight.cassette.name));
        once::everywhere(&bench, straight, &mut book).await?;
        sealed::look(&bench, straight, &mut book).await?;
    }
    deliveries::look(&bench, &deliveries, &mut book).await?;
    progress("once more, with its fuel counted");
    let costs = budgets::look(component, &cassettes, &deliveries, budgets.as_ref(), &mut book).await?;
    progress(&format!("{inputs} strange inputs"));
    fuzz::run(&bench, &straights, &deliveries, inputs, &mut book).await?;
    enter_leaks(&bench, &mut book);
    Ok(Report::new(component, Some(&inspected.manifest), &bench.installed.operations, (&book, costs)))
}

/// The straight way of each cassette that has one; the others are entered as what they are.
async fn walked(
    bench: &Bench,
    cassettes: &[Arc<Cassette>],
    book: &mut Book,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Straight>> {
    let mut straights = Vec::new();
    for cassette in cassettes {
        progress(&format!("{}: the straight way", cassette.name));
        if bench.operation(cassette).is_none() {
            let (name, operation) = (&cassette.name, &cassette.operation);
            bail!("cassette `{name}` is about operation `{operation}`, which the connector does not have");
        }
        if cassette.rival.is_some() {
            match straight::walk_with_rival(bench, cassette).await {
                Ok(()) => book.enter(Law::Seal, None),
                Err(Crooked { law, breach }) => book.enter(law, Some(breach)),
            }
            continue;
        }
        match straight::walk(bench, cassette).await {
            Ok(straight) => {
                book.enter(Law::Idempotency, None);
                straights.push(straight);
            }
            Err(Crooked { law, breach }) => book.enter(law, Some(breach)),
        }
    }
    for operation in &bench.installed.operations {
        let of_it = |cassette: &&Arc<Cassette>| cassette.operation == operation.name;
        let missing = |wanted: &str| Breach {
            cassette: String::new(),
            doing: format!("operation `{}`", operation.name),
            found: "no cassette shows it".to_owned(),
            wanted: wanted.to_owned(),
        };
        let shown = cassettes.iter().filter(of_it).any(|cassette| cassette.rival.is_none());
        let wanted = "a cassette: write one, or record one with `--record CONNECTION`";
        book.enter(Law::Idempotency, (!shown).then(|| missing(wanted)));
        let ours = |straight: &&Straight| straight.cassette.operation == operation.name;
        let moves = straights.iter().filter(ours).any(|straight| straight.plan.revision.is_some());
        if moves {
            let rival = cassettes.iter().filter(of_it).any(|cassette| cassette.rival.is_some());
            let wanted =
                "a cassette with a `rival`: its plans name a revision, so a moved record must be a conflict";
            book.enter(Law::Seal, (!rival).then(|| missing(wanted)));
        }
    }
    Ok(straights)
}

fn refused(doing: &str, error: &anyhow::Error) -> Breach {
    Breach {
        cassette: String::new(),
        doing: doing.to_owned(),
        found: format!("{error:#}"),
        wanted: "a component that a host takes".to_owned(),
    }
}

fn enter_leaks(bench: &Bench, book: &mut Book) {
    let (calls, leaked, leaks) = bench.leaks();
    book.add(Law::Hygiene, calls, leaked);
    for leak in leaks {
        book.tell(
            Law::Hygiene,
            Breach {
                cassette: leak.cassette,
                doing: leak.call.to_owned(),
                found: format!("{} held it: `{}`", leak.place, leak.text),
                wanted: "words that name no secret and nobody".to_owned(),
            },
        );
    }
}

/// Walks the way of a cassette at the target of a connection, and writes what it answers into the file.
///
/// Everything that the cassette asks for is really done there.
///
/// # Errors
/// If the target does not do it, with what the connector said.
pub async fn record(component: Vec<u8>, connection: ConnectionOptions, file: &Path) -> Result<Cassette> {
    let asked = Cassette::read(file)?;
    let bench = Bench::real(component, connection).await?;
    if bench.operation(&asked).is_none() {
        bail!(
            "`{}` is about operation `{}`, which the connector does not have",
            file.display(),
            asked.operation
        );
    }
    let shared = Arc::new(asked.clone());
    bench.record();
    let walked = match asked.rival {
        Some(_) => straight::walk_with_rival(&bench, &shared).await,
        None => straight::walk(&bench, &shared).await.map(|_| ()),
    };
    let mut exchanges = bench.recorded();
    let by_hand = asked.exchanges.iter().filter(|one| one.kept);
    let unseen: Vec<_> =
        by_hand.filter(|one| !exchanges.iter().any(|seen| seen.is_as(one))).cloned().collect();
    exchanges.extend(unseen);
    if let Err(Crooked { breach: Breach { doing, found, wanted, .. }, .. }) = walked {
        bail!("{doing}: it {found}; wanted: {wanted}; nothing was written to `{}`", file.display());
    }
    let recorded = Cassette { exchanges, ..asked };
    recorded.write(file).context("what was recorded is lost")?;
    Ok(recorded)
}
