// A template: what it is, and whom it asks to sign.
// Sources: https://developers.docusign.com/docs/esign-rest-api/reference/templates/templates/get and, beside it,
// templaterecipients/list.

import { type Context, field, path, type Snapshot, value } from "countersign-sdk";
import { entries, read, words } from "./docusign";
import { type Signer, signerOf, textOf } from "./envelope";

export const TEMPLATE = "template";
/** How else than by a mail address a recipient is reached. */
const REACHED_BY = ["signingGroupId", "phoneNumber"];
/** What DocuSign does by itself, and nobody is asked for. */
const SEALS = "seals";

export interface Template {
  id: string;
  name: string;
  subject: string | null;
  /** When it was changed last. */
  changed: string;
}

/** Who gets what is made of a template. */
export interface Recipients {
  signers: Signer[];
  /** The roles that nobody has been named for, of every kind of recipient. */
  open: string[];
  /** How many are named in the template itself. */
  fixed: number;
}

export function readTemplate(context: Context, id: string): Template {
  return read(context.get("api", path("templates", id)), (body) => {
    if (words(body.templateId).toLowerCase() !== id.toLowerCase()) throw new Error("that is another template");
    const changed = words(body.lastModified ?? body.lastModifiedDateTime);
    return { id: words(body.templateId), name: words(body.name), subject: textOf(body.emailSubject), changed };
  });
}

export function readRecipients(context: Context, id: string): Recipients {
  const draft = context.get("api", path("templates", id, "recipients")).query("include_tabs", "true");
  return read(draft, (body) => {
    if (!Array.isArray(body.signers)) throw new Error("that are no recipients");
    const people = Object.entries(body).filter(([kind, of]) => kind !== SEALS && Array.isArray(of));
    const all = people.flatMap(([, of]) => entries(of));
    const isOpen = (one: any) => textOf(one.email) === null && REACHED_BY.every((way) => !one[way]);
    const open = all.filter(isOpen).map((one) => textOf(one.roleName) ?? "");
    return { signers: entries(body.signers).map(signerOf), open, fixed: all.length - open.length };
  });
}

export function snapshot(now: Template): Snapshot {
  const fields = [
    field("name", value.text(now.name)),
    field("email_subject", value.optionalText(now.subject)),
    field("template_changed", value.text(now.changed)),
  ];
  return { subject: { kind: TEMPLATE, id: now.id }, revision: now.changed, url: null, fields };
}
