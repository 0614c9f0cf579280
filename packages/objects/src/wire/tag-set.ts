/** An object's tags as both clouds tell and take them. */
import { child, childText, parseXml } from "./parse-xml.ts";

/** Ten tags of 128 and 256 characters, escaped. */
export const TAG_SET_MAX_BYTES: number = 64 * 1024;

/** The tags in a document `Tagging` (S3) or `Tags` (Blob). */
export function readTagSet(xml: string): Readonly<Record<string, string>> {
  const root = parseXml(xml);
  const set = root === null ? undefined : child(root, "TagSet");
  return Object.fromEntries(
    (set?.children ?? []).map((tag) => [
      childText(tag, "Key") ?? "",
      childText(tag, "Value") ?? "",
    ]),
  );
}

/** Tags as the value of the header that writes them; null if there are none. */
export function tagHeader(tags: Readonly<Record<string, string>>): string | null {
  const pairs = Object.entries(tags).map(([name, value]) => [name, value]);
  return pairs.length === 0 ? null : new URLSearchParams(pairs).toString();
}
