//! The inbox, the list and the page of an intent, as somebody who decides lives in them.

use super::browser::Browsers;
use super::denied::on_record;
use super::links::hidden;
use super::visibility::{CLOSED, FIELDS, MARKS, comes_to, discount, restricted};
use super::world::{Answer, SMALL};
use countersign_core::effect::attempt::{Detail, Failure};
use countersign_core::record::Value;
use countersign_core::time::Millis;
use serde_json::json;

/// Most bytes on the wire of the inbox with 50 rows, its style and its module.
const INBOX_BYTES_MAX: usize = 30_000;
/// Most bytes of the style, and of the module, before they are packed.
const STYLE_BYTES_MAX: usize = 12_000;
const MODULE_BYTES_MAX: usize = 10_000;

/// The page of the intent at an address of the API.
pub(super) fn page_of(place: &str) -> String {
    place.replace("/v1/", "/")
}

/// What a browser sends of the form for a verb that stands on a page.
pub(super) fn form(page: &str, verb: &str, words: &str) -> String {
    let start = page
        .find(&format!("name=\"verb\" value=\"{verb}\""))
        .unwrap_or_else(|| panic!("no form to {verb}: {page}"));
    let form = page[start..].split("</form>").next().expect("its end");
    let field = |name: &str| hidden(form, name);
    let question = if form.contains("name=\"question\"") { field("question") } else { String::new() };
    format!(
        "verb={verb}&revision={}&seal={}&once={}&question={question}&words={}",
        field("revision"),
        field("seal"),
        field("once"),
        words.replace(' ', "+")
    )
}

/// A page without the one script that is ours.
pub(super) fn without_module(page: &str) -> String {
    let Some((before, rest)) = page.split_once("<script type=\"module\" src=\"/assets/console.js?") else {
        return page.to_owned();
    };
    let (digest, after) = rest.split_once("\"></script>").expect("it ends");
    assert!(digest.len() == 16 && before.contains("<head>") && !before.contains("<body>"), "{page}");
    format!("{before}{after}")
}

/// Opens the page of an intent and sends its form for a verb.
async fn says(browsers: &Browsers, cookie: &str, page: &str, verb: &str, words: &str) -> Answer {
    let shown = browsers.get(cookie, page).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    browsers.post(cookie, &format!("{page}/decisions"), &form(&shown.text, verb, words)).await
}

/// How many intents an inbox shows.
fn rows(page: &Answer) -> usize {
    assert_eq!(page.status, 200, "{}", page.text);
    page.text.matches("<li><h2><a href=\"/intents/int_").count()
}

#[tokio::test]
async fn an_inbox_holds_what_waits_for_its_person_and_nothing_else() {
    let browsers = Browsers::start().await;
    let manager = browsers.signed_in("sales-manager-1").await;
    let empty = browsers.get(&manager, "/inbox").await;
    assert!(
        empty.text.contains("Nothing waits for you.") && empty.text.contains("countersign intent submit")
    );
    let place = browsers.world.submitted("k-1", SMALL).await;
    let page = page_of(&place);
    let shown = browsers.get(&manager, "/inbox").await;
    assert_eq!(rows(&shown), 1);
    for words in [
        &format!("<a href=\"{page}\">discount 12% for quote q-1</a>"),
        "<b>12000.00 USD</b>",
        "asked by ae-1; the route manager asks manager of requester",
        "crm, quote/q-1: discount_percent from nothing to 12",
        "<b>due in ",
        "</b><small>Tue 24 Nov 10:00 New York (15:00 UTC)</small>",
        "<a href=\"/inbox\" aria-current=\"page\">Inbox</a>",
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    let (requester, other) = (browsers.signed_in("ae-1").await, browsers.signed_in("finance-1").await);
    for cookie in [&requester, &other] {
        let shown = browsers.get(cookie, "/inbox").await;
        assert!(rows(&shown) == 0 && shown.text.contains("Nothing waits for you."), "{}", shown.text);
    }
    // Who is asked something must answer; who has decided is asked no more.
    assert_eq!(says(&browsers, &manager, &page, "ask", "why so much").await.status, 303);
    let shown = browsers.get(&requester, "/inbox").await;
    assert!(rows(&shown) == 1 && shown.text.contains("sales-manager-1 asks you something"), "{}", shown.text);
    assert_eq!(says(&browsers, &requester, &page, "answer", "three years").await.status, 303);
    assert_eq!(rows(&browsers.get(&requester, "/inbox").await), 0);
    // What is sent back waits for whoever asked for it.
    assert_eq!(says(&browsers, &manager, &page, "send-back", "ten is enough").await.status, 303);
    assert_eq!(rows(&browsers.get(&manager, "/inbox").await), 0);
    let shown = browsers.get(&requester, "/inbox").await;
    assert!(
        rows(&shown) == 1 && shown.text.contains("sales-manager-1 sent it back to you"),
        "{}",
        shown.text
    );
    // An exception waits for whoever answers for it.
    let detail = Detail::new("gone", "the account was deleted");
    browsers.world.connectors.next_read(Failure::Rejected { fields: Vec::new(), detail });
    browsers.world.submitted("k-2", SMALL).await;
    let owner = browsers.signed_in("pricing-lead").await;
    let shown = browsers.get(&owner, "/inbox").await;
    assert!(rows(&shown) == 1 && shown.text.contains("you answer for an exception"), "{}", shown.text);
}

#[tokio::test]
async fn one_voice_of_two_leaves_the_inbox_of_whoever_gave_it() {
    let browsers = Browsers::start().await;
    let thin = [("margin", Value::Decimal("14".to_owned())), ("renewal", Value::Flag(false))];
    browsers.world.connectors.put("crm", "quote", "q-1", &thin);
    let page = page_of(&browsers.world.submitted("k-1", SMALL).await);
    let (one, two) = (browsers.signed_in("finance-1").await, browsers.signed_in("finance-2").await);
    assert_eq!(says(&browsers, &one, &page, "approve", "").await.status, 303);
    assert_eq!(rows(&browsers.get(&one, "/inbox").await), 0);
    assert_eq!(rows(&browsers.get(&two, "/inbox").await), 1);
    let shown = browsers.get(&two, &page).await;
    assert!(
        shown.text.contains("0 of 2, finance (1 of 2 voices) pending, manager pending"),
        "{}",
        shown.text
    );
    // What one of the pool has claimed is for nobody else of it to decide.
    assert_eq!(says(&browsers, &two, &page, "claim", "").await.status, 303);
    assert!(browsers.get(&two, "/inbox").await.text.contains("you said that you will decide"));
}

#[tokio::test]
async fn what_is_due_first_stands_first_and_fifty_rows_are_a_page_of_thirty_kilobytes() {
    let browsers = Browsers::start().await;
    let mut pages = Vec::new();
    for number in 0..51 {
        let place = browsers.world.submitted(&format!("k-{number}"), SMALL).await;
        pages.push(page_of(&place));
        browsers.world.clock.turn(Millis::minutes(1));
    }
    // The oldest was changed and is decided anew, so it has the most time.
    let first = pages.remove(0);
    let body = SMALL.replace("12%", "11%").replacen("\"type\":\"discount\",", "", 1);
    let amendments = first.replacen("/intents/", "/v1/intents/", 1) + "/amendments";
    assert_eq!(browsers.world.post("ae-1", &amendments, "a-1", &body).await.status, 200);
    comes_to(&browsers.world, amendments.trim_end_matches("/amendments"), "seated").await;
    pages.push(first);
    let cookie = browsers.signed_in("sales-manager-1").await;
    let first = browsers.get(&cookie, "/inbox").await;
    assert_eq!(rows(&first), 50);
    let places: Vec<usize> =
        pages[..50].iter().map(|page| first.text.find(page).unwrap_or_else(|| panic!("no {page}"))).collect();
    assert!(places.is_sorted(), "what is due first stands first: {places:?}");
    assert!(!first.text.contains(&pages[50]));
    let [style, module] = brought(&browsers, &first.text).await;
    let weight = first.bytes.len() + style + module;
    assert!(weight <= INBOX_BYTES_MAX, "{weight} bytes, {style} of them style and {module} the module");
    println!("inbox of 50 rows: {} bytes, style {style}, module {module}: {weight}", first.bytes.len());
    let next = first.text.split("rel=\"next\" href=\"").nth(1).expect("a next page");
    let next = next.split('"').next().expect("its end");
    let second = browsers.get(&cookie, next).await;
    assert!(rows(&second) == 1 && second.text.contains(&pages[50]), "{}", second.text);
    assert!(!second.text.contains("rel=\"next\""), "{}", second.text);
    // The list of all is paged by the cursor of the API.
    let list = browsers.get(&cookie, "/intents?limit=50").await;
    let next = list.text.split("rel=\"next\" href=\"").nth(1).expect("a next page");
    let next = next.split('"').next().expect("its end").replace("&amp;", "&");
    let list = browsers.get(&cookie, &next).await;
    assert!(list.text.matches("<a href=\"/intents/int_").count() == 1, "{next}: {}", list.text);
}

/// What the style and the module of a page weigh as a browser asks for them; nothing else is loaded with it.
async fn brought(browsers: &Browsers, page: &str) -> [usize; 2] {
    let loads =
        page.matches("<link").count() + page.matches("<script").count() + page.matches(" src=").count();
    assert_eq!((loads, page.matches("<img").count()), (3, 0), "a style, and a module by its address: {page}");
    let addresses = ["<link rel=\"stylesheet\" href=\"", "<script type=\"module\" src=\""].map(|before| {
        let rest = page.split(before).nth(1).unwrap_or_else(|| panic!("no {before}: {page}"));
        rest.split('"').next().expect("its end")
    });
    let [mut style, mut module] = [0, 0];
    for (address, most, weight) in
        [(addresses[0], STYLE_BYTES_MAX, &mut style), (addresses[1], MODULE_BYTES_MAX, &mut module)]
    {
        let plain = browsers.get("", address).await;
        assert!(plain.status == 200 && plain.bytes.len() <= most, "{address}: {} bytes", plain.bytes.len());
        assert!(
            !plain.text.contains("http://") && !plain.text.contains("https://"),
            "{address} leads elsewhere"
        );
        for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!plain.text.contains(sink), "{address}: {sink}");
        }
        let headers = [("accept-encoding", "gzip, deflate, br")];
        let packed = browsers.world.send("", "GET", address, &headers, "").await;
        assert_eq!(packed.header("content-encoding"), "gzip", "{address}");
        assert_eq!(packed.header("vary"), "accept-encoding", "{address}");
        assert!(packed.bytes.len() < plain.bytes.len() && packed.bytes.starts_with(&[0x1f, 0x8b]));
        // A browser keeps it for as long as it is the same, and under no other name.
        assert_eq!(packed.header("cache-control"), "public, max-age=31536000, immutable", "{address}");
        let path = address.split('?').next().expect("a path");
        for other in [path.to_owned(), format!("{path}?0123456789abcdef")] {
            assert_eq!(browsers.get("", &other).await.header("cache-control"), "no-store", "{other}");
        }
        *weight = packed.bytes.len();
    }
    [style, module]
}

#[tokio::test]
async fn the_page_of_an_intent_shows_what_is_decided_about_and_why() {
    let browsers = Browsers::start().await;
    browsers.world.connectors.remark("the customer is told of it by mail");
    let place = browsers.world.submitted("k-1", SMALL).await;
    let cookie = browsers.signed_in("sales-manager-1").await;
    let shown = browsers.get(&cookie, &page_of(&place)).await;
    for words in [
        "<h1>Discount 12% for quote q-1</h1>",
        "It waits for you.",
        "What an approval lets the host write",
        "the customer is told of it by mail",
        "By natural key: sent again, it changes nothing.",
        "<th scope=\"row\">discount_percent</th>",
        "{decision.approvers}<p class=\"note\">filled in once it is decided</p>",
        "margin (found)",
        "What the policy says",
        "What would have been easier",
        "Row ",
        "0 of 1, manager pending.",
        "What happened",
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    for verb in ["approve", "decline", "send-back", "ask", "comment"] {
        form(&shown.text, verb, "");
    }
    for verb in ["withdraw", "answer", "release"] {
        assert!(!shown.text.contains(&format!("value=\"{verb}\"")), "{verb}");
    }
    // What an amendment changed stands beside what is asked now.
    let body = SMALL.replace("12%", "11%").replacen("\"type\":\"discount\",", "", 1);
    let answer = browsers.world.post("ae-1", &format!("{place}/amendments"), "a-1", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let shown = browsers.get(&cookie, &page_of(&place)).await;
    assert!(shown.text.contains("11%<p class=\"was\">changed: was 12%</p>"), "{}", shown.text);
}

#[tokio::test]
async fn a_decision_by_a_form_is_one_decision_however_often_it_is_sent() {
    let browsers = Browsers::start().await;
    let place = browsers.world.submitted("k-1", SMALL).await;
    let page = page_of(&place);
    let cookie = browsers.signed_in("sales-manager-1").await;
    let shown = browsers.get(&cookie, &page).await;
    let approve = form(&shown.text, "approve", "fine by me");
    let to = format!("{page}/decisions");
    // Without what makes it said once, of another seal, of none: nothing is decided.
    let seal = hidden(&shown.text, "seal");
    let once = hidden(&shown.text, "once");
    for (wrong, status) in [
        (approve.replace(&once, ""), 422),
        (approve.replace(&seal, ""), 422),
        (approve.replace(&seal, &"0".repeat(64)), 409),
        (approve.replace("verb=approve", "verb=override"), 422),
    ] {
        let answer = browsers.post(&cookie, &to, &wrong).await;
        assert_eq!(answer.status, status, "{wrong}: {}", answer.text);
        assert!(answer.text.contains("Nothing was kept.") && answer.text.contains("fine by me"));
    }
    assert_eq!(browsers.world.get("ae-1", &place).await.json["state"], "seated");
    // Each form of a page that was gone back to is sent for the first time.
    let comment = form(&shown.text, "comment", "as agreed with finance");
    assert_eq!(browsers.post(&cookie, &to, &comment).await.status, 303);
    for _ in 0..2 {
        let answer = browsers.post(&cookie, &to, &approve).await;
        assert_eq!((answer.status, answer.header("location")), (303, &*format!("{page}?said=approve")));
    }
    let story = browsers.world.get("sales-manager-1", &format!("{place}/timeline")).await;
    assert_eq!(story.text.matches("fine by me").count(), 1, "{}", story.text);
    let told = browsers.get(&cookie, &format!("{page}?said=approve")).await;
    assert!(told.text.contains("Your approval is kept."), "{}", told.text);
    // An address says nothing that the record does not say.
    let lied = browsers.get(&cookie, &format!("{page}?said=decline")).await;
    assert!(!lied.text.contains("is kept"), "{}", lied.text);
    let stranger = browsers.signed_in("finance-1").await;
    let told = browsers.get(&stranger, &format!("{page}?said=approve")).await;
    assert!(!told.text.contains("is kept"), "{}", told.text);
    // What was decided once is decided: the same form with other words is another decision, and comes too late.
    let other = approve.replace("fine+by+me", "on+second+thought");
    let answer = browsers.post(&cookie, &to, &other).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(answer.text.contains("sent before with other words"), "{}", answer.text);
    assert!(answer.text.contains("<blockquote>on second thought</blockquote>"), "{}", answer.text);
}

#[tokio::test]
async fn a_filter_that_there_is_not_is_said_on_a_page_with_a_way_back() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("ae-1").await;
    let place = page_of(&browsers.world.submitted("k-1", SMALL).await);
    for (path, found) in [("requester=me", true), ("state=done", false), ("seat=sales-manager-1", true)] {
        let shown = browsers.get(&cookie, &format!("/intents?{path}")).await;
        assert_eq!((shown.status, shown.text.contains(&place)), (200, found), "{path}: {}", shown.text);
    }
    let shown = browsers.get(&cookie, "/intents?state=lost").await;
    assert_eq!(shown.status, 400, "{}", shown.text);
    assert!(shown.text.contains("<a href=\"/inbox\">Inbox</a>"), "{}", shown.text);
}

#[tokio::test]
async fn whoever_comes_second_is_told_so_and_loses_no_word() {
    let browsers = Browsers::start().await;
    let place = browsers.world.submitted("k-1", SMALL).await;
    let page = page_of(&place);
    let cookie = browsers.signed_in("sales-manager-1").await;
    let before = browsers.get(&cookie, &page).await;
    let body = SMALL.replace("12%", "11%").replacen("\"type\":\"discount\",", "", 1);
    let answer = browsers.world.post("ae-1", &format!("{place}/amendments"), "a-1", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let to = format!("{page}/decisions");
    let late = browsers.post(&cookie, &to, &form(&before.text, "decline", "too much by far")).await;
    assert_eq!(late.status, 412, "{}", late.text);
    assert!(
        late.text.contains("Nothing was kept.") && late.text.contains("changed: was 12%"),
        "{}",
        late.text
    );
    assert!(late.text.contains("too much by far</textarea>"), "{}", late.text);
    assert!(late.text.contains("<details open><summary>Decline"), "{}", late.text);
    // The new form is about the new facts, and is taken.
    let answer = browsers.world.get("ae-1", &place).await;
    assert_eq!((&answer.json["state"], &answer.json["revision"]), (&json!("seated"), &json!(2)));
    let again = form(&late.text, "decline", "still too much");
    // Somebody else was faster again: the form is gone, what was written is not.
    let headers = [("idempotency-key", "w-1"), ("if-match", "\"2\"")];
    let answer = browsers.world.send("ae-1", "POST", &format!("{place}/withdrawals"), &headers, "{}").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let late = browsers.post(&cookie, &to, &again).await;
    assert_eq!(late.status, 409, "{}", late.text);
    assert!(late.text.contains("<blockquote>still too much</blockquote>"), "{}", late.text);
    assert!(late.text.contains("withdrawn by ae-1"), "{}", late.text);
    let story = browsers.world.get("sales-manager-1", &format!("{place}/timeline")).await;
    assert!(!story.text.contains("too much"), "{}", story.text);
}

#[tokio::test]
async fn what_is_not_offered_on_a_page_is_refused_and_stands_in_the_log_with_its_door() {
    let browsers = Browsers::start().await;
    let place = browsers.world.submitted("k-1", SMALL).await;
    let page = page_of(&place);
    let to = format!("{page}/decisions");
    let manager = browsers.signed_in("sales-manager-1").await;
    let approve = form(&browsers.get(&manager, &page).await.text, "approve", "");
    let before = browsers.world.changes().await;
    for person in ["ae-1", "finance-1", "auditor-1"] {
        let cookie = browsers.signed_in(person).await;
        let shown = browsers.get(&cookie, &page).await;
        assert!(shown.status == 200 && !shown.text.contains("value=\"approve\""), "{}", shown.text);
        let answer = browsers.post(&cookie, &to, &approve).await;
        assert_eq!(answer.status, 403, "{person}: {}", answer.text);
    }
    assert_eq!(browsers.post("", &to, &approve).await.header("location"), sign_in(&page));
    // The form of another site is refused before anybody is asked.
    let form_type = ("content-type", "application/x-www-form-urlencoded");
    let elsewhere: [(&str, &str); 3] =
        [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("x-nothing", "said")];
    for said in elsewhere {
        let headers = [("cookie", manager.as_str()), form_type, said];
        let answer = browsers.world.send("", "POST", &to, &headers, &approve).await;
        assert!(answer.status == 403 && answer.text.contains("not sent by a page of this host"), "{said:?}");
    }
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    let items = on_record(&browsers.world, 3).await;
    let id = place.rsplit('/').next().expect("an id");
    for (item, (person, code)) in
        items.iter().zip([("ae-1", "CS-E0110"), ("finance-1", "CS-E0111"), ("auditor-1", "CS-E0111")])
    {
        assert_eq!((&item["person"], &item["code"]), (&json!(person), &json!(code)));
        assert_eq!(
            (&item["door"], &item["verb"], &item["on"]),
            (&json!("console"), &json!("approve"), &json!([id]))
        );
        assert!(item.get("token").is_none(), "{item}");
    }
}

/// Where whoever is not signed in is sent from a page.
fn sign_in(page: &str) -> String {
    format!("/sign-in?next={}", page.replace('/', "%2F"))
}

#[tokio::test]
async fn whoever_is_not_signed_in_signs_in_and_comes_back() {
    let browsers = Browsers::start().await;
    let page = page_of(&browsers.world.submitted("k-1", SMALL).await);
    assert_eq!(browsers.get("", "/").await.header("location"), "/inbox");
    for path in ["/inbox", "/intents", &page] {
        let answer = browsers.get("", path).await;
        assert_eq!((answer.status, answer.text.as_str()), (303, ""));
        assert_eq!(answer.header("location"), sign_in(path));
        let shown = browsers.get("", answer.header("location")).await;
        assert_eq!(hidden(&shown.text, "next"), path);
    }
    assert_eq!(browsers.get("", &format!("{page}/decisions")).await.header("location"), page);
    // A token opens no page.
    assert_eq!(browsers.world.get("sales-manager-1", "/inbox").await.status, 303);
}

#[tokio::test]
async fn nothing_is_approved_on_a_page_that_does_not_show_it_whole() {
    let browsers = Browsers::start().await;
    let note = format!("{}THE-END", "word ".repeat(390));
    let long = SMALL.replace("\"reason\":\"volume\"", &format!("\"reason\":\"volume\",\"note\":\"{note}\""));
    let page = page_of(&browsers.world.submitted("k-1", &long).await);
    let cookie = browsers.signed_in("sales-manager-1").await;
    let shown = browsers.get(&cookie, &page).await;
    assert!(shown.text.contains("THE-END"), "{}", shown.text);
    let (text, warnings) = super::policies::longer_than_a_page();
    let body = super::policies::body(&text, &warnings);
    let headers = [("idempotency-key", "p-1"), ("prefer", "wait=10")];
    let answer = browsers.world.send("revops-lead", "POST", "/v1/intents", &headers, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let place = answer.header("location").to_owned();
    let page = page_of(&place);
    let cookie = browsers.signed_in("pricing-lead").await;
    let shown = browsers.get(&cookie, &page).await;
    assert!(shown.text.contains("This is too long for the page."), "{}", shown.text);
    let decline = form(&shown.text, "decline", "no");
    assert!(!shown.text.contains("value=\"approve\""), "{}", shown.text);
    let forged = decline.replace("verb=decline", "verb=approve");
    let answer = browsers.post(&cookie, &format!("{page}/decisions"), &forged).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert_eq!(browsers.world.get("pricing-lead", &place).await.json["state"], "seated");
}

#[tokio::test]
async fn what_is_withheld_from_somebody_is_on_no_page_of_theirs() {
    let browsers = Browsers::by(restricted(&[("## Bindings", FIELDS)])).await;
    let thin = [("margin", Value::Decimal("13.37".to_owned())), ("renewal", Value::Flag(false))];
    browsers.world.connectors.put("crm", "quote", "q-1", &thin);
    let place = browsers.world.submitted("k-1", &discount("12%")).await;
    let (page, to) = (page_of(&place), format!("{}/decisions", page_of(&place)));
    let stranger = browsers.signed_in("ae-2").await;
    let comment = form(&browsers.get(&stranger, &page).await.text, "comment", "why");
    let pages = [
        browsers.get(&stranger, &page).await,
        browsers.get(&stranger, "/intents").await,
        browsers.get(&stranger, "/inbox").await,
        browsers.post(&stranger, &to, &comment.replace("words=why", "words=")).await,
    ];
    for page in &pages {
        for (what, marks) in MARKS {
            assert!(!marks.iter().any(|mark| page.text.contains(mark)), "{what}: {}", page.text);
        }
    }
    assert!(pages[0].text.contains("<th scope=\"row\">amount</th><td>(withheld)</td>"), "{}", pages[0].text);
    assert!(
        pages[3].status == 422 && comment.contains("&seal=&"),
        "the seal would let them guess: {comment}"
    );
    // Whoever decides sees all of it.
    let decides = browsers.signed_in("finance-1").await;
    let shown = browsers.get(&decides, &page).await.text + &browsers.get(&decides, "/inbox").await.text;
    assert!(shown.contains("98765.43") && shown.contains("13.37") && shown.contains("86913.58"), "{shown}");
}

#[tokio::test]
async fn an_intent_that_is_not_for_somebody_is_on_no_page_of_theirs() {
    let browsers = Browsers::by(restricted(&[CLOSED])).await;
    let place = browsers.world.submitted("k-1", &discount("12%")).await;
    let page = page_of(&place);
    let inside = browsers.signed_in("ae-1").await;
    let comment = form(&browsers.get(&inside, &page).await.text, "comment", "hello");
    let stranger = browsers.signed_in("ae-2").await;
    let never = "/intents/int_00000000000000000000000000";
    let before = browsers.world.changes().await;
    let mut said = Vec::new();
    for path in [&page, never, "/intents/none"] {
        said.push(browsers.get(&stranger, path).await);
        said.push(browsers.post(&stranger, &format!("{path}/decisions"), &comment).await);
    }
    for answer in &said {
        assert_eq!((answer.status, &answer.text), (404, &said[0].text));
    }
    assert!(said[0].text.contains("There is no such intent"), "{}", said[0].text);
    assert_eq!(rows(&browsers.get(&stranger, "/inbox").await), 0);
    assert!(!browsers.get(&stranger, "/intents").await.text.contains(&page));
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    // Each try is on record, and none says whether there is such an intent.
    let items = on_record(&browsers.world, 6).await;
    assert!(items.iter().all(|item| item["door"] == "console" && item["code"] == "CS-E0101"), "{items:?}");
    assert!(browsers.get(&inside, "/intents").await.text.contains(&page));
}
