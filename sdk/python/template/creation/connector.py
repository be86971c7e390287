"""The connector to Acme: it creates refunds of payments."""

from dataclasses import dataclass
from typing import Any, List, Optional

from countersign_sdk import (
    NOT_THERE,
    Connector,
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
    money,
    money_of,
    path,
    receipt,
    sealed,
    text,
    text_of,
    unknown_kind,
)

connector = Connector("acme.refunds", "0.1.0", "acme", kinds=["payment", "refund"])
connector.operation(
    "create-refund",
    kind="payment",
    guarantee="by-probe",
    input={
        "type": "object",
        "required": [
            "amount",
            "reason",
        ],
        "properties": {
            "amount": {"title": "Amount"},
            "reason": {"title": "Why"},
        },
        "additionalProperties": False,
    },
)


@dataclass
class Refund:
    """A refund, as Acme tells it."""

    id: str
    amount: str
    currency: str
    reason: str
    #: The effect that it was created by.
    reference: Optional[str]

    @staticmethod
    def of(body: Any) -> "Refund":
        """Takes an answer for a refund, or says what is wrong with it."""
        if not isinstance(body["id"], str):
            raise ValueError("it is no refund")
        return Refund(
            id=body["id"],
            amount=body["amount"],
            currency=body["currency"],
            reason=body["reason"],
            reference=body.get("reference"),
        )


def listed(body: Any) -> List[Refund]:
    """Takes an answer for a list, or says what is wrong with it."""
    if not isinstance(body, list):
        raise ValueError("it is no list")
    return [Refund.of(one) for one in body]


def look(context: Context, effect: Effect) -> Optional[Refund]:
    """What is there already by this effect."""
    place = path("payments", effect.plan.subject.id, "refunds")
    every = context.get("api", place).query("reference", effect.effect_id).read().ok().json(listed)
    return next((one for one in every if one.reference == effect.effect_id), None)


def snapshot(now: Refund) -> Snapshot:
    fields = [
        Field("amount", money(now.amount, now.currency)),
        Field("reason", text(now.reason)),
    ]
    return Snapshot(RecordRef("refund", now.id), None, None, fields)


@connector.check
def check(context: Context) -> None:
    context.get("api", "/payments/").query("limit", 1).read().ok()


@connector.fetch
def fetch(context: Context, subject: RecordRef) -> Snapshot:
    if subject.kind == "payment":
        status = context.get("api", path("payments", subject.id)).read().ok().json(lambda body: body["status"])
        return Snapshot(subject, None, None, [Field("status", text(status))])
    if subject.kind == "refund":
        return snapshot(context.get("api", path("refunds", subject.id)).read().ok().json(Refund.of))
    raise unknown_kind(subject.kind)


@connector.plan
def plan(context: Context, what: Proposal, now_ms: int) -> WritePlan:
    money_of(what, "amount")
    text_of(what, "reason")
    # What is to take it must be there: better said now than after somebody has approved.
    fetch(context, what.subject)
    return creation(what)


@connector.apply
def apply(context: Context, effect: Effect) -> Receipt:
    # Acme takes no idempotency key: what an earlier attempt has made would be made once more.
    made = look(context, effect)
    if made is not None:
        return receipt(effect, snapshot(made))
    what = sealed(effect)
    body = {
        "amount": money_of(what, "amount").amount,
        "currency": money_of(what, "amount").currency,
        "reason": text_of(what, "reason"),
        "reference": effect.effect_id,
    }
    place = path("payments", effect.plan.subject.id, "refunds")
    answer = context.post("api", place).json(body).step("refund").ok()
    return receipt(effect, snapshot(answer.json(Refund.of)), answer.request_id)


@connector.probe
def probe(context: Context, effect: Effect) -> Finding:
    found = look(context, effect)
    return NOT_THERE if found is None else landed(receipt(effect, snapshot(found)))


Identity, Reader, Writer = connector.exports()
