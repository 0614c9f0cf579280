/** The task `final-sync`: what a site that is being left still has, copied for a bounded time. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import {
  finalSync,
  type FinalSyncPayload,
  noteParting,
  QUICK_RETRIES,
  readParting,
} from "@cloudphoenix/objects";
import { z } from "zod";
import { pairOf } from "../composition/copy-parts.ts";
import { storeOf } from "../composition/site-stores.ts";
import { leftBehind } from "../follower/left-behind.ts";
import type { TaskHandler } from "../lanes/task-lane.ts";
import { type ObjectTaskParts, parsed } from "./object-task.ts";

/** How long the site may take for its first answer before nobody waits for it. */
const ANSWER_MS = 1_500;
const LIMIT_MAX_MS = 3_600_000;

const payloadSchema: z.ZodType<FinalSyncPayload> = z.strictObject({
  from: z.string(),
  to: z.string(),
  generation: z.int(),
  limitMs: z.int().min(0).max(LIMIT_MAX_MS),
});

/** Its result is a `FinalSyncResult`. */
export function finalSyncTask(parts: ObjectTaskParts): TaskHandler {
  return async (payload, context) => {
    const { from, to, generation, limitMs } = parsed(payloadSchema, payload);
    const { application, stores, copyParts, memory, facts, copiedVersions, roles, log } = parts;
    const { place: source, hints } = storeOf(stores, from);
    const target = storeOf(stores, to).place;
    const { journal } = memory(pairOf(application.name, from, to));
    const known = await leftBehind(facts, { application: application.name, from, to, generation });
    const parting = {
      application: application.name,
      facts,
      copiedVersions,
      site: from,
      followedBy: to,
      place: source,
    };
    const result = await finalSync(
      {
        source,
        target,
        known,
        hints,
        log: (level, message) => log[level]({ from, to }, message),
        // The source may be failing, and there is no time to find out how.
        tools: copyParts.tools(source, target, {
          journal,
          retries: QUICK_RETRIES,
          streamOnly: true,
        }),
        inFlight: parts.inFlight,
        copied: (signal) => readParting(parting, signal),
        // The target may be in use by now: only copies give way.
        mayReplace: () => false,
        authority: async () => {
          const now = await roles.read();
          context.stillOurs();
          if (now.generation === generation) return;
          throw new CloudPhoenixError("STALE_GENERATION", "a newer plan owns the application", {
            retryable: false,
            hint: "Look at the newest run; this one is out of date.",
          });
        },
        limitMs,
        answerMs: Math.min(limitMs, ANSWER_MS),
      },
      context.signal,
    );
    const { markMs } = result;
    const copied = markMs === null ? null : { untilMs: markMs, except: [] };
    await noteParting(parting, copied, context.signal);
    return JSON.parse(JSON.stringify(result));
  };
}
