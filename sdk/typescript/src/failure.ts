// The five ways in which a call can fail, each of them one action of the host.

import type { Detail, RawFailure } from "./contract";

/** Code of a failure that the connector's author did not foresee. */
export const CONNECTOR_BUG = "connector.bug";

/** Facts about an answer that a failure can carry. */
export interface Answered {
  status: number;
  requestId: string | null;
}

/** Why a call gives no result. Throw it; the case, and nothing else, says what happens next. */
export class Failure extends Error {
  constructor(readonly raw: RawFailure) {
    super(detailOf(raw).message);
  }

  /** `transient`, `rejected`, `conflict`, `denied` or `uncertain`. */
  get case(): RawFailure["tag"] {
    return this.raw.tag;
  }

  get detail(): Detail {
    return detailOf(this.raw);
  }

  /** Adds the status and the vendor's request id of an answer. */
  answered(answer: Answered): this {
    this.detail.vendorStatus = answer.status;
    this.detail.vendorRequestId = answer.requestId;
    return this;
  }
}

function detailOf(raw: RawFailure): Detail {
  return raw.tag === "denied" || raw.tag === "uncertain" ? raw.val : raw.val.detail;
}

function detail(code: string, message: string): Detail {
  return { code, message, vendorStatus: null, vendorRequestId: null, extra: [] };
}

/** Nothing was changed, and trying again may help, after `afterMs` if the vendor said so. */
export function transient(code: string, message: string, afterMs: number | null = null): Failure {
  return new Failure({ tag: "transient", val: { afterMs, detail: detail(code, message) } });
}

/** It will never work as asked. `fields` are those that the vendor objected to. */
export function rejected(code: string, message: string, fields: string[] = []): Failure {
  return new Failure({ tag: "rejected", val: { fields, detail: detail(code, message) } });
}

/** The record moved under us; `revision` is what the vendor holds now. */
export function conflict(code: string, message: string, revision: string | null = null): Failure {
  return new Failure({ tag: "conflict", val: { revision, detail: detail(code, message) } });
}

/** Credential or permission trouble. */
export function denied(code: string, message: string): Failure {
  return new Failure({ tag: "denied", val: detail(code, message) });
}

/** The change may or may not have landed. */
export function uncertain(code: string, message: string): Failure {
  return new Failure({ tag: "uncertain", val: detail(code, message) });
}

/** The target has no such record. */
export function notFound(kind: string, id: string): Failure {
  return rejected("not-found", `the target has no record \`${kind}/${id}\``);
}

/** The operation is none of the connector's. */
export function unknownOperation(name: string): Failure {
  return rejected("unknown-operation", `this connector has no operation \`${name}\``);
}

/** The record's kind is none of the connector's. */
export function unknownKind(kind: string): Failure {
  return rejected("unknown-kind", `records of the kind \`${kind}\` cannot be used here`);
}

const CASES = ["transient", "rejected", "conflict", "denied", "uncertain"];

/** Whether something that was thrown is a failure of the contract, as the host throws them. */
export function isRaw(thrown: unknown): thrown is RawFailure {
  const tag = (thrown as { tag?: unknown } | null)?.tag;
  return typeof tag === "string" && CASES.includes(tag);
}

/** What was thrown, as a failure. What nobody foresaw is a bug of the connector, with its text. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  // A failure of the host's comes as the payload of an error.
  const payload = (thrown as { payload?: unknown } | null)?.payload;
  const raw = isRaw(thrown) ? thrown : payload;
  if (isRaw(raw)) return new Failure(raw);
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return rejected(CONNECTOR_BUG, text);
}
