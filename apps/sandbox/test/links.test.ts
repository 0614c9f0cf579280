// Goal: a link behaves like the wire it stands for, in good times and impaired.
// Method: real sockets on loopback; an echo or a silent server behind the link. Nothing is proved
// by waiting: what must not arrive is proved by something that arrives after it would have.
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { freePort } from "../../../packages/local-postgres/test/free-port.ts";
import { Link } from "../src/links/index.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return portOf(server);
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening");
  return address.port;
}

interface Rig {
  readonly link: Link;
  readonly dial: () => Socket;
}

async function rig(
  targetPort: number,
  options: { readonly delayMs?: number; readonly random?: () => number } = {},
): Promise<Rig> {
  const port = await freePort();
  const link = await Link.open({
    name: "a->b:test",
    listen: { host: "127.0.0.1", port },
    target: { host: "127.0.0.1", port: targetPort },
    delayMs: options.delayMs ?? 0,
    random: { next: options.random ?? (() => 0.5) },
  });
  cleanups.push(() => link.close());
  const dial = (): Socket => {
    const socket = connect(port, "127.0.0.1");
    cleanups.push(() => socket.destroy());
    socket.on("error", () => {});
    return socket;
  };
  return { link, dial };
}

const echo = (socket: Socket): void => void socket.pipe(socket);

async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer]: Buffer[] = await once(socket, "data");
  return String(answer);
}

async function resetOf(socket: Socket): Promise<string> {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  return socket.errored === null ? "closed" : "reset";
}

test("carries bytes both ways, whole and in order", async () => {
  const { dial } = await rig(await serve(echo), { delayMs: 2 });
  const socket = dial();
  const sent = Buffer.alloc(3_000_000, "0123456789");
  const received: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk));

  socket.end(sent);
  await once(socket, "end");

  expect(Buffer.concat(received).equals(sent)).toBe(true);
});

test("delays each way, and a new connection pays for its handshake", async () => {
  const { dial } = await rig(await serve(echo), { delayMs: 40 });
  const socket = dial();

  const openedMs = performance.now();
  await ask(socket, "first");
  const firstMs = performance.now() - openedMs;
  const askedMs = performance.now();
  await ask(socket, "second");
  const secondMs = performance.now() - askedMs;

  expect(firstMs).toBeGreaterThanOrEqual(150);
  expect(secondMs).toBeGreaterThanOrEqual(75);
});

test("a cut swallows what is in flight, and the connection is reset once the link is mended", async () => {
  const arrived: string[] = [];
  const port = await serve((socket) => socket.on("data", (data) => arrived.push(String(data))));
  const { link, dial } = await rig(port, { delayMs: 500 });
  const socket = dial();

  socket.write("lost");
  await expect.poll(() => link.stats().bufferedBytes).toBe(4);
  link.impair("test", { cut: "both" });
  expect(link.stats().bufferedBytes).toBe(0);
  link.impair("test", null);

  expect(await resetOf(socket)).toBe("reset");
  expect(arrived).toEqual([]);
});

test("an idle connection survives a cut in which nothing was sent", async () => {
  const { link, dial } = await rig(await serve(echo));
  const socket = dial();
  await ask(socket, "before");

  link.impair("test", { cut: "both" });
  link.impair("test", null);

  expect(await ask(socket, "after")).toBe("after");
});

test.each(["both", "forward", "backward"] as const)(
  "a new connection over a link cut %s hangs without reaching the target, until the mend",
  async (cut) => {
    let reached = 0;
    const { link, dial } = await rig(await serve(() => (reached += 1)));
    link.impair("test", { cut });

    const socket = dial();
    await expect.poll(() => link.stats().connections).toBe(1);
    link.impair("test", null);

    expect(await resetOf(socket)).toBe("reset");
    expect(reached).toBe(0);
  },
);

test("cutting only the way back lets requests through and swallows the answers", async () => {
  const asked: string[] = [];
  const port = await serve((socket) =>
    socket.on("data", (data) => {
      asked.push(String(data));
      socket.write("answer");
    }),
  );
  const { link, dial } = await rig(port);
  const socket = dial();
  await ask(socket, "one");
  const answers: string[] = [];
  socket.on("data", (data) => answers.push(String(data)));

  link.impair("test", { cut: "backward" });
  socket.write("two");
  await expect.poll(() => asked).toEqual(["one", "two"]);
  // The answer has been sent, and may not have reached the link; by when a third request has, it has.
  socket.write("three");
  await expect.poll(() => asked).toEqual(["one", "two", "three"]);
  link.impair("test", null);

  expect(await resetOf(socket)).toBe("reset");
  expect(answers).toEqual([]);
});

test("cutting only the way there swallows requests and still carries answers", async () => {
  let push: Socket | undefined;
  const asked: string[] = [];
  const port = await serve((socket) => {
    push = socket;
    socket.on("data", (data) => asked.push(String(data)));
    socket.write("hello");
  });
  const { link, dial } = await rig(port);
  const socket = dial();
  await once(socket, "data");

  link.impair("test", { cut: "forward" });
  socket.write("never");
  push?.write("pushed");
  const [answer]: Buffer[] = await once(socket, "data");

  expect(String(answer)).toBe("pushed");
  expect(asked).toEqual([]);
});

test("refusing resets existing connections and every new one", async () => {
  const { link, dial } = await rig(await serve(echo));
  const existing = dial();
  await ask(existing, "hi");

  link.impair("test", { refuse: true });
  const fresh = dial();

  expect(await resetOf(existing)).toBe("reset");
  expect(await resetOf(fresh)).toBe("reset");
});

test("two owners impair one link: lifting one leaves the other", async () => {
  const { link, dial } = await rig(await serve(echo));

  link.impair("fence:a", { refuse: true });
  link.impair("fault", { refuse: true });
  link.impair("fault", null);
  expect(await resetOf(dial())).toBe("reset");
  link.impair("fence:a", null);

  expect(await ask(dial(), "through")).toBe("through");
});

test("a receiver that stops reading bounds what the link holds", async () => {
  let receiver: Socket | undefined;
  const port = await serve((socket) => {
    receiver = socket;
    socket.pause();
  });
  const { link, dial } = await rig(port, { delayMs: 1 });
  const socket = dial();
  const flood = Buffer.alloc(32 * 1024 * 1024);

  socket.write(flood);
  // How much the kernel's own buffers take differs; once they are full nothing moves any more.
  let stillFor = 0;
  let heldBytes = 0;
  while (stillFor < 20) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const nowBytes = link.stats().bufferedBytes;
    stillFor = nowBytes > 0 && nowBytes === heldBytes ? stillFor + 1 : 0;
    heldBytes = nowBytes;
    expect(heldBytes).toBeLessThan(2 * 1024 * 1024);
  }

  let receivedBytes = 0;
  receiver?.on("data", (data: Buffer) => (receivedBytes += data.length));
  receiver?.resume();
  await expect.poll(() => receivedBytes, { timeout: 10_000 }).toBe(flood.length);
});

test("a slow link spreads bytes over time and lets go of them when it is mended", async () => {
  let receivedBytes = 0;
  const port = await serve((socket) => socket.on("data", (data) => (receivedBytes += data.length)));
  const { link, dial } = await rig(port);
  link.impair("test", { bytesPerSecond: 1_000 });
  const socket = dial();

  socket.write(Buffer.alloc(100_000));
  await expect.poll(() => link.stats().bufferedBytes).toBeGreaterThan(50_000);
  expect(receivedBytes).toBeLessThan(50_000);
  link.impair("test", null);

  await expect.poll(() => receivedBytes).toBe(100_000);
});

test("a dropping link resets connections as often as chance says", async () => {
  const chances = [0.9, 0.9, 0.1];
  const { link, dial } = await rig(await serve(echo), { random: () => chances.shift() ?? 0.9 });
  link.impair("test", { dropProbability: 0.5 });
  const socket = dial();

  expect(await ask(socket, "request and answer pass")).toBe("request and answer pass");
  socket.write("dropped");

  expect(await resetOf(socket)).toBe("reset");
});

test("a target that refuses is passed on as a reset", async () => {
  const { dial } = await rig(await freePort());

  expect(await resetOf(dial())).toBe("reset");
});

test("a taken port is refused with its name", async () => {
  const port = await serve(echo);

  const opening = Link.open({
    name: "a->b:test",
    listen: { host: "127.0.0.1", port },
    target: { host: "127.0.0.1", port: 1 },
    delayMs: 0,
    random: { next: () => 0 },
  });

  await expect(opening).rejects.toMatchObject({
    code: "PORT_TAKEN",
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
});
