//! The page of people, where somebody says that they are away; and the first steps of a house.

use super::browser::Browsers;
use super::denied::on_record;
use super::exceptions::sent;
use super::links::hidden;
use super::world::{SMALL, Setup};
use countersign_tests::scripted::Scripted;
use futures::future::join_all;
use serde_json::json;

const TO: &str = "/people/absences";
/// A week of finance-1 in which finance-3 is asked instead.
const WEEK: [(&str, &str); 4] =
    [("from", "2026-11-30"), ("until", "2026-12-04"), ("cover", "finance-3"), ("for", "")];

#[tokio::test]
async fn the_page_of_people_shows_who_is_where_who_owns_what_and_what_could_not_be_decided() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("ae-2").await;
    let shown = browsers.get(&cookie, "/people").await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    for words in [
        "<th scope=\"row\">finance</th>",
        "<td data-of=\"lead\">finance-lead</td>",
        "<th scope=\"row\">auditor-1</th>",
        "2026-12-14 to 2026-12-18",
        "<a href=\"/connections/crm\">crm</a>",
        "Who may approve it",
        "What could not be decided",
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    assert!(!shown.text.contains("Too few on some days"), "{}", shown.text);
    for person in ["finance-1", "finance-3"] {
        let away =
            json!({ "from": "2026-12-14", "until": "2026-12-18", "cover": "finance-lead" }).to_string();
        let answer =
            browsers.world.post(person, &format!("/v1/people/{person}/absences"), person, &away).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let shown = browsers.get(&cookie, "/people").await;
    for words in
        ["Too few on some days", "<td data-of=\"row\">finance step 1</td>", "asked instead of finance-2"]
    {
        let there = shown.text.contains(words);
        assert_eq!(there, words != "asked instead of finance-2", "{words}: {}", shown.text);
    }
    assert_eq!(browsers.get(&cookie, "/people?all=yes").await.status, 400);
    assert_eq!(browsers.get("", TO).await.header("location"), "/people");
}

#[tokio::test]
async fn somebody_says_in_a_form_that_they_are_away_and_that_they_are_back() {
    let browsers = Browsers::start().await;
    let own = browsers.signed_in("finance-1").await;
    let shown = browsers.get(&own, "/people").await.text;
    let week = sent(&shown, TO, &WEEK);
    let before = browsers.world.changes().await;
    for wrong in [
        week.replace(&hidden(&shown, "once"), ""),
        week.replace("from=2026-11-30", "from=soon"),
        week.replace("until=2026-12-04", "until="),
        week.replace("cover=finance-3", "cover="),
        week.replace("cover=finance-3", "cover=ae-1"),
        week.replace("until=2026-12-04", "until=2026-11-29"),
        week.replace("for=", "for=lunch"),
        week.replace("person=finance-1", "person=%20"),
    ] {
        let answer = browsers.post(&own, TO, &wrong).await;
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.text);
        assert!(answer.text.contains("Nothing was kept."), "{}", answer.text);
    }
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    assert!(!browsers.get(&own, "/people?said=away").await.text.contains("your absence is on record"));
    for answer in join_all((0..8).map(|_| browsers.post(&own, TO, &week))).await {
        assert_eq!((answer.status, answer.header("location")), (303, "/people?said=away"), "{}", answer.text);
    }
    let told = browsers.get(&own, "/people?said=away").await.text;
    assert!(told.contains("your absence is on record"), "{told}");
    assert!(told.contains("2026-11-30 to 2026-12-04: finance-3 is asked instead."), "{told}");
    let people = browsers.world.get("ae-2", "/v1/people").await.text;
    assert_eq!(people.matches("\"from\":\"2026-11-30\"").count(), 1, "eight clicks are one: {people}");
    let back = sent(&told, "/people/returns", &[]);
    let answer = browsers.post(&own, "/people/returns", &back).await;
    assert_eq!(answer.header("location"), "/people?said=back", "{}", answer.text);
    let told = browsers.get(&own, "/people?said=back").await.text;
    assert!(told.contains("You are not away") && !told.contains("2026-11-30"), "{told}");
    let twice = browsers.post(&own, "/people/returns", &back.replace(&hidden(&told, "once"), "x")).await;
    assert_eq!(twice.status, 303, "the same form is the same return: {}", twice.text);
}

#[tokio::test]
async fn nobody_says_of_others_that_they_are_away_but_who_owns_the_people() {
    let browsers = Browsers::start().await;
    let (own, other, owner) = (
        browsers.signed_in("finance-1").await,
        browsers.signed_in("ae-1").await,
        browsers.signed_in("revops-lead").await,
    );
    let week = sent(&browsers.get(&own, "/people").await.text, TO, &WEEK);
    let before = browsers.world.changes().await;
    let refused = browsers.post(&other, TO, &week).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    let item = &on_record(&browsers.world, 1).await[0];
    let what = (&item["person"], &item["door"], &item["verb"], &item["on"]);
    assert_eq!(what, (&json!("ae-1"), &json!("console"), &json!("away"), &json!(["finance-1"])));
    let form = browsers.get(&owner, "/people").await.text;
    assert!(form.contains("Say that somebody is away") && form.contains("value=\"revops-lead\""), "{form}");
    let more = [&WEEK[..], &[("person", "finance-1")]].concat();
    let kept = browsers.post(&owner, TO, &sent(&form, TO, &more)).await;
    let to = "/people?of=finance-1&said=away";
    assert_eq!((kept.status, kept.header("location")), (303, to), "{}", kept.text);
    let told = browsers.get(&owner, to).await.text;
    assert!(
        told.contains("an absence of finance-1 is on record") && !told.contains("your absence"),
        "{told}"
    );
    assert!(browsers.get(&own, "/people").await.text.contains("finance-3 is asked instead."));
}

#[tokio::test]
async fn the_first_steps_are_ticked_as_they_are_taken() {
    let bare = Setup { connectors: Some(Scripted::default()), ..Setup::default() };
    let bare = Browsers::within(bare).await;
    let cookie = bare.signed_in("ae-2").await;
    let shown = bare.get(&cookie, "/start").await;
    assert_eq!((shown.status, shown.text.matches("✓ done").count()), (200, 1), "{}", shown.text);
    for words in ["2 steps are left", "countersign connection --help", "countersign intent submit "] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    assert!(bare.get(&cookie, "/inbox").await.text.contains("<a class=\"button quiet\" href=\"/start\">"));
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("ae-2").await;
    assert_eq!(browsers.get(&cookie, "/start").await.text.matches("✓ done").count(), 2);
    browsers.world.submitted("k-1", SMALL).await;
    let shown = browsers.get(&cookie, "/start").await.text;
    assert!(shown.contains("All three steps are done") && !shown.contains("to do"), "{shown}");
}
