/** The queues of one server, by name. */
import { MessageQueue, type QueueSources } from "./message-queue.ts";

const ACCOUNT = "000000000000";

export class QueueRegistry {
  readonly #queues = new Map<string, MessageQueue>();
  readonly #sources: QueueSources;
  readonly #region: string;

  constructor(region: string, sources: QueueSources) {
    this.#region = region;
    this.#sources = sources;
  }

  /** Makes it if there is none. */
  create(name: string): MessageQueue {
    const queue = this.#queues.get(name) ?? new MessageQueue(name, this.#sources);
    this.#queues.set(name, queue);
    return queue;
  }

  get(name: string): MessageQueue | null {
    return this.#queues.get(name) ?? null;
  }

  byArn(arn: string): MessageQueue | null {
    const prefix = this.arnOf("");
    return arn.startsWith(prefix) ? this.get(arn.slice(prefix.length)) : null;
  }

  delete(name: string): boolean {
    return this.#queues.delete(name);
  }

  names(): readonly string[] {
    return [...this.#queues.keys()].toSorted();
  }

  arnOf(name: string): string {
    return `arn:aws:sqs:${this.#region}:${ACCOUNT}:${name}`;
  }

  /** Path of the queue's URL. */
  pathOf(name: string): string {
    return `/${ACCOUNT}/${name}`;
  }
}
