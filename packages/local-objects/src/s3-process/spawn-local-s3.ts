/** Starts the S3 server in a process of its own, which ends with ours. */
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalObjectsError } from "../error.ts";
import type { Fault } from "../faults/fault-board.ts";
import type { OperationCount } from "../faults/operation-counters.ts";
import { startChildServer } from "../process/child-server.ts";
import type { QueueFaults } from "../queue/message-queue.ts";
import type { LocalS3Ready, LocalS3Spec } from "./spec.ts";

export interface SpawnOptions extends Omit<LocalS3Spec, "control"> {
  /** 0 takes any free one. Default: 0. */
  readonly controlPort?: number;
  /** Default: 60 s; a million objects take a while to read. */
  readonly readyLimitMs?: number;
  readonly signal?: AbortSignal;
}

/** A server in a process of its own. */
export interface SpawnedS3 extends LocalS3Ready {
  readonly pid: number;
  /** Resolves when it has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** Replaces all faults. @throws {LocalObjectsError} `CONFIG_INVALID`, `STATE_UNAVAILABLE` */
  setFaults(faults: readonly Fault[]): Promise<void>;
  setQueueFaults(queue: string, faults: QueueFaults): Promise<void>;
  counters(): Promise<Readonly<Record<string, OperationCount>>>;
  stop(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
}

const READY_LIMIT_MS = 60_000;
const STOP_GRACE_MS = 5_000;
const CONTROL_LIMIT_MS = 5_000;

/** @throws {LocalObjectsError} `PORT_TAKEN`, `STATE_UNAVAILABLE`, `TIMED_OUT`, `ABORTED` */
export async function spawnLocalS3(options: SpawnOptions): Promise<SpawnedS3> {
  const { controlPort = 0, readyLimitMs = READY_LIMIT_MS, signal, ...server } = options;
  const token = randomBytes(24).toString("base64url");
  const spec: LocalS3Spec = { ...server, control: { port: controlPort, token } };
  const child = await startChildServer({
    name: "the S3 server",
    program: join(import.meta.dirname, "main.ts"),
    cwd: tmpdir(),
    spec,
    readyLimitMs,
    stopGraceMs: STOP_GRACE_MS,
    signal,
  });
  const ready = readyOf(child.ready);
  const steer = new Steering(ready.controlEndpoint, token);
  return {
    ...ready,
    pid: child.pid,
    exited: child.exited,
    setFaults: async (faults) => {
      await steer.ask("PUT", "/faults", faults);
    },
    setQueueFaults: async (queue, faults) => {
      await steer.ask("PUT", `/queues/${encodeURIComponent(queue)}/faults`, faults);
    },
    counters: async () => {
      const answer: { operations: Readonly<Record<string, OperationCount>> } = JSON.parse(
        await steer.ask("GET", "/counters"),
      );
      return answer.operations;
    },
    stop: async () => child.stop(),
    kill: async () => child.kill(),
  };
}

/** Speaks to the control port. */
class Steering {
  readonly #endpoint: string;
  readonly #token: string;

  constructor(endpoint: string, token: string) {
    this.#endpoint = endpoint;
    this.#token = token;
  }

  async ask(method: string, path: string, body?: unknown): Promise<string> {
    const answer = await fetch(this.#endpoint + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(CONTROL_LIMIT_MS),
    });
    const text = await answer.text();
    if (answer.ok) return text;
    const code = answer.status === 400 ? "CONFIG_INVALID" : "STATE_UNAVAILABLE";
    throw new LocalObjectsError(code, `${method} ${path} was refused: ${text}`, {
      hint: "Correct what it complains about.",
    });
  }
}

function readyOf(value: unknown): LocalS3Ready {
  // Said by our own program, started a moment ago.
  const ready: LocalS3Ready = JSON.parse(JSON.stringify(value));
  return ready;
}
