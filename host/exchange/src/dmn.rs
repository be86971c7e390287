//! DMN: one decision table in and out.
//!
//! In: the table of a decision or of a business knowledge model; UNIQUE, FIRST, ANY and COLLECT
//! without aggregator, cells that are unary tests of S-FEEL, one output, each answer a constant. Out:
//! the rule table; guards, terms and promises have no place in a table.

mod place;

use crate::book::Book;
use crate::column::Types;
use crate::feel;
use crate::foreign::{Column, Foreign, Imported, Placed, Row, Side, id_of};
use crate::{FILE_BYTES_MAX, Misfit, Refused};
use countersign_core::document::{PlainTable, TABLE_COLUMNS_MAX, TABLE_ROWS_MAX};
use countersign_core::intent::kind::FieldType;
use place::Places;
use roxmltree::{Document, Node};

/// Most nodes of one file.
const NODES_MAX: u32 = 1_000_000;
/// Most characters of a decision's name that are told with each place.
const NAME_CHARACTERS_MAX: usize = 80;
/// The version of DMN that is written.
const NAMESPACE: &str = "https://www.omg.org/spec/DMN/20191111/MODEL/";

/// Reads the decision table of a model into `policy`.
///
/// # Errors
/// Everything that a policy's table cannot say, with line, decision and rule.
pub fn read(bytes: &[u8], policy: &Book, side: &Side) -> Result<Imported, Refused> {
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes, at most {FILE_BYTES_MAX} are read", bytes.len());
        return Err(Misfit::at("", message).into());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Misfit::at("", "the file is not UTF-8"))?;
    let options =
        roxmltree::ParsingOptions { nodes_limit: NODES_MAX, ..roxmltree::ParsingOptions::default() };
    let document = Document::parse_with_options(text.strip_prefix('\u{feff}').unwrap_or(text), options)
        .map_err(|fault| Misfit::at("", format!("the file is no XML: {fault}")))?;
    let decision = decision(&document, side)?;
    let places = Places::of(document.input_text());
    let mut reader = Reader {
        places,
        name: name_of(decision).chars().take(NAME_CHARACTERS_MAX).collect(),
        misfits: Vec::new(),
    };
    let foreign = reader.decision(decision);
    match foreign {
        Some(foreign) if reader.misfits.is_empty() => foreign.into_policy(policy, side),
        Some(_) | None => Err(Refused(reader.misfits)),
    }
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn name_of<'a>(node: Node<'a, '_>) -> &'a str {
    node.attribute("name").or(node.attribute("id")).unwrap_or("")
}

/// The decision that is meant. A table also stands in a business knowledge model, where other
/// decisions call it: it is taken if it is named, or if there is no decision at all.
fn decision<'a, 'i>(document: &'a Document<'i>, side: &Side) -> Result<Node<'a, 'i>, Misfit> {
    let root = document.root_element();
    let decisions: Vec<Node<'a, 'i>> = children(root, "decision").collect();
    let models: Vec<Node<'a, 'i>> = children(root, "businessKnowledgeModel").collect();
    let all: Vec<Node<'a, 'i>> = decisions.iter().chain(&models).copied().collect();
    if root.tag_name().name() != "definitions" || all.is_empty() {
        return Err(Misfit::at("", "the file is no DMN model with a decision"));
    }
    let wanted = side.decision.as_str();
    let found: Vec<Node<'a, 'i>> = match (wanted, decisions.is_empty()) {
        ("", true) => models,
        ("", false) => decisions,
        (wanted, _) => {
            let is_wanted =
                |node: &&Node<'_, '_>| node.attribute("id") == Some(wanted) || name_of(**node) == wanted;
            all.iter().filter(is_wanted).copied().collect()
        }
    };
    let names =
        |nodes: &[Node<'_, '_>]| nodes.iter().map(|node| name_of(*node)).collect::<Vec<_>>().join(", ");
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Misfit::at("", format!("the model has no decision `{wanted}`; it has {}", names(&all)))),
        several => {
            let message = format!("the model has several decisions: {}", names(several));
            Err(Misfit::at("", message).try_instead("say `decision = \"NAME or id\"` in the side table"))
        }
    }
}

struct Reader<'t> {
    places: Places<'t>,
    name: String,
    misfits: Vec<Misfit>,
}

/// Which notes of a rule are its id and its reason, if they are called so.
struct Notes {
    id: Option<usize>,
    because: Option<usize>,
}

impl Reader<'_> {
    fn place(&self, node: Node<'_, '_>, rule: Option<usize>) -> String {
        let (line, column) = self.places.of_byte(node.range().start);
        let rule = rule.map(|rule| format!(", rule {rule}")).unwrap_or_default();
        format!("line {line}, column {column} (decision {}{rule})", self.name)
    }

    fn wrong(&mut self, node: Node<'_, '_>, rule: Option<usize>, message: impl Into<String>) {
        let place = self.place(node, rule);
        self.misfits.push(Misfit::at(place, message));
    }

    fn decision(&mut self, decision: Node<'_, '_>) -> Option<Foreign> {
        for needed in
            children(decision, "informationRequirement").flat_map(|node| children(node, "requiredDecision"))
        {
            let target = needed.attribute("href").unwrap_or("").to_owned();
            self.wrong(
                needed,
                None,
                format!("the decision needs another one, `{target}`: a policy is one table"),
            );
        }
        let logic = children(decision, "encapsulatedLogic").next().unwrap_or(decision);
        let Some(table) = children(logic, "decisionTable").next() else {
            self.wrong(decision, None, "the decision is no table");
            return None;
        };
        let hit = self.hit(table);
        let inputs: Vec<Node<'_, '_>> = children(table, "input").collect();
        let outputs: Vec<Node<'_, '_>> = children(table, "output").collect();
        let columns = inputs.iter().map(|input| self.column(*input)).collect();
        match outputs.as_slice() {
            [one] => {
                if let Some(default) = children(*one, "defaultOutputEntry").next() {
                    self.wrong(default, None, "a default answer has no row: write it as the last rule");
                }
            }
            _ => self.wrong(table, None, format!("{} outputs; a rule has one answer", outputs.len())),
        }
        let rules: Vec<Node<'_, '_>> = children(table, "rule").collect();
        if rules.len() > TABLE_ROWS_MAX || inputs.len() > TABLE_COLUMNS_MAX {
            let (rows, columns) = (rules.len(), inputs.len());
            let message = format!(
                "{rows} rules and {columns} inputs, at most {TABLE_ROWS_MAX} and {TABLE_COLUMNS_MAX} are read"
            );
            self.wrong(table, None, message);
            return None;
        }
        let named = |name: &str| children(table, "annotation").position(|node| name_of(node) == name);
        let notes = Notes { id: named("id"), because: named("because") };
        let mut rows = Vec::new();
        for (number, rule) in (1..).zip(rules) {
            rows.extend(self.rule(number, rule, inputs.len(), &notes));
        }
        Some(Foreign { hit: hit?, columns, rows })
    }

    fn hit(&mut self, table: Node<'_, '_>) -> Option<&'static str> {
        if let Some(aggregation) = table.attribute("aggregation") {
            self.wrong(
                table,
                None,
                format!("the aggregator `{aggregation}` has no like: answers are joined"),
            );
        }
        match table.attribute("hitPolicy").unwrap_or("UNIQUE") {
            "UNIQUE" => Some("unique"),
            "FIRST" => Some("first"),
            "ANY" | "COLLECT" => Some("every"),
            other => {
                self.wrong(
                    table,
                    None,
                    format!("the hit policy `{other}` has no like; UNIQUE, FIRST, ANY, COLLECT have"),
                );
                None
            }
        }
    }

    fn column(&mut self, input: Node<'_, '_>) -> Column {
        let expression = children(input, "inputExpression").next();
        let text = expression.and_then(|node| children(node, "text").next()).map(text_of).unwrap_or_default();
        let is_name =
            |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | ' ' | '-' | '\'');
        if text.is_empty() || !text.chars().all(is_name) || text.contains(" - ") {
            self.wrong(input, None, format!("the input `{text}` is no name but an expression"));
        }
        let kind = expression.and_then(|node| node.attribute("typeRef")).unwrap_or("").to_owned();
        let values =
            children(input, "inputValues").next().and_then(|node| children(node, "text").next()).map(text_of);
        let hint = [kind, values.unwrap_or_default()].join(" ").trim().to_owned();
        Column { expression: text, hint }
    }

    fn rule(&mut self, number: usize, rule: Node<'_, '_>, columns: usize, named: &Notes) -> Option<Row> {
        let entry = |reader: &mut Self, node: Node<'_, '_>| {
            if let Some(language) = node
                .attribute("expressionLanguage")
                .filter(|language| !language.to_ascii_lowercase().contains("feel"))
            {
                reader.wrong(node, Some(number), format!("the language `{language}` is not S-FEEL"));
            }
            let text = children(node, "text").next().map(text_of).unwrap_or_default();
            Placed { text, place: reader.place(node, Some(number)) }
        };
        let cells: Vec<Placed> = children(rule, "inputEntry").map(|node| entry(self, node)).collect();
        let answers: Vec<Placed> = children(rule, "outputEntry").map(|node| entry(self, node)).collect();
        let [answer] = answers.as_slice() else {
            self.wrong(rule, Some(number), format!("{} answers; a rule has one", answers.len()));
            return None;
        };
        if cells.len() != columns {
            self.wrong(rule, Some(number), format!("{} entries for {columns} inputs", cells.len()));
            return None;
        }
        let answer = match feel::constant(&answer.text) {
            Ok(text) => Placed { text, place: answer.place.clone() },
            Err(message) => {
                self.misfits.push(Misfit::at(answer.place.clone(), message));
                return None;
            }
        };
        let notes: Vec<String> = children(rule, "annotationEntry")
            .map(|node| children(node, "text").next().map(text_of).unwrap_or_default())
            .collect();
        let note = |at: Option<usize>| notes.get(at?).filter(|note| !note.is_empty()).cloned();
        let id = note(named.id).unwrap_or_else(|| rule.attribute("id").unwrap_or("").to_owned());
        let joined: Vec<String> = notes.iter().filter(|note| !note.is_empty()).cloned().collect();
        let own = children(rule, "description").next().map(text_of).filter(|text| !text.is_empty());
        let because = match (note(named.because).or(own), named.because.is_some()) {
            (Some(because), _) => because,
            (None, true) => String::new(),
            (None, false) => joined.join("; "),
        };
        Some(Row {
            cells,
            answer,
            id: id_of(Some(&id)),
            because: because.split_whitespace().collect::<Vec<_>>().join(" "),
            place: self.place(rule, Some(number)),
        })
    }
}

fn text_of(node: Node<'_, '_>) -> String {
    let parts: String =
        node.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
    parts.trim().to_owned()
}

/// A model, and what of the policy it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The model.
    pub text: String,
    /// What is left out.
    pub left_out: Vec<String>,
}

/// Writes the rule table of a policy as a model.
///
/// # Errors
/// If the policy says more than its rule table and `rules_only` is not given.
pub fn write(book: &Book, rules_only: bool) -> Result<Exported, Refused> {
    let Some(table) = book.table("Rules") else {
        return Err(Misfit::at("", "the policy has no rules").into());
    };
    let left_out = left_out(book);
    if !rules_only && !left_out.is_empty() {
        let help = "say `--rules-only` if the rule table alone is wanted";
        let misfit =
            |what: &String| Misfit::at(what.clone(), "has no place in a DMN table").try_instead(help);
        return Err(Refused(left_out.iter().map(misfit).collect()));
    }
    let hit = match book.rules.split(',').next().unwrap_or("") {
        "first" => "FIRST",
        "unique" => "UNIQUE",
        _ => "COLLECT",
    };
    let intent = book.settings.rows.iter().find(|row| row.first().is_some_and(|first| first == "intent"));
    let intent = attribute(intent.and_then(|row| row.get(1)).map_or("policy", String::as_str));
    let types = Types::of(book);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<definitions xmlns=\"{NAMESPACE}\" id=\"definitions\" \
         name={} namespace=\"countersign\">\n  <decision id=\"decision\" name={intent}>\n    \
         <decisionTable id=\"table\" hitPolicy=\"{hit}\">\n",
        attribute(&book.title)
    );
    for (number, name) in (1..).zip(columns(table)) {
        let kind = types.get(name).map_or("string", type_name);
        text += &format!(
            "      <input id=\"input_{number}\" label={}>\n        <inputExpression id=\"expression_{number}\" \
             typeRef=\"{kind}\"><text>{}</text></inputExpression>\n      </input>\n",
            attribute(name),
            escaped(name)
        );
    }
    text += "      <output id=\"output\" name=\"outcome\" typeRef=\"string\"/>\n      \
             <annotation name=\"id\"/>\n      <annotation name=\"because\"/>\n";
    let mut misfits = Vec::new();
    for (number, row) in (1..).zip(&table.rows) {
        match rule(number, table, row, &types) {
            Ok(rule) => text += &rule,
            Err(wrong) => misfits.extend(wrong),
        }
    }
    text += "    </decisionTable>\n  </decision>\n</definitions>\n";
    if misfits.is_empty() { Ok(Exported { text, left_out }) } else { Err(Refused(misfits)) }
}

/// The columns of the rules that are about inputs.
fn columns(table: &PlainTable) -> Vec<&str> {
    let names = table.header.iter().map(String::as_str);
    names.filter(|name| !["id", "=> outcome", "because"].contains(name)).collect()
}

/// One row as a rule.
fn rule(number: usize, table: &PlainTable, row: &[String], types: &Types) -> Result<String, Vec<Misfit>> {
    let cell = |name: &str| {
        let at = table.header.iter().position(|column| column == name);
        at.and_then(|at| row.get(at)).map_or("", String::as_str)
    };
    let mut text = format!("      <rule id=\"rule_{number}\">\n");
    let mut misfits = Vec::new();
    for name in columns(table) {
        let entry = match types.get(name) {
            Some(kind) => feel::of_cell(cell(name), kind),
            None => Err(format!("column `{name}` is no input")),
        };
        match entry {
            Ok(entry) => {
                text += &format!("        <inputEntry><text>{}</text></inputEntry>\n", escaped(&entry))
            }
            Err(message) => {
                misfits.push(Misfit::at(format!("Rules {}, column {name}", cell("id")), message));
            }
        }
    }
    let answer = escaped(cell("=> outcome"));
    text += &format!("        <outputEntry><text>\"{answer}\"</text></outputEntry>\n");
    for name in ["id", "because"] {
        let note = escaped(cell(name));
        text += &format!("        <annotationEntry><text>{note}</text></annotationEntry>\n");
    }
    text += "      </rule>\n";
    if misfits.is_empty() { Ok(text) } else { Err(misfits) }
}

/// What a table alone does not say.
fn left_out(book: &Book) -> Vec<String> {
    let mut left = Vec::new();
    if let Some((_, each)) = book.rules.split_once(", ") {
        left.push(format!("`{each}`"));
    }
    for name in ["Terms", "Guards", "Components", "Promises"] {
        let rows = book.table(name).map_or(0, |table| table.rows.len());
        if rows > 0 {
            let plural = if rows == 1 { "row" } else { "rows" };
            left.push(format!("{name} ({rows} {plural})"));
        }
    }
    left
}

fn type_name(kind: &FieldType) -> &'static str {
    match kind {
        FieldType::Number(_) => "number",
        FieldType::YesNo => "boolean",
        FieldType::Date { .. } => "date",
        FieldType::OneOf(_) | FieldType::Text { .. } | FieldType::Record { .. } | FieldType::List { .. } => {
            "string"
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn attribute(text: &str) -> String {
    format!("\"{}\"", escaped(text).replace('"', "&quot;"))
}

#[cfg(test)]
mod tests;
