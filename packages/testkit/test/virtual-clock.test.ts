import { SeededRandom, VirtualClock } from "@cloudphoenix/testkit";
import { describe, expect, test } from "vitest";

describe("the virtual clock", () => {
  test("fires timers in order of time, then in the order they were set", async () => {
    const clock = new VirtualClock(0);
    const fired: string[] = [];
    const note = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      fired.push(`${name}@${clock.now()}`);
    };
    const sleeps = [note("late", 20), note("first", 10), note("second", 10)];
    await clock.advance(15);
    expect(fired).toEqual(["first@10", "second@10"]);
    expect(clock.now()).toBe(15);
    await clock.advance(5);
    await Promise.all(sleeps);
    expect(fired.at(-1)).toBe("late@20");
  });

  test("lets everything that is ready run before time goes on", async () => {
    const clock = new VirtualClock(0);
    const instants: number[] = [];
    const chain = (async () => {
      for (let turn = 0; turn < 3; turn += 1) {
        await clock.sleep(10);
        await Promise.resolve();
        instants.push(clock.now());
      }
    })();
    await clock.advance(100);
    await chain;
    expect(instants).toEqual([10, 20, 30]);
  });

  test("ends a sleep at once when its signal aborts", async () => {
    const clock = new VirtualClock(0);
    const stop = new AbortController();
    const sleep = clock.sleep(1_000, stop.signal);
    stop.abort();
    await expect(sleep).rejects.toMatchObject({ code: "ABORTED" });
    await expect(clock.sleep(1, stop.signal)).rejects.toMatchObject({ code: "ABORTED" });
    expect(clock.sleeping).toBe(0);
  });

  test("refuses to wait for what can never happen", async () => {
    const clock = new VirtualClock(0);
    await expect(clock.runUntil(() => false, 1_000)).rejects.toThrow("nothing is left to happen");
    void clock.sleep(2_000);
    await expect(clock.runUntil(() => false, 1_000)).rejects.toThrow("not done within 1000 ms");
  });
});

function draw(seed: number): readonly number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: 1_000 }, () => random.next());
}

test("seeded chance repeats itself and stays in its range", () => {
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(draw(7).every((value) => value >= 0 && value < 1)).toBe(true);
});
