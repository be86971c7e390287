//! One figure of two periods: by how much the later one differs, and whether that is what one wants.

use super::words::{Better, Figure, Measure};
use crate::money::Currency;
use std::collections::{BTreeMap, BTreeSet};

/// Of fewer than these in either period, a share or a median is no tendency: one more or less moves it by a tenth.
pub const FEW: u64 = 10;

/// Shares that differ by less than so many tenths of a percentage point are level.
const LEVEL_POINTS: i128 = 10;

/// Medians that differ by less than one part in so many of the earlier one are level.
const LEVEL_PART: i128 = 10;

/// By how much the later figure differs from the earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// So many more.
    Count(i128),
    /// So many tenths of a percentage point more.
    Points(i128),
    /// So many milliseconds longer; of several lengths their medians.
    Length(i128),
    /// So much more money, in minor units.
    Money(i128, Currency),
}

/// Which way a figure goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tendency {
    /// As one wants it.
    Better,
    /// The other way.
    Worse,
    /// Neither.
    Level,
}

impl Tendency {
    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Tendency::Better => "better",
            Tendency::Worse => "worse",
            Tendency::Level => "level",
        }
    }
}

/// What two figures of a measure have to do with one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// By how much they differ; `None` where one of them is of nothing, or they are in several currencies.
    pub difference: Option<Difference>,
    /// Which way it goes; `None` where the measure is neither good nor bad, or there is too little to tell from.
    pub tendency: Option<Tendency>,
}

impl Measure {
    /// Compares the figure of a period with that of the one before it.
    #[must_use]
    pub fn compared(&self, then: Figure<'_>, now: Figure<'_>) -> Compared {
        let difference = difference(then, now);
        let more = match (then, now, difference) {
            (Figure::Share { of, .. }, Figure::Share { of: of_now, .. }, Some(Difference::Points(more))) => {
                telling(of, of_now, more, LEVEL_POINTS)
            }
            (Figure::Spread(then), Figure::Spread(now), Some(Difference::Length(more))) => {
                let median = then.percentiles([50]).map_or(0, |[median]| i128::from(median.0));
                telling(then.count(), now.count(), more, median / LEVEL_PART)
            }
            // How much there was of something follows from how much was asked for.
            (_, _, _) => None,
        };
        let tendency = self.better.zip(more).map(|(better, more)| match (better, more) {
            (_, 0) => Tendency::Level,
            (Better::Less, ..0) | (Better::More, 1..) => Tendency::Better,
            (Better::Less, 1..) | (Better::More, ..0) => Tendency::Worse,
        });
        Compared { difference, tendency }
    }
}

/// By how much it is more, if there is enough to tell from; what is less than a step is nothing.
fn telling(then: u64, now: u64, more: i128, step: i128) -> Option<i128> {
    let more = if more.abs() < step { 0 } else { more };
    (FEW <= then.min(now)).then_some(more)
}

fn difference(then: Figure<'_>, now: Figure<'_>) -> Option<Difference> {
    let less = |now: u64, then: u64| i128::from(now).saturating_sub(i128::from(then));
    match (then, now) {
        (Figure::Count(then), Figure::Count(now)) => Some(Difference::Count(less(now, then))),
        (Figure::Share { part, of }, Figure::Share { part: now, of: of_now }) => {
            let (then, now) = (Figure::per_mille(part, of)?, Figure::per_mille(now, of_now)?);
            Some(Difference::Points(less(now, then)))
        }
        (Figure::Spread(then), Figure::Spread(now)) => {
            let ([then], [now]) = (then.percentiles([50])?, now.percentiles([50])?);
            Some(Difference::Length(less(now.0, then.0)))
        }
        (Figure::Length(then), Figure::Length(now)) => Some(Difference::Length(less(now?.0, then?.0))),
        (Figure::Money(then), Figure::Money(now)) => {
            let currencies: BTreeSet<Currency> = then.keys().chain(now.keys()).copied().collect();
            let currency = *currencies.first().filter(|_| currencies.len() == 1)?;
            let sum = |sums: &BTreeMap<Currency, i128>| sums.get(&currency).copied().unwrap_or(0);
            Some(Difference::Money(sum(now).saturating_sub(sum(then)), currency))
        }
        // One measure gives one kind of figure.
        (
            Figure::Count(_)
            | Figure::Share { .. }
            | Figure::Spread(_)
            | Figure::Length(_)
            | Figure::Money(_),
            _,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::spread::Spread;
    use crate::measure::words::MEASURES;
    use crate::time::Millis;

    fn told(id: &str, then: Figure<'_>, now: Figure<'_>) -> (Option<Difference>, Option<Tendency>) {
        let compared = Measure::find(id).expect("a measure").compared(then, now);
        (compared.difference, compared.tendency)
    }

    #[test]
    fn what_one_wants_less_of_is_better_when_it_falls_and_the_other_way_round() {
        let share = |part| Figure::Share { part, of: 1_000 };
        let (better, worse, level) = (Some(Tendency::Better), Some(Tendency::Worse), Some(Tendency::Level));
        for (id, then, now, tendency) in [
            ("exception_rate", 50, 40, better),
            ("exception_rate", 40, 50, worse),
            ("exception_rate", 40, 49, level),
            ("exception_rate", 49, 40, level),
            ("write_success", 900, 950, better),
            ("write_success", 950, 900, worse),
            ("write_success", 950, 950, level),
            // That the policy decided more is neither.
            ("decided_by_policy", 100, 900, None),
        ] {
            let points = Difference::Points(i128::from(now) - i128::from(then));
            assert_eq!(told(id, share(then), share(now)), (Some(points), tendency), "{id} {then} {now}");
        }
        // How much there was of something follows from how much was asked for.
        for measure in MEASURES {
            let found = measure.compared(Figure::Count(100), Figure::Count(10));
            assert_eq!(found, Compared { difference: Some(Difference::Count(-90)), tendency: None });
        }
    }

    #[test]
    fn of_few_there_is_a_difference_and_no_tendency_and_of_nothing_neither() {
        let share = |part, of| Figure::Share { part, of };
        let points = Some(Difference::Points(-100));
        assert_eq!(told("exception_rate", share(5, 10), share(4, 10)), (points, Some(Tendency::Better)));
        assert_eq!(told("exception_rate", share(5, 10), share(2, 5)), (points, None));
        assert_eq!(told("exception_rate", share(2, 4), share(4, 10)), (points, None));
        assert_eq!(told("exception_rate", share(0, 0), share(4, 10)), (None, None));
        let (mut nine, mut ten) = (Spread::default(), Spread::default());
        for length in 1..=10 {
            ten.add(Millis(length * 1_000));
            if length < 10 {
                nine.add(Millis(length * 1_000));
            }
        }
        let mut quicker = Spread::default();
        let mut hardly = Spread::default();
        for length in 1..=10 {
            quicker.add(Millis(length * 900));
            hardly.add(Millis(length * 901));
        }
        let none = Spread::default();
        let compared = |then, now| told("until_done", Figure::Spread(then), Figure::Spread(now));
        assert_eq!(compared(&ten, &ten), (Some(Difference::Length(0)), Some(Tendency::Level)));
        assert_eq!(compared(&nine, &ten), (Some(Difference::Length(0)), None));
        assert_eq!(compared(&ten, &quicker), (Some(Difference::Length(-500)), Some(Tendency::Better)));
        assert_eq!(compared(&quicker, &ten), (Some(Difference::Length(500)), Some(Tendency::Worse)));
        assert_eq!(compared(&ten, &hardly), (Some(Difference::Length(-495)), Some(Tendency::Level)));
        assert_eq!(compared(&none, &ten), (None, None));
        assert_eq!(told("leak_time", Figure::Length(None), Figure::Length(Some(Millis(1)))), (None, None));
    }

    #[test]
    fn money_is_compared_in_one_currency() {
        let [euros, dollars] = ["EUR", "USD"].map(|code| Currency::parse(code).expect("a currency"));
        let sums = |sums: &[(Currency, i128)]| sums.iter().copied().collect::<BTreeMap<_, _>>();
        let compared = |then: &[(Currency, i128)], now: &[(Currency, i128)]| {
            told("leak_money", Figure::Money(&sums(then)), Figure::Money(&sums(now)))
        };
        let more = (Some(Difference::Money(500, euros)), None);
        assert_eq!(compared(&[(euros, 100)], &[(euros, 600)]), more);
        assert_eq!(compared(&[], &[(euros, 500)]), more);
        assert_eq!(compared(&[(euros, 100)], &[(dollars, 600)]), (None, None));
        assert_eq!(compared(&[], &[]), (None, None));
    }
}
