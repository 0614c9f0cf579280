// Goal: each fault breaks exactly what it says and mending takes exactly that away.
// Method: the real faults against the real list of links, with a recording stand-in for the world.
import { afterEach, expect, test, vi } from "vitest";
import { FAULT_NAMES, FAULTS, type FaultWorld, type SiteUnderFault } from "../src/faults/index.ts";
import type { Impairment } from "../src/links/index.ts";
import { AWAY_PLACE, HOME_PLACE } from "../src/world/places.ts";
import { PortBook } from "../src/world/ports.ts";
import { linkSpecs, portNeeds } from "../src/world/topology.ts";

const LINKS = linkSpecs(new PortBook(new Map(portNeeds().map(({ name }, n) => [name, n]))), 20);

afterEach(() => {
  vi.useRealTimers();
});

/** A world that remembers, in order, what was done to it. */
function recordingWorld() {
  const log: string[] = [];
  const impaired = new Map<string, Impairment>();
  const note =
    <T>(text: string, result: T) =>
    async (): Promise<T> => {
      log.push(text);
      return result;
    };
  const instant = { atMs: 1_000 };
  const site: SiteUnderFault = {
    crashPod: note("crash pod", instant),
    restartPods: note("restart pods", undefined),
    crashDatabase: note("crash database", instant),
    startDatabase: note("start database", undefined),
    impairDatabase: async (impairment) => {
      log.push(`database ${JSON.stringify(impairment)}`);
      return instant;
    },
    failZone: async (zone) => {
      log.push(`fail zone ${zone}`);
      return instant;
    },
    restoreZone: async (zone) => void log.push(`restore zone ${zone}`),
    lose: note("lose", undefined),
    signalAgent: async (how) => {
      log.push(`${how} agent`);
      return instant;
    },
    bringBack: note("bring back", undefined),
  };
  const world: FaultWorld = {
    place: HOME_PLACE,
    peer: AWAY_PLACE,
    impair: async (matches, impairment) => {
      log.push("impair");
      for (const link of LINKS.filter(matches)) impaired.set(link.name, impairment);
      return instant;
    },
    repair: async () => {
      log.push("repair");
      impaired.clear();
      return instant;
    },
    site,
  };
  return { world, log, impaired, names: () => [...impaired.keys()].toSorted() };
}

test.each(FAULT_NAMES)("%s says what it does and what a right reaction is", (name) => {
  const { description, rightReaction } = FAULTS[name];

  expect(FAULTS[name].name).toBe(name);
  expect(description).toMatch(/^[A-Z].*\.$/u);
  expect(rightReaction).toMatch(/^[A-Z].*\.$/u);
});

test.each(FAULT_NAMES)(
  "%s tells when it took effect and leaves no link impaired when mended",
  async (name) => {
    vi.useFakeTimers();
    const { world, impaired } = recordingWorld();

    const applied = await FAULTS[name].apply(world);
    expect(applied.atMs).toBe(1_000);
    await applied.mend();
    await vi.advanceTimersByTimeAsync(10_000);

    expect(impaired.size).toBe(0);
  },
);

test("region isolation cuts every link of the site and no other, and touches nothing inside", async () => {
  const { world, names, log } = recordingWorld();

  await FAULTS["region-isolation"].apply(world);

  const ofSite = LINKS.filter(({ from, to }) => [from, to].includes("aws")).map(({ name }) => name);
  expect(names()).toEqual(ofSite.toSorted());
  expect(names()).toContain("azure->aws:postgres");
  expect(names()).toContain("aws->azure:postgres");
  expect(names()).not.toContain("internet->azure:entry");
  expect(log).toEqual(["impair"]);
});

test("region loss cuts and kills before it waits for either", async () => {
  const { world, log } = recordingWorld();

  const applying = FAULTS["region-loss"].apply(world);
  expect(log).toEqual(["impair", "lose"]);
  const applied = await applying;
  await applied.mend();

  expect(log).toEqual(["impair", "lose", "bring back", "repair"]);
});

test("a replication stall cuts the standby's way to the primary and nothing else", async () => {
  const { world, names } = recordingWorld();

  await FAULTS["replication-stall"].apply(world);

  expect(names()).toEqual(["azure->aws:postgres"]);
});

test("a lost witness cuts the way of one agent to it and nothing else", async () => {
  const { world, names } = recordingWorld();

  await FAULTS["witness-loss"].apply(world);

  expect(names()).toEqual(["aws->control:witness"]);
});

test("a frozen agent goes on when mended, a crashed one needs no mending", async () => {
  const { world, log } = recordingWorld();

  await (await FAULTS["agent-freeze"].apply(world)).mend();
  await (await FAULTS["agent-crash"].apply(world)).mend();

  expect(log).toEqual(["freeze agent", "thaw agent", "crash agent"]);
});

test("blind monitors lose every path, canaries included, while users, replication and lease keep theirs", async () => {
  const { world, names } = recordingWorld();

  await FAULTS["monitor-blind"].apply(world);

  const spared = LINKS.map(({ name }) => name).filter((name) => !names().includes(name));
  expect(spared.toSorted()).toEqual([
    "aws->azure:agent",
    "aws->azure:postgres",
    "aws->control:api-1",
    "aws->control:api-2",
    "aws->control:witness",
    "azure->aws:agent",
    "azure->aws:postgres",
    "azure->control:api-1",
    "azure->control:api-2",
    "azure->control:witness",
    "internet->aws:entry",
    "internet->aws:store",
    "internet->azure:entry",
    "internet->azure:store",
  ]);
});

test("flapping refuses for less than a probe interval, works for longer, and stops when mended", async () => {
  vi.useFakeTimers();
  const { world, impaired, names } = recordingWorld();
  const refusedMs: boolean[] = [];

  const applied = await FAULTS.flapping.apply(world);
  expect(names()).toEqual([
    "azure->aws:entry",
    "control->aws:entry",
    "internet->aws:entry",
    "internet->aws:uptime",
  ]);
  for (let elapsedMs = 0; elapsedMs < 4_000; elapsedMs += 100) {
    refusedMs.push(impaired.size > 0);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(refusedMs.filter(Boolean)).toHaveLength(14);
  expect(runsOf(refusedMs).every((length) => length * 100 < 1_000)).toBe(true);

  await applied.mend();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(impaired.size).toBe(0);
});

/** Lengths of the stretches of `true`. */
function runsOf(samples: readonly boolean[]): number[] {
  return samples
    .map((sample) => (sample ? "x" : " "))
    .join("")
    .split(/ +/u)
    .map((run) => run.length);
}
