import { CloudPhoenixError } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { persist } from "../src/runner/persist.ts";

const AWAY = new CloudPhoenixError("STATE_UNAVAILABLE", "no answer", { retryable: true });
const HOUR_MS = 3_600_000;

/** A store that is away until `backAtMs`, and how long a write to it waited. */
function outageOf(backAtMs: number): { readonly waited: () => Promise<number> } {
  let nowMs = 0;
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  const write = async (): Promise<number> => {
    if (nowMs < backAtMs) throw AWAY;
    return nowMs;
  };
  return { waited: () => persist(clock, write) };
}

describe("a write of a run", () => {
  test("is done within seconds once the store is back", async () => {
    expect(await outageOf(20_000).waited()).toBeLessThan(23_000);
  });

  test("waits for the person who frees the disk in the morning", async () => {
    expect(await outageOf(9 * HOUR_MS).waited()).toBeGreaterThanOrEqual(9 * HOUR_MS);
  });

  test("is given up at the third day", async () => {
    await expect(outageOf(72 * HOUR_MS).waited()).rejects.toBe(AWAY);
  });

  test("that is refused for good is not tried again", async () => {
    let tries = 0;
    const refused = new CloudPhoenixError("STALE_GENERATION", "old", { retryable: false });
    const write = async (): Promise<never> => {
      tries += 1;
      throw refused;
    };
    const clock = { now: () => 0, sleep: async () => undefined };
    await expect(persist(clock, write)).rejects.toBe(refused);
    expect(tries).toBe(1);
  });
});
