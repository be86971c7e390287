"""A stand-in for Resend's interface: letters are sent and read.

Made from https://resend.com/docs: `api-reference/emails/send-email`, `retrieve-email`, `errors` and
`dashboard/emails/idempotency-keys`. A key is remembered with its body and its answer: the same again is answered the
same and sends nothing, another body is refused.
"""

import re

from stand_in import Refused, StandIn

KEY = "re_canary_4711"
#: A key that may only send.
SENDING_KEY = "re_canary_sending_4711"
#: A key of somebody who asks too often.
BUSY_KEY = "re_canary_busy_4711"
#: Domains that are verified.
DOMAINS = ("example.com",)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ADDRESS = re.compile(r"(?:[^<>\r\n]+ <)?[!-;=?A-~]+@([!-;=?A-~]+\.[a-z]+)>?")
MEMBERS = {"from", "to", "cc", "bcc", "reply_to", "subject", "text", "html", "headers", "tags", "attachments"}
#: A text that is answered with 500 although the letter was sent.
BREAKS_AFTER = "the answer to this one breaks"

letters, keys, tags = {}, {}, {}


def refuse(status, name, message):
    raise Refused(status, {"statusCode": status, "message": message, "name": name})


def unknown(request):
    refuse(404, "not_found", "The requested endpoint does not exist")


stand_in = StandIn(lambda: {"letters": letters, "keys": keys, "tags": tags}, unknown)


def authorized(request, sends):
    key = request.bearer()
    if key is None:
        refuse(401, "missing_api_key", "Missing API Key")
    if key == BUSY_KEY:
        message = "Too many requests. Please limit the number of requests per second."
        raise Refused(429, {"statusCode": 429, "message": message, "name": "rate_limit_exceeded"}, {"retry-after": "7"})
    if key not in (KEY, SENDING_KEY):
        refuse(401 if sends else 400, "validation_error", "API key is invalid")
    if key == SENDING_KEY and not sends:
        refuse(401, "restricted_api_key", "This API key is restricted to only send emails")


def domain(name, said):
    """The domain of an address."""
    match = ADDRESS.fullmatch(said) if isinstance(said, str) else None
    if match is None:
        refuse(422, "validation_error", f"Invalid `{name}` field.")
    return match[1]


def listed(name, said):
    """A list of addresses, as they are held; one may be given by itself."""
    held = [said] if isinstance(said, str) else said
    if not isinstance(held, list) or not 1 <= len(held) <= 50:
        refuse(422, "validation_error", f"Invalid `{name}` field.")
    for one in held:
        domain(name, one)
    return held


def body(request):
    if request.headers.get("Content-Type") != "application/json":
        refuse(400, "validation_error", "The request body must be JSON")
    try:
        asked = request.json()
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or asked.keys() - MEMBERS:
        refuse(400, "validation_error", "The request body is no letter")
    for name in ("from", "to", "subject"):
        if not asked.get(name):
            refuse(422, "missing_required_field", f"Missing `{name}` field.")
    if not asked.get("text") and not asked.get("html"):
        refuse(422, "missing_required_field", "Missing `html` or `text` field.")
    if re.search(r"[\r\n]", asked["subject"]):
        refuse(422, "validation_error", "The `\\n` is not allowed in the `subject` field.")
    for tag in asked.get("tags", []):
        if tag.keys() != {"name", "value"} or not all(re.fullmatch(r"[\w-]{1,256}", of, re.A) for of in tag.values()):
            refuse(422, "validation_error", "Tags should only contain ASCII letters, numbers, underscores, or dashes.")
    return asked


@stand_in.route("POST", "/emails")
def send(request):
    authorized(request, sends=True)
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= 256:
        refuse(400, "invalid_idempotency_key", "Idempotency keys, if present, must have between 1 and 256 characters")
    if key in keys:
        if keys[key]["body"] != request.body.decode():
            refuse(409, "invalid_idempotent_request", "This idempotency key has been used with another body")
        return 200, {"id": keys[key]["id"]}
    asked = body(request)
    if domain("from", asked["from"]) not in DOMAINS:
        refuse(403, "validation_error", "The domain is not verified. Please, add and verify your domain")
    held = {name: listed(name, asked[name]) if name in asked else None for name in ("to", "cc", "bcc", "reply_to")}
    id = f"4ef9a417-02e9-4d39-ad75-{len(letters) + 1:012x}"
    said = {name: asked.get(name) for name in ("from", "subject", "text", "html")}
    letters[id] = {"object": "email", "id": id} | held | said
    letters[id] |= {"created_at": "2025-03-03 09:00:00.000000+00", "last_event": "delivered", "scheduled_at": None}
    letters[id]["tags"] = asked.get("tags", [])
    tags[id] = {tag["name"]: tag["value"] for tag in asked.get("tags", [])}
    if key is not None:
        keys[key] = {"id": id, "body": request.body.decode()}
    if asked.get("text") == BREAKS_AFTER:
        refuse(500, "internal_server_error", "An unexpected error occurred")
    return 200, {"id": id}


@stand_in.route("GET", "/emails/{id}")
def retrieve(request, id):
    authorized(request, sends=False)
    if not UUID.fullmatch(id):
        refuse(422, "validation_error", "The `id` must be a valid UUID")
    if id not in letters:
        refuse(404, "not_found", "Email not found")
    return 200, letters[id]


stand_in.serve()
