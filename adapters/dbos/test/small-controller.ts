/** Leads, launches the plan runner, starts or resumes one run, says what happens, one line each. */
import { setTimeout as wait } from "node:timers/promises";
import type { Json, Plan } from "@cloudphoenix/core";
import type { Clock, DurableContext } from "@cloudphoenix/engine";
import { DbosPlanRunner, PostgresLeaderElector } from "../src/index.ts";
import { samplePlan } from "./sample-plan.ts";

const STEP_MS = 60;
const [scenario = "", runId = "", approver = ""] = process.argv.slice(2);
const url = process.env["STATE_URL"] ?? "";

const clock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await wait(ms, undefined, signal === undefined ? {} : { signal });
  },
};

function say(line: Record<string, Json>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function work(context: DurableContext, name: string): Promise<void> {
  await context.step(name, async () => {
    say({ said: "step", name, atMs: Date.now() });
    await wait(STEP_MS);
    return null;
  });
}

type Interpreter = (context: DurableContext, plan: Plan) => Promise<Json>;

const scenarios: Readonly<Record<string, Interpreter>> = {
  steps: async (context) => {
    for (let n = 0; n < 12; n += 1) await work(context, `step-${n}`);
    return null;
  },
  branches: async (context, plan) => {
    await work(context, "before");
    await context.branches(plan, ["a", "b", "c"]);
    await work(context, "after");
    return null;
  },
  approval: async (context) => {
    await work(context, "ask");
    const command = await context.receive(3_600_000);
    await work(context, `told ${command?.kind ?? "nothing"} by ${command?.by ?? "nobody"}`);
    return null;
  },
};

async function branch(context: DurableContext, _plan: Plan, stepId: string): Promise<Json> {
  for (let n = 0; n < 4; n += 1) await work(context, `${stepId}-${n}`);
  return stepId;
}

const elector = new PostgresLeaderElector({
  url,
  clock,
  holder: `pid ${process.pid}`,
  log: () => undefined,
});
const leadership = await elector.lead(new AbortController().signal);
leadership.lost.addEventListener("abort", () => {
  say({ said: "lost" });
  process.exit(75);
});
say({ said: "leading", epoch: leadership.epoch });

if (scenario !== "") {
  const runner = await DbosPlanRunner.launch({
    url,
    leadership,
    clock,
    log: () => undefined,
    interpret: scenarios[scenario] ?? (async () => null),
    executeBranch: branch,
  });
  await runner.start(samplePlan(runId), "test");
  const approval = { kind: "approve", by: approver, comment: "go", question: 1 } as const;
  for (const _ of approver === "" ? [] : [1, 2]) await runner.command(runId, approval, "key-1");
  await runner.ended(runId, leadership.lost);
  say({ said: "ended" });
  process.exit(0);
}
