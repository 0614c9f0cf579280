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
const question = z
  .int()
  .positive()
  .describe("Number of the question you saw: `question` of the run. Any other one is refused.");
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

/** What a command may be told; each says which of it. */
interface CommandBody {
  readonly by: string;
  readonly question?: number;
  readonly comment?: string;
  readonly reason?: string;
  readonly abandon?: boolean;
  readonly step?: string;
}

/** What each command wants to be told, and the order it becomes. */
interface CommandRoute {
  readonly verb: RunCommand["kind"];
  readonly summary: string;
  readonly body: z.ZodType<CommandBody>;
}

const by = operator;
const abandon = z
  .boolean()
  .default(false)
  .describe("Also if the site it leaves does not answer, so that nobody could write afterwards.");
const comment = z.string().trim().max(500).default("");

const COMMANDS: readonly CommandRoute[] = [
  {
    verb: "approve",
    summary: "Approve the question you saw, in your name",
    body: z.strictObject({ by, question, comment }),
  },
  { verb: "pause", summary: "Stop before the next step", body: z.strictObject({ by }) },
  { verb: "resume", summary: "Go on after a pause", body: z.strictObject({ by }) },
  {
    verb: "cancel",
    summary: "End the run and undo what it did",
    body: z.strictObject({ by, reason, abandon }),
  },
  { verb: "retry", summary: "Try a failed step again", body: z.strictObject({ by, step }) },
  {
    verb: "skip",
    summary: "Go on without a failed step",
    body: z.strictObject({ by, step, reason }),
  },
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
        body: route.body,
        response: {
          202: runViewSchema.describe("Told; what the run does about it shows in its journal."),
          ...refusals(400, 401, 404, 409, 413, 415, 503),
        },
      },
    },
    async (request, reply) => {
      const room = roomOf(deps);
      const run = await existingRun(deps, request.params.id);
      const { body } = request;
      const command = commandOf(route.verb, run, body);
      const mutation = {
        by: command.by,
        what: `run.${command.kind}`,
        why: body.reason ?? body.comment ?? "",
        detail: {
          run: run.id,
          step: body.step ?? null,
          ...(body.question !== undefined && { question: body.question }),
          ...(body.abandon === true && { abandon: true }),
          request: request.id,
        },
      };
      await audited(deps, mutation, async () => {
        refuseMoot(run, command);
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

function commandOf(kind: RunCommand["kind"], run: RunRecord, body: CommandBody): RunCommand {
  const { by: who, reason: why = "", step: named = "" } = body;
  switch (kind) {
    case "approve":
      return { kind, by: who, comment: body.comment ?? "", question: body.question ?? 0 };
    case "pause":
    case "resume":
      return { kind, by: who };
    case "cancel":
      return { kind, by: who, reason: why, ...(body.abandon === true && { abandon: true }) };
    case "retry":
      return { kind, by: who, step: stepIn(run, named) };
    case "skip":
      return { kind, by: who, step: stepIn(run, named), reason: why };
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

/** @throws {CloudPhoenixError} `CONFLICT` if the run can do nothing with it now */
function refuseMoot(run: RunRecord, command: RunCommand): void {
  if (!FINAL_RUN_STATUSES.includes(run.status)) return refuseUnasked(run, command);
  throw new CloudPhoenixError(
    "CONFLICT",
    `run ${run.id} has ended (${run.status}): nothing to ${command.kind}`,
    {
      retryable: false,
      hint: "Start a new run if one is needed.",
    },
  );
}

/** Whoever approves has read one question; what the run asks by now may be another one. */
function refuseUnasked(run: RunRecord, command: RunCommand): void {
  if (command.kind !== "approve" || command.question === run.question) return;
  const asks =
    run.question === null
      ? `asks nothing now (${run.status})`
      : `now asks question ${run.question}: ${run.waitingFor ?? ""}`;
  throw new CloudPhoenixError(
    "CONFLICT",
    `question ${command.question} of run ${run.id} is not open; the run ${asks}`,
    {
      retryable: false,
      hint: `Read what it asks with \`cloudphoenix run show ${run.id}\`; approve that question.`,
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
