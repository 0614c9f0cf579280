/** A sandbox of its own for one test file, and the questions the tests ask it. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Decision, RunRecord } from "@cloudphoenix/core";
import { openWorld, type World, type WorldOptions } from "@cloudphoenix/sandbox";
import { ApiClient } from "../../apps/cli/src/api-client.ts";
import { connectTo } from "../../apps/cli/src/connection.ts";
import type { StatusDocument } from "../../apps/cli/src/render/status-text.ts";

export interface SandboxUnderTest {
  readonly world: World;
  readonly api: ApiClient;
  /** What `--dir` has to say for the command to find it; its `--name` is `test`. */
  readonly directory: string;
  status(): Promise<StatusDocument>;
  decision(): Promise<Decision>;
  explain(): Promise<string>;
  /** Newest first. */
  runs(): Promise<readonly RunRecord[]>;
  close(): Promise<void>;
}

/** Opens a sandbox in a folder of its own that is gone after `close`. */
export async function sandboxUnderTest(
  options: Omit<WorldOptions, "name" | "directory"> = {},
): Promise<SandboxUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), "cloudphoenix-e2e-"));
  // Run by root, PostgreSQL runs as another user, who must get in; or else it lives elsewhere.
  chmodSync(directory, 0o755);
  const world = await openWorld({ name: "test", directory, ...options });
  const api = await connectTo(world.urls.controllers, world.apiTokenFile);
  return {
    world,
    api,
    directory,
    status: () => api.send("/v1/status"),
    decision: async () => (await api.send<{ decision: Decision }>("/v1/explain")).decision,
    explain: async () => (await api.send<{ text: string }>("/v1/explain")).text,
    runs: async () => (await api.send<{ runs: RunRecord[] }>("/v1/runs?limit=50")).runs,
    close: async () => {
      await world.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Says yes if a slow machine made `run` long enough, or the data old enough, to look risky to it. */
export async function approveIfAsked(api: ApiClient, run: RunRecord): Promise<void> {
  if (run.status !== "waiting-approval") return;
  const { question } = run;
  const body = { by: "ann", question, comment: "a slow machine made it look risky" };
  await api.send(`/v1/runs/${run.id}/approve`, { method: "POST", body });
}

/**
 * Asks until the answer is one that `wanted` takes, and returns it.
 * @throws with the last answer if none came within `limitMs`
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
  limitMs = 30_000,
): Promise<T> {
  const end = Date.now() + limitMs;
  let last: unknown = "no answer";
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (wanted(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  throw new Error(`${what} did not happen within ${limitMs} ms; last: ${JSON.stringify(last)}`, {
    cause: last,
  });
}
