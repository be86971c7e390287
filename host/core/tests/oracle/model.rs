//! A policy as the oracle sees it: what the document's text says, nothing compiled.
//!
//! Every number is a count of millionths of its unit (5 % is 50,000, one dollar is 1,000,000), and
//! inside expressions an exact fraction of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

pub(crate) const MICRO: i128 = 1_000_000;

/// The routes that every policy has; each covers those that stand behind it.
pub(crate) const ROUTES: [(&str, &str); 4] = [("low", ""), ("high", "low"), ("top", "high"), ("side", "")];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Percent,
    Money,
    Months,
    Days,
    Count,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Number { unit: Unit, min: i128, max: i128, step: i128 },
    YesNo,
    OneOf(Vec<&'static str>),
    Date { from: i64, until: i64 },
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    pub(crate) over: i128,
    pub(crate) under: i128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Number(Ratio),
    Truth(bool),
    Word(&'static str),
    Day(i64),
    Text(&'static str),
}

#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

impl Input {
    pub(crate) fn dotted(&self) -> bool {
        self.name.contains('.')
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Up,
    Down,
    HalfEven,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fold {
    Sum,
    Min,
    Max,
    Count,
    Any,
    All,
}

#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Const(Value, String),
    Input(usize),
    Term(usize),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Plus(Box<Expr>, Box<Expr>),
    Minus(Box<Expr>, Box<Expr>),
    Times(Box<Expr>, Box<Expr>),
    Compare(Sign, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<(Value, String)>),
    Round { value: Box<Expr>, by: Option<Box<Expr>>, step: (Ratio, String), mode: Mode },
    Extreme(bool, Vec<Expr>),
    Fold(Fold, Box<Expr>, Option<Box<Expr>>),
}

#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Any(&'static str),
    List { values: Vec<Value>, negated: bool },
    Compare(Sign, Value),
    Range { beyond: bool, low: Value, before: bool, high: Value },
}

/// An outcome in which everything could be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Approve,
    Needs(BTreeSet<String>, BTreeSet<String>),
    Deny,
}

#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) cells: Vec<Cell>,
    pub(crate) answer: Answer,
}

#[derive(Debug, Clone)]
pub(crate) struct Guard {
    pub(crate) id: String,
    pub(crate) when: Expr,
    pub(crate) then: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hit {
    First,
    Unique,
    Every,
}

#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) inputs: Vec<Input>,
    pub(crate) terms: Vec<(String, Expr)>,
    pub(crate) hit: Hit,
    pub(crate) each: bool,
    /// The inputs of the rule columns.
    pub(crate) columns: Vec<usize>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) guards: Vec<Guard>,
    pub(crate) fail_open: Option<(Expr, u32)>,
}

/// A number of millionths in the spelling of documents, without its unit.
pub(crate) fn decimal(micro: i128) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let (whole, rest) = (micro.abs() / MICRO, micro.abs() % MICRO);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{}", format!("{rest:06}").trim_end_matches('0'))
}

pub(crate) fn number(micro: i128, unit: Unit) -> String {
    match unit {
        Unit::Percent => format!("{}%", decimal(micro * 100)),
        Unit::Money | Unit::Months | Unit::Days | Unit::Count => decimal(micro),
    }
}

/// The day as `YYYY-MM-DD`; the oracle only knows the days of January 2026.
pub(crate) fn day(number: i64) -> String {
    format!("2026-01-{number:02}")
}

impl Kind {
    pub(crate) fn spell(&self, value: Value) -> String {
        match (self, value) {
            (Kind::Number { unit, .. }, Value::Number(ratio)) => number(ratio.over / ratio.under, *unit),
            (_, Value::Truth(truth)) => if truth { "yes" } else { "no" }.to_owned(),
            (_, Value::Word(word)) => word.to_owned(),
            (_, Value::Day(number)) => day(number),
            (_, Value::Text(text)) => text.to_owned(),
            (_, Value::Number(_)) => unreachable!("a number belongs to a number"),
        }
    }

    fn text(&self) -> String {
        match self {
            Kind::Number { unit, min, max, step } => {
                let word = match unit {
                    Unit::Percent => "percent",
                    Unit::Money => "money USD",
                    Unit::Months => "months",
                    Unit::Days => "days",
                    Unit::Count => "count",
                };
                let [min, max, step] = [min, max, step].map(|value| number(*value, *unit));
                format!("{word} {min} .. {max} step {step}")
            }
            Kind::YesNo => "yes/no".to_owned(),
            Kind::OneOf(words) => format!("one of {}", words.join(", ")),
            Kind::Date { from, until } => format!("date {} .. {}", day(*from), day(*until)),
            Kind::Text => "text".to_owned(),
        }
    }
}

impl Sign {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Sign::Equal => "=",
            Sign::NotEqual => "!=",
            Sign::Less => "<",
            Sign::AtMost => "<=",
            Sign::More => ">",
            Sign::AtLeast => ">=",
        }
    }
}

impl Cell {
    fn text(&self, kind: &Kind) -> String {
        match self {
            Cell::Any(text) => (*text).to_owned(),
            Cell::List { values, negated } => {
                let values: Vec<String> = values.iter().map(|value| kind.spell(*value)).collect();
                format!("{}{}", if *negated { "not " } else { "" }, values.join(", "))
            }
            Cell::Compare(sign, value) => format!("{} {}", sign.text(), kind.spell(*value)),
            Cell::Range { beyond, low, before, high } => format!(
                "{}{} .. {}{}",
                if *beyond { "> " } else { "" },
                kind.spell(*low),
                if *before { "< " } else { "" },
                kind.spell(*high)
            ),
        }
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        match self {
            Answer::Approve => "approve".to_owned(),
            Answer::Deny => "deny".to_owned(),
            Answer::Needs(routes, evidence) => {
                let evidence = evidence.iter().map(|kind| format!("evidence {kind}"));
                routes.iter().cloned().chain(evidence).collect::<Vec<String>>().join(" + ")
            }
        }
    }
}

impl Policy {
    /// An expression with brackets around everything that has parts.
    pub(crate) fn spell(&self, expr: &Expr) -> String {
        let two = |sign: &str, one: &Expr, other: &Expr| {
            format!("({} {sign} {})", self.spell(one), self.spell(other))
        };
        match expr {
            Expr::Const(_, text) => text.clone(),
            Expr::Input(index) => self.inputs[*index].name.clone(),
            Expr::Term(index) => self.terms[*index].0.clone(),
            Expr::Not(inner) => format!("(not {})", self.spell(inner)),
            Expr::Negate(inner) => format!("-({})", self.spell(inner)),
            Expr::And(one, other) => two("and", one, other),
            Expr::Or(one, other) => two("or", one, other),
            Expr::Plus(one, other) => two("+", one, other),
            Expr::Minus(one, other) => two("-", one, other),
            Expr::Times(one, other) => two("*", one, other),
            Expr::Compare(sign, one, other) => two(sign.text(), one, other),
            Expr::In(value, list) => {
                let list: Vec<&str> = list.iter().map(|(_, text)| text.as_str()).collect();
                format!("({} in ({}))", self.spell(value), list.join(", "))
            }
            Expr::Round { value, by, step, mode } => {
                let by = by.as_ref().map(|by| format!(" / ({})", self.spell(by))).unwrap_or_default();
                let mode = match mode {
                    Mode::Up => ", up",
                    Mode::Down => ", down",
                    Mode::HalfEven => "",
                };
                format!("round(({}){by}, {}{mode})", self.spell(value), step.1)
            }
            Expr::Extreme(greatest, of) => {
                let of: Vec<String> = of.iter().map(|item| self.spell(item)).collect();
                format!("{}({})", if *greatest { "max" } else { "min" }, of.join(", "))
            }
            Expr::Fold(fold, value, filter) => {
                let name = match fold {
                    Fold::Sum => "sum",
                    Fold::Min => "min",
                    Fold::Max => "max",
                    Fold::Count => "count",
                    Fold::Any => "any",
                    Fold::All => "all",
                };
                let filter = filter
                    .as_ref()
                    .map(|filter| format!(" where {}", self.spell(filter)))
                    .unwrap_or_default();
                format!("{name}({}{filter})", self.spell(value))
            }
        }
    }

    /// The whole document.
    pub(crate) fn document(&self) -> String {
        let mut out = String::from(
            "# T\n\n| policy | |\n|---|---|\n| intent | t |\n| owner | p |\n| effective | 2026-01-01 |\n\
             | unsure | closed |\n",
        );
        if let Some((condition, cap)) = &self.fail_open {
            let condition = self.spell(condition);
            let _ = writeln!(out, "| fail open | only if {condition}, at most {cap} a day |");
        }
        out += "\n## Inputs\n\n| name | type |\n|---|---|\n";
        for input in &self.inputs {
            let _ = writeln!(out, "| {} | {} |", input.name, input.kind.text());
        }
        if !self.terms.is_empty() {
            out += "\n## Terms\n\n| name | formula |\n|---|---|\n";
            for (name, formula) in &self.terms {
                let _ = writeln!(out, "| {name} | {} |", self.spell(formula));
            }
        }
        let hit = match self.hit {
            Hit::First => "first",
            Hit::Unique => "unique",
            Hit::Every => "every",
        };
        let each = if self.each { ", for each item" } else { "" };
        let names: String =
            self.columns.iter().map(|index| format!(" {} |", self.inputs[*index].name)).collect();
        let dashes = "---|".repeat(self.columns.len() + 3);
        let _ = writeln!(out, "\n## Rules: {hit}{each}\n\n| id |{names} => outcome | because |\n|{dashes}");
        for rule in &self.rules {
            let cells: String = self
                .columns
                .iter()
                .zip(&rule.cells)
                .map(|(index, cell)| format!(" {} |", cell.text(&self.inputs[*index].kind)))
                .collect();
            let _ = writeln!(out, "| {} |{cells} {} | x |", rule.id, rule.answer.text());
        }
        if !self.guards.is_empty() {
            out += "\n## Guards\n\n| id | when | then | because |\n|---|---|---|---|\n";
            for guard in &self.guards {
                let _ = writeln!(
                    out,
                    "| {} | {} | {} | x |",
                    guard.id,
                    self.spell(&guard.when),
                    guard.then.text()
                );
            }
        }
        out += "\n## Routes\n\n| route | step | whom | need | within | backup | finally | covers |\n\
                |---|---|---|---|---|---|---|---|\n";
        for (route, covers) in ROUTES {
            let _ = writeln!(out, "| {route} | 1 | pool p | 1 | 8bh | pool q | hold | {covers} |");
        }
        out
    }
}
