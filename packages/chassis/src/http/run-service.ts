/**
 * Listens, and on a signal stops in an order in which no accepted request is lost.
 *
 * 1. First signal: `/ready` says no, answers ask the client to go elsewhere, and requests go on being
 *    served for as long as load balancers need to notice.
 * 2. Then: nobody can connect any more, requests in flight finish, and what the service holds open is
 *    closed, newest first.
 * 3. Second signal, or the deadline: the process ends at once with code 1.
 * 4. SIGUSR2 turns debug logs on for fifteen minutes, and off again.
 * 5. An uncaught error takes the same way out, with code 1.
 */
import { setTimeout as delay } from "node:timers/promises";
import closeWithGrace from "close-with-grace";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { Health } from "../health/health.ts";
import { debugSwitch } from "../observe/debug-switch.ts";

/** What to run and how to stop it. */
export interface ServiceParts {
  readonly app: FastifyInstance;
  readonly health: Health;
  readonly logger: FastifyBaseLogger;
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /**
   * How long the service answers "not ready" before it stops listening. At least one readiness
   * probe of the load balancer must fall into this time. Default 1 s.
   */
  readonly shutdownDelayMs?: number;
  /** After this the process ends even if requests are still running. Default 10 s. */
  readonly shutdownDeadlineMs?: number;
  /** What to stop before requests are: work the service does by itself. Runs with stage one. */
  readonly quiesce?: readonly (() => Promise<void>)[];
  /** What to close when no request is left: databases, clients, exporters. In this order. */
  readonly closers?: readonly (() => Promise<void>)[];
}

/** A listening service. */
export interface RunningService {
  readonly port: number;
  /** Stops as described above, without ending the process. Idempotent. */
  drain(): Promise<void>;
}

/** Listens. Does not touch the process: for tests, and for services inside another program. */
export async function startService(parts: ServiceParts): Promise<RunningService> {
  const { host, logger } = parts;
  const url = await parts.app.listen({ host, port: parts.port, listenTextResolver: listenText });
  parts.health.markStarted();
  const port = Number(new URL(url).port);
  logger.info({ port }, "listening");
  let draining: Promise<void> | null = null;
  return {
    port,
    drain() {
      draining ??= stop(parts);
      return draining;
    },
  };
}

/** Listens and ends the process on SIGTERM and SIGINT, see the head of this file. */
export async function runService(parts: ServiceParts): Promise<RunningService> {
  const service = await startService(parts);
  const { logger } = parts;
  process.on("SIGUSR2", debugSwitch(logger));
  closeWithGrace(
    {
      delay: parts.shutdownDeadlineMs ?? 10_000,
      logger: undefined,
      onSecondSignal: (signal) => logger.error({ signal }, "told twice to stop: leaving at once"),
      onSecondError: (error) => logger.error({ err: error }, "failed while stopping"),
      onTimeout: () => logger.error("draining took too long: leaving"),
      // The end of the event loop is not a reason to stop; there is nothing left to stop then.
      skip: ["beforeExit", "SIGUSR2"],
    },
    async ({ signal, err }) => {
      if (err !== undefined) logger.fatal({ err }, "uncaught error");
      else logger.info({ signal }, "draining");
      await service.drain();
      logger.info("drained");
    },
  );
  return service;
}

/** The framework's own line; ours follows with the port as a field. */
function listenText(address: string): string {
  return `http server at ${address}`;
}

async function stop(parts: ServiceParts): Promise<void> {
  const { app, health, logger } = parts;
  health.beginDraining();
  await Promise.all([
    delay(parts.shutdownDelayMs ?? 1_000),
    ...(parts.quiesce ?? []).map((quiesce) => quiesce().catch(logged(logger))),
  ]);
  await app.close();
  for (const close of parts.closers ?? []) await close().catch(logged(logger));
}

/** One part that cannot be closed must not keep the others open. */
function logged(logger: FastifyBaseLogger): (error: unknown) => void {
  return (error) => logger.error({ err: error }, "a part could not be closed");
}
