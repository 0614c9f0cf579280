/** A quarantined site on real rules and a pretended log. */

import type { Application, Policy } from "@cloudphoenix/core";
import {
  type Clock,
  type DivergentObject,
  type DivergentRow,
  MemoryAuditLog,
  MemoryFactStore,
  MemoryRoleStore,
  MemoryRunStore,
  type Quarantine,
  QuarantineDesk,
  ReturnedPrimaries,
} from "@cloudphoenix/engine";

export const RETURNED = "azure-westeurope";

/** What only the returned site has. */
export const LOST: readonly DivergentRow[] = [7, 8, 9].map((id) => ({
  table: "public.orders",
  operation: "insert",
  key: { id: String(id) },
  before: null,
  row: { id: String(id), customer: "ann" },
  unchanged: [],
  xid: String(700 + id),
  committedAtMs: 1_800_000_000_000,
}));

/** What of the objects only the returned site has, or has otherwise. */
export const LOST_OBJECTS: readonly DivergentObject[] = (
  ["only-there", "outdated", "differs"] as const
).map((kind, at) => ({
  key: `receipts/${at}.pdf`,
  kind,
  sizeBytes: 100,
  modifiedMs: 1_800_000_000_000,
  writer: kind === "differs" ? { sizeBytes: 90, modifiedMs: 1_800_000_001_000 } : null,
}));

const QUARANTINE: Quarantine = {
  site: RETURNED,
  writer: "aws-us-east-1",
  foundAtMs: 1_800_000_000_000,
  found: { role: "active", generation: 1 },
  fence: { means: "database", degree: "confirmed", detail: "writes are refused" },
  reopenedAtMs: null,
  divergence: {
    transactions: LOST.length,
    rowsByTable: { "public.orders": LOST.length },
    truncatesTables: [],
    firstAtMs: 1_800_000_000_000,
    lastAtMs: 1_800_000_000_000,
    rpoMs: 40,
    repairable: true,
    obstacles: [],
    fullCopyTables: [],
  },
  trouble: null,
  decisions: [],
};

export const SILENT = "the object store of azure-westeurope cannot be asked";

const never = (): Promise<never> => Promise.reject(new Error("nobody looks in these tests"));

/** @param conflicting - how many changes a reapply cannot write */
export async function fakeQuarantine(world: {
  readonly application: Application;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly quarantined: boolean;
  readonly conflicting: number;
  readonly objects: "some" | "none" | "silent";
}): Promise<{ readonly desk: QuarantineDesk; readonly returned: ReturnedPrimaries }> {
  const facts = new MemoryFactStore();
  await facts.put("parting:aws-us-east-1:azure-westeurope", {
    appliedLsn: "0/1000",
    reverseSlot: "back",
  });
  if (world.quarantined) {
    await facts.put(`quarantine:${RETURNED}`, JSON.parse(JSON.stringify(QUARANTINE)));
  }
  const returned = new ReturnedPrimaries(
    {
      ...world,
      databases: { inspect: never, fence: never },
      salvage: { inspect: never },
      roles: new MemoryRoleStore({
        generation: 2,
        active: "aws-us-east-1",
        claimedBy: null,
        protected: false,
      }),
      runs: new MemoryRunStore(),
      facts,
      audit: new MemoryAuditLog(),
      notifier: { notify: never },
    },
    { changed: () => undefined, trouble: () => undefined },
  );
  await returned.load();
  const { conflicting, objects } = world;
  const desk = new QuarantineDesk({
    ...world,
    facts,
    returned,
    databases: {
      inspect: async (site) => ({
        site,
        role: "active",
        generation: 2,
        writesOpen: true,
        durability: "async",
        version: "18",
      }),
    },
    divergentObjects:
      objects === "none"
        ? null
        : {
            async *compare() {
              if (objects === "silent") throw new Error(SILENT);
              for (const object of LOST_OBJECTS) yield { looked: 10, found: [object] };
            },
          },
    salvage: {
      async *rows() {
        yield* LOST;
      },
      reapply: async () => ({
        applied: LOST.length - conflicting,
        conflicting,
        conflicts: LOST.slice(0, conflicting),
        alreadyDone: false,
      }),
    },
  });
  return { desk, returned };
}
