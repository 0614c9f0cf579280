/** What the load generator does, and how much of it a server takes. */
import { readFileSync } from "node:fs";
import type { Client } from "pg";
import { ACCOUNTS, type BenchDatabase, BRANCHES } from "./bench-server.ts";

export interface Workload {
  readonly name: string;
  readonly clients: number;
  /** One transaction. */
  once(client: Client): Promise<void>;
}

/** Transactions per second, and CPU time of the server processes for each. */
export interface Yield {
  readonly perSecond: number;
  readonly cpuUs: number;
}

const CLIENTS = 4;

export const WORKLOADS: readonly Workload[] = [
  {
    name: "tpcb",
    clients: CLIENTS,
    // The transaction of pgbench's built-in script `tpcb-like`, statement by statement.
    once: async (client) => {
      const aid = pick(ACCOUNTS);
      const bid = pick(BRANCHES);
      const tid = pick(BRANCHES * 10);
      const delta = pick(5_000);
      const run = (name: string, text: string, values: readonly number[]): Promise<unknown> =>
        client.query({ name, text, values: [...values] });
      await client.query("begin");
      await run("a", "update public.accounts set abalance = abalance + $1 where aid = $2", [
        delta,
        aid,
      ]);
      await run("s", "select abalance from public.accounts where aid = $1", [aid]);
      await run("t", "update public.tellers set tbalance = tbalance + $1 where tid = $2", [
        delta,
        tid,
      ]);
      await run("b", "update public.branches set bbalance = bbalance + $1 where bid = $2", [
        delta,
        bid,
      ]);
      await run("h", "insert into public.history values ($1, $2, $3, $4, current_timestamp)", [
        tid,
        bid,
        aid,
        delta,
      ]);
      await client.query("commit");
    },
  },
  {
    name: "insert",
    clients: CLIENTS,
    once: async (client) => {
      const text = "insert into public.orders (customer, note) values ($1, $2)";
      await client.query({ name: "i", text, values: ["somebody", "one row"] });
    },
  },
  {
    name: "rows-100k",
    clients: 1,
    once: async (client) => {
      await client.query(
        "insert into public.orders (customer, note) select 'c', 'n' from generate_series(1, 100000)",
      );
      await client.query("truncate public.orders");
    },
  },
];

/** Sessions that load one database with one workload, again and again. */
export class Load {
  readonly #workload: Workload;
  readonly #clients: readonly Client[];
  readonly #pids: readonly number[];

  /** Opens the sessions and lets each work once, so that its caches are filled. */
  static async open(database: BenchDatabase, workload: Workload): Promise<Load> {
    const clients = await Promise.all(
      Array.from({ length: workload.clients }, () => database.client()),
    );
    const pids = await Promise.all(clients.map(pidOf));
    await Promise.all(clients.map((client) => workload.once(client)));
    return new Load(workload, clients, pids);
  }

  private constructor(workload: Workload, clients: readonly Client[], pids: readonly number[]) {
    this.#workload = workload;
    this.#clients = clients;
    this.#pids = pids;
  }

  /** Works for about `ms`. */
  async measure(ms: number): Promise<Yield> {
    const cpu = cpuUs(this.#pids);
    const began = performance.now();
    const counts = await Promise.all(
      this.#clients.map(async (client) => {
        let count = 0;
        do {
          await this.#workload.once(client);
          count += 1;
        } while (performance.now() - began < ms);
        return count;
      }),
    );
    const seconds = (performance.now() - began) / 1_000;
    const transactions = counts.reduce((sum, count) => sum + count, 0);
    return { perSecond: transactions / seconds, cpuUs: (cpuUs(this.#pids) - cpu) / transactions };
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()));
  }
}

async function pidOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
}

/** Time on a CPU so far (Linux: scheduler statistics of the process, in nanoseconds). */
function cpuUs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const onCpuNs = Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);
    return sum + onCpuNs / 1_000;
  }, 0);
}

function pick(below: number): number {
  return 1 + Math.floor(Math.random() * below);
}
