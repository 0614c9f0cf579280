/**
 * Objects on the way there and back, counted by listing both stores whole: what the returned site has alone beside
 * what the product lists of it, and how far the copy home is behind.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { DemoReport } from "./demo-report.ts";
import { type DemoStage, say } from "./demo-stage.ts";

export interface SitePair {
  readonly home: string;
  readonly away: string;
}

/** Keys that the returned site has and the writer has not, in three opinions. */
export interface LeftAlone {
  /** Listed before the product was asked; the returned site is shut, so there are never more. */
  readonly before: readonly string[];
  /** Listed afterwards: clients go on, and the application makes receipts again that are missing. */
  readonly after: readonly string[];
  /** What the product exported; null if it could not, with the reason. */
  readonly named: readonly string[] | null;
  readonly trouble: string | null;
}

/** The copy from away to home, while clients write away. Null: not within the time for it. */
export interface WayHome {
  /** Until everything was at home that was stored away when the site had rejoined. */
  readonly caughtUpMs: number | null;
  /** The same once more, right after that: how far the copy is behind. */
  readonly behindMs: number | null;
}

type KeptPromise = DemoReport["promises"][number];

/** Of a line of the exported list. */
interface ExportedObject {
  readonly key: string;
  /** What the writer has under the key. */
  readonly writer: object | null;
}

const HOME_WITHIN_MS = 120_000;
const POLL_MS = 100;

/** Keys in the store of `home` that the one of `away` lacks; empty without objects. */
export async function aloneAtHome(
  { world, signal }: DemoStage,
  { home, away }: SitePair,
): Promise<readonly string[]> {
  if (!world.hasObjects) return [];
  // In this order: what is stored away after the first listing is not taken for missing there.
  const { stored } = await world.objectCensus(signal, home);
  const elsewhere = new Set((await world.objectCensus(signal, away)).stored);
  return stored.filter((key) => !elsewhere.has(key));
}

/** The keys of an exported list that the writer has nothing under. */
export function namedAlone(file: string): readonly string[] {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return lines
    .map((line): ExportedObject => JSON.parse(line))
    .filter(({ writer }) => writer === null)
    .map(({ key }) => key);
}

/** Follows the copy home until it has caught up. Null without objects. */
export async function wayHome(stage: DemoStage, sites: SitePair): Promise<WayHome | null> {
  if (!stage.world.hasObjects) return null;
  say(stage, `waiting until the objects of ${sites.away} are at ${sites.home}`);
  const caughtUpMs = await arrivalMs(stage, sites);
  const behindMs = caughtUpMs === null ? null : await arrivalMs(stage, sites);
  const text = behindMs === null ? "they are not" : `they are, ${Math.round(behindMs)} ms behind`;
  say(stage, text);
  return { caughtUpMs, behindMs };
}

/** How long until everything is at home that is stored away now. */
async function arrivalMs(
  { world, signal }: DemoStage,
  { home, away }: SitePair,
): Promise<number | null> {
  const { stored } = await world.objectCensus(signal, away);
  const beganMs = performance.now();
  for (;;) {
    const there = new Set((await world.objectCensus(signal, home)).stored);
    const tookMs = performance.now() - beganMs;
    if (stored.every((key) => there.has(key))) return tookMs;
    if (tookMs > HOME_WITHIN_MS) return null;
    await sleep(POLL_MS, undefined, { signal });
  }
}

/**
 * Whether the product named what the returned site has alone; none without objects. The lists are not of one
 * instant: what only one of them has must have changed in between.
 */
export function listedExactly(alone: LeftAlone | null, home: string): readonly KeptPromise[] {
  if (alone === null) return [];
  const { before, after, named, trouble } = alone;
  const promise = `the objects that only ${home} has are listed, and no others`;
  if (named === null) return [{ promise, held: false, detail: trouble ?? "nothing was listed" }];
  const [once, listed] = [new Set(before), new Set(named)];
  const unnamed = after.filter((key) => !listed.has(key));
  const wrong = named.filter((key) => !once.has(key));
  const detail = `${named.length} listed; both stores listed whole: ${before.length} before, ${after.length} after (what is missing is made again); ${unnamed.length} not named, ${wrong.length} named wrongly`;
  return [{ promise, held: unnamed.length === 0 && wrong.length === 0, detail }];
}

/** Whether the copy home caught up; none without objects. */
export function cameHome(way: WayHome | null, { home, away }: SitePair): readonly KeptPromise[] {
  if (way === null) return [];
  const { caughtUpMs, behindMs } = way;
  const detail = `caught up after ${wholeMs(caughtUpMs)}, then ${wholeMs(behindMs)} behind`;
  const promise = `objects stored at ${away} are copied to ${home} while clients go on`;
  return [{ promise, held: behindMs !== null, detail }];
}

function wholeMs(value: number | null): string {
  return value === null ? "an unknown time" : `${Math.round(value)} ms`;
}
