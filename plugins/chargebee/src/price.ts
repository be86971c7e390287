// `set-price`: what one unit of a subscription's plan costs from now on.
// Source: https://apidocs.chargebee.com/docs/api/subscriptions/update-subscription-for-items. A change of price lands
// as the price of the plan item, so a look at the subscription tells whether it is there.

import {
  absent,
  conflict,
  type Context,
  type Effect,
  field,
  type Finding,
  landed,
  money,
  path,
  type Proposal,
  receipt,
  type Receipt,
  rejected,
  sealed,
  update,
  value,
  valueOf,
  type WritePlan,
} from "countersign-sdk";
import { amountOf, counted } from "./amount";
import { settled } from "./chargebee";
import { planOf, readSubscription, snapshot, type Subscription, subscriptionOf } from "./subscription";

/** Where an update changes the price and nothing else: it would bring a cancelled subscription back to life. */
const CHANGEABLE = ["active", "in_trial", "future"];

/** Why the price of a subscription cannot be changed without changing something else. */
function obstacle(now: Subscription): [string, string] | null {
  const plan = planOf(now);
  if (!CHANGEABLE.includes(now.status)) return ["not-active", `the subscription is ${now.status}`];
  if (plan === null) return ["not-one-plan", "the subscription has no plan item, or several"];
  if (plan.isFiner) return ["finer-price", "the plan is priced with more digits than can be written exactly"];
  if (plan.unitPrice === null) return ["no-unit-price", "the plan has tiers and no price of one unit"];
  if (now.hasScheduled) return ["scheduled-changes", "the subscription has scheduled changes: an update deletes them"];
  if (now.termsLeft !== null) return ["fixed-terms", "the subscription ends after some terms: an update counts anew"];
  return null;
}

/** What Chargebee does by itself, for whoever decides. */
function remark(prorate: boolean | null): string {
  if (prorate === false) return "the running term stays as it was charged: the price counts from the next renewal on";
  const moves = "the rest of the running term is credited at the old price and charged at the new one";
  const paid = "what is charged is invoiced and collected as the site's settings say";
  return prorate ? `${moves}; ${paid}` : `if the site's settings say so, ${moves}; ${paid}`;
}

function prorateOf(what: Proposal): boolean | null {
  const found = valueOf(what.fields, "prorate");
  if (found.tag === "absent") return null;
  if (found.tag === "flag") return found.val;
  throw rejected("bad-input", "the field `prorate` must be yes or no", ["prorate"]);
}

/** What one unit is to cost, as Chargebee counts it. */
function unitIn(what: Proposal, now: Subscription): number {
  return counted(money(what, "unit_price"), now.currency, "unit_price");
}

export function planPrice(context: Context, what: Proposal): WritePlan {
  const now = readSubscription(context, what.subject.id);
  const unit = unitIn(what, now);
  const prorate = prorateOf(what);
  const why = obstacle(now);
  if (why !== null) throw rejected(...why);
  const plan = update(snapshot(now), [field("unit_price", amountOf(unit, now.currency))]);
  if (plan.changes.length === 0) return plan;
  if (prorate !== null) plan.changes.push({ name: "prorate", before: value.absent, after: value.flag(prorate) });
  return { ...plan, remarks: [remark(prorate)] };
}

/** Whether the subscription holds what was sealed. Numbers are compared: the host may spell an amount otherwise. */
function holds(effect: Effect, now: Subscription): boolean {
  if (effect.plan.changes.length === 0) return true;
  const plan = planOf(now);
  return plan !== null && !plan.isFiner && plan.unitPrice === unitIn(sealed(effect), now);
}

/** Chargebee keeps no word of how a change was prorated: it is what was sealed. */
function done(effect: Effect, now: Subscription, requestId: string | null = null): Receipt {
  const held = snapshot(now);
  const asked = effect.plan.changes.filter((change) => change.name === "prorate");
  const fields = [...held.fields, ...asked.map((change) => field(change.name, change.after))];
  return receipt(effect, { ...held, fields }, { vendorRequestId: requestId });
}

export function applyPrice(context: Context, effect: Effect): Receipt {
  const now = readSubscription(context, effect.plan.subject.id);
  if (holds(effect, now)) return done(effect, now);
  if (effect.plan.revision !== now.version) {
    throw conflict("moved", "the subscription has changed since the plan was made", now.version);
  }
  const plan = planOf(now);
  if (plan === null) throw rejected("not-one-plan", "the subscription has no plan item, or several");
  const what = sealed(effect);
  const form: [string, string][] = [
    ["subscription_items[item_price_id][0]", plan.price],
    ["subscription_items[unit_price][0]", String(unitIn(what, now))],
    ["change_option", "immediately"],
    ["reactivate", "false"],
  ];
  if (plan.quantity !== null) form.push(["subscription_items[quantity][0]", String(plan.quantity)]);
  const prorate = prorateOf(what);
  if (prorate !== null) form.push(["prorate", String(prorate)]);
  const draft = context.post("api", path("subscriptions", now.id, "update_for_items")).form(form);
  const answer = settled(draft.step("set-price"));
  const moved = answer.json(({ subscription }) => subscriptionOf(subscription));
  const isOurs = moved.id === now.id && moved.currency === now.currency && holds(effect, moved);
  if (!isOurs) throw answer.unreadable("the subscription does not hold the new price");
  return done(effect, moved, answer.requestId);
}

export function probePrice(context: Context, effect: Effect): Finding {
  const now = readSubscription(context, effect.plan.subject.id);
  return holds(effect, now) ? landed(done(effect, now)) : absent;
}
