/**
 * Ends the records of runs that nothing runs any more.
 *
 * A run can lose its execution: a release whose engine cannot replay its journal leads now, or a
 * defect broke it off. Its record would say `running` for ever, block every other run and take
 * commands that nobody reads.
 *
 * 1. Only a record that is unfinished and whose execution is over for good is ended, as `stuck`:
 *    what it left behind is for people to see.
 * 2. Nothing that arrives late changes that record again.
 * 3. People are told of it as of every run that got stuck (`waiting-runs.ts`), until they were.
 */
import { FINAL_RUN_STATUSES, type RunRecord } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { AuditLog, RunStore } from "../ports/state-store.ts";
import { lookAgain } from "../waiting/look-again.ts";
import { RUNS_READ } from "./run-activity.ts";

/** A run may also break off while this process leads. */
const LOOK_EVERY_MS = 15_000;
/** Key of the event that ends such a record. */
const BROKEN_RUN_KEY = "run:broken";
/** Above what any note of a run is written with. */
const LAST_ORDER = 2_147_483_647;

export interface BrokenRunsPorts {
  readonly clock: Clock;
  readonly runs: RunStore;
  readonly audit: AuditLog;
  /** Why nothing will ever go on with this run; null while something does. */
  readonly brokenBecause: (runId: string) => Promise<string | null>;
  /** Told when a look failed; the next one comes all the same. */
  readonly trouble: (message: string) => void;
}

export class BrokenRuns {
  readonly #ports: BrokenRunsPorts;

  constructor(ports: BrokenRunsPorts) {
    this.#ports = ports;
  }

  /** Looks at once, and again and again until `stop` aborts. */
  run(stop: AbortSignal): Promise<void> {
    return lookAgain({ ...this.#ports, everyMs: LOOK_EVERY_MS }, (until) => this.look(until), stop);
  }

  /** Ends every record that is broken now. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
  async look(stop: AbortSignal): Promise<void> {
    const { runs, brokenBecause } = this.#ports;
    for (const seen of (await runs.list(RUNS_READ)).filter(isUnfinished)) {
      const because = await brokenBecause(seen.id);
      if (because === null) continue;
      // It may have ended in an orderly way since it was listed.
      const run = await runs.get(seen.id);
      if (run !== null && isUnfinished(run) && !stop.aborted) await this.#end(run, because);
    }
  }

  async #end(run: RunRecord, because: string): Promise<void> {
    const { clock, runs, audit } = this.#ports;
    const atMs = clock.now();
    const text = `${because}; it will not go on by itself and undid nothing`;
    await runs.addEvent({
      runId: run.id,
      key: BROKEN_RUN_KEY,
      atMs,
      step: null,
      kind: "run-ended",
      text: `stuck: ${text}`,
    });
    await audit.append({
      atMs,
      who: "controller",
      what: `run ${run.id} ended stuck`,
      why: text,
      detail: { run: run.id, was: run.status },
    });
    await runs.setStatus(run.id, {
      status: "stuck",
      waitingFor: null,
      question: null,
      endedAtMs: atMs,
      order: LAST_ORDER,
    });
  }
}

function isUnfinished({ status }: RunRecord): boolean {
  return !FINAL_RUN_STATUSES.includes(status);
}
