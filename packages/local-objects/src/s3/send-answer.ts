/** Puts an answer on the wire, with what faults do to it there. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { FaultEffect } from "../faults/fault-board.ts";
import type { Answer, StreamedBody } from "./call.ts";

const STATUS_WITHOUT_BODY = new Set([204, 304]);

/** Sends it. Resolves when the last byte has been handed to the system, or the client is gone. */
export async function sendAnswer(
  outgoing: ServerResponse,
  answer: Answer,
  method: string,
  effects: readonly FaultEffect[],
): Promise<void> {
  const body = streamed(answer.body);
  try {
    if (outgoing.destroyed) return;
    const shortened = shortenBy(effects);
    const sizeBytes = Math.max((body?.sizeBytes ?? 0) - shortened, 0);
    outgoing.writeHead(answer.status, headersOf(answer, sizeBytes));
    if (method === "HEAD" || body === null || sizeBytes === 0) outgoing.end();
    else if (effects.length === 0 && Buffer.isBuffer(answer.body)) outgoing.end(answer.body);
    else await sendBlocks(outgoing, body.blocks, wireFault(effects, sizeBytes));
  } finally {
    body?.close();
  }
}

function headersOf(answer: Answer, sizeBytes: number): Record<string, string> {
  if (STATUS_WITHOUT_BODY.has(answer.status)) return { ...answer.headers };
  return { ...answer.headers, "content-length": String(sizeBytes) };
}

function streamed(body: Answer["body"]): StreamedBody | null {
  if (body === undefined) return null;
  if (typeof body !== "string" && !Buffer.isBuffer(body)) return body;
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return { sizeBytes: bytes.length, blocks: only(bytes), close: () => undefined };
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

function shortenBy(effects: readonly FaultEffect[]): number {
  const effect = effects.find(({ kind }) => kind === "shorten");
  return effect?.kind === "shorten" ? effect.byBytes : 0;
}

/** Where the body stops, how, and whether a bit of it is wrong. */
interface WireFault {
  readonly lastBytes: number;
  readonly ending: "well" | "close" | "reset";
  readonly corrupt: boolean;
}

function wireFault(effects: readonly FaultEffect[], sizeBytes: number): WireFault {
  const corrupt = effects.some(({ kind }) => kind === "corrupt");
  for (const effect of effects) {
    if (effect.kind !== "truncate" && effect.kind !== "drop") continue;
    const ending = effect.kind === "truncate" ? "close" : "reset";
    return { corrupt, ending, lastBytes: Math.min(effect.afterBytes, sizeBytes) };
  }
  return { corrupt, ending: "well", lastBytes: sizeBytes };
}

async function sendBlocks(
  outgoing: ServerResponse,
  blocks: AsyncIterable<Buffer>,
  { lastBytes, ending, corrupt }: WireFault,
): Promise<void> {
  let left = lastBytes;
  let isFirst = true;
  for await (const block of blocks) {
    if (left === 0 || outgoing.destroyed) break;
    const bytes = corrupt && isFirst ? withWrongBit(block) : block;
    isFirst = false;
    const sent = bytes.subarray(0, left);
    left -= sent.length;
    if (!outgoing.write(sent)) await drained(outgoing);
  }
  if (ending === "well" && left === 0) outgoing.end();
  else await cut(outgoing, ending);
}

function withWrongBit(block: Buffer): Buffer {
  const copy = Buffer.from(block);
  const at = copy.length >> 1;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** Waits until the client has taken some, or is gone. */
async function drained(outgoing: ServerResponse): Promise<void> {
  const done = new AbortController();
  const { signal } = done;
  const events = [once(outgoing, "drain", { signal }), once(outgoing, "close", { signal })];
  await Promise.race(events);
  done.abort();
  await Promise.allSettled(events);
}

/** Ends the connection in the middle of a body, after what was written has left. */
async function cut(outgoing: ServerResponse, ending: WireFault["ending"]): Promise<void> {
  const { socket } = outgoing;
  if (socket === null || socket.destroyed) return;
  await new Promise<void>((resolve) => outgoing.write("", () => resolve()));
  if (ending === "reset") socket.resetAndDestroy();
  else socket.end();
}
