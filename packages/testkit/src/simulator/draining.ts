/** Draining a standby, and what can be said of a loss: positions of the log compared. */
import {
  CloudPhoenixError,
  type LossBound,
  type LossReport,
  type SiteId,
} from "@cloudphoenix/core";
import type { BeatMemory } from "./beat-memory.ts";
import { lsnText } from "./database.ts";
import type { Process } from "./process.ts";
import type { Site } from "./sites.ts";
import type { Ask } from "./statements.ts";
import type { World } from "./world.ts";

/** Commits up to one interval after a heartbeat are not bounded by it. */
export const BEAT_EVERY_MS = 500;

const DRAIN_POLL_MS = 20;
const DRAIN_LIMIT_MS = 60_000;

/** How one controller reaches the databases. */
interface Way {
  readonly world: World;
  readonly client: Process;
  readonly ask: Ask;
}

interface Direction {
  readonly from: SiteId;
  readonly to: SiteId;
}

/** Compares positions as numbers. As text, `0/FFFFFF8` would come after `0/10000030`. */
export async function drain(
  { world, client, ask }: Way,
  { from, to }: Direction,
  signal: AbortSignal,
): Promise<{ readonly lsn: string }> {
  const { shortPositions } = world.settings;
  const lsn = await ask(from, signal, (site) => {
    refuseOpenWrites(site);
    return lsnText(site.database.log.length, shortPositions);
  });
  const untilMs = client.clock.now() + DRAIN_LIMIT_MS;
  for (;;) {
    const confirmed = await ask(from, signal, ({ database }) =>
      lsnText(confirmedBy(database.confirmed, { from, to }), shortPositions),
    );
    const reached = world.sabotages.has("lsn-as-text")
      ? confirmed >= lsn
      : parseLsn(confirmed) >= parseLsn(lsn);
    if (reached) return { lsn };
    if (client.clock.now() >= untilMs) {
      throw new CloudPhoenixError("TIMED_OUT", `${to} does not get everything from ${from}`, {
        retryable: true,
      });
    }
    await client.clock.sleep(DRAIN_POLL_MS, signal);
  }
}

/** Like the slot of a follower: there is none for a site that does not follow. */
function confirmedBy(confirmed: ReadonlyMap<SiteId, number>, { from, to }: Direction): number {
  const position = confirmed.get(to);
  if (position !== undefined) return position;
  throw new CloudPhoenixError("REPLICATION_BROKEN", `${from} keeps no log for ${to}`, {
    retryable: false,
  });
}

function refuseOpenWrites({ id, database }: Site): void {
  if (!database.writesOpen) return;
  throw new CloudPhoenixError("CONFLICT", `writes are open at ${id}`, { retryable: false });
}

function parseLsn(text: string): bigint {
  const [high = "0", low = "0"] = text.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

export async function lossBound(
  { world, client, ask }: Way,
  { from, to }: Direction,
  { beats, signal }: { readonly beats: BeatMemory; readonly signal: AbortSignal },
): Promise<LossBound> {
  const reading = await ask(to, signal, ({ database }) => ({
    applied: database.promotion?.applied ?? database.follows?.applied ?? null,
    beat: database.promotion === null ? database.newestBeat() : database.promotion.beat,
  }));
  world.judge.measured(client.name, { from, to }, reading.beat);
  const seenAtMs = beats.lastBeforeStop(from);
  const completeUntilMs = reading.beat?.atMs ?? null;
  // Who came after the disaster saw no heartbeat; nothing is lost later than now.
  const aliveUntilMs = seenAtMs ?? client.clock.now();
  return {
    completeUntilMs,
    lastAliveAtMs: seenAtMs,
    boundMs:
      completeUntilMs === null ? null : Math.max(0, aliveUntilMs - completeUntilMs) + BEAT_EVERY_MS,
    boundBytes: null,
    appliedLsn:
      reading.applied === null ? null : lsnText(reading.applied, world.settings.shortPositions),
  };
}

/** Heartbeats are no loss. Every write is a transaction with one row of one table. */
export async function measureLoss(
  { world, ask }: Way,
  { from, appliedLsn }: { readonly from: SiteId; readonly appliedLsn: string },
  signal: AbortSignal,
): Promise<LossReport> {
  const { shortPositions } = world.settings;
  const applied = parseLsn(appliedLsn);
  return ask(from, signal, (site) => {
    refuseOpenWrites(site);
    const { log } = site.database;
    const behind = log.findIndex((_, at) => parseLsn(lsnText(at + 1, shortPositions)) > applied);
    const upTo = behind === -1 ? log.length : behind;
    const lost = log.slice(upTo).filter(({ write }) => write !== null);
    const sinceMs = log[upTo - 1]?.acceptedMs;
    const oldestMs = lost[0]?.acceptedMs ?? 0;
    const newestMs = lost.at(-1)?.acceptedMs ?? oldestMs;
    return {
      transactions: lost.length,
      rowsByTable: lost.length === 0 ? {} : { writes: lost.length },
      keysByTable: lost.length === 0 ? {} : { writes: lost.map(({ write }) => String(write)) },
      truncated: false,
      rpoMs: lost.length === 0 ? 0 : Math.max(0, newestMs - (sinceMs ?? oldestMs)),
    };
  });
}
