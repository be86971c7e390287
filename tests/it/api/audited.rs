//! The page of the log: what auditors find in it, what others do, its proofs, its checkpoints and what was refused.

use super::browser::Browsers;
use super::console::page_of;
use super::denied::on_record;
use super::exceptions::encoded;
use super::log::{done, is_right, key, signature, signer};
use super::visibility::{CLOSED, FIELDS, MARKS, discount, restricted};
use super::world::{Answer, SMALL, Setup};
use countersign_core::hash::Digest;
use countersign_core::log::note::{Checkpoint, Note};
use countersign_core::log::proof::Proof;
use countersign_core::time::Millis;
use countersign_engine::port::Answer as Port;
use countersign_engine::port::anchor::Anchor;
use std::sync::Arc;

/// A place in which checkpoints are noted, or are not.
struct Place {
    name: &'static str,
    takes: bool,
}

impl Anchor for Place {
    fn name(&self) -> &str {
        self.name
    }

    fn rest(&self) -> Millis {
        Millis(20)
    }

    fn note(&self, _: u64, _: Digest) -> Port<'_, Result<(), String>> {
        let came = if self.takes { Ok(()) } else { Err("the bucket is gone".to_owned()) };
        Box::pin(std::future::ready(came))
    }
}

async fn proving() -> Browsers {
    let places = [("bucket", false), ("timestamps", true)];
    let anchors = places.map(|(name, takes)| Arc::new(Place { name, takes }) as Arc<dyn Anchor>).to_vec();
    Browsers::within(Setup { log_signer: Some(signer()), anchors, ..Setup::default() }).await
}

/// The numbers of the entries on a page, in their order.
fn numbers(page: &Answer) -> Vec<u64> {
    let rows = page.text.split("<tr><th scope=\"row\">").skip(1);
    rows.filter_map(|row| row.split('<').next()?.parse().ok()).collect()
}

#[tokio::test]
async fn an_auditor_searches_the_whole_log_from_its_end_and_takes_the_proof_of_an_entry() {
    let browsers = proving().await;
    let places = [done(&browsers.world, "k-1").await, done(&browsers.world, "k-2").await];
    done(&browsers.world, "k-4").await;
    browsers.world.clock.turn(Millis::minutes(24 * 60));
    let later = browsers.world.submitted("k-3", SMALL).await;
    let auditor = browsers.signed_in("auditor-1").await;
    let search = async |query: &str| browsers.get(&auditor, &format!("/audit?{query}")).await;
    let all = search("").await;
    assert_eq!(all.status, 200, "{}", all.text);
    let first = numbers(&all);
    assert_eq!(first.len(), 50, "{first:?}");
    assert!(
        first.is_sorted_by(|one, other| *one == other + 1),
        "newest first, and none is missing: {first:?}"
    );
    assert_eq!(first[0], browsers.world.engine.health().position.0);
    // Every page leads on to the first entry of all.
    let (mut seen, mut page) = (first, all);
    while let Some(next) = page.text.split("rel=\"next\" href=\"").nth(1) {
        page = browsers.get(&auditor, &next.split('"').next().expect("its end").replace("&amp;", "&")).await;
        seen.extend(numbers(&page));
    }
    assert_eq!((seen.len() as u64, seen.last()), (seen[0], Some(&1)));
    for (query, is, is_not) in [
        ("kind=approved", "kind\">approved<", "kind\">submitted<"),
        ("person=ae-1&kind=submitted", "by\">ae-1<", "by\">engine<"),
        ("day=2026-11-24&kind=submitted", &*page_of(&later), &*page_of(&places[0])),
        ("day=2026-11-23&kind=submitted", &*page_of(&places[0]), &*page_of(&later)),
        (&*format!("intent={}", id(&places[0])), &*page_of(&places[0]), &*page_of(&places[1])),
        ("kind=no-such-kind", "No entry is like that.", "<td"),
        ("day=2026-11-25", "No entry is like that.", "<td data-of"),
        ("day=2026-11-22", "No entry is like that.", "<td data-of"),
    ] {
        let found = search(query).await;
        let rows =
            found.text.split("id=\"log\"").next().expect("the rows").split("</form>").last().expect("rows");
        assert!(rows.contains(is) && !rows.contains(is_not), "{query}: {rows}");
    }
    for wrong in ["intent=x", "day=yesterday", "before=x", "kind=%3Cb%3E", "who=me"] {
        assert_eq!(search(wrong).await.status, 400, "{wrong}");
    }
    let found = search("kind=approved").await;
    let link = found.text.split("href=\"").find(|rest| rest.contains("/proof?sequence=")).expect("a proof");
    let link = link.split('"').next().expect("its end");
    let proof = browsers.get(&auditor, link).await;
    assert!(proof.header("content-disposition").starts_with("attachment; filename=\"int_"), "{}", proof.text);
    let proof = Proof::parse(&proof.text).expect("it is a proof");
    proof.check(&key(), is_right).expect("it leads to what the log has signed");
}

fn id(place: &str) -> &str {
    place.rsplit('/').next().expect("an id")
}

#[tokio::test]
async fn whoever_is_no_auditor_finds_the_entries_of_what_they_see_and_nothing_else() {
    let browsers = Browsers::by(restricted(&[CLOSED])).await;
    let place = browsers.world.submitted("k-1", &discount("12%")).await;
    let (inside, stranger) = (browsers.signed_in("ae-1").await, browsers.signed_in("ae-2").await);
    let own = format!("/audit?intent={}", id(&place));
    let begin = browsers.get(&inside, "/audit").await;
    assert!(begin.status == 200 && begin.text.contains("Name an intent."), "{}", begin.text);
    assert!(!begin.text.contains("/audit/denied"), "{}", begin.text);
    let found = browsers.get(&inside, &own).await;
    assert!(found.status == 200 && found.text.contains("kind\">submitted<"), "{}", found.text);
    let never = "/audit?intent=int_00000000000000000000000000";
    let (hidden, none) = (browsers.get(&stranger, &own).await, browsers.get(&stranger, never).await);
    assert_eq!((hidden.status, &hidden.text), (404, &none.text));
    let proof = [&*place, "/v1/intents/int_00000000000000000000000000"]
        .map(|place| format!("{}/proof", page_of(place)));
    let (hidden, none) = (browsers.get(&stranger, &proof[0]).await, browsers.get(&stranger, &proof[1]).await);
    assert_eq!((hidden.status, &hidden.text), (404, &none.text));
    for path in ["/audit?kind=approved", "/audit/denied"] {
        assert_eq!(browsers.get(&inside, path).await.status, 403, "{path}");
    }
    // Four of the stranger, and two of whoever is inside.
    let items = on_record(&browsers.world, 6).await;
    assert_eq!(items.iter().filter(|item| item["person"] == "ae-1").count(), 2, "{items:?}");
    let auditor = browsers.signed_in("auditor-1").await;
    let shown = browsers.get(&auditor, "/audit/denied?person=ae-1").await;
    for words in ["search-log", "list-denied", "who\">ae-1<", "<a href=\"/errors/CS-E0222\">", "console"] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
    assert!(!shown.text.contains("who\">ae-2<"), "{}", shown.text);
    let none = browsers.get(&auditor, "/audit/denied?day=2026-11-01").await;
    assert!(none.text.contains("Nothing was refused on this day."), "{}", none.text);
}

#[tokio::test]
async fn what_is_withheld_from_somebody_is_in_no_entry_that_they_find() {
    let browsers = Browsers::by(restricted(&[("## Bindings", FIELDS)])).await;
    let place = browsers.world.submitted("k-1", &discount("12%")).await;
    let stranger = browsers.signed_in("ae-2").await;
    let found = browsers.get(&stranger, &format!("/audit?intent={}", id(&place))).await;
    assert!(found.status == 200 && found.text.contains("kind\">submitted<"), "{}", found.text);
    for (what, marks) in MARKS {
        assert!(!marks.iter().any(|mark| found.text.contains(mark)), "{what}: {}", found.text);
    }
}

#[tokio::test]
async fn the_log_is_checked_against_a_checkpoint_that_somebody_has() {
    let browsers = proving().await;
    let cookie = browsers.signed_in("ae-2").await;
    let checks = async |note: &str| {
        let form = format!("checkpoint={}", encoded(&note.replace('\n', "\r\n")));
        browsers.post(&cookie, "/audit/checkpoint", &form).await
    };
    done(&browsers.world, "k-0").await;
    let old = browsers.world.get("ae-2", "/v1/log/checkpoint").await.text;
    let size = Note::parse(&old).and_then(|note| note.checkpoint(&key(), is_right)).expect("signed").size;
    done(&browsers.world, "k-1").await;
    let before = browsers.world.changes().await;
    let right = checks(&old).await;
    let words = format!("The log begins with the {size} entries of this checkpoint");
    assert!(right.status == 200 && right.text.contains(&words), "{}", right.text);
    let signed = |size, root| Note::of(size, root, &key(), signature).to_text();
    let forged = Checkpoint { origin: "acme.example/approvals".to_owned(), size, root: Digest::of(b"x") };
    for (note, words) in [
        (signed(size, Digest::of(b"other")), "Its first "),
        (signed(1_000_000, Digest::of(b"other")), "The checkpoint counts 1000000 entries, and the log has "),
        (old.replace("\n1", "\n2"), "It is no whole checkpoint"),
        (forged.to_text(), "It is no whole checkpoint"),
        (String::new(), "It is no whole checkpoint"),
    ] {
        let answer = checks(&note).await;
        assert!(
            answer.text.contains(words) && !answer.text.contains("class=\"kept\""),
            "{note}: {}",
            answer.text
        );
    }
    assert_eq!(browsers.world.changes().await, before, "a check is no entry");
    assert_eq!(browsers.get("", "/audit/checkpoint").await.header("location"), "/audit");
    // Where it was noted, and where it could not be.
    let auditor = browsers.signed_in("auditor-1").await;
    let mut shown = String::new();
    for _ in 0..500 {
        shown = browsers.get(&auditor, "/audit").await.text;
        if shown.contains("the bucket is gone") && shown.contains("last noted\"><span>") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    for words in [
        "<th scope=\"row\">timestamps</th>",
        "it could not be noted: the bucket is gone",
        "not since this host runs",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // Why it could not be has places of the machine in it, and is for those who audit or operate.
    let others = browsers.get(&cookie, "/audit").await.text;
    assert!(others.contains("it could not be noted<") && !others.contains("bucket is gone"), "{others}");
    let bare = Browsers::start().await;
    let cookie = bare.signed_in("ae-2").await;
    assert!(bare.get(&cookie, "/audit").await.text.contains("This host has no key for its log"));
    assert_eq!(bare.post(&cookie, "/audit/checkpoint", "checkpoint=x").await.status, 404);
}
