import { connect } from "node:net";
import { once } from "node:events";
import { decode, encode, type RecordType } from "dns-packet";
import { SeededRandom } from "@cloudphoenix/testkit";
import { describe, expect, test } from "vitest";
import { AuthoritativeZone } from "../src/authoritative-zone.ts";
import { startDnsServer } from "../src/dns-server.ts";
import { MessageAnswerer } from "../src/message-answerer.ts";
import type { ZoneRecord } from "../src/record-data.ts";
import { sign } from "../src/tsig.ts";
import { encodeUpdate } from "../src/update-message.ts";
import { type DnsWorld, KEY, startWorld } from "./dns-world.ts";

const RECORDS: readonly ZoneRecord[] = [
  { name: "www.phoenix.test", type: "CNAME", ttlS: 60, data: "shop.phoenix.test" },
  { name: "away.phoenix.test", type: "CNAME", ttlS: 60, data: "example.org" },
  { name: "loop.phoenix.test", type: "CNAME", ttlS: 60, data: "loop.phoenix.test" },
  { name: "a.deep.phoenix.test", type: "A", ttlS: 60, data: "10.0.0.1" },
  { name: "note.phoenix.test", type: "TXT", ttlS: 60, data: "v=1;generation=7" },
  { name: "big.phoenix.test", type: "TXT", ttlS: 60, data: "x".repeat(900) },
];

function question(name: string, type: RecordType, edns = false): Buffer {
  return encode({
    type: "query",
    id: 4711,
    questions: [{ name, type, class: "IN" }],
    additionals: edns
      ? [
          {
            type: "OPT",
            name: ".",
            udpPayloadSize: 4096,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
}

/** A reply as one line: rcode, flags, answers | authorities. */
async function asked(world: DnsWorld, name: string, type: RecordType): Promise<string> {
  const reply = decode(await world.ask(question(name, type)));
  const answers = (reply.answers ?? []).map((record) => `${record.name} ${record.type}`);
  const authorities = (reply.authorities ?? []).map((record) => record.type);
  const rcode = (reply.flags ?? 0) & 0xf;
  return `${rcode}${reply.flag_aa ? " aa" : ""} [${answers.join(", ")}] [${authorities.join(", ")}]`;
}

describe("an authoritative server", () => {
  test.each<[string, string, RecordType, string]>([
    ["an address", "shop.phoenix.test", "A", "0 aa [shop.phoenix.test A] []"],
    ["a name in mixed case", "ShOp.PHOENIX.test", "A", "0 aa [shop.phoenix.test A] []"],
    ["an alias", "www.phoenix.test", "A", "0 aa [www.phoenix.test CNAME, shop.phoenix.test A] []"],
    ["an alias itself", "www.phoenix.test", "CNAME", "0 aa [www.phoenix.test CNAME] []"],
    ["an alias out of the zone", "away.phoenix.test", "A", "0 aa [away.phoenix.test CNAME] []"],
    ["text", "note.phoenix.test", "TXT", "0 aa [note.phoenix.test TXT] []"],
    ["its name servers", "phoenix.test", "NS", "0 aa [phoenix.test NS] []"],
    ["its SOA", "phoenix.test", "SOA", "0 aa [phoenix.test SOA] []"],
    ["another type (NODATA)", "shop.phoenix.test", "TXT", "0 aa [] [SOA]"],
    ["a type it does not hold", "shop.phoenix.test", "AAAA", "0 aa [] [SOA]"],
    ["a name between names (NODATA)", "deep.phoenix.test", "A", "0 aa [] [SOA]"],
    ["no such name (NXDOMAIN)", "nobody.phoenix.test", "A", "3 aa [] [SOA]"],
    ["a name outside its zone (REFUSED)", "example.org", "A", "5 [] []"],
    ["a name that only ends alike (REFUSED)", "evilphoenix.test", "A", "5 [] []"],
    ["a zone transfer (REFUSED)", "phoenix.test", "AXFR", "5 [] []"],
  ])("answers a question for %s", async (_what, name, type, expected) => {
    const world = await startWorld(undefined, RECORDS);
    expect(await asked(world, name, type)).toBe(expected);
  });

  test("survives an alias that points at itself", async () => {
    const world = await startWorld(undefined, RECORDS);
    expect(await asked(world, "loop.phoenix.test", "A")).toMatch(/^0 aa \[loop/u);
  });

  test("says TC when an answer does not fit 512 bytes, and gives it whole over TCP", async () => {
    const world = await startWorld(undefined, RECORDS);
    // `ask` over UDP repeats a truncated question over TCP, so the raw reply is looked at first.
    const answerer = new MessageAnswerer({ zones: [world.zone], keys: [], clock: world.clock });
    const raw = answerer.answer(question("big.phoenix.test", "TXT"), "udp");
    expect(raw?.length).toBeLessThanOrEqual(512);
    expect(decode(raw ?? Buffer.alloc(0)).flag_tc).toBe(true);

    const whole = decode(await world.ask(question("big.phoenix.test", "TXT")));
    expect(whole.flag_tc).toBe(false);
    expect(whole.answers).toHaveLength(1);
  });

  test("uses the room a client with EDNS offers", async () => {
    const world = await startWorld(undefined, RECORDS);
    const answerer = new MessageAnswerer({ zones: [world.zone], keys: [], clock: world.clock });
    const raw = answerer.answer(question("big.phoenix.test", "TXT", true), "udp");
    expect(decode(raw ?? Buffer.alloc(0)).flag_tc).toBe(false);
    expect(raw?.length).toBeGreaterThan(900);
  });

  test("does not answer replies, so that two servers cannot talk for ever", async () => {
    const world = await startWorld();
    const answerer = new MessageAnswerer({ zones: [world.zone], keys: [], clock: world.clock });
    const reply = answerer.answer(question("shop.phoenix.test", "A"), "udp");
    expect(reply).not.toBeNull();
    expect(answerer.answer(reply ?? Buffer.alloc(0), "udp")).toBeNull();
  });

  test.each([
    ["points at itself", [0xc0, 12]],
    ["points forward", [0xc0, 40]],
    ["points in a circle", [1, 97, 0xc0, 12]],
  ])("is not caught by a compressed name that %s", async (_what, name) => {
    const world = await startWorld();
    const message = Buffer.concat([
      Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
      Buffer.from(name),
      Buffer.from([0, 1, 0, 1]),
    ]);
    const reply = await world.ask(message);
    expect(reply.readUInt8(3) & 0xf).toBe(1);
  });

  test("answers several questions on one TCP connection, also when they come in pieces", async () => {
    const world = await startWorld();
    const socket = connect(world.server.port, world.server.host);
    const message = question("shop.phoenix.test", "A");
    const framed = Buffer.concat([Buffer.from([0, message.length]), message]);
    const both = Buffer.concat([framed, framed]);
    let received = Buffer.alloc(0);
    const done = new Promise<void>((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        const one = 2 + received.readUInt16BE(0);
        if (received.length === 2 * one) resolve();
      });
    });
    await once(socket, "connect");
    socket.write(both.subarray(0, 5));
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(both.subarray(5));
    await done;
    socket.destroy();
    const half = received.length / 2;
    expect(received.subarray(0, half)).toEqual(received.subarray(half));
  });

  test("refuses a port that is taken, by name", async () => {
    const world = await startWorld();
    const { host, port } = world.server;
    const second = startDnsServer({ host, port, zones: [], keys: [], clock: world.clock });
    await expect(second).rejects.toMatchObject({ code: "PORT_TAKEN" });
  });

  test("refuses a record outside its zone", () => {
    const records = [{ name: "example.org", type: "A", ttlS: 1, data: "10.0.0.1" }] as const;
    const make = (): unknown =>
      new AuthoritativeZone({ name: "phoenix.test", nameServer: "ns1.phoenix.test", records });
    expect(make).toThrow(/not in zone/u);
  });
});

function folded(message: Buffer): string {
  return message.subarray(2).toString("latin1").toLowerCase();
}

// Goal: no bytes from the network can stop the server or change the zone.
// Method: random bytes, and real messages with random bytes flipped, from one seed.
test("2,000 malformed messages neither crash the server nor change the zone", async () => {
  const world = await startWorld(undefined, RECORDS);
  const before = world.zone.snapshot();
  const random = new SeededRandom(20_261_123);
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const nowS = Math.floor(world.clock.now() / 1000);
  const update = encodeUpdate(7, {
    zone: "phoenix.test",
    prerequisites: [{ kind: "set-exists", name: "shop.phoenix.test", type: 1 }],
    changes: [{ kind: "delete-name", name: "shop.phoenix.test" }],
  });
  const seeds = [
    question("www.phoenix.test", "A", true),
    question("big.phoenix.test", "TXT"),
    sign(update, KEY, { timeS: nowS }).message,
  ];
  const answerer = new MessageAnswerer({
    zones: [world.zone],
    keys: [KEY],
    clock: world.clock,
    onTrouble: (error) => world.troubles.push(error),
  });
  for (let round = 0; round < 2000; round += 1) {
    const message =
      round % 4 === 3
        ? Buffer.from(Array.from({ length: below(300) }, () => below(256)))
        : Buffer.from(seeds[round % 4] ?? []);
    const flips = 1 + below(4);
    for (let flip = 0; flip < flips && message.length > 0; flip += 1) {
      const at = below(message.length);
      message[at] = (message[at] ?? 0) ^ (1 + below(255));
    }
    // The id and the case of names are not signed (RFC 8945 sections 4.3.3 and 5.3.1.1).
    if (folded(message) === folded(seeds[2] ?? message)) continue;
    if (round % 7 === 0) answerer.answer(message.subarray(0, below(message.length + 1)), "udp");
    answerer.answer(message, round % 2 === 0 ? "udp" : "tcp");
  }
  expect(world.troubles).toEqual([]);
  expect(world.zone.snapshot()).toEqual(before);
  expect(await asked(world, "shop.phoenix.test", "A")).toBe("0 aa [shop.phoenix.test A] []");
});
