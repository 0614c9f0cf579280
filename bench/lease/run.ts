/**
 * What the writer lease costs: throughput and CPU time of the server with and without it, for the
 * mechanism that is used and for those that were considered, and what each of them lets through.
 *
 *   npx node bench/lease/run.ts [--rounds 60] [--slice-ms 200] [--fsync on]
 *                           [--commit-ms 0] [--mechanism first-row] [--workload tpcb] [--clients 4] [--json]
 *
 * Each round runs every mechanism next to a run without, in turns (first and second change places
 * from round to round), on one server, in sessions that stay open. Throughput is the median of the
 * ratios of such pairs and the range that holds half of them. It suffers from whatever else the
 * machine does, so the CPU time of the server's own processes is given too: the lower decile, which
 * is what a transaction costs while nobody disturbs it. `--commit-ms 2` stands for a managed
 * database, whose commits wait for storage in another zone; 0 for a server that only computes. Goal: throughput falls by less than 5 %.
 */
import { parseArgs } from "node:util";
import { openBenchServer } from "./bench-server.ts";
import { holesOf } from "./holes.ts";
import { MECHANISMS, NOTHING } from "./mechanisms.ts";
import { Load, WORKLOADS, type Yield } from "./workloads.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "60" },
    "slice-ms": { type: "string", default: "200" },
    clients: { type: "string" },
    "commit-ms": { type: "string", default: "0" },
    fsync: { type: "string", default: "on" },
    mechanism: { type: "string" },
    workload: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

interface Pair {
  readonly workload: string;
  readonly mechanism: string;
  readonly without: Yield;
  readonly withIt: Yield;
}

const mechanisms = MECHANISMS.filter((one) => named(one, values.mechanism));
const workloads = WORKLOADS.filter((one) => named(one, values.workload)).map((one) => ({
  ...one,
  clients: values.clients === undefined ? one.clients : Number(values.clients),
}));
const server = await openBenchServer([NOTHING, ...mechanisms], {
  fsync: values.fsync,
  // Every commit waits as long as on storage that is reached over a network.
  commit_delay: String(Number(values["commit-ms"]) * 1_000),
  commit_siblings: "0",
});
try {
  if (!values.json)
    console.log(
      `${server.version}, fsync=${values.fsync}, a commit takes ${values["commit-ms"]} ms longer`,
    );
  const pairs = await measureAll();
  const summary = workloads.flatMap((workload) =>
    mechanisms.map((mechanism) =>
      summaryOf(
        pairs.filter(
          (pair) => pair.workload === workload.name && pair.mechanism === mechanism.name,
        ),
      ),
    ),
  );
  const holes = Object.fromEntries(
    await Promise.all(
      mechanisms.map(async (mechanism) => {
        const database = databaseOf(mechanism.name);
        const alive = await holesOf(mechanism, database, true);
        return [
          mechanism.name,
          { alive, frozen: await holesOf(mechanism, database, false) },
        ] as const;
      }),
    ),
  );
  if (values.json)
    console.log(JSON.stringify({ version: server.version, fsync: values.fsync, summary, holes }));
  else {
    console.table(summary);
    for (const { name, what } of mechanisms) {
      const { alive = [], frozen = [] } = holes[name] ?? {};
      console.log(`${name}: ${what}`);
      console.log(`  lets through: ${alive.join("; ") || "nothing"}`);
      console.log(`  with a frozen agent: ${frozen.join("; ") || "nothing"}`);
    }
  }
} finally {
  await server.close();
}

function named({ name }: { readonly name: string }, wanted: string | undefined): boolean {
  return wanted === undefined || wanted.split(",").includes(name);
}

function databaseOf(name: string) {
  const found = server.databases.get(name);
  if (found === undefined) throw new Error(`no database for ${name}`);
  return found;
}

async function measureAll(): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  for (const workload of workloads) {
    const loads = new Map<string, Load>();
    for (const { name } of [NOTHING, ...mechanisms]) {
      loads.set(name, await Load.open(databaseOf(name), workload));
    }
    const measure = async (name: string): Promise<Yield> => {
      const load = loads.get(name);
      if (load === undefined) throw new Error(`no load for ${name}`);
      return load.measure(Number(values["slice-ms"]));
    };
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const { name } of mechanisms) {
        const early = round % 2 === 0 ? await measure(NOTHING.name) : null;
        const withIt = await measure(name);
        const without = early ?? (await measure(NOTHING.name));
        pairs.push({ workload: workload.name, mechanism: name, without, withIt });
      }
    }
    for (const load of loads.values()) await load.close();
  }
  return pairs;
}

function summaryOf(pairs: readonly Pair[]): Readonly<Record<string, string | number>> {
  const throughput = pairs.map(
    ({ without, withIt }) => (withIt.perSecond / without.perSecond - 1) * 100,
  );
  const base = quantile(
    pairs.map((pair) => pair.without.cpuUs),
    0.1,
  );
  const more =
    quantile(
      pairs.map((pair) => pair.withIt.cpuUs),
      0.1,
    ) - base;
  return {
    workload: pairs[0]?.workload ?? "",
    mechanism: pairs[0]?.mechanism ?? "",
    "per second without": Math.round(
      quantile(
        pairs.map((pair) => pair.without.perSecond),
        0.5,
      ),
    ),
    "throughput %": quantile(throughput, 0.5).toFixed(1),
    "half of the pairs within": `${quantile(throughput, 0.25).toFixed(1)} … ${quantile(throughput, 0.75).toFixed(1)}`,
    "server CPU µs without": base.toFixed(0),
    "more CPU µs": more.toFixed(0),
    "more CPU %": ((more / base) * 100).toFixed(1),
  };
}

function quantile(numbers: readonly number[], at: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}
