// A connector that is told: a delivery names tickets under `about`, and says under `asks` what somebody asks for.

import {
  connector,
  type Delivery,
  descriptor,
  draftIntent,
  field,
  type Value,
  value,
} from "countersign-sdk";

const TICKET = "ticket";

export const { identity, intake, reader, webhooks } = connector({
  describe: () => descriptor("tests.told-typescript", "1.0.0", "tests", [TICKET], []),
  check() {},
  fetch: (_, subject) => ({ subject, revision: null, url: null, fields: [] }),

  interpret(_, delivery) {
    const about = delivery.json(({ about = [] }) => about);
    return about.map((id: string) => ({ kind: TICKET, id }));
  },

  receive(_, delivery) {
    const asks = delivery.json(({ asks = [] }) => asks);
    return asks.map(({ type, ticket, tokens, key, by }: any) => {
      const fields = Object.entries(tokens).map(([name, token]) => field(name, tokenOf(token)));
      return draftIntent(type, { kind: TICKET, id: ticket }, [...fields, ...echo(delivery)], key, by);
    });
  },
});

function tokenOf(token: unknown): Value {
  if (typeof token === "string") return value.text(token);
  return typeof token === "number" ? value.integer(token) : value.json(token);
}

/** How it came here, where whoever sent it wants to hear that. */
function echo(delivery: Delivery) {
  const word = delivery.header("X-Echo");
  if (word === null) return [];
  const { hook, receivedMs } = delivery;
  return [field("echo", value.text(`${word} by ${hook}`)), field("arrived", value.instantMs(receivedMs))];
}
