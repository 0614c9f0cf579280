/** The process of a site: a child of the world, steered over its IPC channel. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Instant } from "../network/operations.ts";
import { serveParent } from "../process/index.ts";
import type { SiteOperations } from "./operations.ts";
import { Site } from "./site.ts";

let site: Site | null = null;

function running(): Site {
  if (site !== null) return site;
  throw new CloudPhoenixError("NOT_RUNNING", "the site has not started", { retryable: false });
}

function now(): Instant {
  return { atMs: Date.now() };
}

/** The world was killed: nothing of this site may outlive it. */
async function endWithParent(): Promise<void> {
  await site?.lose();
  process.exit(0);
}

serveParent<SiteOperations>(
  {
    start: async (spec) => {
      site = await Site.start(spec);
      return null;
    },
    open: async ({ idle }) => {
      await running().open({ idle });
      return null;
    },
    "crash-pod": async () => {
      const pod = running().entry.pods.findLast(({ state }) => state === "running");
      if (pod === undefined) {
        throw new CloudPhoenixError("CONFLICT", "no pod is running", { retryable: false });
      }
      pod.crash();
      return now();
    },
    "restart-pods": async () => {
      for (const workload of running().workloads) workload.restart();
      return null;
    },
    "start-database": async () => {
      await running().database.start();
      return null;
    },
    "crash-database": async () => {
      const killed = running().database.kill();
      const instant = now();
      await killed;
      return instant;
    },
    "fail-zone": async ({ zone }) => {
      for (const workload of running().workloads) workload.failZone(zone);
      return now();
    },
    "restore-zone": async ({ zone }) => {
      for (const workload of running().workloads) workload.restoreZone(zone);
      return now();
    },
    "impair-database": async ({ impairment }) => {
      running().impairDatabase(impairment);
      return now();
    },
    "signal-agent": async ({ how }) => {
      running().signalAgent(how);
      return now();
    },
    lose: async () => {
      const lost = running().lose();
      const instant = now();
      await lost;
      return instant;
    },
    stop: async () => {
      await running().stop();
      return null;
    },
  },
  () => void endWithParent(),
);
