/**
 * Calls between a process and a child it started, over the IPC channel.
 *
 * Both ends are always of the same version, so the shape of inputs and outputs is a compile-time
 * contract (`Operations`) and not checked again at run time.
 */
import type { ChildProcess } from "node:child_process";
import { CloudPhoenixError, type ErrorCode, messageOf } from "@cloudphoenix/core";

/** Name of each operation with what goes in and what comes out. Void is `null`. */
export type Operations = Record<string, { readonly input: unknown; readonly output: unknown }>;

/** What the child does for each operation. */
type Handlers<Ops extends Operations> = {
  readonly [Name in keyof Ops]: (input: Ops[Name]["input"]) => Promise<Ops[Name]["output"]>;
};

interface Request {
  readonly id: number;
  readonly operation: string;
  readonly input: unknown;
}

interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly hint?: string;
}

interface Reply {
  readonly id: number;
  readonly output?: unknown;
  readonly failure?: Failure;
}

/** A reply as the parent trusts it: the output is what `Operations` says of the operation. */
interface TrustedReply extends Reply {
  readonly output: never;
}

interface Waiting {
  readonly resolve: (output: never) => void;
  readonly reject: (error: Error) => void;
}

/** The parent's end. */
export class Remote<Ops extends Operations> {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;

  constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
    child.on("message", (reply: TrustedReply) => this.#settle(reply));
    child.once("exit", () => this.#fail());
    child.once("disconnect", () => this.#fail());
  }

  /**
   * Calls the child. There is no deadline here: the child bounds its own work, and its end fails
   * every call. @throws {CloudPhoenixError} what the child threw, or `NOT_RUNNING` if it is gone
   */
  call<Name extends keyof Ops & string>(
    operation: Name,
    input: Ops[Name]["input"],
  ): Promise<Ops[Name]["output"]> {
    const id = (this.#nextId += 1);
    return new Promise((resolve, reject) => {
      if (!this.#child.connected) {
        reject(this.#gone());
        return;
      }
      this.#waiting.set(id, { resolve, reject });
      const request: Request = { id, operation, input };
      this.#child.send(request, (error) => {
        if (error !== null) this.#reject(id, this.#gone(error));
      });
    });
  }

  #settle({ id, output, failure }: TrustedReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure === undefined) waiting?.resolve(output);
    else waiting?.reject(new CloudPhoenixError(failure.code, failure.message, failure));
  }

  #reject(id: number, error: Error): void {
    this.#waiting.get(id)?.reject(error);
    this.#waiting.delete(id);
  }

  #fail(): void {
    for (const id of this.#waiting.keys()) this.#reject(id, this.#gone());
  }

  #gone(cause?: unknown): CloudPhoenixError {
    const message = `the sandbox process ${this.#name} is gone`;
    return new CloudPhoenixError("NOT_RUNNING", message, { retryable: false, cause });
  }
}

/**
 * The child's end: answers calls until the parent is gone, then calls `onParentGone` once.
 * Ctrl-C is left to the parent, which ends us in order.
 */
export function serveParent<Ops extends Operations>(
  handlers: Handlers<Ops>,
  onParentGone: () => void,
): void {
  process.on("SIGINT", () => {});
  process.once("disconnect", onParentGone);
  process.on("message", (request: Request) => {
    void replyTo(handlers, request);
  });
}

async function replyTo<Ops extends Operations>(
  handlers: Handlers<Ops>,
  request: Request,
): Promise<void> {
  const answered = await answer(handlers, request);
  if (process.connected) process.send?.(answered);
}

async function answer<Ops extends Operations>(
  handlers: Handlers<Ops>,
  request: Request,
): Promise<Reply> {
  try {
    const handler = handlers[request.operation];
    if (handler === undefined) throw new Error(`unknown operation ${request.operation}`);
    return { id: request.id, output: await handler(request.input) };
  } catch (error) {
    return { id: request.id, failure: failureOf(error) };
  }
}

/** Errors of other packages carry the same fields without being our class; both travel alike. */
function failureOf(error: unknown): Failure {
  if (!isCoded(error)) return { code: "INTERNAL", message: messageOf(error), retryable: false };
  const { code, message, retryable, hint } = error;
  return { code, message, retryable, ...(hint !== undefined && { hint }) };
}

function isCoded(error: unknown): error is Failure {
  return error instanceof Error && "code" in error && "retryable" in error;
}
