// What an envelope holds: its state, the fields that its sender keeps, and the text that its signers read.
// Source: https://developers.docusign.com/docs/esign-rest-api/reference/envelopes/envelopes/get

import { type Context, field, type Field, path, same, type Snapshot, type Value, value } from "countersign-sdk";
import { entries, read, words } from "./docusign";

export const ENVELOPE = "envelope";
/** The custom field that names the effect which sent an envelope: unlike a transaction id, it stays. */
export const MARK = "countersign_effect";
/** What begins the name of a custom field, and of a text tab. */
export const FIELD = "field-";
export const TAB = "tab-";
/** Longest word that is made of a name; host and people read no longer ones. */
const WORD_CHARACTERS_MAX = 60;
/** Where an envelope is before anybody was asked to sign it. */
const UNSENT = ["created", "deleted"];

/** A text that the sender keeps with an envelope; nobody signs it. */
export interface CustomField {
  id: string;
  name: string;
  value: string;
  show: unknown;
  required: unknown;
}

/** A text tab: what it is called, and what stands there. */
export interface Tab {
  label: string;
  value: string;
  isLocked: boolean;
  lengthMax: number | null;
}

export interface Signer {
  role: string | null;
  name: string | null;
  email: string | null;
  tabs: Tab[];
}

export interface Envelope {
  id: string;
  status: string;
  subject: string | null;
  revision: string | null;
  transaction: string | null;
  fields: CustomField[];
  signers: Signer[];
}

/** The envelope with this id. */
export function readEnvelope(context: Context, id: string): Envelope {
  const draft = context.get("api", path("envelopes", id)).query("include", "custom_fields,recipients,tabs");
  return read(draft, (body) => {
    if (words(body.envelopeId).toLowerCase() !== id.toLowerCase()) throw new Error("that is another envelope");
    return {
      id: words(body.envelopeId),
      status: words(body.status),
      subject: textOf(body.emailSubject),
      revision: textOf(body.lastModifiedDateTime) ?? textOf(body.statusChangedDateTime),
      transaction: textOf(body.transactionId),
      fields: entries(body.customFields?.textCustomFields).map(customFieldOf),
      signers: entries(body.recipients?.signers).map(signerOf),
    };
  });
}

/** What the envelope holds; of its signers only those in this role, if one is given. */
export function snapshot(now: Envelope, role: string | null = null): Snapshot {
  const signers = now.signers.filter((signer) => role === null || signer.role === role);
  const fields = [
    field("status", value.text(now.status)),
    field("sent", value.flag(!UNSENT.includes(now.status))),
    field("email_subject", value.optionalText(now.subject)),
  ];
  const [signer] = signers;
  if (signer !== undefined && signers.length === 1) {
    fields.push(field("role", value.optionalText(signer.role)));
    fields.push(field("signer_name", value.optionalText(signer.name)));
    fields.push(field("signer_email", value.optionalText(signer.email)));
  }
  const tabs = signers.flatMap((one) => one.tabs).map((tab): [string, string] => [tab.label, tab.value]);
  const kept = now.fields.map((one): [string, string] => [one.name, one.value]);
  fields.push(...named(TAB, tabs), ...named(FIELD, kept));
  return { subject: { kind: ENVELOPE, id: now.id }, revision: now.revision, url: null, fields };
}

/** A name as the rules of a host can write it: small letters, digits and `_`; null if that leaves nothing of it. */
export function wordOf(name: string): string | null {
  const word = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_").replaceAll(/^_|_$/g, "");
  return word === "" || WORD_CHARACTERS_MAX < word.length ? null : word;
}

/** A text, or nothing. */
export function textOf(found: unknown): string | null {
  return typeof found === "string" && found !== "" ? found : null;
}

export function signerOf(of: any): Signer {
  const tabs = entries(of.tabs?.textTabs).map(tabOf);
  return { role: textOf(of.roleName), name: textOf(of.name), email: textOf(of.email), tabs };
}

function tabOf(of: any): Tab {
  const lengthMax = /^[1-9]\d{0,5}$/.test(String(of.maxLength)) ? Number(of.maxLength) : null;
  return { label: textOf(of.tabLabel) ?? "", value: textOf(of.value) ?? "", isLocked: of.locked === "true", lengthMax };
}

function customFieldOf(of: any): CustomField {
  const { fieldId, name, show, required } = of;
  return { id: words(fieldId), name: words(name), value: textOf(of.value) ?? "", show, required };
}

/** One field for each word. What two names or two texts fight for is left out: nobody could say which is meant. */
function named(prefix: string, of: [name: string, text: string][]): Field[] {
  const found = new Map<string, { name: string; value: Value } | null>();
  for (const [name, text] of of) {
    const word = wordOf(name);
    if (word === null || name === MARK) continue;
    const now = { name, value: text === "" ? value.absent : value.text(text) };
    const before = found.get(word);
    const isSame = before?.name === name && same(before.value, now.value);
    found.set(word, before === undefined || isSame ? now : null);
  }
  return [...found].flatMap(([word, one]) => (one === null ? [] : [field(`${prefix}${word}`, one.value)]));
}
