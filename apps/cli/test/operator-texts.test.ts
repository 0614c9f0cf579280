// Goal: whoever types a command at 3 a.m. is never told that production is well when nobody asked
// it, nor sent to a sandbox when a controller is down.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import pc from "picocolors";
import { EXIT_CODES } from "../src/exit-codes.ts";
import { type StatusDocument, statusText } from "../src/render/status-text.ts";
import { Terminal } from "../src/terminal.ts";
import { type Answers, type PretendedApi, pretendedApi } from "./pretended-api.ts";

const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-texts-"));
const paint = pc.createColors(false);

const LEADER: StatusDocument = {
  atMs: 0,
  application: { name: "shop", objectives: { rtoMs: 60_000, rpoMs: 5_000 } },
  controller: { role: "leader", epoch: 4, version: "1" },
  generation: 2,
  active: "a",
  modes: { dr: "auto" },
  maintenance: null,
  sites: [],
  standbys: [],
  quarantined: [],
  decision: { verdict: "none", action: "hold", sentence: "a scores 0." },
  activeRun: null,
  protected: { yes: true, why: "b is ready to take over." },
};
const FOLLOWER: StatusDocument = {
  ...LEADER,
  controller: { role: "follower", epoch: null, version: "1" },
  decision: null,
  protected: { yes: false, why: "This controller follows; ask the leader." },
};

let api: PretendedApi | null = null;
let said = "";

beforeEach(() => {
  said = "";
  vi.spyOn(Terminal.prototype, "result").mockImplementation((_value, text) => {
    said = text;
  });
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
});

afterEach(async () => {
  await api?.close();
  api = null;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

afterAll(() => rmSync(scratch, { recursive: true }));

async function withApi(answers: Answers): Promise<PretendedApi> {
  api = await pretendedApi(scratch, answers);
  return api;
}

describe("status of a controller that follows", () => {
  test("says so, and neither a verdict nor that the application is not protected", () => {
    const text = statusText(FOLLOWER, paint);

    expect(text).toContain("this controller follows and knows neither verdict nor protection");
    expect(text).not.toContain("verdict unknown");
    expect(text).not.toContain("NOT protected");
  });

  test("is a finding of the doctor that names the leader's sign", async () => {
    const { run } = await withApi({ "GET /v1/status": { body: FOLLOWER } });

    expect(await run("doctor", "--dir", scratch)).toBe(EXIT_CODES.failed);

    expect(said).toContain("/ready answers 200");
  });
});

describe("the doctor", () => {
  test("says that production was not checked when no controller was named", async () => {
    const { runHere } = await withApi({});

    await runHere("doctor", "--dir", scratch);

    expect(said).toContain("production was NOT checked");
    expect(said).not.toMatch(/Nothing is in the way\.$/);
  });

  test("says of a controller that leads what it protects", async () => {
    const { run } = await withApi({ "GET /v1/status": { body: LEADER } });

    await run("doctor", "--dir", scratch);

    expect(said).toContain("runs shop at a; b is ready to take over.");
    expect(said).not.toContain("NOT checked");
  });
});

describe("without an answer", () => {
  test("of the controller that was named, its runbook comes first and the sandbox last", async () => {
    const { run, close } = await withApi({});
    await close();
    api = null;

    expect(await run("status")).toBe(EXIT_CODES.unavailable);

    expect(said).toMatch(/controller-down\.md.*Only for a trial on this machine/);
  });

  test("of a sandbox, production is named by its address", async () => {
    const { runHere } = await withApi({});

    expect(await runHere("status", "--dir", scratch)).toBe(EXIT_CODES.unavailable);

    expect(said).toMatch(/If you mean production: name its controller with --url/);
  });
});

describe("maintenance", () => {
  test("begins in somebody's name and says what that means and how it ends", async () => {
    const { run, asked } = await withApi({
      "PUT /v1/maintenance": { body: { maintenance: "patch" } },
    });

    expect(await run("maintenance", "on", "--reason", "patch", "--by", "ann")).toBe(
      EXIT_CODES.done,
    );

    expect(asked).toEqual([
      { what: "PUT /v1/maintenance", body: { on: true, reason: "patch", by: "ann" } },
    ]);
    expect(said).toContain("nothing moves until a person orders it");
    expect(said).toContain("cloudphoenix maintenance off");
  });

  test("ends the same way", async () => {
    const { run, asked } = await withApi({
      "PUT /v1/maintenance": { body: { maintenance: null } },
    });

    expect(await run("maintenance", "off", "--reason", "done", "--by", "ann")).toBe(
      EXIT_CODES.done,
    );

    expect(asked[0]?.body).toEqual({ on: false, reason: "done", by: "ann" });
    expect(said).toContain("acts by itself again");
  });

  test("is on the one screen, with its end", () => {
    const text = statusText({ ...LEADER, maintenance: "patch (ann)" }, paint);

    expect(text).toContain("Automatic action is off: patch (ann)");
    expect(text).toContain('cloudphoenix maintenance off --reason "…"');
  });
});

test.each([
  ["data-fresh", true],
  ["target-ready", false],
] as const)(
  "a move that %s blocks is offered accepting the loss only if that helps",
  async (guard, helps) => {
    const guards = [{ guard, outcome: "block", sentence: "no." }];
    const { run } = await withApi({
      "POST /v1/plans": { body: { plan: null, findings: [], guards, steps: [] } },
    });

    expect(await run("failover", "--kind", "region", "--reason", "r")).toBe(EXIT_CODES.needsPerson);

    expect(said).toContain("cloudphoenix plan region");
    expect(said.includes("--accept-loss")).toBe(helps);
  },
);
