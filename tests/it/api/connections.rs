//! Reconciliation, a connection and what was approved beside what is there, as whoever looks after them lives in them.

use super::browser::Browsers;
use super::console::page_of;
use super::denied::on_record;
use super::exceptions::sent;
use super::links::hidden;
use super::reconciliation::{pays_later, usd};
use super::visibility::{CLOSED, FIELDS, MARKS, comes_to, discount, restricted};
use super::world::{SMALL, World};
use countersign_core::record::Value;
use countersign_core::time::Millis;
use futures::future::join_all;
use serde_json::json;

const WHY: &str = r#"{"reason":"invoices go out with the wrong tax"}"#;

/// A discount that is approved, and of which one write waits as somebody has paused its connection.
async fn waits_for_billing(world: &World) -> String {
    let place = world.submitted("k-1", SMALL).await;
    assert_eq!(world.post("integration-1", "/v1/connections/billing/pauses", "p-1", WHY).await.status, 200);
    let (to, approve) = (format!("{place}/decisions"), r#"{"decision":"approve"}"#);
    assert_eq!(world.post("sales-manager-1", &to, "d-1", approve).await.status, 200);
    comes_to(world, &place, "executing").await;
    place
}

#[tokio::test]
async fn reconciliation_shows_each_connection_with_what_is_on_its_way_there_and_what_it_does_not_hold() {
    let browsers = Browsers::start().await;
    let world = &browsers.world;
    let cookie = browsers.signed_in("ae-2").await;
    let shown = browsers.get(&cookie, "/reconciliation").await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    for words in [
        "<a href=\"/connections/billing\">billing</a>",
        "<a href=\"/connections/crm\">crm</a>",
        "<span class=\"state\">open</span>",
        "Of no write it is known that its target holds something else.",
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    assert!(!shown.text.contains("#on-the-way") && !shown.text.contains("#amiss"), "{}", shown.text);
    // What waits for a connection that somebody paused is on its way.
    let place = waits_for_billing(world).await;
    world.clock.turn(Millis::minutes(90));
    let shown = browsers.get(&cookie, "/reconciliation").await;
    for words in [
        "<span class=\"state\">paused</span> by integration-1",
        "<a href=\"/connections/billing#on-the-way\">1</a>",
        ", 1 hour ago",
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    let shown = browsers.get(&cookie, "/connections/billing").await;
    for words in [
        "<h1>Connection billing</h1>",
        "<blockquote>invoices go out with the wrong tax</blockquote>",
        &format!("<a href=\"{}\">Discount 12% for quote q-1</a>", page_of(&place)),
        "<td data-of=\"write\">billing-price</td>",
        "set-price",
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    assert!(!shown.text.contains("What you can do"), "{}", shown.text);
    let unknown = browsers.get(&cookie, "/connections/nowhere").await;
    assert!(unknown.status == 404 && unknown.text.contains("href=\"/reconciliation\""), "{}", unknown.text);
    assert_eq!(browsers.get(&cookie, "/reconciliation?all=yes").await.status, 400);
}

#[tokio::test]
async fn what_was_approved_stands_beside_what_was_written_and_what_is_there_now() {
    let browsers = Browsers::start().await;
    let (place, exception) = pays_later(&browsers.world).await;
    let page = format!("{}/reconciliation", page_of(&place));
    let cookie = browsers.signed_in("ae-2").await;
    let shown = browsers.get(&cookie, "/reconciliation").await;
    let settles = format!("{}/exceptions/{}", page_of(&place), exception["id"].as_str().expect("an id"));
    for words in [
        "<a href=\"/connections/billing#amiss\">1</a>",
        &format!("<a href=\"{settles}\">A target holds something else than was approved</a>"),
        &format!("<a href=\"{page}\">Approved, written, current</a>"),
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    let before = browsers.world.changes().await;
    let shown = browsers.get(&cookie, &page).await;
    for words in [
        "<th scope=\"row\">payment_days</th><td data-of=\"before\"><span>nothing</span></td>\
         <td data-of=\"approved\"><span>30</span></td><td data-of=\"written\"><span>30</span></td>\
         <td data-of=\"now\"><span>60</span></td><td data-of=\"verdict\"><b class=\"late\">something else</b></td>",
        "<td data-of=\"verdict\">as approved</td>",
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    assert_eq!(browsers.world.changes().await, before, "a look is no entry");
    // The page of the intent leads there.
    assert!(browsers.get(&cookie, &page_of(&place)).await.text.contains(&format!("href=\"{page}\"")));
    // Before it is approved there is nothing to compare.
    let place = browsers.world.submitted("k-2", SMALL).await;
    let shown = browsers.get(&cookie, &format!("{}/reconciliation", page_of(&place))).await;
    assert!(shown.status == 409 && shown.text.contains("href=\"/inbox\""), "{}", shown.text);
}

#[tokio::test]
async fn whoever_looks_after_a_connection_pauses_it_and_lets_it_go_on_in_a_form() {
    let browsers = Browsers::start().await;
    let (operator, owner) =
        (browsers.signed_in("integration-1").await, browsers.signed_in("billing-1").await);
    let (page, to) = ("/connections/billing", "/connections/billing/pauses");
    let shown = browsers.get(&operator, page).await;
    let pause = sent(&shown.text, to, &[("words", "the wrong tax")]);
    let before = browsers.world.changes().await;
    for (wrong, status) in [
        (pause.replace(&hidden(&shown.text, "once"), ""), 422),
        (pause.replace("the+wrong+tax", "+"), 422),
        (pause.replace("the+wrong+tax", "%E2%80%AE"), 422),
    ] {
        let answer = browsers.post(&operator, to, &wrong).await;
        assert_eq!(answer.status, status, "{wrong}: {}", answer.text);
        assert!(answer.text.contains("Nothing was kept."), "{}", answer.text);
    }
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    let answers = join_all((0..8).map(|_| browsers.post(&operator, to, &pause))).await;
    for answer in &answers {
        assert_eq!((answer.status, answer.header("location")), (303, "/connections/billing?said=paused"));
    }
    let told = browsers.get(&operator, "/connections/billing?said=paused").await;
    assert!(
        told.text.contains("You have paused it.")
            && told.text.contains("<blockquote>the wrong tax</blockquote>")
    );
    // An address says nothing that the record does not say.
    for lied in ["/connections/billing?said=resumed", "/connections/crm?said=paused"] {
        assert!(!browsers.get(&operator, lied).await.text.contains("class=\"kept\""), "{lied}");
    }
    assert!(
        !browsers.get(&owner, "/connections/billing?said=paused").await.text.contains("You have paused it.")
    );
    // Somebody else was faster: their words are not lost.
    let late = browsers.post(&owner, to, &pause.replace("wrong", "other")).await;
    assert_eq!(late.status, 409, "{}", late.text);
    assert!(
        late.text.contains("Nothing was kept.")
            && late.text.contains("<blockquote>the other tax</blockquote>")
    );
    // Whoever owns the connection lets it go on; what waited is sent.
    let resumptions = "/connections/billing/resumptions";
    let resume = sent(&browsers.get(&owner, page).await.text, resumptions, &[("words", "it is right again")]);
    let resumed = browsers.post(&owner, resumptions, &resume).await;
    assert_eq!(resumed.header("location"), "/connections/billing?said=resumed", "{}", resumed.text);
    let told = browsers.get(&owner, "/connections/billing?said=resumed").await;
    assert!(told.text.contains("Nobody keeps it paused by hand."), "{}", told.text);
    assert_eq!(browsers.get("", to).await.header("location"), page);
    let view = browsers.world.get("ae-1", "/v1/connections/billing").await;
    assert_eq!(view.json["state"], "open", "{}", view.text);
}

#[tokio::test]
async fn a_check_asks_the_target_and_says_what_it_says() {
    let browsers = Browsers::start().await;
    let operator = browsers.signed_in("integration-1").await;
    let to = "/connections/crm/check";
    let form = sent(&browsers.get(&operator, "/connections/crm").await.text, to, &[]);
    let right = browsers.post(&operator, to, &form).await;
    assert!(right.status == 200 && right.text.contains("permissions are right."), "{}", right.text);
    browsers.world.connectors.deny(true);
    let wrong = browsers.post(&operator, to, &form).await;
    assert!(
        wrong.status == 200 && wrong.text.contains("all is not right</strong> (denied)"),
        "{}",
        wrong.text
    );
}

#[tokio::test]
async fn what_a_page_of_a_connection_does_not_offer_is_refused_and_on_record() {
    let browsers = Browsers::start().await;
    let operator = browsers.signed_in("integration-1").await;
    let forms = ["pauses", "check"].map(|verb| format!("/connections/crm/{verb}"));
    let shown = browsers.get(&operator, "/connections/crm").await;
    let before = browsers.world.changes().await;
    for person in ["ae-1", "billing-1", "auditor-1"] {
        let cookie = browsers.signed_in(person).await;
        assert!(!browsers.get(&cookie, "/connections/crm").await.text.contains("<textarea"), "{person}");
        for to in &forms {
            let answer = browsers.post(&cookie, to, &sent(&shown.text, to, &[("words", "why")])).await;
            assert_eq!(answer.status, 403, "{person} {to}: {}", answer.text);
            assert!(answer.text.contains("neither an operator nor an integration owner"), "{}", answer.text);
        }
    }
    let form_type = ("content-type", "application/x-www-form-urlencoded");
    for verb in ["pauses", "resumptions", "check"] {
        let headers = [("cookie", operator.as_str()), form_type, ("sec-fetch-site", "cross-site")];
        let answer = browsers.world.send("", "POST", &format!("/connections/crm/{verb}"), &headers, "").await;
        assert!(
            answer.status == 403 && answer.text.contains("not sent by a page of this host"),
            "{}",
            answer.text
        );
    }
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    let items = on_record(&browsers.world, 6).await;
    for (item, (person, verb)) in items.iter().zip([
        ("ae-1", "pause-connection"),
        ("ae-1", "check-connection"),
        ("billing-1", "pause-connection"),
    ]) {
        assert_eq!((&item["person"], &item["code"]), (&json!(person), &json!("CS-E0223")));
        assert_eq!(
            (&item["door"], &item["verb"], &item["on"]),
            (&json!("console"), &json!(verb), &json!(["crm"]))
        );
    }
}

#[tokio::test]
async fn what_is_not_for_somebody_is_in_no_figure_and_on_no_page_about_the_targets() {
    let browsers = Browsers::by(restricted(&[CLOSED])).await;
    let world = &browsers.world;
    let place = waits_for_billing(world).await;
    let (inside, stranger) = (browsers.signed_in("ae-1").await, browsers.signed_in("ae-2").await);
    let marks = ["#on-the-way\">1", "q-1"];
    for (path, mark) in [("/reconciliation", marks[0]), ("/connections/billing", marks[1])] {
        assert!(browsers.get(&inside, path).await.text.contains(mark), "{path}");
        let shown = browsers.get(&stranger, path).await;
        assert!(shown.status == 200 && !shown.text.contains(mark), "{path}: {}", shown.text);
    }
    let (page, never) = (page_of(&place), "/intents/int_00000000000000000000000000".to_owned());
    let answers = [page, never].map(|page| format!("{page}/reconciliation"));
    let hidden = browsers.get(&stranger, &answers[0]).await;
    let none = browsers.get(&stranger, &answers[1]).await;
    assert_eq!((hidden.status, &hidden.text), (404, &none.text));
}

#[tokio::test]
async fn what_is_withheld_is_not_compared_before_the_eyes_of_whoever_must_not_see_it() {
    let browsers = Browsers::by(restricted(&[("## Bindings", FIELDS)])).await;
    let quote = [("margin", Value::Decimal("13.37".to_owned())), ("renewal", Value::Flag(false))];
    browsers.world.connectors.put("crm", "quote", "q-1", &quote);
    let place = browsers.world.submitted("k-1", &discount("12%")).await;
    let decisions = format!("{place}/decisions");
    let mut key = 0;
    for person in ["finance-1", "finance-2", "director-2"] {
        key += 1;
        let approve = r#"{"decision":"approve"}"#;
        browsers.world.post(person, &decisions, &format!("d-{key}"), approve).await;
    }
    comes_to(&browsers.world, &place, "done").await;
    let quote = [("net_amount", usd("86913.58")), ("discount_percent", Value::Decimal("12".to_owned()))];
    browsers.world.connectors.put("crm", "quote", "q-1", &quote);
    let page = format!("{}/reconciliation", page_of(&place));
    let (stranger, decided) = (browsers.signed_in("ae-2").await, browsers.signed_in("finance-1").await);
    let shown = browsers.get(&stranger, &page).await;
    for (what, marks) in MARKS {
        assert!(!marks.iter().any(|mark| shown.text.contains(mark)), "{what}: {}", shown.text);
    }
    assert!(shown.text.contains("(withheld)"), "{}", shown.text);
    assert!(browsers.get(&decided, &page).await.text.contains("86913.58"));
}
