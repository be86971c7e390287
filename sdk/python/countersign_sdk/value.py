"""Values and fields, read and made."""

from __future__ import annotations

import json as _json
import re
from datetime import date as _date
from typing import Iterable, Optional

from wit_world.imports import types
from wit_world.imports.types import (
    Change,
    DraftIntent,
    Effect,
    Field,
    Finding,
    Finding_Absent,
    Finding_Landed,
    Finding_Unknown,
    Money,
    Receipt,
    RecordRef,
    Value,
    Value_Absent,
    Value_Date,
    Value_Decimal,
    Value_Flag,
    Value_InstantMs,
    Value_Integer,
    Value_Json,
    Value_Money,
    Value_Reference,
    Value_Text,
)

from .failure import Failure, rejected

#: Longest id of a record, in bytes.
ID_BYTES_MAX = 2_048
#: Longest name of a wish, in characters.
DEDUPE_KEY_CHARACTERS_MAX = 200
#: Longest text, in bytes.
TEXT_BYTES_MAX = 256 * 1024

_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_CURRENCIES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DIGITS = {code: digits for digits, codes in _CURRENCIES.items() for code in codes.split()}

ABSENT = Value_Absent()

# The records that the contract lets grow, without the `extra` for which it documents no name.


class Snapshot(types.Snapshot):
    """What a record holds now."""

    def __init__(
        self, subject: RecordRef, revision: Optional[str], url: Optional[str], fields: Iterable[Field]
    ) -> None:
        super().__init__(subject, revision, url, list(fields), [])


class WritePlan(types.WritePlan):
    """What an approval will change, field by field, and what approvers should know."""

    def __init__(
        self, subject: RecordRef, revision: Optional[str], changes: Iterable[Change], remarks: Iterable[str]
    ) -> None:
        super().__init__(subject, revision, list(changes), list(remarks), [])


class Proposal(types.Proposal):
    """What is asked for."""

    def __init__(self, operation: str, subject: RecordRef, fields: Iterable[Field]) -> None:
        super().__init__(operation, subject, list(fields), [])


def text(value: Optional[str]) -> Value:
    """Text; nothing for ``None``."""
    return ABSENT if value is None else Value_Text(value)


def flag(value: bool) -> Value:
    """Yes or no."""
    return Value_Flag(value)


def integer(value: int) -> Value:
    """A whole number without unit, of 64 bits."""
    return Value_Integer(value)


def decimal(number: str) -> Value:
    """A number as decimal text."""
    return Value_Decimal(number)


def date(day: str) -> Value:
    """A day, ``YYYY-MM-DD``."""
    return Value_Date(day)


def instant_ms(moment: int) -> Value:
    """A moment, in milliseconds since 1970-01-01T00:00:00Z."""
    return Value_InstantMs(moment)


def money(amount: str, currency: str) -> Value:
    """Decimal text in the major unit, and a currency in capitals."""
    return Value_Money(Money(amount, currency))


def reference(kind: str, id: str) -> Value:
    """Another record of the target."""
    return Value_Reference(RecordRef(kind, id))


def json_value(value: object) -> Value:
    """Nested data."""
    return Value_Json(_json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False))


def value_of(fields: Iterable[Field], name: str) -> Value:
    """The value of the field of this name; absent if there is none."""
    return next((field.value for field in fields if field.name == name), ABSENT)


def text_of(what: Proposal, name: str) -> str:
    """An input that must be text and not empty."""
    found = value_of(what.fields, name)
    if isinstance(found, Value_Text) and found.value:
        return found.value
    raise _wrong(name, "text", found)


def optional_text_of(what: Proposal, name: str) -> Optional[str]:
    """An input that is text, or was left out."""
    found = value_of(what.fields, name)
    if isinstance(found, Value_Absent):
        return None
    if isinstance(found, Value_Text):
        return found.value
    raise _wrong(name, "text", found)


def money_of(what: Proposal, name: str) -> Money:
    """An input that must be an amount of money."""
    found = value_of(what.fields, name)
    if isinstance(found, Value_Money):
        return found.value
    raise _wrong(name, "an amount of money", found)


def decimal_of(what: Proposal, name: str) -> str:
    """An input that must be decimal text."""
    found = value_of(what.fields, name)
    if isinstance(found, Value_Decimal):
        return found.value
    raise _wrong(name, "a decimal number", found)


def integer_of(what: Proposal, name: str) -> int:
    """An input that must be a whole number."""
    found = value_of(what.fields, name)
    if isinstance(found, Value_Integer):
        return found.value
    raise _wrong(name, "a whole number", found)


def flag_of(what: Proposal, name: str) -> bool:
    """An input that must be yes or no."""
    found = value_of(what.fields, name)
    if isinstance(found, Value_Flag):
        return found.value
    raise _wrong(name, "yes or no", found)


def date_of(what: Proposal, name: str) -> str:
    """An input that must be a day, ``YYYY-MM-DD``."""
    found = value_of(what.fields, name)
    if isinstance(found, Value_Date):
        return found.value
    raise _wrong(name, "a date", found)


def reference_of(what: Proposal, name: str) -> RecordRef:
    """An input that must point to another record."""
    found = value_of(what.fields, name)
    if isinstance(found, Value_Reference):
        return found.value
    raise _wrong(name, "a reference to a record", found)


def _wrong(name: str, wanted: str, found: Value) -> Failure:
    is_empty = isinstance(found, Value_Text) and not found.value
    shown = "empty text" if is_empty else type(found).__name__.removeprefix("Value_").lower()
    return rejected("bad-input", f"the field `{name}` must be {wanted}, not {shown}", [name])


def update(now: Snapshot, wanted: Iterable[Field]) -> WritePlan:
    """The plan of an update: each wanted field that the record does not hold already."""
    changes = [Change(field.name, value_of(now.fields, field.name), field.value) for field in wanted]
    changes = [change for change in changes if change.before != change.after]
    return WritePlan(now.subject, now.revision, changes, [])


def creation(what: Proposal) -> WritePlan:
    """The plan of a creation: every field of the proposal, from nothing to what was asked for."""
    changes = [Change(field.name, ABSENT, field.value) for field in what.fields]
    return WritePlan(what.subject, None, changes, [])


def sealed(effect: Effect) -> Proposal:
    """What was asked for, with the values that were sealed: make requests of this, never of ``effect.what``."""
    fields = {field.name: field.value for field in effect.what.fields}
    fields.update((change.name, change.after) for change in effect.plan.changes)
    named = [Field(name, value) for name, value in fields.items()]
    return Proposal(effect.what.operation, effect.plan.subject, named)


def receipt(effect: Effect, now: Snapshot, request_id: Optional[str] = None) -> Receipt:
    """A receipt for this record: of each planned field what ``now`` holds."""
    applied = [Field(change.name, value_of(now.fields, change.name)) for change in effect.plan.changes]
    return Receipt(now.subject, now.revision, now.url, request_id, applied, [])


def draft_intent(
    intent_type: str,
    source: RecordRef,
    fields: Iterable[Field],
    dedupe_key: str,
    requester: Optional[str] = None,
) -> DraftIntent:
    """An intent that a delivery asks for.

    ``intent_type`` is one that the manifest names under ``[intake]``, and ``fields`` are its tokens. ``dedupe_key`` is
    the same text for the same wish, however often it is delivered: at most 200 characters; the host makes one intent of
    each. ``requester`` is who asks, as the vendor names them: a mail address that the host's people file has, or an id
    of a person there.
    """
    return DraftIntent(intent_type, source, list(fields), dedupe_key, requester, [])


def landed(of: Receipt) -> Finding:
    """It is there."""
    return Finding_Landed(of)


NOT_THERE: Finding = Finding_Absent()
UNKNOWN: Finding = Finding_Unknown()


# What leaves the connector is looked at: a target's odd value becomes a failure that names the field.


def oddity(answer: object) -> Optional[str]:
    """What is odd about an answer, if anything is."""
    if isinstance(answer, Finding_Landed):
        return oddity(answer.value)
    if isinstance(answer, types.WritePlan):
        pairs = [(change.name, value) for change in answer.changes for value in (change.before, change.after)]
        return _odd_record(answer.subject) or _odd_place(answer.revision, None) or _odd_fields(pairs)
    if isinstance(answer, Receipt):
        fields = ((field.name, field.value) for field in answer.applied)
        place = _odd_place(answer.revision, answer.url)
        return _odd_record(answer.subject) or place or _odd_fields(fields)
    if isinstance(answer, types.Snapshot):
        fields = ((field.name, field.value) for field in answer.fields)
        place = _odd_place(answer.revision, answer.url)
        return _odd_record(answer.subject) or place or _odd_fields(fields)
    items = getattr(answer, "items", None)
    if isinstance(items, list):
        return next(filter(None, map(oddity, items)), None)
    return None


def odd_list(answer: object, of: type) -> Optional[str]:
    """What is odd about what a delivery is about or asks for, if anything is."""
    if not isinstance(answer, list) or not all(isinstance(one, of) for one in answer):
        return f"what is said of the delivery is no list of {of.__name__}"
    odd = _odd_draft if of is DraftIntent else _odd_subject
    return next(filter(None, map(odd, answer)), None)


def _odd_subject(subject: RecordRef) -> Optional[str]:
    return _odd_record(subject) if _is_text(subject.kind, ID_BYTES_MAX) else "the kind of a record is none"


def _odd_draft(draft: DraftIntent) -> Optional[str]:
    if not _is_text(draft.dedupe_key, ID_BYTES_MAX):
        return "the `dedupe_key` of a draft is no text"
    if not 1 <= len(draft.dedupe_key) <= DEDUPE_KEY_CHARACTERS_MAX:
        return f"the `dedupe_key` of a draft has {len(draft.dedupe_key)} characters"
    if not _is_text(draft.intent_type, ID_BYTES_MAX):
        return "the intent type of a draft is no text"
    if draft.requester is not None and not _is_text(draft.requester, ID_BYTES_MAX):
        return "the requester of a draft is no text"
    return _odd_subject(draft.source) or _odd_fields((field.name, field.value) for field in draft.fields)


def _odd_record(subject: RecordRef) -> Optional[str]:
    return None if _is_text(subject.id, ID_BYTES_MAX) else f"the id of the {subject.kind} is none"


def _odd_place(revision: Optional[str], url: Optional[str]) -> Optional[str]:
    for name, found in (("revision", revision), ("address", url)):
        if found is not None and not _is_text(found, ID_BYTES_MAX):
            return f"the {name} of the record is `{str(found)[:40]!r}`, which is no text"
    # A person will click on it.
    if url is not None and not url.startswith(("https://", "http://")):
        return f"the address of the record is `{url[:40]!r}`, which is no web address"
    return None


def currency_digits(currency: str) -> int:
    """Digits after the point of a currency (ISO 4217, table A.1), as the host counts them: an answer with more is
    refused."""
    return _DIGITS.get(currency, 2)


def _is_amount(amount: object, currency: str) -> bool:
    """Not finer than its currency, and not too large for 63 bits of minor units."""
    if not _is(_DECIMAL, amount):
        return False
    whole, _, behind = str(amount).removeprefix("-").partition(".")
    digits = currency_digits(currency)
    return len(behind) <= digits and int(whole + behind.ljust(digits, "0")) < 2**63


def _is_text(found: object, bytes_max: int) -> bool:
    """Text that can leave: half a pair of surrogates cannot, and comes from targets all the same."""
    if not isinstance(found, str):
        return False
    try:
        return len(found.encode()) <= bytes_max
    except UnicodeEncodeError:
        return False


def _odd_fields(pairs: Iterable[tuple[str, Value]]) -> Optional[str]:
    for name, value in pairs:
        what = _odd(value)
        if what:
            return f"`{name}` of the record is {what}"
    return None


def _odd(value: Value) -> Optional[str]:
    def no(found: object, what: str) -> str:
        return f"`{str(found)[:40]!r}`, which is no {what}"

    match value:
        case Value_Absent():
            return None
        case Value_Flag(flag):
            return None if isinstance(flag, bool) else no(flag, "yes or no")
        case Value_Integer(number):
            fine = isinstance(number, int) and -(2**63) <= number < 2**63
            return None if fine else no(number, "whole number of 64 bits")
        case Value_InstantMs(moment):
            return None if isinstance(moment, int) and 0 <= moment < 2**63 else no(moment, "moment")
        case Value_Decimal(number):
            return None if _is(_DECIMAL, number) else no(number, "decimal number")
        case Value_Date(day):
            return None if _is_date(day) else no(day, "date such as 2026-11-23")
        case Value_Money(Money(amount, currency)):
            if not _is(_CURRENCY, currency):
                return no(currency, "currency such as EUR")
            return None if _is_amount(amount, currency) else no(amount, f"amount of {currency}")
        case Value_Reference(subject):
            return no(subject.id, "id of a record") if _odd_record(subject) else None
        case Value_Text(words) | Value_Json(words):
            return None if _is_text(words, TEXT_BYTES_MAX) else "no text, or one that is too long"
        case _:
            return f"{type(value).__name__}, which the contract does not know"


def _is(pattern: re.Pattern[str], found: object) -> bool:
    return isinstance(found, str) and pattern.fullmatch(found) is not None


def _is_date(found: object) -> bool:
    if not _is(_DATE, found):
        return False
    try:
        _date.fromisoformat(str(found))
    except ValueError:
        return False
    return True
