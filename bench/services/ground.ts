/** What every contestant stands on: one PostgreSQL with 10,000 orders, and a sink for traces. */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openServer } from "@cloudphoenix/local-postgres";
import { Client } from "pg";
import { atEnd } from "../at-end.ts";
import { ORDERS_SCHEMA } from "../../services/orders/src/schema.ts";

/** Where all of them find the orders. */
export interface Ground {
  /** For their logs; gone afterwards. */
  readonly directory: string;
  readonly databasePort: number;
  readonly passwordFile: string;
  readonly password: string;
  /** Takes spans and forgets them. */
  readonly traceSink: string;
}

const PASSWORD = "bench-only";

/** Runs `work` on it. @param firstPort - this and the next are used */
export async function onGround(
  firstPort: number,
  work: (ground: Ground) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "cloudphoenix-bench-"));
  const superuserFile = join(directory, "superuser");
  const passwordFile = join(directory, "app");
  await writeFile(superuserFile, PASSWORD, { mode: 0o600 });
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 });
  const server = await openServer({
    directory: join(directory, "postgres"),
    auth: { kind: "scram", passwordFile: superuserFile },
    socket: null,
    tcp: { host: "127.0.0.1", port: firstPort },
    settings: { max_connections: "200" },
  });
  const sink = createServer((request, response) => {
    request.resume().on("end", () => response.end("{}"));
  });
  const end = atEnd(async () => {
    sink.close();
    sink.closeAllConnections();
    await server.stop("immediate");
    await rm(directory, { recursive: true, force: true });
  });
  try {
    sink.listen(firstPort + 1, "127.0.0.1");
    await once(sink, "listening");
    await fill(server.url("postgres"));
    await work({
      directory,
      databasePort: firstPort,
      passwordFile,
      password: PASSWORD,
      traceSink: `http://127.0.0.1:${firstPort + 1}`,
    });
  } finally {
    await end();
  }
}

/** 10,000 orders in the schema of the service. */
async function fill(address: string): Promise<void> {
  const url = new URL(address);
  url.password = PASSWORD;
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(`create role app login password '${PASSWORD}'`);
    for (const text of ORDERS_SCHEMA.migrations.flatMap(({ statements }) => statements)) {
      await client.query(text);
    }
    for (const text of ORDERS_SCHEMA.grantsTo("app")) await client.query(text);
    await client.query(`insert into public.orders (number, customer, items)
      select 'ORD-' || n, 'customer ' || n, '[{"sku":"tea","quantity":2}]'
      from generate_series(1, 10000) n`);
    await client.query("vacuum analyze public.orders");
  } finally {
    await client.end();
  }
}
