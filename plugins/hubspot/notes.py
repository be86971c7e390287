"""Approval records: notes on a deal, whose last line names the effect. The operation `record-approval`.

A note is looked for among those that are associated with the deal, and not by a search: HubSpot's search finds a new
record only after a while, and what it does not find yet would be written twice.
Source: https://developers.hubspot.com/docs/api-reference/crm-notes-v3/guide.
"""

import html
import re
from dataclasses import dataclass
from typing import Any, Iterable, Optional

import deals
from api import Record, moment_ms, ok, record, request_id
from countersign_sdk import (
    ABSENT,
    NOT_THERE,
    Change,
    Context,
    Effect,
    Field,
    Finding,
    Proposal,
    Receipt,
    RecordRef,
    Snapshot,
    WritePlan,
    creation,
    landed,
    optional_text_of,
    path,
    receipt,
    rejected,
    text,
    text_of,
    uncertain,
)
from wit_world.imports.types import Value_InstantMs, Value_Text

KIND = "note"
#: HubSpot's name of the type.
TYPE = "notes"
PROPERTIES = ("hs_note_body", "hs_timestamp")
#: HubSpot's number for "a note about a deal".
NOTE_TO_DEAL = 214
#: Longest body of a note, in characters.
BODY_CHARACTERS_MAX = 65_536
#: Longest id of an effect, in characters.
EFFECT_CHARACTERS_MAX = 64
#: Notes of one page of associations.
PAGE = 500
#: Notes that can be read at once.
BATCH = 100
#: Most pages that are looked through for one effect: with their batches they are 24 of the 32 requests of a call.
PAGES_MAX = 4

#: What an approval record says, in this order.
WORDS = ("intent_id", "decision", "approvers", "policy_version", "seal")
TITLE = "countersign approval record"
#: What stands before the effect's id, on the last line.
MARK = "Ref: "
#: Where HubSpot's HTML begins a new line, and what else it puts between words.
BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li)>", re.IGNORECASE)
TAG = re.compile(r"<[^<>]*>")

INPUT = {
    "type": "object",
    "required": ["intent_id"],
    "properties": {
        "intent_id": {"title": "The intent that was decided"},
        "decision": {"title": "What was decided"},
        "approvers": {"title": "Who decided"},
        "policy_version": {"title": "The policy that it was decided under"},
        "seal": {"title": "What binds decision, payload, policy and plan"},
    },
    "additionalProperties": False,
}


@dataclass
class Note:
    """What a note says, and the effect that its last line names."""

    shown: Snapshot
    effect_id: Optional[str]

    @staticmethod
    def of(body: Any) -> "Note":
        """Takes an answer for a note, or says what is wrong with it."""
        note = Record.of(body)
        lines = lines_of(note.properties.get("hs_note_body") or "")
        said: dict[str, str] = {}
        for name, colon, word in (line.partition(":") for line in lines):
            if colon:
                said.setdefault(name, plain(word.removeprefix(" ")))
        last = next((line for line in (line.strip() for line in reversed(lines)) if line), "")
        moment = note.properties.get("hs_timestamp")
        fields = [Field(name, text(said.get(name))) for name in WORDS]
        fields.append(Field("noted_at", Value_InstantMs(moment_ms(moment)) if moment else ABSENT))
        shown = Snapshot(RecordRef(KIND, note.id), note.updated_at, note.url, fields)
        return Note(shown, last.removeprefix(MARK) if last.startswith(MARK) else None)


def check(context: Context) -> None:
    """Whether notes can be read."""
    ok(context.get("api", "/crm/v3/objects/notes").query("limit", 1).read())


def fetch(context: Context, id: str) -> Snapshot:
    return record(context, TYPE, id, PROPERTIES, Note.of).shown


def plan(context: Context, what: Proposal, now_ms: int) -> WritePlan:
    text_of(what, "intent_id")
    for name in WORDS:
        optional_text_of(what, name)
    # A note on nothing would be refused too late.
    deals.read(context, what.subject.id)
    planned = creation(what)
    if BODY_CHARACTERS_MAX < len(body(planned.changes, "x" * EFFECT_CHARACTERS_MAX)):
        raise rejected("bad-input", f"the note would be longer than {BODY_CHARACTERS_MAX} characters")
    planned.changes.append(Change("noted_at", ABSENT, Value_InstantMs(now_ms)))
    planned.remarks.append("a note with these words is added to the deal")
    return planned


def apply(context: Context, effect: Effect) -> Receipt:
    subject = effect.plan.subject
    deal = deals.current(context, subject.id)
    found = find(context, deal.id, effect.effect_id)
    if found is not None:
        return receipt(effect, found.shown)
    if deal.id != subject.id:
        raise deals.merged(subject.id)
    answer = ok(context.post("api", path("crm", "v3", "objects", TYPE)).json(note(effect)).step("record-approval"))

    def written(made: Note) -> Receipt:
        if made.effect_id != effect.effect_id:
            raise ValueError("the note that it tells of is not the one that was written")
        return receipt(effect, made.shown, request_id(answer))

    return answer.json(lambda body: written(Note.of(body)))


def probe(context: Context, effect: Effect) -> Finding:
    # The notes of a deal that was merged are notes of the one that it was merged into.
    deal = deals.current(context, effect.plan.subject.id)
    found = find(context, deal.id, effect.effect_id)
    return NOT_THERE if found is None else landed(receipt(effect, found.shown))


def find(context: Context, deal: str, effect_id: str) -> Optional[Note]:
    """The note of a deal that names the effect."""
    after: Optional[str] = None
    for _ in range(PAGES_MAX):
        ids, after = page(context, deal, after)
        for start in range(0, len(ids), BATCH):
            for found in batch(context, ids[start : start + BATCH]):
                if found.effect_id == effect_id:
                    return found
        if after is None:
            return None
    raise uncertain("too-many-notes", f"the deal has more than {PAGES_MAX * PAGE} notes: look yourself")


def page(context: Context, deal: str, after: Optional[str]) -> tuple[list[str], Optional[str]]:
    """Ids of notes of the deal, and where to go on."""
    draft = context.get("api", path("crm", "v4", "objects", deals.TYPE, deal, "associations", TYPE))
    draft = draft.query("limit", PAGE)

    def ids(body: Any) -> tuple[list[str], Optional[str]]:
        found = [str(int(result["toObjectId"])) for result in body["results"]]
        paging = body.get("paging")
        return found, str(paging["next"]["after"]) if paging else None

    return ok((draft if after is None else draft.query("after", after)).read()).json(ids)


def batch(context: Context, ids: list[str]) -> list[Note]:
    """The notes with these ids that are still there."""
    asked = {"inputs": [{"id": id} for id in ids], "properties": PROPERTIES, "propertiesWithHistory": []}
    answer = ok(context.post("api", path("crm", "v3", "objects", TYPE, "batch", "read")).json(asked).read())

    def found(body: Any) -> list[Note]:
        # With 207 HubSpot says why it does not give some: what is gone is not what is looked for.
        notes, errors = [Note.of(result) for result in body["results"]], body.get("errors") or []
        is_whole = bool(errors) or len(ids) <= len(notes)
        if not is_whole or any(error["category"] != "OBJECT_NOT_FOUND" for error in errors):
            raise ValueError("it does not tell of every note")
        return notes

    return answer.json(found)


def note(effect: Effect) -> dict[str, Any]:
    """What makes the note, from the sealed plan."""
    about = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": NOTE_TO_DEAL}
    moment = next(change.after for change in effect.plan.changes if change.name == "noted_at")
    return {
        "properties": {
            "hs_note_body": body(effect.plan.changes, effect.effect_id),
            "hs_timestamp": str(moment.value),
        },
        "associations": [{"to": {"id": effect.plan.subject.id}, "types": [about]}],
    }


def body(changes: Iterable[Change], effect_id: str) -> str:
    """The note's words as HTML, one line each, so that nobody's word ends its line or makes a link."""
    words = {change.name: change.after for change in changes if isinstance(change.after, Value_Text)}
    lines = [f"{name}: {escaped(words[name].value)}" for name in WORDS if name in words]
    return "<br>".join(html.escape(line, quote=False) for line in (TITLE, *lines, MARK + effect_id))


def lines_of(written: str) -> list[str]:
    """The lines of a note's HTML, as they were before."""
    return [html.unescape(line) for line in TAG.sub("", BREAK.sub("\n", written)).split("\n")]


def escaped(word: str) -> str:
    """A word on one line: what breaks lines is written as two characters."""
    return word.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")


def plain(word: str) -> str:
    """The word again, as it was."""
    return re.sub(r"\\(.)", lambda two: {"n": "\n", "r": "\r"}.get(two[1], two[1]), word)
