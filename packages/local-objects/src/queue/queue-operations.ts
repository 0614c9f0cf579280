/** The operations of SQS that a reader of events needs, in its JSON protocol. */
import { hash } from "node:crypto";
import type { LocalCredentials } from "../signature/credentials.ts";
import { type MessageQueue, type QueueMessage, receiptHandleOf } from "./message-queue.ts";
import type { QueueRegistry } from "./queue-registry.ts";

/** A refusal in the words of SQS. */
export class QueueError extends Error {
  /** The code of the JSON protocol, for instance `QueueDoesNotExist`. */
  readonly code: string;
  /** The older code that clients still look for. */
  readonly queryCode: string;
  readonly status: number;

  constructor(code: string, message: string, more: { queryCode?: string; status?: number } = {}) {
    super(message);
    this.code = code;
    this.queryCode = more.queryCode ?? code;
    this.status = more.status ?? 400;
  }
}

/** Whoever asks, and whether he still waits. */
interface QueueCall {
  readonly input: Readonly<Record<string, unknown>>;
  readonly queues: QueueRegistry;
  /** For instance `http://127.0.0.1:9001`. */
  readonly endpoint: string;
  readonly signal: AbortSignal;
  readonly accessKeyId: LocalCredentials["accessKeyId"];
}

export type QueueOperation = (call: QueueCall) => object | Promise<object>;

const VISIBILITY_S = 30;
const VISIBILITY_MAX_S = 43_200;
const WAIT_MAX_S = 20;
const BODY_MAX_BYTES = 1024 * 1024;

/** By name, as in `X-Amz-Target: AmazonSQS.<name>`. */
export const QUEUE_OPERATIONS: Readonly<Record<string, QueueOperation>> = {
  CreateQueue: ({ input, queues, endpoint }) => {
    const name = textOf(input, "QueueName");
    if (!/^[\w-]{1,80}$/u.test(name)) throw invalid("QueueName", name);
    queues.create(name);
    return { QueueUrl: endpoint + queues.pathOf(name) };
  },
  DeleteQueue: (call) => {
    call.queues.delete(queueOf(call).name);
    return {};
  },
  GetQueueUrl: ({ input, queues, endpoint }) => {
    const queue = queues.get(textOf(input, "QueueName"));
    if (queue === null) throw noQueue();
    return { QueueUrl: endpoint + queues.pathOf(queue.name) };
  },
  ListQueues: ({ queues, endpoint }) => ({
    QueueUrls: queues.names().map((name) => endpoint + queues.pathOf(name)),
  }),
  GetQueueAttributes: (call) => {
    const queue = queueOf(call);
    const { visible, hidden } = queue.counts();
    const all: Record<string, string> = {
      ApproximateNumberOfMessages: String(visible),
      ApproximateNumberOfMessagesNotVisible: String(hidden),
      ApproximateNumberOfMessagesDelayed: "0",
      QueueArn: call.queues.arnOf(queue.name),
      VisibilityTimeout: String(VISIBILITY_S),
    };
    const wanted = listOf(call.input, "AttributeNames").map(String);
    const names = Object.keys(all).filter(
      (name) => wanted.includes("All") || wanted.includes(name),
    );
    return { Attributes: Object.fromEntries(names.map((name) => [name, all[name]])) };
  },
  PurgeQueue: (call) => {
    queueOf(call).purge();
    return {};
  },
  SendMessage: (call) => {
    const body = textOf(call.input, "MessageBody");
    if (Buffer.byteLength(body) > BODY_MAX_BYTES) throw invalid("MessageBody", "too long");
    const MessageId = queueOf(call).send(body);
    return { MessageId, MD5OfMessageBody: hash("md5", body) };
  },
  ReceiveMessage: receiveMessage,
  DeleteMessage: (call) => {
    // A handle that is no longer the newest is taken without effect, as SQS does.
    queueOf(call).delete(textOf(call.input, "ReceiptHandle"));
    return {};
  },
  DeleteMessageBatch: (call) => {
    const queue = queueOf(call);
    return batchOf(call, (entry) => {
      queue.delete(textOf(entry, "ReceiptHandle"));
    });
  },
  ChangeMessageVisibility: (call) => {
    changeVisibility(queueOf(call), call.input);
    return {};
  },
  ChangeMessageVisibilityBatch: (call) => {
    const queue = queueOf(call);
    return batchOf(call, (entry) => changeVisibility(queue, entry));
  },
};

async function receiveMessage(call: QueueCall): Promise<object> {
  const { input, signal, accessKeyId } = call;
  const messages = await queueOf(call).receive({
    max: numberOf(input, "MaxNumberOfMessages", { usual: 1, min: 1, max: 10 }),
    visibilityMs:
      1000 *
      numberOf(input, "VisibilityTimeout", { usual: VISIBILITY_S, min: 0, max: VISIBILITY_MAX_S }),
    waitMs: 1000 * numberOf(input, "WaitTimeSeconds", { usual: 0, min: 0, max: WAIT_MAX_S }),
    signal,
  });
  const wanted = ["MessageSystemAttributeNames", "AttributeNames"]
    .flatMap((name) => listOf(input, name))
    .map(String);
  return messages.length === 0
    ? {}
    : { Messages: messages.map((message) => messageOf(message, wanted, accessKeyId)) };
}

function messageOf(message: QueueMessage, wanted: readonly string[], sender: string): object {
  const all: Record<string, string> = {
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
    ApproximateReceiveCount: String(message.receiveCount),
    SenderId: sender,
    SentTimestamp: String(message.sentMs),
  };
  const names = Object.keys(all).filter((name) => wanted.includes("All") || wanted.includes(name));
  return {
    MessageId: message.id,
    ReceiptHandle: receiptHandleOf(message),
    MD5OfBody: message.md5,
    Body: message.body,
    ...(names.length === 0
      ? {}
      : { Attributes: Object.fromEntries(names.map((name) => [name, all[name]])) }),
  };
}

function changeVisibility(queue: MessageQueue, input: QueueCall["input"]): void {
  const seconds = numberOf(input, "VisibilityTimeout", {
    usual: -1,
    min: 0,
    max: VISIBILITY_MAX_S,
  });
  if (queue.changeVisibility(textOf(input, "ReceiptHandle"), seconds * 1000)) return;
  throw new QueueError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.");
}

/** Up to ten entries, each with its own outcome. */
function batchOf(call: QueueCall, act: (entry: QueueCall["input"]) => void): object {
  const entries = listOf(call.input, "Entries").filter(isRecord);
  if (entries.length === 0) {
    throw new QueueError("EmptyBatchRequest", "The batch request doesn't contain any entries.", {
      queryCode: "AWS.SimpleQueueService.EmptyBatchRequest",
    });
  }
  if (entries.length > 10) {
    throw new QueueError("TooManyEntriesInBatchRequest", "Maximum number of entries is 10.", {
      queryCode: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    });
  }
  const [successful, failed]: [object[], object[]] = [[], []];
  for (const entry of entries) {
    const Id = textOf(entry, "Id");
    try {
      act(entry);
      successful.push({ Id });
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      failed.push({ Id, SenderFault: true, Code: error.code, Message: error.message });
    }
  }
  return { Successful: successful, Failed: failed };
}

function queueOf({ input, queues }: QueueCall): MessageQueue {
  const path = textOf(input, "QueueUrl").replace(/^https?:\/\/[^/]*/u, "");
  const queue = queues.get(path.slice(path.lastIndexOf("/") + 1));
  if (queue === null) throw noQueue();
  return queue;
}

function noQueue(): QueueError {
  return new QueueError("QueueDoesNotExist", "The specified queue does not exist.", {
    queryCode: "AWS.SimpleQueueService.NonExistentQueue",
  });
}

function invalid(name: string, value: string): QueueError {
  return new QueueError(
    "InvalidParameterValue",
    `Value ${value.slice(0, 80)} for parameter ${name} is invalid.`,
  );
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(input: QueueCall["input"], name: string): string {
  const value = input[name];
  if (typeof value === "string") return value;
  throw new QueueError("MissingParameter", `The request must contain the parameter ${name}.`);
}

function listOf(input: QueueCall["input"], name: string): readonly unknown[] {
  const value = input[name];
  return Array.isArray(value) ? value : [];
}

function numberOf(
  input: QueueCall["input"],
  name: string,
  limits: { readonly usual: number; readonly min: number; readonly max: number },
): number {
  const value = input[name] ?? limits.usual;
  const isValid = typeof value === "number" && Number.isInteger(value);
  if (isValid && value >= limits.min && value <= limits.max) return value;
  throw invalid(name, JSON.stringify(value));
}
