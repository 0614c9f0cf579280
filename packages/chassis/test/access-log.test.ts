// "Sampling under load": a flood leaves few lines, whether it is served or refused; what the service
// itself failed at is always told. Nothing that somebody sent is repeated.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLogger, ERROR_KINDS, ServiceError } from "../src/index.ts";
import { debugSwitch } from "../src/observe/debug-switch.ts";
import { ask } from "./chassis-world.ts";
import { serveWith, type ServerWorld } from "./server-world.ts";

let world: ServerWorld;

afterEach(() => world.drain());

/** The lines of `count` requests that all come within one second, each with what it stands for. */
async function linesOf(count: number, path: string): Promise<(readonly [unknown, number])[]> {
  world.lines.length = 0;
  await Promise.all(Array.from({ length: count }, () => ask(world.url + path)));
  return world.lines
    .filter(({ msg }) => msg === "request" || msg === "request failed")
    .map(({ status, standsFor = 1 }) => [status, Number(standsFor)]);
}

function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

describe("above the limit", () => {
  // The second in which all of them come does not end.
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterEach(() => void vi.useRealTimers());

  test("300 successes leave ten lines, and one for each further hundred, which says so", async () => {
    world = await serveWith((app) => void app.get("/x", () => ({})), { logSampleAbove: 10 });
    expect(await linesOf(300, "/x")).toEqual([...times(10, [200, 1]), [200, 100], [200, 100]]);
  });

  test("refusals by the limits leave as few, and take no line from a success", async () => {
    world = await serveWith((app) => void app.get("/x", () => ({})), {
      logSampleAbove: 2,
      rateLimit: { max: 1, windowMs: 60_000 },
    });
    expect(await linesOf(150, "/x")).toEqual([[200, 1], ...times(2, [429, 1]), [429, 100]]);
  });

  test("requests that are shed leave as few", async () => {
    world = await serveWith((app) => void app.get("/x", () => ({})), {
      logSampleAbove: 2,
      limits: { inFlightMax: 0 },
    });
    expect(await linesOf(150, "/x")).toEqual([...times(2, [503, 1]), [503, 100]]);
  });

  test("failures of the service are all told", async () => {
    world = await serveWith(
      (app) => {
        app.get("/bug", () => JSON.parse("{"));
        app.get("/down", () => {
          throw new ServiceError(ERROR_KINDS.DATABASE_UNAVAILABLE, "down");
        });
      },
      { logSampleAbove: 1 },
    );
    expect(await linesOf(20, "/bug")).toEqual(times(20, [500, 1]));
    expect(await linesOf(20, "/down")).toEqual(times(20, [503, 1]));
  });
});

describe("the message of an error nobody planned for", () => {
  test.each([
    [
      "cannot reach postgresql://app:LEAK@db:5432/shop",
      "cannot reach postgresql://[hidden]@db:5432/shop",
    ],
    ["login failed: password=LEAK, retry", "login failed: password=[hidden], retry"],
    ['sent {"email":"LEAK","n":1}', 'sent {"email":"[hidden]","n":1}'],
    ["Key (customer)=(LEAK LEAK) already exists.", "Key (customer)=([hidden]) already exists."],
    ["refused: Authorization: Bearer LEAK.LEAK", "refused: Authorization: [hidden]"],
    ["nobody is called LEAK@example.com here", "nobody is called [hidden] here"],
    [
      'invalid input syntax for type integer: "LEAK"',
      'invalid input syntax for type integer: "[hidden]"',
    ],
    [
      "Unexpected token 'L', \"LEAK\" is not valid JSON",
      "Unexpected token 'L', \"[hidden]\" is not valid JSON",
    ],
    ['relation "orders" does not exist', 'relation "orders" does not exist'],
    ["connect ECONNREFUSED 10.0.0.7:5432", "connect ECONNREFUSED 10.0.0.7:5432"],
  ])("%j is told without what somebody sent, at every level", async (message, told) => {
    const fail = (): never => {
      throw new Error(message, { cause: new Error(message) });
    };
    world = await serveWith(
      (app) => {
        app.get("/bug", fail);
        app.get("/planned", () => {
          throw new ServiceError(ERROR_KINDS.DATABASE_UNAVAILABLE, "Down.", {
            cause: new Error(message),
          });
        });
      },
      { level: "debug", personalFields: ["customer"] },
    );
    await ask(`${world.url}/bug`);
    await ask(`${world.url}/planned`);
    const [bug, planned] = world.lines.filter(({ status }) => Number(status) >= 500);
    expect(bug?.["err"]).toMatchObject({ message: told, cause: { message: told } });
    expect(planned).toMatchObject({ reason: told });
    expect(JSON.stringify(world.lines)).not.toContain("LEAK");
  });

  test("is cut, however long it is, and quickly", () => {
    const lines: string[] = [];
    const logger = createLogger({
      labels: { service: "t", version: "1", site: "s", pod: "p" },
      level: "info",
      destination: { write: (line) => lines.push(line) },
    });
    const startedMs = performance.now();
    logger.error({ err: new Error('password="'.repeat(200_000)) }, "long");
    expect(performance.now() - startedMs).toBeLessThan(500);
    expect(lines[0]?.length).toBeLessThan(2_000);
  });
});

test("debug logs that ended by themselves are turned on by the next signal, not by the one after", () => {
  vi.useFakeTimers();
  try {
    const logger = createLogger({
      labels: { service: "t", version: "1", site: "s", pod: "p" },
      level: "info",
      destination: { write: () => undefined },
    });
    const signal = debugSwitch(logger);
    signal();
    expect(logger.level).toBe("debug");
    vi.advanceTimersByTime(15 * 60_000);
    expect(logger.level).toBe("info");
    signal();
    expect(logger.level).toBe("debug");
    signal();
    expect(logger.level).toBe("info");
    vi.advanceTimersByTime(15 * 60_000);
    signal();
    expect(logger.level).toBe("debug");
  } finally {
    vi.useRealTimers();
  }
});
