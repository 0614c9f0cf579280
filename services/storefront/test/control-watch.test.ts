// Goal: pages hear what the controllers know, and controllers that are slow, silent or many cost them
// nothing. Method: a clock that is turned by hand and controllers that answer when they are told to.
import { beforeEach, describe, expect, test } from "vitest";
import type { ControlAnswer } from "../src/control-answers.ts";
import { type Control, ControlWatch } from "../src/control-watch.ts";

const LEADER = "http://one:20120";
const FOLLOWER = "http://two:20120";
const CONTROL_MS = 1_800_000_000_000;

let nowMs: number;
let asked: { readonly origin: string; readonly signal: AbortSignal }[];
/** What each controller answers; those that are not here are down. */
let answers: Map<string, ControlAnswer | "hangs">;

beforeEach(() => {
  nowMs = 5_000;
  asked = [];
  answers = new Map<string, ControlAnswer | "hangs">([
    [LEADER, answerOf(0)],
    [FOLLOWER, answerOf(null)],
  ]);
});

function answerOf(score: number | null, more: Partial<ControlAnswer> = {}): ControlAnswer {
  const level = score === null ? null : "none";
  const evaluatedAtMs = score === null ? null : CONTROL_MS;
  const sites = [{ id: "aws-1", score, level, evaluatedAtMs }] as const;
  return { atMs: CONTROL_MS, move: null, sites, ...more };
}

async function ask(origin: string, signal: AbortSignal): Promise<ControlAnswer> {
  asked.push({ origin, signal });
  const answer = answers.get(origin);
  if (answer === undefined) throw new Error("connection refused");
  if (answer !== "hangs") return answer;
  const { promise, reject } = Promise.withResolvers<ControlAnswer>();
  signal.addEventListener("abort", () => reject(new Error("aborted")));
  return promise;
}

function watching(origins: readonly string[] = [LEADER]): ControlWatch {
  return new ControlWatch({ origins, ask, now: () => nowMs });
}

/** Asks again once a new round is due, and once its answers are in. */
async function later(watch: ControlWatch, ms: number): Promise<Control | null> {
  nowMs += ms;
  await watch.now();
  await new Promise((resolve) => setImmediate(resolve));
  return watch.now();
}

function scoreIn(control: Control | null): number | undefined {
  return control?.scores.get("aws-1")?.points;
}

describe("many pages", () => {
  test("ask once in two seconds", async () => {
    const watch = watching();

    const seen = await Promise.all(Array.from({ length: 50 }, () => watch.now()));
    expect(seen.map(scoreIn)).toEqual(seen.map(() => 0));
    nowMs += 1_999;
    await watch.now();
    expect(asked).toHaveLength(1);

    nowMs += 1;
    await Promise.all(Array.from({ length: 50 }, () => watch.now()));
    expect(asked).toHaveLength(2);
  });

  test("beside a fresh answer wait for nobody", async () => {
    const watch = watching();
    await watch.now();
    answers.set(LEADER, "hangs");
    nowMs += 2_500;

    expect(scoreIn(await watch.now())).toBe(0);
    expect(asked.at(-1)?.signal.aborted).toBe(false);
  });

  test("wait for a controller that says nothing until it is given up, and only once", async () => {
    answers.set(LEADER, "hangs");
    const watch = watching();

    expect(await Promise.all([watch.now(), watch.now()])).toEqual([null, null]);
    nowMs += 2_000;
    expect(await watch.now()).toBeNull();

    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  });
});

describe("what is known", () => {
  test("comes from the one that leads, whoever else answers, hangs or is down", async () => {
    for (const other of [answerOf(null), "hangs", undefined] as const) {
      if (other === undefined) answers.delete(FOLLOWER);
      else answers.set(FOLLOWER, other);
      expect(scoreIn(await watching([FOLLOWER, LEADER]).now())).toBe(0);
    }
  });

  test("is a move alone, if only one that follows answers", async () => {
    const move = { to: "azure-1", sinceMs: 7 };
    answers.set(FOLLOWER, answerOf(null, { move }));

    expect(await watching([FOLLOWER]).now()).toEqual({ move, scores: new Map() });
  });

  test("is not contradicted by one that follows and reads the state a moment later", async () => {
    const move = { to: "azure-1", sinceMs: 7 };
    answers.set(LEADER, answerOf(12, { move }));

    for (const order of [
      [LEADER, FOLLOWER],
      [FOLLOWER, LEADER],
    ])
      expect((await later(watching(order), 0))?.move).toEqual(move);
  });

  test("grows old after ten seconds, and is forgotten after a minute", async () => {
    const watch = watching();
    await watch.now();
    answers.clear();

    expect((await later(watch, 9_999))?.scores.get("aws-1")?.old).toBe(false);
    expect((await later(watch, 1))?.scores.get("aws-1")?.old).toBe(true);
    expect(scoreIn(await later(watch, 49_999))).toBe(0);
    expect(await later(watch, 1)).toBeNull();
  });

  test("is old at once if the controller has not evaluated it for long, whatever its clock says", async () => {
    answers.set(LEADER, answerOf(0, { atMs: CONTROL_MS + 30_000 }));

    expect((await watching().now())?.scores.get("aws-1")?.old).toBe(true);
  });

  test("is known again as soon as a controller is back", async () => {
    const leads = answers.get(LEADER);
    answers.clear();
    const watch = watching();
    expect(await watch.now()).toBeNull();

    if (leads !== undefined) answers.set(LEADER, leads);
    expect(scoreIn(await later(watch, 2_000))).toBe(0);
  });
});
