/** The steps on the objects: those on their way are waited for or copied, what is missing is named. */
import { CloudPhoenixError, staysBehindText, type StepAction } from "@cloudphoenix/core";
import type { StepHandler } from "./step-handler.ts";
import type { ObjectParts, StepPorts } from "./step-ports.ts";

type ActionOf<Kind extends StepAction["kind"]> = Extract<StepAction, { readonly kind: Kind }>;

/** The follower tells once a second. */
const LOOK_EVERY_MS = 500;

/**
 * Waits until all that was stored when it began is at the other site. What is stored meanwhile may
 * still be on its way then: waiting for that, too, would never end while the site is written.
 */
export function drainObjects(ports: StepPorts): StepHandler<ActionOf<"drain-objects">> {
  return {
    // An age says nothing before there is an instant to compare it with.
    skipPrecheck: true,
    inspect: async ({ from, to }) => ({
      current: copyText(ports.objects, to),
      intended: `every object that ${from} has now is at ${to}`,
      done: false,
    }),
    async run({ to }, { signal }) {
      const { watch } = partsOf(ports);
      const { clock } = ports;
      const beganMs = clock.now();
      while ((watch.facts(to).completeUntilMs ?? -Infinity) < beganMs) {
        await clock.sleep(LOOK_EVERY_MS, signal);
      }
      return { waitedMs: clock.now() - beganMs, needPerson: watch.facts(to).needPerson };
    },
    verify: async ({ to }) => ({ ok: true, detail: copyText(ports.objects, to) }),
  };
}

/** Ends well also if objects are missing: the report names them, and no move waits for them. */
export function settleObjects(ports: StepPorts): StepHandler<ActionOf<"settle-objects">> {
  return {
    // Only a comparison could tell, and that is what `run` does.
    skipPrecheck: true,
    inspect: async ({ to }) => ({
      current: copyText(ports.objects, to),
      intended: `every object that can still be had is at ${to}, and the missing ones are listed`,
      done: false,
    }),
    run: async ({ from, to }, { plan, signal }) => ({
      ...(await partsOf(ports).desk.settle(from, to, plan.generation, signal)),
    }),
    verify: async () => ({ ok: true, detail: "the objects were compared" }),
  };
}

/** @throws {CloudPhoenixError} `CONFLICT` */
function partsOf({ objects }: StepPorts): ObjectParts {
  if (objects !== null) return objects;
  throw new CloudPhoenixError("CONFLICT", "the application has no objects any more", {
    retryable: false,
    hint: "Add the section `objects` to the configuration again, or skip this step.",
  });
}

function copyText(objects: ObjectParts | null, to: string): string {
  if (objects === null) return "the application has no objects";
  const { completeUntilMs, pending, needPerson, paused } = objects.watch.facts(to);
  const behind = needPerson === 0 ? "" : `; ${staysBehindText(needPerson)}`;
  if (paused !== null) return `nothing is copied to ${to}: ${paused}${behind}`;
  if (completeUntilMs === null) return `how far the copy at ${to} is is unknown${behind}`;
  return `${pending} objects are on their way to ${to}${behind}`;
}
