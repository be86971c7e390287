//! Policies on their pages: read, checked, tried, proposed by one person and published by another one.

use super::browser::Browsers;
use super::console::{form, page_of};
use super::denied::on_record;
use super::exceptions::{encoded, sent};
use super::links::hidden;
use super::policies::{body, changed};
use super::visibility::{FIELDS, restricted};
use super::world::{Answer, SMALL};
use futures::future::join_all;
use serde_json::json;
use std::collections::BTreeSet;

const PAGE: &str = "/policies/discount";
const CHANGE: &str = "/policies/discount/change";

/// What a browser sends of the form with a document.
pub(super) fn draft(
    page: &str,
    document: &str,
    words: &str,
    accept: &BTreeSet<String>,
    deed: &str,
) -> String {
    let document = document.replace('\n', "\r\n");
    let mut fields = vec![("document", document.as_str()), ("words", words), ("do", deed)];
    let names: Vec<String> = accept.iter().map(|kind| format!("accept-{kind}")).collect();
    fields.extend(names.iter().map(|name| (name.as_str(), "on")));
    sent(page, CHANGE, &fields)
}

/// Somebody opens the form and sends it.
async fn drafts(
    browsers: &Browsers,
    cookie: &str,
    document: &str,
    accept: &BTreeSet<String>,
    deed: &str,
) -> Answer {
    let shown = browsers.get(cookie, CHANGE).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    browsers.post(cookie, CHANGE, &draft(&shown.text, document, "the memo", accept, deed)).await
}

#[tokio::test]
async fn a_policy_is_shown_as_the_tables_that_decide() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("ae-2").await;
    let list = browsers.get(&cookie, "/policies").await;
    for words in [
        "<a href=\"/policies/discount\">discount</a>",
        "<a href=\"/policies/refund\">refund</a>",
        "<td data-of=\"owner\">pricing</td>",
        "the files of the house",
        "No change waits.",
    ] {
        assert!(list.text.contains(words), "{words}: {}", list.text);
    }
    let shown = browsers.get(&cookie, PAGE).await;
    for words in [
        "<h1>Policy discount</h1>",
        "Floors come from the FY26 pricing memo.",
        "<h3>Rules: first</h3>",
        "<th scope=\"row\">mid-auto</th><td data-of=\"segment\">mid</td><td data-of=\"discount_percent\">&lt;= 10%</td>",
        "<th scope=\"row\">thin-margin</th>",
        "<td data-of=\"stands\">in force</td>",
        "href=\"/policies/discount/change\"",
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    assert!(!shown.text.contains("Go back to"), "there is no version before it");
    let check = browsers.get(&cookie, "/policies/discount/check").await;
    for words in [">passes<", "8 of 8 examples", "edge-without-example"] {
        assert!(check.text.contains(words), "{words}: {}", check.text);
    }
    let none = format!("{PAGE}?version={}", "0".repeat(64));
    for path in ["/policies/nothing", "/policies/nothing/check", "/policies/nothing/change", &none] {
        let shown = browsers.get(&cookie, path).await;
        assert!(shown.status == 404 && shown.text.contains("href=\"/policies\""), "{path}: {}", shown.text);
    }
    for path in ["/policies?all=yes", "/policies/discount?version=last"] {
        assert_eq!(browsers.get(&cookie, path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn trying_a_change_says_all_that_it_does_and_stores_nothing() {
    let browsers = Browsers::start().await;
    browsers.world.submitted("k-0", &SMALL.replace("12%", "4%")).await;
    let cookie = browsers.signed_in("ae-1").await;
    let shown = browsers.get(&cookie, CHANGE).await;
    assert!(shown.text.contains("| mid-auto  | mid     | &lt;= 10%"), "{}", shown.text);
    let (document, warnings) = changed("<= 12%", "2026-11-20");
    let before = browsers.world.changes().await;
    let tried = drafts(&browsers, &cookie, &document, &BTreeSet::new(), "try").await;
    assert_eq!(tried.status, 200, "{}", tried.text);
    for words in [
        ">passes<",
        "<th scope=\"row\">Rules, `mid-auto`, discount_percent</th><td data-of=\"now\">&lt;= 10%</td><td data-of=\"then\">&lt;= 12%</td>",
        "<td data-of=\"would be\">approve</td>",
        "the memo</textarea>",
        "&lt;= 12%",
    ] {
        assert!(tried.text.contains(words), "{words}: {}", tried.text);
    }
    for kind in ["edge-without-example", "no-manager"] {
        assert!(tried.text.contains(&format!("name=\"accept-{kind}\"")), "{kind}: {}", tried.text);
    }
    assert!(!tried.text.contains("It would change"), "{}", tried.text);
    let tried = drafts(&browsers, &cookie, &document, &warnings, "record").await;
    assert!(
        tried.text.contains("<strong>It would change 0 of 1</strong> recorded intents"),
        "{}",
        tried.text
    );
    assert!(tried.text.contains("checked>"), "a box stays as it was: {}", tried.text);
    // What cannot be read says where.
    let wrong = drafts(&browsers, &cookie, &changed("<= 10", "2026-11-20").0, &warnings, "try").await;
    assert!(
        wrong.text.contains("It cannot be read.") && wrong.text.contains("discount.policy.md:37"),
        "{}",
        wrong.text
    );
    assert_eq!(browsers.world.changes().await, before, "nothing was stored");
}

#[tokio::test]
async fn a_policy_is_proposed_by_one_person_and_published_by_another_one_on_its_pages() {
    let browsers = Browsers::start().await;
    browsers.world.submitted("k-0", &SMALL.replace("12%", "4%")).await;
    let (author, owner) = (browsers.signed_in("ae-1").await, browsers.signed_in("pricing-lead").await);
    let (document, warnings) = changed("<= 12%", "2026-11-20");
    // Without their name for the warnings nothing is proposed, and nothing that was written is lost.
    let refused = drafts(&browsers, &author, &document, &BTreeSet::new(), "propose").await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    for words in ["Nothing was kept.", "&lt;= 12%", "the memo</textarea>", "name=\"accept-no-manager\""] {
        assert!(refused.text.contains(words), "{words}: {}", refused.text);
    }
    let propose = draft(&refused.text, &document, "the memo", &warnings, "propose");
    let answers = join_all((0..4).map(|_| browsers.post(&author, CHANGE, &propose))).await;
    let page = answers[0].header("location").to_owned();
    assert!(page.starts_with("/intents/int_"), "{}", answers[0].text);
    for answer in &answers {
        assert_eq!((answer.status, answer.header("location")), (303, page.as_str()), "proposed once");
    }
    // Whoever proposed it does not publish it.
    let shown = browsers.get(&author, &page).await;
    assert!(!shown.text.contains("value=\"approve\""), "{}", shown.text);
    let list = browsers.get(&owner, "/policies").await;
    for words in [
        &*format!("<a href=\"{page}\">discount to version "),
        "<b>waits for you</b>",
        "would change 0 of 1 recorded",
        "<td class=\"number\" data-of=\"changes that wait\">1</td>",
    ] {
        assert!(list.text.contains(words), "{words}: {}", list.text);
    }
    assert!(!browsers.get(&author, "/policies").await.text.contains("waits for you"));
    assert!(browsers.get(&author, PAGE).await.text.contains("<h2>Changes that wait</h2>"));
    let shown = browsers.get(&owner, &page).await;
    for words in [
        "<th scope=\"row\">Rules, `mid-auto`, discount_percent</th><td data-of=\"now\">&lt;= 10%</td><td data-of=\"then\">&lt;= 12%</td>",
        "<td data-of=\"would be\">approve</td>",
        "8 of 8 examples get the answer",
        "<strong>It would change 0 of 1</strong>",
        "The requester answers for the warnings",
        "the memo",
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    let approve = form(&shown.text, "approve", "as in the memo");
    let to = format!("{page}/decisions");
    assert_eq!(browsers.post(&author, &to, &approve).await.status, 403);
    let published = browsers.post(&owner, &to, &approve).await;
    assert_eq!(published.header("location"), format!("{page}?said=approve"), "{}", published.text);
    let shown = browsers.get(&author, PAGE).await;
    for words in [
        "published by pricing-lead, asked by ae-1",
        "&lt;= 12%",
        "<td data-of=\"stands\">over</td>",
        "Go back to",
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    assert!(browsers.get(&owner, "/policies").await.text.contains("No change waits."));
    let view = browsers.world.get("ae-1", "/v1/policies/discount").await;
    assert_eq!(view.json["document"]["text"], document.as_str(), "what was typed, and no line end more");
}

#[tokio::test]
async fn going_back_is_proposed_in_a_form_and_published_by_somebody_else() {
    let browsers = Browsers::start().await;
    let (author, owner) = (browsers.signed_in("ae-1").await, browsers.signed_in("pricing-lead").await);
    let shipped = browsers.world.get("ae-1", "/v1/policies/discount").await;
    let shipped = shipped.json["in_force"]["version"].as_str().expect("a version").to_owned();
    let (document, warnings) = changed("<= 12%", "2026-11-20");
    let place = browsers.world.submitted("k-1", &body(&document, &warnings)).await;
    let decisions = format!("{}/decisions", page_of(&place));
    let approve = form(&browsers.get(&owner, &page_of(&place)).await.text, "approve", "");
    assert_eq!(browsers.post(&owner, &decisions, &approve).await.status, 303);
    let (shown, to) = (browsers.get(&author, PAGE).await, format!("{PAGE}/rollback"));
    assert!(shown.text.contains(&format!("name=\"version\" value=\"{shipped}\"")), "{}", shown.text);
    let earlier = browsers.get(&author, &format!("{PAGE}?version={shipped}")).await;
    assert!(earlier.text.contains("which is not in force now") && earlier.text.contains("&lt;= 10%"));
    let back = sent(&shown.text, &to, &[("version", &shipped), ("words", "margin fell")]);
    let before = browsers.world.changes().await;
    for (wrong, status) in [
        (back.replace(&hidden(&shown.text, "once"), ""), 422),
        (back.replace("margin+fell", "+"), 422),
        (back.replace(&shipped, "last"), 422),
        (back.replace(&shipped, &"0".repeat(64)), 404),
    ] {
        let answer = browsers.post(&author, &to, &wrong).await;
        assert_eq!(answer.status, status, "{wrong}: {}", answer.text);
        assert!(answer.text.contains("Nothing was kept."), "{}", answer.text);
    }
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    let (one, two) = (browsers.post(&author, &to, &back).await, browsers.post(&author, &to, &back).await);
    assert!(one.header("location").starts_with("/intents/int_"), "{}", one.text);
    assert_eq!(one.header("location"), two.header("location"), "asked twice, done once");
    assert_eq!(browsers.get("", &to).await.header("location"), PAGE);
    let page = one.header("location");
    let shown = browsers.get(&owner, page).await;
    assert!(shown.text.contains("This very version was in force before (files)."), "{}", shown.text);
    let approve = form(&shown.text, "approve", "");
    assert_eq!(browsers.post(&owner, &format!("{page}/decisions"), &approve).await.status, 303);
    let view = browsers.world.get("ae-1", "/v1/policies/discount").await;
    assert_eq!(view.json["in_force"]["version"], shipped.as_str());
}

#[tokio::test]
async fn a_form_with_a_document_is_refused_where_it_is_not_whole_or_not_ours() {
    let browsers = Browsers::start().await;
    let author = browsers.signed_in("ae-1").await;
    let shown = browsers.get(&author, CHANGE).await;
    let (document, warnings) = changed("<= 12%", "2026-11-20");
    let propose = draft(&shown.text, &document, "the memo", &warnings, "propose");
    let before = browsers.world.changes().await;
    for (wrong, status) in [
        (propose.replace(&hidden(&shown.text, "once"), ""), 422),
        (propose.replace("do=propose", "do=publish"), 422),
        (propose.replace("the+memo", ""), 422),
        (propose.replace("the+memo", "%E2%80%AE"), 422),
        (propose.replace("document=", &format!("document={}", "x".repeat(200_000))), 422),
        (propose.replace("intent+", "intend+"), 422),
    ] {
        let answer = browsers.post(&author, CHANGE, &wrong).await;
        assert_eq!(answer.status, status, "{}: {}", &wrong[..80], answer.text);
        assert!(answer.text.contains("Nothing was kept."), "{}", answer.text);
    }
    let long = format!("document={}", encoded(&"|".repeat(300_000)));
    assert_eq!(browsers.post(&author, CHANGE, &long).await.status, 413);
    let boxes: Vec<String> = (0..80).map(|number| format!("accept-{number}=on")).collect();
    assert_eq!(browsers.post(&author, CHANGE, &boxes.join("&")).await.status, 422);
    let form_type = ("content-type", "application/x-www-form-urlencoded");
    for to in [CHANGE, "/policies/discount/rollback"] {
        let headers = [("cookie", author.as_str()), form_type, ("sec-fetch-site", "cross-site")];
        let answer = browsers.world.send("", "POST", to, &headers, &propose).await;
        assert!(
            answer.status == 403 && answer.text.contains("not sent by a page of this host"),
            "{}",
            answer.text
        );
    }
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
}

#[tokio::test]
async fn what_the_record_says_of_others_is_told_to_those_who_see_all_of_it() {
    let browsers = Browsers::by(restricted(&[("## Bindings", FIELDS)])).await;
    browsers.world.submitted("k-0", &SMALL.replace("12%", "4%")).await;
    let (stranger, owner) = (browsers.signed_in("ae-2").await, browsers.signed_in("pricing-lead").await);
    let (document, warnings) = changed("<= 12%", "2026-11-20");
    let tried = drafts(&browsers, &stranger, &document, &warnings, "record").await;
    assert!(tried.status == 200 && !tried.text.contains("It would change"), "{}", tried.text);
    assert!(tried.text.contains("Not all of every `discount` is for `ae-2`"), "{}", tried.text);
    let items = on_record(&browsers.world, 1).await;
    assert_eq!((&items[0]["person"], &items[0]["verb"]), (&json!("ae-2"), &json!("backtest-policy")));
    let tried = drafts(&browsers, &owner, &document, &warnings, "record").await;
    assert!(tried.text.contains("It would change 0 of 1"), "{}", tried.text);
    let place = browsers.world.submitted("k-1", &body(&document, &warnings)).await;
    for path in ["/policies", PAGE] {
        assert!(browsers.get(&stranger, path).await.text.contains("not for you"), "{path}");
        assert!(browsers.get(&owner, path).await.text.contains("would change 0 of 1 recorded"), "{path}");
    }
    let shown = browsers.get(&stranger, &page_of(&place)).await;
    assert!(
        !shown.text.contains("It would change") && shown.text.contains("is not for you"),
        "{}",
        shown.text
    );
}
