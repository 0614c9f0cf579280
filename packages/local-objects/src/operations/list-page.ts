/** One page of a listing, from the ordered index, without touching what lies before or behind it. */
import type { KeyEntry } from "../store/store-state.ts";
import type { IndexPosition, KeyIndex } from "../store/key-index.ts";

/** Where a page ended: at a key, or at everything below a common prefix. */
export interface PageMark {
  readonly key: string;
  readonly isPrefix: boolean;
}

export interface PageRequest {
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  readonly after: PageMark | null;
  readonly max: number;
  /** Whether the entry is listed. */
  readonly accepts: (entry: KeyEntry) => boolean;
}

export interface Page {
  readonly entries: readonly KeyEntry[];
  readonly commonPrefixes: readonly string[];
  /** Where the next page begins; null on the last one. */
  readonly next: PageMark | null;
}

/** Entries and common prefixes in key order, `max` of both together. */
export function listPage(keys: KeyIndex<KeyEntry>, request: PageRequest): Page {
  const entries: KeyEntry[] = [];
  const commonPrefixes: string[] = [];
  let last: PageMark | null = null;
  let position = startOf(keys, request);
  if (request.max === 0) return { entries, commonPrefixes, next: null };
  for (;;) {
    const entry = keys.at(position);
    if (entry === undefined || !entry.key.startsWith(request.prefix)) break;
    if (!request.accepts(entry)) {
      position = keys.next(position);
      continue;
    }
    const common = commonPrefixOf(entry.key, request);
    // A mark that is itself a common prefix came from an older page: it was listed there.
    if (common !== null && common === request.after?.key) {
      position = keys.seekBehindPrefix(common);
      continue;
    }
    if (entries.length + commonPrefixes.length >= request.max) {
      return { entries, commonPrefixes, next: last };
    }
    if (common === null) entries.push(entry);
    else commonPrefixes.push(common);
    last = { key: common ?? entry.key, isPrefix: common !== null };
    position = common === null ? keys.next(position) : keys.seekBehindPrefix(common);
  }
  return { entries, commonPrefixes, next: null };
}

function startOf(keys: KeyIndex<KeyEntry>, { prefix, after }: PageRequest): IndexPosition {
  const atPrefix = keys.seek(prefix);
  if (after === null) return atPrefix;
  const behind = after.isPrefix ? keys.seekBehindPrefix(after.key) : keys.seekBehind(after.key);
  return isBefore(behind, atPrefix) ? atPrefix : behind;
}

function isBefore(a: IndexPosition, b: IndexPosition): boolean {
  return a.chunk === b.chunk ? a.offset < b.offset : a.chunk < b.chunk;
}

function commonPrefixOf(key: string, { prefix, delimiter }: PageRequest): string | null {
  if (delimiter === "") return null;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? null : key.slice(0, at + delimiter.length);
}
