"""The connector to Acme: it prices quotes."""

from dataclasses import dataclass
from typing import Any, Optional

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
    landed,
    money,
    money_of,
    path,
    receipt,
    sealed,
    text,
    text_of,
    update,
)

connector = Connector("acme.quotes", "0.1.0", "acme", kinds=["quote"])
connector.operation(
    "set-price",
    kind="quote",
    guarantee="by-key",
    input={
        "type": "object",
        "required": [
            "net_amount",
            "reason",
        ],
        "properties": {
            "net_amount": {"title": "Net amount"},
            "reason": {"title": "Why"},
        },
    },
)


@dataclass
class Quote:
    """A quote, as Acme tells it."""

    status: str
    version: int
    net_amount: str
    currency: str
    reason: Optional[str]
    #: The effect that it was priced by.
    reference: Optional[str]

    @staticmethod
    def of(body: Any) -> "Quote":
        """Takes an answer for a quote, or says what is wrong with it."""
        if not isinstance(body["status"], str) or not isinstance(body["version"], int):
            raise ValueError("it is no quote")
        return Quote(
            status=body["status"],
            version=body["version"],
            net_amount=body["net_amount"],
            currency=body["currency"],
            reason=body.get("reason"),
            reference=body.get("reference"),
        )


def read(context: Context, id: str) -> Quote:
    return context.get("api", path("quotes", id)).read().ok().json(Quote.of)


def snapshot(id: str, now: Quote) -> Snapshot:
    fields = [
        Field("status", text(now.status)),
        Field("net_amount", money(now.net_amount, now.currency)),
        Field("reason", text(now.reason)),
    ]
    return Snapshot(RecordRef("quote", id), str(now.version), None, fields)


@connector.check
def check(context: Context) -> None:
    context.get("api", "/quotes/").query("limit", 1).read().ok()


@connector.fetch
def fetch(context: Context, subject: RecordRef) -> Snapshot:
    return snapshot(subject.id, read(context, subject.id))


@connector.plan
def plan(context: Context, what: Proposal, now_ms: int) -> WritePlan:
    now = fetch(context, what.subject)
    asked = money_of(what, "net_amount")
    wanted = [
        Field("status", text("priced")),
        Field("net_amount", money(asked.amount, asked.currency)),
        Field("reason", text(text_of(what, "reason"))),
    ]
    return update(now, wanted)


@connector.apply
def apply(context: Context, effect: Effect) -> Receipt:
    id = effect.plan.subject.id
    what = sealed(effect)
    body = {
        "net_amount": money_of(what, "net_amount").amount,
        "currency": money_of(what, "net_amount").currency,
        "reason": text_of(what, "reason"),
        "reference": effect.effect_id,
        "if_version": effect.plan.revision,
    }
    answer = context.post("api", path("quotes", id, "price")).json(body).step("price").ok()
    return receipt(effect, snapshot(id, answer.json(Quote.of)), answer.request_id)


@connector.probe
def probe(context: Context, effect: Effect) -> Finding:
    id = effect.plan.subject.id
    now = read(context, id)
    if now.reference == effect.effect_id:
        return landed(receipt(effect, snapshot(id, now)))
    return NOT_THERE


Identity, Reader, Writer = connector.exports()
