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
const objectsFile = join(scratch, "kept.objects.jsonl");

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
  rmSync(objectsFile, { force: true });
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
      question: 1,
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

describe("run approve", () => {
  const WAITING = "approval by 1 person: Leaving a may lose 9000 ms of writes. Go on?";
  const asking = (question: number | null): Answers => ({
    "GET /v1/runs/dr-1": {
      body: {
        run: {
          id: "dr-1",
          status: question === null ? "running" : "waiting-approval",
          plan: { id: "dr-1", kind: "dr", to: "b", from: "a", reason: "now", steps: [] },
          startedAtMs: 1,
          steps: [],
          waitingFor: question === null ? null : WAITING,
          question,
        },
        events: [],
        report: null,
        loss: null,
      },
    },
    "POST /v1/runs/dr-1/approve": { status: 202, body: { run: { id: "dr-1" } } },
  });
  const APPROVE = ["run", "approve", "dr-1", "--by", "ann"];

  test("approves the question it names and no other", async () => {
    const { run, asked } = await withApi(asking(2));

    expect(await run(...APPROVE, "--question", "2", "--comment", "seen")).toBe(EXIT_CODES.done);

    expect(asked).toEqual([
      { what: "POST /v1/runs/dr-1/approve", body: { by: "ann", question: 2, comment: "seen" } },
    ]);
  });

  test("approves nothing that was not named, but says what is asked and how to approve it", async () => {
    const { run, asked } = await withApi(asking(2));

    expect(await run(...APPROVE)).toBe(EXIT_CODES.needsPerson);

    expect(asked.map((one) => one.what)).toEqual(["GET /v1/runs/dr-1"]);
    expect(said).toContain(`Question 2: ${WAITING}`);
    expect(said).toContain("cloudphoenix run approve dr-1 --question 2");
  });

  test("says so if nothing is asked", async () => {
    const { run } = await withApi(asking(null));

    expect(await run(...APPROVE)).toBe(EXIT_CODES.needsPerson);

    expect(said).toContain("it asks nothing now (running)");
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
  const objects = `GET /v1/quarantine/${SITE}/objects`;
  const exported = `POST /v1/quarantine/${SITE}/exported`;
  const whole: Answers = {
    ...LIST,
    [rows]: { body: `${ROWS.join("\n")}\n{"end":true,"rows":2}\n` },
    [exported]: { body: { quarantine: { ...QUARANTINE, missing: null } } },
    [objects]: { body: '{"key":"a.pdf"}\n{"end":true,"objects":1}\n' },
  };

  test("keeps every change in a file only its owner may read, and says so to the controller", async () => {
    const { run, asked } = await withApi(whole);

    expect(await run("quarantine", "export", "--file", file, "--by", "ann")).toBe(EXIT_CODES.done);

    expect(readFileSync(file, "utf8")).toBe(`${ROWS.join("\n")}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(asked).toContainEqual({ what: exported, body: { by: "ann", rows: 2, file } });
  });

  test("keeps the list of the objects beside it, alike", async () => {
    const { run } = await withApi(whole);

    expect(await run("quarantine", "export", "--file", file)).toBe(EXIT_CODES.done);

    expect(readFileSync(objectsFile, "utf8")).toBe('{"key":"a.pdf"}\n');
    expect(statSync(objectsFile).mode & 0o777).toBe(0o600);
    expect(JSON.parse(said)).toMatchObject({ rows: 2, objects: { file: objectsFile, count: 1 } });
  });

  test("leaves no file of objects where the application has none", async () => {
    const { run } = await withApi({
      ...whole,
      [objects]: { body: '{"end":true,"objects":null}\n' },
    });

    expect(await run("quarantine", "export", "--file", file)).toBe(EXIT_CODES.done);

    expect(existsSync(objectsFile) || existsSync(`${objectsFile}.part`)).toBe(false);
    expect(JSON.parse(said)).toMatchObject({ objects: null });
  });

  test("keeps the changes also while the store does not answer, and says what is not there", async () => {
    const detail = `the object store of ${SITE} cannot be asked`;
    const { run, asked } = await withApi({
      ...whole,
      [objects]: { status: 503, body: { code: "UNREACHABLE", detail } },
    });

    expect(await run("quarantine", "export", "--file", file)).toBe(EXIT_CODES.unavailable);

    expect(readFileSync(file, "utf8")).toBe(`${ROWS.join("\n")}\n`);
    expect(asked.map((one) => one.what)).toContain(exported);
    expect(existsSync(objectsFile) || existsSync(`${objectsFile}.part`)).toBe(false);
    expect(JSON.parse(said)).toMatchObject({ rows: 2, objects: null, trouble: detail });
  });

  test("refuses an existing list of objects before anything is asked for", async () => {
    writeFileSync(objectsFile, "mine");
    const { run, asked } = await withApi(whole);

    expect(await run("quarantine", "export", "--file", file)).toBe(EXIT_CODES.needsPerson);

    expect(existsSync(file)).toBe(false);
    expect(asked.map((one) => one.what)).not.toContain(rows);
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
