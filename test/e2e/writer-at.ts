/** An application that writes at one site, from inside it: no link is in between. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { World } from "@cloudphoenix/sandbox";
import { Client, DatabaseError } from "pg";
import { parse } from "yaml";

/** What became of one write. */
export interface Attempt {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly accepted: boolean;
  /** Writer epoch of the site as the write saw it; null if it was not accepted. */
  readonly epoch: number | null;
  /** SQLSTATE of a refusal; null if it was accepted, or nobody answered. */
  readonly refusedBy: string | null;
}

/** Writes one row at the site `id`, on a connection of its own. Never throws. */
export async function writeAt(world: World, id: string): Promise<Attempt> {
  const client = new Client(addressOf(world, id));
  client.on("error", () => undefined);
  const startedAtMs = Date.now();
  const ended = (epoch: number | null, refusedBy: string | null): Attempt => ({
    startedAtMs,
    endedAtMs: Date.now(),
    accepted: epoch !== null,
    epoch,
    refusedBy,
  });
  try {
    await client.connect();
    const { rows } = await client.query<{ readonly epoch: string }>(
      "insert into public.orders (number, customer, items) values ($1, 'inside', '[]') returning (select generation from cloudphoenix.site) as epoch",
      [`INSIDE-${crypto.randomUUID()}`],
    );
    return ended(Number(rows[0]?.epoch), null);
  } catch (error) {
    return ended(null, error instanceof DatabaseError ? (error.code ?? null) : null);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The address its own agent uses, with the role and password of the application. */
function addressOf(world: World, id: string): ConstructorParameters<typeof Client>[0] {
  const document: {
    readonly sites: readonly {
      readonly id: string;
      readonly database: { readonly application_role: string };
      readonly keeper: { readonly database_url: string };
    }[];
  } = parse(readFileSync(world.configFile, "utf8"));
  const site = document.sites.find((one) => one.id === id);
  if (site === undefined) throw new RangeError(`there is no site ${id}`);
  const url = new URL(site.keeper.database_url);
  const secret = join(dirname(world.configFile), "secrets", "application");
  return {
    host: url.hostname,
    port: Number(url.port),
    database: url.pathname.slice(1),
    user: site.database.application_role,
    password: readFileSync(secret, "utf8").trim(),
    ssl: false,
    connectionTimeoutMillis: 2_000,
    query_timeout: 2_000,
  };
}
