//! What this door can do and which attributes it keeps (RFC 7644, 4).

use super::shown::{answer, listed};
use super::{ENTERPRISE, GROUP, PERSON, USER};
use crate::asked::Place;
use crate::limits::SCIM_PAGE_ROWS_MAX;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

/// Prefix of the schemas of these descriptions.
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0";

/// What this door can do.
pub(crate) async fn config(State(host): State<Host>) -> Response {
    let base = host.provisioning.base();
    let no = json!({ "supported": false });
    answer(
        StatusCode::OK,
        &json!({
            "schemas": [format!("{CORE}:ServiceProviderConfig")],
            "patch": { "supported": true },
            "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
            "filter": { "supported": true, "maxResults": SCIM_PAGE_ROWS_MAX },
            "changePassword": no,
            "sort": no,
            "etag": no,
            "authenticationSchemes": [{
                "type": "oauthbearertoken",
                "name": "bearer token",
                "description": "a token of this host with the scope `provision`",
                "primary": true,
            }],
            "meta": {
                "resourceType": "ServiceProviderConfig",
                "location": format!("{base}/ServiceProviderConfig"),
            },
        }),
    )
}

fn kinds(base: &str) -> Vec<Value> {
    let kind = |name: &str, schema: &str, extensions: &[&str]| {
        let extensions: Vec<Value> =
            extensions.iter().map(|urn| json!({ "schema": urn, "required": false })).collect();
        json!({
            "schemas": [format!("{CORE}:ResourceType")],
            "id": name,
            "name": name,
            "endpoint": format!("/{name}s"),
            "schema": schema,
            "schemaExtensions": extensions,
            "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}") },
        })
    };
    vec![kind("User", USER, &[ENTERPRISE, PERSON]), kind("Group", GROUP, &[])]
}

/// One attribute of a schema.
struct Attribute {
    name: &'static str,
    kind: &'static str,
    mutability: &'static str,
    required: bool,
    exact: bool,
    unique: bool,
    meaning: &'static str,
}

impl Attribute {
    const fn text(name: &'static str, meaning: &'static str) -> Attribute {
        let (kind, mutability) = ("string", "readWrite");
        Attribute { name, kind, mutability, required: false, exact: true, unique: false, meaning }
    }

    fn shown(&self) -> Value {
        json!({
            "name": self.name,
            "type": self.kind,
            "multiValued": false,
            "description": self.meaning,
            "required": self.required,
            "caseExact": self.exact,
            "mutability": self.mutability,
            "returned": "default",
            "uniqueness": if self.unique { "server" } else { "none" },
        })
    }

    /// The same with parts.
    fn of(&self, parts: &[Value]) -> Value {
        let mut shown = self.shown();
        shown["type"] = json!("complex");
        shown["subAttributes"] = json!(parts);
        shown
    }
}

fn described(base: &str) -> Vec<Value> {
    let schema = |urn: &str, name: &str, attributes: &[Value]| {
        json!({
            "schemas": [format!("{CORE}:Schema")],
            "id": urn,
            "name": name,
            "description": format!("what is kept of a {}", name.to_lowercase()),
            "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{urn}") },
        })
    };
    let text = Attribute::text;
    let name = Attribute {
        required: true,
        exact: false,
        unique: true,
        ..text("userName", "the name of the account")
    };
    let active = Attribute { kind: "boolean", ..text("active", "whether the person is in the house") };
    let display =
        Attribute { required: true, unique: true, ..text("displayName", "a pool of that name is meant") };
    let fixed = |name, meaning| Attribute { mutability: "immutable", ..text(name, meaning) };
    let reference = json!({ "referenceTypes": ["User"] });
    let mut address = Attribute { kind: "reference", ..fixed("$ref", "where the user is") }.shown();
    address["referenceTypes"] = reference["referenceTypes"].clone();
    let mut kind = fixed("type", "what a member is").shown();
    kind["canonicalValues"] = json!(["User"]);
    let member = [fixed("value", "the id of a user").shown(), address, kind];
    let mut members = text("members", "who is in it").of(&member);
    members["multiValued"] = json!(true);
    let manager = text("manager", "whom they report to, if `people.md` does not have them");
    let manager = manager.of(&[text("value", "the id of the manager").shown()]);
    let person = Attribute {
        unique: true,
        ..fixed("person", "the id of the person, if `userName` does not begin with it")
    };
    vec![
        schema(USER, "User", &[name.shown(), active.shown()]),
        schema(GROUP, "Group", &[display.shown(), members]),
        schema(ENTERPRISE, "EnterpriseUser", &[manager]),
        schema(PERSON, "Person", &[person.shown()]),
    ]
}

fn one(all: Vec<Value>, what: &str, id: &str) -> Result<Response, Problem> {
    let found = all.into_iter().find(|one| one["id"].as_str() == Some(id));
    let found = found.ok_or_else(|| Problem::unknown(what, &id.chars().take(60).collect::<String>()))?;
    Ok(answer(StatusCode::OK, &found))
}

fn all(all: Vec<Value>) -> Response {
    let found = all.len();
    answer(StatusCode::OK, &listed(all, found))
}

/// The kinds of resources.
pub(crate) async fn resource_types(State(host): State<Host>) -> Response {
    all(kinds(&host.provisioning.base()))
}

/// One of them.
pub(crate) async fn resource_type(
    State(host): State<Host>,
    Place(id): Place<String>,
) -> Result<Response, Problem> {
    one(kinds(&host.provisioning.base()), "resource type", &id)
}

/// The schemas.
pub(crate) async fn schemas(State(host): State<Host>) -> Response {
    all(described(&host.provisioning.base()))
}

/// One of them.
pub(crate) async fn schema(State(host): State<Host>, Place(id): Place<String>) -> Result<Response, Problem> {
    one(described(&host.provisioning.base()), "schema", &id)
}
