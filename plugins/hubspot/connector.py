"""The connector to HubSpot: it prices deals, and leaves approval records as notes on them.

HubSpot honours no idempotency key and has no conditional write, so everything is found by a look: a price by what the
deal holds, an approval record by the effect's id at the end of a note. Both are `by-probe`.
"""

from types import ModuleType
from typing import Optional

import changes as changed
import deals
import notes
import told
from countersign_sdk import (
    Connector,
    Context,
    Delivery,
    Effect,
    Finding,
    Page,
    Proposal,
    Receipt,
    RecordRef,
    Snapshot,
    WritePlan,
    unknown_kind,
    unknown_operation,
)

connector = Connector(
    "countersign.hubspot", "0.1.0", "hubspot", kinds=[deals.KIND, notes.KIND], tells=[deals.KIND]
)
connector.operation("set-price", deals.KIND, "by-probe", deals.INPUT)
connector.operation("record-approval", deals.KIND, "by-probe", notes.INPUT)


def operation(what: Proposal) -> ModuleType:
    """The file that does it."""
    if what.subject.kind != deals.KIND:
        raise unknown_kind(what.subject.kind)
    match what.operation:
        case "set-price":
            return deals
        case "record-approval":
            return notes
    raise unknown_operation(what.operation)


@connector.check
def check(context: Context) -> None:
    deals.check(context)
    notes.check(context)


@connector.fetch
def fetch(context: Context, subject: RecordRef) -> Snapshot:
    match subject.kind:
        case deals.KIND:
            return deals.fetch(context, subject.id)
        case notes.KIND:
            return notes.fetch(context, subject.id)
    raise unknown_kind(subject.kind)


@connector.changes
def changes(context: Context, kind: str, cursor: Optional[str], limit: int, now_ms: int) -> Page:
    if kind != deals.KIND:
        raise unknown_kind(kind)
    return changed.page(context, cursor, limit)


@connector.plan
def plan(context: Context, what: Proposal, now_ms: int) -> WritePlan:
    return operation(what).plan(context, what, now_ms)


@connector.apply
def apply(context: Context, effect: Effect) -> Receipt:
    return operation(effect.what).apply(context, effect)


@connector.probe
def probe(context: Context, effect: Effect) -> Finding:
    return operation(effect.what).probe(context, effect)


@connector.interpret
def interpret(context: Context, delivery: Delivery) -> list[RecordRef]:
    return [RecordRef(deals.KIND, id) for id in told.deals(delivery)]


Identity, Reader, Writer = connector.exports()
Webhooks = connector.webhooks()
