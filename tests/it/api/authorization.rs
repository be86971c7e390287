//! Who may do what about an intent, tried over HTTP for every verb and everybody who could try it; `of_the_house.rs` tries
//! what is not about one. The page `host/docs/authorization.md` is what came of both: `COUNTERSIGN_WRITE=1` writes it anew.

use super::browser::Browsers;
use super::console::{form, page_of};
use super::links::{hidden, path, paths, waiting};
use super::of_the_house;
use super::on_pages::{is_right, page as on_other_pages};
use crate::world::{SMALL, Setup, World};
use countersign_core::effect::attempt::{Detail, Failure};
use countersign_core::record::Value;
use countersign_core::rulebook::Rulebook;
use countersign_server::Scope;
use countersign_server::routes::ROUTES;
use countersign_tests::world::{root, source_files};
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Where the page stands.
const PAGE: &str = "host/docs/authorization.md";

/// Who is who in the house of these tables, where the shipped one has nobody for it or the same people for two things.
pub(crate) struct Names {
    /// Whose duty it is to put things into other hands, and nothing else.
    pub(crate) administrator: &'static str,
    /// Who may say that others are away, and does nothing else.
    pub(crate) owner_of_people: &'static str,
    /// What asks by itself.
    pub(crate) machine: &'static str,
}

/// The house of these tables.
pub(crate) const HOUSE: Names =
    Names { administrator: "privacy-1", owner_of_people: "controller-1", machine: "crm-bot" };

/// The shipped house with an administrator and an owner of `people.md` who have no other part in it, somebody who may
/// break the glass, an exception budget that nothing spends, an integration owner of the CRM, a machine, and a pool that
/// a group may fill; and with a change in the file of the discount.
pub(crate) fn rulebook(change: impl Fn(String) -> String) -> Rulebook {
    let machines =
        format!("## Machines\n\n| machine | answers for it |\n|---|---|\n| {} | ae-2 |\n", HOUSE.machine);
    let people = [
        ("| administrator | revenue-operations |", "| administrator | privacy |"),
        ("| billing    | billing           |", "| crm        | billing           |"),
        ("\n## Pools", &format!("\n{machines}\n## Pools")),
        (
            "| owner    | revenue-operations |",
            "| owner    | controllers |\n| groups   | finance            |",
        ),
    ];
    let rows = "| break glass | pool cro-office for 4h |\n\
                | exception budget | 999 in 7d, warn at 50%, then refuse |\n| impact ";
    let discount = [("| impact ", rows)];
    let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
    for file in &mut files {
        let changes: &[(&str, &str)] = match file.path.as_str() {
            "people.md" => &people,
            "intents/discount.intent.md" => &discount,
            _ => &[],
        };
        for (from, to) in changes {
            assert!(file.text.contains(from), "{} lacks {from}", file.path);
            file.text = file.text.replacen(from, to, 1);
        }
        if file.path == "intents/discount.intent.md" {
            file.text = change(std::mem::take(&mut file.text));
        }
    }
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// Who is let in nowhere, by whose token they try, and with which code a route refuses them: nobody, a token that lacks
/// the scope, one of somebody who has left, and one that only provisions.
pub(crate) fn shut_out(method: &str, path: &str) -> Vec<(&'static str, &'static str)> {
    let route = ROUTES.iter().find(|route| route.method == method && route.path == path);
    let scope =
        route.and_then(|route| route.scope).unwrap_or_else(|| panic!("{method} {path} wants a token"));
    let lacks = if scope == Scope::Read { "ask" } else { "read" };
    match scope {
        Scope::Provision => vec![("", "CS-E0205"), (lacks, "CS-E0207"), ("leaver", "CS-E0207")],
        Scope::Read | Scope::Ask | Scope::Decide | Scope::Operate => vec![
            ("", "CS-E0205"),
            (lacks, "CS-E0207"),
            ("leaver", "CS-E0104"),
            (Scope::Provision.as_str(), "CS-E0207"),
        ],
    }
}

/// Everybody who could try it: what they are called, with whose token, and what happened before.
const WHO: [(&str, &str, Before); 13] = [
    ("requester", "ae-1", Before::Nothing),
    ("bystander", "ae-2", Before::Nothing),
    ("in a seat", "finance-1", Before::Nothing),
    ("decided", "finance-2", Before::Decided),
    ("stands in", "fpna-1", Before::HandedOver),
    ("may override", "cro", Before::Nothing),
    ("may break the glass", "cro-chief-of-staff", Before::Nothing),
    (OWNS, "pricing-lead", Before::Nothing),
    ("operator", "integration-1", Before::Nothing),
    ("integration owner", "billing-1", Before::Nothing),
    ("administrator", HOUSE.administrator, Before::Nothing),
    ("auditor", "auditor-1", Before::Nothing),
    ("machine", HOUSE.machine, Before::Nothing),
];

/// Whoever answers for the exception, whichever it is.
const OWNS: &str = "owns the exception";
/// Who does that where a connection holds something up.
const OWNS_HELD: &str = "integration-lead";

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
const VERBS: [(&str, &str, &str); 22] = [
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
    (AGAIN, "exceptions/{exception}/closures", r#"{"by":"retry","reason":"the key is renewed"}"#),
    (DECLINED, "exceptions/{exception}/closures", r#"{"by":"decline","reason":"nobody waits for it"}"#),
    ("adopt what is there", "exceptions/{exception}/adoptions", "{}"),
];

/// What is about an exception of a connection, whose credential was refused.
const AGAIN: &str = "try again what a connection holds up";
/// The same, ended otherwise.
const DECLINED: &str = "decline what a connection holds up";

/// One verb, tried by one person, on an intent of its own: `yes`, or the code of the refusal.
async fn tried(world: &World, number: usize, verb: usize, who: usize) -> String {
    let (name, below, body) = VERBS[verb];
    let (called, token, before) = WHO[who];
    let (closes, held) = (below.starts_with("exceptions"), [AGAIN, DECLINED].contains(&name));
    let token = if held && called == OWNS { OWNS_HELD } else { token };
    if held {
        world.connectors.deny_reads();
        world.connectors.deny(true);
    } else if closes {
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
    let place_of_it = below.replace("{exception}", &exception);
    if held {
        world.connectors.deny(false);
    }
    let answer = give(token, &place_of_it, body, "tried").await;
    if held && answer.status != 200 {
        // What holds one up would hold up the next one.
        let closed = give(OWNS_HELD, &place_of_it, body, "after").await;
        assert_eq!(closed.status, 200, "{}", closed.text);
    }
    if answer.status == 200 {
        return "**yes**".to_owned();
    }
    let code = answer.json["code"].as_str().unwrap_or_else(|| panic!("no code: {}", answer.text)).to_owned();
    assert!((400..500).contains(&answer.status), "{code}: {}", answer.text);
    format!("[{}](errors/{code}.md)", code.trim_start_matches("CS-E0"))
}

/// The page as it must be.
async fn page() -> String {
    let world = World::of(Setup { rulebook: rulebook(|text| text), ..Setup::default() }).await;
    let thin = [("margin", Value::Decimal("14".to_owned())), ("renewal", Value::Flag(false))];
    world.connectors.put("crm", "quote", "q-1", &thin);
    let mut page = String::from(
        "# Who may do what\n\n\
         This page is written by tests that try everything over the API in the name of everybody. **yes** means that it\n\
         was taken; a number is the code of the refusal (`CS-E0` and the number), with its page. The command line calls\n\
         the same API; timers and the engine itself give the same commands.\n\n\
         Everywhere the same, and tried everywhere: a call without a token is refused with [205](errors/CS-E0205.md), a\n\
         token that lacks the scope with [207](errors/CS-E0207.md), one of somebody who has left with\n\
         [104](errors/CS-E0104.md), and the token of an identity provider, but at its own door, with\n\
         [207](errors/CS-E0207.md). All others here have every scope that they could have.\n\n\
         ## What is done about an intent\n\n\
         Each on an intent of its own: a discount that waits for two voices of finance and for the requester's manager.\n\
         *bystander* has no part in it; *in a seat* is one of finance; *decided* has approved already; *stands in* was\n\
         handed the seat of a third one; *may override* is named in the table `Overrides`, *may break the glass* in the\n\
         row `break glass`; *owns the exception* answers for it. *operator*, *administrator* and *auditor* are in the pools\n\
         that `people.md` names under `Duties`, *integration owner* is in the one that it names under `Connections` for the\n\
         connection that is meant, and *machine* stands under `Machines`.\n\n",
    );
    let names: Vec<&str> = WHO.iter().map(|(name, ..)| *name).collect();
    writeln!(page, "| verb | {} |", names.join(" | ")).expect("a text takes it");
    writeln!(page, "|{}", "---|".repeat(names.len() + 1)).expect("a text takes it");
    for (verb, (name, below, body)) in VERBS.iter().enumerate() {
        let place = world.submitted(&format!("shut-{verb}"), SMALL).await;
        for (token, code) in shut_out("POST", &format!("/v1/intents/{{id}}/{below}")) {
            let answer = world.post(token, &format!("{place}/{below}"), "shut", body).await;
            assert_eq!(answer.json["code"], code, "{name} by `{token}`: {}", answer.text);
        }
        let mut cells = Vec::new();
        for who in 0..WHO.len() {
            cells.push(tried(&world, verb * WHO.len() + who, verb, who).await);
        }
        writeln!(page, "| {name} | {} |", cells.join(" | ")).expect("a text takes it");
    }
    page + &behind_links().await + &on_pages().await + &on_other_pages().await + &of_the_house::page().await
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
    let before = browsers.world.changes().await;
    let form = format!("revision=1&seal={seal}&words={words}");
    let answer = browsers.post(&cookie, &path(&links, verb), &form).await;
    if answer.status == 200 {
        return "**yes**".to_owned();
    }
    assert_eq!(browsers.world.changes().await, before, "{person} changed something by {verb}");
    answer.status.to_string()
}

/// What the page of an intent has forms for, in whose name each form was made, and what is written into it.
const FORMS: [(&str, &str, &str); 10] = [
    ("approve", "sales-manager-1", ""),
    ("decline", "sales-manager-1", "no"),
    ("send-back", "sales-manager-1", "less"),
    ("ask", "sales-manager-1", "why so much"),
    ("claim", "finance-2", ""),
    ("release", "finance-1", ""),
    ("answer", "ae-1", "three years"),
    ("remind", "ae-1", ""),
    ("withdraw", "ae-1", ""),
    ("comment", "ae-1", "hello"),
];

/// The part of the page about the pages of the console.
async fn on_pages() -> String {
    let mut page = String::from(
        "\n## On the page of an intent\n\n\
         The same discount on its page in the console; to claim and to release, one that waits for two of finance, of\n\
         whom the bystander is one. The form was made for somebody who can send it, and everybody sends it in their own\n\
         session. **yes** means that it was taken; a number is the status of the answer, as above. The inbox and the\n\
         list show everybody what is theirs, and change nothing.\n\n",
    );
    let names: Vec<&str> = FOLLOW.iter().map(|(name, _)| *name).collect();
    writeln!(page, "| form | {} |", names.join(" | ")).expect("a text takes it");
    writeln!(page, "|{}", "---|".repeat(names.len() + 1)).expect("a text takes it");
    let browsers = Browsers::start().await;
    let mut cookies = Vec::new();
    for (_, person) in FOLLOW {
        cookies.push(if person.is_empty() { String::new() } else { browsers.signed_in(person).await });
    }
    for (number, (verb, made_for, words)) in FORMS.into_iter().enumerate() {
        let made_for = browsers.signed_in(made_for).await;
        let margin = if ["claim", "release"].contains(&verb) { "14" } else { "40" };
        let quote = [("margin", Value::Decimal(margin.to_owned())), ("renewal", Value::Flag(false))];
        browsers.world.connectors.put("crm", "quote", "q-1", &quote);
        let mut cells = Vec::new();
        for (who, cookie) in cookies.iter().enumerate() {
            let place = browsers.world.submitted(&format!("p-{number}-{who}"), SMALL).await;
            let key = format!("b-{number}-{who}");
            let before = match verb {
                "answer" => Some(("sales-manager-1", "questions", r#"{"words":"why?"}"#)),
                "release" => Some(("finance-1", "claims", "{}")),
                _ => None,
            };
            if let Some((person, below, body)) = before {
                let answer = browsers.world.post(person, &format!("{place}/{below}"), &key, body).await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            let shown = browsers.get(&made_for, &page_of(&place)).await;
            let form = form(&shown.text, verb, words);
            browsers.all_told(&place).await;
            let before = browsers.world.changes().await;
            let answer = browsers.post(cookie, &format!("{}/decisions", page_of(&place)), &form).await;
            let is_taken = answer.header("location").ends_with(&format!("?said={verb}"));
            assert!(
                is_taken || browsers.world.changes().await == before,
                "{who} changed something by {verb}"
            );
            cells.push(if is_taken { "**yes**".to_owned() } else { answer.status.to_string() });
        }
        writeln!(page, "| {verb} | {} |", cells.join(" | ")).expect("a text takes it");
    }
    page
}

#[tokio::test]
async fn the_published_table_of_who_may_do_what_is_what_the_doors_do() {
    let (path, now) = (root().join(PAGE), page().await);
    if std::env::var_os("COUNTERSIGN_WRITE").is_some() {
        std::fs::write(&path, &now).expect("the page is written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(now.lines()).find(|(before, after)| before != after);
    assert!(
        committed == now,
        "run the test with COUNTERSIGN_WRITE=1 and read what has changed, first: {differs:#?}"
    );
    is_right(&now);
    // Nobody who must not decide does, whatever else the table says.
    let (doors, links) = now.split_once("\n## Behind").expect("both parts");
    let links = links.split("\n## ").next().expect("its own part");
    let rows = |part: &str| -> Vec<Vec<String>> {
        part.lines().map(|line| line.split(" | ").map(str::to_owned).collect()).collect()
    };
    for (verb, _) in LINKED {
        let all = rows(links);
        let row = all.iter().find(|row| row[0] == format!("| {verb}")).expect("its row");
        let yes: Vec<usize> = (1..row.len()).filter(|cell| row[*cell].contains("yes")).collect();
        assert_eq!(yes, if verb == "answer" { [2] } else { [3] }, "only whom the link was sent to");
    }
    let pages = now.split("\n## On the page").nth(1).and_then(|rest| rest.split("\n## ").next());
    let all = rows(pages.expect("its own part"));
    for (verb, ..) in FORMS {
        let row = all.iter().find(|row| row[0] == format!("| {verb}")).expect("its row");
        let yes: Vec<usize> = (1..row.len()).filter(|cell| row[*cell].contains("yes")).collect();
        let expected = match verb {
            "approve" | "decline" | "send-back" | "ask" => vec![3],
            "claim" | "release" => vec![4],
            "comment" => (2..=FOLLOW.len()).collect(),
            _ => vec![2],
        };
        assert_eq!(yes, expected, "{verb}");
    }
    let rows = rows(doors);
    let decides = ["| approve", "| decline", "| send back", "| delegate", "| transfer", "| add a voice"];
    for row in rows.iter().filter(|row| decides.contains(&row[0].as_str())) {
        let yes: Vec<usize> = (1..row.len()).filter(|cell| row[*cell].contains("yes")).collect();
        // Whoever stands in decides and never passes the seat on.
        let passes = ["| delegate", "| transfer"].contains(&row[0].as_str());
        assert_eq!(yes, if passes { vec![3] } else { vec![3, 5] }, "{}", row[0]);
    }
    // A machine decides nothing, whatever its token says.
    for row in rows.iter().filter(|row| row[0].starts_with("| ") && row.len() == WHO.len() + 1) {
        assert!(row[0] == "| comment" || !row[WHO.len()].contains("yes"), "{} by a machine", row[0]);
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
