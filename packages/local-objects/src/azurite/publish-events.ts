/** Events of every blob that Azurite writes or deletes, put on a queue of its own Queue service. */
import { join } from "node:path";
import type { AzuriteSpec } from "./azurite-spec.ts";
import { type BlobChange, watchBlobChanges } from "./blob-changes.ts";
import { EventDeliverer } from "./event-deliverer.ts";
import { gridMessage } from "./grid-event.ts";

/** Watches from the start; publishes once it is told where Azurite listens. */
export class EventPublisher {
  readonly #spec: AzuriteSpec;
  readonly #queue: string;
  #deliverer: EventDeliverer | null = null;
  #blobEndpoint = "";
  /** Grows from one start to the next, too. */
  #sequence = BigInt(Date.now()) << 20n;

  /** @param load - Node's `require`; @param distribution - Azurite's folder of modules */
  constructor(
    spec: AzuriteSpec,
    queue: string,
    load: (module: string) => unknown,
    distribution: string,
  ) {
    this.#spec = spec;
    this.#queue = queue;
    watchBlobChanges(
      (module) => load(join(distribution, "blob/handlers", `${module}.js`)),
      (change) => this.#publish(change),
    );
  }

  /** @param origins - of the Blob and of the Queue service. @throws {Error} if the queue cannot be made */
  async open([blob = "", queue = ""]: readonly string[]): Promise<void> {
    const { accountName, accountKey } = this.#spec;
    this.#blobEndpoint = `${blob}/${accountName}`;
    const queueEndpoint = `${queue}/${accountName}`;
    const deliverer = new EventDeliverer({
      queueEndpoint,
      queue: this.#queue,
      accountName,
      accountKey,
    });
    await deliverer.open();
    this.#deliverer = deliverer;
  }

  close(): void {
    this.#deliverer?.close();
  }

  #publish(change: BlobChange): void {
    this.#sequence += 1n;
    this.#deliverer?.send(gridMessage(change, this.#blobEndpoint, this.#sequence));
  }
}
