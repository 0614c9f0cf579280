/** Finds the line and column of anything in a YAML document by its path. */

import { type Document, isAlias, isMap, isPair, isScalar, isSeq, type LineCounter } from "yaml";

/** A place in a text file, counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Positions of one parsed document. */
export interface SourceMap {
  /**
   * Where `path` stands: its key (`key`) or its value (`value`). If it is missing, where the
   * deepest part of the path that exists stands.
   */
  find(path: readonly PropertyKey[], part: "key" | "value"): Position;
  at(offset: number): Position;
}

/** The source map of `document`, whose lines `lines` has counted. */
export function sourceMap(document: Document, lines: LineCounter): SourceMap {
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  return {
    at,
    find(path, part) {
      let node: unknown = document.contents;
      let offset = startOf(node) ?? 0;
      for (const [index, key] of path.entries()) {
        const child = childOf(resolveAlias(node, document), key);
        if (child === null) break;
        node = child.value;
        const last = index === path.length - 1;
        const own = last && part === "key" ? child.keyOffset : startOf(node);
        offset = own ?? child.keyOffset ?? offset;
      }
      return at(offset);
    },
  };
}

interface Child {
  readonly value: unknown;
  readonly keyOffset: number | null;
}

function childOf(node: unknown, key: PropertyKey): Child | null {
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
    return isPair(pair) ? { value: pair.value, keyOffset: startOf(pair.key) } : null;
  }
  if (isSeq(node) && typeof key === "number") {
    const value = node.items[key];
    return value === undefined ? null : { value, keyOffset: startOf(value) };
  }
  return null;
}

function resolveAlias(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function startOf(node: unknown): number | null {
  if (!isScalar(node) && !isMap(node) && !isSeq(node) && !isAlias(node)) return null;
  return node.range?.[0] ?? null;
}
