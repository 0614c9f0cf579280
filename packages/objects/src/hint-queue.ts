/**
 * Batches of hints from a queue of messages: the part that every cloud's queue needs.
 *
 * Owns: receiving while the signal allows, reading messages, removing them when a batch is done.
 * Does not own: how a queue is spoken to, what a message looks like.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "@cloudphoenix/core";
import type { ChangeHint, ChangeHintBatch, SetAsideMessage } from "./change-hints.ts";

/** A message that is held for us until it is removed or its time is up. */
export interface QueueMessage {
  readonly id: string;
  /** What removes it; opaque. */
  readonly receipt: string;
  readonly text: string;
}

/** A queue as `hintBatches` needs it. */
export interface HintQueue {
  /** Waits for messages as long as the queue allows; empty if none came. */
  receive(signal: AbortSignal): Promise<readonly QueueMessage[]>;
  /** Messages that are gone already are success. */
  remove(messages: readonly QueueMessage[], signal: AbortSignal): Promise<void>;
  /** Hints in a message, or none. @throws {Error} whose message says why it is not understood */
  read(text: string): readonly ChangeHint[];
}

/** Pauses after nothing came: short, then longer while it stays quiet. */
const PAUSES_MS = [50, 100, 250, 500, 1000] as const;

/**
 * See `ChangeHints.batches`. Messages with nothing to tell (a test of the connection) are removed at once.
 * @throws {CloudPhoenixError} as the queue does
 */
export async function* hintBatches(
  queue: HintQueue,
  signal: AbortSignal,
): AsyncGenerator<ChangeHintBatch, void, void> {
  let quiet = 0;
  while (!signal.aborted) {
    const messages = await untilAborted(queue.receive(signal), signal);
    if (messages === null) return;
    if (messages.length === 0) {
      const pause = PAUSES_MS[Math.min(quiet, PAUSES_MS.length - 1)];
      quiet += 1;
      await untilAborted(sleep(pause, undefined, { signal }), signal);
      continue;
    }
    quiet = 0;
    const batch = batchOf(queue, messages);
    if (batch.hints.length + batch.setAside.length > 0) yield batch;
    else await untilAborted(batch.done(signal), signal);
  }
}

function batchOf(queue: HintQueue, messages: readonly QueueMessage[]): ChangeHintBatch {
  const hints: ChangeHint[] = [];
  const setAside: SetAsideMessage[] = [];
  for (const { id, text } of messages) {
    try {
      hints.push(...queue.read(text));
    } catch (error) {
      setAside.push({ messageId: id, reason: messageOf(error).slice(0, 500) });
    }
  }
  let removed = false;
  const done = async (signal: AbortSignal): Promise<void> => {
    if (removed) return;
    await queue.remove(messages, signal);
    removed = true;
  };
  return { hints, setAside, done };
}

/** Null if the signal ended it: that is no failure here. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}
