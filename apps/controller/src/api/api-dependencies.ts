/** What the API is given, and the type of the server its routes are registered on. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Application, Policy } from "@cloudphoenix/core";
import type { AuditLog, Clock, FactStore, RoleStore, RunStore } from "@cloudphoenix/engine";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { EventHub } from "../events/event-hub.ts";
import type { ControlRoom } from "./control-room.ts";

/** The server, with requests typed by their zod schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export interface ApiDependencies {
  readonly application: Application;
  readonly policy: Policy;
  readonly version: string;
  readonly clock: Clock;
  readonly startedAtMs: number;
  /** The bearer token every protected route wants. */
  readonly token: string;
  readonly roles: Pick<RoleStore, "read">;
  readonly runs: Pick<RunStore, "get" | "list" | "events">;
  readonly facts: FactStore;
  readonly audit: AuditLog;
  readonly hub: EventHub;
  /** The control room while this controller leads; null while it follows. */
  leading(): ControlRoom | null;
  /** Prometheus text. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}
