// What Slack tells by itself: events, each in an envelope. Only which message one is about counts; the host reads it.
// Sources: https://docs.slack.dev/apis/events-api (the envelope, `event_callback`) and
// https://docs.slack.dev/reference/events/message with its subtypes `message_changed` (the message's own `ts` stands in
// `message`) and `message_deleted` (it stands in `deleted_ts`).

import type { Delivery } from "countersign-sdk";

/** The messages that a delivery is about, by channel and moment; none where it is about something else. */
export function changed(delivery: Delivery): { channel: string; ts: string }[] {
  return delivery.json(({ type, event }) => {
    if (typeof type !== "string") throw new Error("it is nothing that Slack tells");
    if (type !== "event_callback" || event.type !== "message") return [];
    switch (event.subtype) {
      case "message_changed":
        return [messageAt(event.channel, event.message.ts)];
      case "message_deleted":
        return [messageAt(event.channel, event.deleted_ts)];
    }
    // A new one is nothing that anybody approved.
    return [];
  });
}

function messageAt(channel: unknown, ts: unknown): { channel: string; ts: string } {
  if (typeof channel !== "string" || typeof ts !== "string") throw new Error("it does not say which message it is about");
  return { channel, ts };
}
