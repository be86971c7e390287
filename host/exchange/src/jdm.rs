//! JDM, the JSON of ZEN's decision tables: one table in.
//!
//! Hit policies `first` and `collect`, cells that are simple unary tests, one output. Whatever else a
//! graph can do (functions, expressions, switches, loops) has no like in a policy.

use crate::book::Book;
use crate::feel;
use crate::foreign::{Column, Foreign, Imported, Placed, Row, Side, id_of};
use crate::{FILE_BYTES_MAX, Misfit, Refused};
use countersign_core::document::{TABLE_COLUMNS_MAX, TABLE_ROWS_MAX};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
struct Graph {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    content: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    #[serde(default)]
    hit_policy: String,
    inputs: Vec<Field>,
    outputs: Vec<Field>,
    rules: Vec<BTreeMap<String, Value>>,
    #[serde(default)]
    input_field: Option<String>,
    #[serde(default)]
    output_path: Option<String>,
    #[serde(default)]
    execution_mode: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Field {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    field: Option<String>,
}

/// Whether a JSON file looks like a graph of ZEN.
#[must_use]
pub fn is_jdm(bytes: &[u8]) -> bool {
    bytes.len() <= FILE_BYTES_MAX && serde_json::from_slice::<Graph>(bytes).is_ok()
}

/// Reads the decision table of a graph into `policy`.
///
/// # Errors
/// Everything that a policy's table cannot say, with node and rule.
pub fn read(bytes: &[u8], policy: &Book, side: &Side) -> Result<Imported, Refused> {
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes, at most {FILE_BYTES_MAX} are read", bytes.len());
        return Err(Misfit::at("", message).into());
    }
    let graph: Graph = serde_json::from_slice(bytes).map_err(|fault| Misfit::at("", fault.to_string()))?;
    let mut misfits = Vec::new();
    let mut tables = Vec::new();
    for node in &graph.nodes {
        match node.kind.as_str() {
            "inputNode" | "outputNode" => {}
            "decisionTableNode" if side.decision.is_empty() || side.decision == node.name => {
                tables.push(node)
            }
            "decisionTableNode" => {}
            other => misfits
                .push(Misfit::at(format!("node {}", node.name), format!("`{other}` is no decision table"))),
        }
    }
    if tables.len() != 1 {
        let message = format!("the graph has {} decision tables; a policy is one", tables.len());
        misfits.push(Misfit::at("", message).try_instead("say `decision = \"NAME\"` in the side table"));
    }
    match tables.first() {
        Some(node) if misfits.is_empty() => table(node)?.into_policy(policy, side),
        Some(_) | None => Err(Refused(misfits)),
    }
}

fn table(node: &Node) -> Result<Foreign, Refused> {
    let place = format!("node {}", node.name);
    let content = node.content.clone().unwrap_or(Value::Null);
    let table: Table =
        serde_json::from_value(content).map_err(|fault| Misfit::at(place.clone(), fault.to_string()))?;
    let mut misfits = Vec::new();
    let mut wrong = |message: String| misfits.push(Misfit::at(place.clone(), message));
    let hit = match table.hit_policy.as_str() {
        "first" | "" => "first",
        "collect" => "every",
        other => {
            wrong(format!("the hit policy `{other}` has no like; first and collect have"));
            "first"
        }
    };
    let set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    if set(&table.input_field) || set(&table.output_path) || table.execution_mode.as_deref() == Some("loop") {
        wrong("the table runs over a part of its input or in a loop".to_owned());
    }
    if table.outputs.len() != 1 {
        wrong(format!("{} outputs; a rule has one answer", table.outputs.len()));
    }
    if table.rules.len() > TABLE_ROWS_MAX || table.inputs.len() > TABLE_COLUMNS_MAX {
        let (rows, columns) = (table.rules.len(), table.inputs.len());
        wrong(format!(
            "{rows} rules and {columns} inputs, at most {TABLE_ROWS_MAX} and {TABLE_COLUMNS_MAX} are read"
        ));
    }
    for input in table.inputs.iter().filter(|input| !set(&input.field)) {
        wrong(format!("the input `{}` has no field: its cells are whole expressions", input.name));
    }
    if !misfits.is_empty() {
        return Err(Refused(misfits));
    }
    let mut rows = Vec::new();
    for (number, rule) in (1..).zip(&table.rules) {
        match row(&place, number, rule, &table) {
            Ok(row) => rows.push(row),
            Err(misfit) => misfits.push(misfit),
        }
    }
    let column =
        |input: &Field| Column { expression: input.field.clone().unwrap_or_default(), hint: String::new() };
    let columns = table.inputs.iter().map(column).collect();
    if misfits.is_empty() { Ok(Foreign { hit, columns, rows }) } else { Err(Refused(misfits)) }
}

fn row(node: &str, number: usize, rule: &BTreeMap<String, Value>, table: &Table) -> Result<Row, Misfit> {
    let place = format!("{node}, rule {number}");
    let text = |name: &str| -> Result<String, Misfit> {
        match rule.get(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(Misfit::at(place.clone(), format!("`{name}` is {other}, not a text"))),
        }
    };
    let known = |name: &String| {
        name.starts_with('_') || table.inputs.iter().chain(&table.outputs).any(|field| field.id == *name)
    };
    if let Some(stray) = rule.keys().find(|name| !known(name)) {
        return Err(Misfit::at(place.clone(), format!("the cell `{stray}` belongs to no column")));
    }
    let mut cells = Vec::new();
    for input in &table.inputs {
        let place = format!("{place}, {}", input.field.as_deref().unwrap_or(&input.name));
        cells.push(Placed { text: text(&input.id)?, place });
    }
    let answer = table.outputs.first().map_or("", |output| output.id.as_str());
    let answer = feel::constant(&text(answer)?).map_err(|message| Misfit::at(place.clone(), message))?;
    Ok(Row {
        cells,
        answer: Placed { text: answer, place: place.clone() },
        id: id_of(Some(&text("_id")?)),
        because: text("_description")?.split_whitespace().collect::<Vec<_>>().join(" "),
        place,
    })
}

#[cfg(test)]
mod tests;
