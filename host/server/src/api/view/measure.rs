//! Measures: figures over the log, each with its formula.

pub mod review;

use countersign_core::measure::book::{Asking, Of, Report};
use countersign_core::measure::figures::Counts;
use countersign_core::measure::words::{About, Figure, MEASURES, Measure};
use countersign_core::money::Money;
use countersign_core::time::Timestamp;
use countersign_engine::port::store::Position;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Most groups of one answer: more than any house has in the longest time that can be asked for.
const GROUPS_MAX: usize = 1_000;

/// Figures of a stretch of days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeasuresView {
    /// The first day, in UTC.
    pub since: String,
    /// The last day.
    pub until: String,
    /// Of what the groups are: type, policy or connection.
    pub by: String,
    /// How long each of the periods is: day, week or month.
    pub per: String,
    /// Up to which entry of the log.
    pub position: u64,
    /// The first day of which everything is kept, where earlier days were forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<String>,
    /// Intents whose later entries are not counted, because too many were open at one time.
    #[serde(default, skip_serializing_if = "is_none")]
    pub forgotten: u64,
    /// How many intent types are left out, because their intents are not for the caller.
    #[serde(default, skip_serializing_if = "is_none")]
    pub withheld: u64,
    /// How many groups are left out, because there are too many.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u64,
    /// What each figure means, in the order in which they are shown.
    pub measures: Vec<MeasureView>,
    /// Everything together.
    pub all: CountsView,
    /// The same by `by`.
    pub groups: Vec<GroupView>,
    /// The same by period, the first one first, without what stands open now. A period in which nothing happened is
    /// left out.
    pub periods: Vec<PeriodView>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// What one figure means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeasureView {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// How it is had.
    pub formula: String,
    /// The entries of the log from which it is counted.
    pub source: String,
    /// time, money, risk or capacity, if it is the figure of that leak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leak: Option<String>,
    /// Whether it says what stands open now, whatever days are asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub now: bool,
    /// Whether it is about writes, and so is told of connections too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_writes: bool,
    /// less or more: which way one wants it to go, if either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better: Option<String>,
}

/// The figures of one group or period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountsView {
    /// Each figure, by the `id` of its measure.
    pub figures: BTreeMap<String, FigureView>,
    /// Seats by who was asked, without the name of a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seats: Vec<SeatsView>,
    /// What is missing of the closed intents whose record is not whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingView>,
}

/// A group with its figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
    /// The intent type, where it is of one.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub intent_type: Option<String>,
    /// The version of its policy that was pinned, where it is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The connection, where it is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Its figures.
    #[serde(flatten)]
    pub counts: CountsView,
}

/// A period with its figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeriodView {
    /// Its first day; what lies before `since` does not count.
    pub since: String,
    /// Its figures.
    #[serde(flatten)]
    pub counts: CountsView,
}

/// One figure: what it has depends on its measure.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct FigureView {
    /// So many; of lengths of time, how many there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The part, where it is a share ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<u64>,
    /// ... of so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// The share, rounded down; absent of nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "97.3")]
    pub percent: Option<String>,
    /// Their mean, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_ms: Option<u64>,
    /// Half of them are no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<u64>,
    /// 90 of a hundred are no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_ms: Option<u64>,
    /// 95 of a hundred are no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<u64>,
    /// Whether p50, p90 and p95 may be a 64th too long, because there are too many lengths.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rough: bool,
    /// One length of time, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Sums of money, one a currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Vec<SumView>>,
}

/// A sum of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SumView {
    /// The amount, as decimal text.
    pub amount: String,
    /// Its currency.
    pub currency: String,
}

/// Seats that came to an end, of those who were asked alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeatsView {
    /// Who was asked: a pool, a role, a manager, or somebody named.
    pub asked: String,
    /// Decided by those who were asked first, in their time.
    pub kept: u64,
    /// Passed on, because it was up.
    pub missed: u64,
}

/// A link that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissingView {
    /// The first link of the chain that is missing.
    pub link: String,
    /// Of so many intents.
    pub count: u64,
}

impl MeasuresView {
    /// What the book says of what was asked.
    #[must_use]
    pub fn of(
        asking: Asking,
        report: &Report,
        (position, withheld, now): (Position, u64, Timestamp),
    ) -> MeasuresView {
        let last = countersign_core::intent::Day(asking.until.0.saturating_sub(1));
        let measures = MEASURES.iter().map(MeasureView::of).collect();
        let groups = report.groups.iter().take(GROUPS_MAX).map(|(of, counts)| GroupView::of(of, counts, now));
        let periods = report.periods.iter().map(|(first, counts)| PeriodView {
            since: first.to_string(),
            counts: CountsView::of(counts, |measure| !measure.is_now, now),
        });
        let left_out = report.groups.len().saturating_sub(GROUPS_MAX);
        MeasuresView {
            since: asking.since.to_string(),
            until: last.to_string(),
            by: asking.by.as_str().to_owned(),
            per: asking.per.as_str().to_owned(),
            position: position.0,
            begins: report.begins.map(|day| day.to_string()),
            forgotten: report.forgotten,
            withheld,
            left_out: u64::try_from(left_out).unwrap_or(u64::MAX),
            measures,
            all: CountsView::of(&report.all, |_| true, now),
            groups: groups.collect(),
            periods: periods.collect(),
        }
    }
}

impl MeasureView {
    fn of(measure: &Measure) -> MeasureView {
        MeasureView {
            id: measure.id.to_owned(),
            name: measure.name.to_owned(),
            formula: measure.formula.to_owned(),
            source: measure.source.to_owned(),
            leak: measure.leak.map(|leak| leak.as_str().to_owned()),
            now: measure.is_now,
            of_writes: measure.about == About::Writes,
            better: measure.better.map(|better| better.as_str().to_owned()),
        }
    }
}

impl GroupView {
    fn of(of: &Of, counts: &Counts, now: Timestamp) -> GroupView {
        let (intent_type, version, connection) = match of {
            Of::Type(name) => (Some(name.to_string()), None, None),
            Of::Policy(name, version) => (Some(name.to_string()), Some(version.to_string()), None),
            Of::Connection(name) => (None, None, Some(name.to_string())),
        };
        let tells = |measure: &Measure| connection.is_none() || measure.about == About::Writes;
        let counts = CountsView::of(counts, tells, now);
        GroupView { intent_type, version, connection, counts }
    }

    /// What it is of, in words.
    #[must_use]
    pub fn name(&self) -> String {
        let version = self.version.as_deref().map(|version| version.get(..12).unwrap_or(version));
        match (&self.intent_type, version, &self.connection) {
            (Some(name), Some(version), _) => format!("{name} {version}"),
            (Some(name), None, _) | (None, _, Some(name)) => name.clone(),
            (None, _, None) => String::new(),
        }
    }
}

impl CountsView {
    fn of(counts: &Counts, tells: impl Fn(&Measure) -> bool, now: Timestamp) -> CountsView {
        let told = MEASURES.iter().filter(|measure| tells(measure));
        let figures =
            told.map(|measure| (measure.id.to_owned(), FigureView::of(measure.of(counts, now)))).collect();
        let seats = counts.figures.seats.iter().map(|(asked, seats)| SeatsView {
            asked: asked.to_string(),
            kept: seats.kept,
            missed: seats.missed,
        });
        let missing = counts.figures.lacking.iter().filter(|(_, count)| 0 < **count);
        let missing =
            missing.map(|(link, count)| MissingView { link: link.as_str().to_owned(), count: *count });
        CountsView { figures, seats: seats.collect(), missing: missing.collect() }
    }
}

impl FigureView {
    fn of(figure: Figure<'_>) -> FigureView {
        let none = FigureView::default();
        match figure {
            Figure::Count(count) => FigureView { count: Some(count), ..none },
            Figure::Share { part, of } => {
                let percent =
                    Figure::per_mille(part, of).map(|mille| format!("{}.{}", mille / 10, mille % 10));
                FigureView { part: Some(part), of: Some(of), percent, ..none }
            }
            Figure::Spread(spread) => {
                let found = spread.percentiles([50, 90, 95]);
                let [p50, p90, p95] = found.map_or([None; 3], |lengths| lengths.map(|length| Some(length.0)));
                let (count, mean) = (spread.count(), spread.mean());
                FigureView {
                    count: Some(count),
                    mean_ms: mean.map(|mean| mean.0),
                    p50_ms: p50,
                    p90_ms: p90,
                    p95_ms: p95,
                    rough: !spread.is_exact(),
                    ..none
                }
            }
            Figure::Length(length) => FigureView { ms: length.map(|length| length.0), ..none },
            Figure::Money(sums) => {
                let sums = sums.iter().map(|(currency, sum)| {
                    let minor = i64::try_from(*sum).unwrap_or(if *sum < 0 { i64::MIN } else { i64::MAX });
                    let amount = Money { minor, currency: *currency }.amount();
                    SumView { amount, currency: currency.to_string() }
                });
                FigureView { money: Some(sums.collect()), ..none }
            }
        }
    }

    /// The figure for a column: of lengths the median, of a share the percentage.
    #[must_use]
    pub fn brief(&self) -> String {
        match (&self.percent, self.p50_ms) {
            (Some(percent), _) => format!("{percent} %"),
            (None, Some(p50)) => length(p50),
            (None, None) => self.words(),
        }
    }

    /// The figure as a person reads it, on one line; `-` where there is nothing that it could be of.
    #[must_use]
    pub fn words(&self) -> String {
        let nothing = || "-".to_owned();
        if let (Some(part), Some(of)) = (self.part, self.of) {
            return self
                .percent
                .as_ref()
                .map_or_else(nothing, |percent| format!("{percent} % ({part} of {of})"));
        }
        if let Some(money) = &self.money {
            let sums: Vec<String> =
                money.iter().map(|sum| format!("{} {}", sum.amount, sum.currency)).collect();
            return if sums.is_empty() { nothing() } else { sums.join(", ") };
        }
        if let (Some(count), Some(mean), Some(p50), Some(p90), Some(p95)) =
            (self.count, self.mean_ms, self.p50_ms, self.p90_ms, self.p95_ms)
        {
            let [mean, p50, p90, p95] = [mean, p50, p90, p95].map(length);
            return format!("{p50} (mean {mean}; 90 % {p90}; 95 % {p95}; of {count})");
        }
        match (self.ms, self.count) {
            (Some(ms), _) => length(ms),
            // Lengths of which there are none.
            (None, Some(0)) if self.mean_ms.is_none() => "0".to_owned(),
            (None, Some(count)) => count.to_string(),
            (None, None) => nothing(),
        }
    }
}

/// A length of time in its two largest units.
#[must_use]
pub fn length(ms: u64) -> String {
    const UNITS: [(u64, &str); 5] =
        [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")];
    let place = UNITS.iter().position(|(unit, _)| *unit <= ms);
    let Some(place) = place else { return "0 s".to_owned() };
    let mut rest = ms;
    let parts = UNITS.iter().skip(place).take(2).map(|(unit, name)| {
        let count = rest / unit;
        rest %= unit;
        (count, format!("{count} {name}"))
    });
    let parts: Vec<String> = parts.filter(|(count, _)| 0 < *count).map(|(_, part)| part).collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_told_in_its_two_largest_units() {
        for (ms, words) in [
            (0, "0 s"),
            (7, "7 ms"),
            (1_250, "1 s 250 ms"),
            (60_000, "1 min"),
            (3_599_999, "59 min 59 s"),
            (7_200_000, "2 h"),
            (90_061_000, "1 d 1 h"),
            (8_640_000_000, "100 d"),
        ] {
            assert_eq!(length(ms), words);
        }
    }
}
