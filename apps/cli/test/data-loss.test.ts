// Goal: on the command line nobody gives data up by accident, alone where two must, or unseen.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EXIT_CODES } from "../src/exit-codes.ts";
import { type Answers, type PretendedApi, pretendedApi } from "./pretended-api.ts";

const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-loss-"));
const SITE = "aws-us-east-1";
const file = join(scratch, "kept.jsonl");

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
  rmSync(file, { force: true });
});

afterAll(() => rmSync(scratch, { recursive: true }));

const QUARANTINE = { site: SITE, missing: "1 of 2 people have accepted the loss." };
const LIST: Answers = { "GET /v1/quarantine": { body: { quarantines: [QUARANTINE] } } };
const ROWS = ['{"table":"public.orders","key":{"id":"7"}}', '{"table":"public.orders","key":null}'];

async function withApi(answers: Answers): Promise<PretendedApi> {
  api = await pretendedApi(scratch, answers);
  return api;
}

function plans(guards: readonly object[]): Answers {
  return { "POST /v1/plans": { body: { plan: null, findings: [], guards, steps: [] } } };
}

const BLOCKED = { guard: "data-fresh", outcome: "block", sentence: "Loss would be 9 s." };

describe("failover", () => {
  test("is not even ordered if the loss is too large and nobody said --accept-loss", async () => {
    const { run, asked } = await withApi(plans([BLOCKED]));

    const code = await run("failover", "--reason", "now", "--yes", "--by", "ann");

    expect(code).toBe(EXIT_CODES.needsPerson);
    expect(asked.map((one) => one.what)).toEqual(["POST /v1/plans"]);
    expect(said).toContain("data-fresh");
  });

  test("with --accept-loss says so in the order, waits for approval and tells how to give it", async () => {
    const plan = { id: "dr-1", kind: "dr", to: "b", from: "a", reason: "now", steps: [] };
    const run = {
      id: "dr-1",
      plan,
      status: "waiting-approval",
      startedBy: "operator:ann",
      startedAtMs: 1,
      endedAtMs: null,
      steps: [],
      approvals: [],
      waitingFor: "approval by 2 people",
    };
    const view = { run, events: [], report: null, loss: null, detectedAtMs: null };
    const pretended = await withApi({
      ...plans([]),
      "POST /v1/runs": { status: 202, body: { run } },
      "GET /v1/runs/dr-1": { body: view },
    });

    const args = ["failover", "--accept-loss", "--reason", "now", "--yes", "--by", "ann"];
    const code = await pretended.run(...args);

    expect(code).toBe(EXIT_CODES.needsPerson);
    const order = pretended.asked.find((one) => one.what === "POST /v1/runs");
    expect(order?.body).toMatchObject({ acceptLoss: true, by: "ann", reason: "now" });
  });
});

describe("quarantine", () => {
  test("accept by one of two people is recorded and is not enough", async () => {
    const accept = `POST /v1/quarantine/${SITE}/accept`;
    const { run, asked } = await withApi({
      ...LIST,
      [accept]: { body: { quarantine: QUARANTINE } },
    });

    const code = await run("quarantine", "accept", "--reason", "test data", "--by", "ann");

    expect(code).toBe(EXIT_CODES.needsPerson);
    expect(asked.at(-1)).toEqual({ what: accept, body: { by: "ann", reason: "test data" } });
  });

  test("rejoin is refused with what to do, and nothing is ordered", async () => {
    const guard = { guard: "quarantine", outcome: "block", sentence: "Nobody has decided." };
    const { run, asked } = await withApi({ ...LIST, ...plans([guard]) });

    const code = await run("quarantine", "rejoin", "--reason", "home", "--yes");

    expect(code).toBe(EXIT_CODES.needsPerson);
    expect(asked.map((one) => one.what)).not.toContain("POST /v1/runs");
    expect(said).toContain("Nobody has decided.");
  });

  test("rejoin asks for a typed confirmation, and without anybody to type it orders nothing", async () => {
    const { run, asked } = await withApi({ ...LIST, ...plans([]) });

    expect(await run("quarantine", "rejoin", "--reason", "home")).toBe(EXIT_CODES.needsPerson);
    expect(asked.map((one) => one.what)).not.toContain("POST /v1/runs");
  });
});

describe("export", () => {
  const rows = `GET /v1/quarantine/${SITE}/rows`;
  const exported = `POST /v1/quarantine/${SITE}/exported`;
  const whole: Answers = {
    ...LIST,
    [rows]: { body: `${ROWS.join("\n")}\n{"end":true,"rows":2}\n` },
    [exported]: { body: { quarantine: { ...QUARANTINE, missing: null } } },
  };

  test("keeps every change in a file only its owner may read, and says so to the controller", async () => {
    const { run, asked } = await withApi(whole);

    expect(await run("quarantine", "export", "--file", file, "--by", "ann")).toBe(EXIT_CODES.done);

    expect(readFileSync(file, "utf8")).toBe(`${ROWS.join("\n")}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(asked.at(-1)).toEqual({ what: exported, body: { by: "ann", rows: 2, file } });
  });

  test("refuses an existing file unless told to overwrite it", async () => {
    writeFileSync(file, "mine");
    const { run } = await withApi(whole);

    expect(await run("quarantine", "export", "--file", file)).toBe(EXIT_CODES.needsPerson);
    expect(readFileSync(file, "utf8")).toBe("mine");

    expect(await run("quarantine", "export", "--file", file, "--force")).toBe(EXIT_CODES.done);
    expect(readFileSync(file, "utf8")).not.toBe("mine");
  });

  test("that breaks off leaves nothing behind and decides nothing", async () => {
    const { run, asked } = await withApi({ ...whole, [rows]: { body: `${ROWS[0]}\n` } });

    expect(await run("quarantine", "export", "--file", file)).toBe(EXIT_CODES.unavailable);

    expect(existsSync(file) || existsSync(`${file}.part`)).toBe(false);
    expect(asked.map((one) => one.what)).not.toContain(exported);
  });
});
