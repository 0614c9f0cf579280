/** Runs: looking at them and telling them what to do. */

import { randomUUID } from "node:crypto";
import {
  buildReport,
  CloudPhoenixError,
  FINAL_RUN_STATUSES,
  type RunCommand,
  type RunRecord,
  unreachable,
} from "@cloudphoenix/core";
import { z } from "zod";
import type { Api, ApiDependencies } from "../api-dependencies.ts";
import { audited, roomOf } from "../mutation.ts";
import { runFacts } from "../run-facts.ts";
import { refusals } from "../schemas/problem-schema.ts";
import { idempotencyKey, operator, reason } from "../schemas/request-fields.ts";
import { type RunView, lossReportSchema, runSchema, runViewSchema } from "../schemas/run-schema.ts";

const params = z.strictObject({ id: z.string().min(1).max(100) });
const step = z.string().min(1).max(100).describe("Id of a step of the plan.");

/** Registers the list of runs, one run, and the six commands. */
export function registerRuns(app: Api, deps: ApiDependencies): void {
  app.get(
    "/v1/runs",
    {
      schema: {
        operationId: "listRuns",
        summary: "Runs, newest first",
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(20) }),
        response: {
          200: z.strictObject({ runs: z.array(runSchema) }),
          ...refusals(400, 401, 503),
        },
      },
    },
    async ({ query }) => ({ runs: [...(await deps.runs.list(query.limit))] }),
  );
  app.get(
    "/v1/runs/:id",
    {
      schema: {
        operationId: "getRun",
        summary: "One run with its journal and its report",
        params,
        response: { 200: runViewSchema, ...refusals(400, 401, 404, 503) },
      },
    },
    async ({ params: { id } }) => viewOf(deps, await existingRun(deps, id)),
  );
  for (const command of COMMANDS) registerCommand(app, deps, command);
  registerLoss(app, deps);
}

/** How long the log of the old primary may take to read. */
const LOSS_WITHIN_MS = 60_000;

function registerLoss(app: Api, deps: ApiDependencies): void {
  app.post(
    "/v1/runs/:id/loss",
    {
      schema: {
        operationId: "measureLoss",
        summary: "Read from the returned old primary exactly what the move lost (leader only)",
        params,
        body: z.strictObject({ by: operator }),
        response: { 200: lossReportSchema, ...refusals(400, 401, 404, 409, 413, 415, 503) },
      },
    },
    async ({ id: request, params: { id }, body: { by } }) => {
      const room = roomOf(deps);
      const run = await existingRun(deps, id);
      const mutation = { by, what: "run.loss", why: "", detail: { run: id, request } };
      return audited(deps, mutation, () =>
        room.measureLoss(run, AbortSignal.timeout(LOSS_WITHIN_MS)),
      );
    },
  );
}

/** What each command wants to be told, and the order it becomes. */
interface CommandRoute {
  readonly verb: RunCommand["kind"];
  readonly summary: string;
  readonly fields: Readonly<Record<string, z.ZodType<string>>>;
}

const COMMANDS: readonly CommandRoute[] = [
  {
    verb: "approve",
    summary: "Approve what the run waits for, in your name",
    fields: { comment: z.string().trim().max(500).default("") },
  },
  { verb: "pause", summary: "Stop before the next step", fields: {} },
  { verb: "resume", summary: "Go on after a pause", fields: {} },
  { verb: "cancel", summary: "End the run and undo what it did", fields: { reason } },
  { verb: "retry", summary: "Try a failed step again", fields: { step } },
  { verb: "skip", summary: "Go on without a failed step", fields: { step, reason } },
];

function registerCommand(app: Api, deps: ApiDependencies, route: CommandRoute): void {
  app.post(
    `/v1/runs/:id/${route.verb}`,
    {
      schema: {
        operationId: `${route.verb}Run`,
        summary: `${route.summary} (leader only)`,
        params,
        headers: z.looseObject({ "idempotency-key": idempotencyKey.optional() }),
        body: z.strictObject({ by: operator, ...route.fields }),
        response: {
          202: runViewSchema.describe("Told; what the run does about it shows in its journal."),
          ...refusals(400, 401, 404, 409, 413, 415, 503),
        },
      },
    },
    async (request, reply) => {
      const room = roomOf(deps);
      const run = await existingRun(deps, request.params.id);
      const fields: Readonly<Record<string, string>> = request.body;
      const command = commandOf(route.verb, run, fields);
      const mutation = {
        by: command.by,
        what: `run.${command.kind}`,
        why: fields["reason"] ?? fields["comment"] ?? "",
        detail: { run: run.id, step: "step" in command ? command.step : null, request: request.id },
      };
      await audited(deps, mutation, async () => {
        refuseEnded(run, command);
        await room.runner.command(
          run.id,
          command,
          request.headers["idempotency-key"] ?? randomUUID(),
        );
      });
      return reply.code(202).send(await viewOf(deps, await existingRun(deps, run.id)));
    },
  );
}

function commandOf(
  kind: RunCommand["kind"],
  run: RunRecord,
  body: Readonly<Record<string, string>>,
): RunCommand {
  const { by = "", comment = "", reason: why = "", step: named = "" } = body;
  switch (kind) {
    case "approve":
      return { kind, by, comment, planId: run.plan.id };
    case "pause":
    case "resume":
      return { kind, by };
    case "cancel":
      return { kind, by, reason: why };
    case "retry":
      return { kind, by, step: stepIn(run, named) };
    case "skip":
      return { kind, by, step: stepIn(run, named), reason: why };
    default:
      return unreachable(kind);
  }
}

function stepIn(run: RunRecord, named: string): string {
  const known = run.plan.steps.map(({ id }) => id);
  if (known.includes(named)) return named;
  throw new CloudPhoenixError("BAD_REQUEST", `run ${run.id} has no step ${named}`, {
    retryable: false,
    hint: `Name one of: ${known.join(", ")}.`,
  });
}

function refuseEnded(run: RunRecord, command: RunCommand): void {
  if (!FINAL_RUN_STATUSES.includes(run.status)) return;
  throw new CloudPhoenixError(
    "CONFLICT",
    `run ${run.id} has ended (${run.status}): nothing to ${command.kind}`,
    {
      retryable: false,
      hint: "Start a new run if one is needed.",
    },
  );
}

async function existingRun(deps: ApiDependencies, id: string): Promise<RunRecord> {
  const run = await deps.runs.get(id);
  if (run !== null) return run;
  throw new CloudPhoenixError("NOT_FOUND", `there is no run ${id}`, {
    retryable: false,
    hint: "List the runs with `cloudphoenix runs`.",
  });
}

async function viewOf(deps: ApiDependencies, run: RunRecord): Promise<RunView> {
  const [events, facts] = await Promise.all([
    deps.runs.events(run.id),
    runFacts(deps.facts, run.id),
  ]);
  return { run, events, report: buildReport(run), ...facts };
}
