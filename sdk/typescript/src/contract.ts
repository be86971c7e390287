// The words of the connector contract, as the component's glue gives and takes them: a variant is a
// `tag` with its `val`, an option is the value or `null`, names are in camel case. An `extra` stands here where the
// contract documents a name for it, or where nobody else would add the empty one.

/** An amount as decimal text in the major unit, and an ISO 4217 code in capitals. */
export interface Money {
  amount: string;
  currency: string;
}

/** A record at the target: its kind, and the target's own id. */
export interface RecordRef {
  kind: string;
  id: string;
}

/** The value of a field. Amounts and rates are decimal text and never pass through a number. */
export type Value =
  | { tag: "absent" }
  | { tag: "flag"; val: boolean }
  /** Exact up to 2^53. */
  | { tag: "integer"; val: number }
  | { tag: "decimal"; val: string }
  | { tag: "text"; val: string }
  /** `YYYY-MM-DD`. */
  | { tag: "date"; val: string }
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  | { tag: "instant-ms"; val: number }
  | { tag: "money"; val: Money }
  | { tag: "reference"; val: RecordRef }
  /** JSON as text. */
  | { tag: "json"; val: string };

export interface Field {
  name: string;
  value: Value;
}

/** What a record holds now. */
export interface Snapshot {
  subject: RecordRef;
  revision: string | null;
  url: string | null;
  fields: Field[];
}

/** What is asked for. */
export interface Proposal {
  operation: string;
  subject: RecordRef;
  fields: Field[];
}

/** One line of a write plan. */
export interface Change {
  name: string;
  before: Value;
  after: Value;
}

/** What an approval will change, field by field. People see it; `apply` writes it and nothing else. */
export interface WritePlan {
  subject: RecordRef;
  revision: string | null;
  changes: Change[];
  remarks: string[];
}

/** One approved change, for one attempt or one look. */
export interface Effect {
  /** The same for ever, at most 64 characters. */
  effectId: string;
  /** Counted from 1. */
  attempt: number;
  what: Proposal;
  plan: WritePlan;
  nowMs: number;
  extra: [string, string][];
}

/** The target's proof of a change. */
export interface Receipt {
  subject: RecordRef;
  revision: string | null;
  url: string | null;
  vendorRequestId: string | null;
  /** What the target holds of each planned field. */
  applied: Field[];
  extra: [string, string][];
}

/** What a look found. */
export type Finding = { tag: "landed"; val: Receipt } | { tag: "absent" } | { tag: "unknown" };

/** A page of what has changed. */
export interface Page {
  items: Snapshot[];
  next: string | null;
}

export type Guarantee = "by-key" | "by-natural-key" | "by-probe" | "blind";

export interface Operation {
  name: string;
  kind: string;
  /** JSON Schema (2020-12) of the input, as text. */
  inputSchema: string;
  guarantee: Guarantee;
  reversible: boolean;
}

export interface Descriptor {
  name: string;
  version: string;
  system: string;
  kinds: string[];
  operations: Operation[];
  extra: [string, string][];
}

/** Facts for people about a failure. */
export interface Detail {
  code: string;
  message: string;
  vendorStatus: number | null;
  vendorRequestId: string | null;
  extra: [string, string][];
}

/** A failure as the host takes it. */
export type RawFailure =
  | { tag: "transient"; val: { afterMs: number | null; detail: Detail } }
  | { tag: "rejected"; val: { fields: string[]; detail: Detail } }
  | { tag: "conflict"; val: { revision: string | null; detail: Detail } }
  | { tag: "denied"; val: Detail }
  | { tag: "uncertain"; val: Detail };

/** A delivery as the host gives it. */
export interface RawDelivery {
  hook: string;
  headers: [string, string][];
  body: Payload;
  receivedMs: number;
}

/** An intent that a delivery asks for. */
export interface DraftIntent {
  /** The intent type, such as `discount`. The manifest names it under `[intake]`. */
  intentType: string;
  /** The record at the vendor that the intent is about. */
  source: RecordRef;
  /** Its tokens, named as in its intent type. */
  fields: Field[];
  /** The same text for the same wish, however often it is delivered: at most 200 characters. The host makes one intent of each. */
  dedupeKey: string;
  /** Who asks, as the vendor names them: a mail address that the host's people file has, or an id of a person there. */
  requester: string | null;
  extra: [string, string][];
}

export type Payload = { tag: "empty" } | { tag: "text"; val: string } | { tag: "bytes"; val: Uint8Array };

/** The methods that every host knows. */
export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

export type Purpose = { tag: "read" } | { tag: "step"; val: string };

export interface Request {
  endpoint: string;
  method: Method;
  path: string;
  query: [string, string][];
  headers: [string, string][];
  body: Payload;
  purpose: Purpose;
  extra: [string, string][];
}

export interface Response {
  status: number;
  headers: [string, string][];
  body: Payload;
}

export type Level = "debug" | "info" | "warn" | "error";
