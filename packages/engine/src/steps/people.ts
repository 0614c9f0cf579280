/** Steps for people: ask them, wait for them, tell them. */
import { type StepAction, messageOf } from "@cloudphoenix/core";
import { withDeadline } from "../waiting/with-deadline.ts";
import { askApproval } from "./approval-request.ts";
import type { StepHandler } from "./step-handler.ts";
import type { StepPorts } from "./step-ports.ts";

type ActionOf<Kind extends StepAction["kind"]> = Extract<StepAction, { readonly kind: Kind }>;

const NOTICE_LIMIT_MS = 3_000;

export function approval(): StepHandler<ActionOf<"approval">> {
  return {
    skipPrecheck: true,
    inspect: async ({ approvers, question }) => ({
      current: "nobody has been asked",
      intended: `${approvers} ${approvers === 1 ? "person approves" : "people approve"}: ${question}`,
      done: false,
    }),
    run: async ({ approvers, question }) => askApproval({ approvers, question }, {}),
    verify: async () => ({ ok: true, detail: "approved" }),
  };
}

/** The waiting itself is done by the runner, durably; nothing is left for the handler. */
export function pause(): StepHandler<ActionOf<"pause">> {
  return {
    skipPrecheck: true,
    inspect: async ({ durationMs }) => ({
      current: "not waiting",
      intended: `the plan waits ${durationMs} ms`,
      done: false,
    }),
    run: async ({ durationMs }) => ({ waitedMs: durationMs }),
    verify: async () => ({ ok: true, detail: "waited" }),
  };
}

/** Tells people. A notice that cannot be delivered is noted and never fails the plan. */
export function notify(ports: StepPorts): StepHandler<ActionOf<"notify">> {
  return {
    skipPrecheck: true,
    inspect: async ({ severity, message }) => ({
      current: "not sent",
      intended: `${severity} notice: ${message}`,
      done: false,
    }),
    async run({ severity, message }, { plan, step, signal }) {
      const limitMs = Math.min(NOTICE_LIMIT_MS, step.timeoutMs / 2);
      const title = `${plan.application}: ${plan.kind} ${plan.from} → ${plan.to}`;
      const notice = { severity, title, text: message, key: `${plan.id}:${step.id}` };
      try {
        await withDeadline({ clock: ports.clock, limitMs, signal, what: "the notice" }, (limited) =>
          ports.notifier.notify(notice, limited),
        );
        return { delivered: true };
      } catch (error) {
        if (signal.aborted) throw error;
        return { delivered: false, because: messageOf(error) };
      }
    },
    verify: async () => ({ ok: true, detail: "people were told" }),
  };
}
