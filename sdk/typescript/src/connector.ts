// From an object with one method for each question to the exports of the component.

import diagnostics from "countersign:connector/diagnostics@1.0.0";
import settings from "countersign:connector/settings@1.0.0";
import type {
  Descriptor,
  DraftIntent,
  Effect,
  Finding,
  Guarantee,
  Level,
  Method,
  Operation,
  Page,
  Proposal,
  RawDelivery,
  Receipt,
  RecordRef,
  Snapshot,
  WritePlan,
} from "./contract";
import { Delivery } from "./delivery";
import { CONNECTOR_BUG, type Failure, failureOf, rejected, uncertain } from "./failure";
import { Draft } from "./http";
import { oddDrafts, oddField, oddPage, oddPlace, oddRecord, oddRecords, oddUrl, wellFormed } from "./value";

/** Code of a failure because of a value that the contract does not know. */
const ODD_VALUE = "odd-value";

/** What a call may do: ask the target, read settings, tell operators. */
export interface Context {
  get(endpoint: string, path: string): Draft;
  post(endpoint: string, path: string): Draft;
  put(endpoint: string, path: string): Draft;
  patch(endpoint: string, path: string): Draft;
  delete(endpoint: string, path: string): Draft;
  request(method: Method, endpoint: string, path: string): Draft;
  /** A setting of the connection; `null` if it has none. */
  setting(name: string): string | null;
  /** A line for operators. No secret, no personal data. */
  say(level: Level, message: string, fields?: Record<string, string>): void;
}

/** What a connector answers. Keep nothing between calls: each has an instance of its own. */
export interface Connector {
  /** What it is. No request may be sent. */
  describe(): Descriptor;
  /** Are address, credential and permissions right? */
  check(context: Context): void;
  /** What a record holds now. */
  fetch(context: Context, subject: RecordRef): Snapshot;
  /** Which records of a kind changed since a place. Left out if the target cannot tell. */
  changes?(context: Context, kind: string, cursor: string | null, limit: number, nowMs: number): Page;
  /** Field by field, what `apply` would write. With `apply` and `probe` left out by a connector that only reads. */
  plan?(context: Context, what: Proposal, nowMs: number): WritePlan;
  /** One attempt: writes the sealed plan and nothing else, and gives the target's proof. */
  apply?(context: Context, effect: Effect): Receipt;
  /** Whether the effect is there. */
  probe?(context: Context, effect: Effect): Finding;
  /** Takes back what landed; its plan is that of the effect with before and after exchanged. */
  undo?(context: Context, effect: Effect, landed: Receipt): Receipt;
  /** Whether what takes it back is there. */
  probeUndo?(context: Context, effect: Effect, landed: Receipt): Finding;
  /**
   * Names the records that a delivery is about; none if it concerns us not. What stands in it is never taken for the
   * truth: the host reads each record that it watches.
   */
  interpret?(context: Context, delivery: Delivery): RecordRef[];
  /** Says what a delivery asks for; nothing if it asks for nothing. The same delivery gives the same drafts. */
  receive?(context: Context, delivery: Delivery): DraftIntent[];
}

const context: Context = {
  get: (endpoint, path) => new Draft("GET", endpoint, path),
  post: (endpoint, path) => new Draft("POST", endpoint, path),
  put: (endpoint, path) => new Draft("PUT", endpoint, path),
  patch: (endpoint, path) => new Draft("PATCH", endpoint, path),
  delete: (endpoint, path) => new Draft("DELETE", endpoint, path),
  request: (method, endpoint, path) => new Draft(method, endpoint, path),
  setting: (name) => settings.get(name),
  say: (level, message, fields = {}) => diagnostics.emit(level, message, Object.entries(fields)),
};

/** Describes an operation. `input` is its JSON Schema. */
export function operation(
  name: string,
  kind: string,
  guarantee: Guarantee,
  input: object,
  reversible = false,
): Operation {
  return { name, kind, inputSchema: JSON.stringify(input), guarantee, reversible };
}

/** Describes the connector. `tells` are the kinds of whose changes it tells. */
export function descriptor(
  name: string,
  version: string,
  system: string,
  kinds: string[],
  operations: Operation[],
  tells: string[] = [],
): Descriptor {
  const extra: [string, string][] = tells.length ? [["changes", tells.join(",")]] : [];
  return { name, version, system, kinds, operations, extra };
}

/** Runs a call, and makes a failure of whatever is thrown in it, so that no exception becomes a trap. */
function call<T>(run: () => T, odd: (answer: T) => string | null, of: (code: string, why: string) => Failure): T {
  let failure: Failure;
  try {
    const answer = run();
    const why = odd(answer);
    if (why === null) return answer;
    failure = of(ODD_VALUE, why);
  } catch (thrown) {
    failure = failureOf(thrown);
  }
  failure.detail.message = wellFormed(failure.detail.message);
  throw failure.raw;
}

const fine = () => null;
const oddReceipt = (of: Receipt) =>
  oddRecord(of.subject) ?? oddPlace(of.revision, of.url) ?? oddUrl(of.url) ?? oddField(of.applied);
const oddSnapshot = (of: Snapshot) =>
  oddRecord(of.subject) ?? oddPlace(of.revision, of.url) ?? oddUrl(of.url) ?? oddField(of.fields);
const oddFinding = (of: Finding) => (of.tag === "landed" ? oddReceipt(of.val) : null);
const oddPlan = (of: WritePlan) =>
  oddRecord(of.subject) ??
  oddPlace(of.revision) ??
  oddField(of.changes.flatMap((one) => [one.before, one.after].map((value) => ({ name: one.name, value }))));

/** The exports of the component. Export every part of it from the entry file by its name. */
export function connector(of: Connector) {
  return {
    identity: {
      describe: () => {
        const described = of.describe();
        return { ...described, operations: described.operations.map(whole) };
      },
    },
    reader: {
      check: () => call(() => of.check(context), fine, rejected),
      fetch: (subject: RecordRef) => whole(call(() => of.fetch(context, subject), oddSnapshot, rejected)),
      changes: (kind: string, cursor: string | null, limit: number, nowMs: number) => {
        const page = call(() => changes(of, kind, cursor, limit, nowMs), oddPage, rejected);
        return whole({ ...page, items: page.items.map(whole) });
      },
    },
    writer: {
      plan: (what: Proposal, nowMs: number) => whole(call(() => writing(of.plan)(context, what, nowMs), oddPlan, rejected)),
      apply: (what: Effect) => call(() => writing(of.apply)(context, what), oddReceipt, uncertain),
      probe: (what: Effect) => call(() => writing(of.probe)(context, what), oddFinding, rejected),
    },
    compensator: {
      undo: (what: Effect, landed: Receipt) => call(() => undoing(of.undo)(what, landed), oddReceipt, uncertain),
      probeUndo: (what: Effect, landed: Receipt) =>
        call(() => undoing(of.probeUndo)(what, landed), oddFinding, rejected),
    },
    webhooks: {
      interpret: (what: RawDelivery) => call(() => told(of.interpret)(what), oddRecords, rejected),
    },
    intake: {
      receive: (what: RawDelivery) => call(() => told(of.receive)(what), oddDrafts, rejected),
    },
  };

  function writing<By extends (...given: never[]) => unknown>(by: By | undefined): By {
    if (by) return by.bind(of) as By;
    throw rejected("not-offered", "this connector writes nothing");
  }

  function undoing<T>(by: ((context: Context, effect: Effect, landed: Receipt) => T) | undefined) {
    return (what: Effect, landed: Receipt): T => {
      if (by) return by.call(of, context, what, landed);
      throw rejected("irreversible", "this connector takes nothing back");
    };
  }

  /** Some worlds want both exports: a connector that answers one of them says nothing by the other. */
  function told<T>(by: ((context: Context, delivery: Delivery) => T[]) | undefined) {
    return (what: RawDelivery): T[] => {
      if (by) return by.call(of, context, new Delivery(what));
      if (of.interpret || of.receive) return [];
      throw rejected(CONNECTOR_BUG, "this connector has neither `interpret` nor `receive`");
    };
  }
}

function changes(of: Connector, kind: string, cursor: string | null, limit: number, nowMs: number): Page {
  return of.changes ? of.changes(context, kind, cursor, limit, nowMs) : { items: [], next: null };
}

/** With the `extra` that the contract wants and documents no name for. */
function whole<T extends object>(of: T): T & { extra: [string, string][] } {
  return { extra: [], ...of };
}
