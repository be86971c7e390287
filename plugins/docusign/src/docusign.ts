// Requests to DocuSign's eSignature REST API v2.1, and what its errors mean.
// Sources: https://developers.docusign.com/docs/esign-rest-api/esign101/error-codes and the page on common errors below
// it, https://developers.docusign.com/docs/esign-rest-api/esign101/rules-and-limits,
// https://developers.docusign.com/platform/resource-limits. Limits were told with status 400 until 2026, and with 429 since
// (https://community.docusign.com/esignature-api-63/updated-api-error-messages-and-http-status-codes-26920): the word counts.

import { type Answer, conflict, denied, type Draft, Failure, rejected, transient, uncertain } from "countersign-sdk";

/** What nobody may who has this token. */
const DENIED = [
  "ACCOUNT_LACKS_PERMISSIONS",
  "ACCOUNT_NOT_AUTHORIZED_FOR_ENVELOPE",
  "AUTHORIZATION_INVALID_TOKEN",
  "PARTNER_AUTHENTICATION_FAILED",
  "USER_AUTHENTICATION_FAILED",
  "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT",
  "USER_LACKS_MEMBERSHIP",
  "USER_LACKS_PERMISSIONS",
  "USER_NOT_ENVELOPE_SENDER_OR_RECIPIENT",
];
/** There is no such record. */
export const GONE = ["ENVELOPE_DOES_NOT_EXIST", "RESOURCE_NOT_FOUND", "TEMPLATE_ID_INVALID"];
/** Too many requests: of an account, or about one envelope. */
const LIMIT = /^(HOURLY|BURST)_\w*LIMIT_EXCEEDED$/;
/** Says nothing of what was done before it. */
const UNSPECIFIED = "UNSPECIFIED_ERROR";
/** DocuSign closed the connection before it answered. */
const NO_RESPONSE = 444;
/** How long a burst is counted. */
const BURST_MS = 30_000;
/** How long a lock holds unless whoever locked it says otherwise. */
const LOCK_MS = 300_000;

/** Reads, and gives what `take` makes of the body. */
export function read<T>(draft: Draft, take: (body: any) => T): T {
  return settled(draft.read()).json(take);
}

/** The answer itself if it is a success; else what DocuSign's error means. */
export function settled(answer: Answer): Answer {
  if (answer.isSuccess) return answer;
  const word = wordOf(answer);
  const failure = (word === null ? plain(answer) : meaning(answer, word)).answered(answer);
  failure.detail.vendorRequestId = traceOf(answer);
  throw failure;
}

/** What a look after a step says: a failure of the look leaves open what became of the step. */
export function afterStep<T>(look: () => T): T {
  try {
    return look();
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    throw uncertain("not-seen", `DocuSign took it, and a look at it failed: ${thrown.detail.code}`);
  }
}

/** DocuSign's id of the request. */
export function traceOf(answer: Answer): string | null {
  return answer.header("x-docusign-tracetoken");
}

/** A word of DocuSign's as a code. */
export function codeOf(word: string): string {
  return word.slice(0, 80).toLowerCase().replaceAll("_", "-").replaceAll(/[^a-z0-9-]/g, "") || "refused";
}

/** A text that must be there. */
export function words(found: unknown): string {
  if (typeof found !== "string" || found === "") throw new Error("a text is missing");
  return found;
}

/** The entries of a list that is left out where it is empty. */
export function entries(found: unknown): any[] {
  if (found === undefined || found === null) return [];
  if (!Array.isArray(found)) throw new Error("that is no list");
  return found;
}

/** The word of an error; null where the body is none of DocuSign's, such as a proxy's page. */
function wordOf(answer: Answer): string | null {
  try {
    const { errorCode } = JSON.parse(answer.text());
    return typeof errorCode === "string" && errorCode !== "" ? errorCode.toUpperCase() : null;
  } catch {
    return null;
  }
}

/** What the status says, where no word does. */
function plain(answer: Answer): Failure {
  const message = "DocuSign did not say what became of it";
  return answer.status === NO_RESPONSE ? open(answer, "unavailable", message) : answer.failure();
}

/** What an error means. DocuSign's own sentence is not passed on: it may name a signer. */
function meaning(answer: Answer, word: string): Failure {
  const message = `DocuSign says \`${word.slice(0, 100)}\``;
  const code = codeOf(word);
  if (DENIED.includes(word)) return denied(code, message);
  if (GONE.includes(word)) return rejected("not-found", message);
  if (LIMIT.test(word)) return transient(code, message, patience(answer, word));
  // Somebody has it open; the lock ends by itself.
  if (word.startsWith("EDIT_LOCK_")) return transient(code, message, LOCK_MS);
  // It had another status when it was looked at, just before.
  if (word === "ENVELOPE_INVALID_STATUS") return conflict(code, message);
  if (word === UNSPECIFIED || answer.status === NO_RESPONSE) return open(answer, code, message);
  const failure = answer.failure();
  failure.detail.message = message;
  if (failure.detail.code !== "not-found") failure.detail.code = code;
  return failure;
}

function open(answer: Answer, code: string, message: string): Failure {
  return answer.isOfStep ? uncertain(code, message) : transient(code, message);
}

/** How long to wait. The hour's end is told in seconds since 1970, and the answer's own date says what time it is. */
function patience(answer: Answer, word: string): number | null {
  const asked = answer.retryAfterMs();
  if (asked !== null) return asked;
  if (word.startsWith("BURST_")) return BURST_MS;
  const [until, now] = [answer.header("x-ratelimit-reset") ?? "", Date.parse(answer.header("date") ?? "")];
  if (!/^\d{1,12}$/.test(until) || Number.isNaN(now)) return null;
  return Math.max(0, Number(until) * 1_000 - now);
}
