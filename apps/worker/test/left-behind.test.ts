import type { Json } from "@cloudphoenix/core";
import { expect, test } from "vitest";
import { leftBehind, noteLeftBehind } from "../src/follower/left-behind.ts";

const OF = { application: "shop", from: "aws", to: "azure", generation: 5 };

function store(): {
  get(key: string): Promise<Json>;
  put(key: string, value: Json): Promise<void>;
} {
  const kept = new Map<string, Json>();
  return {
    get: async (key) => kept.get(key) ?? null,
    put: async (key, value) => void kept.set(key, value),
  };
}

test("what a copier leaves behind is known to the final sync of the same pair and generation only", async () => {
  const facts = store();
  await noteLeftBehind(facts, OF, ["a", "b"]);
  expect(await leftBehind(facts, OF)).toEqual(["a", "b"]);
  expect(await leftBehind(facts, { ...OF, generation: 6 })).toEqual([]);
  expect(await leftBehind(facts, { ...OF, from: "azure", to: "aws" })).toEqual([]);
});

test("what nobody of this release wrote is no name", async () => {
  const facts = store();
  await facts.put("objects-left-behind:shop:aws:azure", { generation: 5, names: [7] });
  expect(await leftBehind(facts, OF)).toEqual([]);
});
