import { describe, expect, test } from "vitest";
import { split, sign, type TsigKey } from "../src/tsig.ts";
import { type Change, encodeUpdate, type Prerequisite } from "../src/update-message.ts";
import { readHeader, TYPE } from "../src/wire.ts";
import { type DnsWorld, KEY, startWorld } from "./dns-world.ts";

const SHOP = "shop.phoenix.test";
const MOVE: readonly Change[] = [
  { kind: "delete-set", name: SHOP, type: TYPE.A },
  { kind: "add", record: { name: SHOP, type: "A", ttlS: 1, data: "127.0.2.1" } },
];

function updateMessage(
  prerequisites: readonly Prerequisite[] = [],
  changes: readonly Change[] = MOVE,
  zone = "phoenix.test",
): Buffer {
  return encodeUpdate(99, { zone, prerequisites, changes });
}

interface Sent {
  readonly rcode: number;
  readonly tsigError: number | null;
  readonly macBytes: number;
}

async function send(world: DnsWorld, message: Buffer): Promise<Sent> {
  const { body, tsig } = split(await world.ask(message, "tcp"));
  return {
    rcode: readHeader(body).rcode,
    tsigError: tsig?.error ?? null,
    macBytes: tsig?.mac.length ?? 0,
  };
}

function signed(world: DnsWorld, message: Buffer, key: TsigKey = KEY, offsetS = 0): Buffer {
  return sign(message, key, { timeS: Math.floor(world.clock.now() / 1000) + offsetS }).message;
}

function addressOf(world: DnsWorld): string | undefined {
  return world.zone.snapshot().records.find((record) => record.name === SHOP)?.data;
}

describe("a signed update", () => {
  test("is applied and the serial grows", async () => {
    const world = await startWorld();
    expect(await send(world, signed(world, updateMessage()))).toMatchObject({ rcode: 0 });
    expect(addressOf(world)).toBe("127.0.2.1");
    expect(world.zone.snapshot().serial).toBe(2);
  });

  test("that changes nothing leaves the serial alone", async () => {
    const world = await startWorld();
    await send(world, signed(world, updateMessage()));
    await send(world, signed(world, updateMessage()));
    expect(world.zone.snapshot().serial).toBe(2);
  });

  test("is refused without a signature", async () => {
    const world = await startWorld();
    expect(await send(world, updateMessage())).toMatchObject({ rcode: 5, tsigError: null });
    expect(addressOf(world)).toBe("127.0.1.1");
  });

  test("is refused under an unknown key name", async () => {
    const world = await startWorld();
    const message = signed(world, updateMessage(), { ...KEY, name: "somebody" });
    expect(await send(world, message)).toEqual({ rcode: 9, tsigError: 17, macBytes: 0 });
    expect(addressOf(world)).toBe("127.0.1.1");
  });

  test("is refused under another algorithm than the key's", async () => {
    const world = await startWorld();
    const message = signed(world, updateMessage(), { ...KEY, algorithm: "hmac-sha512" });
    expect(await send(world, message)).toEqual({ rcode: 9, tsigError: 17, macBytes: 0 });
  });

  test("is refused with a wrong secret", async () => {
    const world = await startWorld();
    const message = signed(world, updateMessage(), { ...KEY, secret: Buffer.from("guess") });
    expect(await send(world, message)).toEqual({ rcode: 9, tsigError: 16, macBytes: 0 });
    expect(addressOf(world)).toBe("127.0.1.1");
  });

  test("is refused when it was changed on the way, whichever byte of the body it is", async () => {
    const world = await startWorld();
    const plain = updateMessage();
    const message = signed(world, plain);
    // From the zone section on; the id is allowed to differ (RFC 8945 section 5.3.1.1).
    for (let at = 12; at < plain.length; at += 5) {
      const tampered = Buffer.from(message);
      tampered[at] = (tampered[at] ?? 0) ^ 1;
      const { rcode } = await send(world, tampered);
      expect(rcode, `byte ${at}`).not.toBe(0);
    }
    expect(addressOf(world)).toBe("127.0.1.1");
  });

  test("is refused with a shortened signature", async () => {
    const world = await startWorld();
    const message = signed(world, updateMessage());
    const { tsig } = split(message);
    const macAt = message.indexOf(tsig?.mac ?? Buffer.alloc(0));
    const shorter = Buffer.concat([message.subarray(0, macAt + 16), message.subarray(macAt + 32)]);
    shorter.writeUInt16BE(16, macAt - 2);
    // The record itself is 16 bytes shorter as well; its length precedes the algorithm name.
    const lengthAt = macAt - 2 - 2 - 6 - "hmac-sha256".length - 2 - 2;
    shorter.writeUInt16BE(message.readUInt16BE(lengthAt) - 16, lengthAt);
    expect(await send(world, shorter)).toMatchObject({ rcode: 9, tsigError: 16 });
  });

  test.each([-301, 301])("is refused when its time is off by %i s", async (offsetS) => {
    const world = await startWorld();
    const message = signed(world, updateMessage(), KEY, offsetS);
    // BADTIME is the one error that is signed: the time in it can be trusted.
    expect(await send(world, message)).toEqual({ rcode: 9, tsigError: 18, macBytes: 32 });
    expect(addressOf(world)).toBe("127.0.1.1");
  });

  test("is refused when a later one was accepted before (replay)", async () => {
    const world = await startWorld();
    const back: readonly Change[] = [
      { kind: "delete-set", name: SHOP, type: TYPE.A },
      { kind: "add", record: { name: SHOP, type: "A", ttlS: 1, data: "127.0.1.1" } },
    ];
    const overheard = signed(world, updateMessage([], MOVE));
    expect(await send(world, overheard)).toMatchObject({ rcode: 0 });
    await world.clock.advance(2000);
    expect(await send(world, signed(world, updateMessage([], back)))).toMatchObject({ rcode: 0 });

    expect(await send(world, overheard)).toMatchObject({ rcode: 9, tsigError: 18 });
    expect(addressOf(world)).toBe("127.0.1.1");
  });

  test("is refused if the zone cannot be stored, and the failure is reported", async () => {
    const world = await startWorld(() => {
      throw new Error("the disk is full");
    });
    expect(await send(world, signed(world, updateMessage()))).toMatchObject({ rcode: 2 });
    expect(addressOf(world)).toBe("127.0.1.1");
    expect(world.zone.snapshot().serial).toBe(1);
    expect(world.troubles).toHaveLength(1);
  });
});

const A = TYPE.A;
describe("a prerequisite", () => {
  test.each<[string, Prerequisite[], number]>([
    ["the name is in use", [{ kind: "name-in-use", name: SHOP }], 0],
    ["the name is in use, and it is not", [{ kind: "name-in-use", name: "x.phoenix.test" }], 3],
    ["the name is free", [{ kind: "name-not-in-use", name: "x.phoenix.test" }], 0],
    ["the name is free, and it is not", [{ kind: "name-not-in-use", name: SHOP }], 6],
    ["the set exists", [{ kind: "set-exists", name: SHOP, type: A }], 0],
    ["the set exists, and it does not", [{ kind: "set-exists", name: SHOP, type: TYPE.TXT }], 8],
    ["the set is absent", [{ kind: "set-absent", name: SHOP, type: TYPE.TXT }], 0],
    ["the set is absent, and it is not", [{ kind: "set-absent", name: SHOP, type: A }], 7],
    ["the value is as read", [{ kind: "set-holds", name: SHOP, type: "A", data: "127.0.1.1" }], 0],
    ["the value is another", [{ kind: "set-holds", name: SHOP, type: "A", data: "127.0.2.1" }], 8],
    [
      "the set holds more than there is",
      ["127.0.1.1", "127.0.2.1"].map((data) => ({
        kind: "set-holds" as const,
        name: SHOP,
        type: "A" as const,
        data,
      })),
      8,
    ],
    ["a name outside the zone", [{ kind: "name-in-use", name: "shop.example.org" }], 10],
  ])("that %s is judged", async (_what, prerequisites, rcode) => {
    const world = await startWorld();
    const reply = await send(world, signed(world, updateMessage(prerequisites)));
    expect(reply.rcode).toBe(rcode);
    expect(addressOf(world)).toBe(rcode === 0 ? "127.0.2.1" : "127.0.1.1");
  });

  test("that holds for one of two records refuses the whole update", async () => {
    const world = await startWorld(undefined, [
      { name: SHOP, type: "A", ttlS: 1, data: "127.0.3.1" },
    ]);
    const wanted: Prerequisite = { kind: "set-holds", name: SHOP, type: "A", data: "127.0.1.1" };
    expect(await send(world, signed(world, updateMessage([wanted])))).toMatchObject({ rcode: 8 });
  });
});

describe("an update", () => {
  test("of another zone is refused", async () => {
    const world = await startWorld();
    const message = signed(world, updateMessage([], MOVE, "example.org"));
    expect(await send(world, message)).toMatchObject({ rcode: 9, tsigError: 0 });
  });

  test("cannot take the name servers away", async () => {
    const world = await startWorld();
    const all: Change[] = [
      { kind: "delete-set", name: "phoenix.test", type: TYPE.NS },
      { kind: "delete-name", name: "phoenix.test" },
      { kind: "delete-record", name: "phoenix.test", type: "NS", data: "ns1.phoenix.test" },
    ];
    expect(await send(world, signed(world, updateMessage([], all)))).toMatchObject({ rcode: 0 });
    expect(world.zone.snapshot().records.map((record) => record.type)).toContain("NS");
  });

  test("does not put an alias beside an address", async () => {
    const world = await startWorld();
    const alias: Change = {
      kind: "add",
      record: { name: SHOP, type: "CNAME", ttlS: 1, data: "other.phoenix.test" },
    };
    await send(world, signed(world, updateMessage([], [alias])));
    const types = world.zone.snapshot().records.map((record) => record.type);
    expect(types).not.toContain("CNAME");
  });

  test("deletes one record, one set, one name", async () => {
    const note = { name: SHOP, type: "TXT", ttlS: 1, data: "hello" } as const;
    const second = { name: SHOP, type: "A", ttlS: 1, data: "127.0.3.1" } as const;
    const world = await startWorld(undefined, [note, second]);
    const left = (): readonly string[] =>
      world.zone.snapshot().records.flatMap(({ name, data }) => (name === SHOP ? [data] : []));

    const one: Change = { kind: "delete-record", name: SHOP, type: "A", data: "127.0.1.1" };
    await send(world, signed(world, updateMessage([], [one])));
    expect(left()).toEqual(["127.0.3.1", "hello"]);

    const set: Change = { kind: "delete-set", name: SHOP, type: TYPE.TXT };
    await send(world, signed(world, updateMessage([], [set])));
    expect(left()).toEqual(["127.0.3.1"]);

    await send(world, signed(world, updateMessage([], [{ kind: "delete-name", name: SHOP }])));
    expect(left()).toEqual([]);
  });
});
