// Requests to Chargebee, its records as far as they are read here, and what its errors mean.
// Sources: https://apidocs.chargebee.com/docs/api/error-handling, the pages of each resource beside it, and
// https://github.com/chargebee/openapi (Product Catalog 2.0), which lists the codes of each status.

import {
  type Answer,
  type Context,
  denied,
  type Draft,
  type Failure,
  notFound,
  path,
  rejected,
  uncertain,
} from "countersign-sdk";
import { whole } from "./amount";

/** Our names of the parameters that Chargebee may object to. */
const FIELDS = new Map([
  ["total", "amount"],
  ["refund_amount", "amount"],
  ["type", "type"],
  ["reason_code", "reason"],
  ["create_reason_code", "reason"],
  ["credit_note[reason_code]", "reason"],
  ["credit_note[create_reason_code]", "reason"],
  ["subscription_items[unit_price][0]", "unit_price"],
  ["prorate", "prorate"],
]);

/** Begins to read a list, or what stands at this path. */
export function get(context: Context, ...segments: string[]): Draft {
  return context.get("api", path(...segments));
}

/** Reads the record with this id; one that was deleted is not there any more. */
export function record<T>(context: Context, kind: string, folder: string, id: string, take: (record: any) => T): T {
  const name = kind.replace("-", "_");
  return settled(get(context, folder, id).read()).json((body) => {
    const { [name]: found } = body;
    if (found.deleted === true) throw notFound(kind, id);
    return take(found);
  });
}

/** The answer itself if it is a success; else what Chargebee's error means. */
export function settled(answer: Answer): Answer {
  if (answer.isSuccess) return answer;
  throw failureOf(answer);
}

/** What an error of Chargebee's says. */
interface Said {
  code: string;
  cause: string;
  message: string;
  param: string | null;
}

/** A body that is no error of Chargebee's, such as a proxy's page, leaves the status to speak. */
function saidIn(answer: Answer): Said | null {
  try {
    const { api_error_code: code, error_cause_id: cause, message, param } = JSON.parse(answer.text());
    if (typeof code !== "string") return null;
    const text = (found: unknown) => (typeof found === "string" ? found : "");
    return { code, cause: text(cause), message: text(message), param: typeof param === "string" ? param : null };
  } catch {
    return null;
  }
}

function failureOf(answer: Answer): Failure {
  const said = saidIn(answer);
  if (said === null) return answer.failure();
  const code = said.code.slice(0, 60).toLowerCase().replaceAll("_", "-").replaceAll(/[^a-z0-9-]/g, "") || "refused";
  const failure = caseOf(answer, said, code);
  if (failure.raw.tag === "rejected" && said.param !== null) {
    const field = FIELDS.get(said.param);
    if (field !== undefined) failure.raw.val.fields.push(field);
    else failure.detail.extra.push(["vendor-param", said.param.slice(0, 100)]);
  }
  return failure;
}

/** What an error means: mostly what its status says, under Chargebee's own word. */
function caseOf(answer: Answer, said: Said, code: string): Failure {
  const failure = answer.failure(said.message);
  const { message } = failure.detail;
  // No record is gone because the site is: whoever owns the connection must look.
  if (code === "site-not-found") return denied(code, message).answered(answer);
  // Another request holds the key, or the gateway did not say what became of the money.
  const isOpen = code === "unable-to-process-request" || said.cause.startsWith("gateway.technical");
  if (isOpen && answer.isOfStep) return uncertain(code, message).answered(answer);
  // A state that the record has had since the plan was made: its revision was looked at just before.
  if (answer.status === 409) return rejected(code, message).answered(answer);
  if (code !== "resource-not-found") failure.detail.code = code;
  return failure;
}

/** A text that must be there. */
export function words(found: unknown): string {
  if (typeof found !== "string" || found === "") throw new Error("a text is missing");
  return found;
}

/** The entries of a list that Chargebee leaves out where it is empty. */
export function entries(found: unknown): any[] {
  if (found === undefined) return [];
  if (!Array.isArray(found)) throw new Error("that is no list");
  return found;
}

/** The version of a record: Chargebee raises it with every change. */
export function version(record: any): string {
  return String(whole(record.resource_version));
}
