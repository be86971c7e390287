"""A stand-in for DocuSign's eSignature REST API v2.1: templates, envelopes and their custom fields, made from
https://developers.docusign.com/docs/esign-rest-api/reference. A transaction id finds its envelope for seven days and keeps
nobody from sending it twice, as DocuSign promises no more. Ids and times are the same in every run.
"""

import json
import re
from base64 import urlsafe_b64decode
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from itertools import count

from stand_in import Refused, StandIn

TOKEN = "stand-in-token"
ACCOUNT = "624e3e00-0000-4000-8000-000000000001"
#: The app that may act for the user, and the public half of its key (`docusign.pem`).
CLAIMS = {"iss": "app-4711", "sub": "user-4711", "aud": "account-d.docusign.com", "scope": "signature impersonation"}
EXPONENT = 65537
MODULUS = int("".join((
    "e1ddde949672b0f8b9a473c27c8c4c5416e4577a94ebc2817ffa9a80056860305f61380d98f868a16b74672929bf44e03986",
    "5aa89acb31215f40e4d93fe594ef2439f50f31a2eacf5c6a63250d56a0a1781d39bf7e9817bce9c59db6360c5087f2bd3b3b",
    "d6369447ee086cf179aa07822785dc0fa15ec46fc77fc6a61a4bee29264005a9bbffa1811ca6aae91ad5823b46c2b2285dc6",
    "e8b5aedb153f8b2682ed8cb99b4e7c245292c0e71032eac1002e9b1dc7b80cbf70d3a74ca7bb42c0351667df80cf13f3f982",
    "56c63d650016c1bbcc9a22a143690f45c5da946dfda1bed289a92716f9bcad5b94366cd99fca9374cd8b303f3bbb9b7ee904",
    "d073b739396d",
)), 16)
#: How the digest of a signature begins (RFC 8017, 9.2, note 1).
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
TRANSACTION_LIFE = timedelta(days=7)
CHANGEABLE = {"created", "sent", "delivered", "correct"}
INCLUDES = {"custom_fields", "documents", "attachments", "extensions", "folders", "recipients", "powerform", "tabs",
            "payment_tabs", "workflow"}
LISTING = {"transaction_ids", "custom_field", "from_date", "order_by", "order", "count", "include"}
ticks, numbers = count(1), count(1)
templates, envelopes = {}, {}


def now():
    return datetime(2026, 11, 2, 10, 0, tzinfo=timezone.utc) + timedelta(seconds=next(ticks))


def shown(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def refused(code, message, status=400):
    return Refused(status, {"errorCode": code, "message": message})


def invalid(message):
    return refused("INVALID_REQUEST_PARAMETER", f"The request contained at least one invalid parameter. {message}")


def guid(number):
    return f"{number:08x}-0000-4000-8000-0000000000d5"


def tab(id, label, value, locked):
    return {"tabId": guid(0x700 + id), "tabLabel": label, "value": value, "locked": locked, "maxLength": "4000",
            "documentId": "1", "recipientId": "1", "required": "true", "tabType": "text"}


def template(number, name):
    signer = {"recipientId": "1", "roleName": "Customer", "name": "", "email": "", "routingOrder": "1",
              "recipientType": "signer", "tabs": {"textTabs": [
                  tab(1, "Liability Cap", "", "true"), tab(2, "Payment Terms", "30 days", "false"),
                  tab(3, "Payment Terms", "30 days", "false")]}}
    copy = {"recipientId": "2", "roleName": "Archive", "name": "Contract Archive", "email": "archive@example.com",
            "routingOrder": "2", "recipientType": "carboncopy"}
    templates[guid(number)] = {
        "templateId": guid(number), "name": name, "shared": "false", "passwordProtected": "false", "description": "",
        "created": "2026-10-01T08:00:00.0000000Z", "lastModified": "2026-10-20T08:00:00.0000000Z",
        "emailSubject": "Please sign", "recipients": {"signers": [signer], "carbonCopies": [copy], "recipientCount": "2"}}


def envelope(id, status, subject, fields, recipients, transaction=None):
    at = now()
    kept = [{"fieldId": str(10_000_000 + next(numbers)), "name": name, "show": show, "required": "false", "value": value,
             "configurationType": ""} for name, show, value in fields]
    envelopes[id] = {
        "envelopeId": id, "status": status, "emailSubject": subject, "createdDateTime": shown(at),
        "statusChangedDateTime": shown(at), "lastModifiedDateTime": shown(at), "purgeState": "unpurged",
        "customFields": {"textCustomFields": kept, "listCustomFields": []}, "recipients": recipients}
    if status != "created":
        envelopes[id]["sentDateTime"] = shown(at)
    if transaction:
        envelopes[id]["transactionId"] = transaction
    return envelopes[id]


template(0xA1, "Master agreement")
SIGNER = {"recipientId": "1", "roleName": "Customer", "name": "Ada Example", "email": "ada@example.com",
          "routingOrder": "1", "status": "sent", "tabs": {"textTabs": [tab(9, "Liability Cap", "12 months", "true")]}}
for number, status in ((0xE1, "created"), (0xE2, "sent"), (0xE3, "completed")):
    fields = [("Liability Cap", "true", "12 months"), ("Contract Number", "true", "")]
    envelope(guid(number), status, f"Agreement {number:x}", fields,
             {"signers": [deepcopy(SIGNER)], "recipientCount": "1"})

stand_in = StandIn(
    lambda: {"templates": templates, "envelopes": envelopes},
    lambda request: (404, {"errorCode": "RESOURCE_NOT_FOUND", "message": "The URL provided does not resolve."}),
)


def is_signed(message, signature):
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2.2)."""
    length = (MODULUS.bit_length() + 7) // 8
    end = SHA256 + sha256(message).digest()
    wanted = b"\x00\x01" + b"\xff" * (length - len(end) - 3) + b"\x00" + end
    return pow(int.from_bytes(signature, "big"), EXPONENT, MODULUS).to_bytes(length, "big") == wanted


@stand_in.route("POST", "/oauth/token")
def token(request):
    """The JWT grant: https://developers.docusign.com/platform/auth/jwt-get-token/."""
    form = dict(request.form())
    if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
        return 400, {"error": "unsupported_grant_type"}
    header, claims, signature = (urlsafe_b64decode(part + "==") for part in form.get("assertion", "").split("."))
    signed = form["assertion"].rpartition(".")[0].encode()
    if json.loads(header).get("alg") != "RS256" or not is_signed(signed, signature):
        return 400, {"error": "invalid_grant", "error_description": "no_valid_keys_or_signatures"}
    said = json.loads(claims)
    if not 0 < said.pop("exp") - said.pop("iat") <= 3600 or said != CLAIMS:
        return 400, {"error": "consent_required"}
    return 200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": CLAIMS["scope"]}


def at(method, pattern):
    """A route that asks for the token, and for JSON where there is a body."""
    def keep(function):
        def guarded(request, account, **ids):
            if request.bearer() != TOKEN:
                raise refused("AUTHORIZATION_INVALID_TOKEN", "The access token provided is expired or invalid.", 401)
            if account != ACCOUNT:
                raise refused("USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT", "The specified User is not a member.", 401)
            trace = {"X-DocuSign-TraceToken": guid(next(numbers))}
            if method == "GET":
                return 200, function(request.query, **ids), trace
            if request.headers.get("Content-Type", "").split(";")[0] != "application/json":
                raise refused("INVALID_CONTENT_TYPE", "The content type is not supported.", 415)
            try:
                body = request.json()
            except json.JSONDecodeError:
                raise refused("INVALID_REQUEST_BODY", "The request body is missing or improperly formatted.") from None
            return (201 if method == "POST" else 200), function(body, **ids), trace
        return stand_in.route(method, "/restapi/v2.1/accounts/{account}" + pattern)(guarded)
    return keep


def found(records, id, code):
    if id.lower() not in records:
        raise refused(code, "It does not exist or you are not allowed to see it.", 404)
    return records[id.lower()]


def only(body, names, where):
    """A strict stand-in: what we would send and DocuSign does not know is a mistake of ours."""
    for name in body if isinstance(body, dict) else {"": body}:
        if name not in names:
            raise refused("INVALID_REQUEST_BODY", f"{where}: unknown member '{name}'.")


def line(text, what, most=100):
    if not isinstance(text, str) or not text or most < len(text):
        raise invalid(f"{what} must have 1 to {most} characters.")
    return text


@at("GET", "/templates")
def list_templates(query):
    only(query, {"count", "start_position"}, "query")
    some = list(templates.values())[: int(query.get("count", 100))]
    brief = [{name: one[name] for name in ("templateId", "name", "shared", "lastModified", "emailSubject")} for one in some]
    return {"envelopeTemplates": brief, "resultSetSize": str(len(brief)), "startPosition": "0",
            "endPosition": str(len(brief) - 1), "totalSetSize": str(len(templates)), "nextUri": "", "previousUri": ""}


@at("GET", "/templates/{id}")
def get_template(query, id):
    one = dict(found(templates, id, "TEMPLATE_ID_INVALID"))
    one["recipients"] = {"signers": [], "recipientCount": one["recipients"]["recipientCount"]}
    return one


@at("GET", "/templates/{id}/recipients")
def recipients_of_template(query, id):
    only(query, {"include_tabs"}, "query")
    recipients = deepcopy(found(templates, id, "TEMPLATE_ID_INVALID")["recipients"])
    if query.get("include_tabs") != "true":
        for signer in recipients["signers"]:
            del signer["tabs"]
    return recipients


def as_asked(one, include):
    """An envelope with what was asked for; nothing of that is told otherwise."""
    wanted = set(include.split(",")) if include else set()
    if not wanted <= INCLUDES:
        raise invalid("Query parameter 'include' is not valid.")
    told = deepcopy(one)
    if "custom_fields" not in wanted:
        del told["customFields"]
    if "recipients" not in wanted:
        del told["recipients"]
    elif "tabs" not in wanted:
        for signer in told["recipients"]["signers"]:
            signer.pop("tabs", None)
    return told


@at("GET", "/envelopes")
def list_envelopes(query):
    only(query, LISTING, "query")
    if "transaction_ids" in query:
        asked, latest = query["transaction_ids"].split(","), now()
        of = [one for one in envelopes.values() if one.get("transactionId") in asked
              and latest - datetime.fromisoformat(one["createdDateTime"][:26] + "+00:00") < TRANSACTION_LIFE]
    else:
        try:
            since = datetime.fromisoformat(query["from_date"].replace("Z", "+00:00"))
        except (KeyError, ValueError):
            raise invalid("Query parameter 'from_date' must be set to a valid DateTime, or 'envelope_ids' or "
                          "'transaction_ids' must be specified.") from None
        of = [one for one in envelopes.values() if shown(since) <= one["statusChangedDateTime"]]
        name, _, value = query.get("custom_field", "").partition("=")
        if name:
            held = lambda one: [(kept["name"], kept["value"]) for kept in one["customFields"]["textCustomFields"]]
            of = [one for one in of if (name, value) in held(one)]
        of = sorted(of, key=lambda one: one["createdDateTime"], reverse=query.get("order", "desc") == "desc")
    page = [as_asked(one, query.get("include")) for one in of[: int(query.get("count", 1000))]]
    sizes = {"resultSetSize": str(len(page)), "totalSetSize": str(len(of)), "nextUri": "", "previousUri": ""}
    ends = {"startPosition": "0", "endPosition": str(len(page) - 1)} if page else {}
    return sizes | ends | ({"envelopes": page} if page else {})


@at("GET", "/envelopes/{id}")
def get_envelope(query, id):
    only(query, {"include"}, "query")
    return as_asked(found(envelopes, id, "ENVELOPE_DOES_NOT_EXIST"), query.get("include"))


@at("POST", "/envelopes")
def create_envelope(body):
    only(body, {"templateId", "templateRoles", "emailSubject", "customFields", "transactionId", "status"}, "body")
    if body.get("templateId", "").lower() not in templates:
        raise refused("TEMPLATE_ID_INVALID", "The template ID provided is invalid.")
    if body.get("status") not in ("created", "sent"):
        raise invalid("The status is not valid.")
    of = templates[body["templateId"].lower()]
    signers = deepcopy(of["recipients"]["signers"])
    for role in body.get("templateRoles", []):
        only(role, {"roleName", "name", "email", "tabs"}, "templateRoles")
        only(role.get("tabs", {}), {"textTabs"}, "tabs")
        for signer in (one for one in signers if one["roleName"] == role.get("roleName")):
            signer |= {"name": line(role.get("name"), "name"), "email": line(role.get("email"), "email")}
            filled = {}
            for given in role.get("tabs", {}).get("textTabs", []):
                only(given, {"tabLabel", "value"}, "textTabs")
                filled[given["tabLabel"]] = line(given["value"], "value", 4000)
            # A label that the template does not have is passed over.
            for kept in signer["tabs"]["textTabs"]:
                kept["value"] = filled.get(kept["tabLabel"], kept["value"])
    if any(not re.fullmatch(r"[^\s@]+@[^\s@]+", signer["email"]) for signer in signers):
        raise refused("INVALID_EMAIL_ADDRESS_FOR_RECIPIENT", "The email address for the recipient is invalid.")
    fields = []
    for given in body.get("customFields", {}).get("textCustomFields", []):
        only(given, {"name", "value", "show", "required"}, "textCustomFields")
        fields.append((line(given.get("name"), "name", 50), given.get("show", "false"), line(given["value"], "value")))
    for signer in signers:
        signer["status"] = body["status"]
    recipients = deepcopy(of["recipients"]) | {"signers": signers}
    made = envelope(guid(0xF000 + len(envelopes)), body["status"], line(body.get("emailSubject"), "emailSubject"),
                    fields, recipients, body.get("transactionId"))
    return {"envelopeId": made["envelopeId"], "status": made["status"], "statusDateTime": made["statusChangedDateTime"],
            "uri": f"/envelopes/{made['envelopeId']}"}


@at("PUT", "/envelopes/{id}/custom_fields")
def update_custom_fields(body, id):
    only(body, {"textCustomFields", "listCustomFields"}, "body")
    one = found(envelopes, id, "ENVELOPE_DOES_NOT_EXIST")
    if one["status"] not in CHANGEABLE:
        raise refused("ENVELOPE_INVALID_STATUS", "Invalid envelope status. It is not one of: Created, Sent, Delivered, "
                      "Correct.")
    held = {kept["fieldId"]: kept for kept in one["customFields"]["textCustomFields"]}
    told = []
    for given in body.get("textCustomFields", []):
        only(given, {"fieldId", "name", "value", "show", "required"}, "textCustomFields")
        if given.get("fieldId") not in held:
            told.append(given | {"errorDetails": {"errorCode": "INVALID_CUSTOM_FIELD_ID", "message": "It is not valid."}})
            continue
        kept = held[given["fieldId"]]
        kept |= {"value": line(given.get("value"), "value"), "show": given.get("show", "false"),
                 "required": given.get("required", "false")}
        told.append(kept)
    one["lastModifiedDateTime"] = shown(now())
    return {"textCustomFields": told}


stand_in.serve()
