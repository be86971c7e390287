//! The pages of connectors: which builds there are, what each asks for, and how operators put one in force and take it
//! back.

use super::browser::Browsers;
use super::denied::on_record;
use super::exceptions::sent;
use super::links::hidden;
use super::on_pages::other_build;
use super::world::{Setup, small_deal};
use countersign_core::effect::attempt::Guarantee;
use countersign_tests::scripted::Scripted;
use futures::future::join_all;
use serde_json::json;

const PAGE: &str = "/connectors/scripted.crm";
const SEND: &str = "to send requests to `api`";
const KEEP: &str = "to keep up to 64 MiB in memory";

/// A house with two builds of each connector: what the one before asks for, and the one in force.
async fn house(before: &[&str], now: &[&str]) -> Browsers {
    let connectors = small_deal(Guarantee::ByNaturalKey).asking(before, now);
    Browsers::within(Setup { connectors: Some(connectors), upgraded: true, ..Setup::default() }).await
}

/// What somebody sends of a form about the build that serves nothing.
fn about_other(page: &str, below: &str, more: &[(&str, &str)]) -> String {
    sent(other_build(page), &format!("{PAGE}/{below}"), more)
}

#[tokio::test]
async fn everybody_sees_which_builds_there_are_and_what_each_asks_for_beside_the_one_in_force() {
    let browsers = house(&[SEND, KEEP], &[SEND]).await;
    let cookie = browsers.signed_in("ae-2").await;
    let list = browsers.get(&cookie, "/connectors").await;
    assert_eq!(list.status, 200, "{}", list.text);
    for words in [
        "<a href=\"/connectors/scripted.crm\">scripted.crm</a>",
        "<td data-of=\"signed by\">acme-2026</td>",
        "<td data-of=\"conformance\">full</td>",
        "<a href=\"/connections/billing\">billing</a>",
        "<b>waits for a yes to what it asks for</b>",
    ] {
        assert!(list.text.contains(words), "{words}: {}", list.text);
    }
    let shown = browsers.get(&cookie, PAGE).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let keep = format!("<li>{KEEP} <b class=\"late\">not granted to the build in force</b></li>");
    assert!(other_build(&shown.text).contains(&keep), "{}", shown.text);
    assert!(shown.text.contains("<li>to send requests to <code>api</code></li>"), "{}", shown.text);
    assert!(shown.text.contains("<a href=\"/connections/crm\">crm</a>"), "{}", shown.text);
    assert!(!shown.text.contains("<textarea"), "only operators do something here: {}", shown.text);
    let builds = browsers.world.get("ae-2", "/v1/connectors/scripted.crm").await.json["builds"].clone();
    for build in builds.as_array().expect("builds") {
        assert!(shown.text.contains(build["digest"].as_str().expect("a digest")), "{}", shown.text);
    }
    let operator = browsers.signed_in("integration-1").await;
    let offered = browsers.get(&operator, PAGE).await.text;
    assert!(other_build(&offered).contains("It asks for more than was granted"), "{offered}");
    assert!(!other_build(&offered).contains("/activations\""), "it cannot be put in force: {offered}");
    let other = house(&[SEND], &[SEND, KEEP]).await;
    let shown = other.get(&other.signed_in("ae-2").await, PAGE).await.text;
    let dropped = format!("Not any more, as the build in force does:</p><ul><li>{KEEP}</li></ul>");
    assert!(other_build(&shown).contains(&dropped), "{shown}");
    let unknown = browsers.get(&cookie, "/connectors/none").await;
    assert!(unknown.status == 404 && unknown.text.contains("href=\"/inbox\""), "{}", unknown.text);
    assert_eq!(browsers.get(&cookie, "/connectors?all=yes").await.status, 400);
    let bare = Setup { connectors: Some(Scripted::default()), upgraded: true, ..Setup::default() };
    let bare = Browsers::within(bare).await;
    let empty = bare.get(&bare.signed_in("ae-2").await, "/connectors").await;
    assert!(empty.text.contains("This host has no connector."), "{}", empty.text);
}

#[tokio::test]
async fn an_operator_has_a_build_tried_takes_it_back_and_puts_it_in_force_in_forms() {
    let browsers = house(&[SEND], &[SEND, KEEP]).await;
    let operator = browsers.signed_in("integration-1").await;
    let states = async || {
        let builds = browsers.world.get("ae-2", "/v1/connectors/scripted.crm").await.json["builds"].clone();
        let state = |build: &serde_json::Value| build["state"].as_str().unwrap_or_default().to_owned();
        let mut states: Vec<String> = builds.as_array().expect("builds").iter().map(state).collect();
        states.sort();
        states
    };
    let page = async || browsers.get(&operator, PAGE).await.text;
    let shown = page().await;
    let share = about_other(&shown, "activations", &[("way", "share"), ("share", "25"), ("words", "a try")]);
    let before = browsers.world.changes().await;
    for wrong in [
        share.replace(&hidden(&shown, "once"), ""),
        share.replace("share=25", "share=0"),
        share.replace("share=25", "share=100"),
        share.replace("share=25", "share=many"),
        share.replace("way=share", "way=on%2Fnowhere"),
        share.replace("way=share", "way="),
        share.replace("a+try", "+"),
        share.replace("digest=", "digest=x"),
    ] {
        let answer = browsers.post(&operator, &format!("{PAGE}/activations"), &wrong).await;
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.text);
        assert!(answer.text.contains("Nothing was kept."), "{}", answer.text);
    }
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    let to = format!("{PAGE}/activations");
    for answer in join_all((0..8).map(|_| browsers.post(&operator, &to, &share))).await {
        let kept = (answer.status, answer.header("location"));
        assert_eq!(kept, (303, "/connectors/scripted.crm?said=activations"), "{}", answer.text);
    }
    let history = browsers.world.get("ae-2", "/v1/connectors/scripted.crm/history").await;
    assert_eq!(history.text.matches("a try").count(), 1, "eight clicks are one: {}", history.text);
    let told = browsers.get(&operator, &format!("{PAGE}?said=activations")).await.text;
    for words in [
        "It is kept: you had 1.0.0 ",
        "<b>plans 25 % of the intents</b>",
        "<span class=\"state\">plans 25 %",
        ": a try",
    ] {
        let on = if words.starts_with("<b>") {
            browsers.get(&operator, "/connectors").await.text
        } else {
            told.clone()
        };
        assert!(on.contains(words), "{words}: {on}");
    }
    // An address says nothing that the record does not say, and nobody else did it.
    let other = browsers.signed_in("ae-2").await;
    for (cookie, lied) in [(&operator, "removals"), (&operator, "nothing"), (&other, "activations")] {
        let shown = browsers.get(cookie, &format!("{PAGE}?said={lied}")).await.text;
        assert!(!shown.contains("class=\"kept\""), "{lied}: {shown}");
    }
    for (below, from, to, is_other) in [
        ("rollbacks", ["active", "canary"], ["active", "staged"], false),
        ("activations", ["active", "staged"], ["active", "previous"], true),
        ("quarantines", ["active", "previous"], ["active", "quarantined"], true),
        ("releases", ["active", "quarantined"], ["active", "previous"], true),
    ] {
        assert_eq!(states().await, from, "before {below}");
        let shown = page().await;
        let more = [("way", "all"), ("share", "10"), ("words", "because it is so")];
        let more = if below == "activations" { &more[..] } else { &more[2..] };
        let form = if is_other {
            about_other(&shown, below, more)
        } else {
            sent(&shown, &format!("{PAGE}/{below}"), more)
        };
        let answer = browsers.post(&operator, &format!("{PAGE}/{below}"), &form).await;
        assert_eq!(answer.header("location"), format!("{PAGE}?said={below}"), "{}", answer.text);
        assert_eq!(states().await, to, "after {below}");
        let told = browsers.get(&operator, answer.header("location")).await.text;
        assert!(told.contains("It is kept: you ") && told.contains("because it is so"), "{below}: {told}");
        assert_eq!(browsers.get("", &format!("{PAGE}/{below}")).await.header("location"), PAGE);
    }
    is_told_of_the_week(&browsers, &other).await;
}

/// Whoever looks at the week finds what became of it, and not that a build was brought.
async fn is_told_of_the_week(browsers: &Browsers, cookie: &str) {
    let week = browsers.get(cookie, "/measures/review?day=2026-11-23").await.text;
    let of = "scripted.crm</a>: integration-1 ";
    let part = format!("<a href=\"{PAGE}\">{of}had ");
    for words in
        [&*part, "</code> plan 25 % of the intents: a try", "</code> in quarantine: because it is so"]
    {
        assert!(week.contains(words), "no {words}: {week}");
    }
    assert!(!week.contains(" added "), "{week}");
}

#[tokio::test]
async fn whoever_is_too_late_for_a_build_loses_no_word() {
    let browsers = house(&[SEND], &[SEND, KEEP]).await;
    let operator = browsers.signed_in("integration-1").await;
    let shown = browsers.get(&operator, PAGE).await.text;
    let removal = about_other(&shown, "removals", &[("words", "it is old")]);
    let activation =
        about_other(&shown, "activations", &[("way", "all"), ("share", "10"), ("words", "again")]);
    assert_eq!(browsers.post(&operator, &format!("{PAGE}/activations"), &activation).await.status, 303);
    let late = browsers.post(&operator, &format!("{PAGE}/removals"), &removal).await;
    assert_eq!(late.status, 409, "{}", late.text);
    assert!(late.text.contains("<blockquote>it is old</blockquote>"), "{}", late.text);
}

#[tokio::test]
async fn what_a_page_of_a_connector_does_not_offer_is_refused_and_on_record() {
    let browsers = house(&[SEND], &[SEND, KEEP]).await;
    let operator = browsers.signed_in("integration-1").await;
    let shown = browsers.get(&operator, PAGE).await.text;
    let form = about_other(&shown, "quarantines", &[("words", "why")]);
    let to = format!("{PAGE}/quarantines");
    let before = browsers.world.changes().await;
    // One of them owns a connection, which is not the whole of a connector.
    for person in ["ae-1", "billing-1", "auditor-1"] {
        let cookie = browsers.signed_in(person).await;
        let answer = browsers.post(&cookie, &to, &form).await;
        assert_eq!(answer.status, 403, "{person}: {}", answer.text);
        assert!(
            answer.text.contains("is no operator") && !answer.text.contains("<textarea"),
            "{}",
            answer.text
        );
    }
    let headers = [
        ("cookie", operator.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(browsers.world.send("", "POST", &to, &headers, &form).await.status, 403);
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    for (item, person) in on_record(&browsers.world, 3).await.iter().zip(["ae-1", "billing-1", "auditor-1"]) {
        assert_eq!((&item["person"], &item["code"]), (&json!(person), &json!("CS-E0223")));
        let done = (&item["door"], &item["verb"], &item["on"]);
        assert_eq!(done, (&json!("console"), &json!("quarantine-connector"), &json!(["scripted.crm"])));
    }
}
