import { pino, stdTimeFunctions } from "pino";
import { createLogger } from "./src/observe/logger.ts";
import { Metrics } from "./src/observe/metrics.ts";
import { Deadline } from "./src/resilience/deadline.ts";
import { retry } from "./src/resilience/retry.ts";
import { openWorld } from "./test/chassis-world.ts";
import { Pool } from "pg";
const labels = { service: "s", version: "1", site: "s", pod: "p" };
const line = () => ({
  requestId: "63d90d05-c3dc-4362-ab64-8e30a1bf2518",
  method: "GET",
  route: "/x/:id",
  status: 200,
  durationMs: 1.3,
});
function bench(name: string, f: () => void, n = 100_000) {
  for (let i = 0; i < n / 5; i++) f();
  let best = 1e9;
  for (let r = 0; r < 7; r++) {
    const c = process.cpuUsage();
    for (let i = 0; i < n / 5; i++) f();
    const d = process.cpuUsage(c);
    best = Math.min(best, (d.user + d.system) / (n / 5));
  }
  console.error(name.padEnd(40), best.toFixed(2), "us");
}
async function abench(name: string, f: () => Promise<unknown>, n = 20_000, conc = 16) {
  const once = async () => {
    const c = process.cpuUsage();
    let left = n;
    await Promise.all(
      Array.from({ length: conc }, async () => {
        while (left-- > 0) await f();
      }),
    );
    const d = process.cpuUsage(c);
    return [(d.user + d.system) / n, d.user / n];
  };
  await once();
  let best = [1e9, 1e9];
  for (let r = 0; r < 5; r++) {
    const x = await once();
    best = [Math.min(best[0]!, x[0]!), Math.min(best[1]!, x[1]!)];
  }
  console.error(name.padEnd(40), best[0]!.toFixed(2), "us user", best[1]!.toFixed(2));
}
const full = createLogger({ labels, level: "info" });
bench("log redacting", () => full.info(line(), "request"));
const nomix = pino(
  {
    base: labels,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (l) => ({ level: l }) },
  },
  pino.destination({ sync: true }),
);
bench("log pino no mixin/redact", () => nomix.info(line(), "request"));
const epoch = pino({ base: labels }, pino.destination({ sync: true }));
bench("log pino default", () => epoch.info(line(), "request"));
const buffered = pino({ base: labels }, pino.destination({ sync: true, minLength: 4096 }));
bench("log pino buffered 4k sync", () => buffered.info(line(), "request"));
bench("child", () => full.child({ requestId: "x" }));
const m = new Metrics({ service: "s", version: "1", commit: "c" });
bench("metrics.requestEnded", () =>
  m.requestEnded({ method: "GET", route: "/x/:id", status: 200 }, 0.003, null),
);
bench("metrics.callEnded", () => m.callEnded("database", "ok", 0.003));
bench("deadline", () => {
  const d = Deadline.fromHeader(undefined, 10_000);
  d.remainingMs();
});
bench("timer", () => clearTimeout(setTimeout(() => 0, 10_000)));
