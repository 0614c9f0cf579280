// Goal: at 3 a.m. the screen of a run offers nothing that the run will refuse, says since when and
// how long a step may last, and nobody takes an interrupted command for an interrupted run.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import {
  type Application,
  type PlanKind,
  planFor,
  type RunEvent,
  type RunRecord,
  type StepRecord,
} from "@cloudphoenix/core";
import pc from "picocolors";
import { ApiClient } from "../src/api-client.ts";
import { EXIT_CODES } from "../src/exit-codes.ts";
import { followRun } from "../src/follow-run.ts";
import { type RunView, runText } from "../src/render/run-text.ts";
import { Terminal } from "../src/terminal.ts";
import { type PretendedApi, pretendedApi } from "./pretended-api.ts";

const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-run-"));
const paint = pc.createColors(false);
const AT_MS = Date.UTC(2026, 0, 1, 14, 3, 7);

const SHOP: Application = {
  name: "shop",
  sites: [
    { id: "a", cloud: "aws", region: "r1" },
    { id: "b", cloud: "azure", region: "r2" },
  ],
  workloads: [{ name: "orders", replicas: 2 }],
  objectives: { rtoMs: 60_000, rpoMs: 5_000 },
  objects: { rpoMs: 60_000 },
};

let api: PretendedApi | null = null;

afterEach(async () => {
  await api?.close();
  api = null;
  vi.restoreAllMocks();
});

afterAll(() => rmSync(scratch, { recursive: true }));

/** A run of `kind` whose steps have the statuses given; the others are pending. */
function viewOf(
  kind: PlanKind,
  statuses: Readonly<Record<string, StepRecord["status"]>>,
  run: Partial<RunRecord> = {},
  events: readonly Partial<RunEvent>[] = [],
): RunView {
  const plan = planFor({
    id: "run-1",
    kind,
    application: SHOP,
    roles: { generation: 3, active: "a", claimedBy: null, protected: true },
    target: "b",
    nowMs: AT_MS,
    reason: "test",
    approvers: 0,
  });
  const steps = plan.steps.map(({ id }) => ({
    id,
    status: statuses[id] ?? ("pending" as const),
    attempts: 1,
    startedAtMs: AT_MS,
    endedAtMs: null,
    result: null,
    error: null,
    skipped: null,
  }));
  return {
    run: {
      id: plan.id,
      plan,
      status: "needs-attention",
      startedBy: "decision",
      startedAtMs: AT_MS,
      endedAtMs: null,
      steps,
      waitingFor: null,
      question: null,
      approvals: [],
      ...run,
    },
    events: events.map((event, index) => ({
      runId: plan.id,
      key: `k${index}`,
      atMs: AT_MS,
      kind: "waiting",
      step: null,
      text: "",
      ...event,
    })),
    report: null,
    detectedAtMs: null,
    loss: null,
  };
}

function offered(view: RunView): readonly string[] {
  const [, next = ""] = runText(view, paint).split("Next:\n");
  return next.split("\n").map((line) => line.trim().replace("cloudphoenix ", ""));
}

describe("a failed step", () => {
  test("that may be skipped is offered retry, skip and cancel", () => {
    expect(offered(viewOf("dr", { "switch-traffic": "failed" }))).toEqual([
      "run retry run-1 switch-traffic",
      'run skip run-1 switch-traffic --reason "…"',
      'run cancel run-1 --reason "…"',
    ]);
  });

  test("that protects the data is not offered for skipping", () => {
    for (const [kind, step] of [
      ["dr", "fence-site"],
      ["dr", "measure-loss"],
      ["dr", "promote-database"],
      ["switchover", "drain-replication"],
      ["rejoin", "record-salvage"],
      ["rejoin", "rejoin-site"],
    ] as const) {
      expect(offered(viewOf(kind, { [step]: "failed" }))).toEqual([
        `run retry run-1 ${step}`,
        'run cancel run-1 --reason "…"',
      ]);
    }
  });

  test("after writes have opened leaves no way back, and none is offered", () => {
    const view = viewOf("dr", { "open-writes": "done", "verify-convergence": "failed" });

    expect(offered(view)).toEqual([
      "run retry run-1 verify-convergence",
      'run skip run-1 verify-convergence --reason "…"',
    ]);
  });

  test("that was to open writes may have opened them, which the offer to cancel says", () => {
    expect(offered(viewOf("dr", { "open-writes": "failed" }))).toEqual([
      "run retry run-1 open-writes",
      'run cancel run-1 --reason "…"  # refused if writes turn out to be open',
    ]);
  });

  test("is the one the run waits for, not one whose failure it went on after", () => {
    const waitingFor = "step compare-sites failed: no answer; retry, skip or cancel";
    const view = viewOf("switchover", {
      "open-writes": "done",
      "settle-objects": "failed",
      "compare-sites": "failed",
    });

    for (const shown of [view, { ...view, run: { ...view.run, waitingFor } }]) {
      expect(offered(shown)[0]).toBe("run retry run-1 compare-sites");
    }
  });
});

test("a paused run is resumed or cancelled", () => {
  expect(offered(viewOf("dr", {}, { status: "paused" }))).toEqual([
    "run resume run-1",
    'run cancel run-1 --reason "…"',
  ]);
});

describe("a step in flight", () => {
  const running = { "rejoin-site": "running" } as const;

  test("says since when its try lasts and how long it may", () => {
    const view = viewOf("rejoin", running, { status: "running" });

    expect(runText(view, paint)).toMatch(/▸ .*, this try since 14:03:07\.000Z, limit 1 h 00 min$/m);
  });

  test("that was tried again counts from there", () => {
    const again = { step: "rejoin-site", kind: "step-retried", atMs: AT_MS + 5_000 } as const;
    const view = viewOf("rejoin", running, { status: "running" }, [again]);

    expect(runText(view, paint)).toContain("this try since 14:03:12.000Z");
  });

  test("of a run that waits for people has no limit", () => {
    const view = viewOf("rejoin", running, { status: "waiting-approval" });

    expect(runText(view, paint)).not.toContain("limit");
  });
});

function refused(text: string, atMs: number): Partial<RunEvent> {
  return { kind: "refused", text, atMs };
}

test("the last order that a run refused is shown without asking for the journal", () => {
  const view = viewOf("dr", {}, {}, [
    refused("skip by ann refused: it protects the data", AT_MS),
    refused("cancel by ann refused: writes are open at b", AT_MS + 1_000),
    { kind: "step-done", text: "later" },
  ]);

  const text = runText(view, paint);

  expect(text).toContain("14:03:08.000Z: cancel by ann refused: writes are open at b");
  expect(text).not.toContain("protects the data");
});

test.each(["approved", "resumed", "cancel-asked", "step-skipped"] as const)(
  "an order that was refused is old news after one that was taken: %s",
  (kind) => {
    const refusal = refused("cancel by ann refused: writes are open at b", AT_MS);
    const view = viewOf("dr", {}, {}, [refusal, { kind, text: "by bob", atMs: AT_MS + 1_000 }]);
    expect(runText(view, paint)).not.toContain("Not obeyed");
  },
);

test("a run that has ended says nothing more of orders that it refused", () => {
  const refusal = refused("cancel by ann refused: writes are open at b", AT_MS);
  const view = viewOf("dr", {}, { status: "completed", endedAtMs: AT_MS + 1_000 }, [refusal]);
  expect(runText(view, paint)).not.toContain("Not obeyed");
});

describe("on the command line", () => {
  const view = viewOf("dr", {}, { status: "running" });

  test("an order was sent, which is not yet to say that the run obeys", async () => {
    api = await pretendedApi(scratch, { "POST /v1/runs/run-1/cancel": { body: view } });
    let said = "";
    vi.spyOn(Terminal.prototype, "result").mockImplementation((_value, text) => {
      said = text;
    });

    expect(await api.run("run", "cancel", "run-1", "--reason", "enough")).toBe(EXIT_CODES.done);

    expect(said).toBe("Sent to run run-1: cancel. Whether it obeys: cloudphoenix run show run-1");
  });

  test("a rollback is started like every other move", async () => {
    const preview = { plan: { ...view.run.plan, steps: [] }, findings: [], guards: [], steps: [] };
    api = await pretendedApi(scratch, {
      "POST /v1/plans": { body: preview },
      "POST /v1/runs": { body: { run: view.run } },
    });
    vi.spyOn(process.stdout, "write").mockReturnValue(true);

    const args = ["--kind", "rollback", "--reason", "stuck", "--yes", "--detach"];
    expect(await api.run("failover", ...args)).toBe(EXIT_CODES.done);

    expect(api.asked.map(({ body }) => body)).toMatchObject([
      { kind: "rollback" },
      { kind: "rollback", reason: "stuck" },
    ]);
  });

  test("a rollback is a command of its own, and may name the site that the move went to", async () => {
    const preview = { plan: { ...view.run.plan, steps: [] }, findings: [], guards: [], steps: [] };
    api = await pretendedApi(scratch, {
      "POST /v1/plans": { body: preview },
      "POST /v1/runs": { body: { run: view.run } },
    });
    vi.spyOn(process.stdout, "write").mockReturnValue(true);

    await api.run("plan", "rollback", "--from", "gcp");
    const args = ["--from", "gcp", "--reason", "stuck", "--yes", "--detach"];
    expect(await api.run("rollback", ...args)).toBe(EXIT_CODES.done);

    expect(api.asked.map(({ body }) => body)).toMatchObject([
      { kind: "rollback", from: "gcp" },
      { kind: "rollback", from: "gcp" },
      { kind: "rollback", from: "gcp", reason: "stuck" },
    ]);
  });

  test("a rollback that has nothing to undo is not ordered", async () => {
    const sentence = "There is nothing to roll back.";
    const guards = [{ guard: "move-to-undo", outcome: "block", sentence }];
    const preview = { plan: { ...view.run.plan, steps: [] }, findings: [], guards, steps: [] };
    api = await pretendedApi(scratch, { "POST /v1/plans": { body: preview } });
    vi.spyOn(process.stdout, "write").mockReturnValue(true);

    const fail = vi.spyOn(Terminal.prototype, "fail");

    const code = await api.run("rollback", "--reason", "calm", "--yes");

    expect(code).toBe(EXIT_CODES.needsPerson);
    expect(fail.mock.calls[0]?.[0]).toMatchObject({
      code: "GUARD_BLOCKED",
      hint: expect.stringContaining("Leave it as it is"),
    });
    expect(api.asked.map(({ what }) => what)).toEqual(["POST /v1/plans"]);
  });

  test.each([
    [{}, ' Stop it: cloudphoenix run cancel run-1 --reason "…"'],
    [{ "open-writes": "done" } as const, ""],
  ])(
    "Ctrl-C says that the run goes on, and how to stop it while that is possible",
    async (statuses, stop) => {
      const client = new ApiClient({ url: "http://127.0.0.1:1", token: "t" });
      vi.spyOn(client, "send").mockResolvedValue(viewOf("dr", statuses, { status: "running" }));
      const terminal = new Terminal({
        json: false,
        quiet: false,
        colour: false,
        logLevel: "info",
        logFile: undefined,
      });
      const said = vi.spyOn(terminal, "log").mockReturnValue();
      const interrupt = new AbortController();
      setTimeout(() => interrupt.abort(), 20);

      const options = { logLevel: "info", name: "default" };
      const followed = followRun(client, "run-1", { terminal, options, signal: interrupt.signal });
      await expect(followed).rejects.toThrow(/abort/);

      expect(said).toHaveBeenLastCalledWith(
        "warn",
        `Run run-1 goes on. Follow it again: cloudphoenix run show run-1 --follow.${stop}`,
      );
    },
  );
});
