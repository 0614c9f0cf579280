/**
 * The client load as a process of its own: `node main.ts <config.json>`.
 *
 * Commands come in on standard input, events go out on standard output, one JSON object per line
 * (load-protocol.ts). It ends on `quit` and when standard input closes, so it never outlives the
 * sandbox that started it.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { TtlResolver } from "@cloudphoenix/adapter-dns";
import { messageOf } from "@cloudphoenix/core";
import { systemClock } from "../process/system-clock.ts";
import { LoadClient } from "./load-client.ts";
import { parseLoadConfig, type LoadConfig } from "./load-config.ts";
import { type LoadCommand, type LoadEvent, parseCommand } from "./load-protocol.ts";

const random = { next: () => Math.random() };

function emit(event: LoadEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function clientOf(config: LoadConfig): LoadClient {
  const resolver = new TtlResolver({
    server: config.dns,
    clock: systemClock,
    random,
    timeoutMs: config.attemptTimeoutMs,
  });
  return new LoadClient({ config, resolver, clock: systemClock, random, emit });
}

async function obey(client: LoadClient, command: LoadCommand): Promise<void> {
  switch (command.command) {
    case "start":
      return client.start();
    case "stop":
      return client.stop();
    case "readback":
      emit({ event: "readback", ...(await client.readback(command)) });
      return;
    case "census":
      emit({ event: "census", ...(await client.census()) });
      return;
    case "quit":
      await client.close();
      process.exit(0);
  }
}

function run(client: LoadClient): void {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const obeyed = new Promise<void>((resolve) => resolve(obey(client, parseCommand(line))));
    obeyed.catch((error: unknown) => emit({ event: "error", message: messageOf(error) }));
  });
  lines.on("close", () => void obey(client, { command: "quit" }));
  // Whoever listened is gone, or will end us in order.
  process.stdout.on("error", () => process.exit(0));
  process.on("SIGINT", () => undefined);
  emit({ event: "ready" });
}

try {
  run(clientOf(parseLoadConfig(readFileSync(process.argv[2] ?? "", "utf8"))));
} catch (error) {
  process.stderr.write(`the load client cannot start: ${messageOf(error)}\n`);
  process.exitCode = 2;
}
