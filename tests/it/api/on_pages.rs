//! Who may do what on the pages of the console beside that of an intent: every form, sent by everybody who could send it.
//! What came of it stands in `host/docs/authorization.md`.

use super::browser::Browsers;
use super::console::{form, page_of};
use super::exceptions::{sent, unsettled};
use super::links::hidden;
use super::log::signer;
use super::policies::{body, changed};
use super::publishing::draft;
use super::world::{SMALL, Setup};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Everybody who sends a form: what they are called, and who they are signed in as.
const WHO: [(&str, &str); 8] = [
    ("not signed in", ""),
    ("requester", "ae-1"),
    ("bystander", "ae-2"),
    ("owns the exception and the policy", OWNS),
    ("operator", "integration-1"),
    ("integration owner", "billing-1"),
    ("administrator", "revops-lead"),
    ("auditor", "auditor-1"),
];

/// Whoever answers for what the policy cannot decide.
const OWNS: &str = "pricing-lead";
/// Whoever answers for what a connection holds up.
const OWNS_HELD: &str = "integration-lead";

/// A host with browsers of all of them.
struct House {
    browsers: Browsers,
    cookies: Vec<String>,
    /// Of whoever answers for the exceptions.
    owners: BTreeMap<&'static str, String>,
    tries: usize,
}

impl House {
    async fn open() -> House {
        let browsers =
            Browsers::within(Setup { upgraded: true, log_signer: Some(signer()), ..Setup::default() }).await;
        let mut cookies = Vec::new();
        for (_, person) in WHO {
            cookies.push(if person.is_empty() { String::new() } else { browsers.signed_in(person).await });
        }
        let mut owners = BTreeMap::new();
        for owner in [OWNS, OWNS_HELD] {
            owners.insert(owner, browsers.signed_in(owner).await);
        }
        House { browsers, cookies, owners, tries: 0 }
    }

    fn key(&mut self) -> String {
        self.tries += 1;
        format!("try-{}", self.tries)
    }

    /// What becomes of a form that somebody sends: `yes` if they are sent on to what it was kept as.
    async fn tried(&self, who: usize, to: &str, form: &str, kept: &str) -> String {
        let before = self.browsers.world.changes().await;
        let answer = self.browsers.post(&self.cookies[who], to, form).await;
        if answer.status == 303 && answer.header("location").ends_with(kept) {
            return "**yes**".to_owned();
        }
        let name = WHO[who].0;
        // A check changes nothing, and its answer is the page itself.
        if answer.status == 200 && to.ends_with("/check") && answer.text.contains("permissions are right.") {
            return "**yes**".to_owned();
        }
        assert_eq!(self.browsers.world.changes().await, before, "{name} changed something at {to}");
        assert!(![200, 500].contains(&answer.status), "{name} at {to}: {}", answer.text);
        answer.status.to_string()
    }
}

fn row(page: &mut String, says: &str, cells: &[String]) {
    writeln!(page, "| {says} | {} |", cells.join(" | ")).expect("a text takes it");
}

fn header(page: &mut String, first: &str) {
    let names: Vec<&str> = [first].into_iter().chain(WHO.iter().map(|(name, _)| *name)).collect();
    writeln!(page, "| {} |", names.join(" | ")).expect("a text takes it");
    writeln!(page, "|{}", "---|".repeat(names.len())).expect("a text takes it");
}

/// The part of the page about the other pages of the console.
pub(super) async fn page() -> String {
    let mut page = String::from(
        "\n## On other pages\n\n\
         Each form was made for somebody who can send it, and everybody sends it in their own session. **yes** means\n\
         that it was taken; a number is the status of the answer, as above. The pages themselves show everybody what the\n\
         API shows them.\n\n",
    );
    header(&mut page, "form");
    let mut house = House::open().await;
    for way in ["retry", "decline"] {
        let cells = closing(&mut house, way).await;
        row(&mut page, &format!("close an exception by {way}"), &cells);
    }
    for way in ["retry", "decline"] {
        let cells = held(&mut house, way).await;
        row(
            &mut page,
            &format!("close by {way} what a connection holds up, whose owner is somebody else"),
            &cells,
        );
    }
    for (says, below) in [("pause", "pauses"), ("let go on", "resumptions"), ("check", "check")] {
        let cells = of_connection(&mut house, below).await;
        row(&mut page, &format!("{says} the connection `billing`"), &cells);
    }
    for (says, below) in [
        ("put a build in force", "activations"),
        ("go back to the one before", "rollbacks"),
        ("put a build in quarantine", "quarantines"),
        ("let a build out of quarantine", "releases"),
        ("take a build away", "removals"),
    ] {
        let cells = of_connector(&mut house, below).await;
        row(&mut page, &format!("{says} of the connector `scripted.crm`"), &cells);
    }
    for (says, whose) in [("say that one is away", ""), ("say that `finance-3` is away", "finance-3")] {
        let cells = saying_away(&mut house, whose).await;
        row(&mut page, says, &cells);
    }
    let cells = reviewing(&house).await;
    row(&mut page, "review that somebody is in the pool `finance`", &cells);
    let cells = checking(&mut house).await;
    row(&mut page, "check a checkpoint of the log", &cells);
    for (says, deed) in [("propose a change of a policy", "propose"), ("propose to go back", "rollback")] {
        let cells = proposing(&mut house, deed).await;
        row(&mut page, says, &cells);
    }
    row(&mut page, "publish what `ae-1` proposes", &publishing(&mut house).await);
    page
}

/// Another policy for the discount, other than every one before it.
fn other(house: &mut House) -> (String, BTreeSet<String>) {
    house.tries += 1;
    // Each is in force from a day of its own, long past: from the moment at which it is published.
    changed("<= 12%", &format!("2026-{:02}-{:02}", 1 + house.tries / 28, 1 + house.tries % 28))
}

/// A change that somebody proposes in their own name.
async fn proposing(house: &mut House, deed: &str) -> Vec<String> {
    if deed == "rollback" {
        published(house).await;
    }
    let mut cells = Vec::new();
    for (who, (name, _)) in WHO.iter().enumerate() {
        let page = "/policies/discount";
        let form = if deed == "rollback" {
            let shown = house.browsers.get(&house.owners[OWNS], page).await.text;
            let version = hidden(&shown, "version");
            sent(&shown, &format!("{page}/rollback"), &[("version", &version), ("words", "why")])
        } else {
            let (document, warnings) = other(house);
            let shown = house.browsers.get(&house.owners[OWNS], &format!("{page}/change")).await;
            draft(&shown.text, &document, "why", &warnings, deed)
        };
        let to = format!("{page}/{}", if deed == "rollback" { deed } else { "change" });
        let before = house.browsers.world.changes().await;
        let answer = house.browsers.post(&house.cookies[who], &to, &form).await;
        if answer.status == 303 && answer.header("location").starts_with("/intents/int_") {
            cells.push("**yes**".to_owned());
        } else {
            assert_eq!(house.browsers.world.changes().await, before, "{name} {to}");
            cells.push(answer.status.to_string());
        }
    }
    cells
}

/// What `ae-1` proposes, as the page of its intent.
async fn proposed(house: &mut House) -> String {
    let (document, warnings) = other(house);
    let key = house.key();
    page_of(&house.browsers.world.submitted(&key, &body(&document, &warnings)).await)
}

/// One more version that is published by the owner.
async fn published(house: &mut House) {
    let page = proposed(house).await;
    let form = form(&house.browsers.get(&house.owners[OWNS], &page).await.text, "approve", "");
    let answer = house.browsers.post(&house.owners[OWNS], &format!("{page}/decisions"), &form).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
}

async fn publishing(house: &mut House) -> Vec<String> {
    let mut cells = Vec::new();
    for who in 0..WHO.len() {
        let page = proposed(house).await;
        let form = form(&house.browsers.get(&house.owners[OWNS], &page).await.text, "approve", "");
        house.browsers.all_told(&page).await;
        cells.push(house.tried(who, &format!("{page}/decisions"), &form, "?said=approve").await);
    }
    cells
}

/// What is done to a connection; it is put back after each try that was taken.
async fn of_connection(house: &mut House, below: &str) -> Vec<String> {
    let (page, why) = ("/connections/billing", r#"{"reason":"a test puts it back"}"#);
    let (before, after) = match below {
        "pauses" => (None, Some("resumptions")),
        "resumptions" => (Some("pauses"), None),
        _ => (None, None),
    };
    let mut cells = Vec::new();
    for who in 0..WHO.len() {
        let api = |below: &str| format!("/v1{page}/{below}");
        if let (Some(before), key) = (before, house.key()) {
            // It is so already where the last try was refused.
            house.browsers.world.post("integration-1", &api(before), &key, why).await;
        }
        let to = format!("{page}/{below}");
        let operator = WHO.iter().position(|(name, _)| *name == "operator").expect("there is one");
        let shown = house.browsers.get(&house.cookies[operator], page).await;
        let form = sent(&shown.text, &to, &[("words", "why")]);
        let kept = if below == "pauses" { "?said=paused" } else { "?said=resumed" };
        let cell = house.tried(who, &to, &form, kept).await;
        if let (Some(after), "**yes**", key) = (after, cell.as_str(), house.key()) {
            let answer = house.browsers.world.post("integration-1", &api(after), &key, why).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        cells.push(cell);
    }
    cells
}

/// That somebody is away; whoever sends it, unless it is said who.
async fn saying_away(house: &mut House, whose: &str) -> Vec<String> {
    let mut cells = Vec::new();
    for (who, (_, person)) in WHO.iter().enumerate() {
        let shown = house.browsers.get(&house.owners[OWNS], "/people").await.text;
        let whose = if whose.is_empty() { *person } else { whose };
        let parsed = whose.parse().ok();
        let rulebook = house.browsers.world.engine.rulebook();
        let cover =
            parsed.and_then(|whose| rulebook.directory().covers(&whose).first().map(ToString::to_string));
        let cover = cover.unwrap_or_default();
        let days = [("from", "2027-02-01"), ("until", "2027-02-02"), ("cover", &*cover), ("for", "")];
        let form = sent(&shown, "/people/absences", &days)
            .replace(&format!("person={OWNS}"), &format!("person={whose}"));
        cells.push(house.tried(who, "/people/absences", &form, "said=away").await);
    }
    cells
}

/// That `finance-3` stays in a pool: the form of its lead, or one that is made like it.
async fn reviewing(house: &House) -> Vec<String> {
    let rights = house.browsers.world.get("auditor-1", "/v1/access?person=finance-3").await;
    let mut items = rights.json["items"].as_array().expect("a list").iter();
    let right = items.find(|right| right["what"] == "pool finance").expect("they are in it");
    let id = right["id"].as_str().expect("an id").to_owned();
    let mut cells = Vec::new();
    for who in 0..WHO.len() {
        let form = format!("once={who:032x}&said.{id}=keep&reason=");
        cells.push(house.tried(who, "/access/reviews", &form, "said=reviewed").await);
    }
    cells
}

/// Whether the log begins with a checkpoint. Nothing is changed, and its answer is the page itself.
async fn checking(house: &mut House) -> Vec<String> {
    let mut cells = Vec::new();
    for cookie in &house.cookies {
        let checkpoint = house.browsers.world.get("auditor-1", "/v1/log/checkpoint").await.text;
        let form = format!("checkpoint={}", super::exceptions::encoded(&checkpoint));
        let answer = house.browsers.post(cookie, "/audit/checkpoint", &form).await;
        let is_so = answer.status == 200 && answer.text.contains("The log begins with the ");
        cells.push(if is_so { "**yes**".to_owned() } else { answer.status.to_string() });
    }
    cells
}

/// What is done to a connector, about the build of it that does not serve. Each finds what the one before left.
async fn of_connector(house: &mut House, below: &str) -> Vec<String> {
    let page = "/connectors/scripted.crm";
    let operator = WHO.iter().position(|(name, _)| *name == "operator").expect("there is one");
    let shown = house.browsers.get(&house.cookies[operator], page).await.text;
    let part = if below == "rollbacks" { &*shown } else { other_build(&shown) };
    let to = format!("{page}/{below}");
    let form = sent(part, &to, &[("way", "all"), ("share", "10"), ("words", "why")]);
    let mut cells = Vec::new();
    for who in 0..WHO.len() {
        cells.push(house.tried(who, &to, &form, &format!("?said={below}")).await);
    }
    cells
}

/// The part of a connector's page about a build that serves nothing.
pub(super) fn other_build(page: &str) -> &str {
    let mut parts = page.split("<section aria-labelledby=\"build-").skip(1);
    let other = parts.find(|part| part.contains("<th scope=\"row\">serves</th><td>nothing</td>"));
    other.and_then(|part| part.split("</section>").next()).unwrap_or_else(|| panic!("none: {page}"))
}

/// What the policy cannot decide, for each an exception of its own.
async fn closing(house: &mut House, way: &str) -> Vec<String> {
    let mut cells = Vec::new();
    for who in 0..WHO.len() {
        let key = house.key();
        let page = unsettled(&house.browsers, &key).await;
        cells.push(closed(house, who, (&page, OWNS), way).await);
    }
    cells
}

/// What a connection holds up; it is let go after each try, as it would hold up the next one.
async fn held(house: &mut House, way: &str) -> Vec<String> {
    let mut cells = Vec::new();
    for who in 0..WHO.len() {
        let connectors = &house.browsers.world.connectors;
        connectors.deny_reads();
        connectors.deny(true);
        let key = house.key();
        let place = house.browsers.world.submitted(&key, SMALL).await;
        let shown = house.browsers.world.get("ae-1", &place).await.json;
        let id = shown["exceptions"][0]["id"].as_str().expect("an exception").to_owned();
        house.browsers.world.connectors.deny(false);
        let page = format!("{}/exceptions/{id}", page_of(&place));
        let cell = closed(house, who, (&page, OWNS_HELD), way).await;
        if cell != "**yes**" {
            let (close, key) = (format!("{place}/exceptions/{id}/closures"), house.key());
            let body = r#"{"by":"retry","reason":"the key is renewed"}"#;
            let answer = house.browsers.world.post(OWNS_HELD, &close, &key, body).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        cells.push(cell);
    }
    cells
}

/// Sends the form that the page has for whoever answers for an exception.
async fn closed(house: &House, who: usize, (page, owner): (&str, &str), way: &str) -> String {
    let browsers = &house.browsers;
    let (intent, _) = page.split_once("/exceptions/").expect("its intent");
    browsers.all_told(intent).await;
    let to = format!("{page}/closures");
    let form =
        sent(&browsers.get(&house.owners[owner], page).await.text, &to, &[("way", way), ("words", "again")]);
    house.tried(who, &to, &form, "?said=closed").await
}

/// That nobody does who must not, whatever the page says.
pub(super) fn is_right(page: &str) {
    let part = page.split("\n## On other pages").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows = part
        .expect("its own part")
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| form"));
    for line in rows {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let taken = WHO.iter().zip(&cells[1..]).filter(|(_, cell)| cell.contains("yes"));
        let taken: Vec<&str> = taken.map(|((name, _), _)| *name).collect();
        let expected: &[&str] = match cells[0] {
            "close an exception by retry" | "close an exception by decline" => {
                &["owns the exception and the policy"]
            }
            "close by retry what a connection holds up, whose owner is somebody else" => &["operator"],
            "close by decline what a connection holds up, whose owner is somebody else" => &[],
            "publish what `ae-1` proposes" => &["owns the exception and the policy"],
            "say that `finance-3` is away" | "review that somebody is in the pool `finance`" => {
                &["administrator"]
            }
            "say that one is away" | "check a checkpoint of the log" => &WHO.map(|(name, _)| name)[1..],
            of if of.starts_with("propose") => &WHO.map(|(name, _)| name)[1..],
            of if of.ends_with("the connector `scripted.crm`") => &["operator"],
            of if of.ends_with("the connection `billing`") => &["operator", "integration owner"],
            other => panic!("say who may: {other}"),
        };
        assert_eq!(taken, expected, "{}", cells[0]);
    }
}
