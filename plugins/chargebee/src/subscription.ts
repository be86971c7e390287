// Subscriptions, as Chargebee tells them.
// Source: https://apidocs.chargebee.com/docs/api/subscriptions.

import { type Context, field, type Snapshot, value } from "countersign-sdk";
import { amountOf, whole } from "./amount";
import { entries, record, version, words } from "./chargebee";

/** The kind of record. */
export const SUBSCRIPTION = "subscription";

/** A plan, an addon or a charge of a subscription. */
export interface Item {
  price: string;
  isPlan: boolean;
  unitPrice: number | null;
  quantity: number | null;
  /** Whether it is priced or counted with more digits than the whole numbers hold. */
  isFiner: boolean;
}

/** A subscription, as Chargebee tells it. */
export interface Subscription {
  id: string;
  customer: string;
  status: string;
  currency: string;
  version: string;
  items: Item[];
  renews: number | null;
  termsLeft: number | null;
  hasScheduled: boolean;
}

function optional(found: unknown): number | null {
  return found === undefined ? null : whole(found);
}

function itemOf(found: any): Item {
  return {
    price: words(found.item_price_id),
    isPlan: found.item_type === "plan",
    unitPrice: optional(found.unit_price),
    quantity: optional(found.quantity),
    isFiner: found.unit_price_in_decimal !== undefined || found.quantity_in_decimal !== undefined,
  };
}

/** Takes an answer for a subscription, or says what is wrong with it. */
export function subscriptionOf(found: any): Subscription {
  return {
    id: words(found.id),
    customer: words(found.customer_id),
    status: words(found.status),
    currency: words(found.currency_code),
    version: version(found),
    items: entries(found.subscription_items).map(itemOf),
    renews: optional(found.next_billing_at),
    termsLeft: optional(found.remaining_billing_cycles),
    hasScheduled: found.has_scheduled_changes === true,
  };
}

/** The subscription with this id. */
export function readSubscription(context: Context, id: string): Subscription {
  return record(context, SUBSCRIPTION, "subscriptions", id, subscriptionOf);
}

/** The plan item, if there is just one. */
export function planOf({ items }: Subscription): Item | null {
  const plans = items.filter((item) => item.isPlan);
  return plans.length === 1 ? plans[0] ?? null : null;
}

/** What a subscription holds. */
export function snapshot(now: Subscription): Snapshot {
  const plan = planOf(now);
  const unit = plan?.unitPrice ?? null;
  const count = plan?.quantity ?? null;
  const fields = [
    field("customer", value.reference("customer", now.customer)),
    field("status", value.text(now.status)),
    field("plan", value.optionalText(plan?.price)),
    field("unit_price", unit === null || plan?.isFiner ? value.absent : amountOf(unit, now.currency)),
    field("quantity", count === null ? value.absent : value.integer(count)),
    field("renews", now.renews === null ? value.absent : value.instantMs(now.renews * 1_000)),
    field("scheduled_changes", value.flag(now.hasScheduled)),
  ];
  return { subject: { kind: SUBSCRIPTION, id: now.id }, revision: now.version, url: null, fields };
}

export function fetchSubscription(context: Context, id: string): Snapshot {
  return snapshot(readSubscription(context, id));
}
