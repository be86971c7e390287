// Values and fields, read and made.

import type {
  Change,
  DraftIntent,
  Effect,
  Field,
  Finding,
  Page,
  Proposal,
  Receipt,
  RecordRef,
  Snapshot,
  Value,
  WritePlan,
} from "./contract";
import { rejected } from "./failure";

/** Longest id of a record, in bytes. */
const ID_BYTES_MAX = 2_048;
/** Longest name of a wish, in characters. */
const DEDUPE_KEY_CHARACTERS_MAX = 200;
/** Longest text, in bytes. */
const TEXT_BYTES_MAX = 256 * 1024;

/** Makes values. */
export const value = {
  absent: { tag: "absent" } as Value,
  flag: (val: boolean): Value => ({ tag: "flag", val }),
  integer: (val: number): Value => ({ tag: "integer", val }),
  /** A number as decimal text, such as `12.50`. */
  decimal: (val: string): Value => ({ tag: "decimal", val }),
  text: (val: string): Value => ({ tag: "text", val }),
  /** Text, or nothing. */
  optionalText: (val: string | null | undefined): Value => (val == null ? { tag: "absent" } : { tag: "text", val }),
  /** `YYYY-MM-DD`. */
  date: (val: string): Value => ({ tag: "date", val }),
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  instantMs: (val: number): Value => ({ tag: "instant-ms", val }),
  /** Decimal text in the major unit, and a currency. */
  money: (amount: string, currency: string): Value => ({ tag: "money", val: { amount, currency } }),
  reference: (kind: string, id: string): Value => ({ tag: "reference", val: { kind, id } }),
  /** Nested data, its members sorted: equal data is equal text. */
  json: (val: unknown): Value => ({ tag: "json", val: stable(val) }),
};

/** A field of this name. */
export function field(name: string, of: Value): Field {
  return { name, value: of };
}

/** The value of the field of this name; `absent` if there is none. */
export function valueOf(fields: Field[], name: string): Value {
  return fields.find((known) => known.name === name)?.value ?? value.absent;
}

/** An input that must be text and not empty. */
export function text(what: Proposal, name: string): string {
  const found = valueOf(what.fields, name);
  if (found.tag === "text" && found.val !== "") return found.val;
  throw wrong(name, "text", found);
}

/** An input that is text, or was left out. */
export function optionalText(what: Proposal, name: string): string | null {
  const found = valueOf(what.fields, name);
  if (found.tag === "absent") return null;
  if (found.tag === "text") return found.val;
  throw wrong(name, "text", found);
}

/** An input that must be an amount of money. */
export function money(what: Proposal, name: string): { amount: string; currency: string } {
  const found = valueOf(what.fields, name);
  if (found.tag === "money") return found.val;
  throw wrong(name, "an amount of money", found);
}

/** An input that must be decimal text. */
export function decimal(what: Proposal, name: string): string {
  const found = valueOf(what.fields, name);
  if (found.tag === "decimal") return found.val;
  throw wrong(name, "a decimal number", found);
}

/** An input that must be a whole number. */
export function integer(what: Proposal, name: string): number {
  const found = valueOf(what.fields, name);
  if (found.tag === "integer" && Number.isSafeInteger(found.val)) return found.val;
  throw wrong(name, "a whole number", found);
}

/** An input that must be a moment, in milliseconds since 1970-01-01T00:00:00Z. */
export function instantMs(what: Proposal, name: string): number {
  const found = valueOf(what.fields, name);
  if (found.tag === "instant-ms" && Number.isSafeInteger(found.val)) return found.val;
  throw wrong(name, "a moment", found);
}

function wrong(name: string, wanted: string, found: Value): Error {
  const shown = found.tag === "text" && found.val === "" ? "empty text" : found.tag;
  return rejected("bad-input", `the field \`${name}\` must be ${wanted}, not ${shown}`, [name]);
}

/** Whether two values are the same. */
export function same(one: Value, other: Value): boolean {
  return stable(one) === stable(other);
}

/** JSON with its members sorted: the same data is the same bytes. */
export function stable(data: unknown): string {
  return JSON.stringify(data, sorted);
}

function sorted(_: string, part: unknown): unknown {
  if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The plan of an update: each wanted field that the record does not hold already. */
export function update(now: Snapshot, wanted: Field[]): WritePlan {
  const changes = wanted
    .map((one): Change => ({ name: one.name, before: valueOf(now.fields, one.name), after: one.value }))
    .filter((change) => !same(change.before, change.after));
  return { subject: now.subject, revision: now.revision, changes, remarks: [] };
}

/** The plan of a creation: every field of the proposal, from nothing to what was asked for. */
export function creation(what: Proposal): WritePlan {
  const changes = what.fields.map((one): Change => ({ name: one.name, before: value.absent, after: one.value }));
  return { subject: what.subject, revision: null, changes, remarks: [] };
}

/** What was asked for, with the values that were sealed: make requests of this, never of `effect.what`. */
export function sealed(effect: Effect): Proposal {
  const fields = effect.plan.changes.map((change) => field(change.name, change.after));
  const unplanned = effect.what.fields.filter((asked) => !fields.some((known) => known.name === asked.name));
  return { ...effect.what, subject: effect.plan.subject, fields: [...fields, ...unplanned] };
}

/** A receipt for this record: of each planned field what `now` holds. */
export function receipt(effect: Effect, now: Snapshot, more: Partial<Receipt> = {}): Receipt {
  const applied = effect.plan.changes.map((change) => field(change.name, valueOf(now.fields, change.name)));
  const { subject, revision, url } = now;
  return { subject, revision, url, vendorRequestId: null, applied, extra: [], ...more };
}

export const landed = (of: Receipt): Finding => ({ tag: "landed", val: of });
export const absent: Finding = { tag: "absent" };
export const unknown: Finding = { tag: "unknown" };

// What leaves the connector is looked at: a target's odd value becomes a failure that names the field.

/** What is odd about fields, if anything is. */
export function oddField(fields: Field[]): string | null {
  for (const { name, value: of } of fields) {
    const what = odd(of);
    if (what) return `\`${name}\` of the record is ${what}`;
  }
  return null;
}

/** What is odd about a revision or an address, if anything is. */
export function oddPlace(...found: unknown[]): string | null {
  const fine = (one: unknown) => one === null || (typeof one === "string" && bytes(one) <= ID_BYTES_MAX);
  return found.every(fine) ? null : "the revision or the address of the record is no text";
}

/** What is odd about an address on which a person will click, if anything is. */
export function oddUrl(url: string | null): string | null {
  if (url === null || /^https?:\/\//.test(url)) return null;
  return `the address of the record is \`${wellFormed(url.slice(0, 40))}\`, which is no web address`;
}

/** What is odd about a page, if anything is. */
export function oddPage(page: Page): string | null {
  return page.items.map((item) => oddRecord(item.subject) ?? oddField(item.fields)).find(Boolean) ?? null;
}

/** What is odd about a record, if anything is. */
export function oddRecord(subject: RecordRef): string | null {
  return isName(subject.id) ? null : "the id of the record is none";
}

/** What is odd about the records that a delivery is about, if anything is. */
export function oddRecords(records: RecordRef[]): string | null {
  if (!Array.isArray(records)) return "what the delivery is about is no list of records";
  const kind = (of: RecordRef) => (isName(of.kind) ? null : "the kind of a record is none");
  return records.map((of) => kind(of) ?? oddRecord(of)).find(Boolean) ?? null;
}

/** What is odd about the intents that a delivery asks for, if anything is. */
export function oddDrafts(drafts: DraftIntent[]): string | null {
  if (!Array.isArray(drafts)) return "what the delivery asks for is no list of drafts";
  return drafts.map(oddDraft).find(Boolean) ?? null;
}

function oddDraft(draft: DraftIntent): string | null {
  if (!isName(draft.dedupeKey)) return "the `dedupeKey` of a draft is no text";
  const length = Array.from(draft.dedupeKey).length;
  if (length < 1 || length > DEDUPE_KEY_CHARACTERS_MAX) return `the \`dedupeKey\` of a draft has ${length} characters`;
  if (!isName(draft.intentType)) return "the intent type of a draft is no text";
  if (draft.requester !== null && !isName(draft.requester)) return "the requester of a draft is no text";
  return oddRecords([draft.source]) ?? oddField(draft.fields);
}

function isName(of: unknown): boolean {
  return typeof of === "string" && bytes(of) <= ID_BYTES_MAX;
}

/** Whether a letter is half a pair of surrogates: targets send them, and they cannot leave. */
function isHalf(letter: string): boolean {
  const code = letter.codePointAt(0) ?? 0;
  return code >= 0xd800 && code <= 0xdfff;
}

/** The text with a replacement character for each half a pair of surrogates. */
export function wellFormed(text: string): string {
  return Array.from(text, (letter) => (isHalf(letter) ? "\ufffd" : letter)).join("");
}

/** How many bytes a text has in UTF-8; without end if it has none there. */
function bytes(text: string): number {
  let count = 0;
  for (const letter of text) {
    if (isHalf(letter)) return Number.POSITIVE_INFINITY;
    const code = letter.codePointAt(0) ?? 0;
    count += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return count;
}

function odd(of: Value): string | null {
  const no = (found: unknown, what: string) => `\`${String(found).slice(0, 40)}\`, which is no ${what}`;
  // What comes from a target may be of another type than was promised to the compiler.
  const is: unknown = of.tag === "absent" ? null : of.val;
  switch (of.tag) {
    case "absent":
      return null;
    case "flag":
      return typeof is === "boolean" ? null : no(is, "yes or no");
    case "integer":
      return Number.isSafeInteger(of.val) ? null : no(of.val, "whole number up to 2^53");
    case "instant-ms":
      return Number.isSafeInteger(of.val) && of.val >= 0 ? null : no(of.val, "moment");
    case "decimal":
      return isDecimal(of.val) ? null : no(of.val, "decimal number");
    case "date":
      return isDate(of.val) ? null : no(of.val, "date such as 2026-11-23");
    case "money":
      if (!/^[A-Z]{3}$/.test(of.val.currency)) return no(of.val.currency, "currency such as EUR");
      return isAmount(of.val.amount, of.val.currency) ? null : no(of.val.amount, `amount of ${of.val.currency}`);
    case "reference":
      return oddRecord(of.val) ? no(of.val.id, "id of a record") : null;
    case "text":
    case "json":
      return typeof is === "string" && bytes(is) <= TEXT_BYTES_MAX ? null : "no text of a bearable length";
  }
}

function isDecimal(text: unknown): boolean {
  return typeof text === "string" && /^-?\d{1,40}(\.\d{1,40})?$/.test(text);
}

/** The currencies that have other than two digits after the point. */
const DIGITS: Readonly<Record<string, number>> = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0,
  XAF: 0, XOF: 0, XPF: 0, BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3, CLF: 4, UYW: 4,
};
/** Digits of which every number fits into 63 bits. */
const DIGITS_THAT_FIT = 18;
/** Most minor units of an amount: 63 bits. */
const MINOR_MAX = "9223372036854775807";

/**
 * How many digits a currency has after the point (ISO 4217, table A.1), as the host counts them: an answer with more
 * is refused.
 */
export function currencyDigits(currency: string): number {
  return DIGITS[currency] ?? 2;
}

/** Not finer than its currency, and not too large. */
function isAmount(text: unknown, currency: string): boolean {
  if (!isDecimal(text)) return false;
  const found = String(text);
  const point = found.indexOf(".");
  const behind = point < 0 ? 0 : found.length - point - 1;
  const digits = currencyDigits(currency);
  if (behind > digits) return false;
  if (found.length + digits - behind <= DIGITS_THAT_FIT) return true;
  const minor = found.replace(/[-.]/g, "") + "0".repeat(digits - behind);
  return BigInt(minor) <= BigInt(MINOR_MAX);
}

function isDate(text: unknown): boolean {
  if (typeof text !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const moment = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(text);
}
