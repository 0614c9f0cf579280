/** The programs a sandbox runs, and what each is told. Secrets are only ever named by their file. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProgramSpec } from "../process/index.ts";
import type { Layout } from "./layout.ts";
import { NAMES, type Place, type WorkloadName } from "./places.ts";
import type { PortBook } from "./ports.ts";
import { SECRETS } from "./secrets.ts";
import { linkName } from "./topology.ts";

function fileOf(pathFromRoot: string): string {
  return fileURLToPath(new URL(`../../../../${pathFromRoot}`, import.meta.url));
}

/**
 * Compiled code is kept between starts: a controller that was killed is back in half the time. Whoever
 * opens one sandbox after the other may keep it in one place for all of them.
 */
function quickStart(layout: Layout): ProgramSpec["env"] {
  const shared = process.env["NODE_COMPILE_CACHE"];
  return { NODE_COMPILE_CACHE: shared ?? join(layout.cache, "compiled") };
}

/** Runs `program` with a time of day that is wrong by `offsetMs`; what it starts inherits that. */
export function withClockOffset(program: ProgramSpec, offsetMs = 0): ProgramSpec {
  if (offsetMs === 0) return program;
  const shift = new URL("../process/shifted-clock.ts", import.meta.url).href;
  const env = { NODE_OPTIONS: `--import=${shift}`, CLOUDPHOENIX_CLOCK_OFFSET_MS: String(offsetMs) };
  return { ...program, env: { ...program.env, ...env } };
}

/** Links, DNS and the canary. */
export function networkProgram(layout: Layout): ProgramSpec {
  const program = fileOf("apps/sandbox/src/network/main.ts");
  return { program, args: [], env: quickStart(layout) };
}

/** A site; its pods and its agent inherit the environment. */
export function siteProgram(layout: Layout): ProgramSpec {
  return { program: fileOf("apps/sandbox/src/site/main.ts"), args: [], env: quickStart(layout) };
}

/** One pod of a workload; host, port and pod name are added by whoever starts it. */
export function workloadProgram(
  workload: WorkloadName,
  place: Place,
  layout: Layout,
  ports: PortBook,
): ProgramSpec {
  return {
    program: fileOf(`services/${workload}/src/main.ts`),
    args: [],
    env: {
      ...(workload === "storefront"
        ? { ORDERS_URL: `http://127.0.0.1:${ports.get(`${place.cloud}:balancer`)}` }
        : databaseOf(place, layout, ports)),
      SITE: place.id,
      CLOUD: place.cloud,
      REGION: place.region,
      LOG_LEVEL: "warn",
      // All clients of a sandbox come from one address.
      RATE_LIMIT_PER_MINUTE: "0",
      // One readiness check of the balancer (250 ms) has to see "not ready" before the socket closes.
      SHUTDOWN_DELAY_MS: "300",
    },
  };
}

function databaseOf(place: Place, layout: Layout, ports: PortBook): ProgramSpec["env"] {
  const port = ports.get(`${place.cloud}:database-link`);
  return {
    DATABASE_URL: `postgresql://${NAMES.applicationRole}@127.0.0.1:${port}/${NAMES.database}`,
    DATABASE_PASSWORD_FILE: layout.secret(SECRETS.application),
  };
}

/** Brings one database to the schema of one service. */
export function migrationProgram(
  workload: "orders" | "fulfilment",
  place: Place,
  layout: Layout,
  ports: PortBook,
): ProgramSpec {
  const port = ports.get(linkName("control", place.cloud, "postgres"));
  return {
    program: fileOf(`services/${workload}/src/migrate.ts`),
    args: [],
    env: {
      ...quickStart(layout),
      DATABASE_URL: `postgresql://${NAMES.adminRole}@127.0.0.1:${port}/${NAMES.database}`,
      DATABASE_PASSWORD_FILE: layout.secret(SECRETS.database(place.cloud)),
      APP_ROLE: NAMES.applicationRole,
    },
  };
}

/** The agent of a vantage. */
export function agentProgram(vantage: string, layout: Layout, ports: PortBook): ProgramSpec {
  const listen = `127.0.0.1:${ports.get(`${vantage}:agent`)}`;
  return {
    program: fileOf("apps/agent/src/main.ts"),
    args: flags({
      config: layout.configFile(1),
      vantage,
      listen,
      "token-file": layout.secret(SECRETS.agent),
      "log-level": "warn",
    }),
    env: quickStart(layout),
  };
}

/** Copies the application's objects from site to site. */
export function workerProgram(layout: Layout, ports: PortBook): ProgramSpec {
  return {
    program: fileOf("apps/worker/src/main.ts"),
    args: flags({ config: layout.configFile(1), listen: `127.0.0.1:${ports.get("worker")}` }),
    env: quickStart(layout),
  };
}

/** The client load. `configFile` is read by it, see `load-config.ts`. */
export function loadProgram(configFile: string): ProgramSpec {
  return { program: fileOf("apps/sandbox/src/load/main.ts"), args: [configFile], env: {} };
}

function flags(values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
}

/** @param index - 1 or 2 */
export function controllerProgram(index: number, layout: Layout): ProgramSpec {
  return {
    program: fileOf("apps/controller/src/main.ts"),
    args: ["--config", layout.configFile(index)],
    env: quickStart(layout),
  };
}
