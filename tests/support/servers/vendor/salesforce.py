"""A stand-in for Salesforce's REST API, made from what its developer guides say of sObject Rows, Rows by External ID,
Describe, Query and QueryAll, conditional request headers, status codes, and the client credentials flow.

An organization with one currency, some custom fields and one custom object. Numbers leave as Java writes doubles, as
Salesforce's do: 12500000 is 1.25E7. The clock moves a minute with each write.
"""

import json
import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from stand_in import Refused, StandIn

DATA = "/services/data/v67.0"
CLIENT, SECRET = "3MVG9stand-in", "consumer-secret-4711"
TOKEN = "00D5g00000StandIn!AQ4711"
SYSTEM = {"Id", "SystemModstamp", "HasOpportunityLineItem"}
APPROVAL = "Countersign_Approval__c"
OBJECTS = {
    "Account": {"Name": "text", "AccountNumber": "text", "OwnerId": "text", "Type": "text",
                "Billing_Account__c": "text"},
    "Opportunity": {"Name": "text", "Amount": "currency", "Discount_Percent__c": "percent", "StageName": "text",
                    "AccountId": "Account", "OwnerId": "text"},
    APPROVAL: {"Effect_Id__c": "text", "Opportunity__c": "Opportunity", "Intent_Id__c": "text", "Decision__c": "text",
               "Approvers__c": "text", "Policy_Version__c": "text", "Seal__c": "text"},
}
PREFIXES = {"Account": "001", "Opportunity": "006", APPROVAL: "a0X"}
UNIQUE = {(APPROVAL, "Effect_Id__c")}
TEXT_MAX = 255
GONE = 404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]

now = datetime(2026, 11, 2, 9)
records = {name: {} for name in OBJECTS}


def error(status, code, message, *fields):
    return Refused(status, [{"message": message, "errorCode": code, "fields": list(fields)}])


def make(name, values):
    record_id = f"{PREFIXES[name]}5g00000A{len(records[name]) + 1:04d}EAA"
    system = {"Id": record_id, "SystemModstamp": now, "HasOpportunityLineItem": False}
    records[name][record_id] = dict.fromkeys(OBJECTS[name]) | system | values
    return records[name][record_id]


def number(value):
    digits, exponent = f"{value.normalize():E}".split("E")
    is_plain = value == 0 or -3 <= int(exponent) < 7
    digits = f"{value.normalize():f}" if is_plain else digits
    return (digits if "." in digits else digits + ".0") + ("" if is_plain else f"E{int(exponent)}")


def shown(value):
    """A number between marks, which `rendered` takes away: the standard library writes none as Java does."""
    if isinstance(value, Decimal):
        return f"<number {number(value)}>"
    return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000") if isinstance(value, datetime) else value


def rendered(body):
    text = re.sub(r'"<number ([^>"]+)>"', r"\1", json.dumps(body))
    return 200, text, {"Content-Type": "application/json;charset=UTF-8"}


def row(name, record, fields):
    for field in fields:
        if field not in record:
            raise error(400, "INVALID_FIELD", f"No such column '{field}' on entity '{name}'.")
    url = f"{DATA}/sobjects/{name}/{record['Id']}"
    return {"attributes": {"type": name, "url": url}} | {field: shown(record[field]) for field in fields}


def records_of(request, name):
    if request.bearer() != TOKEN:
        raise error(401, "INVALID_SESSION_ID", "Session expired or invalid")
    if name not in OBJECTS:
        raise Refused(*GONE)
    return records[name]


def record_of(request, name, record_id):
    record = records_of(request, name).get(record_id)
    if record is None:
        raise Refused(*GONE)
    return record


def value_of(field, kind, value):
    if value is None or value == "":
        return None
    if kind in ("currency", "percent"):
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise error(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {kind} from value {value}")
        if abs(value) >= 10 ** (16 if kind == "currency" else 3):
            raise error(400, "NUMBER_OUTSIDE_VALID_RANGE", f"{field}: value outside of valid range", field)
        return Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP)
    if not isinstance(value, str):
        raise error(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of string from value {value}")
    if kind in OBJECTS and value not in records[kind]:
        raise error(400, "MALFORMED_ID", f"{field}: id value of incorrect type: {value}", field)
    if len(value) > TEXT_MAX:
        raise error(400, "STRING_TOO_LONG", f"{field}: data value too large (max length={TEXT_MAX})", field)
    return value.strip() or None


def values_of(request, name):
    if (request.headers.get("Content-Type") or "").partition(";")[0] != "application/json":
        raise error(415, "UNSUPPORTED_MEDIA_TYPE", "Content type not supported")
    try:
        body = dict(json.loads(request.body, parse_float=Decimal))
    except (TypeError, ValueError) as why:
        raise error(400, "JSON_PARSER_ERROR", str(why)) from why
    for field in body:
        if field in SYSTEM:
            message = f"Unable to create/update fields: {field}"
            raise error(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, field)
        if field not in OBJECTS[name]:
            raise error(400, "INVALID_FIELD", f"No such column '{field}' on sobject of type {name}", field)
    return {field: value_of(field, OBJECTS[name][field], value) for field, value in body.items()}


def change(record, values):
    global now
    if record["HasOpportunityLineItem"]:
        values.pop("Amount", None)
    now += timedelta(minutes=1)
    record |= values | {"SystemModstamp": now}


def state():
    plain = {name: [{field: shown(value) for field, value in record.items()} for record in held.values()]
             for name, held in records.items()}
    return json.loads(rendered(plain)[1])


stand_in = StandIn(state, lambda request: GONE)


@stand_in.route("POST", "/services/oauth2/token")
def token(request):
    form = dict(request.form())
    if form.get("grant_type") != "client_credentials":
        return 400, {"error": "unsupported_grant_type", "error_description": "grant type not supported"}
    if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
        return 400, {"error": "invalid_client", "error_description": "invalid client credentials"}
    return 200, {"access_token": TOKEN, "token_type": "Bearer", "scope": "api", "issued_at": "1793610000000",
                 "instance_url": "https://stand-in.my.salesforce.com", "signature": "c3RhbmQtaW4="}


@stand_in.route("GET", DATA + "/sobjects/{name}/describe")
def describe(request, name):
    records_of(request, name)
    unique = [(name, field) in UNIQUE for field in OBJECTS[name]]
    fields = [{"name": field, "createable": True, "externalId": is_one, "unique": is_one}
              for field, is_one in zip(OBJECTS[name], unique)]
    return 200, {"name": name, "fields": fields}


@stand_in.route("GET", DATA + "/sobjects/{name}/{record_id}")
def read(request, name, record_id):
    return rendered(row(name, record_of(request, name, record_id), request.query["fields"].split(",")))


@stand_in.route("PATCH", DATA + "/sobjects/{name}/{record_id}")
def update(request, name, record_id):
    record = record_of(request, name, record_id)
    since = request.headers.get("If-Unmodified-Since")
    try:
        moment = datetime.max if since is None else datetime.strptime(since, "%a, %d %b %Y %H:%M:%S GMT")
    except ValueError as why:
        raise error(400, "INVALID_HEADER", str(why)) from why
    if moment < record["SystemModstamp"]:
        raise Refused(412, None)
    change(record, values_of(request, name))
    return 204, None


@stand_in.route("PATCH", DATA + "/sobjects/{name}/{field}/{value}")
def upsert(request, name, field, value):
    held = records_of(request, name)
    if (name, field) not in UNIQUE:
        raise error(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {field}")
    values = values_of(request, name)
    if field in values:
        raise error(400, "INVALID_FIELD", f"The {field} field should not be specified in the sobject data.", field)
    found = [record for record in held.values() if record[field].lower() == value.lower()]
    record = found[0] if found else make(name, {field: value})
    change(record, values)
    return 200 if found else 201, {"id": record["Id"], "success": True, "errors": [], "created": not found}


@stand_in.route("GET", DATA + "/query")
@stand_in.route("GET", DATA + "/queryAll")
def query(request):
    shape = r"SELECT ([\w, ]+) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY SystemModstamp, Id)? LIMIT (\d+)"
    asked = re.fullmatch(shape, request.query.get("q", ""))
    where = asked and asked[3] or ""
    same = re.fullmatch(r"(\w+) = '([^'\\]*)'", where)
    place = re.fullmatch(r"SystemModstamp >= (\S+) AND \(SystemModstamp > \1 OR Id > '(\w+)'\)", where)
    found = list(records_of(request, asked[2] if asked else "Account").values())
    if asked is None or (where and not same and not place):
        raise error(400, "MALFORMED_QUERY", "unexpected token")
    if same:
        found = [record for record in found if (record[same[1]] or "").lower() == same[2].lower()]
    if place:
        after = datetime.strptime(place[1], "%Y-%m-%dT%H:%M:%SZ"), place[2]
        found = [record for record in found if (record["SystemModstamp"], record["Id"]) > after]
    found.sort(key=lambda record: (record["SystemModstamp"], record["Id"]))
    rows = [row(asked[2], record, asked[1].split(", ")) for record in found[: int(asked[4])]]
    return rendered({"totalSize": len(rows), "done": True, "records": rows})


OWNER = "0055g00000A0001EAA"
ACME = make("Account", {"Name": "Acme", "AccountNumber": "CD-451796", "OwnerId": OWNER, "Type": "mid",
                        "Billing_Account__c": "cus_1"})["Id"]
BEGINNING = [("Erika Musterfrau", 100000, False), ("Erika Musterfrau", 12500000, False), ("Shop", 800, True)]
for title, amount, has_products in BEGINNING:
    make("Opportunity", {"Name": title, "Amount": Decimal(amount), "StageName": "Negotiation", "AccountId": ACME,
                         "OwnerId": OWNER, "HasOpportunityLineItem": has_products})

stand_in.serve()
