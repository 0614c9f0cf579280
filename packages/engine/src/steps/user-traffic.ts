/** Steps on where users go: switch the record, see that they follow. */
import type { StepAction } from "@cloudphoenix/core";
import type { ConvergenceSample } from "../ports/traffic-switch.ts";
import { pollUntil } from "../waiting/poll-until.ts";
import type { StepHandler } from "./step-handler.ts";
import { type StepPorts, patienceMs } from "./step-ports.ts";

type ActionOf<Kind extends StepAction["kind"]> = Extract<StepAction, { readonly kind: Kind }>;

const POLL_MS = 200;

export function switchTraffic(ports: StepPorts): StepHandler<ActionOf<"switch-traffic">> {
  return {
    async inspect({ to }, { plan, signal }) {
      const state = await ports.traffic.read(signal);
      return {
        current: `traffic goes to ${state.site ?? `nowhere known (${state.answer})`}, generation ${state.generation}`,
        intended: `traffic goes to ${to}, generation ${plan.generation}`,
        done: state.site === to && state.generation === plan.generation,
      };
    },
    async run({ to }, { plan, signal }) {
      return { ...(await ports.traffic.switchTo(to, plan.generation, signal)) };
    },
    async verify({ to }, { signal }) {
      const state = await ports.traffic.read(signal);
      return { ok: state.site === to, detail: `the record says ${state.answer}` };
    },
  };
}

/** Every vantage that ends up anywhere must end up at the site, and at least one must. */
export function verifyConvergence(ports: StepPorts): StepHandler<ActionOf<"verify-convergence">> {
  return {
    skipPrecheck: true,
    async inspect({ site }, { signal }) {
      const samples = await ports.convergence.sample(signal);
      return {
        current: wordsOf(samples),
        intended: `every client ends up at ${site}`,
        done: missing(samples, site) === null,
      };
    },
    async run({ site }, { step, signal }) {
      const samples = await pollUntil({
        clock: ports.clock,
        intervalMs: POLL_MS,
        limitMs: patienceMs(step.timeoutMs),
        signal,
        ask: (asked) => ports.convergence.sample(asked),
        missing: (seen) => missing(seen, site),
      });
      return { samples: samples.map((sample) => ({ ...sample })) };
    },
    verify: async ({ site }) => ({ ok: true, detail: `clients end up at ${site}` }),
  };
}

function missing(samples: readonly ConvergenceSample[], site: string): string | null {
  // A vantage that gets no answer may itself be cut off: it says nothing about the others.
  const answered = samples.filter((sample) => sample.site !== null);
  if (answered.length === 0) return `no client reached any site: ${wordsOf(samples)}`;
  return answered.every((sample) => sample.site === site) ? null : wordsOf(samples);
}

function wordsOf(samples: readonly ConvergenceSample[]): string {
  if (samples.length === 0) return "nobody was asked";
  return samples
    .map((sample) => `${sample.vantage} → ${sample.site ?? `no answer (${sample.detail})`}`)
    .join(", ");
}
