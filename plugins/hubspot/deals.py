"""Deals, and what they come to: the operation `set-price`.

A deal is found again by what it holds: the same absolute values, written twice, are one price. But a repeat would undo
what somebody else has written in between, so nothing is repeated without a look.
"""

from decimal import Decimal, InvalidOperation
from typing import Optional

from api import Record, ok, record, request_id
from countersign_sdk import (
    ABSENT,
    NOT_THERE,
    Context,
    Effect,
    Failure,
    Field,
    Finding,
    Proposal,
    Receipt,
    RecordRef,
    Snapshot,
    Value,
    WritePlan,
    conflict,
    decimal_of,
    landed,
    money,
    money_of,
    not_found,
    path,
    receipt,
    rejected,
    sealed,
    text,
    update,
    value_of,
)
from wit_world.imports.types import Value_Decimal, Value_Money

KIND = "deal"
#: HubSpot's name of the type.
TYPE = "deals"
PROPERTIES = ("dealname", "amount", "deal_currency_code", "dealstage", "hubspot_owner_id")
#: Digits of a number, far more than an amount has: one with a large exponent would take all memory to be written out.
DIGITS_MAX = 40
#: Digits behind the point of a currency, where they are not two (ISO 4217). The host takes no finer amount.
MINOR_DIGITS = (
    dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0)
    | dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)
    | {"CLF": 4, "UYW": 4}
)
#: Digits of the largest amount, in minor units: the host counts them in 64 bits.
AMOUNT_DIGITS_MAX = 18

INPUT = {
    "type": "object",
    "required": ["net_amount"],
    "properties": {
        "net_amount": {"title": "What the deal comes to"},
        "discount_percent": {"title": "Percent off, as the deal shows it"},
    },
    "additionalProperties": False,
}


def check(context: Context) -> None:
    """Whether deals can be read, and whether their discount lives where it is said to."""
    ok(context.get("api", "/crm/v3/objects/deals").query("limit", 1).read())
    name = context.setting("discount-property")
    if not name:
        return
    answer = context.get("api", path("crm", "v3", "properties", TYPE, name)).read()
    if answer.status == 404:
        raise rejected("wrong-property", f"deals have no property `{name}`")
    kind, hint = ok(answer).json(lambda body: (body["type"], body.get("numberDisplayHint")))
    # HubSpot does not say whether what it shows as 25 % is 25 or 0.25.
    if kind != "number" or hint == "percentage":
        raise rejected("wrong-property", f"the property `{name}` of deals is no number that is shown as it is")


def fetch(context: Context, id: str) -> Snapshot:
    return snapshot(context, read(context, id))


def plan(context: Context, what: Proposal, now_ms: int) -> WritePlan:
    now = fetch(context, what.subject.id)
    wanted = [Field("net_amount", _amount_of(what, now))]
    if value_of(what.fields, "discount_percent") != ABSENT:
        _discount_property(context)
        wanted.append(Field("discount_percent", Value_Decimal(_asked(decimal_of(what, "discount_percent")))))
    return update(now, wanted)


def apply(context: Context, effect: Effect) -> Receipt:
    before = read(context, effect.plan.subject.id)
    now = snapshot(context, before)
    if holds(now, effect.plan):
        return receipt(effect, now)
    if effect.plan.revision is not None and effect.plan.revision != now.revision:
        raise conflict("moved", "the deal was changed by someone else since it was planned", now.revision)
    properties, fields = _properties(context, effect, now)
    draft = context.patch("api", path("crm", "v3", "objects", TYPE, before.id)).json({"properties": properties})
    answer = ok(draft.step("set-price"), fields)

    def written(after: Record) -> Receipt:
        if after.id != before.id or not properties.keys() <= after.properties.keys():
            raise ValueError("it does not tell of what was written")
        held = before.properties | after.properties
        priced = Record(after.id, after.updated_at, held, after.url or before.url)
        return receipt(effect, _snapshot(context, priced), request_id(answer))

    return answer.json(lambda body: written(Record.of(body)))


def probe(context: Context, effect: Effect) -> Finding:
    now = fetch(context, effect.plan.subject.id)
    return landed(receipt(effect, now)) if holds(now, effect.plan) else NOT_THERE


def read(context: Context, id: str) -> Record:
    """The deal with this id."""
    deal = current(context, id)
    if deal.id != id:
        raise merged(id)
    return deal


def current(context: Context, id: str) -> Record:
    """The deal with this id, or the one that it was merged into, which HubSpot then answers with
    (https://developers.hubspot.com/changelog/announcement-deals-now-support-merging)."""
    discount = context.setting("discount-property")
    return record(context, TYPE, id, [*PROPERTIES, *([discount] if discount else [])], Record.of)


def merged(id: str) -> Failure:
    """The failure for a deal that is now a part of another one."""
    failure = not_found(KIND, id)
    failure.detail.message += " any more: it was merged into another one"
    return failure


def snapshot(context: Context, deal: Record) -> Snapshot:
    """What the deal holds."""
    try:
        return _snapshot(context, deal)
    except ValueError as odd:
        raise rejected("odd-value", f"the deal cannot be read: {odd}") from None


def _snapshot(context: Context, deal: Record) -> Snapshot:
    def held(name: Optional[str]) -> Optional[str]:
        return (name and deal.properties.get(name)) or None

    currency = held("deal_currency_code") or context.setting("currency") or None
    amount, percent = held("amount"), held(context.setting("discount-property"))
    fields = [
        Field("name", text(held("dealname"))),
        Field("net_amount", amount_in(currency, amount) if amount and currency else ABSENT),
        Field("discount_percent", Value_Decimal(shortest(percent)) if percent else ABSENT),
        Field("stage", text(held("dealstage"))),
        Field("currency", text(currency)),
        Field("owner", text(held("hubspot_owner_id"))),
    ]
    return Snapshot(RecordRef(KIND, deal.id), deal.updated_at, deal.url, fields)


def holds(now: Snapshot, plan: WritePlan) -> bool:
    """Whether the deal holds what was planned."""
    return all(_plain(value_of(now.fields, change.name)) == _plain(change.after) for change in plan.changes)


def _plain(value: Value) -> object:
    """A value that equals another one which says the same in other digits: `75000.00` and `75000`."""
    match value:
        case Value_Money(amount):
            return Decimal(amount.amount), amount.currency
        case Value_Decimal(number):
            return Decimal(number)
    return value


def _properties(context: Context, effect: Effect, now: Snapshot) -> tuple[dict[str, str], dict[str, str]]:
    """What is written, from the sealed plan, and which field each property is."""
    what, written, fields = sealed(effect), {}, {}
    for change in effect.plan.changes:
        match change.name:
            case "net_amount":
                name, value = "amount", _amount_of(what, now).value.amount
            case "discount_percent":
                name, value = _discount_property(context), _asked(decimal_of(what, "discount_percent"))
            case other:
                raise rejected("bad-plan", f"this connector does not write the field `{other}`", [other])
        written[name], fields[name] = value, change.name
    return written, fields


def _amount_of(what: Proposal, now: Snapshot) -> Value:
    """The amount that is asked for, in the deal's currency."""
    wanted, currency = money_of(what, "net_amount"), value_of(now.fields, "currency")
    if currency == ABSENT:
        message = "the deal names no currency: give the connection the setting `currency`"
        raise rejected("no-currency", message, ["net_amount"])
    if currency != text(wanted.currency):
        message = f"the deal is in {currency.value}, and the approval in {wanted.currency}"
        raise rejected("other-currency", message, ["net_amount"])
    return money(_asked(wanted.amount), wanted.currency)


def _discount_property(context: Context) -> str:
    name = context.setting("discount-property")
    if not name:
        message = "nothing says where a deal's discount is kept: give the connection the setting `discount-property`"
        raise rejected("no-discount-property", message, ["discount_percent"])
    return name


def _asked(number: str) -> str:
    try:
        return shortest(number)
    except ValueError as odd:
        raise rejected("bad-input", f"what is asked for cannot be written: {odd}") from None


def amount_in(currency: str, number: str) -> Value:
    """An amount as HubSpot keeps it, which knows no minor units."""
    amount = shortest(number)
    whole, _, rest = amount.lstrip("-").partition(".")
    digits = MINOR_DIGITS.get(currency, 2)
    if digits < len(rest) or AMOUNT_DIGITS_MAX < len(whole) + digits:
        raise ValueError(f"its amount is finer, or larger, than an amount of {currency} can be")
    return money(amount, currency)


def shortest(number: str) -> str:
    """Decimal text without exponent and without zeros at its end: HubSpot keeps what it is given."""
    try:
        exact = Decimal(number)
    except InvalidOperation:
        raise ValueError("one of its numbers is none") from None
    if not exact.is_finite() or DIGITS_MAX < max(abs(exact.adjusted()), len(exact.as_tuple().digits)):
        raise ValueError("one of its numbers is too long")
    if exact == 0:
        return "0"
    written = format(exact, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written
