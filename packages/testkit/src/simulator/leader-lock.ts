/**
 * Leader election as the state database judges it: one session holds the lock, says that it lives,
 * stops leading by itself when its beats stop getting through, and is thrown out when silent.
 */
import type { Process } from "./process.ts";
import type { StateServer } from "./state-server.ts";

export interface Leadership {
  readonly epoch: number;
  readonly lost: AbortSignal;
}

const BEAT_EVERY_MS = 700;
const LEAVE_AFTER_MS = 2_500;
const STALE_AFTER_MS = 3_000;
const POLL_MS = 800;

/** The lock and the row beside it. */
export class LeaderLock {
  #holder: string | null = null;
  #epoch = 0;
  #beatMs = 0;

  /** Takes the lock if nobody has it or its holder went silent. @returns the new epoch, or null */
  tryTake(holder: string, nowMs: number): number | null {
    if (this.#holder !== null && nowMs - this.#beatMs < STALE_AFTER_MS) return null;
    this.#holder = holder;
    this.#epoch += 1;
    this.#beatMs = nowMs;
    return this.#epoch;
  }

  /** False if the lock is another's by now. */
  beat(holder: string, nowMs: number): boolean {
    if (this.#holder !== holder) return false;
    this.#beatMs = nowMs;
    return true;
  }
}

/** Resolves once this process leads. */
export async function campaign(state: StateServer, process: Process): Promise<Leadership> {
  const holder = `${process.name}/${process.incarnation}`;
  const { clock } = process;
  const nowMs = (): number => state.process.readClock();
  for (;;) {
    const askedAtMs = clock.now();
    const epoch = await state
      .ask(process, () => state.leaderLock.tryTake(holder, nowMs()))
      .catch(() => null);
    // An answer that took too long may be about a lock that is another's by now.
    if (epoch !== null && clock.now() - askedAtMs < LEAVE_AFTER_MS) {
      const lost = new AbortController();
      void keepLead(state, process, { holder, lost, beatAtMs: askedAtMs });
      return { epoch, lost: lost.signal };
    }
    await clock.sleep(POLL_MS);
  }
}

interface Term {
  readonly holder: string;
  readonly lost: AbortController;
  /** When the last good beat was sent, on the holder's clock. */
  beatAtMs: number;
}

/** A beat that gets no answer is no beat. */
async function sendBeat(state: StateServer, process: Process, term: Term): Promise<void> {
  const sentAtMs = process.clock.now();
  const kept = await state
    .ask(process, () => state.leaderLock.beat(term.holder, state.process.readClock()))
    .catch(() => null);
  if (kept === true) term.beatAtMs = Math.max(term.beatAtMs, sentAtMs);
  if (kept === false) term.lost.abort();
}

async function keepLead(state: StateServer, process: Process, term: Term): Promise<void> {
  const { clock } = process;
  const beat = (): void => {
    void sendBeat(state, process, term);
    if (!term.lost.signal.aborted) process.after(BEAT_EVERY_MS, beat);
  };
  process.after(BEAT_EVERY_MS, beat);
  while (!term.lost.signal.aborted) {
    const leftMs = term.beatAtMs + LEAVE_AFTER_MS - clock.now();
    if (leftMs <= 0) {
      term.lost.abort();
      return;
    }
    await clock.sleep(leftMs);
  }
}
