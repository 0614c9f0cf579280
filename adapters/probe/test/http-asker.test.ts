import type { Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Asked, type AskedTarget, HttpAsker } from "../src/http-asker.ts";
import { until } from "./manual-clock.ts";
import { startTcp, type Target } from "./targets.ts";

const HEALTHY = '{"status":"healthy"}';
const COMPLETE = `HTTP/1.1 200 OK\r\nContent-Length: ${HEALTHY.length}\r\n\r\n${HEALTHY}`;
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

function ok(fields: string): string {
  return `HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`;
}

interface Conversation {
  readonly asker: HttpAsker;
  /** Puts a question and waits for its end. */
  readonly ask: (fresh?: boolean) => Promise<Asked>;
}

function converse(url: string, more: Partial<AskedTarget> = {}): Conversation {
  const ends: Asked[] = [];
  const asker = new HttpAsker({ url, expect: "health-json", ...more }, (asked) => ends.push(asked));
  onTestFinished(() => asker.close());
  return {
    asker,
    ask: async (fresh = false) => {
      const before = ends.length;
      asker.ask(fresh);
      await until(() => ends.length > before);
      const end = ends[before];
      if (end === undefined) throw new Error("no end");
      return end;
    },
  };
}

/** A target that writes `pieces`, each on its own, once it has read a question. */
function answering(...pieces: readonly string[]): Promise<Target> {
  return startTcp((socket) => {
    socket.setNoDelay(true);
    socket.on("data", () => void writeAll(socket, pieces));
  });
}

async function writeAll(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    await new Promise<void>((resolve) => {
      socket.write(piece, "latin1", () => setImmediate(resolve));
    });
  }
}

describe("an answer", () => {
  test.each([
    ["with a length", [COMPLETE]],
    ["with a field name in another case", [COMPLETE.replace("Content-Length", "cOnTeNt-lEnGtH")]],
    ["without a reason phrase", [COMPLETE.replace("200 OK", "200")]],
    [
      "in chunks",
      [`${CHUNKED}5\r\n${HEALTHY.slice(0, 5)}\r\nf\r\n${HEALTHY.slice(5)}\r\n0\r\n\r\n`],
    ],
    [
      "in chunks with extensions and a trailer",
      [`${CHUNKED}14;a="b"\r\n${HEALTHY}\r\n0;last\r\nDigest: x\r\n\r\n`],
    ],
    ["after others of status 1xx", ["HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", COMPLETE]],
    ["together with others of status 1xx", [`HTTP/1.1 100 Continue\r\n\r\n${COMPLETE}`]],
    ["byte by byte", COMPLETE.split("")],
    ["in chunks, byte by byte", `${CHUNKED}14\r\n${HEALTHY}\r\n0\r\n\r\n`.split("")],
  ])("%s is read, and its connection kept", async (_how, pieces) => {
    const target = await answering(...pieces);
    const { ask } = converse(target.url);
    const read = { verdict: { status: "healthy", detail: "says healthy" }, answered: true };
    expect(await ask()).toEqual(read);
    expect(await ask()).toEqual(read);
    expect(target.connections).toBe(1);
  });

  test.each([
    ["says that it closes", COMPLETE.replace("\r\n\r\n", "\r\nConnection: TE, Close\r\n\r\n")],
    ["is HTTP/1.0", COMPLETE.replace("1.1", "1.0")],
    ["is followed by more", `${COMPLETE}HTTP/1.1 503 Split\r\nContent-Length: 0\r\n\r\n`],
    ["in chunks is followed by more", `${CHUNKED}14\r\n${HEALTHY}\r\n0\r\n\r\nHTTP/1.1 503`],
  ])("that %s ends its connection", async (_how, answer) => {
    const target = await answering(answer);
    const { ask } = converse(target.url);
    expect(await ask()).toMatchObject({ verdict: { status: "healthy" } });
    expect(await ask()).toMatchObject({ verdict: { status: "healthy" } });
    expect(target.connections).toBe(2);
  });

  test("may end with its connection", async () => {
    const target = await startTcp((socket) => {
      socket.on("data", () => socket.end(`HTTP/1.1 200 OK\r\n\r\n${HEALTHY}`));
    });
    const { ask } = converse(target.url);
    expect(await ask()).toMatchObject({ verdict: { status: "healthy" }, answered: true });
  });

  test.each([204, 304])("of status %i has no body, whatever it says", async (statusCode) => {
    const target = await answering(`HTTP/1.1 ${statusCode} X\r\nContent-Length: 20\r\n\r\n`);
    const { ask } = converse(target.url, { expect: "http-ok" });
    const detail = `HTTP ${statusCode}`;
    expect(await ask()).toMatchObject({ verdict: { detail }, answered: true });
    expect(await ask()).toMatchObject({ verdict: { detail } });
    expect(target.connections).toBe(1);
  });

  const long = "x".repeat(70_000);
  test.each([
    ["of a length", "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n"],
    ["of a length beyond counting", "HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n"],
    ["in one chunk", `${CHUNKED}11170\r\n${long}\r\n0\r\n\r\n`],
    ["in tiny chunks", CHUNKED + "1\r\nx\r\n".repeat(12_000)],
    ["without an end", `HTTP/1.1 200 OK\r\n\r\n${long}`],
    ["of trailers without an end", `${CHUNKED}0\r\n${"a: b\r\n".repeat(12_000)}`],
  ])("%s that is too long is not read to its end", async (_how, answer) => {
    const target = await answering(answer);
    const { ask } = converse(target.url);
    const detail = "HTTP 200 with a body that is too long";
    expect(await ask()).toEqual({ verdict: { status: "unhealthy", detail }, answered: true });
  });
});

describe("what is not an answer", () => {
  const unclear = "its answer does not say clearly where it ends";
  const header = "its answer has a malformed header";
  const chunk = "its answer has a malformed chunk";
  const length = "its answer has a malformed length";
  const noHttp = "its answer is not HTTP/1.1";
  test.each([
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n", noHttp],
    ["another version", "HTTP/2 200\r\n\r\n", noHttp],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", noHttp],
    ["a status of no class", "HTTP/1.1 999 OK\r\n\r\n", noHttp],
    ["a line feed in the status line", "HTTP/1.1 200 OK\nA: b\r\n\r\n", noHttp],
    ["a line feed in a value", ok("A: b\nContent-Length: 1"), header],
    ["a carriage return in a value", ok("A: b\rContent-Length: 1"), header],
    ["a zero in a value", ok("A: b\0c"), header],
    ["a blank before the colon", ok("Content-Length : 1"), header],
    ["a continued line", ok("A: b\r\n Content-Length: 1"), header],
    ["a line without a colon", ok("what is this"), header],
    ["two lengths", ok("Content-Length: 1\r\nContent-Length: 1"), unclear],
    ["a list of lengths", ok("Content-Length: 1, 1"), length],
    ["a negative length", ok("Content-Length: -1"), length],
    ["a hexadecimal length", ok("Content-Length: 0x10"), length],
    ["an empty length", ok("Content-Length:"), length],
    ["a length and chunks", ok("Content-Length: 1\r\nTransfer-Encoding: chunked"), unclear],
    ["a coding nobody asked for", ok("Transfer-Encoding: gzip, chunked"), unclear],
    ["chunks twice", ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), unclear],
    ["chunks in HTTP/1.0", CHUNKED.replace("1.1", "1.0"), unclear],
    ["a chunk without a size", `${CHUNKED}\r\nabc`, chunk],
    ["a negative chunk", `${CHUNKED}-1\r\nabc`, chunk],
    ["a chunk size beyond counting", `${CHUNKED}fffffffff\r\nabc`, chunk],
    ["a chunk longer than its size", `${CHUNKED}2\r\nabcd\r\n0\r\n\r\n`, chunk],
    ["a chunk size without an end", CHUNKED + "0".repeat(2000), chunk],
    [
      "another protocol after it asked",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
      "it switched to another protocol",
    ],
    [
      "a huge header",
      ok(`A: ${"b".repeat(20_000)}`),
      "its answer has a header of more than 16384 bytes",
    ],
    [
      "a header without an end",
      `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(4000)}`,
      "its answer has a header of more than 16384 bytes",
    ],
    [
      "answers of status 1xx without an end",
      "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000),
      "its answer has a header of more than 16384 bytes",
    ],
  ])("%s is unhealthy and says why", async (_what, answer, detail) => {
    const target = await answering(answer);
    const { ask } = converse(target.url);
    expect(await ask()).toEqual({ verdict: { status: "unhealthy", detail }, answered: false });
  });

  test.each([
    ["", "it closed the connection without an answer"],
    ["HTTP/1.1 200", "it closed the connection in the middle of its answer"],
    [COMPLETE.slice(0, -1), "it closed the connection in the middle of its answer"],
    [`${CHUNKED}14\r\n${HEALTHY}\r\n`, "it closed the connection in the middle of its answer"],
  ])("an end after %j is unhealthy and says so", async (answer, detail) => {
    const target = await startTcp((socket) => socket.on("data", () => socket.end(answer)));
    const { ask } = converse(target.url);
    expect(await ask()).toEqual({ verdict: { status: "unhealthy", detail }, answered: false });
    expect(target.connections).toBe(1);
  });
});

describe("a kept connection", () => {
  test.each([
    ["closed", (socket: Socket) => socket.end()],
    ["reset", (socket: Socket) => socket.resetAndDestroy()],
  ])("that is %s instead of an answer is replaced, once", async (_how, close) => {
    let questions = 0;
    const target = await startTcp((socket) => {
      socket.on("data", () => {
        questions += 1;
        if (questions === 1) socket.write(COMPLETE);
        else close(socket);
      });
    });
    const { ask, asker } = converse(target.url);
    expect(await ask()).toMatchObject({ verdict: { status: "healthy" } });
    expect(await ask()).toMatchObject({ verdict: { status: "unhealthy" }, answered: false });
    expect(questions).toBe(3);
    expect(target.connections).toBe(2);
    expect(asker.staleConnections).toBe(1);
  });

  test("that was closed while nobody asked is replaced without a word", async () => {
    const target = await startTcp((socket) => {
      socket.on("data", () => {
        socket.write(COMPLETE);
        setImmediate(() => socket.end());
      });
      socket.on("close", () => {
        target.requests += 1;
      });
    });
    const { ask } = converse(target.url);
    await ask();
    await until(() => target.requests === 1);
    expect(await ask()).toMatchObject({ verdict: { status: "healthy" } });
    expect(target.connections).toBe(2);
  });

  test("on which something comes unasked is closed, and that is not taken for an answer", async () => {
    const sockets: Socket[] = [];
    const target = await startTcp((socket) => {
      sockets.push(socket);
      socket.on("data", () => socket.write(COMPLETE));
    });
    const { ask } = converse(target.url);
    await ask();
    sockets[0]?.write("HTTP/1.1 503 Poison\r\nContent-Length: 0\r\n\r\n");
    await until(() => sockets[0]?.closed === true);
    expect(await ask()).toMatchObject({ verdict: { status: "healthy" } });
    expect(target.connections).toBe(2);
  });

  test("is given up with its question, and what comes late is not heard", async () => {
    const sockets: Socket[] = [];
    const target = await startTcp((socket) => {
      sockets.push(socket);
      socket.on("data", () => {
        if (sockets.length > 1) socket.write(COMPLETE);
      });
    });
    const ends: Asked[] = [];
    const asker = new HttpAsker({ url: target.url, expect: "health-json" }, (end) =>
      ends.push(end),
    );
    onTestFinished(() => asker.close());
    asker.ask(false);
    await until(() => sockets.length === 1);
    asker.expire(400);
    expect(ends).toMatchObject([{ verdict: { detail: "no answer within 400 ms" } }]);
    sockets[0]?.write(COMPLETE);
    await until(() => sockets[0]?.closed === true);
    asker.ask(false);
    await until(() => ends.length === 2);
    expect(ends[1]).toMatchObject({ verdict: { status: "healthy" } });
  });
});

test("connections are not left behind", async () => {
  const open = new Set<Socket>();
  const target = await startTcp((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("data", () => socket.write(COMPLETE));
  });
  const { ask, asker } = converse(target.url);
  for (let round = 0; round < 20; round += 1) await ask(round % 2 === 0);
  await until(() => open.size === 1);
  asker.close();
  await until(() => open.size === 0);
  expect(target.connections).toBe(10);
});

test("a question is put as RFC 9112 wants it", async () => {
  let heard = "";
  const target = await startTcp((socket) => {
    socket.on("data", (bytes) => {
      heard = bytes.toString("latin1");
      socket.write(COMPLETE);
    });
  });
  const url = `${target.url}?a=b c#part`;
  await converse(url, { headers: { Authorization: "Bearer x", Host: "shop.example" } }).ask();
  expect(heard).toBe(
    "GET /health?a=b%20c HTTP/1.1\r\nhost: shop.example\r\nauthorization: Bearer x\r\n\r\n",
  );
});

test.each([{ "a b": "c" }, { authorization: "secret\r\nHost: evil" }, { "": "x" }])(
  "the header %j is not sent, and its value not shown",
  async (headers) => {
    const target = await answering(COMPLETE);
    const asked = await converse(target.url, { headers }).ask();
    expect(asked.verdict.status).toBe("unknown");
    expect(asked.verdict.detail).toMatch(/^could not ask: the header ".*" cannot be sent$/u);
    expect(asked.verdict.detail).not.toContain("secret");
    expect(target.connections).toBe(0);
  },
);
