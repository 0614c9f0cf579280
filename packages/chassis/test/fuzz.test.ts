// "10,000 fuzzed requests (wrong types, huge bodies, bad encodings, header bombs, path tricks): no 5xx
// that is our fault, no crash, no leak of internals, memory flat." Bytes are written to sockets, so that
// no client library makes the requests better than they are. FUZZ_SEED repeats a run.
import { connect } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { z } from "zod";
import {
  cleanText,
  idempotencyKey,
  IDEMPOTENCY_TABLE,
  IdempotentWrites,
  NotFoundError,
  requestHash,
  type Database,
} from "../src/index.ts";
import { openWorld, serve, type Serving, type World } from "./chassis-world.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_123);
const REQUESTS = 10_000;
const AT_ONCE = 50;

let world: World;
let serving: Serving;

beforeAll(async () => {
  world = await openWorld();
  await world.sql(`create table notes (id bigint generated always as identity primary key, body text);
                   ${IDEMPOTENCY_TABLE} grant all on all tables in schema public to app`);
  serving = await serve(
    world,
    (app, { database, writes }) => {
      app.register(noteRoutes, { database, idempotent: new IdempotentWrites(writes) });
    },
    { set: { RATE_LIMIT_PER_MINUTE: "0" } },
  );
});

interface NoteParts {
  readonly database: Database;
  readonly idempotent: IdempotentWrites;
}

const noteId = z.string().regex(/^[1-9]\d{0,17}$/);

const noteRoutes: FastifyPluginCallbackZod<NoteParts> = (app, { database, idempotent }, done) => {
  app.get("/notes/:id", { schema: { params: z.strictObject({ id: noteId }) } }, (asked) =>
    noteOf(database, asked.params.id),
  );
  app.post(
    "/notes",
    {
      schema: {
        headers: z.object({ "idempotency-key": idempotencyKey }),
        body: z.strictObject({ body: cleanText(500) }),
      },
    },
    (asked) =>
      idempotent.run(
        { key: asked.headers["idempotency-key"], hash: requestHash(asked.body) },
        (transaction) =>
          transaction.query({
            text: "insert into notes (body) values ($1) returning id",
            values: [asked.body.body],
          }),
      ),
  );
  done();
};

async function noteOf(database: Database, id: string): Promise<object> {
  const statement = { name: "note", text: "select body from notes where id = $1", values: [id] };
  const [note] = await database.query(statement);
  if (note === undefined) throw new NotFoundError("There is no such note.");
  return note;
}

afterAll(async () => {
  await serving.drain();
  await world.close();
});

test(`${REQUESTS} hostile requests (seed ${SEED}) do no harm`, async () => {
  const random = generator(SEED);
  const counts = new Map<string, number>();
  const faults: string[] = [];
  let heapEarly = 0;
  for (let sent = 0; sent < REQUESTS; sent += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, () => hostileRequest(random));
    const answers = await Promise.all(batch.map((bytes) => send(bytes)));
    answers.forEach((answer, index) => {
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? "none";
      counts.set(status, (counts.get(status) ?? 0) + 1);
      // A client that gives no time gets no answer in it; that one 5xx is its own fault.
      const askedForIt = status === "504" && batch[index]?.includes("X-Request-Timeout-Ms: 0");
      if (
        (status.startsWith("5") && askedForIt !== true) ||
        /node:internal|at .*\.ts:|postgres|select |ECONN/i.test(answer)
      ) {
        faults.push(
          `${JSON.stringify(batch[index]?.toString("latin1").slice(0, 300))} -> ${answer.slice(0, 400)}`,
        );
      }
    });
    if (sent === 3_000) heapEarly = heapUsed();
  }
  expect(faults).toEqual([]);
  // The service lives, answers honest requests, and has not kept what it was sent.
  const honest = await send(
    request("POST", "/notes", '{"body":"tea"}', { "Idempotency-Key": "honest" }),
  );
  expect(honest).toMatch(/^HTTP\/1\.1 200/);
  expect(heapUsed() - heapEarly).toBeLessThan(10 * 1024 * 1024);
  // All kinds of refusals were met, and some requests were good: the generator does reach the routes.
  for (const status of ["200", "400", "404", "413", "415", "431"]) {
    expect([status, (counts.get(status) ?? 0) > 0]).toEqual([status, true]);
  }
}, 240_000);

/** What is still in use after a full collection. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  return process.memoryUsage().heapUsed;
}

type Random = () => number;

/** Small, seeded, good enough for choosing (mulberry32). */
function generator(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

function noise(random: Random, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(Math.floor(random() * 256))).join("");
}

function value(random: Random, depth = 0): unknown {
  return pick<() => unknown>(random, [
    () => null,
    () => random() * 1e308 * 10,
    () => -1,
    () => true,
    () => "tea",
    () => "\u0000",
    () => "\ud800",
    () => "a".repeat(Math.floor(random() * 2_000)),
    () => "'; drop table notes; --",
    () => "../../../etc/passwd",
    () => noise(random, 20),
    () => (depth > 3 ? [] : [value(random, depth + 1), value(random, depth + 1)]),
    () => (depth > 3 ? {} : { body: value(random, depth + 1), constructor: { prototype: {} } }),
  ])();
}

function body(random: Random): string {
  return pick<() => string>(random, [
    () => JSON.stringify({ body: value(random) }),
    () => JSON.stringify({ body: "tea", extra: value(random) }),
    () => JSON.stringify(value(random)),
    () => '{"body":"a","__proto__":{"x":1}}',
    () => `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
    () => `{"body":"${"x".repeat(100_000)}"}`,
    () => `{"body":"${noise(random, 50)}"}`,
    () => '{"body":1e999}',
    () => noise(random, 200),
    () => "",
  ])();
}

function path(random: Random): string {
  return pick<() => string>(random, [
    () => "/notes",
    () => `/notes/${Math.floor(random() * 1e6)}`,
    () => "/notes/99999999999999999999999999",
    () => "/notes/%00",
    () => "/notes/%ff%fe",
    () => "/notes/%c0%ae%c0%ae",
    () => "/notes/..%2f..%2fetc%2fpasswd",
    () => "/../../etc/passwd",
    () => "//notes//1",
    () => `/notes/${"a".repeat(Math.floor(random() * 3_000))}`,
    () => "/notes/1?x[]=1&x[__proto__]=2&x=%zz",
    () => "/notes/constructor",
    () => "*",
    () => `/${encodeURIComponent(noise(random, 10))}`,
    () => `http://evil.example/notes/1`,
  ])();
}

function headers(random: Random): Record<string, string> {
  return pick<() => Record<string, string>>(random, [
    () => ({ "Idempotency-Key": `k${Math.floor(random() * 50)}` }),
    () => ({ "Idempotency-Key": "x".repeat(300) }),
    () => ({ "Idempotency-Key": "\u00ff\u00fe" }),
    () => ({ "X-Bomb": "b".repeat(20_000) }),
    () => Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`X-H${n}`, "v"])),
    () => ({ "Content-Type": "text/html" }),
    () => ({ "Content-Type": "application/json; charset=utf-16" }),
    () => ({ "Content-Length": "-5" }),
    () => ({ "Transfer-Encoding": "chunked, gzip" }),
    () => ({ "X-Request-Id": noise(random, 30).replaceAll(/[\r\n]/g, "") }),
    () => ({ "X-Request-Timeout-Ms": pick(random, ["0", "-1", "1e9", "NaN", "99999999999"]) }),
    () => ({
      traceparent: pick(random, ["00-0-0-0", `00-${"f".repeat(32)}-${"0".repeat(16)}-ff`, "x"]),
    }),
    () => ({ Expect: "100-continue" }),
    () => ({ Accept: "application/openmetrics-text", "Accept-Version": "9.9.9" }),
    () => ({ Upgrade: "websocket", Connection: "close, Upgrade" }),
  ])();
}

/** Each part is hostile half of the time, so that every check is met behind all those before it. */
function hostileRequest(random: Random): Buffer {
  if (random() < 0.03) return Buffer.from(noise(random, 300), "latin1");
  const often = (): boolean => random() < 0.5;
  const id = 1 + Math.floor(random() * 500);
  const honest = pick(random, [
    { method: "POST", target: "/notes", content: JSON.stringify({ body: `tea ${id}` }) },
    { method: "GET", target: `/notes/${id}`, content: "" },
  ]);
  const methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"];
  return request(
    often() ? pick(random, methods) : honest.method,
    often() ? path(random) : honest.target,
    often() ? body(random) : honest.content,
    { "Idempotency-Key": `k${id}`, ...(often() ? headers(random) : {}) },
  );
}

function request(
  method: string,
  target: string,
  content: string,
  extra: Record<string, string>,
): Buffer {
  const bytes = Buffer.from(content, "utf8");
  const all: Record<string, string> = {
    Host: "x",
    Connection: "close",
    "Content-Type": "application/json",
    "Content-Length": String(bytes.length),
    ...extra,
  };
  const lines = Object.entries(all).map(([name, text]) => `${name}: ${text}`);
  const head = Buffer.from(
    `${method} ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`,
    "latin1",
  );
  return Buffer.concat([head, bytes]);
}

/** Writes the bytes and answers what came back until the server hung up. */
function send(bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(serving.port, "127.0.0.1");
    const chunks: Buffer[] = [];
    // What is no request is never answered by itself: say that no more will come. Others are not
    // told so, because a server takes that for a client that has gone away.
    const patience = setTimeout(() => socket.end(), 3_000);
    socket.on("data", (chunk) => chunks.push(chunk));
    socket
      .on("error", () => undefined)
      .on("close", () => {
        clearTimeout(patience);
        const received = Buffer.concat(chunks).toString("latin1");
        resolve(received.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, ""));
      });
    socket.write(bytes);
    if (!bytes.includes(" HTTP/1.1\r\n")) socket.end();
  });
}
