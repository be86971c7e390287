// `send-envelope`: an envelope is made of a template, and its signer is asked by mail.
//
// DocuSign knows no idempotency key, and a second envelope would be a second letter that binds. The id of the effect is
// the envelope's `transactionId`, by which DocuSign finds it for seven days, and it stands in a custom field, by which it
// is found afterwards. Both are asked before anything is sent.
// Sources: https://developers.docusign.com/docs/esign-rest-api/reference/envelopes/envelopes/liststatuschanges and
// https://www.docusign.com/blog/developers/common-api-tasks-use-transactionid-to-find-the-envelope-you-created

import {
  absent,
  conflict,
  type Context,
  creation,
  type Draft,
  type Effect,
  field,
  type Finding,
  instantMs,
  landed,
  type Proposal,
  receipt,
  type Receipt,
  rejected,
  sealed,
  text,
  uncertain,
  value,
  valueOf,
  type WritePlan,
} from "countersign-sdk";
import { afterStep, entries, GONE, read, settled, traceOf, words } from "./docusign";
import { type Envelope, MARK, readEnvelope, type Signer, snapshot, TAB, type Tab, textOf, wordOf } from "./envelope";
import { readRecipients, readTemplate, type Recipients } from "./template";

/** Longest subject, name and address that DocuSign takes. */
const LINE_CHARACTERS_MAX = 100;
/** What would end a line, is nothing that people can read, or turns the order of what they read round. */
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/;
/** From when on an envelope is looked for: the moment of the plan, as a clock may be behind by so much. */
const BEHIND_MS = 86_400_000;
/** The status of an envelope that nobody was asked to sign: whether it is still to be sent, only people can say. */
const DRAFT = "created";
/** What is sealed beside the input: what it was decided on, and what must come of it. */
const CHANGED = "template_changed";
const NOT_BEFORE = "not_before";

export const SEND_INPUT = {
  type: "object",
  required: ["role", "signer_name", "signer_email", "email_subject"],
  properties: {
    role: { title: "Role of the template that the signer takes" },
    signer_name: { title: "Full name of the signer" },
    signer_email: { title: "Mail address of the signer" },
    email_subject: { title: "Subject of the mail" },
  },
  patternProperties: { [`^${TAB}[a-z0-9_]+$`]: { title: "Text of a text tab, by its label" } },
  additionalProperties: false,
};

export function planSend(context: Context, what: Proposal, nowMs: number): WritePlan {
  for (const name of SEND_INPUT.required) line(what, name);
  if (!/^[^\s@]+@[^\s@]+$/.test(text(what, "signer_email"))) {
    throw rejected("bad-input", "the field `signer_email` must be a mail address", ["signer_email"]);
  }
  const template = readTemplate(context, what.subject.id);
  const recipients = readRecipients(context, what.subject.id);
  const tabs = tabsOf(what, signerIn(what, recipients));
  const fields = [
    ...what.fields.filter(({ value: of }) => of.tag !== "absent"),
    field("sent", value.flag(true)),
    field(CHANGED, value.text(template.changed)),
    field(NOT_BEFORE, value.instantMs(nowMs)),
  ];
  return { ...creation({ ...what, fields }), remarks: remarks(tabs, recipients.fixed) };
}

export function applySend(context: Context, effect: Effect): Receipt {
  const before = look(context, effect);
  if (before !== null) return sent(effect, before);
  const what = sealed(effect);
  const { id } = what.subject;
  const template = readTemplate(context, id);
  if (template.changed !== text(what, CHANGED)) {
    throw conflict("moved", "the template has changed since the plan was made", template.changed);
  }
  const tabs = tabsOf(what, signerIn(what, readRecipients(context, id)));
  const answer = settled(context.post("api", "/envelopes").json(definition(effect, tabs)).step("send"));
  const made = answer.json(({ envelopeId }) => words(envelopeId));
  return afterStep(() => sent(effect, readEnvelope(context, made), traceOf(answer)));
}

export function probeSend(context: Context, effect: Effect): Finding {
  const found = look(context, effect);
  return found === null ? absent : landed(sent(effect, found));
}

/** A text that DocuSign takes as one line. */
function line(what: Proposal, name: string): string {
  const found = text(what, name);
  if ([...found].length <= LINE_CHARACTERS_MAX && !CONTROL.test(found)) return found;
  const most = `one line of ${LINE_CHARACTERS_MAX} characters at most`;
  throw rejected("bad-input", `the field \`${name}\` must be ${most}`, [name]);
}

/** The signer of the template whose place is taken. Everybody else must be named in the template already. */
function signerIn(what: Proposal, recipients: Recipients): Signer {
  const role = text(what, "role");
  const [signer, ...others] = recipients.signers.filter((one) => one.role === role);
  if (signer === undefined || others.length > 0 || !recipients.open.includes(role)) {
    throw rejected("no-such-role", "the template has no open signer of this role, or several", ["role"]);
  }
  if (recipients.open.length > 1) {
    throw rejected("open-roles", "the template leaves further roles open: name their recipients in it");
  }
  return signer;
}

/** A tab of the template, and what is to stand there. */
interface Filled {
  name: string;
  tab: Tab;
  words: string;
}

/** The tabs that are filled. DocuSign passes over a label that the template does not have, so it is looked for here. */
function tabsOf(what: Proposal, signer: Signer): Filled[] {
  const asked = what.fields.filter((one) => one.name.startsWith(TAB) && one.value.tag !== "absent");
  return asked.map(({ name }) => {
    const found = signer.tabs.filter((tab) => wordOf(tab.label) === name.slice(TAB.length));
    const [tab, ...others] = found;
    if (tab === undefined) throw rejected("no-such-tab", "the signer has no text tab of this label", [name]);
    if (others.some((other) => other.label !== tab.label)) {
      throw rejected("ambiguous", "the signer has text tabs of several labels that are written so", [name]);
    }
    const filled = text(what, name);
    if (found.some(({ lengthMax }) => lengthMax !== null && lengthMax < [...filled].length)) {
      throw rejected("bad-input", "the text is longer than its tab takes", [name]);
    }
    // What one of them lets the signer change is changed in all.
    return { name, tab: { ...tab, isLocked: found.every(({ isLocked }) => isLocked) }, words: filled };
  });
}

/** What DocuSign does by itself, for whoever decides. */
function remarks(tabs: Filled[], fixed: number): string[] {
  const unlocked = tabs.filter(({ tab }) => !tab.isLocked);
  const open = unlocked.map(({ name }) => `the signer can change \`${name}\` before signing`);
  const further = fixed === 0 ? [] : [`recipients that the template names besides, each reached in turn: ${fixed}`];
  return ["the signer is asked by mail at once, and what is signed binds", ...further, ...open];
}

/** What is posted: all of it is sealed, or of the template as it was sealed. */
function definition(effect: Effect, tabs: Filled[]): object {
  const what = sealed(effect);
  const textTabs = tabs.map(({ tab, words: filled }) => ({ tabLabel: tab.label, value: filled }));
  const role = { roleName: text(what, "role"), name: line(what, "signer_name"), email: line(what, "signer_email") };
  const mark = { name: MARK, value: effect.effectId, show: "false", required: "false" };
  return {
    templateId: what.subject.id,
    emailSubject: line(what, "email_subject"),
    templateRoles: [textTabs.length === 0 ? role : { ...role, tabs: { textTabs } }],
    customFields: { textCustomFields: [mark] },
    transactionId: effect.effectId,
    status: "sent",
  };
}

/** The envelope of the effect; null if there is none. */
function look(context: Context, effect: Effect): Envelope | null {
  const since = new Date(instantMs(sealed(effect), NOT_BEFORE) - BEHIND_MS).toISOString();
  const all = () => context.get("api", "/envelopes");
  const marked = () => all().query("custom_field", `${MARK}=${effect.effectId}`).query("from_date", since);
  const id =
    first(all().query("transaction_ids", effect.effectId)) ??
    first(marked().query("order_by", "created").query("order", "asc").query("count", 2));
  if (id === null) return null;
  const found = readEnvelope(context, id);
  if (found.status === DRAFT) {
    throw uncertain("left-as-draft", "the envelope is there as a draft and was not sent: send or delete it yourself");
  }
  const isMarked = found.fields.some((one) => one.name === MARK && one.value === effect.effectId);
  if (isMarked || found.transaction === effect.effectId) return found;
  throw uncertain("not-ours", "DocuSign finds an envelope that does not name the effect: look yourself");
}

/** The id of the first envelope that is listed; null if there is none. */
function first(draft: Draft): string | null {
  return read(draft, (body) => {
    const listed = [...entries(body.envelopes), ...entries(body.envelopeTransactionStatuses)];
    // A list that is not there is an empty one only if the answer counts none.
    if (listed.length === 0 && body.resultSetSize !== "0") throw new Error("that is no list of envelopes");
    const isThere = (one: any) => !(textOf(one.envelopeId) === null && GONE.includes(one.errorDetails?.errorCode));
    const [one] = listed.filter(isThere);
    return one === undefined ? null : words(one.envelopeId);
  });
}

/** What DocuSign holds for the effect, and beside it what it was decided on. */
function sent(effect: Effect, now: Envelope, vendorRequestId: string | null = null): Receipt {
  const what = sealed(effect);
  const held = snapshot(now, text(what, "role"));
  const decided = [CHANGED, NOT_BEFORE].map((name) => field(name, valueOf(what.fields, name)));
  return receipt(effect, { ...held, fields: [...held.fields, ...decided] }, { vendorRequestId });
}
