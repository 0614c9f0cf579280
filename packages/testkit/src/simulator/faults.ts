/** The catalogue of what can go wrong. Each entry strikes, and says how to take it back. */
import type { Chance } from "./chance.ts";
import type { Controller } from "./controller.ts";
import type { Operators } from "./operators.ts";
import type { Process } from "./process.ts";
import { EDGE, INTERNET, STATE, type Site, nodesOf } from "./sites.ts";
import { type World, allNodes } from "./world.ts";

/** What faults act on. */
export interface Arena {
  readonly world: World;
  readonly controllers: readonly Controller[];
  readonly operators: Operators;
  /** Keeps a process down, or frozen, until the result is called. Faults may overlap. */
  readonly hold: (process: Process, how: "down" | "frozen") => () => void;
}

/** Strikes and returns what ends it. */
export type Strike = (arena: Arena, chance: Chance) => () => void;

const NOTHING = (): void => undefined;

/** Every kind of fault there is. */
export const FAULT_KINDS = [
  "site-crash",
  "site-isolated",
  "site-cut-outwards",
  "site-cut-inwards",
  "partition",
  "one-way-partition",
  "witness-cut-off",
  "only-peers-left",
  "only-witness-left",
  "entry-cut-off",
  "slow-witness",
  "state-crash",
  "state-frozen",
  "controller-crash",
  "controller-frozen",
  "leader-cut-from-state",
  "agent-crash",
  "agent-frozen",
  "database-crash",
  "database-frozen",
  "services-frozen",
  "pods-down",
  "slow-disk",
  "slow-state-disk",
  "long-transactions",
  "database-clock-set-back",
  "database-clock-set-forward",
  "lossy-network",
  "slow-network",
  "repeated-messages",
  "flapping-health",
  "provider-outage-blinds",
  "controllers-blind",
  "standby-crash",
  "standby-stalled",
  "standby-database-frozen",
  "standby-half-seeded",
  "replication-cut",
  "both-sites-bad",
  "provider-api-down",
  "people-switch-over",
  "people-roll-back",
  "people-cancel",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export const FAULTS: Readonly<Record<FaultKind, Strike>> = {
  "site-crash": (arena) => crashSite(arena, activeSite(arena)),
  "site-isolated": ({ world }) => isolate(world, activeSite({ world })),
  "site-cut-outwards": ({ world }) => {
    const inside = nodesOf(activeSite({ world }).id);
    return world.network.cut(inside, outside(world, inside));
  },
  "site-cut-inwards": ({ world }) => {
    const inside = nodesOf(activeSite({ world }).id);
    return world.network.cut(outside(world, inside), inside);
  },
  partition: ({ world }, chance) => {
    const [left, right]: [string[], string[]] = [[], []];
    for (const node of allNodes(world)) (chance.hits(0.5) ? left : right).push(node);
    return both(world.network.cut(left, right), world.network.cut(right, left));
  },
  "one-way-partition": ({ world }, chance) => {
    const nodes = allNodes(world);
    const from = nodes.filter(() => chance.hits(0.4));
    return world.network.cut(
      from,
      nodes.filter((node) => !from.includes(node)),
    );
  },
  "witness-cut-off": ({ world }, chance) => {
    const agents = world.sites.filter(() => chance.hits(0.7)).map((site) => site.agent.name);
    return both(world.network.cut(agents, [STATE]), world.network.cut([STATE], agents));
  },
  "only-peers-left": ({ world }) => {
    // The lease cannot be renewed and nobody outside gets in, but agents still talk to each other.
    const site = activeSite({ world });
    const { name } = site.agent;
    return both(
      cutOffUsers(world, site),
      both(world.network.cut([name], [STATE]), world.network.cut([STATE], [name])),
    );
  },
  // Everybody takes the site for dead, and it still renews its lease.
  "only-witness-left": ({ world }) => cutOffUsers(world, activeSite({ world })),
  // Users and vantages get nowhere, but the site's database obeys its controllers.
  "entry-cut-off": ({ world }) => {
    const { name } = activeSite({ world }).entry;
    const others = outside(world, nodesOf(activeSite({ world }).id));
    return both(world.network.cut([name], others), world.network.cut(others, [name]));
  },
  "slow-witness": ({ world }, chance) => {
    // Just quick enough for a renewal to count.
    const agents = world.sites.map((site) => site.agent.name);
    return both(
      world.network.impair(agents, [STATE], { extraMs: 10 }),
      world.network.impair([STATE], agents, { extraMs: chance.between(50, 220) }),
    );
  },
  "state-crash": ({ hold, world }) => hold(world.state.process, "down"),
  "state-frozen": ({ hold, world }) => hold(world.state.process, "frozen"),
  "controller-crash": ({ hold, controllers }) => hold(leader(controllers).process, "down"),
  "controller-frozen": ({ hold, controllers }) => hold(leader(controllers).process, "frozen"),
  "leader-cut-from-state": ({ world, controllers }) => {
    const { name } = leader(controllers).process;
    return both(world.network.cut([name], [STATE]), world.network.cut([STATE], [name]));
  },
  "agent-crash": ({ hold, world }, chance) => hold(anySite(world, chance).agent, "down"),
  "agent-frozen": ({ hold, world }) => hold(activeSite({ world }).agent, "frozen"),
  "database-crash": ({ hold, world }, chance) =>
    hold(anySite(world, chance).database.process, "down"),
  "database-frozen": ({ hold, world }) => hold(activeSite({ world }).database.process, "frozen"),
  "services-frozen": ({ hold, world }) => hold(activeSite({ world }).entry, "frozen"),
  "pods-down": ({ world }, chance) => {
    const { pods } = anySite(world, chance);
    pods.ready = chance.between(0, Math.max(0, pods.desired - 1));
    return NOTHING;
  },
  "slow-disk": ({ world }, chance) => {
    const { database } = anySite(world, chance);
    const addedMs = chance.between(20, 2_000);
    database.flushMs += addedMs;
    return () => {
      database.flushMs -= addedMs;
    };
  },
  "slow-state-disk": ({ world }, chance) => {
    const addedMs = chance.between(20, 450);
    world.state.workMs += addedMs;
    return () => {
      world.state.workMs -= addedMs;
    };
  },
  "long-transactions": ({ world }, chance) => {
    const { database } = activeSite({ world });
    const addedMs = chance.between(500, 6_000);
    database.commitDelayMs += addedMs;
    return () => {
      database.commitDelayMs -= addedMs;
    };
  },
  "database-clock-set-back": ({ world }, chance) => {
    // As far as the margin allows for, drift and all.
    const { clockError } = anySite(world, chance).database.process;
    clockError.offsetMs -= chance.between(50, world.settings.terms.marginMs - 80);
    return NOTHING;
  },
  "database-clock-set-forward": ({ world }, chance) => {
    anySite(world, chance).database.process.clockError.offsetMs += chance.between(500, 60_000);
    return NOTHING;
  },
  "lossy-network": ({ world }, chance) => {
    const nodes = allNodes(world);
    const lossShare = 0.02 + chance.next() * 0.2;
    return world.network.impair(nodes, nodes, { lossShare });
  },
  "slow-network": ({ world }, chance) => {
    const nodes = allNodes(world);
    const from = nodes.filter(() => chance.hits(0.4));
    return world.network.impair(from, nodes, { extraMs: chance.between(50, 1_500) });
  },
  "repeated-messages": ({ world }) => {
    const nodes = allNodes(world);
    return world.network.impair(nodes, nodes, { repeatShare: 0.3 });
  },
  "flapping-health": ({ world }, chance) => flap(world, anySite(world, chance), chance),
  "provider-outage-blinds": ({ world }, chance) => {
    // Every agent of one cloud, and whoever watches through it, sees nothing but red.
    const cloud = chance.pick(world.sites).cloud;
    const agents = world.sites
      .filter((site) => site.cloud === cloud)
      .map((site) => site.agent.name);
    const blind = chance.hits(0.4) ? [...agents, INTERNET] : agents;
    const targets = [EDGE, ...world.sites.map((site) => site.entry.name)];
    return world.network.cut(blind, targets);
  },
  "controllers-blind": ({ world }) => {
    const targets = [EDGE, ...world.sites.map((site) => site.entry.name)];
    return world.network.cut(controllerNames(world), targets);
  },
  "standby-crash": (arena, chance) => crashSite(arena, standby(arena.world, chance)),
  "standby-stalled": ({ world }, chance) => {
    const { database } = standby(world, chance);
    database.applyStalled = true;
    return () => {
      database.applyStalled = false;
    };
  },
  "standby-database-frozen": ({ hold, world }, chance) =>
    hold(standby(world, chance).database.process, "frozen"),
  "standby-half-seeded": ({ world }, chance) => {
    const { database } = standby(world, chance);
    database.copyComplete = false;
    return () => {
      database.copyComplete = true;
    };
  },
  "replication-cut": ({ world }, chance) => {
    const from = activeSite({ world }).database.process.name;
    const to = standby(world, chance).database.process.name;
    return both(world.network.cut([from], [to]), world.network.cut([to], [from]));
  },
  "both-sites-bad": (arena) => {
    const lifts = arena.world.sites.map((site) => {
      const { ready } = site.pods;
      site.pods.ready = 0;
      return () => {
        site.pods.ready = Math.max(site.pods.ready, ready);
      };
    });
    return () => lifts.forEach((lift) => lift());
  },
  "provider-api-down": ({ hold, world }) =>
    both(hold(activeSite({ world }).provider, "down"), hold(world.edge, "frozen")),
  "people-switch-over": ({ operators }) => {
    operators.askForSwitchover();
    return NOTHING;
  },
  "people-roll-back": ({ operators }) => {
    operators.askForRollback();
    return NOTHING;
  },
  "people-cancel": ({ operators }) => {
    operators.cancel();
    return NOTHING;
  },
};

/** What makes the active site look dead to everybody. */
export const MOVERS: readonly FaultKind[] = [
  "site-crash",
  "site-isolated",
  "site-cut-outwards",
  "site-cut-inwards",
  "only-peers-left",
  "only-witness-left",
  "entry-cut-off",
];

/** What may also last for ever. */
export const MAY_LAST: readonly FaultKind[] = ["site-crash", "site-isolated"];

/** The site that takes writes, or else the one that did last. */
export function activeSite({ world }: { readonly world: World }): Site {
  const writer = world.sites.find((site) => site.database.refusal() === null);
  return writer ?? world.site(world.truth.newest?.site ?? world.dns.site);
}

function standby(world: World, chance: Chance): Site {
  const active = activeSite({ world });
  return chance.pick(world.sites.filter((site) => site !== active));
}

function anySite(world: World, chance: Chance): Site {
  return chance.hits(0.7) ? activeSite({ world }) : chance.pick(world.sites);
}

function leader(controllers: readonly Controller[]): Controller {
  const found = controllers.find((one) => one.acting !== null) ?? controllers[0];
  if (found === undefined) throw new RangeError("there is at least one controller");
  return found;
}

function controllerNames(world: World): readonly string[] {
  return allNodes(world).filter((node) => node.startsWith("controller"));
}

function outside(world: World, inside: readonly string[]): readonly string[] {
  return allNodes(world).filter((node) => !inside.includes(node));
}

function isolate(world: World, site: Site): () => void {
  const inside = nodesOf(site.id);
  const others = outside(world, inside);
  return both(world.network.cut(inside, others), world.network.cut(others, inside));
}

/** Nobody outside reaches the site but its agent; local users do. */
function cutOffUsers(world: World, site: Site): () => void {
  const ways = [site.entry.name, site.database.process.name, site.provider.name];
  const others = outside(world, nodesOf(site.id));
  return both(world.network.cut(ways, others), world.network.cut(others, ways));
}

/** Power and network are gone, as when a region fails. */
function crashSite({ hold, world }: Arena, site: Site): () => void {
  const connect = isolate(world, site);
  const parts = [site.database.process, site.agent, site.entry, site.provider];
  const lifts = parts.map((process) => hold(process, "down"));
  return () => {
    lifts.forEach((lift) => lift());
    connect();
  };
}

function flap(world: World, site: Site, chance: Chance): () => void {
  let on = true;
  const turn = (): void => {
    site.flapping = on && !site.flapping;
    if (on) world.scheduler.after(chance.between(400, 2_500), turn);
  };
  turn();
  return () => {
    on = false;
    site.flapping = false;
  };
}

function both(one: () => void, other: () => void): () => void {
  return () => {
    one();
    other();
  };
}
