"""The connector to Acme: it cancels orders."""

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
    path,
    receipt,
    sealed,
    text,
    text_of,
    update,
)

connector = Connector("acme.orders", "0.1.0", "acme", kinds=["order"])
connector.operation(
    "cancel-order",
    kind="order",
    guarantee="by-key",
    input={"type": "object", "required": ["reason"], "properties": {"reason": {"title": "Why"}}},
)


@dataclass
class Order:
    """An order, as Acme tells it."""

    status: str
    version: int
    #: Why it was cancelled, and by which effect.
    reason: Optional[str]
    reference: Optional[str]

    @staticmethod
    def of(body: Any) -> "Order":
        """Takes an answer for an order, or says what is wrong with it."""
        order = Order(body["status"], body["version"], body.get("reason"), body.get("reference"))
        if not isinstance(order.status, str) or not isinstance(order.version, int):
            raise ValueError("that is no order")
        return order


def read(context: Context, id: str) -> Order:
    return context.get("api", path("orders", id)).read().ok().json(Order.of)


def snapshot(id: str, now: Order) -> Snapshot:
    fields = [Field("status", text(now.status)), Field("reason", text(now.reason))]
    return Snapshot(RecordRef("order", id), str(now.version), None, fields)


@connector.check
def check(context: Context) -> None:
    context.get("api", "/orders/").query("limit", 1).read().ok()


@connector.fetch
def fetch(context: Context, subject: RecordRef) -> Snapshot:
    return snapshot(subject.id, read(context, subject.id))


@connector.plan
def plan(context: Context, what: Proposal, now_ms: int) -> WritePlan:
    now = fetch(context, what.subject)
    return update(now, [Field("status", text("cancelled")), Field("reason", text(text_of(what, "reason")))])


@connector.apply
def apply(context: Context, effect: Effect) -> Receipt:
    id = effect.plan.subject.id
    body = {
        "reason": text_of(sealed(effect), "reason"),
        "reference": effect.effect_id,
        "if_version": effect.plan.revision,
    }
    answer = context.post("api", path("orders", id, "cancel")).json(body).step("cancel").ok()
    return receipt(effect, snapshot(id, answer.json(Order.of)), answer.request_id)


@connector.probe
def probe(context: Context, effect: Effect) -> Finding:
    id = effect.plan.subject.id
    now = read(context, id)
    if now.reference == effect.effect_id:
        return landed(receipt(effect, snapshot(id, now)))
    return NOT_THERE


Identity, Reader, Writer = connector.exports()
