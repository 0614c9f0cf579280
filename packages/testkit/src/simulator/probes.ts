/**
 * The probes: every vantage asks its questions once per interval, over the network, and reports
 * what it saw with the age it has. Controllers hear of it later, or never.
 */
import type { Signal, Status } from "@cloudphoenix/core";
import { type ObservationListener, type ObservationSource } from "@cloudphoenix/engine";
import type { Process } from "./process.ts";
import { PROBE_EVERY_MS, PROBE_TIMEOUT_MS } from "./settings.ts";
import { serves } from "./sites.ts";
import type { World } from "./world.ts";

interface Answer {
  readonly signal: Signal;
  status: Status;
  detail: string;
}

/** Whoever wants to hear what vantages say; one per acting controller. */
export interface ProbeSink {
  readonly process: Process;
  readonly incarnation: number;
  readonly listener: ObservationListener;
  /** Told before the listener, with everything as it came. */
  readonly heard: (report: ProbeReport) => void;
}

export interface ProbeReport {
  readonly vantage: string;
  readonly askedMs: number;
  readonly sees: boolean;
  readonly answers: readonly { readonly signal: Signal; readonly status: Status }[];
}

export class ProbeField {
  readonly #world: World;
  #sinks: ProbeSink[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Starts the vantages outside the controllers. */
  start(): void {
    const { internet, sites } = this.#world;
    this.startVantage("internet", internet);
    for (const site of sites) this.startVantage(site.id, site.agent);
  }

  /** Starts a vantage in `asker`'s process; ends with that incarnation. */
  startVantage(vantage: string, asker: Process): void {
    const signals = this.#world.settings.signals.filter(
      (signal) => signal.kind !== "replication-lag" && signal.vantages.includes(vantage),
    );
    asker.after(this.#world.chance.between(0, PROBE_EVERY_MS), () =>
      this.#round(vantage, asker, signals, (sink) => sink.process !== asker),
    );
  }

  /** The controller's own probes, and everything other vantages report, for one controller. */
  sourceFor(process: Process, heard: ProbeSink["heard"]): ObservationSource {
    return {
      start: (listener) => {
        const sink = { process, incarnation: process.incarnation, listener, heard };
        this.#sinks.push(sink);
        const signals = this.#world.settings.signals.filter(
          (signal) => signal.kind !== "replication-lag" && signal.vantages.includes("control"),
        );
        this.#round("control", process, signals, (one) => one === sink);
      },
      stop: async () => {
        this.#sinks = this.#sinks.filter((sink) => sink.process !== process);
      },
    };
  }

  #round(
    vantage: string,
    asker: Process,
    signals: readonly Signal[],
    concerns: (sink: ProbeSink) => boolean,
  ): void {
    const askedMs = this.#world.scheduler.nowMs;
    const answers = signals.map(
      (signal): Answer => ({ signal, status: "unhealthy", detail: "no answer in time" }),
    );
    let sees = false;
    const { edge, network } = this.#world;
    this.#ask(asker, edge, () => {
      sees = true;
      return null;
    });
    for (const answer of answers) {
      const { entry } = this.#world.site(answer.signal.site);
      const local = answer.signal.kind === "load-balancer";
      const target = local ? this.#world.site(answer.signal.site).provider : entry;
      if (!local && this.#isShut(asker, answer.signal.site)) continue;
      this.#ask(asker, target, () => Object.assign(answer, this.#answerTo(answer.signal)));
    }
    asker.after(PROBE_TIMEOUT_MS, () => {
      const report = { vantage, askedMs, sees, answers: answers.map((one) => ({ ...one })) };
      for (const sink of this.#sinks) {
        if (!concerns(sink)) continue;
        const tell = (): void => {
          if (sink.process.incarnation !== sink.incarnation) return;
          sink.process.receive(() => this.#tell(sink, report));
        };
        if (sink.process === asker) tell();
        else network.send(asker.name, sink.process.name, tell);
      }
    });
    asker.after(PROBE_EVERY_MS, () => this.#round(vantage, asker, signals, concerns));
  }

  /** One way there, the answer, one way back; nothing comes if any of it fails. */
  #ask(asker: Process, target: Process, answered: () => unknown): void {
    const { network } = this.#world;
    const askedMs = this.#world.scheduler.nowMs;
    network.send(asker.name, target.name, () =>
      target.receive(() => {
        network.send(target.name, asker.name, () =>
          asker.receive(() => {
            if (this.#world.scheduler.nowMs - askedMs < PROBE_TIMEOUT_MS) answered();
          }),
        );
      }),
    );
  }

  #answerTo({ kind, site: id }: Signal): { readonly status: Status; readonly detail: string } {
    const site = this.#world.site(id);
    const { database, pods } = site;
    if (kind === "load-balancer") {
      const well = site.entry.up && pods.ready >= pods.desired;
      return { status: well ? "healthy" : "unhealthy", detail: `${pods.ready} ready` };
    }
    if (!serves(site)) return { status: "unhealthy", detail: "no pod answers" };
    if (site.flapping) return { status: "unhealthy", detail: "503" };
    if (kind !== "service-health") return { status: "healthy", detail: "alive" };
    const broken =
      !database.process.running ||
      (database.role === "active" && database.writesOpen && database.refusal() !== null);
    if (broken) return { status: "unhealthy", detail: "the database is not usable" };
    if (pods.ready < pods.desired) return { status: "degraded", detail: "a replica is down" };
    return { status: "healthy", detail: "healthy" };
  }

  #isShut(asker: Process, id: string): boolean {
    return this.#world.site(id).fence.on && !asker.name.startsWith(id);
  }

  #tell({ process, listener, heard }: ProbeSink, report: ProbeReport): void {
    heard(report);
    const ageMs = this.#world.scheduler.nowMs - report.askedMs;
    const atMs = process.clock.now() - Math.round(ageMs);
    const { vantage } = report;
    listener.sighted({ vantage, atMs, sees: report.sees });
    for (const { signal, status } of report.answers) {
      listener.observed({
        signal: signal.id,
        vantage,
        atMs,
        status,
        detail: status,
        latencyMs: null,
      });
    }
  }
}
