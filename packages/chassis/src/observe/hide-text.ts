/**
 * Hides what somebody sent, and secrets, in text that others wrote: messages of errors.
 *
 * Libraries quote what they choke on. Names of what is ours are left (relations, columns, arguments,
 * hosts): without them a message says nothing.
 */

const HIDDEN = "[hidden]";
const CREDENTIALS_IN_URL = /:\/\/[^\s/]+@/g;
const EMAIL = /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+/g;
const QUOTED = /"[^"]*(?:"|$)/g;
/** What PostgreSQL and Node quote that is a name in a program. */
const NAME_BEFORE =
  /\b(?:relation|column|constraint|table|schema|function|role|user|database|type|index|sequence|parameter|The) $/;
const NAME_AFTER = /^(?:\s*:| argument| property)/;

/** Answers a function that hides values of `fields`, credentials, addresses and quotations. */
export function textHider(fields: readonly string[]): (text: string) => string {
  const names = fields.map((field) => field.replaceAll(/[^A-Za-z0-9]/g, "\\$&")).join("|");
  // Quoted, in brackets, a scheme and its token, or up to the next thing that ends a word.
  const value = String.raw`"[^"]*(?:"|$)|'[^']*(?:'|$)|\([^)]*(?:\)|$)|(?:bearer|basic)\s+\S+|[^\s,;&)}\]]+`;
  const field = new RegExp(String.raw`(\b(?:${names})["']?\)?\s*[=:]\s*)(${value})`, "gi");
  return (text) =>
    text
      .replaceAll(CREDENTIALS_IN_URL, `://${HIDDEN}@`)
      .replaceAll(field, (_all, name: string, hidden: string) => name + inItsQuotes(hidden))
      .replaceAll(QUOTED, (quoted: string, at: number, all: string) =>
        isName(all, at, quoted.length) ? quoted : `"${HIDDEN}"`,
      )
      .replaceAll(EMAIL, HIDDEN);
}

function inItsQuotes(value: string): string {
  const open = value[0] ?? "";
  if (open === "(") return `(${HIDDEN})`;
  return open === '"' || open === "'" ? open + HIDDEN + open : HIDDEN;
}

function isName(text: string, at: number, length: number): boolean {
  return (
    NAME_BEFORE.test(text.slice(Math.max(0, at - 16), at)) ||
    NAME_AFTER.test(text.slice(at + length, at + length + 12))
  );
}
