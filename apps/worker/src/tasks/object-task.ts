/** What the tasks about objects have in common. */
import type { ObjectMemory } from "@cloudphoenix/adapter-dbos";
import { type Application, CloudPhoenixError, type Json } from "@cloudphoenix/core";
import type { FactStore, RoleStore } from "@cloudphoenix/engine";
import type { CopiedVersions } from "@cloudphoenix/objects";
import type { Logger } from "pino";
import { z } from "zod";
import type { CopyParts } from "../composition/copy-parts.ts";
import type { SiteStores } from "../composition/site-stores.ts";
import type { DirectionReader } from "../follower/direction-reader.ts";

export interface ObjectTaskParts {
  readonly application: Application;
  readonly stores: SiteStores;
  readonly copyParts: CopyParts;
  readonly memory: (pair: string) => ObjectMemory;
  readonly roles: Pick<RoleStore, "read">;
  readonly directions: DirectionReader;
  readonly facts: FactStore;
  readonly copiedVersions: CopiedVersions;
  readonly log: Logger;
  /** Objects copied at the same time by one task. */
  readonly inFlight: number;
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` naming every field that is wrong; final */
export function parsed<T>(schema: z.ZodType<T>, payload: Json): T {
  const result = schema.safeParse(payload);
  if (result.success) return result.data;
  const message = `the payload cannot be used: ${z.prettifyError(result.error)}`;
  throw new CloudPhoenixError("BAD_REQUEST", message, {
    retryable: false,
    hint: "Enqueue it with the release of CloudPhoenix that the workers run.",
  });
}
