// "Every request is counted in and out, and has one line and one observation, whatever became of it."
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { DEADLINE_HEADER, DependencyError, SaturatedError } from "../src/index.ts";
import { ask, eventually } from "./chassis-world.ts";
import { serveWith, type ServerWorld } from "./server-world.ts";

let world: ServerWorld;

afterEach(() => world.drain());

/** Sends `requests`, and hangs up once `begun` says that the handlers run. */
async function hangUp(requests: string, begun: () => boolean): Promise<void> {
  const socket: Socket = connect(world.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(requests);
  await eventually(begun);
  socket.resetAndDestroy();
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
}

const POST =
  "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

function requestLines(): Record<string, unknown>[] {
  return world.lines.filter((line) => line["msg"] === "request");
}

async function counted(labels: string): Promise<string | undefined> {
  const text = (await world.metrics.expose()).text;
  return new RegExp(`^http_request_duration_seconds_count{site="s1",${labels}} (\\d+)$`, "m").exec(
    text,
  )?.[1];
}

describe("a client that hangs up", () => {
  const LIMIT = 4;
  let begun: number;
  let cancelled: number;

  async function start(): Promise<void> {
    begun = 0;
    cancelled = 0;
    world = await serveWith(
      (app) => {
        app.route({
          method: ["GET", "POST"],
          url: "/slow",
          handler: ({ deadline }) => {
            begun += 1;
            deadline.signal.addEventListener("abort", () => (cancelled += 1));
            return new Promise(() => undefined);
          },
        });
        app.get("/fast", () => ({}));
      },
      { limits: { inFlightMax: LIMIT } },
    );
  }

  test("frees its place: the next one is served, and each had its line and its observation", async () => {
    await start();
    for (let n = 1; n <= LIMIT + 1; n += 1) {
      await hangUp(n % 2 === 0 ? get("/slow") : POST, () => begun === n);
      await eventually(() => requestLines().length === n);
    }
    expect((await ask(`${world.url}/fast`)).status).toBe(200);
    expect(requestLines().map(({ method, route, status }) => [method, route, status])).toEqual([
      ["POST", "/slow", 499],
      ["GET", "/slow", 499],
      ["POST", "/slow", 499],
      ["GET", "/slow", 499],
      ["POST", "/slow", 499],
      ["GET", "/fast", 200],
    ]);
    expect(await counted('method="POST",route="/slow",status="499"')).toBe("3");
    expect(await counted('method="GET",route="/slow",status="499"')).toBe("2");
    expect(await counted('method="GET",route="/fast",status="200"')).toBe("1");
    // What worked for it was told to stop, whether the request had a body or not.
    expect(cancelled).toBe(LIMIT + 1);
  });

  test("frees the places of everything it has sent on one connection", async () => {
    await start();
    await hangUp(get("/slow") + POST + get("/slow") + get("/slow"), () => begun === LIMIT);
    await eventually(() => requestLines().length === LIMIT);
    expect((await ask(`${world.url}/fast`)).status).toBe(200);
    expect(requestLines().map(({ status }) => status)).toEqual([499, 499, 499, 499, 200]);
  });
});

async function startRouted(options: Parameters<typeof serveWith>[1]): Promise<void> {
  world = await serveWith((app) => {
    app.get("/x/:id", () => ({}));
    app.get("/pages/*", () => ({ caught: true }));
  }, options);
}

async function from(client: string, path: string): Promise<number> {
  return (await ask(world.url + path, { headers: { "x-forwarded-for": client } })).status;
}

describe("a request that no router understands", () => {
  const limit = { max: 2, windowMs: 60_000 };
  const hostile = ["/x/%zz", `/x/${"1".repeat(300)}`, "/pages/%c0%af"];

  test("has its line, its observation, its id and the headers of every other", async () => {
    await startRouted({});
    for (const [n, path] of hostile.entries()) {
      const answer = await ask(world.url + path, { headers: { "x-request-id": `r-${n}` } });
      expect([answer.status, answer.body["code"], answer.body["requestId"]]).toEqual([
        400,
        "BAD_REQUEST",
        `r-${n}`,
      ]);
      expect(answer.headers.get("x-request-id")).toBe(`r-${n}`);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.headers.get("x-frame-options")).toBe("DENY");
    }
    expect(
      requestLines().map(({ requestId, route, status }) => [requestId, route, status]),
    ).toEqual([
      ["r-0", "unmatched", 400],
      ["r-1", "unmatched", 400],
      ["r-2", "unmatched", 400],
    ]);
    expect(await counted('method="GET",route="unmatched",status="400"')).toBe("3");
  });

  test("counts against the limit of its client, as the proxies name it", async () => {
    await startRouted({ rateLimit: limit, trustedProxies: 1 });
    const statuses = [];
    for (const path of hostile) statuses.push(await from("1.1.1.1", path));
    expect(statuses).toEqual([400, 400, 429]);
    expect(await from("1.1.1.1", "/x/1")).toBe(429);
    expect(await from("2.2.2.2", "/x/1")).toBe(200);
  });

  test("is refused for what it is, whatever its method and its body", async () => {
    await startRouted({});
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      const body = ["GET", "HEAD"].includes(method) ? {} : { body: "<a>" };
      const answer = await ask(`${world.url}/x/%zz`, { method, ...body });
      expect([method, answer.status]).toEqual([method, 400]);
    }
    // Where they are sent to cannot be asked for.
    expect((await ask(`${world.url}/.refused`)).body["code"]).toBe("NOT_FOUND");
  });
});

describe("a caller's own deadline", () => {
  test.each([
    [0, 408],
    [1, 408],
    [49, 408],
    [60, 504],
  ])(
    "of %i ms that runs out is %i: whoever gave next to nothing is not let down by the service",
    async (ms, status) => {
      world = await serveWith((app) => void app.get("/slow", () => new Promise(() => undefined)));
      const answer = await ask(`${world.url}/slow`, { headers: { [DEADLINE_HEADER]: String(ms) } });
      expect([answer.status, answer.body["status"], answer.body["code"]]).toEqual([
        status,
        status,
        "DEADLINE_EXCEEDED",
      ]);
      await eventually(() => requestLines().length === 1);
      expect(await counted(`method="GET",route="/slow",status="${status}"`)).toBe("1");
    },
  );

  test("blames the caller for what did not get done in it, and for nothing else", async () => {
    world = await serveWith((app) => {
      app.get("/saturated", async ({ deadline }) => {
        await new Promise((resolve) => setTimeout(resolve, deadline.remainingMs()));
        throw new SaturatedError("No database connection became free in time.");
      });
      app.get("/down", () => {
        throw new DependencyError("Billing is down.");
      });
      app.get("/bug", () => {
        throw new TypeError("x is not a function");
      });
    });
    const tight = { headers: { [DEADLINE_HEADER]: "40" } };
    const roomy = { headers: { [DEADLINE_HEADER]: "60" } };
    const outcome = async (path: string, init: RequestInit): Promise<unknown[]> => {
      const { status, body } = await ask(world.url + path, init);
      return [status, body["code"]];
    };
    expect((await outcome("/saturated", tight))[0]).toBe(408);
    expect((await outcome("/saturated", roomy))[0]).toBeGreaterThanOrEqual(503);
    expect(await outcome("/down", tight)).toEqual([503, "DEPENDENCY_UNAVAILABLE"]);
    expect(await outcome("/bug", tight)).toEqual([500, "INTERNAL"]);
  });
});
