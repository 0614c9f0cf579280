// "Every request is counted in and out, and has one line and one observation, whatever became of it."
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
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
