//! Policies as files over HTTP: out in every format and in again, nothing guessed, nothing left out in
//! silence, nothing stored.

use crate::world::{Answer, World, policy};
use countersign_server::api::view::ImportView;
use countersign_server::limits::{IMPORT_BYTES_MAX, SIDE_BYTES_MAX};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

async fn exported(world: &World, query: &str) -> Answer {
    world.get("read", &format!("/v1/policies/discount/export?{query}")).await
}

async fn imported(world: &World, kind: &str, query: &str, bytes: &[u8]) -> Answer {
    let path = format!("/v1/policies/discount/import?{query}");
    world.send_bytes("read", "POST", &path, &[("content-type", kind)], bytes).await
}

#[track_caller]
fn taken(answer: &Answer) -> ImportView {
    assert_eq!(answer.status, 200, "{}", answer.text);
    serde_json::from_str(&answer.text).expect("it is as described")
}

fn shipped() -> String {
    policy("discount", "# Discount", "# Discount")
}

#[tokio::test]
async fn a_policy_goes_out_in_each_format_and_comes_back_unchanged() {
    let world = World::start().await;
    for (format, kind) in [("xlsx", XLSX), ("csv", "text/csv; charset=utf-8"), ("json", "application/json")] {
        let file = exported(&world, &format!("format={format}")).await;
        assert_eq!((file.status, file.header("content-type")), (200, kind), "{}", file.text);
        let name = format!("attachment; filename=\"discount.{format}\"");
        assert_eq!(file.header("content-disposition"), name);
        assert_eq!(file.header("countersign-left-out"), "");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        let back = taken(&imported(&world, kind, "", &file.bytes).await);
        assert!(back.policy == shipped() && back.rows.is_empty() && back.others.is_empty(), "{back:?}");
    }
    let guards = exported(&world, "format=csv&table=Guards").await;
    assert!(guards.text.starts_with("id,when,then,because\n"), "{}", guards.text);
    let back = taken(&imported(&world, "text/csv", "table=Guards", &guards.bytes).await);
    assert_eq!(back.policy, shipped());
}

#[tokio::test]
async fn what_a_format_has_no_place_for_is_left_out_only_when_somebody_says_so() {
    let world = World::start().await;
    let whole = exported(&world, "format=dmn").await;
    whole.is_problem(422, "CS-E0221");
    assert_eq!(whole.pointers(), ["Terms (1 row)", "Guards (5 rows)", "Promises (3 rows)"]);
    let rules = exported(&world, "format=dmn&rules_only=true").await;
    assert_eq!((rules.status, rules.header("content-type")), (200, "application/xml; charset=utf-8"));
    assert_eq!(rules.header("countersign-left-out"), "Terms (1 row), Guards (5 rows), Promises (3 rows)");
    assert!(rules.text.contains("hitPolicy=\"FIRST\""), "{}", rules.text);
    // What the model does not say is asked for, never guessed.
    let asked = imported(&world, "application/xml", "", &rules.bytes).await;
    asked.is_problem(422, "CS-E0221");
    assert!(asked.text.contains("[inputs.\\\"discount_percent\\\"]"), "{}", asked.text);
    let side = "side=%5Binputs.discount_percent%5D%0Anumber%20%3D%20%22fraction%22%0A\
                %5Boutcomes%5D%0A%22vp%20%2B%20finance%22%20%3D%20%22vp%20%2B%20finance%22%0A";
    let back = taken(&imported(&world, "application/xml", side, &rules.bytes).await);
    assert_eq!(back.policy, shipped());
}

#[tokio::test]
async fn an_import_shows_the_document_and_each_changed_row_and_stores_nothing() {
    let world = World::start().await;
    let before = (world.engine.health().position, world.get("read", "/v1/policies/discount").await.json);
    let rules = exported(&world, "format=csv").await.text;
    let changed = rules.replace("smb-auto,smb,<= 5%", "smb-auto,smb,<= 6%").replace("mid-auto,", "mid-easy,");
    let answer = imported(&world, "text/csv", "", changed.as_bytes()).await;
    let view = taken(&answer);
    assert!(view.policy.contains("| smb-auto  | smb     | <= 6%") && view.policy.contains("| mid-easy  |"));
    let what: Vec<_> = answer.json["rows"].as_array().expect("rows").iter().collect();
    let said = |id: &str| what.iter().find(|row| row["id"] == id).expect("it changes")["what"].clone();
    assert_eq!(
        (said("smb-auto"), said("mid-easy"), said("mid-auto")),
        ("changed".into(), "added".into(), "removed".into())
    );
    let semicolons = changed.replace(',', ";");
    let unsure = imported(&world, "text/csv", "", semicolons.as_bytes()).await;
    unsure.is_problem(422, "CS-E0221");
    let sure = taken(&imported(&world, "text/csv", "delimiter=%3B", semicolons.as_bytes()).await);
    assert_eq!(sure, view);
    let after = (world.engine.health().position, world.get("read", "/v1/policies/discount").await.json);
    assert_eq!(after, before);
}

#[tokio::test]
async fn what_cannot_be_carried_over_is_named_in_the_words_of_the_file() {
    let world = World::start().await;
    let rules = exported(&world, "format=csv").await.text;
    let wrong = rules.replace("<= 5%", "<= 5").replace("<= 35%", "<= 35.005%");
    let wrong = imported(&world, "text/csv", "", wrong.as_bytes()).await;
    wrong.is_problem(422, "CS-E0221");
    assert_eq!(wrong.pointers(), ["line 2, cell 3", "line 8, cell 3"]);
    assert!(
        wrong.json["errors"][0]["found"].as_str().expect("words").contains("unit mismatch"),
        "{}",
        wrong.text
    );
    let foreign = world.get("read", "/v1/policies/refund/export?format=json").await;
    let foreign = imported(&world, "application/json", "", &foreign.bytes).await;
    foreign.is_problem(422, "CS-E0221");
    assert!(foreign.text.contains("the file decides `refund`, not `discount`"), "{}", foreign.text);
}

#[tokio::test]
async fn a_hostile_file_or_query_is_refused_clearly() {
    let world = World::start().await;
    for kind in [XLSX, "text/csv", "application/xml", "application/json"] {
        let large = imported(&world, kind, "", &vec![b'x'; 10 * 1024 * 1024]).await;
        large.is_problem(413, "CS-E0202");
        imported(&world, kind, "", &vec![0xff; IMPORT_BYTES_MAX]).await.is_problem(422, "CS-E0221");
        imported(&world, kind, "", b"").await.is_problem(422, "CS-E0221");
        imported(&world, kind, "", b"PK\x03\x04 no workbook").await.is_problem(422, "CS-E0221");
    }
    let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
    imported(&world, "application/xml", "", bomb.as_bytes()).await.is_problem(422, "CS-E0221");
    for kind in ["application/pdf", "text/csv; charset=utf-16", "multipart/form-data; boundary=x", ""] {
        imported(&world, kind, "", b"id").await.is_problem(415, "CS-E0204");
    }
    let queries =
        ["side=x&side=y", "table=Rules&colour=red", "values=yes", "delimiter=%7C", "decimal_comma=1"];
    for query in queries {
        imported(&world, "text/csv", query, b"id").await.is_problem(400, "CS-E0210");
    }
    let side = format!("side={}", "x".repeat(SIDE_BYTES_MAX + 1));
    let long = imported(&world, "application/xml", &side, b"<a/>").await;
    long.is_problem(400, "CS-E0210");
    for (query, pointers) in [
        ("", vec!["format"]),
        ("format=pdf&version=latest&rules_only=yes&x=1", vec!["x", "format", "version", "rules_only"]),
    ] {
        let wrong = exported(&world, query).await;
        wrong.is_problem(400, "CS-E0210");
        assert_eq!(wrong.pointers(), pointers);
    }
    exported(&world, &format!("format=csv&version={}", "0".repeat(64))).await.is_problem(404, "CS-E0220");
    exported(&world, "format=csv&table=Nothing").await.is_problem(422, "CS-E0221");
    world.get("read", "/v1/policies/holiday/export?format=csv").await.is_problem(404, "CS-E0220");
}
