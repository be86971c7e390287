//! Whoever approves is shown all of what would be written, by every door: a plan is never cut, and one that is too long
//! to be shown is approved by nobody.

use crate::world::{SMALL, World, secret};
use countersign_core::effect::plan::{FIELDS_MAX, PLAN_BYTES_MAX};
use countersign_core::record::{Field, Value};
use countersign_tests::world::program;
use serde_json::json;
use std::process::Output;
use std::time::Duration;
use tokio::process::Command;

/// How a long value ends.
const LONGEST: &str = "THE-END-OF-A-LONG-VALUE";

/// How often it is looked whether all is written, and how long it is waited between two looks.
const LOOKS_MAX: usize = 1_000;
const LOOK: Duration = Duration::from_millis(10);

fn field(name: &str, text: &str) -> Field {
    Field { name: name.to_owned(), value: Value::Text(text.to_owned()) }
}

/// What the command says to somebody.
async fn command(world: &World, who: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program().expect("the program was built"));
    command.args(arguments).kill_on_drop(true);
    command.env("COUNTERSIGN_URL", format!("http://{}", world.address));
    command.env("COUNTERSIGN_TOKEN", secret(who));
    command.output().await.expect("it runs")
}

fn id(place: &str) -> &str {
    place.rsplit('/').next().expect("an address")
}

/// The most that a plan of the small discount asks for at one connection by itself.
async fn own_fields(world: &World) -> usize {
    let place = world.submitted("k-own", SMALL).await;
    let plan = world.get("sales-manager-1", &place).await.json["plan"].clone();
    let writes = plan["writes"].as_array().expect("writes").clone();
    let count = |write: &serde_json::Value| write["changes"].as_array().expect("changes").len();
    let most = writes.iter().map(count).max().expect("there is one");
    let headers = [("idempotency-key", "w-own"), ("if-match", "\"1\"")];
    let answer = world.send("ae-1", "POST", &format!("{place}/withdrawals"), &headers, "{}").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    most
}

/// Somebody cannot approve it by either door, nor make it pass in another way, and nothing is written.
async fn is_approved_by_nobody(world: &World, place: &str, why: &str) {
    let shown = world.get("sales-manager-1", place).await;
    assert_eq!(shown.json["state"], "unsettled", "{}", shown.text);
    assert!(shown.json["plan"].is_null(), "a part of it is shown: {}", shown.json["plan"]);
    let exception = &shown.json["exceptions"][0];
    assert_eq!((&exception["cause"], &exception["state"]), (&json!("unsure"), &json!("open")));
    assert_eq!(exception["detail"]["code"], "plan-too-long");
    assert!(
        exception["detail"]["message"].as_str().is_some_and(|message| message.contains(why)),
        "{exception}"
    );

    let headers = [("idempotency-key", "a-1"), ("if-match", "\"1\"")];
    let decisions = format!("{place}/decisions");
    let body = json!({ "decision": "approve" }).to_string();
    let answer = world.send("sales-manager-1", "POST", &decisions, &headers, &body).await;
    answer.is_problem(409, "CS-E0109");
    let said =
        command(world, "sales-manager-1", &["decide", id(place), "--approve", "--revision", "1"]).await;
    assert!(!said.status.success(), "the command approved it");
    let talk = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(talk.contains("CS-E0109"), "{talk}");
    let page = command(world, "sales-manager-1", &["intent", "show", id(place)]).await;
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(page.contains(why) && !page.contains("write plan, seal"), "{page}");

    // Whoever answers for it has it tried again, and it is as long as before.
    let owner = exception["owner"].as_str().expect("an owner").to_owned();
    let close = format!("{place}/exceptions/{}/closures", exception["id"].as_str().expect("an id"));
    let body = json!({ "by": "retry", "reason": "shorter now" }).to_string();
    let headers = [("idempotency-key", "c-1"), ("if-match", "\"1\""), ("prefer", "wait=10")];
    let answer = world.send(&owner, "POST", &close, &headers, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(world.connectors.writes().len(), 0, "something was written");
}

#[tokio::test]
async fn a_plan_of_as_many_fields_as_are_allowed_is_shown_whole_by_the_api_and_by_the_command() {
    let world = World::start().await;
    let more = FIELDS_MAX - own_fields(&world).await;
    let long = format!("{}{LONGEST}", "word ".repeat(20_000));
    let mut fields: Vec<Field> = (1..more).map(|number| field(&format!("more_{number:03}"), "x")).collect();
    fields.push(field("long", &format!("line\n{long}")));
    world.connectors.plan_all_of(fields);
    let place = world.submitted("k-1", SMALL).await;

    let shown = world.get("sales-manager-1", &place).await;
    let writes = shown.json["plan"]["writes"].as_array().expect("writes").clone();
    assert_eq!(
        writes.iter().map(|write| write["changes"].as_array().expect("changes").len()).max(),
        Some(FIELDS_MAX)
    );
    let page = command(&world, "sales-manager-1", &["intent", "show", id(&place)]).await;
    assert!(page.status.success(), "{}", String::from_utf8_lossy(&page.stderr));
    let page = String::from_utf8(page.stdout).expect("it prints text");
    for write in &writes {
        let changes = write["changes"].as_array().expect("changes");
        assert!(changes.iter().any(|change| {
            change["after"]["text"]
                .as_str()
                .is_some_and(|text| text.ends_with(LONGEST) && text.len() == "line\n".len() + long.len())
        }));
        for change in changes {
            let (name, after) = (change["field"].as_str().expect("a name"), &change["after"]["text"]);
            let after = after.as_str().expect("a text").replace('\n', " ");
            let binding = write["binding"].as_str().expect("a binding");
            let is_line = |line: &&str| {
                let mut words = line.split_whitespace();
                words.next() == Some(binding) && words.any(|word| word == name) && line.ends_with(&after)
            };
            let found: Vec<&str> = page.lines().filter(|line| line.contains(&format!(" {name} "))).collect();
            assert!(page.lines().any(|line| is_line(&line)), "`{name}` of {binding} is {after}: {found:?}");
        }
    }

    // It is approved with the seal of just that, and just that is written.
    let seal = shown.json["plan"]["seal"].as_str().expect("a seal");
    let arguments = ["decide", id(&place), "--approve", "--revision", "1", "--seal", seal];
    let said = command(&world, "sales-manager-1", &arguments).await;
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    for _ in 0..LOOKS_MAX {
        if world.connectors.writes().len() == writes.len() {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    let written = world.connectors.writes();
    assert_eq!(written.len(), writes.len());
    for call in &written {
        let planned = writes.iter().find(|write| write["effect"] == call.effect.to_string()).expect("shown");
        let names: Vec<&str> = call.plan.changes.iter().map(|change| change.name.as_str()).collect();
        let shown = planned["changes"].as_array().expect("changes");
        let shown: Vec<&str> = shown.iter().filter_map(|change| change["field"].as_str()).collect();
        assert_eq!(names, shown);
    }
}

#[tokio::test]
async fn a_plan_of_more_fields_than_can_be_shown_is_approved_by_nobody() {
    let world = World::start().await;
    let more = FIELDS_MAX - own_fields(&world).await;
    world.connectors.plan_all_of((0..=more).map(|number| field(&format!("more_{number:03}"), "x")).collect());
    let place = world.submitted("k-1", SMALL).await;
    is_approved_by_nobody(&world, &place, "501 fields").await;
}

#[tokio::test]
async fn a_plan_that_is_longer_than_can_be_shown_is_approved_by_nobody() {
    let world = World::start().await;
    let long = "x".repeat(PLAN_BYTES_MAX / 2);
    world.connectors.plan_all_of(vec![field("long", &long)]);
    let place = world.submitted("k-1", SMALL).await;
    is_approved_by_nobody(&world, &place, "786432 are allowed").await;
}

#[tokio::test]
async fn the_policy_approves_nothing_either_that_could_not_be_shown() {
    let world = World::start().await;
    world
        .connectors
        .plan_all_of((0..=FIELDS_MAX).map(|number| field(&format!("more_{number:03}"), "x")).collect());
    let place = world.submitted("k-1", &SMALL.replace("12%", "1%")).await;
    assert_eq!(world.get("ae-1", &place).await.json["state"], "unsettled");
    assert_eq!(world.connectors.writes().len(), 0);
}

#[tokio::test]
async fn a_note_of_several_lines_is_read_to_its_end() {
    let world = World::start().await;
    let note = "They have an offer.\\nIt ends on Friday, says THE-BUYER.";
    let body = SMALL.replace("\"reason\":\"volume\"", &format!("\"reason\":\"volume\",\"note\":\"{note}\""));
    let place = world.submitted("k-1", &body).await;
    let page = command(&world, "sales-manager-1", &["intent", "show", id(&place)]).await;
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(page.contains("They have an offer. It ends on Friday, says THE-BUYER."), "{page}");
}
