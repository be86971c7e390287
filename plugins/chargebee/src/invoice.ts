// Invoices and their credit notes, as Chargebee tells them.
// Sources: https://apidocs.chargebee.com/docs/api/invoices and https://apidocs.chargebee.com/docs/api/credit_notes.

import { type Context, field, type Snapshot, value } from "countersign-sdk";
import { amountOf, whole } from "./amount";
import { entries, record, version, words } from "./chargebee";

/** The kinds of record. */
export const INVOICE = "invoice";
export const CREDIT_NOTE = "credit-note";

/** An invoice, as Chargebee tells it. */
export interface Invoice {
  id: string;
  customer: string;
  status: string;
  currency: string;
  version: string;
  total: number;
  paid: number;
  due: number;
  /** What is being paid just now. */
  inProgress: number;
  /** What can be credited or given back of what was paid. */
  refundable: number;
  notes: { id: string; total: number }[];
}

/** A credit note, as Chargebee tells it. */
export interface CreditNote {
  id: string;
  customer: string;
  invoice: string | null;
  type: string;
  status: string;
  currency: string;
  version: string;
  total: number;
  refunded: number;
  left: number;
  reasonCode: string | null;
  createReasonCode: string | null;
  refunds: { id: string; status: string }[];
}

/** The sum of a member, over the entries that count. */
function sum(found: any[], of: (one: any) => unknown, counts: (one: any) => boolean = () => true): number {
  return whole(found.filter(counts).reduce((total: number, one) => total + whole(of(one)), 0));
}

const isStanding = (one: any) => one.cn_status !== "voided";

function invoiceOf(found: any): Invoice {
  const [payments, credits] = [entries(found.linked_payments), entries(found.applied_credits)];
  const [issued, adjusted] = [entries(found.issued_credit_notes), entries(found.adjustment_credit_notes)];
  const applied = (one: any) => one.applied_amount;
  const paid = sum(payments, applied, (one) => one.txn_status === "success") + sum(credits, applied, isStanding);
  const withheld = sum(entries(found.linked_taxes_withheld), (one) => one.amount);
  return {
    id: words(found.id),
    customer: words(found.customer_id),
    status: words(found.status),
    currency: words(found.currency_code),
    version: version(found),
    total: whole(found.total ?? 0),
    paid: whole(found.amount_paid ?? 0),
    due: whole(found.amount_due ?? 0),
    inProgress: sum(payments, applied, (one) => one.txn_status === "in_progress"),
    refundable: whole(paid + withheld - sum(issued, (one) => one.cn_total ?? 0, isStanding)),
    notes: [...issued, ...adjusted].map((one) => ({ id: words(one.cn_id), total: whole(one.cn_total ?? 0) })),
  };
}

/** Takes an answer for a credit note, or says what is wrong with it. */
export function creditNoteOf(found: any): CreditNote {
  const optional = (text: unknown) => (text === undefined ? null : words(text));
  return {
    id: words(found.id),
    customer: words(found.customer_id),
    invoice: optional(found.reference_invoice_id),
    type: words(found.type),
    status: words(found.status),
    currency: words(found.currency_code),
    version: version(found),
    total: whole(found.total ?? 0),
    refunded: whole(found.amount_refunded ?? 0),
    left: whole(found.amount_available ?? 0),
    reasonCode: optional(found.reason_code),
    createReasonCode: optional(found.create_reason_code),
    refunds: entries(found.linked_refunds).map(({ txn_id: id, txn_status: status = "unknown" }) => {
      return { id: words(id), status: words(status) };
    }),
  };
}

/** The invoice with this id. */
export function readInvoice(context: Context, id: string): Invoice {
  return record(context, INVOICE, "invoices", id, invoiceOf);
}

/** The credit note with this id. */
export function readNote(context: Context, id: string): CreditNote {
  return record(context, CREDIT_NOTE, "credit_notes", id, creditNoteOf);
}

export function fetchInvoice(context: Context, id: string): Snapshot {
  const now = readInvoice(context, id);
  const amount = (name: string, of: number) => field(name, amountOf(of, now.currency));
  const fields = [
    field("customer", value.reference("customer", now.customer)),
    field("status", value.text(now.status)),
    amount("total", now.total),
    amount("amount_paid", now.paid),
    amount("amount_due", now.due),
    amount("refundable", now.refundable),
  ];
  return { subject: { kind: INVOICE, id }, revision: now.version, url: null, fields };
}

/** What a credit note holds. */
export function snapshot(now: CreditNote): Snapshot {
  const amount = (name: string, of: number) => field(name, amountOf(of, now.currency));
  const fields = [
    field("customer", value.reference("customer", now.customer)),
    field("invoice", now.invoice === null ? value.absent : value.reference(INVOICE, now.invoice)),
    field("type", value.text(now.type)),
    field("status", value.text(now.status)),
    amount("amount", now.total),
    amount("amount_refunded", now.refunded),
    amount("amount_available", now.left),
    field("reason_code", value.optionalText(now.reasonCode)),
    field("create_reason_code", value.optionalText(now.createReasonCode)),
  ];
  return { subject: { kind: CREDIT_NOTE, id: now.id }, revision: now.version, url: null, fields };
}

export function fetchCreditNote(context: Context, id: string): Snapshot {
  return snapshot(readNote(context, id));
}
