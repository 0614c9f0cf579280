/**
 * The process that becomes Azurite. The account goes from standard input into this process's own
 * environment, where Azurite looks for it; nobody else sees it.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { readyLine } from "../process/child-server.ts";
import { readSpec } from "../process/read-spec.ts";
import { type AzuriteSpec, azuriteArguments } from "./azurite-spec.ts";
import { EventPublisher } from "./publish-events.ts";

const SAVE_LIMIT_MS = 3_000;
let isEnding = false;
let events: EventPublisher | null = null;

/** Azurite saves when it is asked to end; it does not always end, so we do. */
function end(): void {
  if (isEnding) return;
  isEnding = true;
  events?.close();
  setTimeout(() => process.exit(0), SAVE_LIMIT_MS).unref();
  process.emit("SIGTERM");
}

/** Says that it serves. @param origins - of the Blob service and, if it runs, of the Queue service */
async function serve(origins: readonly string[]): Promise<void> {
  await events?.open(origins);
  process.stdout.write(readyLine({ origins }));
}

// Our own parent wrote it a moment ago.
const spec = await readSpec<AzuriteSpec>(end);
process.env["AZURITE_ACCOUNTS"] = `${spec.accountName}:${spec.accountKey}`;
process.argv = [process.argv[0] ?? "", "azurite", ...azuriteArguments(spec)];

const origins: string[] = [];
const expected = spec.queuePort === null ? 1 : 3;
// Azurite says where it listens, service by service, in the order Blob, Queue, Table.
console.log = (message: unknown) => {
  const origin = /successfully .*(http:\/\/\S+)/u.exec(String(message))?.[1];
  if (origin === undefined) return;
  origins.push(origin);
  if (origins.length === expected) void serve(origins.slice(0, 2));
};

const require = createRequire(import.meta.url);
const distribution = join(dirname(require.resolve("azurite/package.json")), "dist/src");
if (spec.eventQueue !== null) {
  events = new EventPublisher(spec, spec.eventQueue, require, distribution);
}
require(join(distribution, spec.queuePort === null ? "blob/main.js" : "azurite.js"));
