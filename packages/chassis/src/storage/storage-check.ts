/** The object store in `/health`: without it a service is worse, not useless. */
import type { DependencyCheck } from "../health/dependency-check.ts";
import type { ObjectStorage } from "./object-storage.ts";

/** Whether the bucket or container can be used. Not critical: what it is for can wait in a table. */
export function storageCheck(storage: Pick<ObjectStorage, "check">): DependencyCheck {
  return {
    name: "storage",
    critical: false,
    check: async (signal) => {
      await storage.check(signal);
      return {};
    },
  };
}
