/**
 * What Azurite's Blob service has done, told by its own handlers: a call that returned has changed a blob, one that
 * threw has not. That covers requests inside a batch, and those whose client is gone before the answer.
 *
 * It reaches into Azurite, whose version the lockfile holds; `test/blob-events.test.ts` goes red when it has moved.
 */

/** One blob that was written or deleted. */
export interface BlobChange {
  /** As Event Grid calls the operation. */
  readonly api: "PutBlob" | "PutBlockList" | "CopyBlob" | "DeleteBlob";
  readonly account: string;
  readonly container: string;
  readonly blob: string;
  readonly at: Date;
  readonly requestId: string;
  readonly clientRequestId: string | undefined;
  /** Null for a blob that is gone. */
  readonly properties: BlobProperties | null;
}

interface BlobProperties {
  readonly etag?: string;
  readonly contentType?: string;
  readonly contentLength?: number;
  readonly blobType?: string;
}

/** What Azurite hands to every handler as the last argument. */
interface Context {
  readonly contextId: string;
  readonly context: {
    readonly account: string;
    readonly container: string;
    readonly blob: string;
  };
}

/** The argument before it; every operation has others. */
interface Options {
  readonly requestId?: string;
  readonly snapshot?: string;
  readonly deleteSnapshots?: string;
}

interface Handler {
  readonly metadataStore: {
    getBlobProperties(
      context: Context,
      account: string,
      container: string,
      blob: string,
    ): Promise<{ readonly properties: BlobProperties }>;
  };
}

type Operation = (this: Handler, ...args: unknown[]) => Promise<unknown>;
type HandlerModule = Readonly<Record<"default", { prototype: Record<string, Operation> }>>;

const OPERATIONS: readonly {
  readonly module: string;
  readonly method: string;
  readonly api: BlobChange["api"];
}[] = [
  { module: "BlockBlobHandler", method: "upload", api: "PutBlob" },
  { module: "BlockBlobHandler", method: "commitBlockList", api: "PutBlockList" },
  { module: "PageBlobHandler", method: "create", api: "PutBlob" },
  { module: "AppendBlobHandler", method: "create", api: "PutBlob" },
  { module: "BlobHandler", method: "startCopyFromURL", api: "CopyBlob" },
  { module: "BlobHandler", method: "copyFromURL", api: "CopyBlob" },
  { module: "BlobHandler", method: "delete", api: "DeleteBlob" },
];

/**
 * Tells of every change from now on. `told` is called after the change and must not throw; nobody waits for it.
 * @param load - loads a module of Azurite's Blob handlers
 */
export function watchBlobChanges(
  load: (module: string) => unknown,
  told: (change: BlobChange) => void,
): void {
  for (const { module, method, api } of OPERATIONS) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Azurite's own, see the file's header
    const { prototype } = (load(module) as HandlerModule).default;
    const operation = prototype[method];
    if (operation === undefined) throw new Error(`Azurite has no ${module}.${method}`);
    prototype[method] = async function watched(this: Handler, ...args: unknown[]) {
      const answer = await operation.apply(this, args);
      void tell(this, api, args, told);
      return answer;
    };
  }
}

async function tell(
  { metadataStore }: Handler,
  api: BlobChange["api"],
  args: readonly unknown[],
  told: (change: BlobChange) => void,
): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Azurite's own, see the file's header
  const [options, context] = args.slice(-2) as [Options, Context];
  const { account, container, blob } = context.context;
  const isDeleted = api === "DeleteBlob";
  // The blob itself stays when only snapshots of it go.
  if (isDeleted && ((options.snapshot ?? "") !== "" || options.deleteSnapshots === "only")) return;
  const at = new Date();
  const properties = isDeleted
    ? null
    : await metadataStore.getBlobProperties(context, account, container, blob).then(
        (found) => ({ ...found.properties }),
        // Deleted again already: the event says less.
        () => ({}),
      );
  const { contextId: requestId } = context;
  const clientRequestId = options.requestId;
  told({ api, account, container, blob, at, requestId, clientRequestId, properties });
}
