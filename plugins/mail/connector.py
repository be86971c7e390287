"""The connector to Resend: it sends approved letters.

Resend remembers an idempotency key for a day, and finds a letter only by the id that it gives when the letter is sent.
So `send-letter` is `by-key`: an attempt whose answer was lost is made again, and the answer is the first one's.
"""

import letters
import told
from countersign_sdk import (
    UNKNOWN,
    Connector,
    Context,
    Delivery,
    Effect,
    Finding,
    Proposal,
    Receipt,
    RecordRef,
    Snapshot,
    WritePlan,
    rejected,
    unknown_kind,
    unknown_operation,
)

connector = Connector("countersign.mail", "0.1.0", "mail", kinds=[letters.MAILBOX, letters.KIND])
connector.operation("send-letter", letters.MAILBOX, "by-key", letters.INPUT)


def known(what: Proposal) -> None:
    """Refuses what is none of our operations, or about another kind of record."""
    if what.operation != "send-letter":
        raise unknown_operation(what.operation)
    if what.subject.kind != letters.MAILBOX:
        raise unknown_kind(what.subject.kind)


@connector.check
def check(context: Context) -> None:
    letters.check(context)


@connector.fetch
def fetch(context: Context, subject: RecordRef) -> Snapshot:
    match subject.kind:
        case letters.KIND:
            return letters.fetch(context, subject.id)
        case letters.MAILBOX:
            raise rejected("not-readable", "a mailbox is an address that letters come from, and cannot be read")
    raise unknown_kind(subject.kind)


@connector.plan
def plan(context: Context, what: Proposal, now_ms: int) -> WritePlan:
    known(what)
    return letters.plan(what)


@connector.apply
def apply(context: Context, effect: Effect) -> Receipt:
    known(effect.what)
    return letters.apply(context, effect)


@connector.probe
def probe(context: Context, effect: Effect) -> Finding:
    known(effect.what)
    # Nobody can be asked for a letter whose id was lost; with its key it is sent once, however often it is tried.
    return UNKNOWN


@connector.interpret
def interpret(context: Context, delivery: Delivery) -> list[RecordRef]:
    return [RecordRef(letters.KIND, id) for id in told.letters(delivery)]


Identity, Reader, Writer = connector.exports()
Webhooks = connector.webhooks()
