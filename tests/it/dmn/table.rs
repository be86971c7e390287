//! The decision tables of a model, as they stand in its XML, read without our importer.

use anyhow::Context as _;
use roxmltree::{Document, Node};

/// One decision table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) model: String,
    /// The decision or business knowledge model that it stands in.
    pub(crate) name: String,
    /// The expressions of its inputs, and the cells below each.
    pub(crate) columns: Vec<(String, Vec<String>)>,
}

/// By the name without its prefix: models say the same with and without one.
fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| is(*child, name))
}

fn text(node: Node<'_, '_>) -> String {
    let text = children(node, "text").next().and_then(|text| text.text());
    text.unwrap_or_default().trim().to_owned()
}

/// Every decision table of a model, wherever it stands.
pub(crate) fn tables(model: &str, xml: &str) -> anyhow::Result<Vec<Table>> {
    let document = Document::parse(xml).with_context(|| model.to_owned())?;
    let found = document.descendants().filter(|node| is(*node, "decisionTable"));
    found
        .map(|table| {
            let is_holder =
                |node: &Node<'_, '_>| is(*node, "decision") || is(*node, "businessKnowledgeModel");
            let holder = table.ancestors().find(is_holder).context("a table stands in a decision")?;
            let rules: Vec<Vec<String>> = children(table, "rule")
                .map(|rule| children(rule, "inputEntry").map(text).collect())
                .collect();
            let expression = |input| children(input, "inputExpression").next().map(text).unwrap_or_default();
            let columns = children(table, "input").map(expression).enumerate();
            let cells = |at: usize| rules.iter().filter_map(|rule| rule.get(at).cloned()).collect();
            Ok(Table {
                model: model.to_owned(),
                name: holder.attribute("name").unwrap_or_default().to_owned(),
                columns: columns.map(|(at, expression)| (expression, cells(at))).collect(),
            })
        })
        .collect()
}
