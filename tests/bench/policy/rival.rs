//! The same table and guards in CEL, a well-known language for rules: one expression that gives the
//! routes a deal needs.

use super::table::{Deal, Row, Table};
use cel::objects::Value;
use cel::{Context, Env};
use std::sync::Arc;

/// The starter's guards, over cents and whole percents.
const GUARDS: [(&str, &[&str]); 5] = [
    ("margin < 15 && !renewal", &["finance"]),
    ("amount * discount > 500000000", &["finance"]),
    ("payment > 60 || (payment > 45 && segment != 'ent')", &["finance"]),
    ("term < 12 && discount > 10", &["director"]),
    ("margin < 0", &["vp", "finance"]),
];

/// Rows of one expression: deeper ones are refused by its parser.
const CHAIN: usize = 20;

/// A compiled table: chains of conditions, one after the other until one answers, then the guards.
pub(super) struct Program {
    env: Arc<Env>,
    chains: Vec<cel::Program>,
    guards: cel::Program,
}

impl Program {
    /// Compiles the table.
    pub(super) fn of(table: &Table) -> anyhow::Result<Program> {
        let env = Arc::new(Env::stdlib());
        let compile = |text: &str| env.compile(text).map_err(|fault| anyhow::anyhow!("{fault}"));
        let chains = table.rows.chunks(CHAIN).map(|rows| compile(&chain(rows)));
        let guards = GUARDS.iter().flat_map(|(when, routes)| {
            routes.iter().map(move |route| format!("({when}) ? '{route}' : 'approve'"))
        });
        let guards = format!("[{}]", guards.collect::<Vec<_>>().join(", "));
        Ok(Program {
            chains: chains.collect::<Result<_, _>>()?,
            guards: compile(&guards)?,
            env: Arc::clone(&env),
        })
    }

    /// The routes that a deal needs: none if it is approved.
    pub(super) fn decide(&self, deal: &Deal) -> anyhow::Result<Vec<String>> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.add_variable_from_value("segment", deal.segment);
        context.add_variable_from_value("discount", deal.discount);
        context.add_variable_from_value("amount", deal.cents);
        context.add_variable_from_value("margin", deal.margin);
        context.add_variable_from_value("term", deal.term);
        context.add_variable_from_value("payment", deal.payment);
        context.add_variable_from_value("renewal", deal.renewal);
        let fault = |fault| anyhow::anyhow!("{fault}");
        let Value::List(said) = self.guards.execute(&context).map_err(fault)? else {
            anyhow::bail!("the guards give no list");
        };
        let mut routes = said.iter().map(route).collect::<Result<Vec<_>, _>>()?;
        for chain in &self.chains {
            let said = route(&chain.execute(&context).map_err(fault)?)?;
            if !said.is_empty() {
                routes.push(said);
                return Ok(joined(routes));
            }
        }
        anyhow::bail!("no row takes {deal:?}")
    }
}

/// Rows of which the first one that matches answers; no word if none does.
fn chain(rows: &[Row]) -> String {
    let answer = |row: &Row| match condition(row) {
        condition if condition.is_empty() => format!("true ? '{}' : ", row.outcome),
        condition => format!("{condition} ? '{}' : ", row.outcome),
    };
    rows.iter().map(answer).collect::<String>() + "''"
}

fn condition(row: &Row) -> String {
    let segment = row.segment.map(|segment| format!("segment == '{segment}'"));
    let bound =
        |name: &str, sign: &str, bound: Option<i64>| bound.map(|bound| format!("{name} {sign} {bound}"));
    let all = [
        segment,
        bound("discount", "<=", row.discount),
        bound("amount", "<", row.amount.map(|dollars| dollars * 100)),
        bound("margin", ">=", row.margin),
        bound("term", ">=", row.term),
        bound("payment", "<=", row.payment),
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join(" && ")
}

fn route(value: &Value) -> anyhow::Result<String> {
    match value {
        Value::String(route) => Ok(route.to_string()),
        other => anyhow::bail!("no route: {other:?}"),
    }
}

/// What rule and guards ask for together, as the routes' `covers` say.
fn joined(mut routes: Vec<String>) -> Vec<String> {
    routes.retain(|route| route != "approve");
    let has = |name: &str| routes.iter().any(|route| route == name);
    let (vp, director) = (has("vp"), has("director"));
    routes.retain(|route| match route.as_str() {
        "manager" => !vp && !director,
        "director" => !vp,
        _ => true,
    });
    routes.sort();
    routes.dedup();
    routes
}
