// The connector to Acme: it cancels orders.

import {
  absent,
  connector,
  type Context,
  descriptor,
  type Effect,
  field,
  landed,
  operation,
  path,
  type Proposal,
  receipt,
  type RecordRef,
  sealed,
  type Snapshot,
  text,
  update,
  value,
} from "countersign-sdk";

/** An order, as Acme tells it. */
interface Order {
  status: string;
  version: number;
  /** Why it was cancelled, and by which effect. */
  reason: string | null;
  reference: string | null;
}

/** Takes an answer for an order, or says what is wrong with it. */
function order(body: any): Order {
  const { status, version, reason = null, reference = null } = body;
  if (typeof status !== "string" || !Number.isSafeInteger(version)) throw new Error("that is no order");
  return { status, version, reason, reference };
}

function read(context: Context, id: string): Order {
  return context.get("api", path("orders", id)).read().ok().json(order);
}

function snapshot(id: string, now: Order): Snapshot {
  const fields = [field("status", value.text(now.status)), field("reason", value.optionalText(now.reason))];
  return { subject: { kind: "order", id }, revision: String(now.version), url: null, fields };
}

export const { identity, reader, writer } = connector({
  describe() {
    const input = { type: "object", required: ["reason"], properties: { reason: { title: "Why" } } };
    const cancel = operation("cancel-order", "order", "by-key", input);
    return descriptor("acme.orders", "0.1.0", "acme", ["order"], [cancel]);
  },

  check(context) {
    context.get("api", "/orders/").query("limit", 1).read().ok();
  },

  fetch(context: Context, subject: RecordRef) {
    return snapshot(subject.id, read(context, subject.id));
  },

  plan(context: Context, what: Proposal) {
    const now = this.fetch(context, what.subject);
    const wanted = [field("status", value.text("cancelled")), field("reason", value.text(text(what, "reason")))];
    return update(now, wanted);
  },

  apply(context: Context, effect: Effect) {
    const { id } = effect.plan.subject;
    const body = {
      reason: text(sealed(effect), "reason"),
      reference: effect.effectId,
      if_version: effect.plan.revision,
    };
    const answer = context.post("api", path("orders", id, "cancel")).json(body).step("cancel").ok();
    return receipt(effect, snapshot(id, answer.json(order)), { vendorRequestId: answer.requestId });
  },

  probe(context: Context, effect: Effect) {
    const { id } = effect.plan.subject;
    const now = read(context, id);
    return now.reference === effect.effectId ? landed(receipt(effect, snapshot(id, now))) : absent;
  },
});
