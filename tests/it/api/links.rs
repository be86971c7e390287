//! Links of messages: opened by scanners, by strangers, late, twice, and by the person they are for.

use super::browser::{Browsers, links};
use super::console::without_module;
use super::policies::{body, longer_than_a_page};
use super::world::SMALL;
use countersign_connectors::{MailOptions, Messengers, NotifyOptions, Security};
use countersign_core::id::PersonId;
use countersign_core::notice::link::{LinkVerb, Linked};
use countersign_core::time::Timestamp;
use countersign_engine::simulated::SimulatedClock;
use countersign_tests::servers::MailServer;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The paths of the links in a text, by their verbs.
pub(super) fn paths(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.trim().split_once(": http://approvals.test"));
    lines
        .filter(|(_, path)| path.starts_with("/links/"))
        .map(|(verb, path)| (verb.to_owned(), path.to_owned()))
        .collect()
}

/// One of them.
pub(super) fn path(all: &[(String, String)], verb: &str) -> String {
    all.iter().find(|(known, _)| known == verb).unwrap_or_else(|| panic!("no {verb} in {all:#?}")).1.clone()
}

/// A hidden field of a page.
pub(super) fn hidden(page: &str, name: &str) -> String {
    let rest = page
        .split(&format!("name=\"{name}\" value=\""))
        .nth(1)
        .unwrap_or_else(|| panic!("no {name}: {page}"));
    rest.split('"').next().expect("its end").to_owned()
}

/// A discount that waits for the manager, the links of the manager's message, and its address in the API.
pub(super) async fn waiting() -> (Browsers, Vec<(String, String)>, String) {
    let browsers = Browsers::start().await;
    browsers.world.connectors.remark("the customer is told of it by mail");
    let place = browsers.world.submitted("k-1", SMALL).await;
    let message = browsers.inbox.of("sales-manager-1", 1).await.remove(0);
    // What came of the message is on record before anybody compares the record.
    browsers.all_told(&place).await;
    let links = paths(&message.text);
    assert_eq!(
        links.iter().map(|(verb, _)| verb.as_str()).collect::<Vec<_>>(),
        ["approve", "decline", "ask"],
        "{}",
        message.text
    );
    (browsers, links, place)
}

#[tokio::test]
async fn a_link_that_is_opened_changes_nothing_and_shows_nothing_to_strangers() {
    let (browsers, links, place) = waiting().await;
    let before = browsers.world.changes().await;
    for (_, path) in &links {
        for method in ["GET", "HEAD"] {
            for _ in 0..3 {
                let answer = browsers.world.send("", method, path, &[], "").await;
                assert_eq!(answer.status, 303);
                assert!(
                    answer.header("location").starts_with("/sign-in?next=%2Flinks%2F"),
                    "{}",
                    answer.header("location")
                );
                assert!(answer.text.is_empty(), "{}", answer.text);
            }
        }
    }
    // Signed in as somebody else: the same as for a link that never was.
    let stranger = browsers.signed_in("finance-1").await;
    let requester = browsers.signed_in("ae-1").await;
    let never = path(&links, "approve").replace("/approve/", "/approve/aaaa");
    for cookie in [&stranger, &requester] {
        for path in [path(&links, "approve"), never.clone()] {
            let answer = browsers.get(cookie, &path).await;
            assert_eq!(answer.status, 404);
            assert!(answer.text.contains("nothing for you behind this link"), "{}", answer.text);
            assert!(
                !answer.text.contains("12000") && !answer.text.contains("sales-manager-1"),
                "{}",
                answer.text
            );
            let form = "revision=1&seal=&words=";
            assert_eq!(browsers.post(cookie, &path, form).await.status, 404);
        }
    }
    // Its own person opens it as often as they like.
    let cookie = browsers.signed_in("sales-manager-1").await;
    for _ in 0..3 {
        let answer = browsers.get(&cookie, &path(&links, "approve")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    let seen = browsers.world.get("sales-manager-1", &place).await;
    assert_eq!(seen.json["state"], "seated");
}

#[tokio::test]
async fn what_people_write_is_text_on_every_page() {
    let browsers = Browsers::start().await;
    let script = r#"</textarea><script>alert(1)</script><img src=x onerror=alert(2)> & \"quoted\""#;
    browsers.world.connectors.remark("<script>alert(1)</script><img src=x>");
    let body = SMALL.replacen("\"reason\"", &format!("\"note\":\"{script}\",\"reason\""), 1);
    let place = browsers.world.submitted("k-1", &body).await;
    let message = browsers.inbox.of("sales-manager-1", 1).await.remove(0);
    let cookie = browsers.signed_in("sales-manager-1").await;
    let shown = |page: &str| {
        let rest = without_module(page);
        assert!(!rest.contains("<script") && !rest.contains("<img"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)"), "it is shown all the same: {page}");
    };
    let links = paths(&message.text);
    for verb in ["approve", "decline", "ask"] {
        shown(&browsers.get(&cookie, &path(&links, verb)).await.text);
    }
    // What was typed and refused comes back as text too.
    let page = browsers.get(&cookie, &path(&links, "decline")).await.text;
    let form = format!("revision=1&seal={}&words={}%3Cscript%3Ealert(1)", "0".repeat(64), "x");
    let again = browsers.post(&cookie, &path(&links, "decline"), &form).await.text;
    shown(&(without_module(&page) + &without_module(&again)));
    // Nor does it run in the console: in what is asked, in what people say about it, in what a target says.
    let says = json!({ "words": "</li><script>alert(1)</script>" }).to_string();
    for below in ["comments", "questions"] {
        let answer = browsers.world.post("sales-manager-1", &format!("{place}/{below}"), below, &says).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let own = place.replace("/v1/", "/");
    for person in ["sales-manager-1", "ae-1", "finance-1"] {
        let cookie = browsers.signed_in(person).await;
        let page = browsers.get(&cookie, &own).await;
        assert!(1 < page.text.matches("&lt;script&gt;alert(1)").count(), "{}", page.text);
        shown(&page.text);
        for list in ["/inbox", "/intents"] {
            let page = browsers.get(&cookie, list).await.text;
            let rest = without_module(&page);
            assert!(!rest.contains("<script") && !rest.contains("<img"), "{page}");
        }
    }
    let page =
        browsers.post(&cookie, &format!("{own}/decisions"), "verb=comment&words=%3Cscript%3Ealert(1)").await;
    assert_eq!(page.status, 422);
    shown(&page.text);
    assert_eq!(browsers.world.get("ae-1", &place).await.json["state"], "seated");
}

#[tokio::test]
async fn every_link_of_a_real_mail_can_be_opened_by_a_scanner() {
    let server = MailServer::start(None).expect("the mail server starts");
    let mail = MailOptions {
        server: "127.0.0.1".to_owned(),
        port: Some(server.port()),
        security: Security::None,
        from: "approvals@example.com".to_owned(),
        login: None,
    };
    let options = NotifyOptions { mail: Some(mail), links: Some(links()), ..NotifyOptions::default() };
    let clock = Arc::new(SimulatedClock::at(Timestamp(0)));
    let messengers = Messengers::new(options, clock).expect("they can be used");
    let browsers = Browsers::told_by(Some(Arc::new(messengers))).await;
    let place = browsers.world.submitted("k-1", SMALL).await;
    let mut mails = Vec::new();
    for _ in 0..500 {
        mails = server.received().expect("mails");
        if !mails.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let [mail] = mails.as_slice() else { panic!("one mail: {mails:#?}") };
    assert_eq!(mail.to, ["sam@example.com"]);
    let found = paths(&mail.text.replace("\r\n", "\n"));
    assert_eq!(found.len(), 3, "{}", mail.text);
    browsers.all_told(&place).await;
    let before = browsers.world.engine.health();
    // A scanner in front of the mailbox, and one in the browser of the person itself.
    let cookie = browsers.signed_in("sales-manager-1").await;
    for (_, path) in &found {
        for method in ["GET", "HEAD"] {
            for _ in 0..3 {
                let stranger = browsers.world.send("", method, path, &[], "").await;
                assert_eq!((stranger.status, stranger.text.as_str()), (303, ""));
                let own = browsers.world.send("", method, path, &[("cookie", &cookie)], "").await;
                assert_eq!(own.status, 200);
            }
        }
    }
    assert_eq!(browsers.world.engine.health().head, before.head, "nothing was recorded");
    let page = browsers.get(&cookie, &path(&found, "approve")).await;
    let form = format!("revision=1&seal={}&words=", hidden(&page.text, "seal"));
    let answer = browsers.post(&cookie, &path(&found, "approve"), &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn what_is_said_behind_a_link_is_one_decision_on_what_was_shown() {
    let (browsers, links, place) = waiting().await;
    let cookie = browsers.signed_in("sales-manager-1").await;
    let approve = path(&links, "approve");
    let page = browsers.get(&cookie, &approve).await;
    for shown in ["12000.00 USD", "ae-1", "q-1", "field", "now", "then", "the customer is told of it by mail"]
    {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    let (revision, seal) = (hidden(&page.text, "revision"), hidden(&page.text, "seal"));
    assert_eq!((revision.as_str(), seal.len()), ("1", 64));
    // Another seal than the one that stands is not decided on.
    let wrong = format!("revision=1&seal={}&words=", "0".repeat(64));
    let answer = browsers.post(&cookie, &approve, &wrong).await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    let answer = browsers.post(&cookie, &approve, &format!("revision=2&seal={seal}&words=")).await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    let form = format!("revision=1&seal={seal}&words=fine+by+me");
    let answer = browsers.post(&cookie, &approve, &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.text.contains("Your approval is kept"), "{}", answer.text);
    // A second click is the same decision; another one through any link of it is refused.
    assert_eq!(browsers.post(&cookie, &approve, &form).await.status, 200);
    let decline = path(&links, "decline");
    let answer = browsers.post(&cookie, &decline, &format!("revision=1&seal={seal}&words=no")).await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert!(answer.text.contains("The link was used already"), "{}", answer.text);
    let page = browsers.get(&cookie, &approve).await;
    assert!(
        page.text.contains("The link was used already") && !page.text.contains("<textarea"),
        "{}",
        page.text
    );
    let story = browsers.world.get("sales-manager-1", &format!("{place}/timeline")).await;
    let used = story.text.matches("opened the link of a message to approve").count();
    let voted = story.text.matches("fine by me").count();
    assert_eq!((used, voted), (1, 1), "{}", story.text);
}

#[tokio::test]
async fn a_link_is_for_its_own_verb() {
    let (browsers, links, _) = waiting().await;
    let cookie = browsers.signed_in("sales-manager-1").await;
    let (approve, decline) = (path(&links, "approve"), path(&links, "decline"));
    let code = approve.rsplit('/').next().expect("a code");
    let swapped = format!("{}{code}", decline.trim_end_matches(|letter| letter != '/'));
    assert_eq!(browsers.get(&cookie, &swapped).await.status, 404);
    // Declining needs words, and they are not lost.
    let answer = browsers.post(&cookie, &decline, "revision=1&seal=&words=").await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    let long = "x".repeat(2_001);
    let answer = browsers.post(&cookie, &decline, &format!("revision=1&seal=&words={long}")).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains(&long), "what was typed is still there");
    for unknown in ["override", "withdraw", "Approve", ""] {
        let path = approve.replace("/approve/", &format!("/{unknown}/"));
        assert_ne!(browsers.get(&cookie, &path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_link_dies_when_others_decide_and_when_it_is_amended() {
    let (browsers, links, place) = waiting().await;
    let cookie = browsers.signed_in("sales-manager-1").await;
    let approve = path(&links, "approve");
    let body = SMALL.replace("12%", "11%").replacen("\"type\":\"discount\",", "", 1);
    let answer = browsers.world.post("ae-1", &format!("{place}/amendments"), "a-1", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer =
        browsers.post(&cookie, &approve, &format!("revision=1&seal={}&words=", "0".repeat(64))).await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    let page = browsers.get(&cookie, &approve).await;
    assert!(page.text.contains("has changed since"), "{}", page.text);
    // The message about the next revision has links of its own.
    let message = browsers.inbox.of("sales-manager-1", 2).await.remove(1);
    let next = path(&paths(&message.text), "approve");
    assert_ne!(next, approve);
    assert!(browsers.get(&cookie, &next).await.text.contains("<textarea"));
    let headers = [("idempotency-key", "w-1"), ("if-match", "\"2\"")];
    let answer = browsers.world.send("ae-1", "POST", &format!("{place}/withdrawals"), &headers, "{}").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let page = browsers.get(&cookie, &next).await;
    assert!(page.text.contains("is over") && !page.text.contains("<textarea"), "{}", page.text);
    assert_eq!(
        browsers.post(&cookie, &next, &format!("revision=2&seal={}&words=", "0".repeat(64))).await.status,
        409
    );
}

#[tokio::test]
async fn a_question_and_its_answer_go_through_links() {
    let (browsers, links, place) = waiting().await;
    let manager = browsers.signed_in("sales-manager-1").await;
    let answer = browsers.post(&manager, &path(&links, "ask"), "revision=1&seal=&words=why+so+much%3F").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let message = browsers.inbox.of("ae-1", 1).await.pop().expect("a message");
    let links = paths(&message.text);
    let reply = path(&links, "answer");
    assert_eq!(browsers.get(&manager, &reply).await.status, 404, "it is the requester's");
    let requester = browsers.signed_in("ae-1").await;
    let answer = browsers.post(&requester, &reply, "revision=1&seal=&words=a+three+year+term").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let seen = browsers.world.get("sales-manager-1", &place).await;
    assert_eq!(seen.json["questions"][0]["answer"], "a three year term");
    // Whoever asked hears of it, with links that live.
    let told = browsers.inbox.of("sales-manager-1", 2).await.remove(1);
    let approve = path(&paths(&told.text), "approve");
    assert!(browsers.get(&manager, &approve).await.text.contains("<textarea"));
}

#[tokio::test]
async fn a_code_is_derived_from_what_the_link_is_for_and_a_secret() {
    let (browsers, links, place) = waiting().await;
    let intent = place.rsplit('/').next().expect("an id").parse().expect("an id");
    let manager = PersonId::parse("sales-manager-1").expect("a person");
    let linked = Linked { intent, notice: 1, to: &manager, revision: 1 };
    let address = browsers.inbox.links().address(&linked, LinkVerb::Approve);
    assert_eq!(address, format!("http://approvals.test{}", path(&links, "approve")));
}

#[tokio::test]
async fn nothing_is_approved_behind_a_link_that_the_page_does_not_show_whole() {
    let (browsers, links, _) = waiting().await;
    let cookie = browsers.signed_in("sales-manager-1").await;
    let approve = path(&links, "approve");
    // Without the seal of what was shown there is no decision.
    let answer = browsers.post(&cookie, &approve, "revision=1&seal=&words=").await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    // A note of 2,000 letters is read to its end.
    let note = format!("{}THE-END", "word ".repeat(390));
    let long = SMALL.replace("\"reason\":\"volume\"", &format!("\"reason\":\"volume\",\"note\":\"{note}\""));
    let place = browsers.world.submitted("k-2", &long).await;
    let message = browsers.inbox.of("sales-manager-1", 2).await.remove(1);
    browsers.all_told(&place).await;
    let page = browsers.get(&cookie, &path(&paths(&message.text), "approve")).await;
    assert!(page.text.contains("THE-END"), "{}", page.text);
    assert!(page.text.contains("margin (found)"), "{}", page.text);
    // Nobody reads so long a policy on a page.
    let (text, warnings) = longer_than_a_page();
    let body = body(&text, &warnings);
    let answer = browsers
        .world
        .send(
            "revops-lead",
            "POST",
            "/v1/intents",
            &[("idempotency-key", "p-1"), ("prefer", "wait=10")],
            &body,
        )
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let place = answer.header("location").to_owned();
    let message = browsers.inbox.of("pricing-lead", 1).await.remove(0);
    browsers.all_told(&place).await;
    let cookie = browsers.signed_in("pricing-lead").await;
    let approve = path(&paths(&message.text), "approve");
    let page = browsers.get(&cookie, &approve).await;
    assert!(
        page.text.contains("This is too long for the page.") && !page.text.contains("<textarea"),
        "{}",
        page.text
    );
    let seal = browsers.world.get("pricing-lead", &place).await.json["plan"]["seal"]
        .as_str()
        .expect("a seal")
        .to_owned();
    let answer = browsers.post(&cookie, &approve, &format!("revision=1&seal={seal}&words=")).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
}
