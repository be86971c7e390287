"""A stand-in for Chargebee, Product Catalog 2.0: subscriptions, invoices, credit notes, refunds and comments, made from
https://apidocs.chargebee.com and https://github.com/chargebee/openapi. It honours keys for half an hour; what Chargebee
keeps of a refused request is not published, so here that may be sent again. Proration is written down and not computed.
Ids, times and versions are the same in every run.
"""

import re
import time
from copy import deepcopy
from itertools import count
from urllib.parse import parse_qsl

from stand_in import Refused, StandIn

API_KEY = "test_stand_in"
KEY_LIFETIME_S = 1_800
REASONS = {"order_cancellation", "order_change", "other", "product_unsatisfactory", "service_unsatisfactory", "waiver"}
SITE_REASONS = {"Billing error", "Goodwill"}
NOW = 1_795_424_400
versions, numbers = count(NOW * 1_000), count(1)
customers, subscriptions, invoices, credit_notes, transactions = {}, {}, {}, {}, {}
comments, updates, keys = [], [], {}


def refused(status, code, message, param=None, kind="invalid_request"):
    body = {"message": message, "type": kind, "api_error_code": code, "http_status_code": status}
    return Refused(status, body | ({"param": param} if param else {}))


def wrong(param, message):
    return refused(400, "param_wrong_value", f"{param} : {message}", param)


def touched(record):
    record["resource_version"] = next(versions)
    return record


def subscription(id, customer_id, currency, unit_price, quantity):
    item = {"item_price_id": f"platform-{currency}-yearly", "item_type": "plan", "quantity": quantity,
            "unit_price": unit_price, "amount": unit_price * quantity, "object": "subscription_item"}
    addon = {"item_price_id": f"support-{currency}-yearly", "item_type": "addon", "quantity": 1, "unit_price": 5000,
             "amount": 5000, "object": "subscription_item"}
    subscriptions[id] = touched({
        "id": id, "object": "subscription", "customer_id": customer_id, "status": "active", "currency_code": currency,
        "next_billing_at": NOW + 86_400 * 90, "has_scheduled_changes": False, "deleted": False,
        "subscription_items": [item, addon]})


def invoice(id, customer_id, currency, total, paid):
    payment = {"txn_id": f"txn_{id}", "applied_amount": paid, "applied_at": NOW, "txn_status": "success"}
    invoices[id] = touched({
        "id": id, "object": "invoice", "customer_id": customer_id, "currency_code": currency, "total": total,
        "status": "paid" if paid == total else "payment_due", "amount_paid": paid, "amount_due": total - paid,
        "amount_adjusted": 0, "linked_payments": [payment] if paid else [], "applied_credits": [], "deleted": False,
        "issued_credit_notes": [], "adjustment_credit_notes": []})


for name, currency in (("acme", "USD"), ("sakura", "JPY")):
    customers[name] = touched({"id": name, "object": "customer", "company": name.title(), "auto_collection": "on",
                               "net_term_days": 30, "preferred_currency_code": currency, "deleted": False})
for name in ("1", "2"):
    subscription(f"sub_{name}", "acme", "USD", 10_000, 750)
    invoice(f"inv_open_{name}", "acme", "USD", 120_000, 0)
invoice("inv_paid_1", "acme", "USD", 50_000, 50_000)
invoice("inv_paid_2", "sakura", "JPY", 120_000, 120_000)

stand_in = StandIn(
    lambda: {"subscriptions": subscriptions, "invoices": invoices, "credit_notes": credit_notes, "comments": comments,
             "transactions": transactions, "updates": updates},
    lambda request: (404, refused(404, "resource_not_found", "no such path").answer[1]),
)


def at(method, pattern):
    """A route that asks for the credential, and does what comes again under its key just once."""
    def keep(function):
        def guarded(request, **ids):
            if request.basic() != (API_KEY, ""):
                raise refused(401, "api_authentication_failed", "invalid API key", kind=None)
            if method == "GET":
                return 200, function(request.query, **ids)
            if request.headers.get("Content-Type", "").split(";")[0] != "application/x-www-form-urlencoded":
                raise refused(400, "invalid_request", "the content type is no form")
            key, sent = request.headers.get("chargebee-idempotency-key"), (request.path, request.body)
            if key and 100 < len(key):
                raise wrong("chargebee-idempotency-key", "cannot be longer than 100 characters")
            if key in keys and time.monotonic() - keys[key][0] < KEY_LIFETIME_S:
                if keys[key][1] != sent:
                    raise refused(422, "unable_to_process_request", "the key was used with another request")
                return 200, keys[key][2], {"chargebee-idempotency-replayed": "true"}
            answer = deepcopy(function(form(request.body), **ids))
            if key:
                keys[key] = (time.monotonic(), sent, answer)
            return 200, answer
        return stand_in.route(method, "/api/v2" + pattern)(guarded)
    return keep


def form(body):
    pairs = parse_qsl(body.decode(), keep_blank_values=True)
    if not pairs or len(dict(pairs)) != len(pairs):
        raise refused(400, "invalid_request", "there is no parameter, or one is given twice")
    return dict(pairs)


def taken(fields, name, pattern, optional=False):
    """Takes a parameter out of a form."""
    text = fields.pop(name, None)
    if text is None and optional:
        return None
    if text is None or not re.fullmatch(pattern, text):
        raise wrong(name, "cannot be blank" if not text else "invalid value")
    return text


def nothing_left(fields):
    for name in fields:
        raise wrong(name, "unknown parameter")


def found(records, id):
    if id not in records:
        raise refused(404, "resource_not_found", f"{id} not found")
    return records[id]


@at("GET", "/configurations")
def configurations(query):
    return {"configurations": [{"domain": "acme-test", "product_catalog_version": "v2"}]}


@at("GET", "/subscriptions")
def all_subscriptions(query):
    first = list(subscriptions.values())[: int(query.get("limit", 10))]
    return {"list": [{"subscription": one} for one in first], "next_offset": '["2"]'}


def readable(folder, name, records):
    at("GET", f"/{folder}/{{id}}")(lambda query, id: {name: found(records, id)})


readable("customers", "customer", customers)
readable("subscriptions", "subscription", subscriptions)
readable("invoices", "invoice", invoices)
readable("credit_notes", "credit_note", credit_notes)


@at("GET", "/comments")
def comments_of(query):
    if set(query) != {"entity_type", "entity_id", "limit"} or not re.fullmatch(r"[1-9]\d?|100", query["limit"]):
        raise wrong("limit", "invalid value")
    asked = (query["entity_type"], query["entity_id"])
    of_it = [one for one in comments if (one["entity_type"], one["entity_id"]) == asked]
    return {"list": [{"comment": one} for one in reversed(of_it)]}


@at("POST", "/subscriptions/{id}/update_for_items")
def update_for_items(fields, id):
    now = found(subscriptions, id)
    price = taken(fields, "subscription_items[item_price_id][0]", r".{1,100}")
    unit_price = int(taken(fields, "subscription_items[unit_price][0]", r"\d{1,16}"))
    # What is not said of a quantity is taken for one.
    quantity = int(taken(fields, "subscription_items[quantity][0]", r"[1-9]\d{0,9}", optional=True) or 1)
    prorate = taken(fields, "prorate", "true|false", optional=True)
    taken(fields, "change_option", "immediately")
    reactivate = taken(fields, "reactivate", "true|false", optional=True)
    nothing_left(fields)
    if now["status"] == "cancelled" and reactivate == "false":
        raise refused(409, "invalid_state_for_request", "the subscription is cancelled")
    item = found({one["item_price_id"]: one for one in now["subscription_items"]}, price)
    item |= {"unit_price": unit_price, "quantity": quantity, "amount": unit_price * quantity}
    touched(now)
    updates.append({"subscription": id, "unit_price": unit_price, "prorate": prorate})
    return {"subscription": now, "customer": customers[now["customer_id"]]}


def credited(of, kind, total, reason, comment, status, refunds=()):
    """A credit note on an invoice, with its comment."""
    id = f"cn_{next(numbers)}"
    refunded = sum(refund["applied_amount"] for refund in refunds)
    used = total if kind == "adjustment" else 0
    credit_notes[id] = touched({
        "id": id, "object": "credit_note", "customer_id": of["customer_id"], "reference_invoice_id": of["id"],
        "type": kind, "status": status, "currency_code": of["currency_code"], "total": total, "amount_allocated": used,
        "amount_refunded": refunded, "amount_available": total - used - refunded, "linked_refunds": list(refunds),
        "date": NOW, "deleted": False} | reason)
    place = "adjustment_credit_notes" if kind == "adjustment" else "issued_credit_notes"
    reasons = {f"cn_{name}": code for name, code in reason.items()}
    of[place].append({"cn_id": id, "cn_date": NOW, "cn_total": total, "cn_status": status} | reasons)
    touched(of)
    comments.append({"id": f"cmt_{next(numbers)}", "object": "comment", "entity_type": "credit_note", "entity_id": id,
                     "notes": comment, "added_by": "stand-in", "type": "user", "created_at": NOW})
    return credit_notes[id]


def reason_of(fields, shape="{}"):
    code = taken(fields, shape.format("reason_code"), "|".join(REASONS), optional=True)
    own = taken(fields, shape.format("create_reason_code"), "|".join(SITE_REASONS), optional=True)
    return ({"reason_code": code} if code else {}) | ({"create_reason_code": own} if own else {})


def refundable(of):
    paid = sum(one["applied_amount"] for one in of["linked_payments"] if one["txn_status"] == "success")
    return paid - sum(one["cn_total"] for one in of["issued_credit_notes"] if one["cn_status"] != "voided")


@at("POST", "/credit_notes")
def create_credit_note(fields):
    of = found(invoices, taken(fields, "reference_invoice_id", r".{1,50}"))
    kind = taken(fields, "type", "adjustment|refundable")
    total = int(taken(fields, "total", r"[1-9]\d{0,15}"))
    reason, comment = reason_of(fields), taken(fields, "comment", r".{1,300}")
    nothing_left(fields)
    if (of["amount_due"] if kind == "adjustment" else refundable(of)) < total:
        raise wrong("total", "is more than can be credited")
    if kind == "adjustment":
        of["amount_due"], of["amount_adjusted"] = of["amount_due"] - total, of["amount_adjusted"] + total
        of["status"] = of["status"] if of["amount_due"] else "paid"
    note = credited(of, kind, total, reason, comment, "adjusted" if kind == "adjustment" else "refund_due")
    return {"credit_note": note, "invoice": of}


@at("POST", "/invoices/{id}/refund")
def refund(fields, id):
    of = found(invoices, id)
    amount = int(taken(fields, "refund_amount", r"[1-9]\d{0,15}"))
    reason, comment = reason_of(fields, "credit_note[{}]"), taken(fields, "comment", r".{1,300}")
    nothing_left(fields)
    if refundable(of) < amount:
        raise wrong("refund_amount", "is more than can be refunded")
    paid = {"id": f"txn_{next(numbers)}", "object": "transaction", "type": "refund", "status": "success",
            "amount": amount, "currency_code": of["currency_code"], "date": NOW}
    transactions[paid["id"]] = touched(paid)
    link = {"txn_id": paid["id"], "applied_amount": amount, "applied_at": NOW, "txn_status": "success"}
    note = credited(of, "refundable", amount, reason, comment, "refunded", [link])
    return {"invoice": of, "transaction": paid, "credit_note": note}


stand_in.serve()
