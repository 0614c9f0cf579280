/** Steps that bring a site back: see what was decided, repair, let in, compare. */
import { CloudPhoenixError, type Json, type SiteId, type StepAction } from "@cloudphoenix/core";
import type { SiteComparison } from "../ports/salvage.ts";
import { type Parting, partingIn, partingKey } from "../quarantine/parting.ts";
import { missingDecision, quarantineIn, quarantineKey } from "../quarantine/quarantine.ts";
import { cutsReplication } from "./fence-site.ts";
import type { StepHandler } from "./step-handler.ts";
import type { StepPorts } from "./step-ports.ts";

type ActionOf<Kind extends StepAction["kind"]> = Extract<StepAction, { readonly kind: Kind }>;

/** Keeps with the run what people decided; refuses to go on if they did not. */
export function recordSalvage(ports: StepPorts): StepHandler<ActionOf<"record-salvage">> {
  const read = async (site: SiteId): Promise<Json> => {
    const quarantine = quarantineIn(await ports.facts.get(quarantineKey(site)));
    if (quarantine === null) {
      throw new CloudPhoenixError("CONFLICT", `${site} is not quarantined`, {
        retryable: true,
        hint: "Wait until the controller has seen the site, then try again.",
      });
    }
    const missing = missingDecision(quarantine, ports.policy.approversForRisk);
    if (missing !== null) throw undecided(missing);
    return JSON.parse(JSON.stringify(quarantine));
  };
  return {
    skipPrecheck: true,
    async inspect({ site }) {
      const quarantine = quarantineIn(await ports.facts.get(quarantineKey(site)));
      const missing =
        quarantine === null
          ? `${site} is not quarantined`
          : missingDecision(quarantine, ports.policy.approversForRisk);
      return {
        current: missing ?? `decided about everything that exists only at ${site}`,
        intended: "people have decided, and the run says what",
        done: false,
      };
    },
    run: ({ site }) => read(site),
    verify: async ({ site }) => ({ ok: true, detail: `decided about ${site}` }),
  };
}

/**
 * Repairs and follows. The generation is the writer's own, as its database says: claiming it for a
 * newer one would end the lease it writes under.
 */
export function rejoinSite(ports: StepPorts): StepHandler<ActionOf<"rejoin-site">> {
  return {
    // `rejoin` is idempotent and returns what the report needs, also when it had been done.
    skipPrecheck: true,
    async inspect({ site, writer }, { signal }) {
      const { role, generation } = await ports.databases.inspect(site, signal);
      return {
        current: `the database of ${site} is ${role}, generation ${generation}`,
        intended: `it is a standby that follows ${writer}`,
        done: false,
      };
    },
    async run({ site, writer }, { signal }) {
      await refuseUndecided(ports, site);
      const parting = await partingOf(ports, { site, writer });
      const { role, generation } = await ports.databases.inspect(writer, signal);
      if (role !== "active") {
        throw new CloudPhoenixError("CONFLICT", `${writer} is ${role}, so nobody can follow it`, {
          retryable: true,
          hint: "Find out which site writes.",
        });
      }
      const request = { ...parting, generation };
      return { site, writer, ...(await ports.salvage.rejoin(site, writer, request, signal)) };
    },
    async verify({ site }, { signal }) {
      const { role } = await ports.databases.inspect(site, signal);
      return { ok: role === "standby", detail: `the database of ${site} is ${role}` };
    },
  };
}

/** What it took since it was fenced would be overwritten: it may have opened in a run's long tail. */
async function refuseUndecided({ facts, policy }: StepPorts, site: SiteId): Promise<void> {
  const quarantine = quarantineIn(await facts.get(quarantineKey(site)));
  const missing = quarantine === null ? null : missingDecision(quarantine, policy.approversForRisk);
  if (missing !== null) throw undecided(missing);
}

function undecided(missing: string): CloudPhoenixError {
  return new CloudPhoenixError("APPROVAL_REQUIRED", missing, {
    retryable: false,
    hint: "Decide, then retry the step.",
  });
}

/** Lifts what keeps users and replication out of a site; its writes stay refused. */
export function admitSite(ports: StepPorts): StepHandler<ActionOf<"admit-site">> {
  const means = ports.fencers.filter(cutsReplication);
  return {
    skipPrecheck: true,
    inspect: async ({ site }) => ({
      current: means.length === 0 ? `nothing keeps users out of ${site}` : `${site} may be cut off`,
      intended: `${site} can be reached`,
      done: false,
    }),
    async run({ site }, { plan, signal }) {
      await Promise.all(means.map((one) => one.unfence(site, plan.generation, signal)));
      return { lifted: means.map((one) => one.means) };
    },
    async verify({ site }, { signal }) {
      const { role, writesOpen } = await ports.databases.inspect(site, signal);
      return { ok: role === "standby" && !writesOpen, detail: `${site} is reachable and ${role}` };
    },
  };
}

/** Fails unless every table is equal at both sites. */
export function compareSites(ports: StepPorts): StepHandler<ActionOf<"compare-sites">> {
  return {
    // The comparison itself is the step.
    skipPrecheck: true,
    inspect: async ({ writer, follower }) => ({
      current: "not compared now: it reads every row",
      intended: `every table is equal at ${writer} and ${follower}`,
      done: false,
    }),
    async run({ writer, follower }, { signal }) {
      const comparison = await ports.salvage.compare(writer, follower, signal);
      refuseDifferences(comparison, follower);
      const { equal, lsn, tables } = comparison;
      const sum = (of: (table: SiteComparison["tables"][number]) => number): number =>
        tables.reduce((total, table) => total + of(table), 0);
      return {
        equal,
        lsn,
        tables: tables.length,
        rows: sum((table) => table.rows),
        changing: sum((table) => table.changing),
        checksums: Object.fromEntries(tables.map((table) => [table.name, table.checksumWriter])),
      };
    },
    verify: async ({ writer, follower }) => ({
      ok: true,
      detail: `${writer} and ${follower} are equal`,
    }),
  };
}

function refuseDifferences({ equal, tables, unsettled }: SiteComparison, follower: SiteId): void {
  if (equal) return;
  const differing = tables.filter((table) => !table.equal).map((table) => table.name);
  throw new CloudPhoenixError(
    "CONFLICT",
    differing.length > 0
      ? `${follower} differs in ${differing.join(", ")}`
      : `${unsettled.join(", ")} changed during every comparison`,
    {
      retryable: true,
      hint:
        differing.length > 0
          ? `Do not move to ${follower}; set up its copy again.`
          : "Try again when less is written.",
    },
  );
}

/** Where the two parted. @throws {CloudPhoenixError} `REPLICATION_BROKEN` if nobody knows */
async function partingOf(
  ports: StepPorts,
  { site, writer }: { readonly site: SiteId; readonly writer: SiteId },
): Promise<Parting> {
  const parting = partingIn(await ports.facts.get(partingKey(writer, site)));
  if (parting !== null) return parting;
  throw new CloudPhoenixError(
    "REPLICATION_BROKEN",
    `where ${writer} and ${site} parted is not known, so ${site} cannot be repaired by key`,
    {
      retryable: false,
      hint: "Only a full re-seed brings it back; the runbook of the returned primary tells how.",
    },
  );
}
