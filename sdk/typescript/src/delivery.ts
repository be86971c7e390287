// What a vendor tells by itself, and the intents that it asks for.

import type { DraftIntent, Field, Payload, RawDelivery, RecordRef } from "./contract";
import { Failure, rejected } from "./failure";
import { shortened } from "./http";

/** Code of a failure because of a delivery that is none. */
const BAD_DELIVERY = "bad-delivery";

/**
 * One delivery. The host has verified who sent it and, where the scheme signs a moment, how old it is; it drops what it
 * had before.
 */
export class Delivery {
  constructor(private readonly raw: RawDelivery) {}

  /** Which hook of the manifest it came by. */
  get hook(): string {
    return this.raw.hook;
  }

  /** Header names in lower case, in order of arrival, without credentials and signatures. */
  get headers(): [string, string][] {
    return this.raw.headers;
  }

  /** The body as it arrived. */
  get body(): Payload {
    return this.raw.body;
  }

  /** When it arrived, in milliseconds since 1970 in UTC. */
  get receivedMs(): number {
    return this.raw.receivedMs;
  }

  /** The first header of this name. */
  header(name: string): string | null {
    const found = this.headers.find(([known]) => known === name.toLowerCase());
    return found ? found[1] : null;
  }

  /** The body as text; `rejected` when it is none. */
  text(): string {
    if (this.body.tag === "bytes") throw rejected(BAD_DELIVERY, "the body of the delivery is no text");
    return this.body.tag === "text" ? this.body.val : "";
  }

  /** The body as JSON, as `read` makes something of it; throw in there what does not fit. A body of another shape is `rejected`. */
  json<T>(read: (body: any) => T): T {
    const body = this.parsed();
    try {
      return read(body);
    } catch (thrown) {
      if (thrown instanceof Failure) throw thrown;
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw rejected(BAD_DELIVERY, `the delivery is something else than expected: ${shortened(why)}`);
    }
  }

  private parsed(): unknown {
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch {
      // What the parser says repeats what stands there, and operators do not see bodies.
      throw rejected(BAD_DELIVERY, "the body of the delivery is no JSON");
    }
  }
}

/** An intent that a delivery asks for; `dedupeKey` is the same text for the same wish. */
export function draftIntent(
  intentType: string,
  source: RecordRef,
  fields: Field[],
  dedupeKey: string,
  requester: string | null = null,
): DraftIntent {
  return { intentType, source, fields, dedupeKey, requester, extra: [] };
}
