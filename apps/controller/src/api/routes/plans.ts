/** Dry runs and orders: what would happen, and making it happen. */

import type { RunRecord } from "@cloudphoenix/core";
import { z } from "zod";
import type { Api, ApiDependencies } from "../api-dependencies.ts";
import type { OrderOutcome } from "../control-room.ts";
import { IdempotentOrders } from "../idempotent-orders.ts";
import { audited, roomOf } from "../mutation.ts";
import { type Blocker, BlockedError } from "../problem-document.ts";
import { planKindSchema } from "../schemas/decision-schema.ts";
import { dryRunSchema } from "../schemas/plan-schema.ts";
import { refusals } from "../schemas/problem-schema.ts";
import { idempotencyKey, operator, reason } from "../schemas/request-fields.ts";
import { runSchema } from "../schemas/run-schema.ts";

/** A dry run asks every place that is involved; a dead one must not hold the answer for long. */
const DRY_RUN_LIMIT_MS = 8_000;

const question = {
  kind: planKindSchema,
  target: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe("Site to move to; default: the policy's choice."),
  from: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe(
      "Rollback only: site that the move to be undone went to; default: the one the records tell of.",
    ),
  acceptLoss: z
    .boolean()
    .default(false)
    .describe("Accept a loss beyond the objective; it then needs approval."),
};

/** Registers `POST /v1/plans` and `POST /v1/runs`. */
export function registerPlans(app: Api, deps: ApiDependencies): void {
  app.post(
    "/v1/plans",
    {
      schema: {
        operationId: "dryRun",
        summary: "A plan as it would run now, step by step; changes nothing (leader only)",
        body: z.strictObject(question),
        response: { 200: dryRunSchema, ...refusals(400, 401, 413, 415, 503, 504) },
      },
    },
    async ({ body }) => {
      const { kind, target, from, acceptLoss } = body;
      const limit = AbortSignal.timeout(DRY_RUN_LIMIT_MS);
      return roomOf(deps).dryRun({ kind, target, from, acceptLoss }, limit);
    },
  );
  registerOrders(app, deps);
}

function registerOrders(app: Api, deps: ApiDependencies): void {
  const orders = new IdempotentOrders<RunRecord>({
    kind: "run",
    facts: deps.facts,
    get: (id) => deps.runs.get(id),
  });
  app.post(
    "/v1/runs",
    {
      schema: {
        operationId: "startRun",
        summary: "Start a run; every blocker is listed if it may not start (leader only)",
        headers: z.looseObject({ "idempotency-key": idempotencyKey }),
        body: z.strictObject({ ...question, reason, by: operator }),
        response: {
          202: z
            .strictObject({ run: runSchema })
            .describe("Started, now or by an earlier request."),
          ...refusals(400, 401, 409, 413, 415, 503),
        },
      },
    },
    async (request, reply) => {
      const { kind, target, from, acceptLoss, reason: why, by } = request.body;
      const room = roomOf(deps);
      const asked = { kind, target: target ?? null, ...(from && { from }), acceptLoss };
      const mutation = {
        by,
        what: "run.start",
        why,
        detail: { ...asked, request: request.id },
      };
      const order = {
        key: request.headers["idempotency-key"],
        body: { ...asked, why, by },
        newId: () => room.newRunId(kind),
      };
      const { started: run, replayed } = await audited(deps, mutation, () =>
        orders.once(order, async (id) =>
          startedRun(await room.order({ id, kind, target, from, acceptLoss, reason: why, by })),
        ),
      );
      if (replayed) reply.header("idempotency-replayed", "true");
      return reply.code(202).send({ run });
    },
  );
}

function startedRun(outcome: OrderOutcome): RunRecord {
  if (outcome.kind === "started") return outcome.run;
  const blockers: readonly Blocker[] = [
    ...outcome.guards
      .filter(({ outcome: said }) => said === "block")
      .map(({ guard, sentence }) => ({ name: guard, sentence })),
    ...outcome.findings.map(({ rule, sentence }) => ({ name: rule, sentence })),
  ];
  throw new BlockedError(blockers);
}
