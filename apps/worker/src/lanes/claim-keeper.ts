/**
 * Keeps one claim in force while its task is worked on.
 *
 * 1. A renewal counts from when it was sent: the answer may have waited behind a frozen process.
 * 2. The claim is given up by our own clock before the store lets anybody else have it.
 */
import { CloudPhoenixError, hasCode, type Json, messageOf } from "@cloudphoenix/core";
import { type Clock, claimLost, type TaskClaim, type WorkQueue } from "@cloudphoenix/engine";

export interface ClaimKeeperOptions {
  readonly queue: Pick<WorkQueue, "renew">;
  readonly clock: Clock;
  readonly claim: TaskClaim;
  readonly claimMs: number;
  /** When the claim was asked for. */
  readonly askedMs: number;
}

/** Renewals per claim time, and the share of it after which an unrenewed claim is given up. */
const RENEWALS = 4;
const GIVE_UP_SHARE = 0.75;

export class ClaimKeeper {
  readonly #options: ClaimKeeperOptions;
  readonly #lost = new AbortController();
  readonly #ended = new AbortController();
  #goodMs: number;
  #progress: Json | undefined;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: ClaimKeeperOptions) {
    this.#options = options;
    this.#goodMs = options.askedMs;
  }

  /** Aborts with `CLAIM_LOST` as soon as the task may be another's. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether the claim holds for certain, now. A frozen process finds out by asking. */
  get holds(): boolean {
    this.#look();
    return !this.#lost.signal.aborted;
  }

  begin(): void {
    this.#loops = Promise.all([this.#renewLoop(), this.#watchLoop()]);
  }

  /** What the next renewal notes. */
  note(progress: Json): void {
    this.#progress = progress;
  }

  /** Renews at once, so that what was noted is stored. @throws {CloudPhoenixError} `CLAIM_LOST` */
  async renewNow(): Promise<void> {
    const { queue, clock, claim, claimMs } = this.#options;
    const sentMs = clock.now();
    const progress = this.#progress;
    await (progress === undefined
      ? queue.renew(claim, claimMs)
      : queue.renew(claim, claimMs, progress));
    this.#goodMs = sentMs;
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#loops;
  }

  async #renewLoop(): Promise<void> {
    while (await this.#slept(this.#options.claimMs / RENEWALS)) {
      try {
        await this.renewNow();
      } catch (error) {
        // A single failed renewal decides nothing: the watch does.
        if (hasCode(error, "CLAIM_LOST")) this.#lost.abort(error);
      }
    }
  }

  async #watchLoop(): Promise<void> {
    while (await this.#slept(this.#options.claimMs / (RENEWALS * 4))) this.#look();
  }

  #look(): void {
    const { clock, claim, claimMs } = this.#options;
    const silentMs = clock.now() - this.#goodMs;
    if (silentMs <= claimMs * GIVE_UP_SHARE || this.#lost.signal.aborted) return;
    this.#lost.abort(claimLost(claim.taskId));
  }

  async #slept(ms: number): Promise<boolean> {
    const over = AbortSignal.any([this.#ended.signal, this.#lost.signal]);
    await this.#options.clock.sleep(ms, over).catch((error: unknown) => {
      if (!over.aborted) throw error;
    });
    return !over.aborted;
  }
}

/** What to store of a failed attempt. */
export function failureOf(error: unknown): { readonly code: string; readonly message: string } {
  const code = error instanceof CloudPhoenixError ? error.code : "INTERNAL";
  return { code, message: messageOf(error).slice(0, 2_000) };
}
