//! Provisioning over SCIM, in the forms that identity providers really send; and every way in which it says no.

use crate::world::{Answer, SMALL, World, secret};
use serde_json::{Value as Json, json};

const USERS: &str = "/scim/v2/Users";
const GROUPS: &str = "/scim/v2/Groups";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PERSON: &str = "urn:countersign:params:scim:schemas:extension:1.0:User";

impl World {
    /// One call of the identity provider.
    async fn scim(&self, method: &str, path: &str, body: &Json) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("content-type", "application/scim+json")];
        self.send("provision", method, path, &headers, &body).await
    }

    /// A call that is taken.
    async fn told(&self, method: &str, path: &str, body: Json) -> Json {
        let answer = self.scim(method, path, &body).await;
        assert!(answer.status < 300, "{method} {path} {body}: {}", answer.text);
        answer.json
    }

    /// A call that is refused, with the word of RFC 7644 for its kind.
    async fn scim_refused(&self, method: &str, path: &str, body: Json, status: u16, code: &str) -> String {
        let answer = self.scim(method, path, &body).await;
        answer.is_scim_error(status, code);
        answer.json["scimType"].as_str().unwrap_or_default().to_owned()
    }

    async fn entries(&self) -> u64 {
        self.engine.health().position.0
    }

    /// Who is shown, as `person: pools`.
    async fn pools_of(&self, person: &str) -> Option<Json> {
        let people = self.get("ae-1", "/v1/people").await.json;
        let items = people["items"].as_array().cloned().unwrap_or_default();
        items.into_iter().find(|one| one["person"] == person).map(|one| one["pools"].clone())
    }
}

fn operations(operations: Json) -> Json {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

#[tokio::test]
async fn a_user_is_created_shown_found_changed_and_deleted() {
    let world = World::with_groups().await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "userName": "Zoe@example.com",
        "externalId": "00u1",
        "name": { "givenName": "Zoe", "familyName": "Smith" },
        "emails": [{ "type": "work", "value": "zoe@example.com", "primary": true }],
        "active": true,
        (ENTERPRISE): { "employeeNumber": "7", "manager": { "value": "sales-manager-1" } },
    });
    let answer = world.scim("POST", USERS, &body).await;
    assert_eq!((answer.status, answer.header("location")), (201, "/scim/v2/Users/zoe"), "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/scim+json");
    let user = answer.json;
    assert_eq!(user["id"], "zoe");
    assert_eq!(user["userName"], "Zoe@example.com");
    assert_eq!(user[ENTERPRISE]["manager"]["value"], "sales-manager-1");
    // No more of a human is kept than is needed.
    assert!(!user.to_string().contains("Smith") && user.get("emails").is_none());
    assert_eq!(world.told("GET", &format!("{USERS}/zoe"), Json::Null).await, user);
    assert!(world.engine.rulebook().directory().knows(&"zoe".parse().expect("a person")));
    let found = |filter: &str| format!("{USERS}?filter={}", filter.replace(' ', "%20").replace('"', "%22"));
    for filter in
        ["userName eq \"zoe@EXAMPLE.com\"", "externalId eq \"00u1\" and active eq true", "id eq \"zoe\""]
    {
        let list = world.told("GET", &found(filter), Json::Null).await;
        assert_eq!((&list["totalResults"], &list["Resources"][0]), (&json!(1), &user), "{filter}");
    }
    let none = world.told("GET", &found("userName eq \"max@example.com\""), Json::Null).await;
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(0), &json!([])));

    let body = json!({ "id": "zoe", "userName": "zoe.smith@example.com", "active": true });
    let user = world.told("PUT", &format!("{USERS}/zoe"), body.clone()).await;
    assert_eq!((&user["userName"], user.get("externalId")), (&json!("zoe.smith@example.com"), None));
    assert!(user.get(ENTERPRISE).is_none());
    let before = world.entries().await;
    world.told("PUT", &format!("{USERS}/zoe"), body).await;
    assert_eq!(world.entries().await, before, "what is so already is no entry");

    assert_eq!(world.scim("DELETE", &format!("{USERS}/zoe"), &Json::Null).await.status, 204);
    world.scim_refused("GET", &format!("{USERS}/zoe"), Json::Null, 404, "CS-E0163").await;
    let again = json!({ "userName": "zoe@example.org" });
    assert_eq!(world.scim_refused("POST", USERS, again, 409, "CS-E0160").await, "uniqueness");
}

#[tokio::test]
async fn a_change_is_taken_in_every_form_that_identity_providers_send() {
    let world = World::with_groups().await;
    world.told("POST", USERS, json!({ "userName": "zoe@example.com" })).await;
    let place = format!("{USERS}/zoe");
    let check = async |change: Json, pointer: &str, expected: Json| {
        let user = world.told("PATCH", &place, operations(change.clone())).await;
        let found = user.pointer(pointer).cloned().unwrap_or(Json::Null);
        assert_eq!(found, expected, "{change}");
        assert_eq!(world.told("GET", &place, Json::Null).await, user);
    };
    // Okta: without a path.
    check(json!([{ "op": "replace", "value": { "active": false } }]), "/active", json!(false)).await;
    check(json!([{ "op": "replace", "value": { "active": true } }]), "/active", json!(true)).await;
    // Entra ID: capitals, texts, paths as members, paths with filters.
    check(json!([{ "op": "Replace", "path": "active", "value": "False" }]), "/active", json!(false)).await;
    check(json!([{ "op": "Add", "path": "active", "value": "True" }]), "/active", json!(true)).await;
    let manager = format!("/{ENTERPRISE}/manager/value");
    let path = format!("{ENTERPRISE}:manager");
    check(json!([{ "op": "Add", "path": path, "value": "ae-2" }]), &manager, json!("ae-2")).await;
    check(json!([{ "op": "Replace", "path": path, "value": { "value": "cro" } }]), &manager, json!("cro"))
        .await;
    check(json!([{ "op": "Remove", "path": path }]), &manager, Json::Null).await;
    let value = json!({ (path.as_str()): "ae-1", "name.givenName": "Zoe", "externalId": "00u1" });
    check(json!([{ "op": "Add", "value": value }]), &manager, json!("ae-1")).await;
    check(
        json!([{ "op": "replace", "value": { (ENTERPRISE): { "manager": { "value": "cro" } } } }]),
        &manager,
        json!("cro"),
    )
    .await;
    check(
        json!([
            { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "z@example.com" },
            { "op": "replace", "path": "displayName", "value": "Zoe" },
            { "op": "remove", "path": "externalId" },
        ]),
        "/externalId",
        Json::Null,
    )
    .await;
    check(
        json!([{ "op": "replace", "path": "userName", "value": "zoe.smith@example.com" }]),
        "/userName",
        json!("zoe.smith@example.com"),
    )
    .await;
    let before = world.entries().await;
    world.told("PATCH", &place, operations(json!([{ "op": "replace", "value": { "active": true } }]))).await;
    assert_eq!(world.entries().await, before, "what is so already is no entry");
}

#[tokio::test]
async fn a_group_of_a_pools_name_puts_people_into_it_and_takes_them_out() {
    let world = World::with_groups().await;
    for name in ["zoe", "max", "finance-1"] {
        world.told("POST", USERS, json!({ "userName": format!("{name}@example.com") })).await;
    }
    let members =
        |names: &[&str]| json!(names.iter().map(|name| json!({ "value": name })).collect::<Vec<_>>());
    let group =
        world.told("POST", GROUPS, json!({ "displayName": "billing", "members": members(&["zoe"]) })).await;
    let place = format!("{GROUPS}/{}", group["id"].as_str().expect("an id"));
    assert_eq!(world.pools_of("zoe").await, Some(json!(["billing"])));
    let check = async |change: Json, expected: &[&str]| {
        let group = world.told("PATCH", &place, operations(change.clone())).await;
        let found = group["members"].as_array().cloned().unwrap_or_default();
        let found: Vec<&str> = found.iter().filter_map(|member| member["value"].as_str()).collect();
        assert_eq!(found, expected, "{change}");
        for name in ["zoe", "max"] {
            let pools = if expected.contains(&name) { json!(["billing"]) } else { json!([]) };
            assert_eq!(world.pools_of(name).await, Some(pools), "{name} after {change}");
        }
    };
    check(json!([{ "op": "add", "path": "members", "value": members(&["max"]) }]), &["max", "zoe"]).await;
    check(json!([{ "op": "remove", "path": "members[value eq \"zoe\"]" }]), &["max"]).await;
    // Entra ID names those who go in the value; that is not all of them.
    check(json!([{ "op": "Add", "path": "members", "value": members(&["zoe"]) }]), &["max", "zoe"]).await;
    check(json!([{ "op": "Remove", "path": "members", "value": members(&["max"]) }]), &["zoe"]).await;
    check(
        json!([{ "op": "replace", "path": "members", "value": members(&["max", "zoe"]) }]),
        &["max", "zoe"],
    )
    .await;
    check(json!([{ "op": "remove", "path": "members" }]), &[]).await;
    check(json!([{ "op": "add", "value": { "members": members(&["zoe"]) } }]), &["zoe"]).await;
    let found = format!("{GROUPS}?filter=displayName%20eq%20%22billing%22&excludedAttributes=members");
    let list = world.told("GET", &found, Json::Null).await;
    assert_eq!((&list["Resources"][0]["id"], list["Resources"][0].get("members")), (&group["id"], None));
    let id = group["id"].as_str().expect("an id");
    let found = format!("{GROUPS}?filter=id%20eq%20%22{id}%22%20and%20members%20eq%20%22max%22");
    assert_eq!(world.told("GET", &found, Json::Null).await["totalResults"], 0);
    // What the file says of a pool is not the group's to take.
    let path = json!([{ "op": "replace", "value": { "id": id, "displayName": "finance" } }]);
    world.told("PATCH", &place, operations(path)).await;
    assert_eq!(world.pools_of("zoe").await, Some(json!(["finance"])));
    world.told("PUT", &place, json!({ "displayName": "finance", "members": [] })).await;
    assert_eq!(world.pools_of("zoe").await, Some(json!([])));
    assert_eq!(world.pools_of("finance-1").await, Some(json!(["finance"])));
    assert_eq!(world.scim("DELETE", &place, &Json::Null).await.status, 204);
    world.scim_refused("GET", &place, Json::Null, 404, "CS-E0163").await;
}

#[tokio::test]
async fn a_leavers_token_is_refused_at_once_and_their_seat_moves() {
    let world = World::with_groups().await;
    for name in ["sales-manager-1", "finance-1"] {
        world.told("POST", USERS, json!({ "userName": format!("{name}@example.com") })).await;
    }
    let place = world.submitted("k-1", SMALL).await;
    let off = operations(json!([{ "op": "replace", "value": { "active": false } }]));
    world.told("PATCH", &format!("{USERS}/sales-manager-1"), off.clone()).await;
    world.get("sales-manager-1", "/v1/intents").await.is_problem(403, "CS-E0104");
    let yes = r#"{"decision":"approve"}"#;
    world
        .post("sales-manager-1", &format!("{place}/decisions"), "k-2", yes)
        .await
        .is_problem(403, "CS-E0104");
    // Their manager is the requester's now, and stood by for them before.
    let shown = world.get("ae-1", &place).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let on = operations(json!([{ "op": "replace", "value": { "active": true } }]));
    world.told("PATCH", &format!("{USERS}/sales-manager-1"), on).await;
    assert_eq!(world.get("sales-manager-1", "/v1/intents").await.status, 200);
    assert_eq!(world.scim("DELETE", &format!("{USERS}/sales-manager-1"), &Json::Null).await.status, 204);
    world.get("sales-manager-1", "/v1/intents").await.is_problem(403, "CS-E0104");
}

#[tokio::test]
async fn a_person_is_whom_the_user_name_or_our_extension_says_and_nobody_else_ever() {
    let world = World::with_groups().await;
    let dotted = json!({ "userName": "jane.doe@example.com" });
    assert_eq!(world.scim_refused("POST", USERS, dotted, 400, "CS-E0162").await, "invalidValue");
    let body = json!({ "userName": "jane.doe@example.com", (PERSON): { "person": "jane-doe" } });
    let user = world.told("POST", USERS, body).await;
    assert_eq!((&user["id"], &user[PERSON]["person"]), (&json!("jane-doe"), &json!("jane-doe")));
    let place = format!("{USERS}/jane-doe");
    let other = json!({ "userName": "jane.doe@example.com", (PERSON): { "person": "cro" } });
    assert_eq!(world.scim_refused("PUT", &place, other, 400, "CS-E0203").await, "mutability");
    let path = format!("{PERSON}:person");
    for change in [
        json!([{ "op": "replace", "path": path, "value": "cro" }]),
        json!([{ "op": "remove", "path": path }]),
        json!([{ "op": "remove", "path": "userName" }]),
        json!([{ "op": "remove", "path": "active" }]),
    ] {
        let kind = world.scim_refused("PATCH", &place, operations(change), 400, "CS-E0203").await;
        assert_eq!(kind, "mutability");
    }
    let same = json!({ "userName": "jane.doe@example.com", "id": "cro" });
    assert_eq!(world.scim_refused("PUT", &place, same, 400, "CS-E0203").await, "mutability");
    // One account is one person.
    let twice = json!({ "userName": "JANE.doe@example.com", (PERSON): { "person": "jane-2" } });
    assert_eq!(world.scim_refused("POST", USERS, twice, 409, "CS-E0161").await, "uniqueness");
}

#[tokio::test]
async fn nobody_comes_back_because_something_was_left_out() {
    let world = World::with_groups().await;
    world.told("POST", USERS, json!({ "userName": "zoe@example.com", "active": false })).await;
    let place = format!("{USERS}/zoe");
    assert_eq!(world.told("GET", &place, Json::Null).await["active"], false);
    let user = world.told("PUT", &place, json!({ "userName": "zoe@example.com", "externalId": "x" })).await;
    assert_eq!(user["active"], false);
    // A slip in a name is no silence.
    let slip = operations(json!([{ "op": "replace", "value": { "actve": false } }]));
    assert_eq!(world.scim_refused("PATCH", &place, slip, 400, "CS-E0203").await, "invalidPath");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_the_words_of_scim() {
    let world = World::with_groups().await;
    world.told("POST", USERS, json!({ "userName": "zoe@example.com" })).await;
    let group = world.told("POST", GROUPS, json!({ "displayName": "billing" })).await;
    let group = format!("{GROUPS}/{}", group["id"].as_str().expect("an id"));
    let user = format!("{USERS}/zoe");
    let before = world.entries().await;
    let check = async |method: &str, path: &str, body: Json, kind: &str| {
        let found = world.scim_refused(method, path, body.clone(), 400, "CS-E0203").await;
        assert_eq!(found, kind, "{method} {path} {body}");
    };
    check("POST", USERS, json!([]), "invalidSyntax").await;
    check("POST", USERS, json!({}), "invalidValue").await;
    check("POST", USERS, json!({ "userName": 7 }), "invalidValue").await;
    check("POST", USERS, json!({ "userName": "max", "active": "perhaps" }), "invalidValue").await;
    check("POST", USERS, json!({ "userName": "max", "shoeSize": 7 }), "invalidPath").await;
    check("POST", USERS, json!({ "userName": "max", (ENTERPRISE): "x" }), "invalidValue").await;
    check("POST", USERS, json!({ "userName": "max", (ENTERPRISE): { "manager": "A B" } }), "invalidValue")
        .await;
    check("POST", USERS, json!({ "userName": "max", (ENTERPRISE): { "manager": {} } }), "invalidValue").await;
    check("POST", GROUPS, json!({}), "invalidValue").await;
    check("POST", GROUPS, json!({ "displayName": "x", "members": 7 }), "invalidValue").await;
    check("POST", GROUPS, json!({ "displayName": "x", "members": [{}] }), "invalidValue").await;
    check("POST", GROUPS, json!({ "displayName": "x", "size": 7 }), "invalidPath").await;
    for path in [user.as_str(), &group] {
        check("PATCH", path, json!({}), "invalidSyntax").await;
        check("PATCH", path, operations(json!([7])), "invalidSyntax").await;
        check("PATCH", path, operations(json!([{ "op": "move", "path": "x" }])), "invalidSyntax").await;
        check("PATCH", path, operations(json!([{ "op": "remove" }])), "noTarget").await;
        check("PATCH", path, operations(json!([{ "op": "add", "value": 7 }])), "invalidSyntax").await;
        check("PATCH", path, operations(json!([{ "op": "add", "path": "a b", "value": 7 }])), "invalidPath")
            .await;
    }
    let many: Vec<Json> = (0..1_001).map(|_| json!({ "op": "remove", "path": "externalId" })).collect();
    check("PATCH", &user, operations(json!(many)), "invalidSyntax").await;
    for path in ["members[display eq \"x\"]", "members[value eq \"A B\"]"] {
        check("PATCH", &group, operations(json!([{ "op": "remove", "path": path }])), "invalidPath").await;
    }
    let change = json!([{ "op": "replace", "path": "members[value eq \"zoe\"]", "value": "max" }]);
    check("PATCH", &group, operations(change), "invalidPath").await;
    check("PATCH", &group, operations(json!([{ "op": "remove", "path": "displayName" }])), "mutability")
        .await;
    for path in [USERS, GROUPS] {
        check("GET", &format!("{path}?filter=shoeSize%20eq%20%227%22"), Json::Null, "invalidFilter").await;
        check("GET", &format!("{path}?filter=id%20sw%20%227%22"), Json::Null, "invalidFilter").await;
        world.scim_refused("GET", &format!("{path}?page=2"), Json::Null, 400, "CS-E0210").await;
    }
    let twice = r#"{"userName":"max","Active":true,"active":false}"#;
    world.send("provision", "POST", USERS, &[], twice).await.is_scim_error(400, "CS-E0203");
    let xml = [("content-type", "application/xml")];
    world.send("provision", "POST", USERS, &xml, "<user/>").await.is_scim_error(415, "CS-E0204");
    world.send("provision", "POST", USERS, &[], "{").await.is_scim_error(400, "CS-E0203");
    let large = format!(r#"{{"userName":"max","title":"{}"}}"#, "x".repeat(1024 * 1024));
    world.send("provision", "POST", USERS, &[], &large).await.is_scim_error(413, "CS-E0202");
    world.scim_refused("GET", "/scim/v2/Nothing", Json::Null, 404, "CS-E0208").await;
    world.scim_refused("POST", "/scim/v2/Schemas", json!({}), 405, "CS-E0209").await;
    world.scim_refused("GET", "/scim/v2/Schemas/urn:x", Json::Null, 404, "CS-E0220").await;
    for path in [user.replace("zoe", "max"), format!("{USERS}/A%20B")] {
        let answer = world.scim("GET", &path, &Json::Null).await;
        assert_eq!(answer.status, 404, "{}", answer.text);
        assert_eq!(world.scim("DELETE", &path, &Json::Null).await.status, 404);
    }
    let nobody = json!([{ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }]);
    let answer = world.scim("PATCH", &group, &operations(nobody)).await;
    answer.is_scim_error(404, "CS-E0163");
    assert_eq!(world.entries().await, before, "a refusal is no entry");
}

#[tokio::test]
async fn a_list_comes_in_pages_and_in_the_shape_that_was_asked_for() {
    let world = World::with_groups().await;
    for number in 0..5 {
        world.told("POST", USERS, json!({ "userName": format!("p-{number}@example.com") })).await;
    }
    let ids = async |query: &str| {
        let list = world.told("GET", &format!("{USERS}?{query}"), Json::Null).await;
        let ids: Vec<String> = list["Resources"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|user| user["id"].as_str().expect("an id").to_owned())
            .collect();
        assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(5), &json!(ids.len())));
        (list["startIndex"].as_u64().expect("a number"), ids.join(" "))
    };
    assert_eq!(ids("startIndex=1&count=2").await, (1, "p-0 p-1".to_owned()));
    assert_eq!(ids("startIndex=5&count=2").await, (5, "p-4".to_owned()));
    assert_eq!(ids("startIndex=-3&count=1").await, (1, "p-0".to_owned()));
    assert_eq!(ids("startIndex=9").await, (9, String::new()));
    assert_eq!(ids("count=0").await, (1, String::new()));
    assert_eq!(ids("count=-1").await, (1, String::new()));
    assert_eq!(ids("count=9999&sortBy=userName&sortOrder=descending").await.1, "p-0 p-1 p-2 p-3 p-4");
    let only = world.told("GET", &format!("{USERS}/p-1?attributes=userName"), Json::Null).await;
    let names: Vec<&String> = only.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["id", "schemas", "userName"]);
    let without = format!("{USERS}/p-1?excludedAttributes=meta,{PERSON}:person,id");
    let without = world.told("GET", &without, Json::Null).await;
    let names: Vec<&String> = without.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["active", "id", "schemas", "userName"]);
}

#[tokio::test]
async fn a_token_that_provisions_acts_for_nobody_and_does_nothing_else() {
    let world = World::with_groups().await;
    world.get("provision", "/v1/people").await.is_problem(403, "CS-E0207");
    world.get("ae-1", USERS).await.is_scim_error(403, "CS-E0207");
    world.get("", USERS).await.is_scim_error(401, "CS-E0205");
    let stranger = [("authorization", format!("Bearer {}", secret("nobody")))];
    let stranger = stranger.each_ref().map(|(name, value)| (*name, value.as_str()));
    world.send("", "GET", USERS, &stranger, "").await.is_scim_error(401, "CS-E0205");
    // Nobody is created who would be the machine, so that leavers could not be told any more.
    world.scim_refused("POST", USERS, json!({ "userName": "idp@example.com" }), 409, "CS-E0161").await;
    // Were the machine somebody of the house all the same, a person could provision.
    world.told("POST", USERS, json!({ "userName": "zoe" })).await;
    let before = world.engine.rulebook();
    let people = before.people().replacen("\n| ae-1 ", "\n| idp | cro | |\n| ae-1 ", 1);
    let rulebook = before.with_people(&people, world.engine.now()).expect("it checks");
    assert!(world.engine.replace_rulebook(&before, rulebook));
    world.scim_refused("GET", USERS, Json::Null, 403, "CS-E0207").await;
}

#[tokio::test]
async fn a_store_that_cannot_keep_it_changes_nothing() {
    let world = World::with_groups().await;
    world.store.fail(Some(countersign_engine::port::store::StoreFault::Full));
    world.scim_refused("POST", USERS, json!({ "userName": "zoe" }), 507, "CS-E0301").await;
    assert!(!world.engine.rulebook().directory().knows(&"zoe".parse().expect("a person")));
    world.store.fail(None);
    world.told("POST", USERS, json!({ "userName": "zoe" })).await;
    assert!(world.engine.rulebook().directory().knows(&"zoe".parse().expect("a person")));
}

#[tokio::test]
async fn a_user_of_another_domain_is_nobody_of_the_file() {
    let world = World::with_groups().await;
    let post = async |body: Json| world.scim_refused("POST", USERS, body, 409, "CS-E0161").await;
    for name in ["cro@anything.invalid", "cro@sub.example.com", "cro", "cro@example.com@evil.invalid"] {
        post(json!({ "userName": name })).await;
    }
    assert!(world.engine.rulebook().register().members().next().is_none());
    // Somebody whom the file does not have is nobody's yet.
    world.told("POST", USERS, json!({ "userName": "zoe@partner.invalid" })).await;
    world.told("POST", USERS, json!({ "userName": "CRO@Example.com" })).await;
    // And our extension says it in so many words.
    let extension = "urn:countersign:params:scim:schemas:extension:1.0:User";
    world
        .told("POST", USERS, json!({ "userName": "x1@anything.invalid", extension: { "person": "ae-1" } }))
        .await;
}

#[tokio::test]
async fn nothing_that_is_wrong_with_the_rest_keeps_a_leaver_in_the_house() {
    let world = World::with_groups().await;
    for (number, broken) in [
        json!({ "active": false, "userName": Json::Null }),
        json!({ "active": false, "userName": "x@example.com", "nonsense": 1 }),
        json!({ "active": "False", "userName": "x@example.com",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": "No Id" } } }),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("zoe{number}");
        world.told("POST", USERS, json!({ "userName": format!("{name}@example.com") })).await;
        let user = world.told("PUT", &format!("{USERS}/{name}"), broken).await;
        assert_eq!((&user["active"], &user["userName"]), (&json!(false), &json!(format!("{name}@example.com"))));
    }
    world.told("POST", USERS, json!({ "userName": "max@example.com" })).await;
    let change = operations(json!([
        { "op": "replace", "path": "userName", "value": Json::Null },
        { "op": "replace", "path": "active", "value": false },
    ]));
    let user = world.told("PATCH", &format!("{USERS}/max"), change).await;
    assert_eq!(user["active"], false);
    // Nor a path that cannot be read.
    world.told("POST", USERS, json!({ "userName": "tom@example.com" })).await;
    let change = operations(json!([
        { "op": "replace", "path": "emails[type eq \"work\" or primary eq true].value", "value": "x" },
        { "op": "replace", "path": "active", "value": false },
    ]));
    let user = world.told("PATCH", &format!("{USERS}/tom"), change).await;
    assert_eq!(user["active"], false);
    world.told("POST", USERS, json!({ "userName": "kim@example.com" })).await;
    let whole = json!({ "userName": "kim@example.com", "active": false, "a b": 1 });
    assert_eq!(world.told("PUT", &format!("{USERS}/kim"), whole).await["active"], false);
    // What says nothing of leaving is still refused whole.
    world.told("POST", USERS, json!({ "userName": "lea@example.com" })).await;
    let slip = operations(json!([{ "op": "replace", "path": "members", "value": Json::Null }]));
    let group = world
        .told("POST", GROUPS, json!({ "displayName": "billing", "members": [{ "value": "lea" }] }))
        .await;
    let place = format!("{GROUPS}/{}", group["id"].as_str().expect("an id"));
    world.scim_refused("PATCH", &place, slip, 400, "CS-E0203").await;
    assert_eq!(world.pools_of("lea").await, Some(json!(["billing"])), "what is left out empties no pool");
}
