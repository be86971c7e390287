//! Models of our own: what a policy can say comes in and decides as expected; the rest is refused
//! with its place.

use super::*;
use crate::generated::{SHIPPED, file};
use countersign_core::document::{Faults, SourceFile};
use countersign_core::policy::Policy;
use std::collections::BTreeMap;

/// A policy that a model's table goes into; its examples are the results that are expected.
fn policy(examples: &[[&str; 6]]) -> Book {
    let mut text = "# Loans\n\n| policy |  |\n|---|---|\n| intent | loan |\n| owner | credit |\n| effective | 2026-01-01 |\n\
                    | unsure | closed |\n\n## Inputs\n\n| name | type |\n|---|---|\n| segment | one of smb, mid, ent |\n\
                    | share | percent 0% .. 60% |\n| amount | money USD 0 .. 1_000_000 |\n| renewal | yes/no |\n\n\
                    ## Rules: first\n\n| id | => outcome | because |\n|---|---|---|\n| old | deny | closed |\n\n\
                    ## Routes\n\n| route | step | whom | need | within | backup | finally |\n|---|---|---|---|---|---|---|\n\
                    | manager | 1 | pool managers | 1 | 8bh | pool vps | hold |\n| vp | 1 | pool vps | 1 | 8bh | pool managers | hold |\n\n\
                    ## Examples\n\n| case | segment | share | amount | renewal | => outcome | by |\n|---|---|---|---|---|---|---|\n"
        .to_owned();
    for (number, [segment, share, amount, renewal, outcome, by]) in examples.iter().enumerate() {
        text += &format!("| {number} | {segment} | {share} | {amount} | {renewal} | {outcome} | {by} |\n");
    }
    Book::read(&file(&text)).expect("it is a policy")
}

const SIDE: &str = r#"
[inputs.Segment]
name = "segment"
words = { "Small business" = "smb" }
[inputs."deal.share"]
name = "share"
number = "fraction"
[outcomes]
"Automatic" = "approve"
"Refuse" = "deny"
"#;

/// A model with one table: hit policy, expressions of the inputs, rules of entries and an answer.
fn model(hit: &str, inputs: &[&str], rules: &[(&[&str], &str)]) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\"?>\n<definitions xmlns=\"{NAMESPACE}\" name=\"m\">\n<decision id=\"d1\" name=\"Loan\">\n<decisionTable {hit}>\n"
    );
    for name in inputs {
        text += &format!(
            "<input><inputExpression typeRef=\"string\"><text>{name}</text></inputExpression></input>\n"
        );
    }
    text += "<output name=\"answer\"/>\n<annotation name=\"id\"/><annotation name=\"because\"/>\n";
    for (number, (entries, answer)) in rules.iter().enumerate() {
        text += "<rule>";
        for entry in *entries {
            text += &format!("<inputEntry><text>{}</text></inputEntry>", escaped(entry));
        }
        text += &format!("<outputEntry><text>{answer}</text></outputEntry>");
        text += &format!(
            "<annotationEntry><text>r{number}</text></annotationEntry><annotationEntry><text>why {number}</text></annotationEntry></rule>\n"
        );
    }
    text + "</decisionTable>\n</decision>\n</definitions>\n"
}

fn taken(model: &str, side: &str, policy: &Book) -> Result<String, String> {
    let side = Side::read(side).expect("a side table");
    let read = read(model.as_bytes(), policy, &side).and_then(|read| read.draft());
    read.map(|draft| draft.text).map_err(|refused| refused.to_string())
}

/// Reads the document as a policy and runs its examples.
fn faults_of(text: &str) -> Vec<String> {
    let mut faults = Faults::new("policies/loan.policy.md");
    let file = SourceFile { path: "policies/loan.policy.md".to_owned(), text: text.to_owned() };
    Policy::parse(&file, &BTreeMap::new(), &mut faults);
    faults.into_list().iter().map(ToString::to_string).collect()
}

const INPUTS: [&str; 4] = ["Segment", "deal.share", "amount", "renewal"];

#[test]
fn tables_of_each_hit_policy_come_in_and_decide_as_expected() {
    let check = |hit: &str, rules: &[(&[&str], &str)], heading: &str, examples: &[[&str; 6]]| {
        let text = taken(&model(hit, &INPUTS, rules), SIDE, &policy(examples)).expect("it is taken over");
        assert!(text.contains(&format!("## Rules: {heading}\n")), "{text}");
        assert_eq!(faults_of(&text), Vec::<String>::new(), "{text}");
    };
    check(
        "hitPolicy=\"FIRST\"",
        &[
            (&["\"Small business\"", "<= 0.05", "-", "-"], "\"Automatic\""),
            (&["\"Small business\",\"mid\"", "(0.05..0.15]", "< 50000", "true"], "\"manager\""),
            (&["not(\"ent\")", "-", "[50000..100000)", "-"], "\"vp\""),
            (&["-", "> 0.5", "", "-"], "\"Refuse\""),
            (&["-", "-", "-", "-"], "\"vp\""),
        ],
        "first",
        &[
            ["smb", "5%", "0", "no", "approve", "r0"],
            ["smb", "5.01%", "49_999.99", "yes", "manager", "r1"],
            ["mid", "15%", "49_999.99", "yes", "manager", "r1"],
            ["mid", "15.01%", "50_000", "yes", "vp", "r2"],
            ["mid", "50.01%", "100_000", "no", "deny", "r3"],
            ["ent", "15%", "50_000", "no", "vp", "r4"],
        ],
    );
    check(
        "",
        &[(&["-", "-", "< 100", "-"], "\"Automatic\""), (&["-", "-", ">= 100", "-"], "\"manager\"")],
        "unique",
        &[["smb", "0%", "99.99", "no", "approve", "r0"], ["smb", "0%", "100", "no", "manager", "r1"]],
    );
    let both: &[(&[&str], &str)] =
        &[(&["-", "-", "-", "-"], "\"manager\""), (&["-", "-", ">= 100", "-"], "\"vp\"")];
    let joined: &[[&str; 6]] =
        &[["smb", "0%", "99", "no", "manager", "r0"], ["smb", "0%", "100", "no", "manager + vp", "r0, r1"]];
    check("hitPolicy=\"COLLECT\"", both, "every", joined);
    check("hitPolicy=\"ANY\"", both, "every", joined);
}

#[test]
fn what_a_policy_cannot_say_is_refused_with_line_decision_and_rule() {
    let check = |model: &str, expected: &str| {
        let found = taken(model, SIDE, &policy(&[])).expect_err(expected);
        assert!(found.contains(expected), "expected {expected}\nfound {found}");
    };
    let plain: &[(&[&str], &str)] = &[(&["-"], "\"manager\"")];
    let one = |entry: &str| model("", &["amount"], &[(&[entry], "\"manager\"")]);
    check(&one("< limit"), "(decision Loan, rule 1): `< limit`: it is no literal");
    check(&one("< 5, > 10"), "line 8, column 7 (decision Loan, rule 1): `< 5, > 10`");
    check(&one("\"big\""), "the text `big` in a column of money USD");
    check(
        &model("hitPolicy=\"PRIORITY\"", &["amount"], plain),
        "line 4, column 1 (decision Loan): the hit policy `PRIORITY` has no like",
    );
    check(
        &model("hitPolicy=\"COLLECT\" aggregation=\"SUM\"", &["amount"], plain),
        "the aggregator `SUM` has no like",
    );
    check(&model("", &["amount * 2"], plain), "the input `amount * 2` is no name");
    check(&model("", &["amount"], &[(&["-", "-"], "\"manager\"")]), "2 entries for 1 inputs");
    check(&model("", &["amount"], &[(&["-"], "5 + 1")]), "(decision Loan, rule 1): `5 + 1`");
    check(&model("", &["amount"], &[(&["-"], "\"a\", \"b\"")]), "an answer is one constant");
    let two = model("", &["amount"], plain).replace("<output name=\"answer\"/>", "<output/><output/>");
    check(&two, "2 outputs; a rule has one answer");
    let default = model("", &["amount"], plain).replace(
        "<output name=\"answer\"/>",
        "<output><defaultOutputEntry><text>1</text></defaultOutputEntry></output>",
    );
    check(&default, "a default answer has no row");
    let language = one("5").replace("<inputEntry>", "<inputEntry expressionLanguage=\"groovy\">");
    check(&language, "the language `groovy` is not S-FEEL");
    let chained = model("", &["amount"], plain).replace(
        "<decisionTable",
        "<informationRequirement><requiredDecision href=\"#other\"/></informationRequirement><decisionTable",
    );
    check(&chained, "the decision needs another one, `#other`");
    let twice =
        model("", &["amount"], plain).replace("</definitions>", "<decision name=\"Other\"/></definitions>");
    check(&twice, "the model has several decisions: Loan, Other");
    check(
        "<definitions><decision name=\"x\"><literalExpression/></decision></definitions>",
        "the decision is no table",
    );
    check("<a/>", "no DMN model");
    check("<a", "the file is no XML");
    check("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "the file is no XML");
    let named = taken(&twice, "decision = \"Loan\"", &policy(&[])).expect("it is named");
    assert!(named.contains("| r0  |        | manager    | why 0   |"), "{named}");
    let refused = taken(&twice, "decision = \"None\"", &policy(&[])).expect_err("it is not there");
    assert!(refused.contains("the model has no decision `None`; it has Loan, Other"), "{refused}");
}

#[test]
fn answers_that_are_no_texts_are_named_in_the_side_table_as_they_are_spelled() {
    let rules: &[(&[&str], &str)] =
        &[(&["< 100"], "true"), (&["[100..500)"], "0.60"), (&[">= 500"], "false")];
    let plain = model("", &["amount"], rules);
    let refused = taken(&plain, "", &policy(&[])).expect_err("outcomes are missing");
    for line in ["\"0.6\" = \"\"", "\"false\" = \"\"", "\"true\" = \"\""] {
        assert!(refused.contains(line), "{line}\n{refused}");
    }
    let side = "[outcomes]\ntrue = \"approve\"\n\"0.6\" = \"manager\"\nfalse = \"deny\"\n";
    let examples = [
        ["smb", "0%", "99.99", "no", "approve", "r0"],
        ["smb", "0%", "100", "no", "manager", "r1"],
        ["smb", "0%", "500", "no", "deny", "r2"],
    ];
    let text = taken(&plain, side, &policy(&examples)).expect("it is taken over");
    assert_eq!(faults_of(&text), Vec::<String>::new(), "{text}");
}

#[test]
fn the_table_of_a_business_knowledge_model_comes_in_where_it_is_meant() {
    let table = |name: &str, answer: &str| {
        model("", &["amount"], &[(&["-"], answer)])
            .replace(
                "<decision id=\"d1\" name=\"Loan\">",
                &format!("<businessKnowledgeModel name=\"{name}\"><encapsulatedLogic>"),
            )
            .replace("</decision>\n", "</encapsulatedLogic></businessKnowledgeModel>\n")
    };
    let inner = |model: &str| {
        let (_, rest) = model.split_once("name=\"m\">").expect("it opens");
        rest.replace("</definitions>\n", "")
    };
    let alone = table("Rates", "\"manager\"");
    let taken_over = taken(&alone, "", &policy(&[])).expect("there is no other table");
    assert!(taken_over.contains("| r0  |        | manager    | why 0   |"), "{taken_over}");
    let beside = model("", &["amount"], &[(&["-"], "\"vp\"")])
        .replace("</definitions>", &format!("{}</definitions>", inner(&alone)));
    let text = taken(&beside, "", &policy(&[])).expect("the one decision is meant");
    assert!(text.contains("| r0  |        | vp         | why 0   |"), "{text}");
    let text = taken(&beside, "decision = \"Rates\"", &policy(&[])).expect("it is named");
    assert_eq!(text, taken_over);
    let two = alone.replace("</definitions>", &format!("{}</definitions>", inner(&table("Fees", "5"))));
    let refused = taken(&two, "", &policy(&[])).expect_err("two tables");
    assert!(refused.contains("the model has several decisions: Rates, Fees"), "{refused}");
}

#[test]
fn what_the_table_does_not_say_is_asked_for_in_a_side_table() {
    let plain = model("", &["Score", "share"], &[(&["< 5", "-"], "\"Go\""), (&["-", "-"], "\"manager\"")]);
    let plain = plain.replace("r0", "Rule One").replace("why 1", "");
    let refused = taken(&plain, "", &policy(&[])).expect_err("types, outcomes, ids and reasons are missing");
    let table = refused.split_once("\n\n").map(|(_, table)| table).expect("it prints a table");
    for line in [
        "[inputs.\"Score\"]",
        "type = \"\"  # the table says string",
        "[inputs.\"share\"]\nname = \"share\"\ntype = \"percent 0% .. 60%\"",
        "\"Go\" = \"\"",
        "1 = { id = \"\", because = \"why 0\" }",
        "2 = { id = \"r1\", because = \"\" }",
    ] {
        assert!(table.contains(line), "{line}\n{refused}");
    }
    let filled = table
        .replacen("name = \"\"\ntype = \"\"", "name = \"score\"\ntype = \"count 0 .. 100\"", 1)
        .replace("60%\"  # the table says string\nnumber = \"\"", "60%\"\nnumber = \"hundred\"")
        .replace("\"Go\" = \"\"", "\"Go\" = \"approve\"")
        .replace("id = \"\"", "id = \"low\"")
        .replace("because = \"\"", "because = \"the rest\"");
    let text = taken(&plain, &filled, &policy(&[])).expect(&filled);
    assert!(text.contains("| score   | count 0 .. 100           |"), "{text}");
    assert!(text.contains("| low | < 5   |       | approve    | why 0    |"), "{text}");
    assert!(text.contains("| r1  |       |       | manager    | the rest |"), "{text}");
    let fault = Side::read("colour = 1").expect_err("no such key").to_string();
    assert!(fault.contains("unknown field `colour`"), "{fault}");
    let refused = taken(&plain, "[inputs.Score]\ntype = \"number\"", &policy(&[])).expect_err("no type");
    assert!(refused.contains("side table, inputs.\"Score\": `number` is no type"), "{refused}");
}

#[test]
fn a_rule_table_goes_out_and_comes_back() {
    let book = Book::read(&file(SHIPPED[0])).expect("a policy");
    let refused = write(&book, false).expect_err("guards do not fit").to_string();
    for part in
        ["Terms (1 row): has no place in a DMN table", "Guards (5 rows)", "Promises (3 rows)", "--rules-only"]
    {
        assert!(refused.contains(part), "{part}\n{refused}");
    }
    let exported = write(&book, true).expect("only the rules");
    assert_eq!(exported.left_out, ["Terms (1 row)", "Guards (5 rows)", "Promises (3 rows)"]);
    let side =
        "[inputs.discount_percent]\nnumber = \"fraction\"\n[outcomes]\n\"vp + finance\" = \"vp + finance\"\n";
    let back = read(exported.text.as_bytes(), &book, &Side::read(side).expect("a side table"))
        .unwrap_or_else(|refused| panic!("{refused}\n{}", exported.text));
    assert_eq!(back.book, book);
    let redline = Book::read(&file(SHIPPED[2])).expect("a policy");
    let refused = write(&redline, false).expect_err("it decides clause by clause").to_string();
    assert!(refused.contains("`for each clause`: has no place in a DMN table"), "{refused}");
}
