import { readFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openWorld } from "../src/index.ts";

test("begins again with other ports if one was taken after it was picked", async () => {
  const directory = await mkdtemp(join(tmpdir(), "open-world-"));
  // Reachable for the user PostgreSQL runs as, so that everything stays in here.
  await chmod(directory, 0o755);
  const progress: string[] = [];
  const giveUp = new AbortController();
  let thieves: readonly Server[] = [];
  try {
    const opening = openWorld({
      name: "demo",
      directory,
      signal: giveUp.signal,
      onProgress: (text) => {
        progress.push(text);
        if (thieves.length === 0 && text.startsWith("Starting the network"))
          thieves = takePortsOf(join(directory, "demo", "config.yaml"));
        if (text.startsWith("Setting up roles")) giveUp.abort();
      },
    });

    await expect(opening).rejects.toMatchObject({ code: "ABORTED" });

    expect(progress.map((text) => text.split(/[ ,:]/)[0])).toEqual([
      "Preparing",
      "Starting",
      "A",
      "Preparing",
      "Starting",
      "Setting",
    ]);
  } finally {
    for (const thief of thieves) thief.close();
    await rm(directory, { recursive: true, force: true });
  }
}, 60_000);

/** Listens on every port that the configuration names. */
function takePortsOf(file: string): readonly Server[] {
  const text = readFileSync(file, "utf8");
  const ports = new Set([...text.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port)));
  expect(ports.size).toBeGreaterThan(5);
  return [...ports].map((port) => createServer().listen(port, "127.0.0.1"));
}
