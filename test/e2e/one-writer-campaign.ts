/**
 * Disturbs a sandbox at random while applications write at both sites' databases and clients write
 * through the front door, then judges the history: who accepted what, when, for which epoch.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode } from "@cloudphoenix/core";
import type { LoadCounts, ReadbackResult } from "@cloudphoenix/sandbox";
import { type SandboxUnderTest, sandboxUnderTest } from "./sandbox-under-test.ts";
import { type Attempt, writeAt } from "./writer-at.ts";

const SITES = ["aws-us-east-1", "azure-westeurope"] as const;
const CLOUDS = ["aws", "azure"] as const;
const DISTURBED_MS = 14_000;
const SETTLED_WITHIN_MS = 40_000;
/** A move that nobody decided on by then is asked for by a person. */
const PATIENCE_MS = 6_000;

export interface OneWriterRun {
  /** How wrong each place's time of day was. */
  readonly clockOffsetsMs: Readonly<Record<string, number>>;
  /** What was done, in order. */
  readonly disturbances: readonly string[];
  /** Accepted writes from inside the sites, by epoch. */
  readonly accepted: Readonly<Record<string, number>>;
  /** Writes of an older epoch that began after one of a newer epoch had been accepted. */
  readonly twoWriters: readonly string[];
  /** Per change of epoch: from the last answer of the old writer to the first begun at the new. */
  readonly gapsMs: readonly number[];
  readonly load: LoadCounts | null;
  readonly readback: ReadbackResult | null;
  readonly writableAgain: boolean;
}

type Accepted = Attempt & { readonly site: string; readonly epoch: number };

/**
 * `certain-to-move`: the standby and what leads stay whole, so that nothing keeps the application
 * from moving once its site is lost. `anything-goes`: everything may be disturbed, and some runs
 * rightly end without a writer.
 */
type Temper = "certain-to-move" | "anything-goes";

/** One run in a sandbox of its own; the same `random` gives the same disturbances. */
export async function oneWriterRun(random: () => number, temper: Temper): Promise<OneWriterRun> {
  const clockOffsetsMs = wrongClocks(random);
  const sandbox = await sandboxUnderTest({
    durability: "barrier",
    ratePerSecond: 50,
    clockOffsetsMs,
  });
  const stop = new AbortController();
  try {
    await sandbox.world.load.start();
    const writing = Promise.all(SITES.map((site) => writeUntil(sandbox, site, stop.signal)));
    const operating = operate(sandbox, stop.signal);
    await somethingAccepted(sandbox);
    const disturbances = await disturb(sandbox, random, temper);
    const readback = await readBackOnceWritable(sandbox);
    stop.abort();
    await operating;
    const accepted = (await writing).flat();
    return {
      clockOffsetsMs,
      disturbances,
      ...judge(accepted),
      load: sandbox.world.load.counts,
      readback,
      writableAgain: readback !== null,
    };
  } finally {
    stop.abort();
    signalAll(sandbox, "SIGCONT");
    await sandbox.close();
  }
}

/** Up to an hour before or after the truth; the databases of all places share one that is right. */
function wrongClocks(random: () => number): Readonly<Record<string, number>> {
  const places = ["control", "internet", ...CLOUDS];
  const offsets = places.map((place) => [place, Math.round((random() - 0.5) * 7_200_000)]);
  return Object.fromEntries(offsets);
}

async function writeUntil(
  { world }: SandboxUnderTest,
  site: string,
  stop: AbortSignal,
): Promise<readonly Accepted[]> {
  const accepted: Accepted[] = [];
  while (!stop.aborted) {
    const attempt = await writeAt(world, site);
    if (attempt.accepted && attempt.epoch !== null)
      accepted.push({ ...attempt, site, epoch: attempt.epoch });
    await sleep(15);
  }
  return accepted;
}

/**
 * A person who wants the application back and approves everything: most runs shall move, also those
 * whose disturbances make CloudPhoenix rather ask.
 */
async function operate(sandbox: SandboxUnderTest, stop: AbortSignal): Promise<void> {
  const sinceMs = Date.now();
  while (!stop.aborted) {
    try {
      const moves = (await sandbox.runs()).filter((run) => run.plan.kind === "dr");
      const by = "ann";
      for (const { id, question } of moves.filter((run) => run.status === "waiting-approval")) {
        const body = { by, question, comment: "the campaign approves" };
        await sandbox.api.send(`/v1/runs/${id}/approve`, { method: "POST", body });
      }
      if (moves.length === 0 && Date.now() - sinceMs > PATIENCE_MS) {
        const reason = "the campaign wants a move";
        const body = { kind: "dr", target: SITES[1], reason, acceptLoss: true, by };
        await sandbox.api.send("/v1/runs", {
          method: "POST",
          idempotencyKey: crypto.randomUUID(),
          body,
        });
      }
    } catch {
      // No controller answers now, or a guard refuses: asked again.
    }
    await sleep(500);
  }
}

/** At least one disturbance is grave enough for a move. */
async function disturb(
  sandbox: SandboxUnderTest,
  random: () => number,
  temper: Temper,
): Promise<readonly string[]> {
  const done: string[] = [];
  const endsAtMs = Date.now() + DISTURBED_MS;
  const graveAfterMs = Date.now() + random() * 4_000;
  let grave = false;
  while (Date.now() < endsAtMs) {
    const wanted: boolean = !grave && Date.now() >= graveAfterMs;
    grave ||= wanted;
    const small = temper === "certain-to-move" ? homeDisturbance : smallDisturbance;
    done.push(await (wanted ? graveDisturbance : small)(sandbox, random));
    await sleep(200 + random() * 1_500);
  }
  signalAll(sandbox, "SIGCONT");
  await sandbox.world.repairLinks();
  await sandbox.world.mend("witness-loss");
  await sandbox.world.mend("agent-freeze");
  if (done.includes(`kill ${SITES[1]}/postgres`)) await restartDatabase(sandbox, SITES[1]);
  return done;
}

/** What the provider of a managed database does by itself; without it nobody could take over. */
async function restartDatabase({ world }: SandboxUnderTest, site: string): Promise<void> {
  await world.breakIt("db-crash", site);
  await world.mend("db-crash");
}

async function graveDisturbance(
  { world }: SandboxUnderTest,
  random: () => number,
): Promise<string> {
  const fault = random() < 0.6 ? "region-isolation" : "region-loss";
  await world.breakIt(fault, SITES[0]);
  return fault;
}

/** Only the site that will be lost: what has to take over stays as it is. */
async function homeDisturbance(sandbox: SandboxUnderTest, random: () => number): Promise<string> {
  if (random() < 0.3) return freezeOrThawAgent(sandbox, SITES[0]);
  const kind = pick(["freeze", "kill"] as const, random);
  return hitProcess(sandbox, { kind, site: SITES[0] }, random);
}

async function smallDisturbance(sandbox: SandboxUnderTest, random: () => number): Promise<string> {
  const { world } = sandbox;
  const cloud = pick(CLOUDS, random);
  const kinds = ["cut", "one-way", "slow", "freeze", "kill", "agent", "controller", "thaw"];
  const kind = pick(kinds, random);
  if (kind === "agent") return freezeOrThawAgent(sandbox, pick(SITES, random));
  if (kind === "controller") {
    world.controllers[0]?.crash();
    return "kill controller";
  }
  if (kind === "thaw") {
    signalAll(sandbox, "SIGCONT");
    await world.repairLinks();
    return "thaw and repair";
  }
  if (kind === "freeze" || kind === "kill") {
    return hitProcess(sandbox, { kind, site: pick(SITES, random) }, random);
  }
  const patterns = [`${cloud}->*:*`, `*->${cloud}:*`, `${cloud}->control:witness`];
  const pattern = pick(patterns, random);
  if (kind === "slow")
    await world.impairLinks(pattern, { extraDelayMs: { forward: 300, backward: 300 } });
  else
    await world.impairLinks(pattern, {
      cut: kind === "cut" ? "both" : pick(["forward", "backward"] as const, random),
    });
  return `${kind} ${pattern}`;
}

function hitProcess(
  sandbox: SandboxUnderTest,
  { kind, site }: { readonly kind: "freeze" | "kill"; readonly site: string },
  random: () => number,
): string {
  const victim = pick(processesOf(sandbox, site), random);
  if (victim !== undefined) signalTree(victim.pid, kind === "kill" ? "SIGKILL" : "SIGSTOP");
  return `${kind} ${victim?.name ?? "nobody"}`;
}

/** The worst moment for a keeper to stand still is between asking for the lease and installing it. */
async function freezeOrThawAgent({ world }: SandboxUnderTest, site: string): Promise<string> {
  const thawed = await world.mend("agent-freeze");
  if (thawed.length > 0) return "thaw agent";
  try {
    await world.breakIt("agent-freeze", site);
    return `freeze agent of ${site}`;
  } catch (error) {
    if (!hasCode(error, "NOT_RUNNING")) throw error;
    return `nobody to freeze at ${site}`;
  }
}

/** Without a write of the first epoch no gap between two could be measured. */
async function somethingAccepted({ world }: SandboxUnderTest): Promise<void> {
  const endsAtMs = Date.now() + SETTLED_WITHIN_MS;
  while ((world.load.counts?.acknowledged ?? 0) < 50) {
    if (Date.now() > endsAtMs) throw new Error("nobody accepts writes although nothing is wrong");
    await sleep(100);
  }
}

async function readBackOnceWritable({ world }: SandboxUnderTest): Promise<ReadbackResult | null> {
  const endsAtMs = Date.now() + SETTLED_WITHIN_MS;
  const before = world.load.counts?.acknowledged ?? 0;
  while ((world.load.counts?.acknowledged ?? 0) < before + 50) {
    if (Date.now() > endsAtMs) return null;
    await sleep(200);
  }
  await world.load.stop();
  return world.load.readback({ timeoutMs: 30_000 });
}

/** Only what is certain whatever the clocks of the writers show: begun after the other had ended. */
function judge(
  accepted: readonly Accepted[],
): Pick<OneWriterRun, "accepted" | "twoWriters" | "gapsMs"> {
  const epochs = [...new Set(accepted.map((one) => one.epoch))].toSorted((a, b) => a - b);
  const twoWriters: string[] = [];
  const gapsMs: number[] = [];
  for (const [index, epoch] of epochs.entries()) {
    const own = accepted.filter((one) => one.epoch === epoch);
    const sites = [...new Set(own.map((one) => one.site))];
    if (sites.length > 1) twoWriters.push(`epoch ${epoch} at ${sites.join(" and ")}`);
    const older = accepted.filter((one) => one.epoch < epoch && one.site !== own[0]?.site);
    if (index === 0 || older.length === 0) continue;
    const firstEnd = Math.min(...own.map((one) => one.endedAtMs));
    for (const late of older.filter((one) => one.startedAtMs > firstEnd)) {
      twoWriters.push(`epoch ${late.epoch} at ${late.site} ${late.startedAtMs - firstEnd} ms late`);
    }
    const firstStart = Math.min(...own.map((one) => one.startedAtMs));
    gapsMs.push(firstStart - Math.max(...older.map((one) => one.endedAtMs)));
  }
  const counts = epochs.map((epoch) => [
    `epoch ${epoch}`,
    accepted.filter((one) => one.epoch === epoch).length,
  ]);
  return { accepted: Object.fromEntries(counts), twoWriters, gapsMs };
}

interface Victim {
  readonly pid: number;
  readonly name: string;
}

/** Processes inside a site; the one that supervises them stays, or nothing would start again. */
function processesOf({ world }: SandboxUnderTest, site: string): readonly Victim[] {
  const folder = join(world.home, "processes");
  return readdirSync(folder)
    .flatMap((file): readonly Victim[] => {
      try {
        return [JSON.parse(readFileSync(join(folder, file), "utf8")) as Victim];
      } catch {
        // Ended between the two looks.
        return [];
      }
    })
    .filter(({ name }) => name.startsWith(site) && name.includes("/"));
}

function signalAll(sandbox: SandboxUnderTest, signal: NodeJS.Signals): void {
  for (const site of SITES) {
    for (const { pid } of processesOf(sandbox, site)) signalTree(pid, signal);
  }
}

/** The process and its children: a server is many processes. */
function signalTree(pid: number, signal: NodeJS.Signals): void {
  const children = childrenOf(pid);
  for (const one of [pid, ...children]) {
    try {
      process.kill(one, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function pick<T>(from: readonly [T, ...T[]] | readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] as T;
}
