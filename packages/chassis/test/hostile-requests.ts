/**
 * Requests that mean harm, made from a seed: wrong types, huge bodies, bad encodings, header bombs, path
 * tricks. Bytes are written to sockets, so that no client library makes them better than they are.
 */
import { connect } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** An honest request, which is then spoilt. */
export interface HonestRequest {
  readonly method: string;
  readonly target: string;
  readonly content: string;
  readonly headers?: Record<string, string>;
}

/** What is besieged. */
export interface SiegeOptions {
  readonly port: number;
  readonly requests: number;
  /** Repeats a run. */
  readonly seed: number;
  /** Honest requests, all ways in. @param id - from 1 to 500 */
  readonly honest: (id: number) => readonly HonestRequest[];
  /** Path that a hostile one begins with, for instance `/orders`. */
  readonly base: string;
  /** Field that a hostile body spoils. */
  readonly field: string;
  /** Marks of the inside, which no answer may have. */
  readonly inside: RegExp;
}

/** What came of it. */
export interface Siege {
  /** Answers by status; `none` if the connection was closed without one. */
  readonly statuses: ReadonlyMap<string, number>;
  /** Requests that were answered with a 5xx that is our fault, or with something of the inside. */
  readonly faults: readonly string[];
  /** Growth of what is in use after a full collection, from a third of the way to the end. */
  readonly heapGrowthBytes: number;
}

const AT_ONCE = 50;

export async function besiege(options: SiegeOptions): Promise<Siege> {
  const random = generator(options.seed);
  const statuses = new Map<string, number>();
  const faults: string[] = [];
  let heapEarly = 0;
  for (let sent = 0; sent < options.requests; sent += AT_ONCE) {
    if (heapEarly === 0 && sent * 3 >= options.requests) heapEarly = heapUsed();
    const batch = Array.from({ length: AT_ONCE }, () => hostileRequest(random, options));
    const answers = await Promise.all(batch.map((bytes) => send(options.port, bytes)));
    answers.forEach((answer, index) => {
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? "none";
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status.startsWith("5") || options.inside.test(answer)) {
        faults.push(
          `${JSON.stringify(batch[index]?.toString("latin1").slice(0, 300))} -> ${answer.slice(0, 400)}`,
        );
      }
    });
  }
  return { statuses, faults, heapGrowthBytes: heapUsed() - heapEarly };
}

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

function body(random: Random, field: string): string {
  return pick<() => string>(random, [
    () => JSON.stringify({ [field]: value(random) }),
    () => JSON.stringify({ [field]: "tea", extra: value(random) }),
    () => JSON.stringify(value(random)),
    () => `{"${field}":"a","__proto__":{"x":1}}`,
    () => `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
    () => `{"${field}":"${"x".repeat(100_000)}"}`,
    () => `{"${field}":"${noise(random, 50)}"}`,
    () => `{"${field}":1e999}`,
    () => noise(random, 200),
    () => "",
  ])();
}

function path(random: Random, base: string): string {
  return pick<() => string>(random, [
    () => base,
    () => `${base}/${Math.floor(random() * 1e6)}`,
    () => `${base}/99999999999999999999999999`,
    () => `${base}/%00`,
    () => `${base}/%ff%fe`,
    () => `${base}/%c0%ae%c0%ae`,
    () => `${base}/..%2f..%2fetc%2fpasswd`,
    () => "/../../etc/passwd",
    () => `/${base}//1`,
    () => `${base}/${"a".repeat(Math.floor(random() * 3_000))}`,
    () => `${base}/1?x[]=1&x[__proto__]=2&x=%zz`,
    () => `${base}/constructor`,
    () => "*",
    () => `/${encodeURIComponent(noise(random, 10))}`,
    () => `http://evil.example${base}/1`,
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
function hostileRequest(random: Random, options: SiegeOptions): Buffer {
  if (random() < 0.03) return Buffer.from(noise(random, 300), "latin1");
  const often = (): boolean => random() < 0.5;
  const id = 1 + Math.floor(random() * 500);
  const honest = pick(random, options.honest(id));
  const methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"];
  return request({
    method: often() ? pick(random, methods) : honest.method,
    target: often() ? path(random, options.base) : honest.target,
    content: often() ? body(random, options.field) : honest.content,
    headers: {
      "Idempotency-Key": `k${id}`,
      ...honest.headers,
      ...(often() ? headers(random) : {}),
    },
  });
}

/** The bytes of a request. */
export function request({ method, target, content, headers: extra = {} }: HonestRequest): Buffer {
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
export function send(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
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
