// What DocuSign tells by itself (Connect, with messages of the model JSON SIM). Only which envelope it is about counts; the
// host reads it.
// Source: https://developers.docusign.com/platform/webhooks/connect/json-sim-event-model.

import type { Delivery } from "countersign-sdk";

/** Events about envelopes, and about those who sign them. */
const OF_ENVELOPES = /^(envelope|recipient)-/;

/** The id of the envelope that a delivery is about; null where it is about something else. */
export function changed(delivery: Delivery): string | null {
  return delivery.json(({ event, data }) => {
    if (typeof event !== "string") throw new Error("it is nothing that DocuSign tells");
    if (!OF_ENVELOPES.test(event)) return null;
    if (typeof data?.envelopeId !== "string") throw new Error("it does not say which envelope it is about");
    return data.envelopeId;
  });
}
