//! The doors: what is refused before any rule is asked, and what every answer carries.

use crate::world::{Answer, SMALL, World, golden, secret};
use countersign_core::rulebook::Rulebook;
use countersign_engine::port::store::StoreFault;
use countersign_server::code::CODES;
use countersign_server::limits::{COMMAND_BYTES_MAX, INTENT_BYTES_MAX};
use countersign_server::routes::ROUTES;
use countersign_server::{Scope, openapi};
use countersign_tests::world::{root, source_files};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn every_fault_of_a_submission_is_said_in_one_answer() {
    let world = World::start().await;
    let body = r#"{"type":"discount","status":"approved","type":"refund","tokens":{
        "quote_id":"q-1","quote_id":"q-2","discount_percent":0.12,
        "amount":{"amount":12000,"currency":"EUR","vat":"0"},"term_months":"12","payment_days":1e1,
        "reason":"because","approved_by":"me","note":"pay\u202egnihton"}}"#;
    let answer = world.post("ae-1", "/v1/intents", "k-1", body).await;
    answer.is_problem(422, "CS-E0203");
    assert_eq!(
        answer.pointers(),
        [
            "/status",
            "/type",
            "/tokens/quote_id",
            "/tokens/discount_percent",
            "/tokens/amount/vat",
            "/tokens/amount/currency",
            "/tokens/amount/amount",
            "/tokens/term_months",
            "/tokens/payment_days",
            "/tokens/reason",
            "/tokens/approved_by",
            "/tokens/note",
            "/tokens/customer_id",
        ]
    );
    let only_tokens = SMALL.replace("\"12%\"", "0.12").replace("\"volume\"", "\"because\"");
    let answer = world.post("ae-1", "/v1/intents", "k-1", &only_tokens).await;
    answer.is_problem(422, "CS-E0105");
    insta::assert_snapshot!("token_faults", golden(&answer.json));
    // Nothing was stored, and the key is free.
    assert_eq!(world.get("ae-1", "/v1/intents").await.json["items"], json!([]));
    assert_eq!(world.post("ae-1", "/v1/intents", "k-1", SMALL).await.status, 201);
    // Whoever is no person any more reads nothing either.
    world.get("leaver", "/v1/intents").await.is_problem(403, "CS-E0104");
    let unknown = r#"{"type":"discuont","tokens":{}}"#;
    world.post("ae-1", "/v1/intents", "k-2", unknown).await.is_problem(422, "CS-E0102");
    world.post("leaver", "/v1/intents", "k-2", SMALL).await.is_problem(403, "CS-E0104");
}

#[tokio::test]
async fn who_asks_is_whom_the_token_says_and_no_header() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    let names = ["x-user", "x-forwarded-user", "x-remote-user", "x-forwarded-for", "forwarded", "x-real-ip"];
    for name in names {
        let own = [(name, "sales-manager-1"), ("idempotency-key", "k-2"), ("if-match", "\"1\"")];
        let answer = world.send("", "GET", &place, &own[..1], "").await;
        answer.is_problem(401, "CS-E0205");
        let path = format!("{place}/decisions");
        let answer = world.send("ae-1", "POST", &path, &own, r#"{"decision":"approve"}"#).await;
        answer.is_problem(403, "CS-E0110");
    }
    assert_eq!(world.get("ae-1", &place).await.json["state"], "seated");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_with_its_line_and_column() {
    let world = World::start().await;
    let check = async |body: &str, place: &str| {
        let answer = world.post("ae-1", "/v1/intents", "k-1", body).await;
        answer.is_problem(400, "CS-E0201");
        let detail = answer.json["detail"].as_str().expect("a detail");
        assert!(detail.starts_with(&format!("the body is no JSON at {place}: ")), "{detail}");
    };
    check("{\"type\":\n  oops}", "2:3").await;
    check("{} {}", "1:4").await;
    check("{\"type\":\"discount\"", "1:18").await;
    check(&"[".repeat(1_000), "1:128").await;
}

#[tokio::test]
async fn a_body_of_another_type_or_size_is_refused() {
    let world = World::start().await;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/jsonp",
    ] {
        let headers = [("idempotency-key", "k-1"), ("content-type", kind)];
        world.send("ae-1", "POST", "/v1/intents", &headers, SMALL).await.is_problem(415, "CS-E0204");
    }
    let headers = [("idempotency-key", "k-1"), ("content-encoding", "gzip")];
    world.send("ae-1", "POST", "/v1/intents", &headers, SMALL).await.is_problem(415, "CS-E0204");
    let large = |bytes: usize| format!("{{\"note\":\"{}\"}}", "x".repeat(bytes - 11));
    let just = world.post("ae-1", "/v1/intents", "k-1", &large(INTENT_BYTES_MAX)).await;
    just.is_problem(422, "CS-E0203");
    world.post("ae-1", "/v1/intents", "k-1", &large(INTENT_BYTES_MAX + 1)).await.is_problem(413, "CS-E0202");
    let decisions = format!("/v1/intents/int_{}/decisions", "0".repeat(26));
    let answer = world.post("ae-1", &decisions, "k-1", &large(COMMAND_BYTES_MAX + 1)).await;
    answer.is_problem(413, "CS-E0202");
    let empty = world.post("ae-1", "/v1/intents", "k-1", "").await;
    empty.is_problem(422, "CS-E0203");
    assert_eq!(empty.pointers(), ["/type", "/tokens"]);
}

#[tokio::test]
async fn a_change_needs_a_key_and_the_headers_must_fit() {
    let world = World::start().await;
    world.send("ae-1", "POST", "/v1/intents", &[], SMALL).await.is_problem(400, "CS-E0211");
    let long = "k".repeat(129);
    for key in ["", "two words", long.as_str()] {
        world.post("ae-1", "/v1/intents", key, SMALL).await.is_problem(400, "CS-E0212");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    world.send("ae-1", "POST", "/v1/intents", &twice, SMALL).await.is_problem(400, "CS-E0212");
    let soon = [("idempotency-key", "k-1"), ("prefer", "wait=soon")];
    world.send("ae-1", "POST", "/v1/intents", &soon, SMALL).await.is_problem(400, "CS-E0219");
    assert_eq!(world.get("ae-1", "/v1/intents").await.json["items"], json!([]));
}

#[tokio::test]
async fn nobody_comes_in_without_a_valid_token() {
    let world = World::start().await;
    let good = format!("Bearer {}", secret("ae-1"));
    let other = format!("Bearer {}", secret("nobody"));
    let mistyped = format!("{}x", &good[..good.len() - 1]);
    let basic = good.replace("Bearer", "Basic");
    for value in ["", "Bearer", "Bearer ", &other, &mistyped, &basic, &good.to_uppercase()] {
        let answer = world.send("", "GET", "/v1/intents", &[("authorization", value)], "").await;
        answer.is_problem(401, "CS-E0205");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"countersign\"");
    }
    let both = [("authorization", good.as_str()), ("authorization", other.as_str())];
    world.send("", "GET", "/v1/intents", &both, "").await.is_problem(401, "CS-E0205");
    assert_eq!(world.send("", "GET", "/v1/intents", &[("authorization", &good)], "").await.status, 200);
}

#[tokio::test]
async fn a_token_in_the_address_is_refused_and_revoked() {
    let world = World::start().await;
    let path = format!("/v1/intents?access_token={}", secret("ae-2"));
    let answer = world.get("ae-1", &path).await;
    answer.is_problem(400, "CS-E0206");
    assert!(!answer.text.contains("cs_live_0") && !answer.text.contains(&secret("ae-2")));
    world.get("ae-2", "/v1/intents").await.is_problem(401, "CS-E0205");
    assert_eq!(world.get("ae-1", "/v1/intents").await.status, 200);
}

/// Fails unless this is the problem with this code, in the words of the door.
#[track_caller]
fn refused(path: &str, answer: &Answer, status: u16, code: &str) {
    if path.starts_with("/scim/") {
        answer.is_scim_error(status, code);
    } else {
        answer.is_problem(status, code);
    }
}

#[tokio::test]
async fn every_route_asks_for_exactly_its_scope() {
    let world = World::start().await;
    let mut cells = 0;
    for route in ROUTES {
        let path = route
            .path
            .replace("{id}", &format!("int_{}", "0".repeat(26)))
            .replace("{exception}", &format!("exc_{}", "0".repeat(26)))
            .replace("{name}", "crm")
            .replace("{connection}/{hook}", "crm/no-such-hook")
            .replace("{intent}", "discount")
            .replace("{code}", "CS-E0101")
            .replace("{kind}", "User")
            .replace("{schema}", "urn:ietf:params:scim:schemas:core:2.0:Group");
        let stranger = world.send("", route.method, &path, &[], "").await;
        match route.scope {
            // Whoever delivers is proved by what they sign.
            None if path.starts_with("/hooks/") => stranger.is_problem(404, "CS-E0220"),
            None => assert_eq!(stranger.status, 200, "{} {path}", route.method),
            Some(_) => refused(&path, &stranger, 401, "CS-E0205"),
        }
        for scope in Scope::ALL {
            let answer = world.send(scope.as_str(), route.method, &path, &[], "").await;
            match route.scope {
                Some(needed) if needed != scope => refused(&path, &answer, 403, "CS-E0207"),
                // Whose duty it is not is let in by the scope, and refused behind it.
                Some(_) if route.path == "/v1/denied" => answer.is_problem(403, "CS-E0222"),
                Some(_) | None => assert!(![401, 403, 405].contains(&answer.status), "{}", answer.text),
            }
            cells += 1;
        }
    }
    assert_eq!(cells, ROUTES.len() * Scope::ALL.len());
}

#[tokio::test]
async fn an_address_has_one_spelling_and_a_method_is_never_replaced() {
    let world = World::start().await;
    for path in [
        "/v1",
        "/v1/",
        "/v1/intents/",
        "/v1//intents",
        "//v1/intents",
        "/V1/intents",
        "/v1/Intents",
        "/v1/intents;x=1",
        "/v1%2fintents",
        "/v1/./intents",
        "/v2/intents",
        "/v1/admin",
    ] {
        let answer = world.get("ae-1", path).await;
        answer.is_problem(404, "CS-E0208");
    }
    for path in
        ["/v1/intents/none", "/v1/intents/..%2fconnections", "/v1/intents/INT_00000000000000000000000000"]
    {
        world.get("ae-1", path).await.is_problem(404, "CS-E0101");
    }
    let unknown = format!("/v1/intents/int_{}", "0".repeat(26));
    world.get("ae-1", &unknown).await.is_problem(404, "CS-E0101");
    let answer = world.send("ae-1", "DELETE", &unknown, &[], "").await;
    answer.is_problem(405, "CS-E0209");
    assert_eq!(answer.header("allow"), "GET,HEAD");
    world.send("ae-1", "PUT", "/v1/intents", &[], "{}").await.is_problem(405, "CS-E0209");
    let place = world.submitted("k-1", SMALL).await;
    world.get("ae-1", &format!("{place}/decisions")).await.is_problem(405, "CS-E0209");
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let tricks = [(header, "POST"), ("idempotency-key", "w-1"), ("if-match", "\"1\"")];
        world
            .send("ae-1", "GET", &format!("{place}/withdrawals"), &tricks, "")
            .await
            .is_problem(405, "CS-E0209");
    }
    let head = world.send("ae-1", "HEAD", &place, &[], "").await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(world.get("ae-1", &place).await.json["state"], "seated");
}

#[tokio::test]
async fn every_answer_carries_the_headers_of_the_house() {
    let world = World::start().await;
    for (person, path) in [
        ("ae-1", "/v1/intents"),
        ("", "/livez"),
        ("", "/nowhere"),
        ("", "/v1/intents"),
        ("", "/openapi.json"),
    ] {
        let answer = world.get(person, path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(answer.header("countersign-operation").starts_with("op_"));
        assert_eq!(answer.header("countersign-position"), "0");
    }
    world.submitted("k-1", SMALL).await;
    let position = world.engine.health().position.0;
    assert!(0 < position);
    assert_eq!(world.get("", "/livez").await.header("countersign-position"), position.to_string());
    assert_eq!(world.get("ae-1", "/v1/log/health").await.json["position"], position);
}

#[tokio::test]
async fn a_fault_of_the_store_says_whether_waiting_helps() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    let table = [
        (StoreFault::Full, 507, "CS-E0301", true),
        (StoreFault::Busy, 429, "CS-E0302", true),
        (StoreFault::Lost("EIO".to_owned()), 503, "CS-E0303", true),
        (StoreFault::Io("secret path".to_owned()), 500, "CS-E0304", false),
        (StoreFault::TooLarge("ENTRY_BYTES_MAX"), 422, "CS-E0308", false),
    ];
    for (fault, status, code, later) in table {
        world.store.fail(Some(fault));
        let answer = world.post("ae-1", "/v1/intents", "k-2", SMALL).await;
        answer.is_problem(status, code);
        assert!(!answer.text.contains("secret path"));
        assert_eq!(answer.header("retry-after").is_empty(), !later, "{code}");
        assert_eq!(world.get("ae-1", &place).await.status, 200, "reading goes on");
        let ready = world.get("", "/readyz").await;
        assert_eq!((ready.status, &ready.json["not"]), (503, &json!(["store-not-writable"])));
        assert_eq!(world.get("ae-1", "/v1/log/health").await.json["writable"], false);
    }
    world.store.fail(None);
    assert_eq!(world.post("ae-1", "/v1/intents", "k-2", SMALL).await.status, 201);
    assert_eq!(world.get("", "/readyz").await.status, 200);
}

#[tokio::test]
async fn a_bug_of_ours_is_answered_as_one_and_harms_no_other_request() {
    let world = World::start().await;
    world.store.break_lists();
    let answer = world.get("ae-1", "/v1/intents").await;
    answer.is_problem(500, "CS-E0307");
    assert!(!answer.text.contains("broke"), "a panic's words stay inside: {}", answer.text);
    assert_eq!(world.post("ae-1", "/v1/intents", "k-1", SMALL).await.status, 201);
}

#[tokio::test]
async fn a_host_that_drains_takes_no_command_and_still_answers() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    world.engine.stop().await;
    let answer = world.post("ae-1", "/v1/intents", "k-2", SMALL).await;
    answer.is_problem(503, "CS-E0305");
    assert_eq!(answer.header("retry-after"), "1");
    let body = r#"{"decision":"approve"}"#;
    world
        .post("sales-manager-1", &format!("{place}/decisions"), "d-1", body)
        .await
        .is_problem(503, "CS-E0305");
    assert_eq!(world.get("ae-1", &place).await.status, 200);
    assert_eq!(world.get("", "/readyz").await.json["not"], json!(["draining"]));
    assert_eq!(world.get("", "/livez").await.status, 200);
}

#[tokio::test]
async fn every_code_has_its_page_and_every_page_its_code() {
    let world = World::start().await;
    for code in CODES {
        let page = world.get("", &format!("/errors/{}", code.code)).await;
        assert_eq!((page.status, page.text.as_str()), (200, code.page));
    }
    world.get("", "/errors/none").await.is_problem(404, "CS-E0220");
    let folder = countersign_tests::world::root().join("host/docs/errors");
    let pages: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the pages")
        .map(|page| page.expect("a page").file_name().to_string_lossy().trim_end_matches(".md").to_owned())
        .filter(|name| name.starts_with("CS-E01") || name.starts_with("CS-E02") || name.starts_with("CS-E03"))
        .collect();
    let codes: BTreeSet<String> = CODES.iter().map(|code| code.code.to_owned()).collect();
    assert_eq!(pages, codes);
}

#[tokio::test]
async fn the_committed_description_is_the_one_that_is_served_and_names_every_route() {
    let text = openapi();
    let file = countersign_tests::world::root().join("host/server/openapi.json");
    if std::env::var_os("COUNTERSIGN_WRITE").is_some() {
        std::fs::write(&file, &text).expect("the description is written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "host/server/openapi.json is stale: run this test with COUNTERSIGN_WRITE=1");
    let world = World::start().await;
    assert_eq!(world.get("", "/openapi.json").await.text, text);
    let description: Json = serde_json::from_str(&text).expect("JSON");
    assert!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let paths = description["paths"].as_object().expect("paths");
    let described: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods");
            methods.keys().map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    // SCIM describes itself: `/scim/v2/Schemas`. An OpenAPI path has no part with slashes: the names of tiles are those of
    // `c2sp.org/tlog-tiles`.
    let elsewhere = |path: &str| path.starts_with("/scim/") || path.starts_with("/v1/log/tile/");
    let own = ROUTES.iter().filter(|route| !elsewhere(route.path));
    let known = own.map(|route| (route.method.to_owned(), route.path.to_owned()));
    assert_eq!(described, known.collect());
    let mut references = text.split("\"$ref\": \"#").skip(1).peekable();
    assert!(references.peek().is_some());
    for reference in references {
        let pointer = reference.split('"').next().expect("a pointer");
        assert!(description.pointer(pointer).is_some(), "{pointer} leads nowhere");
    }
}

#[tokio::test]
async fn who_operates_is_who_the_house_says() {
    let world = World::start().await;
    let path = "/v1/connections/crm/check";
    assert_eq!(world.post("integration-1", path, "c-1", "").await.status, 200);
    // Their tokens have every scope.
    world.post("ae-1", path, "c-2", "").await.is_problem(403, "CS-E0223");
    world.post("revops-lead", path, "c-3", "").await.is_problem(403, "CS-E0223");
    // An integration owner looks after their connection, however its name is spelt, and after nothing else.
    let refused = world.post("billing-1", path, "c-5", "").await;
    refused.is_problem(403, "CS-E0223");
    let words = "`billing-1` is neither an operator nor an integration owner of `crm`";
    assert_eq!(refused.json["detail"], words);
    assert_eq!(world.post("billing-1", "/v1/connections/billing/check", "c-6", "").await.status, 200);
    assert_eq!(world.post("billing-1", "/v1/connections/%62illing/check", "c-7", "").await.status, 200);
    for other in ["%63rm", "Billing", "billing%2f..%2fcrm", "billing%00", "%ff"] {
        let answer = world.post("billing-1", &format!("/v1/connections/{other}/check"), "c-8", "").await;
        answer.is_problem(403, "CS-E0223");
    }
    // Without the row it is as the token says.
    let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
    for file in files.iter_mut().filter(|file| file.path == "people.md") {
        file.text = file.text.replacen("| operator      | integrations       |\n", "", 1);
    }
    let rulebook = Rulebook::load(&files).expect("it checks");
    assert!(world.engine.replace_rulebook(&world.engine.rulebook(), rulebook));
    assert_eq!(world.post("ae-1", path, "c-4", "").await.status, 200);
}
