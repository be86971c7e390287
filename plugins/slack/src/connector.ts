// The connector to Slack: it posts into channels.
//
// Slack knows no idempotency key for messages, and a repeat would be a second message. So the last line of a message
// names the effect, `probe` looks for it in the channel's history, and `apply` looks before it posts: `by-probe`.

import {
  absent,
  connector,
  type Context,
  creation,
  type Delivery,
  descriptor,
  type Effect,
  field,
  instantMs,
  landed,
  notFound,
  operation,
  type Proposal,
  receipt,
  type Receipt,
  type RecordRef,
  rejected,
  sealed,
  type Snapshot,
  text,
  unknownKind,
  unknownOperation,
  value,
} from "countersign-sdk";
import { channelOf, find, type Message, messageOf, post, read } from "./slack";
import { changed } from "./told";

/** The one operation. */
const POST_MESSAGE = "post-message";
/** The kinds of record: a channel by its id, and a message by `CHANNEL/TIMESTAMP`. */
const CHANNEL = "channel";
const MESSAGE = "message";
/** Longest text, in characters: what Slack advises; what is far longer it cuts, and with it the line that names the effect. */
const TEXT_CHARACTERS_MAX = 4_000;
/** From when on a message is looked for: the moment of the plan, as Slack's clock may be behind by so much, in milliseconds. */
const BEHIND_MS = 600_000;

export const { identity, reader, webhooks, writer } = connector({
  describe() {
    const input = {
      type: "object",
      required: ["text"],
      properties: { text: { title: "What the channel reads" } },
      additionalProperties: false,
    };
    const post = operation(POST_MESSAGE, CHANNEL, "by-probe", input);
    return descriptor("countersign.slack", "0.1.0", "slack", [CHANNEL, MESSAGE], [post]);
  },

  check(context) {
    read(context.get("api", "/auth.test"), () => undefined);
  },

  fetch(context: Context, subject: RecordRef): Snapshot {
    switch (subject.kind) {
      case CHANNEL: {
        const { name, isArchived } = channelOf(context, subject.id);
        const fields = [field("name", value.text(name)), field("archived", value.flag(isArchived))];
        return { subject, revision: null, url: null, fields };
      }
      case MESSAGE: {
        const [channel = "", ts = ""] = subject.id.split("/");
        const message = messageOf(context, channel, ts);
        if (message === null) throw notFound(MESSAGE, subject.id);
        return { subject, revision: null, url: null, fields: [field("text", value.text(message.text))] };
      }
    }
    throw unknownKind(subject.kind);
  },

  plan(context: Context, what: Proposal, nowMs: number) {
    known(what);
    const words = text(what, "text");
    if ([...words].length > TEXT_CHARACTERS_MAX) {
      throw rejected("bad-input", `the text is longer than ${TEXT_CHARACTERS_MAX} characters`, ["text"]);
    }
    const { isArchived, name } = channelOf(context, what.subject.id);
    if (isArchived) throw rejected("archived", `the channel \`${name}\` is archived: nobody posts there any more`);
    return creation({ ...what, fields: [...what.fields, field("not_before", value.instantMs(nowMs))] });
  },

  apply(context: Context, effect: Effect): Receipt {
    known(effect.what);
    const { id } = effect.plan.subject;
    const before = look(context, effect);
    if (before !== null) return posted(effect, before);
    const words = text(sealed(effect), "text");
    return posted(effect, post(context, id, words, effect.effectId));
  },

  probe(context: Context, effect: Effect) {
    known(effect.what);
    const found = look(context, effect);
    return found === null ? absent : landed(posted(effect, found));
  },

  interpret(_: Context, delivery: Delivery): RecordRef[] {
    return changed(delivery).map(({ channel, ts }) => messageRef(channel, ts));
  },
});

/** The message that names the effect, among those that are not older than its plan. */
function look(context: Context, effect: Effect): Message | null {
  const since = instantMs(sealed(effect), "not_before") - BEHIND_MS;
  return find(context, effect.plan.subject.id, effect.effectId, since);
}

/** The message that the channel holds for the effect. */
function posted(effect: Effect, message: Message): Receipt {
  const subject = messageRef(effect.plan.subject.id, message.ts);
  const since = instantMs(sealed(effect), "not_before");
  const fields = [field("text", value.text(message.text)), field("not_before", value.instantMs(since))];
  return receipt(effect, { subject, revision: null, url: null, fields }, { vendorRequestId: message.requestId });
}

function messageRef(channel: string, ts: string): RecordRef {
  return { kind: MESSAGE, id: `${channel}/${ts}` };
}

/** Refuses what is none of our operations, or about something else than a channel. */
function known(what: Proposal): void {
  if (what.operation !== POST_MESSAGE) throw unknownOperation(what.operation);
  if (what.subject.kind !== CHANNEL) throw unknownKind(what.subject.kind);
}
