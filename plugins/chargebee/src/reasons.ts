// Why something is credited or given back: our reason codes, and what Chargebee or its site calls them.

import { type Context, type Field, field, rejected, value } from "countersign-sdk";

/** Chargebee's own code of each of our reasons. */
const REASONS = new Map([
  ["duplicate", "other"],
  ["defect", "product_unsatisfactory"],
  ["goodwill", "waiver"],
  ["cancellation", "order_cancellation"],
  ["error", "other"],
]);

/** Our reasons, as an operation's schema names them. */
export const REASON_NAMES = [...REASONS.keys()];

/** The site's own codes, as the operator gave them: `goodwill = Goodwill; error = Billing error`. */
export function siteCodes(context: Context): Map<string, string> {
  const pairs = (context.setting("reason-codes") ?? "").split(";").filter((pair) => pair.trim() !== "");
  const parted = pairs.map((pair): [string, string] => {
    const [name = "", ...code] = pair.split("=").map((part) => part.trim());
    return [name, code.join("=")];
  });
  const odd = parted.find(([name, code]) => !REASONS.has(name) || code === "");
  if (odd !== undefined) {
    throw rejected("bad-setting", `\`reason-codes\` has no code for \`${odd[0].slice(0, 40)}\`, or that is no reason`);
  }
  return new Map(parted);
}

/** The field that carries a reason: the site's own code if it has one, else Chargebee's. */
export function reasonField(context: Context, reason: string): Field {
  const builtIn = REASONS.get(reason);
  if (builtIn === undefined) {
    throw rejected("bad-input", `the reason is none of ${REASON_NAMES.join(", ")}`, ["reason"]);
  }
  const own = siteCodes(context).get(reason);
  return own === undefined ? field("reason_code", value.text(builtIn)) : field("create_reason_code", value.text(own));
}
