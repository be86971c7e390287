//! Files as other tools and people write them, about inputs of the shipped discount policy.

use crate::chance::Chance;
use crate::change::changed;

/// A model of another tool: its own words, each kind of cell, notes instead of ids.
pub(crate) const MODEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" name="discounts">
<businessKnowledgeModel id="k" name="Other"><encapsulatedLogic/></businessKnowledgeModel>
<decision id="d1" name="Discount">
<decisionTable hitPolicy="FIRST">
<input label="Segment"><inputExpression typeRef="string"><text>Customer segment</text></inputExpression>
<inputValues><text>"Small business","mid","ent"</text></inputValues></input>
<input><inputExpression typeRef="number"><text>deal.share</text></inputExpression></input>
<input><inputExpression typeRef="number"><text>amount</text></inputExpression></input>
<input><inputExpression typeRef="boolean"><text>renewal</text></inputExpression></input>
<output name="answer" typeRef="string"/>
<annotation name="id"/><annotation name="because"/>
<rule id="first"><inputEntry><text>"Small business"</text></inputEntry><inputEntry><text>&lt;= 0.05</text></inputEntry>
<inputEntry><text>-</text></inputEntry><inputEntry><text>-</text></inputEntry>
<outputEntry><text>"Automatic"</text></outputEntry>
<annotationEntry><text>small</text></annotationEntry><annotationEntry><text>within  the
 band</text></annotationEntry></rule>
<rule><inputEntry><text>not("mid", "ent")</text></inputEntry><inputEntry><text>(0.05..0.125]</text></inputEntry>
<inputEntry><text>[100..2500.5)</text></inputEntry><inputEntry><text>true</text></inputEntry>
<outputEntry><text>"vp"</text></outputEntry>
<annotationEntry><text>middle</text></annotationEntry><annotationEntry><text>larger</text></annotationEntry></rule>
<rule><inputEntry><text></text></inputEntry><inputEntry><text><![CDATA[> 0.5]]></text></inputEntry>
<inputEntry><text>1, 2,3</text></inputEntry><inputEntry expressionLanguage="feel"><text>false</text></inputEntry>
<outputEntry><text>"Refuse"</text></outputEntry>
<description>in the end</description>
<annotationEntry><text>rest</text></annotationEntry><annotationEntry/></rule>
</decisionTable>
</decision>
</definitions>
"#;

/// A graph of ZEN.
pub(crate) const GRAPH: &str = r#"{
  "contentType": "application/vnd.gorules.decision",
  "nodes": [
    {"id": "1", "type": "inputNode", "name": "in"},
    {"id": "2", "type": "decisionTableNode", "name": "Discount", "position": {"x": 1, "y": 2}, "content": {
      "hitPolicy": "first",
      "inputs": [{"id": "a", "name": "Segment", "field": "Customer segment"}, {"id": "b", "name": "Amount", "field": "amount"}],
      "outputs": [{"id": "c", "name": "Answer", "field": "answer"}],
      "rules": [
        {"_id": "small", "_description": "small  deal", "a": "\"Small business\", \"mid\"", "b": "[0..5000)", "c": "\"Automatic\""},
        {"_id": "rest", "_description": "all others", "a": "", "c": "\"vp\""}
      ],
      "passThrough": true, "inputField": null, "outputPath": null, "executionMode": "single"
    }},
    {"id": "3", "type": "outputNode", "name": "out"}
  ],
  "edges": []
}
"#;

/// What neither of them says.
pub(crate) const SIDE: &str = r#"decision = "Discount"

[inputs."Customer segment"]
name = "segment"
words = { "Small business" = "smb" }

[inputs."deal.share"]
name = "discount_percent"
type = "percent 0% .. 60%"
number = "fraction"  # of a percent: "fraction" (0.15 is 15%) or "hundred" (15 is 15%)

[outcomes]
"Automatic" = "approve"
"Refuse" = "deny"

[rows]
3 = { id = "none", because = "too much" }
"#;

/// Cells as the language has them, good ones and others.
const CELLS: [&str; 16] = [
    "-",
    "\"smb\", \"mid\"",
    "not(\"smb\")",
    "<= 0.05",
    ">=0.50",
    "(0.01..0.055)",
    "]1.5 .. 5[",
    "[100..2500.5]",
    "1, 2,3",
    "true",
    "date(\"2026-01-01\")",
    ">= @\"2026-01-01\"",
    "not(1, 2)",
    "-0.5",
    "99999999999999.99",
    "0.000001",
];

/// How a format writes a text: what stands before it and behind it, and what it writes instead of some letters.
pub(crate) struct Quoting {
    pub(crate) open: &'static str,
    pub(crate) close: &'static str,
    pub(crate) instead: &'static [(&'static str, &'static str)],
}

const XML: &[(&str, &str)] = &[("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")];
/// A cell of a model.
pub(crate) const ENTRY: Quoting = Quoting { open: "<inputEntry><text>", close: "</text>", instead: XML };
/// A number in a workbook, or which of its strings.
pub(crate) const NUMBER: Quoting = Quoting { open: "<v>", close: "</v>", instead: XML };
/// A string of a workbook.
pub(crate) const STRING: Quoting = Quoting { open: "<t>", close: "</t>", instead: XML };
/// A cell of CSV that stands without quotes.
pub(crate) const CELL: Quoting = Quoting { open: ",", close: ",", instead: &[] };
/// A member of an object.
pub(crate) const MEMBER: Quoting = Quoting {
    open: ": \"",
    close: "\"",
    instead: &[("\\", "\\\\"), ("\"", "\\\""), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")],
};

/// The file with another text in one of its places, which stays well formed; any change of it if it has no such place.
pub(crate) fn changed_inside(file: &str, quoting: &Quoting, chance: &mut Chance) -> String {
    let Quoting { open, close, instead } = quoting;
    let starts: Vec<usize> = file.match_indices(open).map(|(at, _)| at + open.len()).collect();
    if starts.is_empty() {
        return changed(file, chance);
    }
    let from = *chance.pick(&starts);
    let until = from + file[from..].find(close).unwrap_or(0);
    let own = instead
        .iter()
        .rev()
        .fold(file[from..until].to_owned(), |text, (is, written)| text.replace(written, is));
    let own = if chance.percent(60) { own } else { chance.word(&CELLS).to_owned() };
    let other = if chance.percent(80) { changed(&own, chance) } else { own };
    let other = instead.iter().fold(other, |text, (is, written)| text.replace(is, written));
    format!("{}{other}{}", &file[..from], &file[until..])
}
