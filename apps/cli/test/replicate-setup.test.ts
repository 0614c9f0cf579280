// Goal: on the command line nobody sets up replication without having seen what it makes, and
// whoever is cut off from a copy of hours knows that it goes on.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EXIT_CODES } from "../src/exit-codes.ts";
import {
  setupProgressText,
  setupStatusText,
  type SetupDocument,
} from "../src/render/setup-text.ts";
import { type Answers, type PretendedApi, pretendedApi } from "./pretended-api.ts";

const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-setup-"));

let api: PretendedApi | null = null;
let said = "";

beforeEach(() => {
  said = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
});

afterEach(async () => {
  await api?.close();
  api = null;
  vi.restoreAllMocks();
});

afterAll(() => rmSync(scratch, { recursive: true }));

const PREVIEW = {
  from: "a",
  to: "b",
  problems: [],
  changes: ["at a, publish public.later", "at b, subscribe to and copy public.later"],
  bytesToCopy: 8_192,
};
const PROBLEMS = [
  { rule: "replica-identity", site: "a", object: "t", sentence: "table t has no primary key" },
  { rule: "unlogged-table", site: "a", object: "u", sentence: "table u is unlogged" },
];
const DONE: SetupDocument = {
  id: "setup-1",
  from: "a",
  to: "b",
  by: "ann",
  startedAtMs: 0,
  endedAtMs: 90_000,
  status: "done",
  progress: null,
  trouble: null,
  hint: null,
  result: { alreadyDone: false, schemaCopied: false, tables: 12 },
};
const RUNNING: SetupDocument = { ...DONE, endedAtMs: null, status: "running", result: null };

const SETUP = ["replicate", "setup", "--by", "ann"];
const ORDER = "POST /v1/replication/setup";

async function withApi(
  preview: object,
  more: Answers = {},
  newest: SetupDocument | null = null,
): Promise<PretendedApi> {
  api = await pretendedApi(scratch, {
    "GET /v1/replication/setup": { body: { setup: newest } },
    "POST /v1/replication/setup/preview": { body: preview },
    ...more,
  });
  return api;
}

describe("a dry run", () => {
  test("lists every problem and change at once, orders nothing and wants no reason", async () => {
    const { run, asked } = await withApi({ ...PREVIEW, problems: PROBLEMS });

    expect(await run(...SETUP, "--dry-run")).toBe(EXIT_CODES.needsPerson);

    expect(asked.map((one) => one.what)).toEqual(["POST /v1/replication/setup/preview"]);
    expect(JSON.parse(said)).toMatchObject({ problems: PROBLEMS, changes: PREVIEW.changes });
  });

  test("without problems is a success", async () => {
    const { run } = await withApi(PREVIEW);
    expect(await run(...SETUP, "--dry-run")).toBe(EXIT_CODES.done);
  });
});

describe("an order", () => {
  const begun = { [ORDER]: { status: 202, body: { setup: DONE } } };

  test("goes to the standby that was shown, in somebody's name, and answers how it ended", async () => {
    const { run, asked } = await withApi(PREVIEW, begun);

    expect(await run(...SETUP, "--yes", "--reason", "new table")).toBe(EXIT_CODES.done);

    expect(asked.find((one) => one.what === ORDER)?.body).toEqual({
      to: "b",
      reason: "new table",
      by: "ann",
    });
    expect(JSON.parse(said)).toMatchObject({ setup: { status: "done", result: { tables: 12 } } });
  });

  test("is not sent without typed confirmation, without a reason, or against a problem", async () => {
    const { run, asked } = await withApi(PREVIEW, begun);
    expect(await run(...SETUP, "--reason", "new table")).toBe(EXIT_CODES.needsPerson);
    expect(await run(...SETUP, "--yes")).toBe(EXIT_CODES.badInput);
    await api?.close();
    const bad = await withApi({ ...PREVIEW, problems: PROBLEMS }, begun);
    expect(await bad.run(...SETUP, "--yes", "--reason", "new")).toBe(EXIT_CODES.needsPerson);
    expect([...asked, ...bad.asked].map((one) => one.what)).not.toContain(ORDER);
    for (const { sentence } of PROBLEMS) expect(said).toContain(sentence);
  });

  test("is sent also where nothing is known to be missing, for set-up looks at more", async () => {
    const { run, asked } = await withApi({ ...PREVIEW, changes: [], bytesToCopy: 0 }, begun);
    expect(await run(...SETUP, "--yes", "--reason", "look again")).toBe(EXIT_CODES.done);
    expect(asked.map((one) => one.what)).toContain(ORDER);
  });

  test.each([[[]], [["--to", "b"]]])(
    "with %j joins the set-up of b that is under way instead of ordering another",
    async (to) => {
      const { run, asked } = await withApi(PREVIEW, begun, RUNNING);
      expect(await run(...SETUP, ...to, "--detach")).toBe(EXIT_CODES.done);
      expect(asked.map((one) => one.what)).toEqual(["GET /v1/replication/setup"]);
    },
  );

  test("for one site never joins the set-up of another: the controller refuses it", async () => {
    const busy = { status: 409, body: { code: "CONFLICT", detail: "a set-up is under way" } };
    const { run, asked } = await withApi(PREVIEW, { [ORDER]: busy }, { ...RUNNING, to: "c" });
    const order = ["--to", "b", "--yes", "--reason", "new", "--detach"];
    expect(await run(...SETUP, ...order)).not.toBe(EXIT_CODES.done);
    expect(asked.map((one) => one.what)).toContain(ORDER);
  });

  test("whose end was not seen before the next one began says so, and nothing of the next", async () => {
    const taken = { [ORDER]: { status: 202, body: { setup: RUNNING } } };
    const { run } = await withApi(PREVIEW, taken, { ...RUNNING, id: "setup-2", to: "c" });
    const order = ["--to", "b", "--yes", "--reason", "new"];
    expect(await run(...SETUP, ...order)).toBe(EXIT_CODES.needsPerson);
    expect(JSON.parse(said)).toEqual({ setup: null });
  });

  test.each([
    ["failed", EXIT_CODES.failed],
    ["superseded", EXIT_CODES.needsPerson],
  ] as const)("that %s says why and ends with %i", async (status, code) => {
    const ended = { ...DONE, status, trouble: "the copy keeps failing", hint: "Read the log." };
    const { run } = await withApi(PREVIEW, { [ORDER]: { status: 202, body: { setup: ended } } });
    expect(await run(...SETUP, "--yes", "--reason", "new")).toBe(code);
    expect(said).toContain("the copy keeps failing");
  });
});

test("progress says how many tables are there, what is being copied, and what stands in the way", () => {
  const copying = ["public.a", "public.b", "public.c", "public.d"];
  const progress = { tables: 12, tablesReady: 8, copying, bytesCopying: 3 * 1024 ** 3 };
  expect(setupProgressText({ ...RUNNING, progress })).toBe(
    "8 of 12 tables are at b; copying public.a, public.b, public.c and 1 more (3.0 GiB read)",
  );
  expect(setupStatusText({ ...RUNNING, trouble: "site b does not answer" })).toBe(
    "set-up by ann is under way: b does not go on following a: site b does not answer",
  );
  expect(setupStatusText(DONE)).toBe(
    "newest set-up by ann: b follows a with 12 tables (1 min 30 s). See: cloudphoenix status",
  );
});
