// `create-credit-note` and `create-refund`: both leave a credit note on an invoice.
// Sources: https://apidocs.chargebee.com/docs/api/credit_notes/create-credit-note,
// https://apidocs.chargebee.com/docs/api/invoices/refund-an-invoice, https://apidocs.chargebee.com/docs/api/comments.
//
// The internal comment of each names the effect. It is looked for on the credit notes of the invoice that have the
// amount, and on their refunds.

import {
  absent,
  conflict,
  type Context,
  type Draft,
  type Effect,
  field,
  type Finding,
  landed,
  money,
  optionalText,
  path,
  type Proposal,
  receipt,
  type Receipt,
  rejected,
  sealed,
  text,
  uncertain,
  unknown,
  value,
  type WritePlan,
} from "countersign-sdk";
import { amountOf, counted } from "./amount";
import { entries, get, settled, words } from "./chargebee";
import { type CreditNote, creditNoteOf, type Invoice, readInvoice, readNote, snapshot } from "./invoice";
import { reasonField } from "./reasons";

/** The operations. */
export const CREATE_CREDIT_NOTE = "create-credit-note";
export const CREATE_REFUND = "create-refund";

/** Invoices that are closed, and not voided. */
const CLOSED = ["paid", "posted", "payment_due", "not_paid"];
/** What stands in a comment before the id of the effect. */
const MARK = "countersign ";
/** Comments of one page, the most that Chargebee gives. */
const PAGE = 100;
/** Most credit notes of one amount that are looked through: the host allows 32 requests in one call. */
const NOTES_MAX = 8;
/** Refunds whose money is on its way or there. */
const REFUNDED = ["success", "in_progress"];
/** Refunds that did not come about. */
const FAILED = ["failure", "timeout", "voided", "late_failure"];

/** What an amount that is asked for is, as Chargebee counts it. */
function amountIn(what: Proposal, invoice: Invoice): number {
  return counted(money(what, "amount"), invoice.currency, "amount");
}

/** Which type of credit note it is to be: what is still due is lowered first. */
function typeOf(what: Proposal, amount: number, lowerable: number): "adjustment" | "refundable" {
  const asked = optionalText(what, "type");
  if (asked === null) return amount <= lowerable ? "adjustment" : "refundable";
  if (asked === "adjustment" || asked === "refundable") return asked;
  throw rejected("bad-input", "the field `type` must be `adjustment` or `refundable`", ["type"]);
}

/** What Chargebee does by itself, for whoever decides. */
const REMARKS = {
  adjustment: "what is due on the invoice is lowered at once",
  refundable: "what is credited is taken off the customer's next invoice, or given back by hand",
  refund: "the money goes back through the payment gateway, and a refundable credit note is issued for it",
};

export function planCredit(context: Context, what: Proposal): WritePlan {
  const invoice = readInvoice(context, what.subject.id);
  const amount = amountIn(what, invoice);
  const isRefund = what.operation === CREATE_REFUND;
  const lowerable = invoice.due - invoice.inProgress;
  const type = isRefund ? "refundable" : typeOf(what, amount, lowerable);
  const reason = reasonField(context, text(what, "reason"));
  if (!CLOSED.includes(invoice.status)) throw rejected("not-closed", `the invoice is ${invoice.status}`);
  if (isRefund && invoice.inProgress > 0) {
    throw rejected("being-paid", "the invoice is being paid just now: nothing is given back before that has ended");
  }
  if (amount > (type === "adjustment" ? lowerable : invoice.refundable)) {
    const of = type === "adjustment" ? "is due on the invoice" : "was paid and not credited";
    throw rejected("more-than-left", `that is more than ${of}`, ["amount"]);
  }
  const fields = [field("amount", amountOf(amount, invoice.currency)), reason];
  if (!isRefund) fields.push(field("type", value.text(type)));
  return {
    subject: what.subject,
    revision: invoice.version,
    changes: fields.map((one) => ({ name: one.name, before: value.absent, after: one.value })),
    remarks: [REMARKS[isRefund ? "refund" : type]],
  };
}

/** The effects that the comments on a record name. */
function named(context: Context, kind: string, id: string): string[] {
  const draft = get(context, "comments").query("entity_type", kind).query("entity_id", id).query("limit", PAGE);
  return settled(draft.read()).json(({ list, next_offset: next }) => {
    if (next !== undefined) throw uncertain("too-many", `\`${id}\` has more than ${PAGE} comments: look yourself`);
    const notes: string[] = entries(list).map(({ comment }) => words(comment.notes));
    return notes.filter((note) => note.startsWith(MARK)).map((note) => note.slice(MARK.length));
  });
}

/** What a look through an invoice's credit notes found. */
interface Look {
  note: CreditNote | null;
  /** Whether one of them may be ours, as it names no effect at all. */
  isUnsure: boolean;
}

/** Looks for the credit note of an effect, among those of the invoice with its amount. */
function look(context: Context, effect: Effect, invoice: Invoice): Look {
  const amount = amountIn(sealed(effect), invoice);
  const like = invoice.notes.filter((note) => note.total === amount);
  if (like.length > NOTES_MAX) {
    throw uncertain("too-many", `the invoice has more than ${NOTES_MAX} credit notes of this amount: look yourself`);
  }
  let isUnsure = false;
  for (const { id } of like) {
    const note = readNote(context, id);
    const onNote = named(context, "credit_note", id);
    const onRefunds = () => note.refunds.flatMap((refund) => named(context, "transaction", refund.id));
    const effects = onNote.length > 0 ? onNote : onRefunds();
    if (effects.includes(effect.effectId)) return { note, isUnsure: false };
    isUnsure ||= effects.length === 0;
  }
  return { note: null, isUnsure };
}

/** The receipt for a credit note of ours, unless nothing came of it. */
function done(effect: Effect, note: CreditNote, requestId: string | null = null): Receipt {
  if (note.status === "voided") throw rejected("voided", `the credit note \`${note.id}\` was voided`);
  for (const { id, status } of effect.what.operation === CREATE_REFUND ? note.refunds : []) {
    const message = `the refund \`${id}\` is in \`${status}\``;
    if (FAILED.includes(status)) throw rejected("refund-failed", message);
    if (!REFUNDED.includes(status)) throw uncertain("refund-open", `${message}: look at the payment gateway`);
  }
  const extra = note.refunds.map(({ id }): [string, string] => ["transaction", id]);
  return receipt(effect, snapshot(note), { vendorRequestId: requestId, extra });
}

/** The request that does it. */
function request(context: Context, effect: Effect, invoice: Invoice): Draft {
  const what = sealed(effect);
  const amount = String(amountIn(what, invoice));
  const isRefund = what.operation === CREATE_REFUND;
  const codes = effect.plan.changes.filter(({ name }) => name === "reason_code" || name === "create_reason_code");
  const form = codes.map(({ name }): [string, string] => [isRefund ? `credit_note[${name}]` : name, text(what, name)]);
  form.push(["comment", MARK + effect.effectId]);
  if (isRefund) {
    return context.post("api", path("invoices", invoice.id, "refund")).form([["refund_amount", amount], ...form]);
  }
  form.push(["reference_invoice_id", invoice.id], ["type", text(what, "type")], ["total", amount]);
  return context.post("api", "/credit_notes").form(form);
}

export function applyCredit(context: Context, effect: Effect): Receipt {
  const invoice = readInvoice(context, effect.plan.subject.id);
  const before = look(context, effect, invoice);
  if (before.note !== null) return done(effect, before.note);
  if (effect.plan.revision !== invoice.version) {
    throw conflict("moved", "the invoice has changed since the plan was made", invoice.version);
  }
  const answer = settled(request(context, effect, invoice).step(effect.what.operation));
  const note = answer.json(({ credit_note: found }) => creditNoteOf(found));
  const isOf = note.invoice === invoice.id && note.currency === invoice.currency;
  if (!isOf || note.total !== amountIn(sealed(effect), invoice)) {
    throw answer.unreadable("the credit note is not the one that was asked for");
  }
  return done(effect, note, answer.requestId);
}

/**
 * An invoice that has not moved since the plan has no credit note of ours. Where it has moved, a credit note of this
 * amount that names no effect may be ours: then nobody can say.
 */
export function probeCredit(context: Context, effect: Effect): Finding {
  const invoice = readInvoice(context, effect.plan.subject.id);
  const { note, isUnsure } = look(context, effect, invoice);
  if (note !== null) return landed(done(effect, note));
  return isUnsure && effect.plan.revision !== invoice.version ? unknown : absent;
}
