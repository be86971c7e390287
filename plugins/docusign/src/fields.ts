// `set-fields`: text custom fields of an envelope that is a draft or on its way.
//
// DocuSign knows neither a key nor a condition for it, but a look at the envelope tells whether the texts stand there. To
// write the same texts again changes nothing and mails nobody: `by-probe`.
// Source: https://developers.docusign.com/docs/esign-rest-api/reference/envelopes/envelopecustomfields/update

import {
  absent,
  type Answer,
  conflict,
  type Context,
  type Effect,
  type Field,
  type Finding,
  landed,
  path,
  type Proposal,
  receipt,
  type Receipt,
  rejected,
  same,
  sealed,
  text,
  uncertain,
  unknown,
  update,
  valueOf,
  type WritePlan,
} from "countersign-sdk";
import { afterStep, codeOf, entries, settled, traceOf } from "./docusign";
import { type CustomField, type Envelope, FIELD, MARK, readEnvelope, snapshot, wordOf } from "./envelope";

/** The states in which DocuSign lets an envelope be changed. */
const CHANGEABLE = ["created", "sent", "delivered", "correct"];
/** Longest text of a custom field. */
const TEXT_CHARACTERS_MAX = 100;

export const FIELDS_INPUT = {
  type: "object",
  minProperties: 1,
  patternProperties: { [`^${FIELD}[a-z0-9_]+$`]: { title: "Text of a custom field, by its name" } },
  additionalProperties: false,
};

export function planFields(context: Context, what: Proposal): WritePlan {
  const wanted = what.fields.filter(({ value: of }) => of.tag !== "absent");
  if (wanted.length === 0) throw rejected("bad-input", "there is no field to set");
  for (const { name } of wanted) {
    if ([...text(what, name)].length <= TEXT_CHARACTERS_MAX) continue;
    throw rejected("bad-input", `a custom field takes ${TEXT_CHARACTERS_MAX} characters at most`, [name]);
  }
  const now = readEnvelope(context, what.subject.id);
  if (!CHANGEABLE.includes(now.status)) {
    throw rejected("not-in-process", "the envelope is neither a draft nor on its way");
  }
  for (const { name } of wanted) fieldIn(now, name);
  return update(snapshot(now), wanted);
}

export function applyFields(context: Context, effect: Effect): Receipt {
  const { id } = effect.plan.subject;
  const now = readEnvelope(context, id);
  if (holds(effect, now, "after")) return receipt(effect, snapshot(now));
  const isMoved = effect.plan.revision !== now.revision || !holds(effect, now, "before");
  if (isMoved || !CHANGEABLE.includes(now.status)) {
    throw conflict("moved", "the envelope has changed since the plan was made", now.revision);
  }
  const what = sealed(effect);
  const textCustomFields = effect.plan.changes.map(({ name }) => {
    const { id: fieldId, name: called, show, required } = fieldIn(now, name);
    return { fieldId, name: called, value: text(what, name), show, required };
  });
  const draft = context.put("api", path("envelopes", id, "custom_fields")).json({ textCustomFields });
  const answer = settled(draft.step("set-fields"));
  taken(answer);
  const after = afterStep(() => readEnvelope(context, id));
  if (!holds(effect, after, "after")) throw uncertain("not-seen", "DocuSign took the fields, and does not hold them");
  return receipt(effect, snapshot(after), { vendorRequestId: traceOf(answer) });
}

export function probeFields(context: Context, effect: Effect): Finding {
  const now = readEnvelope(context, effect.plan.subject.id);
  if (holds(effect, now, "after")) return landed(receipt(effect, snapshot(now)));
  // What is neither as it was nor as it was to be, somebody else has written: perhaps over ours.
  return holds(effect, now, "before") ? absent : unknown;
}

/** Whether each field is as it was, or as it was to be. */
function holds(effect: Effect, now: Envelope, when: "before" | "after"): boolean {
  const fields: Field[] = snapshot(now).fields;
  return effect.plan.changes.every((change) => same(valueOf(fields, change.name), change[when]));
}

/** The one custom field that is written so, which is never ours. An update makes no new ones. */
function fieldIn(now: Envelope, name: string): CustomField {
  const found = now.fields.filter((one) => one.name !== MARK && `${FIELD}${wordOf(one.name)}` === name);
  const [one, ...others] = found;
  if (one === undefined) throw rejected("no-such-field", "the envelope has no text custom field of this name", [name]);
  if (others.length > 0) throw rejected("ambiguous", "the envelope has several fields that are written so", [name]);
  return one;
}

/** DocuSign may refuse single fields with status 200. */
function taken(answer: Answer): void {
  answer.json((body) => {
    const all = entries(body.textCustomFields);
    if (all.length === 0) throw new Error("it does not say which fields it took");
    const refused = all.map((one) => one.errorDetails?.errorCode).filter((word) => word && word !== "SUCCESS");
    if (refused.length === 0) return;
    const code = codeOf(String(refused[0]));
    const message = `DocuSign says \`${code}\` of ${refused.length} of ${all.length} fields`;
    throw (refused.length === all.length ? rejected(code, message) : uncertain(code, message)).answered(answer);
  });
}
