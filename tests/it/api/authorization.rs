//! Who may do what about an intent, tried over HTTP for every verb and everybody who could try it. The page
//! `host/docs/authorization.md` is what came of it: `COUNTERSIGN_WRITE=1` writes it anew.

use super::links::{hidden, path, paths, waiting};
use crate::world::{SMALL, Setup, World};
use countersign_core::effect::attempt::{Detail, Failure};
use countersign_core::record::Value;
use countersign_core::rulebook::Rulebook;
use countersign_server::routes::ROUTES;
use countersign_tests::world::{root, source_files};
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Where the page stands.
const PAGE: &str = "host/docs/authorization.md";

/// Everybody who could try it: what they are called, with whose token, and what happened before.
const WHO: [(&str, &str, Before); 13] = [
    ("no token", "", Before::Nothing),
    ("no scope", "read", Before::Nothing),
    ("left", "leaver", Before::Nothing),
    ("requester", "ae-1", Before::Nothing),
    ("bystander", "ae-2", Before::Nothing),
    ("in a seat", "finance-1", Before::Nothing),
    ("decided", "finance-2", Before::Decided),
    ("stands in", "fpna-1", Before::HandedOver),
    ("may override", "cro", Before::Nothing),
    ("may break the glass", "cro-chief-of-staff", Before::Nothing),
    ("owns the exception", "pricing-lead", Before::Nothing),
    ("administrator", "revops-lead", Before::Nothing),
    ("auditor", "auditor-1", Before::Nothing),
];

/// What happened before somebody tries it.
#[derive(Debug, Clone, Copy)]
enum Before {
    Nothing,
    /// They have approved.
    Decided,
    /// Somebody handed a seat to them.
    HandedOver,
}

/// What can be done: its name, where it is asked, and with what body.
const VERBS: [(&str, &str, &str); 20] = [
    ("approve", "decisions", r#"{"decision":"approve"}"#),
    ("decline", "decisions", r#"{"decision":"decline","reason":"no"}"#),
    ("send back", "returns", r#"{"reason":"less"}"#),
    ("claim", "claims", "{}"),
    ("release", "releases", "{}"),
    ("ask", "questions", r#"{"words":"why?"}"#),
    ("answer", "answers", r#"{"words":"because"}"#),
    ("delegate", "delegations", r#"{"to":"fpna-2","until":"2026-11-24T15:00:00Z","reason":"away"}"#),
    ("transfer", "transfers", r#"{"to":"fpna-2","reason":"away"}"#),
    ("reassign", "reassignments", r#"{"from":"finance-3","to":"fpna-2","reason":"in hospital"}"#),
    ("recall", "recalls", "{}"),
    ("add a voice", "voices", r#"{"whom":"legal-lead-1","order":"after","reason":"court"}"#),
    ("amend", "amendments", ""),
    ("withdraw", "withdrawals", "{}"),
    ("remind", "reminders", "{}"),
    ("comment", "comments", r#"{"words":"hello"}"#),
    (
        "override",
        "overrides",
        r#"{"decision":"decline","override_reason":"competitor-offer","reason":"no",
           "evidence":[{"kind":"competitor-quote","link":"https://example.com"}]}"#,
    ),
    ("break the glass", "break-glass", r#"{"reason":"it cannot wait"}"#),
    ("close the exception", "exceptions/{exception}/closures", r#"{"by":"retry","reason":"again"}"#),
    ("adopt what is there", "exceptions/{exception}/adoptions", "{}"),
];

/// One verb, tried by one person, on an intent of its own: `yes`, or the code of the refusal.
async fn tried(world: &World, number: usize, verb: usize, who: usize) -> String {
    let (_, below, body) = VERBS[verb];
    let (_, token, before) = WHO[who];
    let closes = below.starts_with("exceptions");
    if closes {
        let detail = Detail::new("gone", "the account was deleted");
        world.connectors.next_read(Failure::Rejected { fields: Vec::new(), detail });
    }
    let place = world.submitted(&format!("k-{number}"), SMALL).await;
    let give = async |person: &str, below: &str, body: &str, key: &str| {
        let key = format!("{key}-{number}");
        world.post(person, &format!("{place}/{below}"), &key, body).await
    };
    match before {
        Before::Decided if !closes => {
            assert_eq!(give(token, "decisions", VERBS[0].2, "before").await.status, 200);
        }
        Before::HandedOver if !closes => {
            let body = format!(r#"{{"to":"{token}","reason":"away"}}"#);
            assert_eq!(give("finance-3", "transfers", &body, "before").await.status, 200);
        }
        Before::Nothing | Before::Decided | Before::HandedOver => {}
    }
    match below {
        "releases" => drop(give(token, "claims", "{}", "first").await),
        "recalls" => drop(give(token, "transfers", VERBS[8].2, "first").await),
        "answers" => assert_eq!(give("finance-lead", "questions", VERBS[5].2, "first").await.status, 200),
        _ => {}
    }
    let shown = world.get("ae-1", &place).await.json;
    let exception = shown["exceptions"][0]["id"].as_str().unwrap_or("exc_none").to_owned();
    let mut tokens = shown["tokens"].clone();
    tokens["term_months"] = json!(36);
    let amendment = json!({ "tokens": tokens }).to_string();
    let body = if below == "amendments" { &amendment } else { body };
    let answer = give(token, &below.replace("{exception}", &exception), body, "tried").await;
    if answer.status == 200 {
        return "**yes**".to_owned();
    }
    let code = answer.json["code"].as_str().unwrap_or_else(|| panic!("no code: {}", answer.text)).to_owned();
    assert!((400..500).contains(&answer.status), "{code}: {}", answer.text);
    format!("[{}](errors/{code}.md)", code.trim_start_matches("CS-E0"))
}

/// The page as it must be.
async fn page() -> String {
    let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
    let file = files.iter_mut().find(|file| file.path == "intents/discount.intent.md");
    let file = file.expect("the discount");
    file.text = file.text.replacen("| impact ", "| break glass | pool cro-office for 4h |\n| impact ", 1);
    let rulebook = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let world = World::of(Setup { rulebook, ..Setup::default() }).await;
    let thin = [("margin", Value::Decimal("14".to_owned())), ("renewal", Value::Flag(false))];
    world.connectors.put("crm", "quote", "q-1", &thin);
    let mut page = String::from(
        "# Who may do what about an intent\n\n\
         This page is written by a test that tries every verb over the API in the name of everybody, each on\n\
         an intent of its own: a discount that waits for two voices of finance and for the requester's manager.\n\
         **yes** means that it was taken; a number is the code of the refusal (`CS-E0` and the number), with its\n\
         page. The command line calls the same API; timers and the engine itself give the same commands.\n\n\
         Who: *no token* is a call without one; *no scope* has a token of the requester that may only read; *left*\n\
         is not in the directory any more; *bystander* has no part in it; *in a seat* is one of finance; *decided*\n\
         has approved already; *stands in* was handed the seat of a third one; *may override* is named in the\n\
         table `Overrides`, *may break the glass* in the row `break glass`; *owns the exception* is the lead of the pool that owns the policy; *administrator* and\n\
         *auditor* are in the pools that `people.md` names under `Duties`.\n\n",
    );
    let names: Vec<&str> = WHO.iter().map(|(name, ..)| *name).collect();
    writeln!(page, "| verb | {} |", names.join(" | ")).expect("a text takes it");
    writeln!(page, "|{}", "---|".repeat(names.len() + 1)).expect("a text takes it");
    for (verb, (name, ..)) in VERBS.iter().enumerate() {
        let mut cells = Vec::new();
        for who in 0..WHO.len() {
            cells.push(tried(&world, verb * WHO.len() + who, verb, who).await);
        }
        writeln!(page, "| {name} | {} |", cells.join(" | ")).expect("a text takes it");
    }
    page + &behind_links().await
}

/// Who follows the link of a message that was sent to somebody else, or to them: what they are called, and who they
/// are signed in as.
const FOLLOW: [(&str, &str); 7] = [
    ("not signed in", ""),
    ("requester", "ae-1"),
    ("in the seat", "sales-manager-1"),
    ("bystander", "finance-1"),
    ("owner of the policy", "pricing-lead"),
    ("administrator", "revops-lead"),
    ("auditor", "auditor-1"),
];

/// What a link is for, and what is written into its page.
const LINKED: [(&str, &str); 4] =
    [("approve", ""), ("decline", "no"), ("ask", "why+so+much%3F"), ("answer", "three+years")];

/// The part of the page about links.
async fn behind_links() -> String {
    let mut page = String::from(
        "\n## Behind the link of a message\n\n\
         The same discount, small enough for the requester's manager alone, who was sent the links to approve, to\n\
         decline and to ask; the link to answer was sent to the requester. Everybody posts what its page would post,\n\
         with the revision and the seal that its own person was shown. **yes** means that it was taken; a number is\n\
         the status of the answer: 303 leads to the sign-in, 404 is what an address gets that never was.\n\n",
    );
    let names: Vec<&str> = FOLLOW.iter().map(|(name, _)| *name).collect();
    writeln!(page, "| link | {} |", names.join(" | ")).expect("a text takes it");
    writeln!(page, "|{}", "---|".repeat(names.len() + 1)).expect("a text takes it");
    for (verb, words) in LINKED {
        let mut cells = Vec::new();
        for (_, person) in FOLLOW {
            cells.push(followed(verb, words, person).await);
        }
        writeln!(page, "| {verb} | {} |", cells.join(" | ")).expect("a text takes it");
    }
    page
}

/// What becomes of one who posts behind one link.
async fn followed(verb: &str, words: &str, person: &str) -> String {
    let (browsers, mut links, place) = waiting().await;
    let manager = browsers.signed_in("sales-manager-1").await;
    let shown = browsers.get(&manager, &path(&links, "approve")).await.text;
    let seal = hidden(&shown, "seal");
    if verb == "answer" {
        let asked = browsers.post(&manager, &path(&links, "ask"), "revision=1&seal=&words=why").await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        links = paths(&browsers.inbox.of("ae-1", 1).await.pop().expect("a message").text);
    }
    let cookie = if person.is_empty() { String::new() } else { browsers.signed_in(person).await };
    browsers.all_told(&place).await;
    let before = browsers.world.engine.health().head;
    let form = format!("revision=1&seal={seal}&words={words}");
    let answer = browsers.post(&cookie, &path(&links, verb), &form).await;
    if answer.status == 200 {
        return "**yes**".to_owned();
    }
    assert_eq!(browsers.world.engine.health().head, before, "{person} changed something by {verb}");
    answer.status.to_string()
}

#[tokio::test]
async fn the_published_table_of_who_may_do_what_is_what_the_doors_do() {
    let (path, now) = (root().join(PAGE), page().await);
    if std::env::var_os("COUNTERSIGN_WRITE").is_some() {
        std::fs::write(&path, &now).expect("the page is written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, now, "run the test with COUNTERSIGN_WRITE=1 and read what has changed");
    // Nobody who must not decide does, whatever else the table says.
    let (doors, links) = now.split_once("\n## Behind").expect("both parts");
    let rows = |part: &str| -> Vec<Vec<String>> {
        part.lines().map(|line| line.split(" | ").map(str::to_owned).collect()).collect()
    };
    for (verb, _) in LINKED {
        let all = rows(links);
        let row = all.iter().find(|row| row[0] == format!("| {verb}")).expect("its row");
        let yes: Vec<usize> = (1..row.len()).filter(|cell| row[*cell].contains("yes")).collect();
        assert_eq!(yes, if verb == "answer" { [2] } else { [3] }, "only whom the link was sent to");
    }
    let rows = rows(doors);
    let decides = ["| approve", "| decline", "| send back", "| delegate", "| transfer", "| add a voice"];
    for row in rows.iter().filter(|row| decides.contains(&row[0].as_str())) {
        let yes: Vec<usize> = (1..row.len()).filter(|cell| row[*cell].contains("yes")).collect();
        // Whoever stands in decides and never passes the seat on.
        let passes = ["| delegate", "| transfer"].contains(&row[0].as_str());
        assert_eq!(yes, if passes { vec![6] } else { vec![6, 8] }, "{}", row[0]);
    }
}

#[test]
fn every_verb_that_changes_an_intent_stands_in_the_table() {
    let below = |path: &str| path.strip_prefix("/v1/intents/{id}/").map(str::to_owned);
    let routes: BTreeSet<String> =
        ROUTES.iter().filter(|route| route.method == "POST").filter_map(|route| below(route.path)).collect();
    let tried: BTreeSet<String> = VERBS.iter().map(|(_, below, _)| (*below).to_owned()).collect();
    assert_eq!(routes, tried);
}
