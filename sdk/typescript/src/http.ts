// Requests to named endpoints, and what their answers mean. The host adds address, credential and
// idempotency key.

import http from "countersign:connector/http@1.0.0";
import type { Method, Payload, Purpose, Request, Response } from "./contract";
import * as failure from "./failure";
import { type Answered, type Failure } from "./failure";
import { stable } from "./value";

/** Characters of a vendor's words that a message repeats. */
const WORDS_CHARACTERS_MAX = 200;

/** A path of these segments, each percent-encoded. */
export function path(...segments: string[]): string {
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join("");
}

/** A request in the making. */
export class Draft {
  private readonly request: Request;

  constructor(method: Method, endpoint: string, at: string) {
    const body: Payload = { tag: "empty" };
    this.request = { endpoint, method, path: at, query: [], headers: [], body, purpose: { tag: "read" }, extra: [] };
  }

  query(name: string, value: string | number): this {
    this.request.query.push([name, String(value)]);
    return this;
  }

  header(name: string, value: string): this {
    this.request.headers.push([name, value]);
    return this;
  }

  /** The body as JSON, its members sorted: the same data is the same bytes in every attempt. */
  json(body: unknown): this {
    return this.text("application/json", stable(body));
  }

  /** The body as a form. */
  form(fields: [string, string][]): this {
    const pairs = fields.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
    return this.text("application/x-www-form-urlencoded", pairs.join("&"));
  }

  /** The body as text of this type. */
  text(type: string, body: string): this {
    this.request.body = { tag: "text", val: body };
    return this.header("content-type", type);
  }

  /** Sends what changes nothing. */
  read(): Answer {
    return this.send({ tag: "read" });
  }

  /** Sends what changes something. Name and bytes are the same in every attempt. */
  step(name: string): Answer {
    return this.send({ tag: "step", val: name });
  }

  private send(purpose: Purpose): Answer {
    this.request.purpose = purpose;
    try {
      return new Answer(http.send(this.request), purpose);
    } catch (thrown) {
      throw failure.failureOf(thrown);
    }
  }
}

/** An answer of the target, whatever its status. */
export class Answer implements Answered {
  constructor(
    private readonly response: Response,
    private readonly purpose: Purpose,
  ) {}

  get status(): number {
    return this.response.status;
  }

  /** Whether the status says success (2xx). */
  get isSuccess(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** Whether it answers a step. */
  get isOfStep(): boolean {
    return this.purpose.tag === "step";
  }

  /** The first header of this name. */
  header(name: string): string | null {
    const found = this.response.headers.find(([known]) => known.toLowerCase() === name.toLowerCase());
    return found ? found[1] : null;
  }

  /** The vendor's own id of the request, from the usual headers. */
  get requestId(): string | null {
    return this.header("request-id") ?? this.header("x-request-id") ?? this.header("x-correlation-id");
  }

  /** The body as text; empty for none, and for bytes that are no text. */
  text(): string {
    return this.response.body.tag === "text" ? this.response.body.val : "";
  }

  /**
   * The body as JSON, as `read` makes something of it; throw in there what does not fit.
   * A body of another shape is `transient` after a read and `uncertain` after a step: a proxy may have
   * answered for the target.
   */
  json<T>(read: (body: any) => T): T {
    try {
      return read(JSON.parse(this.text()));
    } catch (thrown) {
      if (thrown instanceof failure.Failure) throw thrown;
      throw this.unreadable(thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  /** The failure for an answer that cannot be understood although its status says success. */
  unreadable(why: string): Failure {
    const message = `the target answered something else than expected: ${shortened(why)}`;
    const of = this.isOfStep ? failure.uncertain : failure.transient;
    return of("unreadable-answer", message).answered(this);
  }

  /** The answer itself if its status says success; else the usual failure. */
  ok(): this {
    if (this.isSuccess) return this;
    throw this.failure();
  }

  /**
   * The usual failure for this status; `words` are the vendor's own.
   *
   * | status | read | step |
   * |---|---|---|
   * | 401, 403 | denied | denied |
   * | 404, 410 | rejected `not-found` | rejected `not-found` |
   * | 409, 412, 423 | conflict | conflict |
   * | 425, 429 | transient | transient: such a request was not begun |
   * | 408, 5xx | transient | uncertain: it may have landed |
   * | 2xx, 3xx, others | transient | uncertain |
   * | other 4xx | rejected | rejected |
   */
  failure(words = ""): Failure {
    const { status } = this;
    const said = shortened(words);
    const message = said ? `the target answered ${status}: ${said}` : `the target answered ${status}`;
    return this.of(status, message).answered(this);
  }

  private of(status: number, message: string): Failure {
    switch (status) {
      case 401:
      case 403:
        return failure.denied("not-permitted", message);
      case 404:
      case 410:
        return failure.rejected("not-found", message);
      case 409:
      case 412:
      case 423:
        return failure.conflict("moved", message);
      case 425:
      case 429:
        return failure.transient("rate-limited", message, this.retryAfterMs());
    }
    if (status >= 400 && status < 500 && status !== 408) {
      return failure.rejected(`http-${status}`, message);
    }
    const code = status >= 500 || status === 408 ? "unavailable" : "unexpected-status";
    return this.isOfStep
      ? failure.uncertain(code, message)
      : failure.transient(code, message, this.retryAfterMs());
  }

  /**
   * How long the vendor asked us to wait, in milliseconds, from `Retry-After` in either form. A date is
   * counted from the answer's own `Date`, since a connector has no clock.
   */
  retryAfterMs(): number | null {
    const text = this.header("retry-after")?.trim();
    if (!text) return null;
    if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
    const [until, now] = [Date.parse(text), Date.parse(this.header("date") ?? "")];
    return Number.isNaN(until) || Number.isNaN(now) ? null : Math.max(0, until - now);
  }
}

/** A vendor's words on one line, of bounded length. */
export function shortened(words: string): string {
  const line = words.split(/\s+/).filter(Boolean).join(" ");
  return line.length > WORDS_CHARACTERS_MAX ? `${line.slice(0, WORDS_CHARACTERS_MAX)}…` : line;
}
