//! A discount table of any number of rows as people write them, and deals drawn over it.

use anyhow::Context as _;
use countersign_tests::world::root;
use std::fmt::Write as _;

/// The segments, in the order of the groups of rows.
const SEGMENTS: [&str; 4] = ["smb", "mid", "ent", "pub"];
/// Rows of one group: a segment up to some amount.
const GROUP: usize = 5;
/// What the amounts of a segment's groups go up by, in whole dollars.
const BAND: i64 = 10_000;

/// One row; what is absent accepts everything.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) segment: Option<&'static str>,
    /// At most, in percent.
    pub(super) discount: Option<i64>,
    /// Below, in dollars.
    pub(super) amount: Option<i64>,
    /// At least, in percent.
    pub(super) margin: Option<i64>,
    /// At least, in months.
    pub(super) term: Option<i64>,
    /// At most, in days.
    pub(super) payment: Option<i64>,
    pub(super) outcome: &'static str,
}

/// A table of which the first row that matches counts.
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
}

impl Table {
    /// A table of so many rows; the last one takes what is left.
    pub(super) fn of(rows: usize) -> Table {
        let groups = rows.div_ceil(GROUP);
        let mut all: Vec<Row> = (0..groups).flat_map(|group| group_of(group, groups)).collect();
        all.truncate(rows.saturating_sub(1));
        all.push(Row { outcome: "vp", ..Row::default() });
        Table { rows: all }
    }

    /// The starter's discount policy with this table: its guards, terms and routes.
    pub(super) fn document(&self) -> anyhow::Result<String> {
        let path = root().join("host/cli/starter/policies/discount.policy.md");
        let starter = std::fs::read_to_string(path)?;
        let (head, rest) = starter.split_once("## Rules").context("no rules")?;
        let (_, rest) = rest.split_once("## Guards").context("no guards")?;
        let (guards, _) = rest.split_once("## Promises").context("no promises")?;
        let mut text = format!("{head}## Rules: first\n\n");
        text += "| id | segment | discount_percent | amount | margin | term_months | payment_days | => outcome | because |\n";
        text += "|---|---|---|---|---|---|---|---|---|\n";
        for (number, row) in self.rows.iter().enumerate() {
            let cell = |sign: &str, number: Option<i64>, unit: &str| {
                number.map_or(String::new(), |number| format!("{sign} {number}{unit}"))
            };
            writeln!(
                text,
                "| r{number} | {} | {} | {} | {} | {} | {} | {} | band {number} |",
                row.segment.unwrap_or(""),
                cell("<=", row.discount, "%"),
                cell("<", row.amount, ""),
                cell(">=", row.margin, "%"),
                cell(">=", row.term, ""),
                cell("<=", row.payment, ""),
                row.outcome
            )?;
        }
        Ok(text + "\n## Guards" + guards)
    }
}

/// The bands of one segment up to one amount, which the segment's last group does not have.
fn group_of(group: usize, groups: usize) -> [Row; GROUP] {
    let segments = SEGMENTS.len();
    let segment = SEGMENTS.get(group % segments).copied();
    let band = i64::try_from(group / segments).unwrap_or(0);
    let amount = (group + segments < groups).then_some((band + 1) * BAND);
    let row = |discount, outcome| Row { segment, amount, discount, outcome, ..Row::default() };
    [
        Row { margin: Some(20), ..row(Some(5), "approve") },
        Row { term: Some(24), ..row(Some(10), "approve") },
        Row { payment: Some(45), ..row(Some(15), "manager") },
        row(Some(25), "director"),
        row(None, "vp"),
    ]
}

/// Numbers that are the same in every run.
pub(super) struct Draw(pub(super) u64);

impl Draw {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap_or(0) % end
    }
}

/// One deal in whole percents, cents, months and days.
#[derive(Debug)]
pub(super) struct Deal {
    pub(super) segment: &'static str,
    pub(super) discount: i64,
    pub(super) cents: i64,
    pub(super) margin: i64,
    pub(super) term: i64,
    pub(super) payment: i64,
    pub(super) renewal: bool,
}

impl Deal {
    /// A deal somewhere in the table.
    pub(super) fn drawn(draw: &mut Draw) -> Deal {
        let segment = usize::try_from(draw.below(4)).unwrap_or(0);
        Deal {
            segment: SEGMENTS.get(segment).copied().unwrap_or("smb"),
            discount: draw.below(40),
            cents: draw.below(15_000_000),
            margin: draw.below(60) - 2,
            term: 1 + draw.below(60),
            payment: draw.below(90),
            renewal: draw.below(2) == 1,
        }
    }

    /// What the requester says, as JSON text.
    pub(super) fn tokens(&self) -> String {
        format!(
            r#"{{"quote_id":"Q-1042","customer_id":"A-77","discount_percent":"{}%","amount":{{"amount":"{}.{:02}","currency":"USD"}},"term_months":{},"payment_days":{},"reason":"volume"}}"#,
            self.discount,
            self.cents / 100,
            self.cents % 100,
            self.term,
            self.payment
        )
    }

    /// What the host finds out, as JSON text.
    pub(super) fn facts(&self) -> String {
        format!(r#"{{"segment":"{}","margin":"{}%","renewal":{}}}"#, self.segment, self.margin, self.renewal)
    }
}
