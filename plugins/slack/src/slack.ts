// What Slack says, and what it means. Every answer is 200 with `ok`; why it is not ok stands in `error`.
// Sources: https://docs.slack.dev/reference/methods (auth.test, chat.postMessage, conversations.info, conversations.history)
// and https://docs.slack.dev/messaging/formatting-message-text (which characters are escaped).

import { type Answer, type Context, denied, type Draft, type Failure, rejected, transient, uncertain } from "countersign-sdk";

/** Messages of one page, the most that Slack advises. */
const PAGE = 200;
/** Most pages that are looked through for one effect. */
const PAGES_MAX = 20;

/** What nobody may who has this token. */
const DENIED = [
  "access_denied",
  "account_inactive",
  "invalid_auth",
  "missing_scope",
  "no_permission",
  "not_authed",
  "not_in_channel",
  "org_login_required",
  "restricted_action",
  "token_expired",
  "token_revoked",
];
/** What Slack did not begin, and may do later. */
const LATER = ["rate_limited", "ratelimited", "message_limit_exceeded"];
/** What Slack may have done in part before it failed. */
const BROKEN = ["fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"];

/** A channel, as Slack tells it. */
interface Channel {
  name: string;
  isArchived: boolean;
}

/** A message that a channel holds. */
export interface Message {
  ts: string;
  /** What was written, without the line that names the effect. */
  text: string;
  requestId: string | null;
}

/** Asks, and gives what `take` makes of an answer that is ok. */
export function read<T>(draft: Draft, take: (body: any) => T): T {
  return taken(draft.read().ok(), take);
}

/** The channel with this id. */
export function channelOf(context: Context, id: string): Channel {
  return read(context.get("api", "/conversations.info").query("channel", id), ({ channel }) => {
    const { name, is_archived: isArchived } = channel;
    if (typeof name !== "string" || typeof isArchived !== "boolean") throw new Error("that is no channel");
    return { name, isArchived };
  });
}

/** The message at this moment of a channel; null if there is none. */
export function messageOf(context: Context, channel: string, ts: string): Message | null {
  const draft = history(context, channel).query("latest", ts).query("oldest", ts);
  const answer = draft.query("inclusive", "true").query("limit", 1).read().ok();
  const found = page(answer).messages.find((message) => message.ts === ts);
  return found === undefined ? null : { ...found, text: plain(found.text.split(MARK)[0] ?? "") };
}

/** Posts a message whose last line names the effect. */
export function post(context: Context, channel: string, words: string, effectId: string): Message {
  const body = { channel, text: `${escaped(words)}${MARK}${effectId}`, unfurl_links: false, unfurl_media: false };
  const answer = context.post("api", "/chat.postMessage").json(body).step("post").ok();
  const { ts, message } = taken(answer, (said) => said);
  return messageFrom(answer, { ts, text: message?.text }, MARK + effectId);
}

/** The message that names the effect, among those of a channel since this moment; null if there is none. */
export function find(context: Context, channel: string, effectId: string, sinceMs: number): Message | null {
  const mark = MARK + effectId;
  let cursor: string | null = null;
  for (let number = 0; number < PAGES_MAX; number += 1) {
    const draft = history(context, channel).query("oldest", (sinceMs / 1_000).toFixed(6)).query("limit", PAGE);
    const answer: Answer = (cursor === null ? draft : draft.query("cursor", cursor)).read().ok();
    const { messages, next } = page(answer);
    const found = messages.find((message) => message.text.endsWith(mark));
    if (found !== undefined) return messageFrom(answer, found, mark);
    if (next === null) return null;
    cursor = next;
  }
  throw uncertain("too-busy", `the channel has more than ${PAGE * PAGES_MAX} messages since it was planned: look yourself`);
}

/** What stands before the id of the effect, on a line of its own. */
const MARK = "\nRef: ";

function history(context: Context, channel: string): Draft {
  return context.get("api", "/conversations.history").query("channel", channel);
}

/** One page of messages, and where the next one begins; null if this is the last. */
function page(answer: Answer): { messages: Message[]; next: string | null } {
  return taken(answer, ({ messages, has_more: more, response_metadata: about }) => {
    if (!Array.isArray(messages)) throw new Error("that is no page of messages");
    const read = ({ ts, text }: any) => {
      if (typeof ts !== "string") throw new Error("that is no message");
      // A message without text, such as a file, is none of ours.
      return { ts, text: typeof text === "string" ? text : "", requestId: requestOf(answer) };
    };
    const next = about?.next_cursor;
    const goesOn = more === true && typeof next === "string" && next !== "";
    if (more === true && !goesOn) throw new Error("it goes on, and does not say where");
    return { messages: messages.map(read), next: goesOn ? next : null };
  });
}

/** A message of ours, as it was written. */
function messageFrom(answer: Answer, said: { ts: unknown; text: unknown }, mark: string): Message {
  const { ts, text } = said;
  if (typeof ts !== "string" || typeof text !== "string" || !text.endsWith(mark)) {
    throw answer.unreadable("the message that it tells of is not the one that was posted");
  }
  return { ts, text: plain(text.slice(0, -mark.length)), requestId: requestOf(answer) };
}

function requestOf(answer: Answer): string | null {
  return answer.header("x-slack-req-id");
}

function taken<T>(answer: Answer, take: (body: any) => T): T {
  return answer.json((body) => {
    if (body.ok === true) return take(body);
    if (body.ok === false && typeof body.error === "string") throw failureOf(answer, body.error);
    throw new Error("it does not say whether it is ok");
  });
}

/** What an error means, by its word. */
function failureOf(answer: Answer, error: string): Failure {
  const message = `Slack says \`${error.slice(0, 100)}\``;
  const code = error.slice(0, 60).replaceAll(/[^a-z_]/g, "").replaceAll("_", "-");
  const of = (): Failure => {
    if (DENIED.includes(error)) return denied(code, message);
    if (LATER.includes(error)) return transient(code, message, answer.retryAfterMs());
    if (BROKEN.includes(error)) return answer.isOfStep ? uncertain(code, message) : transient(code, message);
    return rejected(code === "" ? "refused" : code, message);
  };
  return of().answered(answer);
}

/** Nothing in somebody's words calls a person or a channel, or is a link that says something else. */
function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The words again, as they were before Slack made addresses of some. */
function plain(text: string): string {
  const written = text.replaceAll(/<(?:mailto:|tel:)?([^<>|]*)(?:\|([^<>]*))?>/g, (_, address, label) => label ?? address);
  return written.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
