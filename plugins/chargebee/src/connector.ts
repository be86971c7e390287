// The connector to Chargebee: prices of subscriptions, credit notes and refunds of invoices.
//
// Chargebee takes idempotency keys, and forgets them after half an hour. So every operation is `by-probe`: what it
// leaves can be looked up, and `apply` looks before it writes. The key is sent all the same.

import {
  connector,
  type Context,
  descriptor,
  type Effect,
  field,
  operation,
  type Proposal,
  type RecordRef,
  rejected,
  type Snapshot,
  unknownKind,
  unknownOperation,
  value,
} from "countersign-sdk";
import { whole } from "./amount";
import { get, record, settled, words } from "./chargebee";
import { applyCredit, CREATE_CREDIT_NOTE, CREATE_REFUND, planCredit, probeCredit } from "./credit";
import { CREDIT_NOTE, fetchCreditNote, fetchInvoice, INVOICE } from "./invoice";
import { applyPrice, planPrice, probePrice } from "./price";
import { REASON_NAMES, siteCodes } from "./reasons";
import { fetchSubscription, SUBSCRIPTION } from "./subscription";

/** The kind of record that is only read. */
const CUSTOMER = "customer";
/** The operation on subscriptions. */
const SET_PRICE = "set-price";
/** The kind of record that each operation is about. */
const SUBJECTS = new Map([
  [SET_PRICE, SUBSCRIPTION],
  [CREATE_CREDIT_NOTE, INVOICE],
  [CREATE_REFUND, INVOICE],
]);

/** The schema of an operation's input. */
function input(required: string[], properties: object): object {
  return { type: "object", required, properties, additionalProperties: false };
}

export const { identity, reader, writer } = connector({
  describe() {
    const reason = { title: "Reason code", enum: REASON_NAMES };
    const price = input(["unit_price"], {
      unit_price: { title: "Price of one unit in one billing period" },
      prorate: { title: "Whether the running term is charged anew; left to the site's settings if not given" },
    });
    const note = input(["amount", "reason"], {
      amount: { title: "How much is credited" },
      reason,
      type: { title: "Lowers what is due, or credits what was paid", enum: ["adjustment", "refundable"] },
    });
    const refund = input(["amount", "reason"], { amount: { title: "How much is given back" }, reason });
    const operations = [
      operation(SET_PRICE, SUBSCRIPTION, "by-probe", price),
      operation(CREATE_CREDIT_NOTE, INVOICE, "by-probe", note),
      operation(CREATE_REFUND, INVOICE, "by-probe", refund),
    ];
    const kinds = [CUSTOMER, SUBSCRIPTION, INVOICE, CREDIT_NOTE];
    return descriptor("countersign.chargebee", "0.1.0", "chargebee", kinds, operations);
  },

  check(context) {
    siteCodes(context);
    const catalog = settled(get(context, "configurations").read()).json(({ configurations }) =>
      words(configurations[0].product_catalog_version),
    );
    if (catalog !== "v2") throw rejected("product-catalog", "the site has Product Catalog 1.0, and this is for 2.0");
    settled(get(context, "subscriptions").query("limit", 1).read());
  },

  fetch(context: Context, subject: RecordRef): Snapshot {
    switch (subject.kind) {
      case CUSTOMER:
        return fetchCustomer(context, subject.id);
      case SUBSCRIPTION:
        return fetchSubscription(context, subject.id);
      case INVOICE:
        return fetchInvoice(context, subject.id);
      case CREDIT_NOTE:
        return fetchCreditNote(context, subject.id);
    }
    throw unknownKind(subject.kind);
  },

  plan(context: Context, what: Proposal) {
    return isPrice(what) ? planPrice(context, what) : planCredit(context, what);
  },

  apply(context: Context, effect: Effect) {
    return isPrice(effect.what) ? applyPrice(context, effect) : applyCredit(context, effect);
  },

  probe(context: Context, effect: Effect) {
    return isPrice(effect.what) ? probePrice(context, effect) : probeCredit(context, effect);
  },
});

/** Whether it is a price. Refuses what is none of our operations, or about another kind of record. */
function isPrice(what: Proposal): boolean {
  const kind = SUBJECTS.get(what.operation);
  if (kind === undefined) throw unknownOperation(what.operation);
  if (kind !== what.subject.kind) throw unknownKind(what.subject.kind);
  return what.operation === SET_PRICE;
}

function fetchCustomer(context: Context, id: string): Snapshot {
  const fields = record(context, CUSTOMER, "customers", id, (found) => [
    field("company", value.optionalText(found.company)),
    field("auto_collection", value.text(words(found.auto_collection))),
    field("net_term_days", value.integer(whole(found.net_term_days))),
    field("preferred_currency", value.optionalText(found.preferred_currency_code)),
  ]);
  return { subject: { kind: CUSTOMER, id }, revision: null, url: null, fields };
}
