//! What a week or a month was like beside the one before: each figure of both, and what was changed in the house meanwhile.

use super::{FigureView, MeasureView, length};
use crate::api::view::connector::ConnectorEntryView;
use countersign_core::intent::Day;
use countersign_core::measure::book::{Of, Report};
use countersign_core::measure::compared::{Compared, Difference};
use countersign_core::measure::figures::Counts;
use countersign_core::measure::period::Period;
use countersign_core::measure::words::{MEASURES, Measure};
use countersign_core::money::Money;
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A week or a month beside the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeasureReviewView {
    /// How long it is: week or month.
    pub of: String,
    /// Its first day, in UTC.
    pub since: String,
    /// Its last day.
    pub until: String,
    /// The first day of the one before it.
    pub before: String,
    /// Whether it is over; the figures of one that is not may still grow, and nothing is called better or worse.
    pub over: bool,
    /// Up to which entry of the log.
    pub position: u64,
    /// The first day of which everything is kept, where days of either period were forgotten: nothing is called better or
    /// worse then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<String>,
    /// Intents whose later entries are not counted, because too many were open at one time.
    #[serde(default, skip_serializing_if = "super::is_none")]
    pub forgotten: u64,
    /// How many intent types are left out, because their intents are not for the caller.
    #[serde(default, skip_serializing_if = "super::is_none")]
    pub withheld: u64,
    /// What each figure means, in the order in which they are shown; what stands open now is not among them.
    pub measures: Vec<MeasureView>,
    /// Everything together, in the same order.
    pub all: Vec<FigureChangeView>,
    /// The same of each intent type of which there was something in either period, by its name.
    pub types: Vec<TypeReviewView>,
    /// What was changed in the house in it, as far as it is for the caller, the newest first: intents of its own types
    /// that were done, and what happened to connectors that are installed.
    pub changes: Vec<HouseChangeView>,
    /// Whether more may have been changed than is told: there were too many, or older ones than are looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// The figures of an intent type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TypeReviewView {
    /// The intent type.
    #[serde(rename = "type")]
    pub intent_type: String,
    /// Its figures, in the order of `measures`.
    pub figures: Vec<FigureChangeView>,
}

/// One figure of both periods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FigureChangeView {
    /// Which, by the `id` of its measure.
    pub id: String,
    /// In the period before.
    pub then: FigureView,
    /// In the period.
    pub now: FigureView,
    /// By how much it differs, in words; of lengths of time their medians. Absent where one of them is of nothing, or
    /// the two are in several currencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "+1.2 points")]
    pub difference: Option<String>,
    /// better, worse or level (less than a point, or than a tenth of a length); absent where the measure is neither good
    /// nor bad, such as all that follows from how much was asked for, and where there were fewer than ten in either period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tendency: Option<String>,
}

impl FigureChangeView {
    /// Both figures for columns, the earlier one first; `-` of lengths of time of which there are none.
    #[must_use]
    pub fn brief(&self) -> [String; 2] {
        // Of two counts there always is a difference.
        let is_none = |figure: &FigureView| self.difference.is_none() && figure.count == Some(0);
        [&self.then, &self.now].map(|figure| if is_none(figure) { "-".to_owned() } else { figure.brief() })
    }
}

/// Something that was changed in the house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HouseChangeView {
    /// When, RFC 3339.
    pub at: String,
    /// What, in words.
    pub what: String,
    /// By whom: those who decided on it, or did it.
    pub by: Vec<String>,
    /// The intent by which it was changed, where it was by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// The connector, where it is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// What happened to the connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<ConnectorEntryView>,
}

/// A period, the one before it, and whether it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighed {
    /// How long it is.
    pub of: Period,
    /// The first day of the one before it.
    pub before: Day,
    /// Its first day.
    pub since: Day,
    /// The first day after it.
    pub end: Day,
    /// Whether that day has come.
    pub over: bool,
}

impl Weighed {
    /// Whether a moment of a view lies in it.
    #[must_use]
    pub fn has(&self, at: &str) -> bool {
        let day = at.get(..10).and_then(Day::parse);
        day.is_some_and(|day| (self.since..self.end).contains(&day))
    }
}

impl MeasureReviewView {
    /// What the book says of both periods.
    #[must_use]
    pub fn of(
        weighed: Weighed,
        (then, now): (&Report, &Report),
        (changes, more): (Vec<HouseChangeView>, bool),
        (position, withheld, at): (u64, u64, Timestamp),
    ) -> MeasureReviewView {
        let begins = now.begins.filter(|begins| weighed.before < *begins);
        let (none, is_judged) = (Counts::default(), weighed.over && begins.is_none());
        // What only stands open now belongs to no period.
        let is_something =
            |counts: &&Counts| (&counts.figures, &counts.writes) != (&none.figures, &none.writes);
        let of_either: BTreeSet<&Of> = then.groups.keys().chain(now.groups.keys()).collect();
        let of_type = |of: &Of| {
            let counts = [then, now].map(|report| report.groups.get(of).filter(is_something));
            let [before, after] = counts.map(|counts| counts.unwrap_or(&none));
            match of {
                Of::Type(name) if counts != [None, None] => Some(TypeReviewView {
                    intent_type: name.to_string(),
                    figures: compared(before, after, (is_judged, at)),
                }),
                Of::Type(_) | Of::Policy(..) | Of::Connection(_) => None,
            }
        };
        MeasureReviewView {
            of: weighed.of.as_str().to_owned(),
            since: weighed.since.to_string(),
            until: Day(weighed.end.0.saturating_sub(1)).to_string(),
            before: weighed.before.to_string(),
            over: weighed.over,
            position,
            begins: begins.map(|day| day.to_string()),
            forgotten: now.forgotten,
            withheld,
            measures: of_periods().map(MeasureView::of).collect(),
            all: compared(&then.all, &now.all, (is_judged, at)),
            types: of_either.into_iter().filter_map(of_type).collect(),
            changes,
            more,
        }
    }
}

/// The measures that periods have.
fn of_periods() -> impl Iterator<Item = &'static Measure> {
    MEASURES.iter().filter(|measure| !measure.is_now)
}

/// Each figure of both; whether one is better than the other is told where that is judged.
fn compared(then: &Counts, now: &Counts, (is_judged, at): (bool, Timestamp)) -> Vec<FigureChangeView> {
    let one = |measure: &Measure| {
        let (then, now) = (measure.of(then, at), measure.of(now, at));
        let Compared { difference, tendency } = measure.compared(then, now);
        FigureChangeView {
            id: measure.id.to_owned(),
            then: FigureView::of(then),
            now: FigureView::of(now),
            difference: difference.map(words),
            tendency: tendency.filter(|_| is_judged).map(|tendency| tendency.as_str().to_owned()),
        }
    };
    of_periods().map(one).collect()
}

/// By how much, in words.
fn words(difference: Difference) -> String {
    let signed = |more: i128, words: String| match more {
        0 => "no change".to_owned(),
        1.. => format!("+{words}"),
        _ => format!("\u{2212}{words}"),
    };
    let short = |more: i128| u64::try_from(more.unsigned_abs()).unwrap_or(u64::MAX);
    match difference {
        Difference::Count(more) => signed(more, more.unsigned_abs().to_string()),
        Difference::Points(more) => {
            let mille = more.unsigned_abs();
            signed(more, format!("{}.{} points", mille / 10, mille % 10))
        }
        Difference::Length(more) => signed(more, length(short(more))),
        Difference::Money(more, currency) => {
            let minor = i64::try_from(more.unsigned_abs()).unwrap_or(i64::MAX);
            signed(more, format!("{} {currency}", Money { minor, currency }.amount()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::money::Currency;

    #[test]
    fn a_difference_is_told_with_its_sign_and_unit() {
        let euros = Currency::parse("EUR").expect("a currency");
        for (difference, told) in [
            (Difference::Count(3), "+3"),
            (Difference::Count(-3), "\u{2212}3"),
            (Difference::Count(0), "no change"),
            (Difference::Points(12), "+1.2 points"),
            (Difference::Points(-5), "\u{2212}0.5 points"),
            (Difference::Length(-7_200_000), "\u{2212}2 h"),
            (Difference::Money(123_456, euros), "+1234.56 EUR"),
        ] {
            assert_eq!(words(difference), told);
        }
    }
}
