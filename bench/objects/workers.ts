/**
 * One seed drained by 1, 2 and 4 worker processes: local S3 → Azurite, the queue in PostgreSQL.
 *
 *   npx node bench/objects/workers.ts [objects] [delay of each S3 answer in ms]
 *
 * Every worker has one slot and copies four objects at a time, so that what is measured is sharing and
 * not one process's concurrency. The delay stands for the distance between two clouds: on one machine
 * with few cores it is what more workers can hide, not CPU time.
 */
import { loadavg } from "node:os";
import { seedStandby } from "../../apps/worker/src/seed/seed-standby.ts";
import { keysOf, put, WorkerFixture } from "../../apps/worker/test/worker-fixture.ts";
import { cpuMsOf } from "./cpu-of.ts";

const [objects = 1_000, delayMs = 50] = process.argv.slice(2).map(Number);
const RANGES = 20;
const BODY = "x".repeat(4_096);

interface Row {
  readonly processes: number;
  readonly tookMs: number;
  readonly cpuMs: number;
}

const rows: Row[] = [];
for (const processes of [1, 2, 4]) rows.push(await drain(processes));
const [single] = rows;
console.log(
  `${objects} objects of ${BODY.length} bytes, ${RANGES} ranges, ${delayMs} ms per S3 answer`,
);
console.log("| processes | seconds | objects/s | against one | CPU ms per object |");
console.log("| --- | --- | --- | --- | --- |");
for (const { processes, tookMs, cpuMs } of rows) {
  const cells = [
    processes,
    (tookMs / 1_000).toFixed(1),
    Math.round(objects / (tookMs / 1_000)),
    `${((single?.tookMs ?? 0) / tookMs).toFixed(2)}×`,
    (cpuMs / objects).toFixed(2),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
console.log(`load average ${loadavg()[0]?.toFixed(1)}`);

/** From when every worker is up until every range is done. */
async function drain(processes: number): Promise<Row> {
  const world = await WorkerFixture.start({ objects: "in_flight: 4" });
  try {
    for (let n = 0; n < objects; n += 50) {
      const some = Array.from({ length: Math.min(50, objects - n) }, (_, m) => n + m);
      await Promise.all(some.map((k) => put(world.active.store, `receipts/${k}`, BODY)));
    }
    world.s3.faults.set([
      { effect: { kind: "delay", delayMs }, operations: ["GetObject", "HeadObject"] },
    ]);
    const workers = Array.from({ length: processes }, () =>
      world.worker("--no-follow", "--slots", "1"),
    );
    for (const worker of workers) await worker.until("working");
    const pids = workers.map(({ child }) => child.pid ?? 0);
    const cpuBefore = pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
    const beganMs = performance.now();
    const { configuration, state, stores } = world;
    const done = await seedStandby({
      configuration,
      state,
      stores,
      name: "bench",
      rangeObjects: Math.ceil(objects / RANGES),
      onProgress: () => undefined,
      signal: AbortSignal.timeout(300_000),
    });
    const tookMs = performance.now() - beganMs;
    const cpuMs = pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0) - cpuBefore;
    const there = (await keysOf(world.standby.store)).length;
    if (there !== objects || done.copied !== objects) {
      throw new Error(`${there} of ${objects} are there, ${done.copied} were copied`);
    }
    return { processes, tookMs, cpuMs };
  } finally {
    await world.remove();
  }
}
