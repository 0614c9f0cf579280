/** What can be looked at. Reads never change anything and never need a name. */

import { CloudPhoenixError, explainDecision } from "@cloudphoenix/core";
import { z } from "zod";
import type { Api, ApiDependencies } from "../api-dependencies.ts";
import type { DecisionContext } from "../control-room.ts";
import { roomOf } from "../mutation.ts";
import { decisionSchema } from "../schemas/decision-schema.ts";
import { refusals } from "../schemas/problem-schema.ts";
import { setupSchema } from "../schemas/setup-schema.ts";
import { replicationSchema, signalSchema, statusViewSchema } from "../schemas/status-schema.ts";
import { replicationViews } from "../views/replication-view.ts";
import { signalViews } from "../views/signals-view.ts";
import { type StatusView, statusView } from "../views/status-view.ts";

/** How many runs are looked at to find the one that is alive. */
const RUNS_FOR_STATUS = 20;

/** The status as it is now. */
export async function currentStatus(deps: ApiDependencies): Promise<StatusView> {
  const [roles, runs] = await Promise.all([deps.roles.read(), deps.runs.list(RUNS_FOR_STATUS)]);
  return statusView({
    nowMs: deps.clock.now(),
    startedAtMs: deps.startedAtMs,
    version: deps.version,
    application: deps.application,
    modes: deps.policy.modes,
    approvers: deps.policy.approversForRisk,
    roles,
    runs,
    room: deps.leading(),
  });
}

/** Registers status, explanation, decisions, signals and replication. */
export function registerReads(app: Api, deps: ApiDependencies): void {
  app.get(
    "/v1/status",
    {
      schema: {
        operationId: "getStatus",
        summary: "Everything on one screen: roles, health, readiness, decision, active run",
        response: { 200: statusViewSchema, ...refusals(401, 503) },
      },
    },
    () => currentStatus(deps),
  );
  registerDecisions(app, deps);
  app.get(
    "/v1/signals",
    {
      schema: {
        operationId: "listSignals",
        summary: "Every signal with its newest answers (leader only)",
        response: {
          200: z.strictObject({ signals: z.array(signalSchema) }),
          ...refusals(401, 503),
        },
      },
    },
    async () => {
      const { situation, decision } = contextOf(deps);
      return { signals: [...signalViews(situation, decision)] };
    },
  );
  app.get(
    "/v1/replication",
    {
      schema: {
        operationId: "listReplications",
        summary: "How far each standby is behind, and the newest set-up (leader only)",
        response: {
          200: z.strictObject({
            replications: z.array(replicationSchema),
            setup: setupSchema.nullable().describe("The newest set-up."),
          }),
          ...refusals(401, 503),
        },
      },
    },
    async () => {
      const { situation, decision } = contextOf(deps);
      const setup = roomOf(deps).replicationSetup.newest;
      return { replications: [...replicationViews(situation, decision)], setup };
    },
  );
}

function registerDecisions(app: Api, deps: ApiDependencies): void {
  app.get(
    "/v1/explain",
    {
      schema: {
        operationId: "explain",
        summary: "The current decision with its whole reasoning as text (leader only)",
        response: {
          200: z.strictObject({ text: z.string(), decision: decisionSchema }),
          ...refusals(401, 503),
        },
      },
    },
    async () => {
      const { decision, situation } = contextOf(deps);
      return { text: explainDecision(decision, situation), decision };
    },
  );
  app.get(
    "/v1/decisions",
    {
      schema: {
        operationId: "listDecisions",
        summary: "Decisions that differ from the one before, newest first (leader only)",
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) }),
        response: {
          200: z.strictObject({ decisions: z.array(decisionSchema) }),
          ...refusals(400, 401, 503),
        },
      },
    },
    async ({ query }) => ({
      decisions: [...roomOf(deps).decisions(query.limit)],
    }),
  );
}

function contextOf(deps: ApiDependencies): DecisionContext {
  const context = roomOf(deps).latest();
  if (context !== null) return context;
  throw new CloudPhoenixError("STATE_UNAVAILABLE", "nothing has been decided yet", {
    retryable: true,
    hint: "Ask again in a second: the controller has just become leader.",
  });
}
