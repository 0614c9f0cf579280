import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  type CopyTools,
  copyObject,
  DEFAULT_RETRIES,
  SecretUrl,
  ServerSideCopy,
  type ServerSideOptions,
  syncObjects,
  verifyObjects,
} from "@cloudphoenix/objects";
import {
  FaultyObjectStore,
  MemoryObjectStore,
  MemoryUrlSource,
  MemoryUrlTarget,
  type StoreCall,
  type UrlReader,
} from "@cloudphoenix/testkit";
import { hurriedSurroundings, memoryState, placeOf, toolsFor, UNENDING } from "./setup.ts";

const REQUEST = { sourceKey: "k", targetKey: "copy/k" };
const BYTES_THROUGH_US: readonly StoreCall[] = ["read", "readWhole", "write", "uploadPart"];

interface Clouds {
  readonly source: MemoryUrlSource;
  readonly target: MemoryUrlTarget;
  readonly serverSide: ServerSideCopy;
  readonly surroundings: ReturnType<typeof hurriedSurroundings>;
  readonly tools: CopyTools;
  /** Calls that move bytes through this process. */
  readonly through: StoreCall[];
}

/** `before` is told of every call of either side, before it happens. */
function clouds(
  options: Partial<ServerSideOptions> = {},
  { read, before }: { read?: UrlReader; before?: (call: StoreCall) => void } = {},
): Clouds {
  const source = new MemoryUrlSource();
  const target = new MemoryUrlTarget(read ?? ((url) => source.open(url)));
  const surroundings = hurriedSurroundings();
  const { clock } = surroundings;
  const serverSide = new ServerSideCopy({ mode: "auto", minBytes: 0, ...options }, clock);
  const through: StoreCall[] = [];
  const hook = (call: StoreCall): "none" => {
    if (BYTES_THROUGH_US.includes(call)) through.push(call);
    before?.(call);
    return "none";
  };
  const tools = toolsFor(new FaultyObjectStore(source, hook), new FaultyObjectStore(target, hook), {
    serverSide,
    surroundings,
  });
  return { source, target, serverSide, surroundings, tools, through };
}

const PROPERTIES = {
  contentType: "image/png",
  cacheControl: "max-age=60",
  metadata: { order: "7" },
  tags: { team: "blue" },
};

describe.each([900, 4_321])("an object of %i bytes that the target can read itself", (length) => {
  const bytes = Buffer.alloc(length, "receipt ");

  test("is what it would be had it been streamed, and no byte of it passes here", async () => {
    const { source, target, serverSide, tools, through } = clouds();
    const facts = source.put("k", bytes, PROPERTIES);
    const other = new MemoryObjectStore({ flavour: "blob" });
    await copyObject(REQUEST, toolsFor(source, other), UNENDING);

    const outcome = await copyObject(REQUEST, tools, UNENDING);

    expect(outcome).toMatchObject({ kind: "copied", sizeBytes: length, sourceEtag: facts.etag });
    expect(through).toEqual([]);
    const copy = await target.head("copy/k", UNENDING);
    const written = await other.head("copy/k", UNENDING);
    expect(copy?.properties).toEqual(written?.properties);
    expect(copy?.md5).toBe(written?.md5);
    expect(target.bytesOf("copy/k")).toEqual(bytes);
    expect(serverSide.counts).toMatchObject({ objects: 1, bytes: length, refused: 0 });
    expect(await copyObject(REQUEST, tools, UNENDING)).toEqual({ kind: "alreadyThere" });
  });

  test.each(["auto", "always"] as const)(
    "is copied whole although it changes between the URL and its reading (%s)",
    async (mode) => {
      let changes = 0;
      const { source, target, tools } = clouds(
        { mode },
        {
          before: (call) => {
            if (call !== "copyFromUrl" || changes === 3) return;
            changes += 1;
            source.put("k", Buffer.alloc(length, changes));
          },
        },
      );
      source.put("k", bytes);

      expect((await copyObject(REQUEST, tools, UNENDING)).kind).toBe("copied");
      expect(changes).toBeGreaterThan(0);
      expect(target.bytesOf("copy/k")).toEqual(source.bytesOf("k"));
    },
  );

  test("that is deleted between the URL and its reading is gone", async () => {
    const { source, target, tools } = clouds(
      {},
      { before: (call) => call === "copyFromUrl" && source.remove("k") },
    );
    source.put("k", bytes);

    expect(await copyObject(REQUEST, tools, UNENDING)).toEqual({ kind: "gone" });
    expect(target.size).toBe(0);
  });

  test("replaces nothing that somebody else wrote at the target meanwhile", async () => {
    const { source, target, tools } = clouds(
      {},
      { before: (call) => call === "copyFromUrl" && target.put("copy/k", "a newer order") },
    );
    source.put("k", bytes);

    await expect(copyObject(REQUEST, tools, UNENDING)).rejects.toMatchObject({
      code: "OBJECT_CHANGED",
      retryable: false,
    });
    expect(target.bytesOf("copy/k")?.toString()).toBe("a newer order");
  });

  test.each(["auto", "always"] as const)("arrives although answers are lost (%s)", async (mode) => {
    for (const fault of ["fail", "lose"] as const) {
      const { source, target, tools } = clouds({ mode });
      source.put("k", bytes);
      let left = 2;
      const losing = new FaultyObjectStore(target, (call) =>
        call === "copyFromUrl" && (left -= 1) >= 0 ? fault : "none",
      );

      const outcome = await copyObject(REQUEST, { ...tools, target: losing }, UNENDING);

      expect(["copied", "alreadyThere"]).toContain(outcome.kind);
      expect(target.bytesOf("copy/k")).toEqual(bytes);
    }
  });

  test("is streamed if the target cannot read it, and that is counted", async () => {
    const { source, target, serverSide, tools, through } = clouds({}, { read: () => null });
    source.put("k", bytes);

    expect((await copyObject(REQUEST, tools, UNENDING)).kind).toBe("copied");
    expect(through).not.toEqual([]);
    expect(target.bytesOf("copy/k")).toEqual(bytes);
    expect(serverSide.counts).toEqual({
      objects: 0,
      bytes: 0,
      refused: 1,
      because: "the source answered with 404",
      givenUp: false,
    });
  });

  test("fails with `always` if the target cannot read it", async () => {
    const { source, target, tools } = clouds({ mode: "always" }, { read: () => null });
    source.put("k", bytes);

    await expect(copyObject(REQUEST, tools, UNENDING)).rejects.toMatchObject({
      code: "OBJECT_REFUSED",
      retryable: false,
      message: expect.stringContaining("the source answered with 404"),
    });
    expect(target.size).toBe(0);
  });
});

/** What moved bytes through this process, once all of it was streamed. */
async function streamed(made: Clouds, request = REQUEST): Promise<readonly string[]> {
  const outcome = await copyObject(request, made.tools, UNENDING);
  expect(outcome.kind).toBe("copied");
  expect(made.serverSide.counts).toMatchObject({ objects: 0, refused: 0 });
  return made.through;
}

describe("is not even tried", () => {
  test.each([
    ["with `never`", { mode: "never" }],
    ["for an object smaller than the threshold", { minBytes: 11 }],
    ["for a source without a public address", { isReadable: () => false }],
  ] as const)("%s", async (_why, options) => {
    const made = clouds(options);
    made.source.put("k", "ten bytes.");

    expect(await streamed(made)).toEqual(["readWhole", "write"]);
  });

  test("for a second object once the source's address is known not to be public", async () => {
    const made = clouds({ isReadable: () => false });
    made.source.put("k", "one");
    made.source.put("l", "two");
    await streamed(made);
    await streamed(made, { sourceKey: "l", targetKey: "copy/l" });

    expect(made.source.given).toHaveLength(1);
  });

  test("for an object whose source tells no MD5", async () => {
    const made = clouds({ mode: "always" });
    const { source } = made;
    const request = {
      key: "k",
      properties: source.put("k", "").properties,
      condition: { kind: "none" },
    } as const;
    const upload = await source.beginUpload(request, UNENDING);
    const body = { bytes: Buffer.from("x"), md5: "9dd4e461268c8034f5c8564e155c67a6" };
    const parts = [await source.uploadPart(upload, { number: 1, ...body }, UNENDING)];
    await source.finishUpload({ ...request, upload, parts, md5: body.md5 }, UNENDING);

    expect(await streamed(made)).toEqual(["readWhole", "write"]);
  });

  test.each([
    ["an object larger than the target reads", { maxBytes: 9, urlMaxCharacters: 2048 }],
    ["a URL longer than the target takes", { maxBytes: 1_000, urlMaxCharacters: 20 }],
  ])("for %s", async (_why, urlCopy) => {
    const made = clouds({ mode: "always" });
    made.source.put("k", "ten bytes.");
    Object.assign(made.target.capabilities, { urlCopy });

    expect(await streamed(made)).toEqual(["readWhole", "write"]);
  });

  test("for an object that has become too large since it was listed", async () => {
    const made = clouds();
    Object.assign(made.target.capabilities, { urlCopy: { maxBytes: 9, urlMaxCharacters: 2048 } });
    const { properties: _left, ...source } = made.source.put("k", "small");
    made.source.put("k", "ten bytes.");

    await copyObject({ ...REQUEST, source }, made.tools, UNENDING);

    expect(made.serverSide.counts.objects).toBe(0);
    expect(made.target.bytesOf("copy/k")?.toString()).toBe("ten bytes.");
  });

  test("for an object that an earlier run has sent in parts already", async () => {
    const { journal } = memoryState();
    const made = clouds({ mode: "always" });
    const { source, target } = made;
    source.put("k", Buffer.alloc(4_000, 1));
    const stop = new AbortController();
    const stopping = new FaultyObjectStore(target, (call) => {
      if (call === "finishUpload") stop.abort();
      return "none";
    });
    await copyObject(REQUEST, toolsFor(source, stopping, { journal }), stop.signal).catch(
      () => null,
    );

    const outcome = await copyObject(REQUEST, { ...made.tools, journal }, UNENDING);

    expect(outcome).toMatchObject({ kind: "copied", partsKept: 4 });
    expect(made.serverSide.counts.objects).toBe(0);
  });
});

async function copyNew(made: Clouds, name: string): Promise<void> {
  made.source.put(name, name);
  await copyObject({ sourceKey: name, targetKey: name }, made.tools, UNENDING);
}

describe("giving up for a while", () => {
  test("comes after three refusals in a row, is told once, and ends when one object gets through", async () => {
    const told: string[] = [];
    let isOpen = false;
    const made = clouds(
      { onGivenUp: (because) => told.push(because) },
      { read: (url) => (isOpen ? made.source.open(url) : null) },
    );
    for (const name of ["a", "b", "c", "d", "e"]) await copyNew(made, name);
    expect(made.serverSide.counts).toMatchObject({ refused: 3, givenUp: true });

    made.surroundings.nowMs += 15 * 60_000;
    await Promise.all(["f", "g"].map((name) => copyNew(made, name)));
    expect(made.serverSide.counts.refused).toBe(4);

    isOpen = true;
    made.surroundings.nowMs += 15 * 60_000;
    for (const name of ["h", "i"]) await copyNew(made, name);
    await Promise.all(["j", "k"].map((name) => copyNew(made, name)));
    expect(made.serverSide.counts).toMatchObject({ refused: 4, objects: 4 });
    expect(told).toEqual(["the source answered with 404"]);
  });

  test("does not come of refusals with successes between them", async () => {
    let turn = 0;
    const made = clouds(
      {},
      { read: (url) => ((turn += 1) % 3 === 0 ? made.source.open(url) : null) },
    );
    for (let index = 0; index < 12; index += 1) await copyNew(made, `k${index}`);

    expect(made.serverSide.counts).toMatchObject({ objects: 4, refused: 8, givenUp: false });
  });
});

test("a target that does not answer is given one attempt, and then streaming is tried", async () => {
  const made = clouds();
  made.source.put("k", "x");
  let asked = 0;
  const target = new FaultyObjectStore(made.target, (call) => {
    if (call !== "copyFromUrl") return "none";
    asked += 1;
    return "fail";
  });
  const retried: string[] = [];
  const onRetry = ({ code }: { code: string }): void => void retried.push(code);

  await copyObject(REQUEST, { ...made.tools, target, onRetry }, UNENDING);

  expect(asked).toBe(1);
  // The lanes hear of it: a store that is asked for too much is asked for less.
  expect(retried).toEqual(["OBJECT_STORE_UNREACHABLE"]);
  expect(made.target.bytesOf("copy/k")?.toString()).toBe("x");
});

test("the URL outlives its attempt by a minute, and a large object's attempt lasts as long as it may take", async () => {
  const made = clouds({ mode: "always" });
  const retries = { ...DEFAULT_RETRIES, attemptLimitMs: 120_000 };
  made.source.put("k", "x");
  await copyObject(REQUEST, { ...made.tools, retries }, UNENDING);
  made.source.put("l", Buffer.alloc(8 * 1024 * 10));
  await copyObject(
    { sourceKey: "l", targetKey: "l" },
    {
      ...made.tools,
      retries: { ...retries, attemptLimitMs: 1_000 },
    },
    UNENDING,
  );

  expect(made.source.given.map(({ validMs }) => validMs)).toEqual([180_000, 120_010]);
});

test("a signal that aborts ends the copy; nothing is streamed instead", async () => {
  const stop = new AbortController();
  const { source, target, tools, through, serverSide } = clouds(
    {},
    { before: (call) => call === "copyFromUrl" && stop.abort() },
  );
  source.put("k", "x");

  await expect(copyObject(REQUEST, tools, stop.signal)).rejects.toMatchObject({ code: "ABORTED" });
  expect(through).toEqual([]);
  expect(serverSide.counts.refused).toBe(0);
  expect(target.size).toBe(0);
});

test("a secret URL shows itself only to whoever asks for it by name", () => {
  const url = new SecretUrl("https://bucket.example/k?X-Amz-Signature=deadbeef");

  const shown = [String(url), JSON.stringify({ url }), inspect({ url }, { depth: 9 })];
  expect(shown.join()).not.toContain("deadbeef");
  expect(url.reveal()).toContain("deadbeef");
});

test("a sync counts apart what the target read itself, and a verification finds no difference", async () => {
  const source = new MemoryUrlSource();
  const target = new MemoryUrlTarget((url) => (url.includes("odd") ? null : source.open(url)));
  for (let index = 0; index < 5; index += 1) source.put(`large/${index}`, Buffer.alloc(500, index));
  source.put("odd", Buffer.alloc(500));
  source.put("small", "x");
  const surroundings = hurriedSurroundings();
  const { journal, tombstones } = memoryState();
  const pair = { source: placeOf(source), target: placeOf(target), surroundings, signal: UNENDING };

  const summary = await syncObjects({
    ...pair,
    journal,
    tombstones,
    serverSide: { mode: "auto", minBytes: 500 },
  });

  expect(summary).toMatchObject({
    outcome: "done",
    progress: { copied: 7, copiedBytes: 3_001, sentBytes: 3_001 },
    serverSide: { objects: 5, bytes: 2_500, refused: 1, givenUp: false },
  });
  expect(JSON.stringify(summary)).not.toContain("secret=");
  expect(await verifyObjects(pair)).toMatchObject({ outcome: "same" });
});
