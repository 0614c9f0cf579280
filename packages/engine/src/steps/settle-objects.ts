/** The step on the objects: what is still on its way is copied, what is missing is named. */
import { CloudPhoenixError, type StepAction } from "@cloudphoenix/core";
import type { StepHandler } from "./step-handler.ts";
import type { ObjectParts, StepPorts } from "./step-ports.ts";

type SettleObjects = Extract<StepAction, { readonly kind: "settle-objects" }>;

/** Ends well also if objects are missing: the report names them, and no move waits for them. */
export function settleObjects(ports: StepPorts): StepHandler<SettleObjects> {
  return {
    // Only a comparison could tell, and that is what `run` does.
    skipPrecheck: true,
    inspect: async ({ to }) => ({
      current: copyText(ports.objects, to),
      intended: `every object that can still be had is at ${to}, and the missing ones are listed`,
      done: false,
    }),
    async run({ from, to }, { plan, signal }) {
      if (ports.objects === null) {
        throw new CloudPhoenixError("CONFLICT", "the application has no objects any more", {
          retryable: false,
          hint: "Add the section `objects` to the configuration again, or skip this step.",
        });
      }
      return { ...(await ports.objects.desk.settle(from, to, plan.generation, signal)) };
    },
    verify: async () => ({ ok: true, detail: "the objects were compared" }),
  };
}

function copyText(objects: ObjectParts | null, to: string): string {
  if (objects === null) return "the application has no objects";
  const { completeUntilMs, pending, paused } = objects.watch.facts(to);
  if (paused !== null) return `nothing is copied to ${to}: ${paused}`;
  if (completeUntilMs === null) return `how far the copy at ${to} is is unknown`;
  return `${pending} objects are on their way to ${to}`;
}
