import { fork, execFile } from "node:child_process";
import { promisify } from "node:util";
import { openSync } from "node:fs";
import { openWorld } from "./test/chassis-world.ts";
const run = promisify(execFile);
const world = await openWorld();
await world.sql(
  "create table items (id int primary key, name text); insert into items select g, 'item '||g from generate_series(1,10000) g; grant all on items to app",
);
const modes = process.argv.slice(2);
const kids: any[] = [];
for (const mode of modes) {
  const child = fork("packages/chassis/.bench.ts", [mode], {
    execArgv: process.env["PROF"]
      ? ["--cpu-prof", "--cpu-prof-dir=/tmp/chassis-bench/" + mode]
      : [],
    stdio: ["ignore", openSync(`/tmp/chassis-bench/${mode}.log`, "w"), "inherit", "ipc"],
    env: { ...process.env, PGP: String(world.port), WENV: JSON.stringify(world.environment) },
  });
  const { url } = await new Promise<any>((r) => child.once("message", r));
  kids.push({ mode, child, url, out: { "/items/7": [], "/live": [] } });
}
const cpu = (c: any) =>
  new Promise<any>((r) => {
    c.once("message", r);
    c.send("cpu");
  });
for (let round = 0; round < 11; round++)
  for (const path of process.env["ONE"] ? ["/items/7"] : ["/items/7", "/live"])
    for (const k of kids) {
      const before = await cpu(k.child);
      const r = JSON.parse(
        (await run(process.execPath, ["/tmp/chassis-bench/load.mjs", k.url, path, "32", "700"]))
          .stdout,
      );
      const after = await cpu(k.child);
      if (round > 0)
        k.out[path].push({
          us: (after.user + after.system - before.user - before.system) / r.n,
          user: (after.user - before.user) / r.n,
          rps: r.rps,
          p50: r.p50,
          p99: r.p99,
          bad: r.bad,
        });
    }
for (const path of process.env["ONE"] ? ["/items/7"] : ["/items/7", "/live"])
  for (const k of kids) {
    if (k.out[path].length === 0) continue;
    const med = (f: string) =>
      k.out[path].map((x: any) => x[f]).toSorted((a: number, b: number) => a - b)[
        Math.floor(k.out[path].length / 2)
      ];
    const min = (f: string) => Math.min(...k.out[path].map((x: any) => x[f]));
    console.log(
      path,
      k.mode,
      "us min/med",
      min("us").toFixed(0),
      med("us").toFixed(0),
      "user min/med",
      min("user").toFixed(0),
      med("user").toFixed(0),
      "rps med/max",
      med("rps"),
      Math.max(...k.out[path].map((x: any) => x.rps)),
      "p50",
      med("p50"),
      "p99",
      med("p99"),
      "bad",
      k.out[path].reduce((a: number, x: any) => a + x.bad, 0),
    );
  }
for (const k of kids) k.child.send("end");
await world.close();
