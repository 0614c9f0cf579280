// "Retry with exponential backoff and jitter for idempotent work, circuit breaker, bulkhead, per-call
// timeouts and deadlines passed on."
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  Deadline,
  DEADLINE_HEADER,
  Dependency,
  DependencyError,
  retry,
  ServiceError,
  ValidationError,
  withTimeout,
} from "../src/index.ts";
import { ask } from "./chassis-world.ts";
import { serveWith } from "./server-world.ts";

const DOWN = new DependencyError("down");

describe("retry", () => {
  test("repeats what passes by itself, up to its attempts, and gives the last failure", async () => {
    let runs = 0;
    const twice = retry(async () => ((runs += 1) < 3 ? Promise.reject(DOWN) : "ok"), { baseMs: 1 });
    expect(await twice).toBe("ok");
    runs = 0;
    const never = retry(
      async ({ number }) => {
        runs = number;
        throw DOWN;
      },
      { attempts: 4, baseMs: 1 },
    );
    await expect(never).rejects.toBe(DOWN);
    expect(runs).toBe(4);
  });

  test.each([new ValidationError("bad"), new Error("a bug")])("never repeats %s", async (error) => {
    let runs = 0;
    await expect(
      retry(async () => {
        runs += 1;
        throw error;
      }),
    ).rejects.toBe(error);
    expect(runs).toBe(1);
  });

  test("waits are drawn from zero to a bound that doubles and has a cap (full jitter)", async () => {
    const waits: number[] = [];
    const timer = vi.spyOn(Math, "random");
    try {
      for (const draw of [0, 0.5, 0.999]) {
        timer.mockReturnValue(draw);
        for (const attempts of [2, 3, 4, 5]) {
          const startedMs = performance.now();
          await retry(() => Promise.reject(DOWN), { attempts, baseMs: 10, maxMs: 20 }).catch(
            () => undefined,
          );
          waits.push(performance.now() - startedMs);
        }
      }
    } finally {
      timer.mockRestore();
    }
    // Never less than the waits drawn: 0; then 5, 5+10, 5+10+10; then 9, 9+19, …
    for (const [index, leastMs] of [0, 0, 0, 0, 5, 15, 25, 35, 9, 28, 47, 66].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(leastMs - 2);
    }
  });

  test("a wait that was drawn short is short, however far away its bound is", async () => {
    const draw = vi.spyOn(Math, "random").mockReturnValue(0.000_01);
    try {
      let runs = 0;
      const policy = { attempts: 4, baseMs: 600_000, maxMs: 6_000_000 };
      const failing = retry(
        () => Promise.reject(((runs += 1), DOWN)),
        policy,
        Deadline.after(60_000),
      );
      await expect(failing).rejects.toBe(DOWN);
      expect(runs).toBe(4);
    } finally {
      draw.mockRestore();
    }
  });

  test("does not begin a wait that the deadline has no room for, nor stays in one that is cancelled", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.99);
    const policy = { attempts: 5, baseMs: 60_000, maxMs: 60_000 };
    await expect(retry(() => Promise.reject(DOWN), policy, Deadline.after(1_000))).rejects.toBe(
      DOWN,
    );
    const deadline = Deadline.after(3_600_000);
    const waiting = retry(() => Promise.reject(DOWN), policy, deadline);
    await Promise.resolve();
    setTimeout(() => deadline.cancel(new Error("gone")), 5);
    await expect(waiting).rejects.toBe(DOWN);
    vi.restoreAllMocks();
  });
});

describe("a deadline", () => {
  let nowMs = 0;

  beforeEach(() => {
    nowMs = 0;
  });

  test("counts down, is never negative, and passes on what is left", () => {
    const deadline = Deadline.after(100, () => nowMs);
    nowMs = 40.5;
    expect(deadline.remainingMs()).toBe(59.5);
    expect(deadline.headers()).toEqual({ [DEADLINE_HEADER]: "59" });
    deadline.check();
    nowMs = 100;
    expect(() => deadline.check()).toThrow(expect.objectContaining({ code: "DEADLINE_EXCEEDED" }));
    nowMs = 500;
    expect(deadline.remainingMs()).toBe(0);
  });

  test("that was cancelled has no time left, passes none on, and nothing is begun under it", () => {
    const deadline = Deadline.after(5_000);
    deadline.cancel(new Error("gone"));
    expect(deadline.remainingMs()).toBe(0);
    expect(deadline.headers()).toEqual({ [DEADLINE_HEADER]: "0" });
    expect(() => deadline.check()).toThrow(expect.objectContaining({ outcome: "none" }));
  });

  test.each([
    ["50", 50],
    ["999999", 1_000],
    [undefined, 1_000],
    ["-1", 1_000],
    ["1e9", 1_000],
    ["", 1_000],
  ])("a header of %j leaves at most %i ms", (header, ms) => {
    const remaining = Deadline.fromHeader(header, 1_000).remainingMs();
    expect(remaining).toBeLessThanOrEqual(ms);
    expect(remaining).toBeGreaterThan(ms - 40);
  });

  test("aborts what was begun under it, and a request that has it is answered 504 in time", async () => {
    let aborted: unknown = null;
    const world = await serveWith((app) => {
      app.get("/slow", (request) => {
        const { signal } = request.deadline;
        signal.addEventListener("abort", () => (aborted = signal.reason));
        return new Promise(() => undefined);
      });
    });
    try {
      const answer = await ask(`${world.url}/slow`, { headers: { [DEADLINE_HEADER]: "60" } });
      expect([answer.status, answer.body["code"]]).toEqual([504, "DEADLINE_EXCEEDED"]);
      expect(aborted).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    } finally {
      await world.drain();
    }
  });

  test("ends with the client that asked", async () => {
    const seen = Promise.withResolvers<unknown>();
    const begun = Promise.withResolvers<void>();
    const world = await serveWith((app) => {
      app.get("/slow", (request, reply) => {
        const { signal } = request.deadline;
        signal.addEventListener("abort", () => {
          seen.resolve(signal.reason);
          reply.send({});
        });
        begun.resolve();
      });
    });
    try {
      const client = new AbortController();
      const answer = ask(`${world.url}/slow`, { signal: client.signal });
      await begun.promise;
      client.abort();
      await expect(answer).rejects.toThrow("aborted");
      expect(await seen.promise).toMatchObject({ message: "The client has gone away." });
    } finally {
      await world.drain();
    }
  });
});

describe("a time limit", () => {
  test("ends the wait for a call that ignores its signal", async () => {
    let signal: AbortSignal | null = null;
    const hanging = withTimeout(20, (given) => {
      signal = given;
      return new Promise(() => undefined);
    });
    await expect(hanging).rejects.toMatchObject({ code: "DEPENDENCY_TIMEOUT", outcome: "unknown" });
    expect(signal).toMatchObject({ aborted: true });
  });

  test("drops a failure that comes after the limit, without an unhandled rejection", async () => {
    const late = Promise.withResolvers<never>();
    await expect(withTimeout(5, () => late.promise)).rejects.toMatchObject({
      code: "DEPENDENCY_TIMEOUT",
    });
    late.reject(new Error("late"));
    await new Promise((resolve) => setImmediate(resolve));
  });

  test("passes on success, failure, and the reason of the caller's own signal", async () => {
    expect(await withTimeout(1_000, async () => 1)).toBe(1);
    await expect(withTimeout(1_000, () => Promise.reject(DOWN))).rejects.toBe(DOWN);
    const reason = new Error("mine");
    await expect(
      withTimeout(1_000, () => new Promise(() => undefined), AbortSignal.abort(reason)),
    ).rejects.toBe(reason);
  });
});

describe("a dependency", () => {
  const calls: string[] = [];

  afterEach(() => {
    calls.length = 0;
  });

  function dependency(
    options: Partial<ConstructorParameters<typeof Dependency>[0]> = {},
  ): Dependency {
    return new Dependency({
      name: "billing",
      timeoutMs: 100,
      retry: { baseMs: 1, maxMs: 2 },
      failuresToOpen: 3,
      // Open for longer than a busy machine stands still between two calls.
      openMs: 400,
      onCall: (outcome) => calls.push(outcome),
      ...options,
    });
  }

  test("is asked again only for idempotent work", async () => {
    const billing = dependency();
    let runs = 0;
    const failing = async (): Promise<never> => {
      runs += 1;
      throw DOWN;
    };
    await expect(billing.call(failing)).rejects.toBe(DOWN);
    expect(runs).toBe(1);
    await expect(billing.call(failing, { idempotent: true })).rejects.toMatchObject({
      status: 503,
    });
    expect(runs).toBe(3);
  });

  test("its circuit opens after failures in a row, refuses at once, and closes when it works again", async () => {
    const billing = dependency();
    for (let n = 0; n < 3; n += 1) {
      await expect(billing.call(() => Promise.reject(DOWN))).rejects.toBe(DOWN);
    }
    expect(billing.state.circuit).toBe("open");
    let asked = false;
    const refused = billing.call(async () => {
      asked = true;
    });
    await expect(refused).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
    expect(asked).toBe(false);
    await expect
      .poll(() => billing.call(() => Promise.resolve("ok")).catch(() => "refused"))
      .toBe("ok");
    expect(billing.state.circuit).toBe("closed");
    expect(calls.slice(0, 4)).toEqual(["failed", "failed", "failed", "rejected"]);
    expect(calls.at(-1)).toBe("ok");
  });

  test("its circuit does not open for answers that were our fault", async () => {
    const billing = dependency();
    for (let n = 0; n < 9; n += 1) {
      await expect(billing.call(() => Promise.reject(new ValidationError("bad")))).rejects.toThrow(
        "bad",
      );
    }
    expect(billing.state.circuit).toBe("closed");
  });

  test("its bulkhead lets few in, fewer wait, and refuses the rest at once", async () => {
    const billing = dependency({ concurrency: 2, waiting: 1 });
    const release = Promise.withResolvers<string>();
    const running = [1, 2, 3].map(() => billing.call(() => release.promise));
    await expect(billing.call(async () => "x")).rejects.toMatchObject({ code: "SATURATED" });
    expect(billing.state.running).toBe(2);
    release.resolve("ok");
    expect(await Promise.all(running)).toEqual(["ok", "ok", "ok"]);
  });

  test("the caller's deadline cuts the call short and is not begun when it is over", async () => {
    const billing = dependency({ timeoutMs: 60_000 });
    const hanging = billing.call(() => new Promise(() => undefined), {
      deadline: Deadline.after(20),
    });
    await expect(hanging).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await expect(
      billing.call(async () => 1, { deadline: Deadline.after(0) }),
    ).rejects.toBeInstanceOf(ServiceError);
  });

  test("its failures are put into the chassis' words", async () => {
    const billing = dependency({
      classify: (cause) => new DependencyError("billing is down", { cause }),
    });
    await expect(
      billing.call(() => Promise.reject(new Error("ECONNREFUSED"))),
    ).rejects.toMatchObject({
      code: "DEPENDENCY_UNAVAILABLE",
    });
    expect(billing.state.lastError).toBe("DEPENDENCY_UNAVAILABLE");
  });
});
