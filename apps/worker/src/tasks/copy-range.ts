/** The task `copy-range`: one range of names, brought over from the active site to a standby. */
import { CloudPhoenixError, type Json } from "@cloudphoenix/core";
import {
  bringRange,
  type CopyRangePayload,
  DEFAULT_RETRIES,
  partingOf,
  type RangeProgress,
} from "@cloudphoenix/objects";
import { z } from "zod";
import { pairOf } from "../composition/copy-parts.ts";
import { storeOf } from "../composition/site-stores.ts";
import type { Direction } from "../follower/direction.ts";
import type { TaskHandler } from "../lanes/task-lane.ts";
import { type ObjectTaskParts, parsed } from "./object-task.ts";

const payloadSchema: z.ZodType<CopyRangePayload> = z.strictObject({
  from: z.string(),
  to: z.string(),
  generation: z.int(),
  after: z.string().optional(),
  upTo: z.string().optional(),
});

/** Its progress and result are the sums over all attempts. */
export function copyRange(parts: ObjectTaskParts): TaskHandler {
  return async (payload, context) => {
    const { from, to, generation, after, upTo } = parsed(payloadSchema, payload);
    const { application, stores, copyParts, memory, facts, copiedVersions, inFlight } = parts;
    const source = storeOf(stores, from).place;
    const target = storeOf(stores, to).place;
    const { journal } = memory(pairOf(application.name, from, to));
    const earlier = progressIn(context.task.progress);
    const begin = earlier?.doneUpTo ?? after;
    const mayReplace = await partingOf(
      {
        application: application.name,
        facts,
        copiedVersions,
        site: to,
        followedBy: from,
        place: target,
      },
      context.signal,
    );
    const done = await bringRange(
      {
        source,
        target,
        tools: copyParts.tools(source, target, { journal, retries: DEFAULT_RETRIES }),
        range: {
          ...(begin === undefined ? {} : { after: begin }),
          ...(upTo === undefined ? {} : { upTo }),
        },
        inFlight,
        mayReplace,
        authority: async () => {
          const now = await parts.directions.read(to);
          context.stillOurs();
          const refusal = refusalOf(now, { from, to, generation });
          if (refusal !== null) throw refusal;
        },
        onProgress: (progress) => context.note(jsonOf(sumOf(earlier, progress))),
      },
      context.signal,
    );
    return jsonOf(sumOf(earlier, done));
  };
}

/** What the attempts so far came to together; null before the first note. */
export function progressIn(stored: Json): RangeProgress | null {
  if (typeof stored !== "object" || stored === null || !("doneUpTo" in stored)) return null;
  const progress: RangeProgress = JSON.parse(JSON.stringify(stored));
  return progress;
}

function sumOf(earlier: RangeProgress | null, now: RangeProgress): RangeProgress {
  if (earlier === null) return now;
  return {
    looked: earlier.looked + now.looked,
    differing: earlier.differing + now.differing,
    copied: earlier.copied + now.copied,
    bytes: earlier.bytes + now.bytes,
    failed: earlier.failed + now.failed,
    failures: [...earlier.failures, ...now.failures].slice(0, 20),
    doneUpTo: now.doneUpTo,
  };
}

function jsonOf(progress: RangeProgress): Json {
  return JSON.parse(JSON.stringify(progress));
}

/** Why nothing of the range may be written as `now` says; null if it may. */
function refusalOf(
  now: Direction,
  { from, to, generation }: Pick<CopyRangePayload, "from" | "to" | "generation">,
): CloudPhoenixError | null {
  if (now.kind === "none" || now.from !== from || now.generation !== generation) {
    const message = `objects no longer flow from ${from} to ${to} in generation ${generation}`;
    return new CloudPhoenixError("STALE_GENERATION", message, {
      retryable: false,
      hint: "Ask for the seed again when no move is under way; what was copied is found in place.",
    });
  }
  if (now.kind === "copy") return null;
  const message = `nothing is written to ${to} now: ${now.reason}`;
  return new CloudPhoenixError("CONFLICT", message, {
    // A move ends by itself; what a person has to decide may take days.
    retryable: now.moving,
    hint: "Once that is over, ask for the seed again under the same name.",
  });
}
