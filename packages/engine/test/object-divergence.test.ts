import {
  type DivergentObject,
  type DivergentObjectPage,
  objectDivergence,
} from "@cloudphoenix/engine";
import { describe, expect, test } from "vitest";

// Goal: what people read of a comparison of objects is exact if it is complete, and says so if not.

function object(key: string, kind: DivergentObject["kind"] = "only-there"): DivergentObject {
  return { key, kind, sizeBytes: 10, modifiedMs: 1, writer: null };
}

async function* pages(...all: readonly DivergentObject[][]): AsyncGenerator<DivergentObjectPage> {
  for (const found of all) yield { looked: 100, found };
}

async function* failing(error: Error): AsyncGenerator<DivergentObjectPage> {
  yield* pages([object("a")]);
  throw error;
}

const NEVER = new AbortController().signal;

describe("a look at divergent objects", () => {
  test("counts all by kind, names the first that matter, and adds up only their bytes", async () => {
    const found = pages(
      [object("a", "outdated"), object("b")],
      [object("c", "differs"), object("d"), object("e", "outdated")],
    );

    expect(await objectDivergence(found, 2, NEVER)).toEqual({
      looked: 200,
      onlyThere: 2,
      differing: 1,
      outdated: 2,
      bytes: 30,
      complete: true,
      trouble: null,
      first: [object("b"), object("c", "differs")],
    });
  });

  test("that fails half-way is not complete, and says why", async () => {
    const seen = await objectDivergence(failing(new Error("the store is gone")), 5, NEVER);

    expect(seen).toMatchObject({
      looked: 100,
      onlyThere: 1,
      complete: false,
      trouble: "the store is gone",
    });
  });

  test("whose time is up says how far it came", async () => {
    const seen = await objectDivergence(failing(new Error("aborted")), 5, AbortSignal.abort());

    expect(seen.complete).toBe(false);
    expect(seen.trouble).toContain("100 objects had been compared");
  });
});
