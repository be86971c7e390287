//! Access: who sees and reviews which rights, what is kept of it, and what comes back.

use super::browser::Browsers;
use super::exceptions::sent;
use crate::world::{Answer, Setup, World};
use countersign_engine::memory::MemoryStore;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Every right that somebody sees.
async fn rights(world: &World, who: &str, query: &str) -> Vec<Json> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = world.get(who, &format!("/v1/access?limit=50{query}{cursor}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        items.extend(answer.json["items"].as_array().expect("a list").clone());
        let Some(next) = answer.json["next"].as_str() else { return items };
        cursor = format!("&cursor={next}");
    }
}

async fn right(world: &World, what: &str, person: &str) -> Json {
    let all = rights(world, "auditor-1", &format!("&person={person}")).await;
    all.into_iter().find(|right| right["what"] == what).unwrap_or_else(|| panic!("{person} lacks `{what}`"))
}

fn verdict(right: &Json, said: &str, reason: &str) -> Json {
    match reason {
        "" => json!({ "right": right["id"], "said": said }),
        reason => json!({ "right": right["id"], "said": said, "reason": reason }),
    }
}

async fn review(world: &World, who: &str, key: &str, verdicts: &[Json]) -> Answer {
    world.post(who, "/v1/access/reviews", key, &json!({ "verdicts": verdicts }).to_string()).await
}

#[tokio::test]
async fn auditors_see_all_rights_and_others_their_own_and_those_that_they_review() {
    let world = World::start().await;
    let all = rights(&world, "auditor-1", "").await;
    assert!(100 < all.len(), "{} rights need more than one page", all.len());
    assert!(all.iter().all(|right| right["standing"] == "never-reviewed"));
    let token = all.iter().find(|right| {
        right["person"] == "ae-2" && right["what"].as_str().expect("a text").starts_with("token ")
    });
    assert!(
        token.expect("their token is a right")["leads_to"].to_string().contains("scope decide"),
        "{token:?}"
    );
    assert!(!rights(&world, "ae-2", "").await.iter().any(|right| right["person"] != "ae-2"));
    // The lead of a pool sees who else is in it, and of others nothing.
    let lead = rights(&world, "finance-lead", "&reviewer=me").await;
    let mut of: Vec<&str> = lead.iter().filter_map(|right| right["person"].as_str()).collect();
    of.sort_unstable();
    assert_eq!(of, ["finance-1", "finance-2", "finance-3"]);
    let owner = rights(&world, "revops-lead", "&reviewer=me&open=true").await;
    assert!(owner.iter().all(|right| right["person"] != "revops-lead"), "nobody reviews their own");
    let own = all.iter().filter(|right| right["person"] == "revops-lead").count();
    assert_eq!(owner.len() + own, all.len());
    world.get("ae-2", "/v1/access?since=yesterday").await.is_problem(400, "CS-E0210");
}

#[tokio::test]
async fn a_review_is_kept_once_and_read_by_the_next_host() {
    let store = Arc::new(MemoryStore::new());
    let world = World::of(Setup { store: Some(store.clone()), ..Setup::default() }).await;
    let (one, other) =
        (right(&world, "pool finance", "finance-1").await, right(&world, "pool finance", "finance-2").await);
    let verdicts = [verdict(&one, "keep", ""), verdict(&other, "remove", "left the team")];
    let before = world.engine.health().position.0;
    let answer = review(&world, "finance-lead", "k-1", &verdicts).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let items = answer.json["items"].as_array().expect("a list");
    assert_eq!(items.len(), 2);
    let again = review(&world, "finance-lead", "k-1", &verdicts).await;
    assert_eq!((again.status, &again.json), (200, &answer.json), "the same request is the same review");
    assert_eq!(world.engine.health().position.0, before + 1, "one entry, once");
    review(&world, "finance-lead", "k-1", &verdicts[..1]).await.is_problem(422, "CS-E0213");

    let stands = async |world: &World| {
        let (one, other) = (
            right(world, "pool finance", "finance-1").await,
            right(world, "pool finance", "finance-2").await,
        );
        assert_eq!((&one["standing"], &one["last"]["said"]), (&json!("kept"), &json!("keep")));
        assert_eq!(
            (&other["standing"], &other["last"]["reason"]),
            (&json!("to-remove"), &json!("left the team"))
        );
        assert_eq!(other["last"]["by"], "finance-lead");
        // What is to go is open until it is gone; what stays is open to whoever asks for what was said since.
        let open = async |since: &str| {
            let open = rights(world, "finance-lead", &format!("&reviewer=me&open=true{since}")).await;
            let mut people: Vec<String> = open.iter().map(|right| right["person"].to_string()).collect();
            people.sort_unstable();
            people.len()
        };
        assert_eq!(open("").await, 2);
        assert_eq!(open("&since=2026-11-23").await, 2);
        assert_eq!(open("&since=2026-11-24").await, 3);
    };
    stands(&world).await;
    drop(world);
    let next = World::of(Setup { store: Some(store), ..Setup::default() }).await;
    stands(&next).await;
    // It goes on where the first one ended.
    let answer = review(&next, "revops-1", "k-2", &[verdict(&other, "keep", "came back")]).await;
    assert_eq!(
        (answer.status, &answer.json["items"][0]["standing"]),
        (200, &json!("kept")),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn nothing_is_kept_of_a_review_that_does_not_fit() {
    let world = World::start().await;
    let (theirs, own) = (
        right(&world, "pool finance", "finance-1").await,
        right(&world, "lead of pool finance", "finance-lead").await,
    );
    let before = world.changes().await;
    let sends = async |who: &str, verdicts: &[Json]| {
        static KEYS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let key = KEYS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        review(&world, who, &format!("k-{key}"), verdicts).await
    };
    let refused = sends("finance-lead", &[verdict(&theirs, "keep", ""), verdict(&own, "keep", "")]).await;
    refused.is_problem(403, "CS-E0257");
    assert_eq!(refused.json["help"], "ask revops-1 or revops-lead");
    sends("finance-1", &[verdict(&theirs, "keep", "")]).await.is_problem(403, "CS-E0257");
    sends("finance-2", &[verdict(&theirs, "keep", "")]).await.is_problem(409, "CS-E0256");
    sends("auditor-1", &[verdict(&theirs, "keep", "")]).await.is_problem(403, "CS-E0257");
    let unknown = json!({ "right": "0123456789abcdef", "said": "keep" });
    sends("revops-1", &[unknown]).await.is_problem(409, "CS-E0256");
    sends("revops-1", &[verdict(&theirs, "remove", "")]).await.is_problem(422, "CS-E0258");
    sends("revops-1", &[verdict(&theirs, "keep", ""), verdict(&theirs, "keep", "")])
        .await
        .is_problem(422, "CS-E0258");
    let flawed = sends(
        "revops-1",
        &[json!({ "right": theirs["id"], "said": "maybe" }), json!({ "said": "keep", "why": "x" })],
    )
    .await;
    flawed.is_problem(422, "CS-E0203");
    assert_eq!(flawed.pointers(), ["/verdicts/0/said", "/verdicts/1/why", "/verdicts/1/right"]);
    sends("revops-1", &[]).await.is_problem(422, "CS-E0203");
    assert_eq!(world.changes().await, before);
}

#[tokio::test]
async fn rights_are_reviewed_on_their_page() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("deal-desk-lead").await;
    let page = browsers.get(&cookie, "/access").await;
    assert!(page.text.contains("2 rights of others, which you can review"), "{}", page.text);
    let field = |what: &str, page: &str| {
        let label = format!("aria-label=\"{what}\"");
        let before = page.split(&label).next().expect("a text");
        assert!(before.len() < page.len(), "there is no `{what}`: {page}");
        before.rsplit("name=\"").next().expect("a name").split('"').next().expect("its end").to_owned()
    };
    let fields = |name: &str| field(&format!("pool deal-desk of {name}"), &page.text);
    let (one, other) = (fields("deal-desk-2"), fields("deal-desk-1"));
    let form = |reason: &str| {
        sent(&page.text, "/access/reviews", &[(&one, "keep"), (&other, "remove"), ("reason", reason)])
    };
    let answer = browsers.post(&cookie, "/access/reviews", &form("")).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("Say why, so that whoever takes them away understands."), "{}", answer.text);
    assert!(
        answer.text.contains("<option value=\"remove\" selected>"),
        "what was chosen stays: {}",
        answer.text
    );
    let answer = browsers.post(&cookie, "/access/reviews", &form("left the team")).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/access?said=reviewed"), "{}", answer.text);
    let page = browsers.get(&cookie, "/access?said=reviewed").await.text;
    assert!(page.contains("Your review is on record. Nothing more is left for you."), "{page}");
    assert!(page.contains("was to go") && page.contains("left the team"), "{page}");
    let kept = right(&browsers.world, "pool deal-desk", "deal-desk-1").await;
    assert_eq!(kept["last"]["by"], "deal-desk-lead");

    // In the next quarter what stays is looked at again; what is to go can stay after all, with a reason.
    let page = browsers.get(&cookie, "/access?since=2027-01-01").await.text;
    assert!(page.contains("2 rights of others") && page.contains("keep-after-all"), "{page}");
    let again = sent(&page, "/access/reviews", &[(&other, "keep-after-all"), ("reason", "")]);
    let answer = browsers.post(&cookie, "/access/reviews", &again).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    let again = sent(&page, "/access/reviews", &[(&other, "keep-after-all"), ("reason", "came back")]);
    let answer = browsers.post(&cookie, "/access/reviews", &again).await;
    assert_eq!(answer.header("location"), "/access?since=2027-01-01&said=reviewed", "{}", answer.text);
    // Whoever has the right does not read why it was to go or to stay.
    let own = rights(&browsers.world, "deal-desk-1", "&person=me").await;
    let own = own.iter().find(|right| right["what"] == "pool deal-desk").expect("their pool");
    assert_eq!((&own["last"]["said"], &own["last"]["reason"]), (&json!("keep"), &Json::Null), "{own}");
    // What nobody sees is in no reason.
    let hidden = sent(&page, "/access/reviews", &[(&one, "remove"), ("reason", "left\u{202e}")]);
    assert_eq!(browsers.post(&cookie, "/access/reviews", &hidden).await.status, 422);

    // Of others somebody sees nothing, and reviews nothing.
    let stranger = browsers.signed_in("ae-2").await;
    let page = browsers.get(&stranger, "/access").await.text;
    assert!(page.contains("Nothing waits for your review.") && !page.contains("deal-desk-1"), "{page}");
    let answer = browsers.post(&stranger, "/access/reviews", &form("mine")).await;
    assert_eq!(answer.status, 409, "{}", answer.text);
}
