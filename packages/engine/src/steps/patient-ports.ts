/**
 * The ports of the platform and of traffic, asked again when no answer comes. A try of a step has
 * 10 to 60 s because pods and resolvers take that long; a lost request must not use them up.
 */
import { askUntilAnswered } from "../waiting/ask-until-answered.ts";
import type { StepPorts } from "./step-ports.ts";

/** Longer than adapters wait by themselves: what they say about it is worth more than "too late". */
const PATIENCE_MS = 3_000;

type PatientPorts = Pick<StepPorts, "workloads" | "entry" | "traffic" | "convergence">;

/** `ports` with questions that survive the loss of a message; every one of them is idempotent. */
export function patientPorts(ports: StepPorts): StepPorts {
  const { workloads, entry, traffic, convergence, clock } = ports;
  const patiently = <T>(
    what: string,
    signal: AbortSignal,
    ask: (limited: AbortSignal) => Promise<T>,
  ): Promise<T> => askUntilAnswered({ clock, patienceMs: PATIENCE_MS, signal, what, ask });
  const patient: PatientPorts = {
    workloads: {
      inspect: (site, workload, signal) =>
        patiently(`the platform of ${site}`, signal, (limited) =>
          workloads.inspect(site, workload, limited),
        ),
      scale: (site, workload, change, signal) =>
        patiently(`the platform of ${site}`, signal, (limited) =>
          workloads.scale(site, workload, change, limited),
        ),
      restart: (site, workload, change, signal) =>
        patiently(`the platform of ${site}`, signal, (limited) =>
          workloads.restart(site, workload, change, limited),
        ),
    },
    entry: {
      check: (site, expect, signal) =>
        patiently(`the entry of ${site}`, signal, (limited) => entry.check(site, expect, limited)),
    },
    traffic: {
      capabilities: traffic.capabilities,
      read: (signal) => patiently("the traffic switch", signal, (limited) => traffic.read(limited)),
      switchTo: (site, generation, signal) =>
        patiently("the traffic switch", signal, (limited) =>
          traffic.switchTo(site, generation, limited),
        ),
    },
    convergence: {
      sample: (signal) =>
        patiently("the probe of convergence", signal, (limited) => convergence.sample(limited)),
    },
  };
  return { ...ports, ...patient };
}
