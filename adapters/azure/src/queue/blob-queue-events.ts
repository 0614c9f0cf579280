/**
 * Change hints of a container: Event Grid puts them on a storage queue, this takes them off.
 *
 * The change feed would be ordered and durable, but its client for JavaScript is an abandoned preview
 * (docs/adr/0009). Order is not needed: a hint only says where to look.
 */
import {
  type ChangeHintBatch,
  type ChangeHints,
  type HintBacklog,
  hintBatches,
  type HintQueue,
  type QueueMessage,
} from "@cloudphoenix/objects";
import { childText, HttpTransport, parseXml, type XmlElement } from "@cloudphoenix/objects/wire";
import { type StorageCall, StorageClient, type StorageCredential } from "../storage-client.ts";
import { readEventGridMessage } from "./event-grid-message.ts";

export interface BlobQueueEventsOptions {
  /** `https://account.queue.core.windows.net`; an emulator's ends with the account. */
  readonly endpoint: URL;
  readonly queue: string;
  readonly credential: StorageCredential;
  /** Events of other containers are set aside. */
  readonly container: string;
  /** How long a message is ours before it comes again, in seconds. Default 60. */
  readonly holdSeconds?: number;
  /** See `HttpTransportOptions`. */
  readonly silenceMs?: number;
}

/** 32 messages of 64 KiB, in XML. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024;
/** As many as the service gives at once. */
const MESSAGES_MAX = 32;
const REMOVALS_AT_ONCE = 8;

/** See the file's header. */
export class BlobQueueEvents implements ChangeHints {
  readonly address: string;
  readonly #client: StorageClient;
  readonly #queue: HintQueue;
  readonly #transport: HttpTransport;

  constructor(options: BlobQueueEventsOptions) {
    const { endpoint, queue, container, holdSeconds = 60, silenceMs } = options;
    this.address = `azqueue://${endpoint.host}${endpoint.pathname.replace(/\/$/, "")}/${queue}`;
    this.#transport = new HttpTransport({ address: this.address, silenceMs });
    this.#client = new StorageClient({
      address: this.address,
      endpoint,
      container: queue,
      credential: options.credential,
      transport: this.#transport,
    });
    this.#queue = {
      receive: (signal) => this.#receive(holdSeconds, signal),
      remove: (messages, signal) => this.#remove(messages, signal),
      read: (text) => readEventGridMessage(text, container),
    };
  }

  batches(signal: AbortSignal): AsyncIterable<ChangeHintBatch> {
    return hintBatches(this.#queue, signal);
  }

  async backlog(signal: AbortSignal): Promise<HintBacklog> {
    const call = { ...callTo("GET", null, "counting messages"), query: "?comp=metadata" };
    const headers = await this.#client.done(call, signal);
    return { messages: Number(headers["x-ms-approximate-messages-count"] ?? 0) };
  }

  /** Closes idle connections. */
  close(): void {
    this.#transport.close();
  }

  async #receive(holdSeconds: number, signal: AbortSignal): Promise<readonly QueueMessage[]> {
    const query = `?numofmessages=${MESSAGES_MAX}&visibilitytimeout=${holdSeconds}`;
    const call = { ...callTo("GET", "messages", "taking messages"), query };
    const answer = await this.#client.call(call, signal);
    const body = await this.#transport.collect(answer, ANSWER_MAX_BYTES, signal);
    const root = parseXml(body.toString("utf8").replace(/^\ufeff/, ""));
    return (root?.children ?? []).map(messageFrom);
  }

  async #remove(messages: readonly QueueMessage[], signal: AbortSignal): Promise<void> {
    for (let at = 0; at < messages.length; at += REMOVALS_AT_ONCE) {
      const some = messages.slice(at, at + REMOVALS_AT_ONCE);
      await Promise.all(some.map((message) => this.#removeOne(message, signal)));
    }
  }

  async #removeOne({ id, receipt }: QueueMessage, signal: AbortSignal): Promise<void> {
    const call: StorageCall = {
      ...callTo("DELETE", `messages/${id}`, "removing a message"),
      query: `?popreceipt=${encodeURIComponent(receipt)}`,
    };
    const answer = await this.#client.tryCall(call, signal);
    const code = answer.headers["x-ms-error-code"];
    // Its time was up and it will come again, or somebody else has removed it.
    const settled = code === "MessageNotFound" || code === "PopReceiptMismatch";
    if (answer.status >= 300 && !settled) throw await this.#client.refuse(answer, call, signal);
    answer.body.resume();
  }
}

function messageFrom(element: XmlElement): QueueMessage {
  return {
    id: childText(element, "MessageId") ?? "",
    receipt: childText(element, "PopReceipt") ?? "",
    text: childText(element, "MessageText") ?? "",
  };
}

function callTo(method: StorageCall["method"], key: string | null, doing: string): StorageCall {
  return { method, key, query: "", doing, notFound: "NOT_FOUND" };
}
