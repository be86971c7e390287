// The connector to DocuSign: it sends what was approved to be signed, and sets the fields of envelopes.
//
// | operation | subject | writes |
// |---|---|---|
// | `send-envelope` | template | an envelope, made of the template and sent |
// | `set-fields` | envelope | text custom fields |

import {
  connector,
  type Context,
  type Delivery,
  descriptor,
  type Effect,
  operation,
  type Proposal,
  type RecordRef,
  type Snapshot,
  unknownKind,
  unknownOperation,
} from "countersign-sdk";
import { entries, read } from "./docusign";
import { ENVELOPE, readEnvelope, snapshot as envelope } from "./envelope";
import { applyFields, FIELDS_INPUT, planFields, probeFields } from "./fields";
import { applySend, planSend, probeSend, SEND_INPUT } from "./send";
import { readTemplate, snapshot as template, TEMPLATE } from "./template";
import { changed } from "./told";

const SEND_ENVELOPE = "send-envelope";
const SET_FIELDS = "set-fields";
/** The kind of record that each operation is about. */
const SUBJECTS = new Map([
  [SEND_ENVELOPE, TEMPLATE],
  [SET_FIELDS, ENVELOPE],
]);

export const { identity, reader, webhooks, writer } = connector({
  describe() {
    const operations = [
      operation(SEND_ENVELOPE, TEMPLATE, "by-probe", SEND_INPUT),
      operation(SET_FIELDS, ENVELOPE, "by-probe", FIELDS_INPUT),
    ];
    return descriptor("countersign.docusign", "0.1.0", "docusign", [TEMPLATE, ENVELOPE], operations);
  },

  check(context) {
    read(context.get("api", "/templates").query("count", 1), (body) => {
      const isEmpty = entries(body.envelopeTemplates).length === 0;
      if (isEmpty && body.resultSetSize !== "0") throw new Error("that is no list of templates");
    });
  },

  fetch(context: Context, subject: RecordRef): Snapshot {
    if (subject.kind === ENVELOPE) return envelope(readEnvelope(context, subject.id));
    if (subject.kind === TEMPLATE) return template(readTemplate(context, subject.id));
    throw unknownKind(subject.kind);
  },

  plan(context: Context, what: Proposal, nowMs: number) {
    return sends(what) ? planSend(context, what, nowMs) : planFields(context, what);
  },

  apply(context: Context, effect: Effect) {
    return sends(effect.what) ? applySend(context, effect) : applyFields(context, effect);
  },

  probe(context: Context, effect: Effect) {
    return sends(effect.what) ? probeSend(context, effect) : probeFields(context, effect);
  },

  interpret(_: Context, delivery: Delivery): RecordRef[] {
    const id = changed(delivery);
    return id === null ? [] : [{ kind: ENVELOPE, id }];
  },
});

/** Whether it sends. Refuses what is none of our operations, or about another kind of record. */
function sends(what: Proposal): boolean {
  const kind = SUBJECTS.get(what.operation);
  if (kind === undefined) throw unknownOperation(what.operation);
  if (kind !== what.subject.kind) throw unknownKind(what.subject.kind);
  return what.operation === SEND_ENVELOPE;
}
