//! Graphs of our own: one simple table comes in, everything else is refused with its node.

use super::*;
use crate::generated::{SHIPPED, file};
use serde_json::json;

fn graph(content: Value) -> Value {
    json!({
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            {"id": "1", "type": "inputNode", "name": "in"},
            {"id": "2", "type": "decisionTableNode", "name": "table", "content": content, "position": {"x": 1, "y": 2}},
            {"id": "3", "type": "outputNode", "name": "out"}
        ],
        "edges": []
    })
}

fn content() -> Value {
    json!({
        "hitPolicy": "first",
        "inputs": [{"id": "a", "name": "Segment", "field": "segment"}, {"id": "b", "name": "Amount", "field": "amount"}],
        "outputs": [{"id": "c", "name": "Answer", "field": "answer"}],
        "rules": [
            {"_id": "small", "_description": "small  deal", "a": "\"smb\", \"mid\"", "b": "[0..5000)", "c": "\"approve\""},
            {"_id": "rest", "_description": "all others", "a": "", "c": "\"vp\""}
        ],
        "passThrough": true, "inputField": null, "outputPath": null, "executionMode": "single"
    })
}

fn taken(graph: &Value) -> Result<String, String> {
    let policy = Book::read(&file(SHIPPED[0])).expect("a policy");
    let read = read(graph.to_string().as_bytes(), &policy, &Side::default()).and_then(|read| read.draft());
    read.map(|draft| draft.text).map_err(|refused| refused.to_string())
}

#[test]
fn a_simple_table_comes_in() {
    let text = taken(&graph(content())).expect("it is taken over");
    assert!(text.contains("| small | smb, mid | 0 .. < 5_000 | approve    | small deal |"), "{text}");
    assert!(text.contains("| rest  |          |              | vp         | all others |"), "{text}");
    assert!(text.contains("## Rules: first\n"), "{text}");
    let mut collect = content();
    collect["hitPolicy"] = json!("collect");
    assert!(taken(&graph(collect)).expect("it is taken over").contains("## Rules: every\n"));
    assert!(is_jdm(graph(content()).to_string().as_bytes()));
    assert!(!is_jdm(b"{\"format\": \"countersign-policy/1\"}"));
}

#[test]
fn what_a_policy_cannot_say_is_refused_with_its_node() {
    let check = |pointer: &str, to: Value, expected: &str| {
        let mut content = content();
        *content.pointer_mut(pointer).expect(pointer) = to;
        let found = taken(&graph(content)).expect_err(expected);
        assert!(found.contains(expected), "expected {expected}\nfound {found}");
    };
    check("/hitPolicy", json!("outputOrder"), "node table: the hit policy `outputOrder` has no like");
    check("/executionMode", json!("loop"), "in a loop");
    check("/inputField", json!("rows"), "over a part of its input");
    check("/inputs/0/field", json!(""), "the input `Segment` has no field");
    check("/outputs", json!([]), "0 outputs; a rule has one answer");
    check("/rules/0/a", json!("$ > 5 and $ < 7"), "node table, rule 1, segment: `$ > 5 and $ < 7`");
    check("/rules/0/b", json!("> limit"), "node table, rule 1, amount: `> limit`");
    check("/rules/0/b", json!(5), "node table, rule 1: `b` is 5, not a text");
    check("/rules/0/c", json!("amount * 2"), "node table, rule 1: `amount * 2`");
    check("/rules/0", json!({"zzz": "1", "c": "\"vp\""}), "the cell `zzz` belongs to no column");
    let mut more = graph(content());
    more["nodes"][0]["type"] = json!("functionNode");
    assert!(taken(&more).expect_err("a function").contains("node in: `functionNode` is no decision table"));
    let mut two = graph(content());
    two["nodes"][0] = two["nodes"][1].clone();
    assert!(taken(&two).expect_err("two tables").contains("the graph has 2 decision tables"));
}
