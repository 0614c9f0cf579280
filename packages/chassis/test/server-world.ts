/** A server of the chassis in this process, without a database. */
import type { FastifyInstance } from "fastify";
import {
  buildServer,
  createLogger,
  Health,
  Metrics,
  startService,
  type DependencyCheck,
  type LogLevel,
  type RunningService,
  type ServerParts,
} from "../src/index.ts";
import type { Logger } from "pino";

export interface ServerWorld extends RunningService {
  readonly url: string;
  readonly app: FastifyInstance;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly logger: Logger;
  /** Everything logged so far. */
  readonly lines: Record<string, unknown>[];
}

const IDENTITY = { site: "s1", cloud: "aws", region: "us-east-1", pod: "p1" };

export async function serveWith(
  routes: (app: FastifyInstance) => void,
  options: Partial<ServerParts> & {
    readonly checks?: readonly DependencyCheck[];
    readonly level?: LogLevel;
    readonly personalFields?: readonly string[];
  } = {},
): Promise<ServerWorld> {
  const { checks = [], level = "info", personalFields = [], ...parts } = options;
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({
    labels: { service: "test", version: "1", site: "s1", pod: "p1" },
    level,
    personalFields,
    destination: { write: (line) => lines.push(JSON.parse(line)) },
  });
  const metrics = new Metrics({ service: "test", version: "1", commit: "abc", site: "s1" });
  const health = new Health({ identity: IDENTITY, watch: null, checks });
  const app = await buildServer({
    service: "test",
    version: "1",
    logger,
    metrics,
    health,
    rateLimit: null,
    ...parts,
  });
  routes(app);
  const service = await startService({
    app,
    health,
    logger,
    host: "127.0.0.1",
    port: 0,
    shutdownDelayMs: 0,
  });
  return {
    ...service,
    url: `http://127.0.0.1:${service.port}`,
    app,
    metrics,
    health,
    logger,
    lines,
  };
}
