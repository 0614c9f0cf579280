/** Signs one request with an account's key, as "Authorize with Shared Key" says. For an emulator's paths. */
import { createHmac } from "node:crypto";

export interface SharedKeyRequest {
  readonly method: string;
  /** Escaped, account and all; without a query. */
  readonly path: string;
  /** Not escaped. */
  readonly query?: Readonly<Record<string, string>>;
  /** By lower-case name; `x-ms-date` and `content-length` among them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The headers that take part whatever they are, in the order of the text that is signed. */
const STANDARD = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "if-modified-since",
  "if-match",
  "if-none-match",
  "if-unmodified-since",
  "range",
];

/** The value of `Authorization`. */
export function sharedKeySignature(
  { method, path, query = {}, headers }: SharedKeyRequest,
  account: { readonly name: string; readonly key: string },
): string {
  const standard = STANDARD.map((name) => {
    const value = headers[name] ?? "";
    return name === "content-length" && value === "0" ? "" : value;
  });
  const asked = Object.entries(query)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `\n${name}:${value}`);
  const own = Object.entries(headers)
    .filter(([name]) => name.startsWith("x-ms-"))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value.trim()}`);
  const text = [method, ...standard, ...own, `/${account.name}${path}${asked.join("")}`].join("\n");
  const key = Buffer.from(account.key, "base64");
  return `SharedKey ${account.name}:${createHmac("sha256", key).update(text).digest("base64")}`;
}
