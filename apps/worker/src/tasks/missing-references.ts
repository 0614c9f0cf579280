/** The task `missing-references`: which of these keys a site's store does not have. */
import { absentOf, type MissingReferencesPayload, REFERENCES_MAX } from "@cloudphoenix/objects";
import { z } from "zod";
import { QUICK_RETRIES } from "../composition/copy-parts.ts";
import { systemClock, systemRandom } from "../composition/system.ts";
import { storeOf } from "../composition/site-stores.ts";
import type { TaskHandler } from "../lanes/task-lane.ts";
import { type ObjectTaskParts, parsed } from "./object-task.ts";

const payloadSchema: z.ZodType<MissingReferencesPayload> = z.strictObject({
  site: z.string(),
  keys: z.array(z.string().min(1).max(1_024)).max(REFERENCES_MAX),
});

export function missingReferences({ stores, inFlight }: ObjectTaskParts): TaskHandler {
  return async (payload, context) => {
    const { site, keys } = parsed(payloadSchema, payload);
    const { store } = storeOf(stores, site).place;
    const surroundings = { clock: systemClock, random: systemRandom };
    const tools = { surroundings, retries: QUICK_RETRIES };
    const absent = await absentOf({ store, keys, tools, inFlight }, context.signal);
    return { absent: [...absent] };
  };
}
