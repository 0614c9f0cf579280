// Goal: an order that cannot be taken is sent again until it is, and never lost or doubled. Method: the
// browser's own file, with a clock and a shop of this test; then the page's script around it, as it is.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FORM, KEY } from "./storefront-world.ts";

type Answer = Pick<Response, "ok" | "status" | "headers" | "url">;

/** What the browser's file exports. */
interface Sender {
  readonly KEPT_UNREACHABLE: string;
  readonly KEPT_CLOSED: string;
  readonly GAVE_UP: string;
  readonly sendUntilAnswered: (world: {
    readonly send: () => Promise<Answer>;
    readonly say: (sentence: string) => void;
    readonly pause: (ms: number) => Promise<void>;
    readonly now: () => number;
    readonly random: () => number;
  }) => Promise<Answer | null>;
}

const SENDER: string = "../src/assets/send-order.js";
const { sendUntilAnswered, KEPT_UNREACHABLE, KEPT_CLOSED, GAVE_UP } = (await import(
  SENDER
)) as Sender;

function answer(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  const url = "https://shop.example/orders/1";
  return { ok: status < 300, status, headers: new Headers(headers), url };
}

const CUT_OFF = new TypeError("fetch failed");

/** Sends to a shop that answers in turn, the last for ever; time passes only in pauses. */
async function sentTo(...answers: readonly (Answer | Error)[]): Promise<{
  readonly ended: Answer | null;
  readonly tries: number;
  readonly said: readonly string[];
  readonly pausesMs: readonly number[];
}> {
  const said: string[] = [];
  const pausesMs: number[] = [];
  let tries = 0;
  let nowMs = 5_000;
  const ended = await sendUntilAnswered({
    send: () => {
      const next = answers[Math.min(tries, answers.length - 1)];
      tries += 1;
      return next instanceof Error || next === undefined
        ? Promise.reject(next ?? CUT_OFF)
        : Promise.resolve(next);
    },
    say: (sentence) => said.push(sentence),
    pause: async (ms) => {
      pausesMs.push(ms);
      nowMs += ms;
    },
    now: () => nowMs,
    random: () => 1,
  });
  return { ended, tries, said, pausesMs };
}

describe("an order", () => {
  test.each([200, 400, 403, 409, 413, 422, 500])(
    "answered %i is not sent again",
    async (status) => {
      const { ended, tries, said } = await sentTo(answer(status));

      expect([ended?.status, tries, said]).toEqual([status, 1, []]);
    },
  );

  test.each([408, 429, 502, 503, 504])("answered %i is sent again", async (status) => {
    const { ended, tries, said } = await sentTo(answer(status), answer(200));

    expect([ended?.status, tries, said]).toEqual([200, 2, [KEPT_CLOSED]]);
  });

  test("whose first attempt is still running is sent again: the answer says when", async () => {
    const running = answer(409, { "retry-after": "1" });

    expect(await sentTo(running, answer(200))).toMatchObject({ ended: { status: 200 }, tries: 2 });
  });

  test("that nobody answers is sent again, and the visitor is told both times why", async () => {
    const { tries, said } = await sentTo(CUT_OFF, answer(503), answer(200));

    expect([tries, said]).toEqual([3, [KEPT_UNREACHABLE, KEPT_CLOSED]]);
  });

  test("waits longer each time, ten seconds at most, and never less than it is asked to", async () => {
    const patient = answer(503, { "retry-after": "7" });
    const closed = answer(503);
    const again = [patient, closed, closed, closed, closed, closed];

    const { pausesMs } = await sentTo(...again, answer(200));

    expect(pausesMs).toEqual([7_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  test("that no one takes for ten minutes is left to the visitor, who is told that it is kept", async () => {
    const { ended, said, pausesMs } = await sentTo(answer(503));

    expect([ended, said.at(-1)]).toEqual([null, GAVE_UP]);
    const waitedMs = pausesMs.reduce((sum, ms) => sum + ms, 0);
    expect(waitedMs).toBeGreaterThan(9 * 60_000);
    expect(waitedMs).toBeLessThanOrEqual(10 * 60_000);
  });
});

/** The key in the form of an attempt. */
function keySent([, { body }]: readonly [string, RequestInit]): string | null {
  return body instanceof URLSearchParams ? body.get("key") : null;
}

describe("the page", () => {
  const SCRIPT: string = "../src/assets/page.js";
  const say = { textContent: "" };
  const submitted = vi.fn<() => void>();
  const assigned = vi.fn<(url: string) => void>();
  const posted = vi.fn<(url: string, options: RequestInit) => Promise<Answer>>();
  let press: () => void;

  beforeEach(async () => {
    vi.useFakeTimers();
    vi.resetModules();
    vi.resetAllMocks();
    const form = {
      action: "https://shop.example/orders",
      submit: submitted,
      addEventListener: (_name: string, listener: (event: object) => void) => {
        press = () => listener({ preventDefault: () => undefined });
      },
    };
    const elements: Readonly<Record<string, unknown>> = { "#say": say, "form[data-keep]": form };
    vi.stubGlobal("document", {
      querySelectorAll: () => [],
      querySelector: (selector: string) => elements[selector] ?? null,
    });
    vi.stubGlobal("location", { assign: assigned });
    vi.stubGlobal("fetch", posted);
    vi.stubGlobal("FormData", function entries() {
      return Object.entries(FORM);
    });
    await import(SCRIPT);
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  test("sends the form with the same key in every try, and goes to the order that came of it", async () => {
    posted.mockRejectedValueOnce(CUT_OFF);
    posted.mockResolvedValueOnce(answer(503, { "retry-after": "2" }));
    posted.mockResolvedValueOnce(answer(200));
    press();
    // Pressed again while it is being sent: one order.
    press();
    expect(say.textContent).toBe("Sending your order …");
    await vi.advanceTimersByTimeAsync(10_000);

    const keys = posted.mock.calls.map(keySent);
    expect(keys).toEqual([KEY, KEY, KEY]);
    expect(assigned.mock.calls).toEqual([["https://shop.example/orders/1"]]);
    expect(submitted).not.toHaveBeenCalled();
  });

  test("that has given up keeps the form, and sends it under the same key when asked to", async () => {
    posted.mockResolvedValue(answer(503));
    press();
    await vi.advanceTimersByTimeAsync(11 * 60_000);
    const tries = posted.mock.calls.length;

    expect(say.textContent).toBe(GAVE_UP);
    expect([submitted.mock.calls, assigned.mock.calls]).toEqual([[], []]);
    posted.mockResolvedValue(answer(200));
    press();
    await vi.advanceTimersByTimeAsync(0);
    expect(posted).toHaveBeenCalledTimes(tries + 1);
    expect(posted.mock.calls.map(keySent).at(-1)).toBe(KEY);
    expect(assigned).toHaveBeenCalledOnce();
  });

  test("shows what is wrong with an order by sending it plainly", async () => {
    posted.mockResolvedValue(answer(422));
    press();
    await vi.advanceTimersByTimeAsync(0);

    expect([submitted.mock.calls.length, assigned.mock.calls.length]).toEqual([1, 0]);
  });
});
