"""What HubSpot says, and what it means: its records, its moments, and its refusals.

Sources, below https://developers.hubspot.com/docs: `api-reference/error-handling` (what a status means, and that every
member of an error may be missing) and `developer-tooling/platform/usage-guidelines` (429 and its `policyName`).
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence, TypeVar

from countersign_sdk import Answer, Context, Failure, path, transient

T = TypeVar("T")

#: How long each limit lasts that HubSpot names. The daily one ends at midnight where the account is, which it does not
#: say; and the answer to too many requests names no time to wait.
LIMITS_MS = {"SECONDLY": 1_000, "TEN_SECONDLY_ROLLING": 10_000, "DAILY": 3_600_000}
#: How long a record is locked that is written to very often.
LOCK_MS = 2_000
#: An error's word, such as `VALIDATION_ERROR`. Its message is never repeated: it may hold what was written.
WORD = re.compile(r"[A-Z][A-Z0-9_]{0,59}")
#: What HubSpot calls a request.
ID = re.compile(r"[0-9A-Za-z-]{1,64}")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass
class Record:
    """A deal or a note, as HubSpot tells it. Every value of a property is text."""

    id: str
    updated_at: str
    properties: dict[str, Optional[str]]
    url: Optional[str]

    @staticmethod
    def of(body: Any) -> "Record":
        """Takes an answer for a record, or says what is wrong with it."""
        record = Record(body["id"], body["updatedAt"], body["properties"], body.get("url"))
        values = [record.url, *record.properties.values()]
        if not record.id or not all(isinstance(value, str) for value in (record.id, record.updated_at)):
            raise ValueError("it says neither which record it is nor when it changed")
        if not all(value is None or isinstance(value, str) for value in values):
            raise ValueError("it has a property that is no text")
        return record


def record(context: Context, type: str, id: str, properties: Sequence[str], of: Callable[[Any], T]) -> T:
    """What `of` makes of the record of this type with this id."""
    draft = context.get("api", path("crm", "v3", "objects", type, id))
    return ok(draft.query("properties", ",".join(properties)).read()).json(of)


def moment_ms(text: str) -> int:
    """A moment as HubSpot writes it, `2026-11-02T10:00:00.123Z`, in milliseconds since 1970."""
    return (datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH) // timedelta(milliseconds=1)


def request_id(answer: Answer) -> Optional[str]:
    """What HubSpot's support asks for."""
    return answer.header("x-hubspot-correlation-id")


def ok(answer: Answer, fields: Mapping[str, str] = {}) -> Answer:
    """The answer itself if its status says success; else what it means. `fields` are ours, by HubSpot's properties."""
    if answer.is_success:
        return answer
    said = _body(answer)
    named = _text(said, "correlationId") or ""
    id = request_id(answer) or (named if ID.fullmatch(named) else None)
    raise _failure(answer, said, fields).answered(answer.status, id)


def _failure(answer: Answer, said: dict[str, Any], fields: Mapping[str, str]) -> Failure:
    message = f"the target answered {answer.status}"
    match answer.status:
        case 423:
            return transient("locked", message, LOCK_MS)
        case 429:
            policy = _text(said, "policyName") or ""
            wait = max(answer.retry_after_ms() or 0, LIMITS_MS.get(policy, 0))
            limit = f" by its limit `{policy}`" if WORD.fullmatch(policy) else ""
            return transient("rate-limited", message + limit, wait or None)
        case 477:
            return transient("migrating", f"{message}: the account moves to another place", answer.retry_after_ms())
    errors = list(_errors(said))
    words = [_text(error, "code") for error in errors] + [_text(said, "category")]
    word = next((word for word in words if word and WORD.fullmatch(word)), "")
    told = answer.failure(word)
    if word and told.case in ("denied", "rejected", "conflict") and told.detail.code != "not-found":
        told.detail.code = word.lower().replace("_", "-")
    if told.case == "rejected":
        told.raw.value.fields = [fields[name] for error in errors for name in _names(error) if name in fields]
    return told


def _body(answer: Answer) -> dict[str, Any]:
    try:
        return answer.json(dict)
    except Failure:
        # It is a proxy's, perhaps; the status speaks for itself.
        return {}


def _errors(said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    errors = said.get("errors")
    return (error for error in (errors if isinstance(errors, list) else []) if isinstance(error, dict))


def _names(error: dict[str, Any]) -> list[str]:
    """The properties that HubSpot objects to."""
    context = error.get("context")
    names = context.get("propertyName") if isinstance(context, dict) else None
    return [name for name in (names if isinstance(names, list) else []) if isinstance(name, str)]


def _text(said: dict[str, Any], name: str) -> Optional[str]:
    found = said.get(name)
    return found if isinstance(found, str) else None
