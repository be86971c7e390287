// The connector to Acme: it prices quotes.

import {
  absent,
  connector,
  type Context,
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
  update,
  value,
} from "countersign-sdk";

/** A quote, as Acme tells it. */
interface Quote {
  status: string;
  version: number;
  net_amount: string;
  currency: string;
  reason: string | null;
  /** The effect that it was priced by. */
  reference: string | null;
}

/** Takes an answer for a quote, or says what is wrong with it. */
function quote(body: any): Quote {
  if (typeof body.status !== "string" || !Number.isSafeInteger(body.version)) throw new Error("it is no quote");
  return {
    status: body.status,
    version: body.version,
    net_amount: body.net_amount,
    currency: body.currency,
    reason: body.reason ?? null,
    reference: body.reference ?? null,
  };
}

function read(context: Context, id: string): Quote {
  return context.get("api", path("quotes", id)).read().ok().json(quote);
}

function snapshot(id: string, now: Quote): Snapshot {
  const fields = [
    field("status", value.text(now.status)),
    field("net_amount", value.money(now.net_amount, now.currency)),
    field("reason", value.optionalText(now.reason)),
  ];
  return { subject: { kind: "quote", id }, revision: String(now.version), url: null, fields };
}

export const { identity, reader, writer } = connector({
  describe() {
    const input = {
      type: "object",
      required: [
        "net_amount",
        "reason",
      ],
      properties: {
        net_amount: { title: "Net amount" },
        reason: { title: "Why" },
      },
    };
    const offered = operation("set-price", "quote", "by-key", input);
    return descriptor("acme.quotes", "0.1.0", "acme", ["quote"], [offered]);
  },

  check(context) {
    context.get("api", "/quotes/").query("limit", 1).read().ok();
  },

  fetch(context: Context, subject: RecordRef) {
    return snapshot(subject.id, read(context, subject.id));
  },

  plan(context: Context, what: Proposal) {
    const now = this.fetch(context, what.subject);
    const { amount, currency } = money(what, "net_amount");
    return update(now, [
      field("status", value.text("priced")),
      field("net_amount", value.money(amount, currency)),
      field("reason", value.text(text(what, "reason"))),
    ]);
  },

  apply(context: Context, effect: Effect) {
    const { id } = effect.plan.subject;
    const what = sealed(effect);
    const body = {
      net_amount: money(what, "net_amount").amount,
      currency: money(what, "net_amount").currency,
      reason: text(what, "reason"),
      reference: effect.effectId,
      if_version: effect.plan.revision,
    };
    const answer = context.post("api", path("quotes", id, "price")).json(body).step("price").ok();
    return receipt(effect, snapshot(id, answer.json(quote)), { vendorRequestId: answer.requestId });
  },

  probe(context: Context, effect: Effect) {
    const { id } = effect.plan.subject;
    const now = read(context, id);
    return now.reference === effect.effectId ? landed(receipt(effect, snapshot(id, now))) : absent;
  },
});
