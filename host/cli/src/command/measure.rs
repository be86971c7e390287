//! `countersign measure`: the figures of the measures screen.

use super::Global;
use crate::client::{Client, escaped, typed};
use crate::exit;
use crate::output::{self, Table, plain};
use anyhow::Result;
use clap::builder::PossibleValuesParser;
use countersign_core::measure::book::By;
use countersign_core::measure::period::Period;
use countersign_server::api::view::{CountsView, MeasureReviewView, MeasuresView};
use std::process::ExitCode;

/// The figures that a table of intent types or versions has beside the name.
const OF_INTENTS: [&str; 8] = [
    "submitted",
    "decided",
    "decision_by_people",
    "until_done",
    "exception_rate",
    "rework_rate",
    "audit_completeness",
    "write_success",
];

/// The figures that a table of connections has.
const OF_WRITES: [&str; 6] =
    ["attempts", "write_success", "first_try", "held", "reconciliation_lag", "unseen"];

/// What to show.
#[derive(Debug, clap::Args)]
pub struct Measure {
    /// Of what, beside everything together
    #[arg(long, default_value = "type", value_parser = PossibleValuesParser::new(By::ALL.map(By::as_str)))]
    by: String,
    /// The first day, in UTC, or so many days back, such as 30d
    #[arg(long, default_value = "90d", value_name = "TIME")]
    since: String,
    /// The last day; today unless given
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
    /// How long each of the periods is that `--json` has; unless given what suits the days
    #[arg(long, value_parser = PossibleValuesParser::new(Period::ALL.map(Period::as_str)))]
    per: Option<String>,
    /// Say the formula of each figure, and from which entries of the log it is counted
    #[arg(long)]
    formulas: bool,
    /// Compare a week or a month with the one before it instead, and say what was changed meanwhile
    #[arg(long, value_name = "PERIOD", value_parser = PossibleValuesParser::new([Period::Week, Period::Month].map(Period::as_str)),
          conflicts_with_all = ["by", "since", "until", "per", "formulas"])]
    review: Option<String>,
    /// A day that lies in that week or month; unless given it is the last one that is over
    #[arg(long, value_name = "DAY", requires = "review")]
    day: Option<String>,
}

/// Asks the host for the figures and prints them.
///
/// # Errors
/// If the host cannot be reached or refuses.
pub async fn run(command: Measure, global: &Global) -> Result<ExitCode> {
    let client = Client::of(global)?;
    if let Some(of) = &command.review {
        let day = command.day.as_deref().map(|day| format!("&day={}", escaped(day))).unwrap_or_default();
        let body = client.get(&format!("/v1/measures/review?of={}{day}", escaped(of))).await?;
        if global.json {
            output::json(&body)?;
        } else {
            reviewed(&typed(&body)?)?;
        }
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut pairs = vec![("by", &*command.by), ("since", &*command.since)];
    pairs.extend(command.until.as_deref().map(|until| ("until", until)));
    pairs.extend(command.per.as_deref().map(|per| ("per", per)));
    let pairs: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let body = client.get(&format!("/v1/measures?{}", pairs.join("&"))).await?;
    if global.json {
        output::json(&body)?;
    } else {
        told(&typed(&body)?, command.formulas)?;
    }
    Ok(ExitCode::from(exit::DONE))
}

/// What the figures leave out.
fn lacks(withheld: u64, begins: Option<&str>, forgotten: u64) -> Result<()> {
    if 0 < withheld {
        output::line(&format!("without {withheld} intent types whose intents are not for you"))?;
    }
    if let Some(begins) = begins {
        output::line(&format!("figures before {begins} are not kept any more"))?;
    }
    if 0 < forgotten {
        output::line(&format!(
            "of {forgotten} intents later entries are not counted: too many were open at one time"
        ))?;
    }
    Ok(())
}

fn told(view: &MeasuresView, formulas: bool) -> Result<()> {
    output::line(&format!("{} to {} (UTC)", view.since, view.until))?;
    lacks(view.withheld, view.begins.as_deref(), view.forgotten)?;
    output::line("")?;
    let heads: &[&str] =
        if formulas { &["measure", "figure", "formula", "from"] } else { &["measure", "figure"] };
    let mut all = Table::new(heads);
    for measure in &view.measures {
        let name = match &measure.leak {
            Some(leak) => format!("leak of {leak}: {}", measure.name),
            None => measure.name.clone(),
        };
        let figure = words(&view.all, &measure.id);
        if formulas {
            all.row([&name, &figure, &measure.formula, &measure.source]);
        } else {
            all.row([&name, &figure]);
        }
    }
    all.print()?;
    for missing in &view.all.missing {
        output::line(&format!("the {} is missing of {}", plain(&missing.link), missing.count))?;
    }
    if !view.all.seats.is_empty() {
        output::line("\nseats")?;
        let mut seats = Table::new(&["who was asked", "in time", "passed on"]);
        for one in &view.all.seats {
            seats.row([&one.asked, &one.kept.to_string(), &one.missed.to_string()]);
        }
        seats.print()?;
    }
    groups(view)
}

fn reviewed(view: &MeasureReviewView) -> Result<()> {
    let over = if view.over { "" } else { ", not over yet" };
    output::line(&format!(
        "{} from {} to {} (UTC){over}, after that from {}",
        view.of, view.since, view.until, view.before
    ))?;
    lacks(view.withheld, view.begins.as_deref(), view.forgotten)?;
    output::line("")?;
    let mut table = Table::new(&["measure", "before", "now", "difference", ""]);
    for figure in &view.all {
        let name =
            view.measures.iter().find(|measure| measure.id == figure.id).map_or("", |measure| &measure.name);
        let [then, now] = figure.brief();
        let (difference, tendency) = (figure.difference.as_deref(), figure.tendency.as_deref());
        table.row([name, &then, &now, difference.unwrap_or("-"), tendency.unwrap_or_default()]);
    }
    table.print()?;
    output::line(
        "the exception rate and the rework rate are of what was asked for in these days, and may still grow",
    )?;
    output::line(if view.changes.is_empty() {
        "\nno change of a policy, a shared file or an intent type was decided, and nothing happened to a connector, as far as these \
         are for you"
    } else {
        "\nwhat was changed"
    })?;
    for change in &view.changes {
        let by = if change.by.is_empty() { "the host".to_owned() } else { change.by.join(", ") };
        let to = change.intent.as_deref().map(|intent| format!(" ({intent})")).unwrap_or_default();
        output::line(&format!("{}  {}, by {}{to}", change.at, plain(&change.what), plain(&by)))?;
    }
    if view.more {
        output::line("more may have been changed than is told here")?;
    }
    Ok(())
}

fn groups(view: &MeasuresView) -> Result<()> {
    let columns: &[&str] = if view.by == "connection" { &OF_WRITES } else { &OF_INTENTS };
    let named =
        |id: &&str| view.measures.iter().find(|measure| measure.id == **id).map(|one| one.name.as_str());
    let mut heads = vec![view.by.as_str()];
    heads.extend(columns.iter().filter_map(named));
    output::line("")?;
    let mut table = Table::new(&heads);
    for group in &view.groups {
        let mut cells = vec![group.name()];
        cells.extend(columns.iter().map(|id| words(&group.counts, id)));
        table.row(cells);
    }
    table.print()?;
    if 0 < view.left_out {
        output::line(&format!("{} more are left out: ask for fewer days", view.left_out))?;
    }
    Ok(())
}

fn words(counts: &CountsView, id: &str) -> String {
    counts.figures.get(id).map(countersign_server::api::view::FigureView::words).unwrap_or_default()
}
