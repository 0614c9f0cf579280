/** What copying objects asks of the rest of the file. */

import { locationsOverlap, objectLocation, type ObjectLocation } from "@cloudphoenix/core";
import type { Finding } from "./explain-issue.ts";
import { rawAt, rawList, rawText } from "./raw-document.ts";

/** Everything wrong between `objects` and other parts of the raw document. */
export function objectChecks(document: unknown): readonly Finding[] {
  const copied = rawAt(document, ["objects"]) !== undefined;
  return [
    ...(copied ? sitesWithoutStore(document) : storesWithoutObjects(document)),
    ...sharedStores(document),
  ];
}

function storesWithoutObjects(document: unknown): readonly Finding[] {
  return rawList(document, ["sites"]).flatMap((_, index) => {
    const path = ["sites", index, "objects"];
    if (rawAt(document, path) === undefined) return [];
    const message = "names a store, but nothing is copied";
    const suggestion = "add an `objects` section (`objects: {}` takes every default)";
    return [{ path, part: "key" as const, message, suggestion }];
  });
}

function sitesWithoutStore(document: unknown): readonly Finding[] {
  return rawList(document, ["sites"]).flatMap((_, index) => {
    const path = ["sites", index];
    if (rawAt(document, [...path, "objects"]) !== undefined) return [];
    const message = "has no `objects`, so nothing could be copied to or from it";
    const suggestion = "add `objects` with the URL of the site's store";
    return [{ path, part: "value" as const, message, suggestion }];
  });
}

/**
 * Two sites with one store would lose it together, and a store that holds another one would be copied
 * into itself for ever.
 */
function sharedStores(document: unknown): readonly Finding[] {
  const seen: ObjectLocation[] = [];
  return rawList(document, ["sites"]).flatMap((_, index) => {
    const path = ["sites", index, "objects", "url"];
    const url = rawText(document, path);
    const location = url === null ? null : locationOf(url);
    if (location === null) return [];
    const isShared = seen.some((other) => locationsOverlap(location, other));
    seen.push(location);
    if (!isShared) return [];
    const message = "is the store of another site, or holds it, or is held by it";
    const suggestion = "give every site a store of its own, in its own cloud";
    return [{ path, part: "value" as const, message, suggestion }];
  });
}

/** Null for what is no address of a store: other rules say so. */
function locationOf(text: string): ObjectLocation | null {
  const url = URL.parse(text);
  if (url === null) return null;
  const endpoint = URL.parse(url.searchParams.get("endpoint") ?? "");
  const segments = url.pathname.split("/").filter((segment) => segment !== "");
  if (url.protocol === "s3:") {
    return objectLocation("s3", { container: url.host, prefix: prefixOf(segments) }, endpoint);
  }
  const [container = "", ...path] = segments;
  const place = { container: `${url.host}/${container}`, prefix: prefixOf(path) };
  return objectLocation("azblob", place, endpoint);
}

function prefixOf(path: readonly string[]): string {
  return path.map((folder) => `${folder}/`).join("");
}
