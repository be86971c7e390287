"""Letters: what one says, how it is sent, and what became of it. The operation `send-letter`.

Whatever a recipient sees stands in the plan: the mailbox, which is its subject, and its fields. Nobody's word becomes a
header of its own: what breaks lines is refused, and an address that mail programs could read in two ways too.
Source: https://resend.com/docs/api-reference/emails/send-email.
"""

import re
from typing import Any

from api import ok, word
from countersign_sdk import (
    ABSENT,
    Change,
    Context,
    Effect,
    Field,
    Proposal,
    Receipt,
    RecordRef,
    Snapshot,
    WritePlan,
    not_found,
    optional_text_of,
    path,
    rejected,
    text,
    text_of,
)

KIND = "letter"
#: Where letters come from: the parent of each.
MAILBOX = "mailbox"
#: What a letter says, in this order; what must be there, and what is addresses.
FIELDS = ("to", "cc", "reply_to", "subject", "text")
REQUIRED = ("to", "subject", "text")
ADDRESSES = ("to", "cc", "reply_to")

#: Most recipients of one letter. Resend says it of `to`; that copies count too is our own rule.
RECIPIENTS_MAX = 50
#: Longest subject: a line of a letter (RFC 5322, 2.1.1).
SUBJECT_CHARACTERS_MAX = 998
TEXT_BYTES_MAX = 100_000
#: Longest address (RFC 5321, 4.5.3.1.3, without its brackets).
ADDRESS_CHARACTERS_MAX = 254

#: What would end a line, is nothing that people can read, or turns the order of what they read round.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
#: The same where there are lines.
CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
#: What begins a word in another spelling (RFC 2047): a mail program would show something else than what was approved.
ENCODED_WORD = "=?"
#: `deals@example.com`, in ASCII: letters of other alphabets may look like these.
ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
#: The name before an address in brackets. Signs that have a meaning in a header are none of a name.
NAME = re.compile(r"""[^\s<>()\[\]\\,;:@"](?:[^<>()\[\]\\,;:@"]{0,98}[^\s<>()\[\]\\,;:@"])?""")
NAMED = re.compile(r"(?P<name>[^<>]+) <(?P<address>[^<>]+)>")
#: What Resend calls a letter.
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: A letter that nobody has sent.
NOBODYS = "00000000-0000-0000-0000-000000000000"
#: The tag that names the effect, for people who look for it at Resend. No recipient sees it.
TAG = "countersign_effect"

INPUT = {
    "type": "object",
    "required": list(REQUIRED),
    "properties": {
        "to": {"title": "Who gets it, addresses separated by commas"},
        "cc": {"title": "Who gets a copy that everybody sees"},
        "reply_to": {"title": "Who gets the answers, if not the mailbox"},
        "subject": {"title": "Its subject"},
        "text": {"title": "What it says, as plain text"},
    },
    "additionalProperties": False,
}


def check(context: Context) -> None:
    """Whether the key is one: it is asked for a letter that is nobody's, so nothing is read."""
    answer = context.get("api", path("emails", NOBODYS)).read()
    # A key that may only send says so, and that is all that sending needs.
    if (answer.status, word(answer)) not in ((404, "not_found"), (401, "restricted_api_key")):
        ok(answer)


def fetch(context: Context, id: str) -> Snapshot:
    if not ID.fullmatch(id):
        raise not_found(KIND, id)

    def shown(body: Any) -> Snapshot:
        if body["id"] != id:
            raise ValueError("it is another letter than the one that was asked for")
        said = {name: line(body.get(name)) for name in FIELDS}
        said["last_event"] = body["last_event"]
        return Snapshot(RecordRef(KIND, id), None, None, [Field(name, text(value)) for name, value in said.items()])

    return ok(context.get("api", path("emails", id)).read()).json(shown)


def plan(what: Proposal) -> WritePlan:
    asked = letter(what)
    said = {name: optional_text_of(what, name) for name in FIELDS}
    # As Resend gives them back, so that what was sealed is what is read.
    said |= {name: ", ".join(addresses(name, said[name])) for name in ADDRESSES if said[name] is not None}
    changes = [Change(name, ABSENT, text(value)) for name, value in said.items() if value is not None]
    count = len(asked["to"]) + len(asked.get("cc", ()))
    remark = f"the letter goes to {count} {'address' if count == 1 else 'addresses'}, and nobody can take it back"
    return WritePlan(what.subject, None, changes, [remark])


def apply(context: Context, effect: Effect) -> Receipt:
    planned = [Field(change.name, change.after) for change in effect.plan.changes]
    asked = letter(Proposal(effect.what.operation, effect.plan.subject, planned))
    asked["tags"] = [{"name": TAG, "value": effect.effect_id}]
    answer = ok(context.post("api", "/emails").json(asked).step("send-letter"))

    def sent(body: Any) -> Receipt:
        id = body["id"]
        if not ID.fullmatch(id):
            raise ValueError("it does not name the letter")
        return Receipt(RecordRef(KIND, id), None, None, answer.request_id, planned, [("letter_id", id)])

    return answer.json(sent)


def letter(what: Proposal) -> dict[str, Any]:
    """What Resend is asked to send, or what is wrong with it."""
    asked: dict[str, Any] = {"from": mailbox(what.subject.id)}
    for name in ADDRESSES:
        said = text_of(what, name) if name in REQUIRED else optional_text_of(what, name)
        if said is not None:
            asked[name] = addresses(name, said)
    if RECIPIENTS_MAX < len(asked["to"]) + len(asked.get("cc", ())):
        raise rejected("too-many-recipients", f"a letter goes to {RECIPIENTS_MAX} addresses at most", ["to", "cc"])
    asked["subject"], asked["text"] = text_of(what, "subject"), text_of(what, "text")
    subject = asked["subject"]
    if CONTROL.search(subject) or SUBJECT_CHARACTERS_MAX < len(subject) or ENCODED_WORD in subject:
        why = f"the subject must be one line of {SUBJECT_CHARACTERS_MAX} characters at most, without `{ENCODED_WORD}`"
        raise rejected("bad-input", why, ["subject"])
    if CONTROL_IN_TEXT.search(asked["text"]):
        why = "the text has control characters, or marks that turn the order of reading round"
        raise rejected("bad-input", why, ["text"])
    if TEXT_BYTES_MAX < len(asked["text"].encode()):
        raise rejected("too-long", f"the text is longer than {TEXT_BYTES_MAX} bytes", ["text"])
    return asked


def mailbox(id: str) -> str:
    """The address that a letter comes from."""
    if not is_address(id):
        raise rejected("bad-mailbox", "the mailbox must be one address, such as `Deals <deals@example.com>`")
    return id


def addresses(name: str, said: str) -> list[str]:
    """The addresses of a field, as they are written there."""
    found = [one.strip(" ") for one in said.split(",")]
    if RECIPIENTS_MAX < len(found):
        raise rejected("too-many-recipients", f"`{name}` has more than {RECIPIENTS_MAX} addresses", [name])
    # Which one it is stays unsaid: it is somebody's.
    if not all(map(is_address, found)):
        why = f"`{name}` must be addresses such as `kim@example.com` or `Kim <kim@example.com>`, separated by commas"
        raise rejected("bad-input", why, [name])
    return found


def is_address(said: str) -> bool:
    """Whether it is one address, with or without a name, and can be read in one way only."""
    named = NAMED.fullmatch(said)
    if CONTROL.search(said) or ENCODED_WORD in said or (named and not NAME.fullmatch(named["name"])):
        return False
    address = named["address"] if named else said
    return len(address) <= ADDRESS_CHARACTERS_MAX and ADDRESS.fullmatch(address) is not None


def line(held: Any) -> Any:
    """What Resend holds of a field, as it was asked for: it keeps addresses as a list, and none as null."""
    return ", ".join(held) or None if isinstance(held, list) else held
