"""What schemathesis is told of our API: who calls, what is there, and two media types that it cannot write or read.

ANY_CALLER names a file of JSON: {"tokens": [...], "values": {"FIRST PART/PARAMETER of a path": [...]},
"matches": {"id": "what If-Match says of it"}, "bodies": {"METHOD PATH": [...]}}.
"""

import json
import os
import random
import urllib.parse
import uuid

import schemathesis

with open(os.environ["ANY_CALLER"], encoding="utf-8") as file:
    KNOWN = json.load(file)

# Of so many cases one keeps the words that were made up for it.
KEEPS_EVERY = 4


def is_header(value):
    """Whether HTTP can carry it: anything else is refused before it reaches the host's own code."""
    return all(" " <= letter <= "~" for letter in value)


@schemathesis.hook
def before_call(context, case, kwargs):
    chance = random.Random(f"{case.method} {case.path} {case.path_parameters} {case.query} {case.body}")
    headers = {name: value for name, value in (case.headers or {}).items() if is_header(str(value))}
    headers["Authorization"] = f"Bearer {chance.choice(KNOWN['tokens'])}"
    asked = {parameter.name for parameter in case.operation.headers}
    if "Idempotency-Key" in asked and chance.randrange(KEEPS_EVERY):
        headers["Idempotency-Key"] = str(uuid.UUID(int=chance.getrandbits(128)))
    case.headers = headers
    bodies = KNOWN["bodies"].get(f"{case.method} {case.path}")
    if bodies and chance.randrange(KEEPS_EVERY):
        case.body = chance.choice(bodies)
    for name in list(case.path_parameters or {}):
        values = KNOWN["values"].get(f"{case.path.split('/')[2]}/{name}") or KNOWN["values"].get(name)
        if values and chance.randrange(KEEPS_EVERY):
            case.path_parameters[name] = urllib.parse.quote(chance.choice(values), safe="")
    match = KNOWN["matches"].get((case.path_parameters or {}).get("id"))
    if "If-Match" in asked and match and chance.randrange(KEEPS_EVERY):
        headers["If-Match"] = match


@schemathesis.serializer("application/wasm")
def component(context, value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.deserializer("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/wasm")
def workbook(context, response):
    return response.content.decode("latin-1")
