/** One contestant in a process of its own: puts, gets, lists; says what it cost as one line of JSON. */
import { hash, randomBytes } from "node:crypto";
import { CONTESTANTS, type Places } from "./contestants.ts";

interface Job {
  readonly contestant: string;
  readonly places: Places;
  readonly count: number;
  readonly sizeBytes: number;
  readonly inFlight: number;
}

/** What one phase cost this process. */
export interface PhaseCost {
  readonly cpuMsPerObject: number;
  readonly objectsPerSecond: number;
}

let text = "";
for await (const chunk of process.stdin) text += String(chunk);
const job = JSON.parse(text) as Job;
const open = CONTESTANTS[job.contestant];
if (open === undefined) throw new Error(`no contestant ${job.contestant}`);
const contestant = await open(job.places);
const bytes = randomBytes(job.sizeBytes);
const md5 = hash("md5", bytes, "hex");
const keys = Array.from({ length: job.count }, (_, index) => `dir-${index % 50}/object-${index}`);

const put = await cost(job.count, () => each((key) => contestant.put(key, bytes, md5)));
const get = await cost(job.count, () =>
  each(async (key) => {
    const read = await contestant.get(key, job.sizeBytes);
    if (read !== job.sizeBytes) throw new Error(`${key}: ${read} bytes`);
  }),
);
const list = await cost(job.count, async () => {
  const listed = await contestant.list();
  if (listed !== job.count) throw new Error(`${listed} listed`);
});
const peakMib = process.resourceUsage().maxRSS / 1024;
process.stdout.write(`${JSON.stringify({ put, get, list, peakMib })}\n`, () => process.exit(0));

async function each(work: (key: string) => Promise<unknown>): Promise<void> {
  const rest = keys.values();
  const lane = async (): Promise<void> => {
    for (const key of rest) await work(key);
  };
  await Promise.all(Array.from({ length: job.inFlight }, lane));
}

async function cost(count: number, work: () => Promise<void>): Promise<PhaseCost> {
  const before = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedMs) / 1000;
  return { cpuMsPerObject: (user + system) / 1000 / count, objectsPerSecond: count / seconds };
}
