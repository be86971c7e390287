// The connector to Acme: it creates refunds of payments.

import {
  absent,
  connector,
  type Context,
  creation,
  descriptor,
  type Effect,
  field,
  landed,
  money,
  operation,
  path,
  type Proposal,
  receipt,
  type RecordRef,
  sealed,
  type Snapshot,
  text,
  unknownKind,
  value,
} from "countersign-sdk";

/** A refund, as Acme tells it. */
interface Refund {
  id: string;
  amount: string;
  currency: string;
  reason: string;
  /** The effect that it was created by. */
  reference: string | null;
}

/** Takes an answer for a refund, or says what is wrong with it. */
function refund(body: any): Refund {
  if (typeof body.id !== "string") throw new Error("it is no refund");
  return {
    id: body.id,
    amount: body.amount,
    currency: body.currency,
    reason: body.reason,
    reference: body.reference ?? null,
  };
}

/** Takes an answer for a list, or says what is wrong with it. */
function list(body: any): Refund[] {
  if (!Array.isArray(body)) throw new Error("it is no list");
  return body.map(refund);
}

/** What is there already by this effect. */
function look(context: Context, effect: Effect): Refund | undefined {
  const place = path("payments", effect.plan.subject.id, "refunds");
  const all = context.get("api", place).query("reference", effect.effectId).read().ok().json(list);
  return all.find((one) => one.reference === effect.effectId);
}

function snapshot(now: Refund): Snapshot {
  const fields = [
    field("amount", value.money(now.amount, now.currency)),
    field("reason", value.text(now.reason)),
  ];
  return { subject: { kind: "refund", id: now.id }, revision: null, url: null, fields };
}

/** Takes an answer for a payment: what is known of it is its status. */
function status(body: any): string {
  if (typeof body.status !== "string") throw new Error("it is no payment");
  return body.status;
}

export const { identity, reader, writer } = connector({
  describe() {
    const input = {
      type: "object",
      required: [
        "amount",
        "reason",
      ],
      properties: {
        amount: { title: "Amount" },
        reason: { title: "Why" },
      },
      additionalProperties: false,
    };
    const offered = operation("create-refund", "payment", "by-probe", input);
    return descriptor("acme.refunds", "0.1.0", "acme", ["payment", "refund"], [offered]);
  },

  check(context) {
    context.get("api", "/payments/").query("limit", 1).read().ok();
  },

  fetch(context: Context, subject: RecordRef): Snapshot {
    switch (subject.kind) {
      case "payment": {
        const now = context.get("api", path("payments", subject.id)).read().ok().json(status);
        return { subject, revision: null, url: null, fields: [field("status", value.text(now))] };
      }
      case "refund":
        return snapshot(context.get("api", path("refunds", subject.id)).read().ok().json(refund));
    }
    throw unknownKind(subject.kind);
  },

  plan(context: Context, what: Proposal) {
    money(what, "amount");
    text(what, "reason");
    // What is to take it must be there: better said now than after somebody has approved.
    this.fetch(context, what.subject);
    return creation(what);
  },

  apply(context: Context, effect: Effect) {
    // Acme takes no idempotency key: what an earlier attempt has made would be made once more.
    const made = look(context, effect);
    if (made !== undefined) return receipt(effect, snapshot(made));
    const what = sealed(effect);
    const body = {
      amount: money(what, "amount").amount,
      currency: money(what, "amount").currency,
      reason: text(what, "reason"),
      reference: effect.effectId,
    };
    const place = path("payments", effect.plan.subject.id, "refunds");
    const answer = context.post("api", place).json(body).step("refund").ok();
    return receipt(effect, snapshot(answer.json(refund)), { vendorRequestId: answer.requestId });
  },

  probe(context: Context, effect: Effect) {
    const found = look(context, effect);
    return found === undefined ? absent : landed(receipt(effect, snapshot(found)));
  },
});
