/** What is measured; the same for every prober. */
import { parseArgs } from "node:util";

export interface BenchOptions {
  readonly targets: number;
  readonly intervalMs: number;
  readonly seconds: number;
}

/** Reads `--targets`, `--interval-ms` and `--seconds`; the defaults are the goal's numbers. */
export function benchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      targets: { type: "string", default: "5000" },
      "interval-ms": { type: "string", default: "5000" },
      seconds: { type: "string", default: "20" },
    },
  });
  return {
    targets: Number(values.targets),
    intervalMs: Number(values["interval-ms"]),
    seconds: Number(values.seconds),
  };
}

/** What a prober reports about its measured seconds. */
export interface BenchResult {
  readonly name: string;
  readonly probesPerSecond: number;
  readonly failures: number;
  /** Of one core, of the probing process alone. */
  readonly cpuPercent: number;
  readonly rssMb: number;
  /** How late probes started; null if the prober does not schedule them itself. */
  readonly latenessP50Ms: number | null;
  readonly latenessP99Ms: number | null;
}

/** The addresses to probe: many targets on few ports, each with a path of its own. */
export function urlsOf(ports: readonly number[], targets: number): readonly string[] {
  return Array.from(
    { length: targets },
    (_, index) => `http://127.0.0.1:${ports[index % ports.length] ?? 0}/health?target=${index}`,
  );
}
