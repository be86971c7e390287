//! The list and the page of exceptions, as somebody who answers for them lives in them.

use super::browser::Browsers;
use super::console::page_of;
use super::denied::on_record;
use super::links::hidden;
use super::reconciliation::pays_later;
use super::visibility::{CLOSED, FIELDS, MARKS, discount, restricted};
use super::world::{Answer, SMALL};
use countersign_core::effect::attempt::{Detail, Failure};
use countersign_core::record::Value;
use countersign_core::time::Millis;
use futures::future::join_all;
use serde_json::json;

/// What a browser sends of the form with this address, with what somebody types and chooses.
pub(super) fn sent(page: &str, action: &str, more: &[(&str, &str)]) -> String {
    let start =
        page.find(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("no form for {action}: {page}"));
    let form = page[start..].split("</form>").next().expect("its end");
    let fields = form.split("<input type=\"hidden\" ").skip(1).map(|field| {
        let part = |name: &str| {
            let rest = field.split(&format!("{name}=\"")).nth(1).expect("an attribute");
            rest.split('"').next().expect("its end").to_owned()
        };
        (part("name"), part("value"))
    });
    let typed = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let pairs: Vec<String> =
        fields.chain(typed).map(|(name, value)| format!("{}={}", encoded(&name), encoded(&value))).collect();
    pairs.join("&")
}

/// A text as a browser sends it in a form.
pub(super) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        _ if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// A discount that the policy cannot decide, as its account is gone: the address of its exception's page.
pub(super) async fn unsettled(browsers: &Browsers, key: &str) -> String {
    let detail = Detail::new("gone", "the account was deleted");
    browsers.world.connectors.next_read(Failure::Rejected { fields: Vec::new(), detail });
    let place = browsers.world.submitted(key, SMALL).await;
    let intent = browsers.world.get("pricing-lead", &place).await;
    let id = intent.json["exceptions"][0]["id"].as_str().expect("an exception").to_owned();
    format!("{}/exceptions/{id}", page_of(&place))
}

/// The ways out that a page offers.
fn ways(page: &Answer) -> Vec<String> {
    let offered = page.text.split("name=\"way\" value=\"").skip(1);
    offered.map(|rest| rest.split('"').next().expect("its end").to_owned()).collect()
}

#[tokio::test]
async fn a_list_holds_what_its_person_answers_for_and_all_that_is_for_them() {
    let browsers = Browsers::start().await;
    let owner = browsers.signed_in("pricing-lead").await;
    let other = browsers.signed_in("ae-2").await;
    let empty = browsers.get(&owner, "/exceptions").await;
    assert!(empty.status == 200 && empty.text.contains("No exception is yours."), "{}", empty.text);
    let empty = browsers.get(&owner, "/exceptions?whose=everybody").await;
    assert!(empty.text.contains("No exception is open."), "{}", empty.text);
    let page = unsettled(&browsers, "k-1").await;
    browsers.world.clock.turn(Millis::minutes(5));
    let yours = browsers.get(&owner, "/exceptions").await;
    let all = browsers.get(&other, "/exceptions?whose=everybody").await;
    for shown in [&yours, &all] {
        for words in [
            &*format!("<a href=\"{page}\">The policy could not decide it</a>"),
            "`segment` has no value",
            "(unsure)",
            "<td data-of=\"owner\">pricing-lead</td>",
            "5 minutes ago",
            "<b>due in ",
        ] {
            assert!(shown.text.contains(words), "{words}: {}", shown.text);
        }
    }
    assert!(yours.text.contains("<a href=\"/exceptions\" aria-current=\"true\">Yours</a>"), "{}", yours.text);
    let none = browsers.get(&other, "/exceptions").await;
    assert!(none.text.contains("No exception is yours.") && !none.text.contains(&page), "{}", none.text);
    // What is closed is open for nobody, and is still found from its intent.
    let shown = browsers.get(&owner, &page).await;
    let close =
        sent(&shown.text, &format!("{page}/closures"), &[("way", "decline"), ("words", "nobody waits")]);
    assert_eq!(browsers.post(&owner, &format!("{page}/closures"), &close).await.status, 303);
    for cookie in [&owner, &other] {
        let shown = browsers.get(cookie, "/exceptions?whose=everybody").await;
        assert!(shown.text.contains("No exception is open."), "{}", shown.text);
    }
    let (intent, _) = page.split_once("/exceptions/").expect("its intent");
    assert!(browsers.get(&owner, intent).await.text.contains(&format!("href=\"{page}\"")));
    // What is no list is said with a way back.
    for query in ["whose=nobody", "cursor=x", "owner=me"] {
        let shown = browsers.get(&owner, &format!("/exceptions?{query}")).await;
        assert!(shown.status == 400 && shown.text.contains("href=\"/inbox\""), "{query}: {}", shown.text);
    }
}

#[tokio::test]
async fn a_page_of_a_list_holds_fifty_and_what_is_due_first_stands_first() {
    let browsers = Browsers::start().await;
    let mut pages = Vec::new();
    for number in 0..51 {
        pages.push(unsettled(&browsers, &format!("k-{number}")).await);
        browsers.world.clock.turn(Millis::minutes(1));
    }
    let owner = browsers.signed_in("pricing-lead").await;
    for list in ["/exceptions", "/exceptions?whose=everybody"] {
        let first = browsers.get(&owner, list).await;
        let places: Vec<usize> =
            pages[..50].iter().map(|page| first.text.find(page).expect("it is there")).collect();
        assert!(places.is_sorted() && !first.text.contains(&pages[50]), "{places:?}");
        let next = first.text.split("rel=\"next\" href=\"").nth(1).expect("a next page");
        let next = next.split('"').next().expect("its end").replace("&amp;", "&");
        let second = browsers.get(&owner, &next).await;
        assert!(second.text.contains(&pages[50]) && !second.text.contains(&pages[49]), "{}", second.text);
        assert!(!second.text.contains("rel=\"next\""), "{}", second.text);
    }
}

#[tokio::test]
async fn a_page_of_an_exception_offers_the_ways_that_the_api_offers_to_whoever_may() {
    let browsers = Browsers::start().await;
    let page = unsettled(&browsers, "k-1").await;
    let owner = browsers.signed_in("pricing-lead").await;
    let shown = browsers.get(&owner, &page).await;
    for words in [
        "<h1>The policy could not decide it</h1>",
        "You answer for it.",
        "under-water (unsure)",
        "by the row ",
        "settled when",
        "Try it again<span class=\"faint\">It is read, evaluated and seated anew.",
        "Decline the intent<span class=\"faint\">The intent ends here",
        "<fieldset><legend>",
        "<label for=\"words\">",
    ] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    assert_eq!(ways(&shown), ["retry", "decline"]);
    for person in ["ae-1", "ae-2", "finance-1", "auditor-1"] {
        let cookie = browsers.signed_in(person).await;
        let shown = browsers.get(&cookie, &page).await;
        assert!(shown.status == 200 && ways(&shown).is_empty(), "{person}: {}", shown.text);
        assert!(shown.text.contains("pricing-lead answers for it, and closes it."), "{}", shown.text);
    }
    let (intent, _) = page.split_once("/exceptions/").expect("its intent");
    for unknown in ["exc_00000000000000000000000000", "none"] {
        let shown = browsers.get(&owner, &format!("{intent}/exceptions/{unknown}")).await;
        assert!(shown.status == 404 && shown.text.contains("href=\"/exceptions\""), "{}", shown.text);
    }
}

#[tokio::test]
async fn a_form_closes_an_exception_once_however_often_and_at_how_many_times_it_is_sent() {
    let browsers = Browsers::start().await;
    let page = unsettled(&browsers, "k-1").await;
    let to = format!("{page}/closures");
    let owner = browsers.signed_in("pricing-lead").await;
    let shown = browsers.get(&owner, &page).await;
    let typed = [("way", "retry"), ("words", "it is there again")];
    let close = sent(&shown.text, &to, &typed);
    let before = browsers.world.changes().await;
    for (wrong, status) in [
        (close.replace(&hidden(&shown.text, "once"), ""), 422),
        (close.replace("revision=1", "revision="), 422),
        (close.replace("revision=1", "revision=2"), 412),
        (close.replace("way=retry", "way=adopt"), 422),
        (close.replace("way=retry&", ""), 422),
        (close.replace("it+is+there+again", "+"), 422),
        (close.replace("again", "%E2%80%AE"), 422),
        (close.replace("way=retry", "way=probe"), 409),
    ] {
        let answer = browsers.post(&owner, &to, &wrong).await;
        assert_eq!(answer.status, status, "{wrong}: {}", answer.text);
        assert!(answer.text.contains("Nothing was kept."), "{wrong}: {}", answer.text);
        assert_eq!(ways(&answer), ["retry", "decline"], "{wrong}");
    }
    let answer = browsers.post(&owner, &to, &close.replace("way=retry", "way=probe")).await;
    assert!(answer.text.contains("it is there again</textarea>"), "{}", answer.text);
    let answer = browsers.post(&owner, &to, &close.replace("revision=1", "revision=2")).await;
    assert!(answer.text.contains("value=\"retry\" required checked"), "{}", answer.text);
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    // Whoever comes while the first one is being kept waits for it.
    browsers.world.store.take_time();
    let answers = join_all((0..8).map(|_| browsers.post(&owner, &to, &close))).await;
    for answer in &answers {
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, &*format!("{page}?said=closed")),
            "{}",
            answer.text
        );
    }
    let (intent, _) = page.split_once("/exceptions/").expect("its intent");
    let timeline = format!("{}/timeline", intent.replacen("/intents/", "/v1/intents/", 1));
    let story = browsers.world.get("pricing-lead", &timeline).await;
    assert_eq!(story.text.matches("it is there again").count(), 1, "{}", story.text);
    let told = browsers.get(&owner, &format!("{page}?said=closed")).await;
    assert!(
        told.text.contains("You have closed it.") && told.text.contains("pricing-lead, by retry"),
        "{}",
        told.text
    );
    assert!(ways(&told).is_empty(), "{}", told.text);
    let other = browsers.signed_in("ae-1").await;
    let told = browsers.get(&other, &format!("{page}?said=closed")).await;
    assert!(!told.text.contains("You have closed it."), "{}", told.text);
    // The same form with other words says something else.
    let late = browsers.post(&owner, &to, &close.replace("again", "still")).await;
    assert!(late.status == 422 && late.text.contains("You have closed it already."), "{}", late.text);
}

#[tokio::test]
async fn whoever_comes_second_is_shown_how_it_was_closed_and_loses_no_word() {
    let browsers = Browsers::start().await;
    let page = unsettled(&browsers, "k-1").await;
    let to = format!("{page}/closures");
    let owner = browsers.signed_in("pricing-lead").await;
    let (one, two) = (browsers.get(&owner, &page).await, browsers.get(&owner, &page).await);
    let first = sent(&one.text, &to, &[("way", "decline"), ("words", "nobody waits for it")]);
    assert_eq!(browsers.post(&owner, &to, &first).await.status, 303);
    let second = sent(&two.text, &to, &[("way", "retry"), ("words", "it is there again")]);
    let late = browsers.post(&owner, &to, &second).await;
    assert_eq!(late.status, 404, "{}", late.text);
    for words in [
        "Nothing was kept. </strong>You have closed it already.",
        "<blockquote>it is there again</blockquote>",
        "pricing-lead, by decline",
        "nobody waits for it",
    ] {
        assert!(late.text.contains(words), "{words}: {}", late.text);
    }
    assert!(ways(&late).is_empty(), "{}", late.text);
    // Whoever did not close it is not told that they did.
    let other = browsers.signed_in("ae-1").await;
    let late = browsers.post(&other, &to, &second).await;
    assert!(late.text.contains("Nothing was kept. </strong>Somebody closed it first."), "{}", late.text);
}

#[tokio::test]
async fn what_a_page_of_an_exception_does_not_offer_is_refused_and_on_record() {
    let browsers = Browsers::start().await;
    let page = unsettled(&browsers, "k-1").await;
    let to = format!("{page}/closures");
    let owner = browsers.signed_in("pricing-lead").await;
    let close = sent(&browsers.get(&owner, &page).await.text, &to, &[("way", "retry"), ("words", "again")]);
    let before = browsers.world.changes().await;
    for (person, status) in [("ae-1", 403), ("finance-1", 403)] {
        let cookie = browsers.signed_in(person).await;
        let answer = browsers.post(&cookie, &to, &close).await;
        assert_eq!(answer.status, status, "{person}: {}", answer.text);
        assert!(answer.text.contains("<blockquote>again</blockquote>"), "{}", answer.text);
    }
    let form_type = ("content-type", "application/x-www-form-urlencoded");
    for to in [&to, &format!("{page}/adoptions")] {
        let headers = [("cookie", owner.as_str()), form_type, ("sec-fetch-site", "cross-site")];
        let answer = browsers.world.send("", "POST", to, &headers, &close).await;
        assert!(
            answer.status == 403 && answer.text.contains("not sent by a page of this host"),
            "{}",
            answer.text
        );
        assert_eq!(browsers.get("", to).await.header("location"), page);
    }
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
    let items = on_record(&browsers.world, 2).await;
    let parts: Vec<&str> = page.split('/').collect();
    for (item, person) in items.iter().zip(["ae-1", "finance-1"]) {
        assert_eq!((&item["person"], &item["code"]), (&json!(person), &json!("CS-E0116")));
        assert_eq!((&item["door"], &item["verb"]), (&json!("console"), &json!("close-exception")));
        assert_eq!(item["on"], json!([parts[2], parts[4]]));
    }
}

#[tokio::test]
async fn what_a_target_holds_instead_is_asked_for_in_a_form() {
    let browsers = Browsers::start().await;
    let (place, exception) = pays_later(&browsers.world).await;
    let page = format!("{}/exceptions/{}", page_of(&place), exception["id"].as_str().expect("an id"));
    let owner = browsers.signed_in(exception["owner"].as_str().expect("an owner")).await;
    let shown = browsers.get(&owner, &page).await;
    assert_eq!(ways(&shown), ["probe", "give-up", "re-assert"], "{}", shown.text);
    for words in
        ["A target holds something else than was approved", "Ask for what is there", "over what is there"]
    {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    let to = format!("{page}/adoptions");
    let adopt = sent(&shown.text, &to, &[]);
    let cut = browsers.post(&owner, &to, &adopt.replace(&hidden(&shown.text, "once"), "")).await;
    assert!(cut.status == 422 && cut.text.contains("Nothing was kept."), "{}", cut.text);
    let stranger = browsers.signed_in("ae-1").await;
    assert_eq!(browsers.post(&stranger, &to, &adopt).await.status, 403);
    let asked = browsers.post(&owner, &to, &adopt).await;
    let again = browsers.post(&owner, &to, &adopt).await;
    assert_eq!((asked.status, again.status), (303, 303), "{}{}", asked.text, again.text);
    assert!(
        asked.header("location") == again.header("location") && asked.header("location") != page_of(&place)
    );
    let new = browsers.get(&owner, asked.header("location")).await;
    assert!(
        new.status == 200
            && new.text.contains("<td data-of=\"now\">nothing</td><td data-of=\"then\">60</td>"),
        "{}",
        new.text
    );
    // It is asked for already: another form says so.
    let shown = browsers.get(&owner, &page).await;
    let late = browsers.post(&owner, &to, &sent(&shown.text, &to, &[])).await;
    assert!(late.status == 409 && late.text.contains("asks for it already"), "{}", late.text);
    // And it is left as it is by a form too.
    let close = sent(&shown.text, &format!("{page}/closures"), &[("way", "give-up"), ("words", "so be it")]);
    assert_eq!(browsers.post(&owner, &format!("{page}/closures"), &close).await.status, 303);
    let shown = browsers.get(&owner, &page).await;
    assert!(shown.text.contains("by give-up") && ways(&shown).is_empty(), "{}", shown.text);
}

#[tokio::test]
async fn an_exception_of_an_intent_that_is_not_for_somebody_is_on_no_page_of_theirs() {
    let browsers = Browsers::by(restricted(&[CLOSED])).await;
    let page = unsettled(&browsers, "k-1").await;
    let to = format!("{page}/closures");
    let owner = browsers.signed_in("pricing-lead").await;
    let close = sent(&browsers.get(&owner, &page).await.text, &to, &[("way", "retry"), ("words", "again")]);
    let stranger = browsers.signed_in("ae-2").await;
    let before = browsers.world.changes().await;
    let mut said = Vec::new();
    let (_, exception) = page.split_once("/exceptions/").expect("its id");
    for path in [&page, &format!("/intents/int_00000000000000000000000000/exceptions/{exception}")] {
        said.push(browsers.get(&stranger, path).await);
        said.push(browsers.post(&stranger, &format!("{path}/closures"), &close).await);
        said.push(browsers.post(&stranger, &format!("{path}/adoptions"), &close).await);
    }
    for answer in &said {
        assert_eq!((answer.status, &answer.text), (404, &said[0].text));
    }
    let list = browsers.get(&stranger, "/exceptions?whose=everybody").await;
    assert!(list.text.contains("No exception is open."), "{}", list.text);
    assert!(browsers.get(&owner, "/exceptions?whose=everybody").await.text.contains(&page));
    assert_eq!(browsers.world.changes().await, before, "nothing was changed");
}

#[tokio::test]
async fn what_is_withheld_stands_on_no_page_of_an_exception() {
    let browsers = Browsers::by(restricted(&[("## Bindings", FIELDS)])).await;
    let quote = [("margin", Value::Decimal("13.37".to_owned())), ("renewal", Value::Flag(false))];
    browsers.world.connectors.put("crm", "quote", "q-1", &quote);
    let detail = Detail::new("gone", "the account was deleted");
    browsers.world.connectors.next_read(Failure::Rejected { fields: Vec::new(), detail });
    let place = browsers.world.submitted("k-1", &discount("12%")).await;
    let intent = browsers.world.get("pricing-lead", &place).await;
    let id = intent.json["exceptions"][0]["id"].as_str().expect("an exception");
    let page = format!("{}/exceptions/{id}", page_of(&place));
    let (stranger, owner) = (browsers.signed_in("ae-2").await, browsers.signed_in("pricing-lead").await);
    for path in [&*page, "/exceptions?whose=everybody"] {
        let shown = browsers.get(&stranger, path).await;
        assert!(shown.status == 200 && shown.text.contains("(withheld)"), "{path}: {}", shown.text);
        for (what, marks) in MARKS {
            assert!(!marks.iter().any(|mark| shown.text.contains(mark)), "{what} {path}: {}", shown.text);
        }
        assert!(browsers.get(&owner, path).await.text.contains("11851.85"), "{path}");
    }
}
