//! A week or a month beside the one before it, over HTTP, on its page and by the command line.

use super::browser::Browsers;
use super::policies::{body, changed};
use super::visibility::{CLOSED, comes_to, restricted};
use super::world::{SMALL, Setup, World, secret};
use countersign_core::time::Millis;
use countersign_tests::world::program;
use serde_json::{Value as Json, json};
use tokio::process::Command;

/// Intents of which there are enough to say that something got better.
const ENOUGH: usize = 10;

async fn review(world: &World, person: &str, query: &str) -> Json {
    let answer = world.get(person, &format!("/v1/measures/review{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

/// A figure of everything together.
fn figure<'a>(told: &'a Json, id: &str) -> &'a Json {
    let all = told["all"].as_array().expect("figures");
    all.iter().find(|figure| figure["id"] == id).unwrap_or_else(|| panic!("no {id}: {told:#}"))
}

/// So many discounts that a manager approves after so many hours.
async fn decided(world: &World, week: &str, hours: u64) {
    let mut places = Vec::new();
    for number in 0..ENOUGH {
        places.push(world.submitted(&format!("{week}-{number}"), SMALL).await);
    }
    world.clock.turn(Millis::hours(hours));
    for place in &places {
        let answer = world
            .post("sales-manager-1", &format!("{place}/decisions"), place, r#"{"decision":"approve"}"#)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for place in &places {
        comes_to(world, place, "done").await;
    }
}

/// Monday the 23rd of November and the Monday after it: people take four hours on the first and two on the second, on which a
/// policy is changed.
async fn two_weeks(world: &World) {
    decided(world, "first", 4).await;
    world.clock.turn(Millis::hours(7 * 24));
    let (document, warnings) = changed("<= 12%", "2026-11-20");
    let place = world.submitted("change", &body(&document, &warnings)).await;
    let seal = &world.get("pricing-lead", &place).await.json["plan"]["seal"];
    let approve = format!(r#"{{"decision":"approve","seal":{seal}}}"#);
    let answer = world.post("pricing-lead", &format!("{place}/decisions"), "change", &approve).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    decided(world, "second", 2).await;
}

#[tokio::test]
async fn two_weeks_are_told_side_by_side_with_what_was_changed() {
    let world = World::start().await;
    two_weeks(&world).await;
    // There is enough to tell from, and the week is not over.
    let told = review(&world, "revops-lead", "?day=2026-11-30").await;
    assert_eq!(figure(&told, "decision_by_people")["difference"], "\u{2212}2 h", "{told:#}");
    assert!(!told.to_string().contains("\"tendency\""), "{told:#}");
    world.clock.turn(Millis::hours(7 * 24));
    // Monday the 7th of December: the last week that is over.
    let told = review(&world, "revops-lead", "").await;
    assert_eq!(
        [&told["of"], &told["since"], &told["until"], &told["before"], &told["over"]],
        [&json!("week"), &json!("2026-11-30"), &json!("2026-12-06"), &json!("2026-11-23"), &json!(true)]
    );
    let took = figure(&told, "decision_by_people");
    assert_eq!((&took["difference"], &took["tendency"]), (&json!("\u{2212}2 h"), &json!("better")), "{took}");
    // The change of the policy is decided by people too.
    assert_eq!((&took["then"]["count"], &took["now"]["count"]), (&json!(ENOUGH), &json!(ENOUGH + 1)));
    let asked = figure(&told, "submitted");
    assert_eq!((&asked["then"]["count"], &asked["now"]["count"]), (&json!(ENOUGH), &json!(ENOUGH + 1)));
    assert_eq!((&asked["difference"], asked.get("tendency")), (&json!("+1"), None), "more is neither");
    assert_eq!(figure(&told, "write_success")["tendency"], "level");
    // How long all of them waited follows from how many there were.
    let waited = figure(&told, "leak_time");
    assert_eq!((waited["difference"].is_string(), waited.get("tendency")), (true, None), "{waited}");
    // What stands open now belongs to no week.
    let all = told["all"].as_array().expect("figures");
    assert!(all.iter().all(|figure| figure["id"] != "undecided"), "{told:#}");
    assert_eq!(all.len(), told["measures"].as_array().expect("measures").len());

    let types: Vec<&Json> = told["types"].as_array().expect("types").iter().map(|one| &one["type"]).collect();
    assert_eq!(types, ["discount", "policy_change"]);
    let [change] = told["changes"].as_array().expect("changes").as_slice() else { panic!("{told:#}") };
    assert_eq!((&change["by"], change.get("connector")), (&json!(["pricing-lead"]), None), "{change}");
    assert_eq!(change["what"], "policy change for intent discount", "{change}");
    assert!(change["at"].as_str().is_some_and(|at| at.starts_with("2026-11-30T")), "{change}");

    let first = review(&world, "revops-lead", "?of=week&day=2026-11-29").await;
    assert_eq!((&first["since"], &first["changes"]), (&json!("2026-11-23"), &json!([])));
    assert_eq!(figure(&first, "decision_by_people").get("difference"), None, "nothing was before");
    assert!(!first.to_string().contains("\"tendency\""), "{first:#}");
    let month = review(&world, "revops-lead", "?of=month&day=2026-12-07").await;
    assert_eq!(
        [&month["since"], &month["until"], &month["before"], &month["over"]],
        [&json!("2026-12-01"), &json!("2026-12-31"), &json!("2026-11-01"), &json!(false)]
    );
    assert_eq!(figure(&month, "submitted")["difference"], format!("\u{2212}{}", 2 * ENOUGH + 1));
}

#[tokio::test]
async fn what_cannot_be_reviewed_is_said() {
    let world = World::start().await;
    for query in [
        "?of=day",
        "?of=year",
        "?day=2026-11-24",
        "?day=yesterday",
        // Ten years and a bit, with the week before it.
        "?day=2016-11-20",
        "?since=2026-11-01",
    ] {
        world.get("ae-1", &format!("/v1/measures/review{query}")).await.is_problem(400, "CS-E0210");
    }
    review(&world, "ae-1", "?day=2026-11-23").await;
    review(&world, "ae-1", "?day=2017-01-01").await;
}

#[tokio::test]
async fn it_tells_nobody_what_is_not_for_them() {
    let hidden = World::of(Setup { rulebook: restricted(&[CLOSED]), ..Setup::default() }).await;
    hidden.submitted("k-1", SMALL).await;
    for (person, submitted) in [("ae-2", 0), ("revops-lead", 1), ("auditor-1", 1)] {
        let told = review(&hidden, person, "?day=2026-11-23").await;
        assert_eq!(figure(&told, "submitted")["now"]["count"], submitted, "{person}: {told:#}");
        assert_eq!(told.get("withheld").is_some(), submitted == 0, "{person}: {told:#}");
        assert_eq!(told["types"].as_array().map(Vec::len), Some(submitted), "{person}: {told:#}");
    }
}

#[tokio::test]
async fn a_page_and_a_command_tell_the_same() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("revops-lead").await;
    let empty = browsers.get(&cookie, "/measures/review").await;
    assert_eq!(empty.status, 200, "{}", empty.text);
    for wanted in [
        "The week from 2026-11-16 to 2026-11-22",
        "No rate and no time of which",
        "No change of a policy, a shared file",
    ] {
        assert!(empty.text.contains(wanted), "no {wanted}: {}", empty.text);
    }
    two_weeks(&browsers.world).await;
    browsers.world.clock.turn(Millis::hours(7 * 24));
    // Its session has ended by then.
    let cookie = browsers.signed_in("revops-lead").await;
    let page = browsers.get(&cookie, "/measures/review").await;
    for wanted in [
        "The week from 2026-11-30 to 2026-12-06",
        "<b>Better</b>: Time to decision by people 2 h, before it 4 h (\u{2212}2 h)",
        // Nothing was decided by a policy: there is no length of it.
        "Time to decision by policy</th><td class=\"number\" data-of=\"this week\">-</td>",
        "policy change for intent discount</a>, decided by pricing-lead",
        "href=\"/measures/review?of=week&amp;day=2026-11-23\">The week before",
        "href=\"/measures/review?of=week&amp;day=2026-12-07\">The next week",
        "href=\"/measures/review?of=month&amp;day=2026-11-30\">Its month",
        "<a href=\"/intents?type=discount\">discount</a>",
    ] {
        assert!(page.text.contains(wanted), "no {wanted}: {}", page.text);
    }
    assert!(!page.text.contains("not over yet"), "{}", page.text);
    let this = browsers.get(&cookie, "/measures/review?day=2026-12-07").await;
    assert!(this.text.contains("not over yet") && !this.text.contains("The next week"), "{}", this.text);
    let wrong = browsers.get(&cookie, "/measures/review?of=year").await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);
    assert!(wrong.text.contains("href=\"/measures/review\""), "{}", wrong.text);
    let stranger = browsers.get("", "/measures/review").await;
    let to = "/sign-in?next=%2Fmeasures%2Freview";
    assert_eq!((stranger.status, stranger.header("location")), (303, to));

    let mut command = Command::new(program().expect("the program was built"));
    command.args(["measure", "--review", "week"]).kill_on_drop(true);
    command.env("COUNTERSIGN_URL", format!("http://{}", browsers.world.address));
    command.env("COUNTERSIGN_TOKEN", secret("revops-lead"));
    let said = command.output().await.expect("it runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let text = String::from_utf8(said.stdout).expect("it prints text");
    let lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for wanted in [
        "week from 2026-11-30 to 2026-12-06 (UTC), after that from 2026-11-23",
        "Time to decision by people 4 h 2 h \u{2212}2 h better",
        "what was changed",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "no `{wanted}`: {text}");
    }
    assert!(text.contains("policy change for intent discount, by pricing-lead (int_"), "{text}");
}
