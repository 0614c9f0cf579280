// Goal: work that repeats by itself neither ends because of a failure nor hammers what failed.
import { expect, test } from "vitest";
import { Rounds, spread } from "../src/index.ts";

const never = (): never => {
  throw new Error("this was not to be called");
};

test("rounds follow each other until they are told to stop, and the present one is finished", async () => {
  const ends: number[] = [];
  const { promise: third, resolve: reached } = Promise.withResolvers<void>();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let begun = 0;
  const rounds = new Rounds({
    round: async () => {
      begun += 1;
      if (begun === 3) {
        reached();
        await gate;
      }
      ends.push(begun);
      return 0;
    },
    idleMs: 60_000,
    onFailure: never,
    random: () => 0,
  });
  rounds.start();
  rounds.start();
  await third;
  const stopped = rounds.stop();
  expect(rounds.stopping.aborted).toBe(true);
  open();
  await stopped;

  expect(ends).toEqual([1, 2, 3]);
});

test("a stop ends the pause between two rounds", async () => {
  const { promise: first, resolve: reached } = Promise.withResolvers<void>();
  const rounds = new Rounds({
    round: async () => {
      reached();
      return 3_600_000;
    },
    idleMs: 1,
    onFailure: never,
    random: () => 0,
  });
  rounds.start();
  await first;

  await expect(rounds.stop()).resolves.toBeUndefined();
});

test("a round that fails is told, waited after, and followed by the next; a success begins anew", async () => {
  const outcomes = ["fails", "fails", "works", "fails", "works"];
  const pauses: number[] = [];
  const errors: unknown[] = [];
  const { promise: last, resolve: reached } = Promise.withResolvers<void>();
  const rounds = new Rounds({
    round: async () => {
      const outcome = outcomes.shift();
      if (outcome === undefined) reached();
      if (outcome === "fails") throw new Error("no database");
      return 0;
    },
    idleMs: 2,
    onFailure: (error, pauseMs) => {
      errors.push(error);
      pauses.push(pauseMs);
    },
    random: () => 1,
  });
  rounds.start();
  await last;
  await rounds.stop();

  expect(pauses).toEqual([2, 4, 2]);
  expect(errors).toHaveLength(3);
});

test("tries spread from nothing to a bound that doubles and has an end", () => {
  const most = { baseMs: 100, maxMs: 1_000, random: () => 1 };
  expect([1, 2, 3, 4, 5, 500].map((number) => spread(number, most))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect(spread(3, { ...most, random: () => 0 })).toBe(0);
});
