/** What a comparison of the objects of a returned site found, as far as it came. */
import { messageOf } from "@cloudphoenix/core";
import type { DivergentObject, DivergentObjectPage } from "../ports/object-data.ts";

/** Plain JSON. */
export interface ObjectDivergence {
  /** Objects of the returned site that were compared. */
  readonly looked: number;
  /** Of them, by kind; see `DivergentObject`. */
  readonly onlyThere: number;
  readonly differing: number;
  readonly outdated: number;
  /** Bytes of those that are only there or differ. */
  readonly bytes: number;
  /** Whether all of them were compared: then the figures are exact. Otherwise there may be more. */
  readonly complete: boolean;
  /** Why not; null if they were. */
  readonly trouble: string | null;
  /** The first that are only there or differ, in the order of keys; bounded. */
  readonly first: readonly DivergentObject[];
}

/**
 * Counts what a comparison finds until `limit` aborts, which the comparison has to be made with. One that
 * fails is told, not thrown.
 * @param keep - how many objects are kept by key
 */
export async function objectDivergence(
  pages: AsyncIterable<DivergentObjectPage>,
  keep: number,
  limit: AbortSignal,
): Promise<ObjectDivergence> {
  const counts = { "only-there": 0, differs: 0, outdated: 0 };
  const first: DivergentObject[] = [];
  let looked = 0;
  let bytes = 0;
  let trouble: string | null = null;
  try {
    for await (const page of pages) {
      looked += page.looked;
      for (const object of page.found) {
        counts[object.kind] += 1;
        if (object.kind === "outdated") continue;
        bytes += object.sizeBytes;
        if (first.length < keep) first.push(object);
      }
    }
  } catch (error) {
    trouble = limit.aborted
      ? `the time for a look was up when ${looked} objects had been compared`
      : messageOf(error);
  }
  const { "only-there": onlyThere, differs: differing, outdated } = counts;
  const complete = trouble === null;
  return { looked, onlyThere, differing, outdated, bytes, complete, trouble, first };
}
