"""A stand-in for HubSpot's CRM interface, version 3: deals, their notes, and a search of deals.

Made from https://developers.hubspot.com/docs: `crm-deals-v3`, `crm-notes-v3/guide`, `search/guide` (its limits) and
`error-handling` of `api-reference`, and the changelog. It knows no idempotency key and no condition: whatever is sent
twice is done twice.
"""

import operator
import re
from datetime import datetime, timedelta, timezone

from stand_in import Refused, StandIn

TOKEN = "pat-eu1-canary-4711"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
#: Its clock: a second passes with each write.
BEGINNING = datetime(2025, 3, 3, 9, 0, tzinfo=timezone.utc)
#: Properties of deals that can be written, with their types; `hs_` ones are HubSpot's own.
TYPES = dict.fromkeys(("dealname", "dealstage", "hubspot_owner_id", "deal_currency_code"), "string")
TYPES |= dict.fromkeys(("amount", "discount_percent"), "number")
#: Deals that were imported at one moment: more than a page of a search holds.
IMPORTED = 450

writes = 0
deals, notes, associations = {}, {}, {}


def refuse(status, category, message, **more):
    body = {"status": "error", "message": message, "correlationId": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"}
    raise Refused(status, body | {"category": category} | more)


def invalid(message, code, name):
    errors = [{"message": message, "code": code, "context": {"propertyName": [name]}}]
    refuse(400, "VALIDATION_ERROR", f"Property values were not valid: {message}", errors=errors)


def unknown(request):
    refuse(404, "OBJECT_NOT_FOUND", "resource not found")


stand_in = StandIn(lambda: {"deals": deals, "notes": notes, "associations": associations}, unknown)


def text(moment):
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tick():
    global writes
    writes += 1
    return text(BEGINNING + timedelta(seconds=writes))


def deal(id, moment, **properties):
    deals[id] = properties | {"createdate": moment, "hs_lastmodifieddate": moment, "hs_object_id": id}


def shown(held, names):
    """A record with the properties that were asked for; those that do not exist are left out."""
    always = ("createdate", "hs_createdate", "hs_lastmodifieddate", "hs_object_id")
    wanted = {name for name in [*always, *names] if name in TYPES or name in held}
    return {
        "id": held["hs_object_id"],
        "properties": {name: held.get(name) for name in sorted(wanted)},
        "createdAt": held["createdate"],
        "updatedAt": held["hs_lastmodifieddate"],
        "archived": False,
    }


def records(type):
    return {"deals": deals, "notes": notes}.get(type, {})


def paging(end, count):
    return {"paging": {"next": {"after": str(end)}}} if end < count else {}


def authorized(request):
    if request.bearer() != TOKEN:
        refuse(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
    if request.method != "GET" and request.headers.get("Content-Type") != "application/json":
        refuse(415, "INVALID_CONTENT_TYPE", "a request's body must be JSON")


def json(request, *members):
    """The body, which has no other members."""
    authorized(request)
    try:
        body = request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or body.keys() - members:
        refuse(400, "VALIDATION_ERROR", "Invalid input JSON")
    return body


def checked(properties):
    for name, value in properties.items():
        if name.startswith("hs_"):
            invalid(f'"{name}" is a read only property', "READ_ONLY_VALUE", name)
        if name not in TYPES:
            invalid(f'Property "{name}" does not exist', "PROPERTY_DOESNT_EXIST", name)
        if not isinstance(value, str):
            refuse(400, "VALIDATION_ERROR", "Invalid input JSON: properties are text")
        if TYPES[name] == "number" and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?|", value):
            invalid(f"{value} was not a valid number.", "INVALID_INTEGER", name)
    return properties


@stand_in.route("GET", "/crm/v3/properties/deals/{name}")
def get_property(request, name):
    authorized(request)
    return 200, {"name": name, "type": TYPES.get(name) or unknown(request)}


@stand_in.route("GET", "/crm/v3/objects/{type}")
def list_some(request, type):
    authorized(request)
    limit = int(request.query.get("limit", "10"))
    return 200, {"results": [shown(one, []) for one in list(records(type).values())[:limit]]}


@stand_in.route("GET", "/crm/v3/objects/{type}/{id}")
def get_one(request, type, id):
    authorized(request)
    found = records(type).get(id) or unknown(request)
    return 200, shown(found, request.query.get("properties", "").split(","))


@stand_in.route("PATCH", "/crm/v3/objects/deals/{id}")
def update(request, id):
    properties = checked(json(request, "properties").get("properties") or {})
    if id not in deals:
        unknown(request)
    deals[id].update(properties, hs_lastmodifieddate=tick())
    return 200, shown(deals[id], properties)


@stand_in.route("POST", "/crm/v3/objects/notes")
def create_note(request):
    asked = json(request, "properties", "associations")
    properties = asked.get("properties") or {}
    if not re.fullmatch(r"[0-9]{1,15}", properties.get("hs_timestamp") or ""):
        invalid("hs_timestamp is required", "REQUIRED_FIELD", "hs_timestamp")
    if len(properties.get("hs_note_body") or "") > 65_536 or properties.keys() - {"hs_note_body", "hs_timestamp"}:
        invalid("it is too long, or has another property", "INVALID_NOTE", "hs_note_body")
    about = []
    for one in asked.get("associations") or []:
        if one["types"] != [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 214}]:
            refuse(400, "VALIDATION_ERROR", "a note is associated with a deal by the type 214")
        if one["to"]["id"] not in deals:
            unknown(request)
        about.append(one["to"]["id"])
    moment, id = tick(), str(7_000 + len(notes))
    said = EPOCH + timedelta(milliseconds=int(properties["hs_timestamp"]))
    notes[id] = properties | {"hs_timestamp": text(said), "hs_object_id": id}
    notes[id] |= {"createdate": moment, "hs_createdate": moment, "hs_lastmodifieddate": moment}
    for of in about:
        associations.setdefault(of, []).append(id)
        # A deal counts its notes, and so changes with each.
        deals[of]["hs_lastmodifieddate"] = moment
    return 201, shown(notes[id], properties)


@stand_in.route("POST", "/crm/v3/objects/notes/batch/read")
def read_notes(request):
    asked = json(request, "inputs", "properties", "propertiesWithHistory")
    ids = [one["id"] for one in asked["inputs"]]
    if len(ids) > 100:
        refuse(400, "VALIDATION_ERROR", "at most 100 records are read at once")
    found = [shown(notes[id], asked["properties"]) for id in ids if id in notes]
    gone = [id for id in ids if id not in notes]
    more = {"numErrors": 1, "errors": [{"category": "OBJECT_NOT_FOUND", "context": {"ids": gone}}]} if gone else {}
    return (207 if gone else 200), {"status": "COMPLETE", "results": found} | more


@stand_in.route("GET", "/crm/v4/objects/deals/{id}/associations/notes")
def associated(request, id):
    authorized(request)
    start, limit = int(request.query.get("after", "0")), int(request.query.get("limit", "500"))
    if limit > 500:
        refuse(400, "VALIDATION_ERROR", "at most 500 associations are given at once")
    kind = {"category": "HUBSPOT_DEFINED", "typeId": 213, "label": None}
    all = associations.get(id, [])
    page = [{"toObjectId": int(to), "associationTypes": [kind]} for to in all[start : start + limit]]
    return 200, {"results": page} | paging(start + limit, len(all))


@stand_in.route("POST", "/crm/v3/objects/deals/search")
def search(request):
    asked = json(request, "filterGroups", "sorts", "properties", "limit", "after", "query")
    groups, sorts = asked.get("filterGroups") or [], asked.get("sorts") or []
    start, limit = int(asked.get("after") or 0), asked.get("limit", 10)
    if limit > 200 or len(groups) > 5 or any(len(group["filters"]) > 6 for group in groups) or len(sorts) > 1:
        refuse(400, "VALIDATION_ERROR", "There was a problem with the request.")
    if start + limit > 10_000:
        refuse(400, "VALIDATION_ERROR", "The requested offset is beyond the first 10,000 results.")
    matches = {"GT": operator.gt, "GTE": operator.ge, "LT": operator.lt, "LTE": operator.le}

    def meets(held, of):
        return matches[of["operator"]](number(held, of["propertyName"]), int(of["value"]))

    found = [one for one in deals.values() if any(all(meets(one, of) for of in group["filters"]) for group in groups)]
    # Nothing is said of the order of those that are equal: it is some order.
    found.sort(key=lambda held: held["hs_object_id"][::-1])
    for of in sorts:
        found.sort(key=lambda held: number(held, of["propertyName"]), reverse=of["direction"] == "DESCENDING")
    page = [shown(one, asked.get("properties") or []) for one in found[start : start + limit]]
    return 200, {"total": len(found), "results": page} | paging(start + limit, len(found))


def number(held, name):
    """What a search compares: a moment counts in milliseconds."""
    if name == "hs_object_id":
        return int(held[name])
    if name != "hs_lastmodifieddate":
        refuse(400, "VALIDATION_ERROR", "There was a problem with the request.")
    return (datetime.fromisoformat(held[name].replace("Z", "+00:00")) - EPOCH) // timedelta(milliseconds=1)


for place in range(3):
    moment = text(datetime(2025, 1, 6, 8, place, tzinfo=timezone.utc))
    about = {"dealstage": "contractsent", "hubspot_owner_id": "29584574", "deal_currency_code": "USD"}
    deal(str(9_001 + place), moment, dealname=f"Globex {place + 1}", amount="100000", discount_percent="0", **about)
for place in range(IMPORTED):
    deal(str(100_000 + place), "2025-02-03T04:05:06.789Z", dealname=f"Imported {place}", dealstage="closedwon")

stand_in.serve()
