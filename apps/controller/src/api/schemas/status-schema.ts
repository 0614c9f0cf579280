/** Status, signals and replication as they are sent. */

import { z } from "zod";
import type { ReplicationView } from "../views/replication-view.ts";
import type { SignalView } from "../views/signals-view.ts";
import type { StatusView } from "../views/status-view.ts";
import { levelSchema, planKindSchema, signalKindSchema, statusSchema } from "./decision-schema.ts";
import { quarantineSchema } from "./quarantine-schema.ts";
import { runStatusSchema } from "./run-schema.ts";

export const replicationSchema: z.ZodType<ReplicationView> = z
  .strictObject({
    standby: z.string(),
    state: z.enum(["streaming", "catching-up", "broken", "unknown"]),
    lagMs: z
      .number()
      .nullable()
      .describe("Newest acknowledged heartbeat minus newest applied one."),
    lagBytes: z.string().nullable().describe("Bytes not confirmed, as decimal text."),
    lossBoundMs: z.number().nullable().describe("Upper bound of what a move now would lose."),
    writtenAtMs: z.number().nullable(),
    appliedAtMs: z.number().nullable(),
    readAtMs: z.number().nullable(),
    detail: z.string(),
    schemaDifferences: z.array(z.string()).nullable(),
    objects: z
      .strictObject({
        behindMs: z.number().nullable().describe("Age of the oldest object that may be missing."),
        pending: z.number().describe("Objects known to be on their way."),
        needPerson: z
          .number()
          .describe("Objects that are not copied until a person acts; not in `behindMs`."),
        canaryAgeMs: z.number().nullable(),
        toldAtMs: z.number().nullable(),
        paused: z.string().nullable().describe("Why nothing is copied."),
        deletesHeldBack: z
          .string()
          .nullable()
          .describe("Why objects that are due to be deleted are not; copying goes on."),
      })
      .nullable(),
  })
  .meta({ id: "Replication" });

export const signalSchema: z.ZodType<SignalView> = z
  .strictObject({
    id: z.string(),
    kind: signalKindSchema,
    site: z.string(),
    status: statusSchema,
    points: z.number(),
    pointsMax: z.number(),
    detail: z.string(),
    intervalMs: z.number(),
    freshnessMs: z.number(),
    answers: z.array(
      z.strictObject({
        vantage: z.string(),
        failureDomain: z.string().nullable(),
        status: statusSchema,
        detail: z.string(),
        latencyMs: z.number().nullable(),
        atMs: z.number(),
        ageMs: z.number(),
        stale: z.boolean().describe("Too old to count."),
        sees: z.boolean().nullable().describe("Whether the vantage's own canaries answer."),
      }),
    ),
  })
  .meta({ id: "Signal" });

const modeSchema = z.enum(["auto", "approve", "observe"]);

export const statusViewSchema: z.ZodType<StatusView> = z
  .strictObject({
    atMs: z.number(),
    application: z.strictObject({
      name: z.string(),
      objectives: z.strictObject({ rtoMs: z.number(), rpoMs: z.number() }),
    }),
    controller: z.strictObject({
      role: z.enum(["leader", "follower"]),
      epoch: z.int().nullable(),
      version: z.string(),
      startedAtMs: z.number(),
    }),
    generation: z.int(),
    active: z.string(),
    modes: z.strictObject({ heal: modeSchema, region: modeSchema, dr: modeSchema }),
    maintenance: z.string().nullable(),
    sites: z.array(
      z.strictObject({
        id: z.string(),
        cloud: z.string(),
        region: z.string(),
        role: z.enum(["active", "standby"]),
        score: z.number().nullable(),
        coverage: z.number().nullable(),
        level: levelSchema.nullable(),
        troubles: z.array(z.string()),
      }),
    ),
    standbys: z.array(
      z.strictObject({
        site: z.string(),
        ready: z.boolean(),
        reasons: z.array(z.string()),
        entry: z.string(),
        replication: replicationSchema.nullable(),
      }),
    ),
    quarantined: z.array(quarantineSchema),
    decision: z
      .strictObject({
        atMs: z.number(),
        verdict: z.union([levelSchema, z.literal("unknown")]),
        action: z.enum(["hold", "act", "blocked", "page"]),
        plan: planKindSchema.nullable(),
        target: z.string().nullable(),
        sentence: z.string(),
      })
      .nullable(),
    activeRun: z
      .strictObject({
        id: z.string(),
        kind: planKindSchema,
        from: z.string(),
        to: z.string(),
        status: runStatusSchema,
        startedBy: z.string(),
        startedAtMs: z.number(),
        waitingFor: z.string().nullable(),
        question: z.int().nullable(),
        stepsDone: z.int(),
        stepsTotal: z.int(),
        current: z.array(z.string()),
      })
      .nullable(),
    protected: z.strictObject({ yes: z.boolean(), why: z.string() }),
  })
  .meta({ id: "Status" });
