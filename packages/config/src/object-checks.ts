/** What copying objects asks of the rest of the file. */

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

/** Two sites with one store would lose it together, and copying it onto itself protects nothing. */
function sharedStores(document: unknown): readonly Finding[] {
  const seen = new Set<string>();
  return rawList(document, ["sites"]).flatMap((_, index) => {
    const path = ["sites", index, "objects", "url"];
    const url = rawText(document, path);
    if (url === null) return [];
    if (!seen.has(url)) {
      seen.add(url);
      return [];
    }
    const message = "is the store of another site";
    const suggestion = "give every site a store of its own, in its own cloud";
    return [{ path, part: "value" as const, message, suggestion }];
  });
}
