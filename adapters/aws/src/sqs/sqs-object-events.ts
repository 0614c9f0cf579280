/** Change hints of a bucket: S3 puts them on an SQS queue, this takes them off. */
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { CloudPhoenixError, type ErrorCode } from "@cloudphoenix/core";
import {
  type ChangeHintBatch,
  type ChangeHints,
  type HintBacklog,
  hintBatches,
  type HintQueue,
  type QueueMessage,
} from "@cloudphoenix/objects";
import { abortedError } from "@cloudphoenix/objects/wire";
import { defaultCredentials, type StaticCredentials } from "../aws-credentials.ts";
import { readS3EventMessage } from "./s3-event-message.ts";

export interface SqsObjectEventsOptions {
  readonly queueUrl: URL;
  readonly region: string;
  /** A server other than AWS's. */
  readonly endpoint?: URL;
  /** Default: the SDK's chain, roles included. */
  readonly credentials?: StaticCredentials;
  /** Events of other buckets are set aside. */
  readonly bucket: string;
  /** How long a message is ours before it comes again, in seconds. Default 60. */
  readonly holdSeconds?: number;
  /** How long the queue may let us wait for a message, in seconds. Default 20, the most SQS allows. */
  readonly waitSeconds?: number;
  /** How long a call may take beyond that wait. Default 20 s. */
  readonly limitMs?: number;
  /** What the machine's clock is known to be behind, in milliseconds; the rest is learnt from SQS. Default 0. */
  readonly clockOffsetMs?: number;
}

/** As many as SQS gives, and removes, at once. */
const MESSAGES_MAX = 10;
/** Receivers side by side while the queue is full. */
const RECEIVERS_MAX = 4;

/** Less than what SQS minds. */
const CLOCK_TOLERATED_MS = 60_000;

/** See the file's header. */
export class SqsObjectEvents implements ChangeHints {
  readonly address: string;
  readonly #client: SQSClient;
  readonly #queue: HintQueue;
  readonly #queueUrl: string;
  readonly #limitMs: number;
  #receivers = 1;

  constructor(options: SqsObjectEventsOptions) {
    const { queueUrl, region, endpoint, credentials, bucket } = options;
    const { holdSeconds = 60, waitSeconds = 20 } = options;
    this.address = `sqs://${queueUrl.host}${queueUrl.pathname}`;
    this.#queueUrl = queueUrl.href;
    this.#limitMs = options.limitMs ?? 20_000;
    this.#client = new SQSClient({
      region,
      // Whoever iterates decides about trying again.
      maxAttempts: 1,
      systemClockOffset: options.clockOffsetMs ?? 0,
      credentials: credentials ?? defaultCredentials(region),
      ...(endpoint === undefined ? {} : { endpoint: endpoint.href, useQueueUrlAsEndpoint: false }),
    });
    this.#queue = {
      receive: (signal) => this.#receive({ holdSeconds, waitSeconds }, signal),
      remove: (messages, signal) => this.#remove(messages, signal),
      read: (text) => readS3EventMessage(text, bucket),
    };
  }

  batches(signal: AbortSignal): AsyncIterable<ChangeHintBatch> {
    return hintBatches(this.#queue, signal);
  }

  async backlog(signal: AbortSignal): Promise<HintBacklog> {
    const names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
    const command = new GetQueueAttributesCommand({
      QueueUrl: this.#queueUrl,
      AttributeNames: [...names],
    });
    const { Attributes } = await this.#limited(0, signal, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
    return { messages: names.reduce((sum, name) => sum + Number(Attributes?.[name] ?? 0), 0) };
  }

  /** Closes idle connections. */
  close(): void {
    this.#client.destroy();
  }

  async #receive(
    times: { readonly holdSeconds: number; readonly waitSeconds: number },
    signal: AbortSignal,
  ): Promise<readonly QueueMessage[]> {
    // Several receivers never wait: one of them would hold up what the others have.
    const waitSeconds = this.#receivers === 1 ? times.waitSeconds : 0;
    const receivers = Array.from({ length: this.#receivers }, () =>
      this.#receiveOnce({ ...times, waitSeconds }, signal),
    );
    const messages = (await Promise.all(receivers)).flat();
    const full = messages.length >= this.#receivers * MESSAGES_MAX;
    if (full) this.#receivers = Math.min(this.#receivers * 2, RECEIVERS_MAX);
    else if (messages.length <= MESSAGES_MAX / 2) this.#receivers = 1;
    return messages;
  }

  async #receiveOnce(
    times: { readonly holdSeconds: number; readonly waitSeconds: number },
    signal: AbortSignal,
  ): Promise<readonly QueueMessage[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#queueUrl,
      MaxNumberOfMessages: MESSAGES_MAX,
      VisibilityTimeout: times.holdSeconds,
      WaitTimeSeconds: times.waitSeconds,
    });
    const { Messages = [] } = await this.#limited(times.waitSeconds * 1000, signal, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
    return Messages.map(({ MessageId = "", ReceiptHandle = "", Body = "" }) => ({
      id: MessageId,
      receipt: ReceiptHandle,
      text: Body,
    }));
  }

  async #remove(messages: readonly QueueMessage[], signal: AbortSignal): Promise<void> {
    const groups: QueueMessage[][] = [];
    for (let at = 0; at < messages.length; at += MESSAGES_MAX) {
      groups.push(messages.slice(at, at + MESSAGES_MAX));
    }
    await Promise.all(groups.map((group) => this.#removeGroup(group, signal)));
  }

  async #removeGroup(messages: readonly QueueMessage[], signal: AbortSignal): Promise<void> {
    const command = new DeleteMessageBatchCommand({
      QueueUrl: this.#queueUrl,
      Entries: messages.map(({ receipt }, index) => ({
        Id: String(index),
        ReceiptHandle: receipt,
      })),
    });
    const { Failed = [] } = await this.#limited(0, signal, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
    // Our own fault can only be that a message's time was up: it comes again.
    const failed = Failed.find(({ SenderFault }) => SenderFault !== true);
    if (failed !== undefined) {
      throw this.#error("OBJECT_STORE_UNREACHABLE", `a message was not removed: ${failed.Code}`);
    }
  }

  async #limited<T>(
    waitMs: number,
    signal: AbortSignal,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (signal.aborted) throw abortedError(this.address, signal);
    const attempt = (): Promise<T> =>
      call(AbortSignal.any([signal, AbortSignal.timeout(waitMs + this.#limitMs)]));
    const offsetMs = this.#client.config.systemClockOffset;
    try {
      // The client learns from a refusal what its clock is wrong by, and signs the next attempt for the right time.
      return await attempt().catch((error: unknown) => {
        const learntMs = Math.abs(this.#client.config.systemClockOffset - offsetMs);
        if (statusOf(error) === null || learntMs < CLOCK_TOLERATED_MS) throw error;
        return attempt();
      });
    } catch (error) {
      if (signal.aborted) throw abortedError(this.address, signal);
      throw this.#explained(error);
    }
  }

  /** Only names of errors are passed on: texts about signatures repeat what was signed. */
  #explained(error: unknown): CloudPhoenixError {
    const name = error instanceof Error ? error.name : "unknown";
    const status = statusOf(error);
    if (/QueueDoesNotExist|NonExistentQueue/.test(name))
      return this.#error("NOT_FOUND", name, error);
    const denied = /Credentials|AccessDenied|InvalidClientTokenId|SignatureDoesNotMatch/.test(name);
    if (denied || status === 401 || status === 403) return this.#error("OBJECT_STORE_DENIED", name);
    return this.#error("OBJECT_STORE_UNREACHABLE", name, error);
  }

  #error(code: ErrorCode, what: string, cause?: unknown): CloudPhoenixError {
    const retryable = code === "OBJECT_STORE_UNREACHABLE";
    return new CloudPhoenixError(code, `${this.address}: ${what}`, { retryable, cause });
  }
}

function statusOf(error: unknown): number | null {
  if (typeof error !== "object" || error === null || !("$metadata" in error)) return null;
  const { $metadata } = error;
  if (typeof $metadata !== "object" || $metadata === null) return null;
  const status = "httpStatusCode" in $metadata ? $metadata.httpStatusCode : null;
  return typeof status === "number" ? status : null;
}
