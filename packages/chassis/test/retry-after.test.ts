// Retries must not make a crowd of those who were told to wait.
import { describe, expect, test } from "vitest";
import {
  Deadline,
  Dependency,
  type CallOutcome,
  DependencyError,
  ERROR_KINDS,
  retry,
  type RetryPolicy,
  SaturatedError,
  ServiceError,
} from "../src/index.ts";

const QUICK: RetryPolicy = { baseMs: 1, maxMs: 2 };

/** How often it ran, and for how long. */
async function tried(
  error: Error,
  policy: RetryPolicy = QUICK,
  deadline?: Deadline,
): Promise<{ readonly runs: number; readonly ms: number }> {
  const startedMs = performance.now();
  let runs = 0;
  const work = async (): Promise<never> => {
    runs += 1;
    throw error;
  };
  const failing = retry(work, policy, deadline);
  await expect(failing).rejects.toBe(error);
  return { runs, ms: performance.now() - startedMs };
}

describe("whoever asked for time", () => {
  test("gets it, if the deadline has room for it", async () => {
    const busy = new SaturatedError("busy", { retryAfterMs: 60 });
    const { runs, ms } = await tried(busy, { ...QUICK, attempts: 3 }, Deadline.after(60_000));
    expect(runs).toBe(3);
    expect(ms).toBeGreaterThanOrEqual(118);
  });

  test.each<[string, number, Deadline | undefined]>([
    ["a deadline that has no room for it", 5_000, Deadline.after(2_000)],
    ["no deadline, and more than a wait may be", 5_000, undefined],
  ])("is not asked again with %s", async (_name, retryAfterMs, deadline) => {
    const limited = new ServiceError(ERROR_KINDS.RATE_LIMITED, "slower", { retryAfterMs });
    expect((await tried(limited, QUICK, deadline)).runs).toBe(1);
  });

  test("by what clients are told of every failure has asked for nothing", async () => {
    const down = new DependencyError("down");
    expect(down.retryAfterMs).toBe(1_000);
    expect((await tried(down, QUICK, Deadline.after(60_000))).runs).toBe(3);
  });
});

test.each(["SATURATED", "RATE_LIMITED", "OVERLOADED"] as const)(
  "%s without a time is not asked again: that is what it is made of",
  async (code) => {
    expect((await tried(new ServiceError(ERROR_KINDS[code], "too much"))).runs).toBe(1);
  },
);

function dependency(options: Partial<ConstructorParameters<typeof Dependency>[0]>): {
  readonly way: Dependency;
  readonly outcomes: CallOutcome[];
} {
  const outcomes: CallOutcome[] = [];
  const onCall = (outcome: CallOutcome): void => void outcomes.push(outcome);
  return { way: new Dependency({ name: "billing", retry: QUICK, onCall, ...options }), outcomes };
}

const failing = (): Promise<never> => Promise.reject(new DependencyError("down"));

describe("a call that was never made is not repeated", () => {
  test("because the circuit is open", async () => {
    const { way, outcomes } = dependency({ failuresToOpen: 1, openMs: 60_000 });
    await expect(way.call(failing)).rejects.toThrow("down");
    await expect(way.call(failing, { idempotent: true })).rejects.toThrow("kept failing");
    expect(outcomes).toEqual(["failed", "rejected"]);
  });

  test("because too many wait, whatever the policy says of such failures", async () => {
    const { way, outcomes } = dependency({
      concurrency: 1,
      waiting: 0,
      retry: { ...QUICK, shouldRetry: () => true },
    });
    const release = Promise.withResolvers<string>();
    const running = way.call(() => release.promise);
    await expect(way.call(async () => "", { idempotent: true })).rejects.toThrow("Too many");
    expect(outcomes).toEqual(["rejected"]);
    release.resolve("done");
    expect(await running).toBe("done");
  });
});
