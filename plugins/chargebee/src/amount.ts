// The whole numbers in which Chargebee counts money. Source: https://apidocs.chargebee.com/docs/api/currencies.

import { type Money, rejected, type Value, value } from "countersign-sdk";

/** Currencies that Chargebee counts in whole units. */
const WHOLE = ["JPY", "KRW", "XAF", "XOF"];

/**
 * Currencies without a smaller unit, of which Chargebee does not publish in what it counts them: a guess could be
 * wrong by a hundred times.
 */
const UNPUBLISHED = ["BIF", "CLP", "DJF", "GNF", "ISK", "KMF", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XPF"];

/** Digits after the point. Of every other currency, thousandths or not, Chargebee counts hundredths. */
function places(currency: string): number {
  if (UNPUBLISHED.includes(currency)) {
    throw rejected("unknown-unit", `Chargebee does not publish in which unit it counts ${currency}`);
  }
  return WHOLE.includes(currency) ? 0 : 2;
}

/** A whole number that is exact. */
export function whole(found: unknown): number {
  if (typeof found !== "number" || !Number.isSafeInteger(found)) throw new Error("that is no whole number up to 2^53");
  return found;
}

/** What Chargebee counts, as an amount. */
export function amountOf(counted: number, currency: string): Value {
  const after = places(currency);
  const digits = String(Math.abs(counted)).padStart(after + 1, "0");
  const point = digits.length - after;
  const text = after === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return value.money(counted < 0 ? `-${text}` : text, currency);
}

/** An amount of more than nothing and in this currency, as Chargebee counts it. */
export function counted({ amount, currency: asked }: Money, currency: string, field: string): number {
  const bad = (why: string) => rejected("bad-amount", why, [field]);
  if (asked !== currency) {
    throw rejected("wrong-currency", `the amount is in ${asked}, and the record in ${currency}`, [field]);
  }
  const after = places(currency);
  const [, units, parts = ""] = /^(\d+)(?:\.(\d+))?$/.exec(amount) ?? [];
  if (units === undefined) throw bad("the amount must be a number that is not negative");
  const exact = parts.replace(/0+$/, "");
  if (exact.length > after) throw bad(`Chargebee counts ${currency} with ${after} digits after the point`);
  const count = Number(units + exact.padEnd(after, "0"));
  if (!Number.isSafeInteger(count)) throw bad("the amount is more than Chargebee can count");
  if (count === 0) throw bad("the amount must be more than nothing");
  return count;
}
