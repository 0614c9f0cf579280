/**
 * The state database: stores, journal, lease witness and leader lock behind one process.
 *
 * What is stored survives a crash. Every store a controller holds asks over the network, and fails
 * with `STATE_UNAVAILABLE` if no answer comes in time.
 */
import type { Application, Roles, RunEvent, StepRecord } from "@cloudphoenix/core";
import {
  type AuditLog,
  type FactStore,
  type LeaseWitness,
  MemoryAuditLog,
  MemoryFactStore,
  MemoryLeaseWitness,
  MemoryRoleStore,
  type RoleStore,
  type RunStore,
} from "@cloudphoenix/engine";
import { SharedJournal } from "./journal.ts";
import { LeaderLock } from "./leader-lock.ts";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";
import * as sabotage from "./sabotage.ts";
import { SharedRunStore } from "./shared-run-store.ts";
import type { Truth } from "./truth.ts";

/** Told what runs write down, the moment it is stored. */
export interface StateObserver {
  claimed(runId: string): void;
  stepRecorded(client: string, runId: string, record: StepRecord): void;
  noted(event: RunEvent): void;
  approved(runId: string, step: string | null, by: string): void;
  ended(runId: string, status: string): void;
}

const LIMIT_MS = 1_500;

export class StateServer {
  readonly process: Process;
  readonly roles: RoleStore;
  readonly runs: SharedRunStore = new SharedRunStore();
  readonly facts: MemoryFactStore = new MemoryFactStore();
  readonly audit: MemoryAuditLog = new MemoryAuditLog();
  readonly witness: MemoryLeaseWitness = new MemoryLeaseWitness();
  readonly journal: SharedJournal = new SharedJournal();
  readonly leaderLock: LeaderLock = new LeaderLock();
  /** How long every statement takes: a slow disk. */
  workMs = 0;
  /** Whether an agent has ever renewed the lease that is there: otherwise it limits nobody. */
  leaseTakenUp = false;
  readonly #network: Network;
  readonly #truth: Truth;
  readonly #observer: () => StateObserver;

  constructor(options: {
    readonly observer: () => StateObserver;
    readonly process: Process;
    readonly network: Network;
    readonly truth: Truth;
    readonly roles: Roles;
    readonly sabotages: ReadonlySet<string>;
  }) {
    this.process = options.process;
    this.#network = options.network;
    this.#truth = options.truth;
    this.#observer = options.observer;
    this.roles = sabotage.roles(options, new MemoryRoleStore(options.roles));
  }

  /** The first lease, before any agent has taken it up. */
  async establishLease({ name, sites }: Application): Promise<void> {
    const holder = sites[0]?.id ?? null;
    await this.witness.replace({ application: name, epoch: 1, holder, renewals: 0 }, null);
  }

  /** One statement of `client`. */
  ask<T>(client: Process, effect: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    const { process: to, workMs } = this;
    const patience = { limitMs: LIMIT_MS, silence: "STATE_UNAVAILABLE" } as const;
    return this.#network.call({ from: client, to, signal, ...patience, workMs, effect });
  }

  rolesFor(client: Process): RoleStore {
    const judge = (roles: Roles): Roles => {
      this.#truth.changed("the role store", roles.generation, roles.generation);
      return roles;
    };
    return {
      read: () => this.ask(client, () => this.roles.read()),
      claim: (run, generation, active) =>
        this.ask(client, async () => {
          const roles = judge(await this.roles.claim(run, generation, active));
          this.#observer().claimed(run);
          return roles;
        }),
      settle: (generation, outcome) =>
        this.ask(client, async () => judge(await this.roles.settle(generation, outcome))),
    };
  }

  runsFor(client: Process): RunStore {
    const { runs } = this;
    return {
      create: (run) => this.ask(client, () => runs.create(run)),
      setStatus: (id, change) =>
        this.ask(client, () => {
          if (change.endedAtMs !== null) this.#observer().ended(id, change.status);
          return runs.setStatus(id, change);
        }),
      putStep: (id, step, order) =>
        this.ask(client, () => {
          this.#observer().stepRecorded(client.name, id, step);
          return runs.putStep(id, step, order);
        }),
      addApproval: (id, approval) => this.ask(client, () => runs.addApproval(id, approval)),
      addEvent: (event) =>
        this.ask(client, () => {
          this.#heard(event);
          return runs.addEvent(event);
        }),
      get: (id) => this.ask(client, () => runs.get(id)),
      list: (limit) => this.ask(client, () => runs.list(limit)),
      events: (id) => this.ask(client, () => runs.events(id)),
    };
  }

  #heard(event: RunEvent): void {
    const { runId, kind, step, text } = event;
    this.#truth.note(`run ${runId}: ${kind} ${step ?? ""} ${text}`);
    this.#observer().noted(event);
    if (kind === "approved") {
      this.#observer().approved(runId, step, text.replace(/^approved by /, ""));
    }
  }

  factsFor(client: Process): FactStore {
    return {
      put: (key, value) => this.ask(client, () => this.facts.put(key, value)),
      get: (key) => this.ask(client, () => this.facts.get(key)),
    };
  }

  auditFor(client: Process): AuditLog {
    return { append: (entry) => this.ask(client, () => this.audit.append(entry)) };
  }

  witnessFor(client: Process): LeaseWitness {
    return {
      read: (signal) => this.ask(client, () => this.witness.read(), signal),
      replace: (next, expected, signal) =>
        this.ask(
          client,
          async () => {
            const before = await this.witness.read();
            const version = await this.witness.replace(next, expected);
            if (version === null) return null;
            this.leaseTakenUp = next.renewals > 0;
            this.#truth.changed("the lease", next.epoch, before?.lease.epoch ?? 0);
            if (before?.lease.epoch !== next.epoch || before.lease.holder !== next.holder) {
              this.#truth.note(
                `lease: epoch ${next.epoch}, holder ${next.holder ?? "nobody (sealed)"}`,
              );
            }
            return version;
          },
          signal,
        ),
    };
  }
}
