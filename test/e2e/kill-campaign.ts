/**
 * Kills the controller at random instants of failovers and reads from its log and journal whether
 * anything was lost or repeated.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { FINAL_RUN_STATUSES, type Plan, type RunRecord } from "@cloudphoenix/core";
import {
  approveIfAsked,
  type SandboxUnderTest,
  sandboxUnderTest,
  until,
} from "./sandbox-under-test.ts";

export interface FailoverUnderFire {
  readonly run: RunRecord;
  readonly kills: readonly Kill[];
  /** Journaled operations that ran again although they had not been the one in flight. */
  readonly wrongRepeats: readonly string[];
  /** Operations that ran again because they were in flight at a kill. */
  readonly repeats: readonly string[];
  /** Steps of the plan that are neither done nor best effort. */
  readonly lostSteps: readonly string[];
}

interface Kill {
  /** Milliseconds after the run had started. */
  readonly atRunMs: number;
  /** From the start of the next process to the run being picked up; null if it had ended already. */
  readonly resumedMs: number | null;
}

/** A failover takes about this long when it is left alone; kills are spread over it. */
const RUN_MS = 2_500;

/** Runs one operator's failover in a fresh sandbox and kills its controller `kills` times. */
export async function failoverUnderFire(
  kills: number,
  random: () => number,
): Promise<FailoverUnderFire> {
  const sandbox = await sandboxUnderTest();
  try {
    const id = await startFailover(sandbox);
    const startedAtMs = Date.now();
    const killed: number[] = [];
    for (let kill = 1; kill <= kills; kill += 1) {
      await sleep((random() * RUN_MS) / kills);
      killed.push(Date.now());
      sandbox.world.controllers[0]?.crash();
      await until(
        "the controller to be back",
        () => sandbox.status(),
        () => true,
      );
    }
    const run = await until(
      "the end of the run",
      () => approvedRunOf(sandbox, id),
      (seen) => FINAL_RUN_STATUSES.includes(seen.status),
      60_000,
    );
    const lives = livesOf(readFileSync(sandbox.world.controllers[0]?.logFile ?? "", "utf8"), id);
    return {
      run,
      kills: killed.map((atMs, index) => ({
        atRunMs: atMs - startedAtMs,
        resumedMs: lives[index + 1]?.resumedMs ?? null,
      })),
      ...repeatsIn(lives, run.plan),
      lostSteps: run.steps
        .filter((step) => step.status !== "done" && !isBestEffort(run, step.id))
        .map((step) => step.id),
    };
  } finally {
    await sandbox.close();
  }
}

async function startFailover(sandbox: SandboxUnderTest): Promise<string> {
  const { run } = await sandbox.api.send<{ run: RunRecord }>("/v1/runs", {
    method: "POST",
    idempotencyKey: "campaign",
    body: { kind: "dr", reason: "kill campaign", by: "campaign", acceptLoss: false },
  });
  return run.id;
}

async function runOf(sandbox: SandboxUnderTest, id: string): Promise<RunRecord> {
  const { run } = await sandbox.api.send<{ run: RunRecord }>(`/v1/runs/${id}`);
  return run;
}

/** As `runOf`; what was lost is not the question here. */
async function approvedRunOf(sandbox: SandboxUnderTest, id: string): Promise<RunRecord> {
  const run = await runOf(sandbox, id);
  await approveIfAsked(sandbox.api, run);
  return run;
}

function isBestEffort(run: RunRecord, id: string): boolean {
  return run.plan.steps.find((step) => step.id === id)?.bestEffort ?? false;
}

/** What one process did for the run. */
interface Life {
  /** Names of the journaled operations it began, in order. */
  readonly begun: readonly string[];
  readonly resumedMs: number | null;
}

interface LogLine {
  readonly time: string;
  readonly msg: string;
  /** On the first line of a process. */
  readonly processStartedAtMs?: number;
}

/** Splits the log at each start of a process. */
function livesOf(log: string, runId: string): readonly Life[] {
  const lives: { startedAtMs: number; begun: string[]; resumedMs: number | null }[] = [];
  for (const text of log.split("\n").filter((line) => line.startsWith("{"))) {
    const line = JSON.parse(text) as LogLine;
    const { processStartedAtMs: startedAtMs, msg } = line;
    if (startedAtMs !== undefined) lives.push({ startedAtMs, begun: [], resumedMs: null });
    const life = lives.at(-1);
    if (life === undefined) continue;
    if (msg === `run ${runId} is picked up`) {
      life.resumedMs ??= Date.parse(line.time) - life.startedAtMs;
    }
    const operation = msg.split(`run ${runId} begins `)[1];
    if (operation !== undefined) life.begun.push(operation);
  }
  return lives;
}

/**
 * An operation may begin again only in a later life, and only if it could have been in flight at the
 * kill: after it nothing had begun but operations of steps that run beside its own.
 */
function repeatsIn(
  lives: readonly Life[],
  plan: Plan,
): Pick<FailoverUnderFire, "repeats" | "wrongRepeats"> {
  const repeats: string[] = [];
  const wrongRepeats: string[] = [];
  const begun: { readonly operation: string; readonly life: number }[] = [];
  for (const [life, { begun: operations }] of lives.entries()) {
    for (const operation of operations) {
      const before = begun.findLastIndex((one) => one.operation === operation);
      if (before >= 0) {
        const since = begun.slice(before + 1).map((one) => one.operation);
        const inFlight =
          begun[before]?.life !== life && since.every((one) => runBeside(plan, operation, one));
        (inFlight ? repeats : wrongRepeats).push(operation);
      }
      begun.push({ operation, life });
    }
  }
  return { repeats, wrongRepeats };
}

/** Whether the operations belong to two steps neither of which waits for the other. */
function runBeside(plan: Plan, one: string, other: string): boolean {
  const [step, beside] = [stepOf(plan, one), stepOf(plan, other)];
  if (step === null || beside === null || step === beside) return false;
  return !waitsFor(plan, step, beside) && !waitsFor(plan, beside, step);
}

/** The step an operation is part of (`start:fence-site#1`); null for those of the run itself. */
function stepOf(plan: Plan, operation: string): string | null {
  const id = /^(?:start|step|undo):(.+)#\d+$/.exec(operation)?.[1];
  return plan.steps.find((step) => step.id === id)?.id ?? null;
}

function waitsFor(plan: Plan, later: string, earlier: string): boolean {
  const needs = plan.steps.find((step) => step.id === later)?.needs ?? [];
  return needs.some((id) => id === earlier || waitsFor(plan, id, earlier));
}
