//! Who may do what that is not about one open intent: every route of the API that `authorization.rs` does not try, over
//! HTTP, by everybody who could. What came of it stands in the second part of `host/docs/authorization.md`.

use crate::authorization::{HOUSE, rulebook, shut_out};
use crate::going_live;
use crate::log::{self, signer};
use crate::world::{Answer, SMALL, Setup, World};
use crate::{policies, rules};
use countersign_core::rulebook::Rulebook;
use countersign_server::routes::ROUTES;
use countersign_server::{Scope, openapi};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Everybody who could try it: what they are called, and with whose token.
const WHO: [(&str, &str); 9] = [
    ("anybody else", "ae-2"),
    ("policy owner", "pricing-lead"),
    ("type owner", "revops-1"),
    ("owner of `people.md`", HOUSE.owner_of_people),
    ("operator", "integration-1"),
    ("integration owner", "billing-1"),
    ("administrator", HOUSE.administrator),
    ("auditor", "auditor-1"),
    ("machine", HOUSE.machine),
];

/// One thing that can be done.
#[derive(Debug, Default)]
struct Row {
    /// What it is called.
    says: &'static str,
    /// The method and the path, as the table of routes has it.
    route: &'static str,
    /// What stands in the braces of the path, in their order; `me` is whoever tries it.
    at: &'static [&'static str],
    /// What is asked in the query.
    query: &'static str,
    /// What is sent; a name in braces stands for what was found while the world was made.
    body: &'static str,
    /// The code with which whoever is let in is refused for what they ask; empty if it is taken.
    then: &'static str,
    /// What is done before each try, so that it can be taken: by whom, where, with what body.
    before: Option<[&'static str; 3]>,
    /// What is done after each try that was taken, so that the next one can be.
    after: Option<[&'static str; 3]>,
    /// What somebody else has open, so that it can be decided: each try has a house of its own.
    open: Option<Open>,
}

/// An intent about the house itself, which one person asked for.
#[derive(Debug, Clone, Copy)]
enum Open {
    /// Another policy for the discount.
    Policy,
    /// Somebody more in `people.md`.
    Shared,
    /// That the discount goes live.
    GoLive,
}

impl Open {
    /// Who of those who try it decides on it.
    fn decided_by(self) -> &'static str {
        match self {
            Open::Policy => "pricing-lead",
            Open::Shared | Open::GoLive => "revops-1",
        }
    }
}

const fn row(says: &'static str, route: &'static str, at: &'static [&'static str]) -> Row {
    Row { says, route, at, query: "", body: "", then: "", before: None, after: None, open: None }
}

impl Row {
    const fn sends(self, body: &'static str) -> Row {
        Row { body, ..self }
    }

    const fn asks(self, query: &'static str) -> Row {
        Row { query, ..self }
    }

    const fn then(self, then: &'static str) -> Row {
        Row { then, ..self }
    }

    const fn before(self, before: [&'static str; 3]) -> Row {
        Row { before: Some(before), ..self }
    }

    const fn after(self, after: [&'static str; 3]) -> Row {
        Row { after: Some(after), ..self }
    }

    const fn decides(self, open: Open) -> Row {
        Row { open: Some(open), ..self }.sends(r#"{"decision":"approve"}"#)
    }
}

const WHY: &str = r#"{"reason":"why"}"#;
const BUILD: &str = r#"{"digest":{other build},"reason":"why"}"#;
const AWAY: &str = r#"{"from":"2026-11-23","until":"2026-11-27","cover":"{cover}"}"#;
const OTHER_AWAY: &str = r#"{"from":"2026-11-23","until":"2026-11-27","cover":"finance-1"}"#;

/// Who covers for whom of those who try it.
const COVERS: [(&str, &str); 9] = [
    ("ae-2", "sales-manager-1"),
    ("pricing-lead", "pricing-1"),
    ("revops-1", "revops-lead"),
    ("controller-1", "controller-2"),
    ("integration-1", "integration-lead"),
    ("billing-1", "billing-2"),
    ("privacy-1", "privacy-2"),
    ("auditor-1", "audit-lead"),
    ("leaver", "ae-1"),
];

const INTENTS: [Row; 13] = [
    row("list intents", "GET /v1/intents", &[]),
    row("ask for something", "POST /v1/intents", &[]).sends(SMALL),
    row("ask in the name of somebody else", "POST /v1/intents", &[]).sends("{for another}"),
    row("look at an intent that is for everybody", "GET /v1/intents/{id}", &["intent"]),
    row("its timeline", "GET /v1/intents/{id}/timeline", &["intent"]),
    row("its write plan", "GET /v1/intents/{id}/plan", &["intent"]),
    row(
        "compare what was approved, written and is there now",
        "GET /v1/intents/{id}/reconciliation",
        &["done"],
    ),
    row("decide again what is on record of it", "GET /v1/intents/{id}/replay", &["intent"]),
    row("the proof of an entry of it", "GET /v1/intents/{id}/proof", &["intent"]).asks("?sequence=1"),
    row("list exceptions", "GET /v1/exceptions", &[]),
    row("list effects", "GET /v1/effects", &[]),
    row("list intent types", "GET /v1/intent-types", &[]),
    row("look at an intent type", "GET /v1/intent-types/{name}", &["discount"]),
];

const POLICIES: [Row; 21] = [
    row("the exception budget of an intent type", "GET /v1/intent-types/{name}/budget", &["discount"]),
    row("rows that would spare exceptions", "GET /v1/intent-types/{name}/budget/rows", &["discount"]),
    row("a first policy for an intent type", "GET /v1/intent-types/{name}/starter", &["discount"]),
    row("list policies", "GET /v1/policies", &[]),
    row("look at a policy", "GET /v1/policies/{name}", &["discount"]),
    row("check a draft", "POST /v1/policies/{name}/check", &["discount"]),
    row("ask for rows and examples", "POST /v1/policies/{name}/suggest", &["discount"]),
    row("run its examples", "POST /v1/policies/{name}/test", &["discount"]),
    row("explain an answer", "POST /v1/policies/{name}/explain", &["discount"])
        .sends(r#"{"case":"thin renewal"}"#),
    row("compare with what is in force", "POST /v1/policies/{name}/diff", &["discount"])
        .sends(r#"{"policy":{policy}}"#),
    row("lay a document out", "POST /v1/policies/{name}/format", &["discount"])
        .sends(r#"{"policy":{policy}}"#),
    row("try it on what was decided", "POST /v1/policies/{name}/backtest", &["discount"])
        .sends(r#"{"policy":{policy}}"#),
    row("take a policy out", "GET /v1/policies/{name}/export", &["discount"]).asks("?format=json"),
    row("read a policy in", "POST /v1/policies/{name}/import", &["discount"]).sends("{export}"),
    row("propose another policy", "POST /v1/intents", &[]).sends("{change}"),
    row("approve what somebody else proposed", "POST /v1/intents/{id}/decisions", &["open"])
        .decides(Open::Policy),
    row("propose the one before", "POST /v1/policies/{name}/rollback", &["discount"]).sends(WHY),
    row("list what policies share", "GET /v1/rules", &[]),
    row("read `people.md`", "GET /v1/rules/{file}", &["people.md"]),
    row("propose another `people.md`", "POST /v1/intents", &[]).sends("{shared}"),
    row("approve the one that somebody else proposed", "POST /v1/intents/{id}/decisions", &["open"])
        .decides(Open::Shared),
];

/// In a house in which the discount is a draft.
const DRAFTS: [Row; 4] = [
    row("ask for something of a draft", "POST /v1/intents", &[]).sends(SMALL),
    row("try a draft out", "POST /v1/intents", &[]).sends("{trial}"),
    row("ask that it goes live", "POST /v1/intent-types/{name}/go-live", &["discount"]).sends("{go-live}"),
    row("let it go live, as somebody else asks", "POST /v1/intents/{id}/decisions", &["open"])
        .decides(Open::GoLive),
];

const PEOPLE: [Row; 11] =
    [
        row("rights: all of them, their own, or those that they review", "GET /v1/access", &[]),
        row("review that somebody is in a pool", "POST /v1/access/reviews", &[])
            .sends(r#"{"verdicts":[{"right":{right},"said":"keep"}]}"#),
        row("figures of the intents that are for them", "GET /v1/measures", &[]).asks("?by=policy"),
        row("figures of two weeks side by side", "GET /v1/measures/review", &[]),
        row("who there is, and who is away", "GET /v1/people", &[]),
        row("days on which too few are there", "GET /v1/people/outlook", &[]),
        row("who answers for what", "GET /v1/ownership", &[]),
        row("say that they are away themselves", "POST /v1/people/{id}/absences", &["me"])
            .sends(AWAY)
            .after(["me", "/v1/people/{me}/returns", "{}"]),
        row("say that they are back themselves", "POST /v1/people/{id}/returns", &["me"])
            .sends("{}")
            .before(["me", "/v1/people/{me}/absences", AWAY]),
        row("say that somebody else is away", "POST /v1/people/{id}/absences", &["finance-3"])
            .sends(OTHER_AWAY)
            .after(["finance-3", "/v1/people/finance-3/returns", "{}"]),
        row("say that somebody else is back", "POST /v1/people/{id}/returns", &["finance-3"])
            .sends("{}")
            .before(["finance-3", "/v1/people/finance-3/absences", OTHER_AWAY]),
    ];

/// The integration owner's connection is `crm`; `billing` has none.
const CONNECTIONS: [Row; 10] = [
    row("list connections", "GET /v1/connections", &[]),
    row("look at a connection", "GET /v1/connections/{name}", &["crm"]),
    row("check their connection", "POST /v1/connections/{name}/check", &["crm"]),
    row("check another one", "POST /v1/connections/{name}/check", &["billing"]),
    row("pause their connection", "POST /v1/connections/{name}/pauses", &["crm"]).sends(WHY).after([
        "integration-1",
        "/v1/connections/crm/resumptions",
        WHY,
    ]),
    row("pause another one", "POST /v1/connections/{name}/pauses", &["billing"]).sends(WHY).after([
        "integration-1",
        "/v1/connections/billing/resumptions",
        WHY,
    ]),
    row("let their connection go on", "POST /v1/connections/{name}/resumptions", &["crm"])
        .sends(WHY)
        .before(["integration-1", "/v1/connections/crm/pauses", WHY]),
    row("let another one go on", "POST /v1/connections/{name}/resumptions", &["billing"])
        .sends(WHY)
        .before(["integration-1", "/v1/connections/billing/pauses", WHY]),
    row("read what was delivered to their connection", "GET /v1/connections/{name}/deliveries", &["crm"]),
    row("read what was delivered to another one", "GET /v1/connections/{name}/deliveries", &["billing"]),
];

/// In this order: each finds what the one before left.
const CONNECTORS: [Row; 9] = [
    row("list connectors", "GET /v1/connectors", &[]),
    row("look at a connector", "GET /v1/connectors/{id}", &["scripted.crm"]),
    row("what happened to it", "GET /v1/connectors/{id}/history", &["scripted.crm"]),
    row("add a build (here one that is none)", "POST /v1/connectors", &[])
        .sends("no component")
        .then("CS-E0309"),
    row("put a build in force", "POST /v1/connectors/{id}/activations", &["scripted.crm"]).sends(BUILD),
    row("go back to the one before", "POST /v1/connectors/{id}/rollbacks", &["scripted.crm"]).sends(WHY),
    row("put a build in quarantine", "POST /v1/connectors/{id}/quarantines", &["scripted.crm"]).sends(BUILD),
    row("let it out", "POST /v1/connectors/{id}/releases", &["scripted.crm"]).sends(BUILD),
    row("take a build away", "POST /v1/connectors/{id}/removals", &["scripted.crm"]).sends(BUILD),
];

const LOG: [Row; 6] = [
    row("how the log is", "GET /v1/log/health", &[]),
    row("its signed checkpoint", "GET /v1/log/checkpoint", &[]),
    row("what was refused", "GET /v1/denied", &[]),
    row("the proof that it only grew", "GET /v1/log/consistency", &[]).asks("?from=0"),
    row("a tile of its hashes", "GET /v1/log/tile/{*tile}", &["0/000.p/1"]),
    row("a tile of its leaves", "GET /v1/log/tile/{*tile}", &["entries/000.p/1"]),
];

/// The parts of the page, each with its rows.
const GROUPS: [(&str, &[Row]); 7] = [
    ("Intents", &INTENTS),
    ("Policies and intent types", &POLICIES),
    (DRAFT, &DRAFTS),
    ("People", &PEOPLE),
    ("Connections", &CONNECTIONS),
    ("Connectors", &CONNECTORS),
    ("The log", &LOG),
];

/// The part about a house of its own.
const DRAFT: &str = "An intent type that is a draft";

/// What an identity provider does, and nobody else.
const PROVISIONING: [Row; 17] = [
    row("", "GET /scim/v2/ServiceProviderConfig", &[]),
    row("", "GET /scim/v2/ResourceTypes", &[]),
    row("", "GET /scim/v2/ResourceTypes/{kind}", &["User"]),
    row("", "GET /scim/v2/Schemas", &[]),
    row("", "GET /scim/v2/Schemas/{schema}", &["urn:ietf:params:scim:schemas:core:2.0:User"]),
    row("", "POST /scim/v2/Users", &[]).sends(r#"{"userName":"zoe@example.com"}"#),
    row("", "GET /scim/v2/Users", &[]),
    row("", "GET /scim/v2/Users/{user}", &["zoe"]),
    row("", "PUT /scim/v2/Users/{user}", &["zoe"]).sends(r#"{"userName":"zoe@example.com"}"#),
    row("", "PATCH /scim/v2/Users/{user}", &["zoe"]).sends(
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations":[{"op":"replace","path":"active","value":true}]}"#,
    ),
    row("", "POST /scim/v2/Groups", &[]).sends(r#"{"displayName":"finance","members":[{"value":"zoe"}]}"#),
    row("", "GET /scim/v2/Groups", &[]),
    row("", "GET /scim/v2/Groups/{group}", &["group"]),
    row("", "PUT /scim/v2/Groups/{group}", &["group"]).sends(r#"{"displayName":"finance","members":[]}"#),
    row("", "PATCH /scim/v2/Groups/{group}", &["group"]).sends(
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations":[{"op":"add","path":"members","value":[{"value":"zoe"}]}]}"#,
    ),
    row("", "DELETE /scim/v2/Groups/{group}", &["group"]),
    row("", "DELETE /scim/v2/Users/{user}", &["zoe"]),
];

/// What needs no token: it says nothing of anybody's intents, or is proved by what is signed.
const OPEN: [Row; 6] = [
    row("", "GET /livez", &[]),
    row("", "GET /readyz", &[]),
    row("", "GET /startupz", &[]),
    row("", "GET /openapi.json", &[]),
    row("", "GET /errors/{code}", &["CS-E0101"]),
    row("", "POST /hooks/{connection}/{hook}", &["crm", "no-such-hook"]).then("CS-E0220"),
];

/// What was found while a world was made, by the name that stands for it in braces.
type Found = BTreeMap<&'static str, String>;

/// A world in which all of it can be tried, and what was found while it was made.
struct House {
    world: World,
    found: Found,
    tries: usize,
}

async fn start(rulebook: Rulebook) -> World {
    World::of(Setup { rulebook, upgraded: true, log_signer: Some(signer()), ..Setup::default() }).await
}

/// The world of the usual house.
async fn live() -> (World, Found) {
    let world = start(rulebook(|text| text)).await;
    let id = |place: String| place.rsplit('/').next().unwrap_or_default().to_owned();
    let (seated, done) = (world.submitted("made", SMALL).await, log::done(&world, "done").await);
    let policy = world.get("ae-1", "/v1/policies/discount").await.json["document"]["text"].to_string();
    let export = world.get("ae-1", "/v1/policies/discount/export?format=json").await.text;
    let (document, warnings) = policies::changed("<= 12%", "2026-11-20");
    let builds = world.get("ae-1", "/v1/connectors/scripted.crm").await.json["builds"].clone();
    let rights = world.get("auditor-1", "/v1/access?person=legal-lead-3").await;
    let serves = |build: &&Json| build["serves"].as_array().is_some_and(|on| !on.is_empty());
    let other = builds.as_array().expect("builds").iter().find(|build| !serves(build));
    let mut asked: Json = serde_json::from_str(SMALL).expect("JSON");
    asked["requester"] = json!("ae-1");
    let found = Found::from([
        ("intent", id(seated)),
        ("done", id(done)),
        ("for another", asked.to_string()),
        ("policy", policy),
        ("export", export),
        ("change", policies::body(&document, &warnings)),
        ("shared", rules::joined(&world, "ae-9").await),
        ("right", rights.json["items"][0]["id"].to_string()),
        ("other build", other.expect("one that does not serve")["digest"].to_string()),
    ]);
    (world, found)
}

/// The world of a house in which the discount is a draft that was tried out.
async fn draft() -> (World, Found) {
    let world = start(rulebook(|text| text.replacen("| impact ", "| state | draft |\n| impact ", 1))).await;
    let tried = going_live::tried(&world, going_live::DECIDED).await;
    going_live::until(&world, &format!("/v1/intents/{tried}"), "done").await;
    let body = going_live::body(&tried, Some("the crm has no hook here"));
    (world, Found::from([("trial", going_live::trial("12%")), ("go-live", body)]))
}

impl House {
    async fn of(group: &str) -> House {
        let (world, found) = if group == DRAFT { draft().await } else { live().await };
        House { world, found, tries: 0 }
    }

    fn filled(&self, text: &str, me: &str) -> String {
        let cover = COVERS.iter().find(|(whose, _)| *whose == me).map_or("nobody", |(_, cover)| cover);
        let own = [("me", me), ("cover", cover)];
        let named = self.found.iter().map(|(name, value)| (*name, value.as_str())).chain(own);
        named.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// The address of a row for one who tries it.
    fn address(&self, row: &Row, me: &str) -> String {
        let (_, path) = row.route.split_once(' ').expect("a method and a path");
        let mut at = row.at.iter();
        let part = |part: &str| {
            if !part.starts_with('{') {
                return part.to_owned();
            }
            let name = *at.next().expect("a value for it");
            if name == "me" {
                return me.to_owned();
            }
            self.found.get(name).cloned().unwrap_or_else(|| name.to_owned())
        };
        let parts: Vec<String> = path.split('/').map(part).collect();
        format!("{}{}", parts.join("/"), row.query)
    }

    async fn send(&mut self, token: &str, method: &str, path: &str, body: &str) -> Answer {
        self.tries += 1;
        let key = format!("try-{}", self.tries);
        let kind = if path.starts_with("/scim/") {
            "application/scim+json"
        } else if path == "/v1/connectors" {
            "application/wasm"
        } else {
            "application/json"
        };
        let mut headers = vec![("content-type", kind)];
        if method != "GET" {
            headers.extend([("idempotency-key", key.as_str()), ("if-match", "\"1\""), ("prefer", "wait=10")]);
        }
        self.world.send(token, method, path, &headers, body).await
    }

    /// Somebody does what makes room for a try.
    async fn done(&mut self, [who, path, body]: [&str; 3], me: &str) {
        let who = if who == "me" { me } else { who };
        let (path, body) = (self.filled(path, me), self.filled(body, me));
        self.send(who, "POST", &path, &body).await;
    }

    async fn once(&mut self, row: &Row, token: &str) -> Answer {
        let (method, _) = row.route.split_once(' ').expect("a method and a path");
        if let Some(before) = row.before {
            self.done(before, token).await;
        }
        let (path, body) = (self.address(row, token), self.filled(row.body, token));
        let answer = self.send(token, method, &path, &body).await;
        if let (Some(after), 200..300) = (row.after, answer.status) {
            self.done(after, token).await;
        }
        answer
    }

    /// What one who tries it gets: `yes`, or the code of the refusal.
    async fn tried(&mut self, row: &Row, token: &str) -> String {
        let answer = self.once(row, token).await;
        let code = code(&answer);
        if code.is_empty() {
            assert!((200..300).contains(&answer.status), "{} by {token}: {}", row.route, answer.text);
            if row.route == "POST /scim/v2/Groups" {
                self.found.insert("group", answer.json["id"].as_str().expect("an id").to_owned());
            }
            assert_eq!(row.then, "", "{} by {token} is taken: {}", row.route, answer.text);
            return "**yes**".to_owned();
        }
        assert!(400 <= answer.status, "{} by {token}: {}", row.route, answer.text);
        let page = format!("[{}](errors/{code}.md)", code.trim_start_matches("CS-E0"));
        if code == row.then { format!("**yes** ({page})") } else { page }
    }

    /// One in which somebody has asked for what others decide on.
    async fn with(group: &str, open: Open) -> House {
        let mut house = House::of(group).await;
        let (who, path, body) = match open {
            Open::Policy => ("ae-1", "/v1/intents", "change"),
            Open::Shared => ("ae-1", "/v1/intents", "shared"),
            Open::GoLive => ("revops-lead", "/v1/intent-types/discount/go-live", "go-live"),
        };
        let body = house.found[body].clone();
        let answer = house.send(who, "POST", path, &body).await;
        assert_eq!(answer.json["state"], "seated", "{}", answer.text);
        house.found.insert("open", answer.json["id"].as_str().expect("an id").to_owned());
        house
    }

    /// That whoever is nobody here is shut out of a row, in the one way that the page names.
    async fn shut_out(&mut self, row: &Row) {
        let (method, path) = row.route.split_once(' ').expect("a method and a path");
        for (token, expected) in shut_out(method, path) {
            let answer = self.once(row, token).await;
            assert_eq!(code(&answer), expected, "{} by `{token}`: {}", row.route, answer.text);
        }
    }
}

/// The code of a refusal, in the words of either door; empty if it is none.
fn code(answer: &Answer) -> String {
    let of_scim = || {
        let (_, code) = answer.json["detail"].as_str()?.rsplit_once('(')?;
        Some(code.trim_end_matches(')').to_owned())
    };
    answer.json["code"].as_str().map(str::to_owned).or_else(of_scim).unwrap_or_default()
}

/// That nobody operates who must not, and no machine does what is for persons, whatever the page says.
fn is_right(row: &Row, cells: &[String]) {
    let route = ROUTES.iter().find(|route| row.route == format!("{} {}", route.method, route.path));
    let scope = route.and_then(|route| route.scope).expect("it wants a token");
    let let_in = WHO.iter().zip(cells).filter(|(_, cell)| cell.starts_with("**yes**"));
    let let_in: Vec<&str> = let_in.map(|((name, _), _)| *name).collect();
    let theirs: &[&str] = if row.at == ["crm"] { &["operator", "integration owner"] } else { &["operator"] };
    assert!(scope != Scope::Operate || let_in == theirs, "{}: {let_in:?}", row.says);
    let persons = [Scope::Decide, Scope::Operate].contains(&scope);
    assert!(!persons || !let_in.contains(&"machine"), "{}: {let_in:?}", row.says);
}

fn header(page: &mut String, names: &[&str]) {
    writeln!(page, "| {} |", names.join(" | ")).expect("a text takes it");
    writeln!(page, "|{}", "---|".repeat(names.len())).expect("a text takes it");
}

/// The part of the page about one group: first what is for everybody, then the others cell by cell.
async fn group(title: &str, rows: &[Row]) -> String {
    let mut house = House::of(title).await;
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for row in rows {
        let mut cells = Vec::new();
        for (_, token) in WHO {
            if let Some(open) = row.open {
                house = House::with(title, open).await;
            }
            cells.push(house.tried(row, token).await);
        }
        house.shut_out(row).await;
        is_right(row, &cells);
        if let Some(open) = row.open {
            // Whoever tried last, the next row finds it decided.
            house = House::with(title, open).await;
            assert_eq!(house.tried(row, open.decided_by()).await, "**yes**");
        }
        let says = format!("| {} | `{}` |", row.says, row.route);
        if cells.iter().all(|cell| cell == "**yes**") {
            open.push(says);
        } else {
            closed.push(format!("{says} {} |", cells.join(" | ")));
        }
    }
    let mut page = format!("\n### {title}\n");
    if !open.is_empty() {
        page.push_str("\nEverybody may:\n\n");
        header(&mut page, &["what", "route"]);
        writeln!(page, "{}", open.join("\n")).expect("a text takes it");
    }
    if !closed.is_empty() {
        page.push('\n');
        let names: Vec<&str> = ["what", "route"].into_iter().chain(WHO.map(|(name, _)| name)).collect();
        header(&mut page, &names);
        writeln!(page, "{}", closed.join("\n")).expect("a text takes it");
    }
    page
}

/// The part of the page about what is not about one open intent.
pub(crate) async fn page() -> String {
    let mut page = String::from(
        "\n## What is not about one open intent\n\n\
         Every other route. *Policy owner*, *type owner* and *owner of `people.md`* are in the pools that own the policy, the\n\
         intent type and that file; an *integration owner* is in the pool to which `Connections` of that file gives the\n\
         connection `crm`. A *machine* stands under `Machines` there, has a token with every scope that a person's can have,\n\
         and asks for things as whoever answers for it may: here somebody who owns nothing. A code behind a **yes** says what\n\
         became of what they were let in to do. Who sees which intent and which value of it stands in\n\
         [`visibility.md`](visibility.md).\n",
    );
    for (title, rows) in GROUPS {
        page += &group(title, rows).await;
    }
    page += &provisioning().await;
    page += &needs_no_token().await;
    page
}

async fn provisioning() -> String {
    let mut house = House::of("").await;
    let mut page = String::from(
        "\n### Who is there\n\n\
         For an identity provider, whose token has the scope `provision` and no other; everybody else is refused with\n\
         [207](errors/CS-E0207.md), a machine too.\n\n",
    );
    header(&mut page, &["route"]);
    for row in &PROVISIONING {
        house.shut_out(row).await;
        for (_, token) in WHO {
            let cell = house.tried(row, token).await;
            assert_eq!(cell, "[207](errors/CS-E0207.md)", "{} by {token}", row.route);
        }
        assert_eq!(house.tried(row, "provision").await, "**yes**", "{}", row.route);
        writeln!(page, "| `{}` |", row.route).expect("a text takes it");
    }
    page
}

async fn needs_no_token() -> String {
    let mut house = House::of("").await;
    let mut page = String::from(
        "\n### What needs no token\n\n\
         Whether the host lives, what its API is, what a code means; and the door of deliveries, which proves by their\n\
         signature who sent them.\n\n",
    );
    header(&mut page, &["route"]);
    for row in &OPEN {
        assert!(house.tried(row, "").await.starts_with("**yes**"), "{}", row.route);
        writeln!(page, "| `{}` |", row.route).expect("a text takes it");
    }
    page.push_str(
        "\nTokens are made on the host itself (`countersign token create`), which is for whoever can write its data\n\
         folder; and by whoever has signed in, for their own terminal, at `/you`.\n",
    );
    page
}

#[test]
fn every_route_stands_in_the_table_of_who_may_do_what() {
    let all = GROUPS.iter().flat_map(|(_, rows)| rows.iter()).chain(&PROVISIONING).chain(&OPEN);
    let tried: BTreeSet<String> = all.map(|row| row.route.to_owned()).collect();
    let elsewhere = |route: &String| {
        // What is done to one open intent is tried in the first table, verb by verb.
        route.starts_with("POST /v1/intents/{id}/")
    };
    let known = ROUTES.iter().map(|route| format!("{} {}", route.method, route.path));
    let document: Json = serde_json::from_str(&openapi()).expect("JSON");
    let described = document["paths"].as_object().expect("paths").iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods");
        methods.keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    let there: BTreeSet<String> = known.chain(described).filter(|route| !elsewhere(route)).collect();
    let missing: Vec<&String> = there.difference(&tried).collect();
    assert!(missing.is_empty(), "give each a row in {}: {missing:#?}", file!());
    let gone: Vec<&String> = tried.difference(&there).filter(|route| !elsewhere(route)).collect();
    assert!(gone.is_empty(), "no route any more: {gone:#?}");
}
