import type { Status } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import { expect, test } from "vitest";
import { ObservationLog } from "../src/observation-log.ts";

const BATCH_MS = 500;
const WAIT_MS = 2000;

/** Time passes only when a sleep is let through to its end. */
class SteppedClock implements Clock {
  #nowMs = 0;
  #wake: (() => void) | null = null;
  #untilMs = 0;

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#untilMs = this.#nowMs + ms;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal?.addEventListener("abort", () => resolve(), { once: true });
    return promise;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    if (this.#nowMs >= this.#untilMs) this.#wake?.();
  }
}

interface Desk {
  readonly clock: SteppedClock;
  readonly log: ObservationLog;
  readonly say: (signal: string, status: Status) => void;
  readonly sight: (sees: boolean) => void;
  /** Asks for what is new; `answer` is null as long as the question is held. */
  readonly ask: (since: number) => { answer: Awaited<ReturnType<ObservationLog["page"]>> | null };
}

function desk(): Desk {
  const clock = new SteppedClock();
  const log = new ObservationLog(clock, BATCH_MS);
  return {
    clock,
    log,
    say: (signal, status) => {
      const atMs = clock.now();
      log.observed({ signal, vantage: "aws", atMs, status, detail: "", latencyMs: null });
    },
    sight: (sees) => log.sighted({ vantage: "aws", atMs: clock.now(), sees }),
    ask: (since) => {
      const asked: ReturnType<Desk["ask"]> = { answer: null };
      const answered = async (): Promise<void> => {
        asked.answer = await log.page(since, WAIT_MS, new AbortController().signal);
      };
      void answered();
      return asked;
    },
  };
}

/** Lets every promise that can go on do so. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

test("what only confirms the last word waits for company, and goes out with its age", async () => {
  const { clock, say, ask } = desk();
  say("one", "healthy");
  say("two", "healthy");
  const asked = ask(2);
  await settle();
  say("one", "healthy");
  clock.pass(BATCH_MS - 100);
  await settle();
  say("two", "healthy");
  await settle();
  expect(asked.answer).toBeNull();
  clock.pass(100);
  await settle();
  expect(asked.answer?.observations).toMatchObject([
    { signal: "one", ageMs: BATCH_MS },
    { signal: "two", ageMs: 100 },
  ]);
  expect(asked.answer).toMatchObject({ next: 4, heldMs: BATCH_MS });
});

test("a changed status goes out at once, with everything that was waiting", async () => {
  const { say, ask } = desk();
  say("one", "healthy");
  say("two", "healthy");
  const asked = ask(2);
  await settle();
  say("one", "healthy");
  await settle();
  expect(asked.answer).toBeNull();
  say("two", "unhealthy");
  await settle();
  expect(asked.answer?.observations).toMatchObject([
    { signal: "one", status: "healthy", ageMs: 0 },
    { signal: "two", status: "unhealthy", ageMs: 0 },
  ]);
});

test("a change that came between two questions is not held", async () => {
  const { say, ask } = desk();
  say("one", "healthy");
  say("one", "unhealthy");
  say("one", "unhealthy");
  const asked = ask(1);
  await settle();
  expect(asked.answer?.observations).toHaveLength(2);
});

test("sight that is lost goes out at once", async () => {
  const { sight, ask } = desk();
  sight(true);
  const asked = ask(0);
  await settle();
  expect(asked.answer).toBeNull();
  sight(true);
  await settle();
  expect(asked.answer).toBeNull();
  sight(false);
  await settle();
  expect(asked.answer).toMatchObject({ observations: [], sight: { sees: false } });
});

test("a question that nothing happens to ends after what its client wants to wait", async () => {
  const { clock, ask } = desk();
  const asked = ask(0);
  await settle();
  clock.pass(WAIT_MS - 1);
  await settle();
  expect(asked.answer).toBeNull();
  clock.pass(1);
  await settle();
  expect(asked.answer).toMatchObject({ observations: [], heldMs: WAIT_MS });
});
