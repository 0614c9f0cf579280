/**
 * Which situations a campaign of some size must have seen. What is asked for at a size is so likely
 * there that its absence means that the simulator has changed, not that chance was unkind: each set
 * is missing something in fewer than one of 100,000 campaigns of its size. The shares are from
 * 3,600 seeds.
 */
import type { BatchSummary } from "./batch.ts";
import { FAULT_KINDS } from "./faults.ts";
import { PHASES } from "./phases.ts";

type Covered = BatchSummary["covered"];

/** Each struck in at least 4 % of all seeds. */
const COMMON: readonly string[] = [
  "only-witness-left idle",
  "site-isolated idle",
  "people-switch-over idle",
  "site-crash idle",
  "entry-cut-off idle",
  "only-peers-left idle",
  "site-cut-outwards idle",
  "site-cut-inwards idle",
  "agent-frozen deciding",
  "agent-frozen fencing",
  "slow-disk idle",
  "replication-cut idle",
];

interface Demand {
  readonly fromSeeds: number;
  readonly missing: (covered: Covered) => readonly string[];
}

const DEMANDS: readonly Demand[] = [
  { fromSeeds: 300, missing: (covered) => COMMON.filter((cell) => covered[cell] === undefined) },
  {
    // The rarest phase, switching, is struck in 5 % of all seeds.
    fromSeeds: 300,
    missing: (covered) =>
      PHASES.filter((phase) => !struck(covered).some((cell) => cell.endsWith(` ${phase}`))).map(
        (phase) => `anything in phase ${phase}`,
      ),
  },
  {
    // The rarest kind, a slow network, strikes in 2 % of all seeds.
    fromSeeds: 1_000,
    missing: (covered) =>
      FAULT_KINDS.filter((kind) => !struck(covered).some((cell) => cell.startsWith(`${kind} `))),
  },
  {
    fromSeeds: 20_000,
    missing: (covered) =>
      FAULT_KINDS.flatMap((kind) => PHASES.map((phase) => `${kind} ${phase}`)).filter(
        (cell) => covered[cell] === undefined,
      ),
  },
];

/** What should have occurred in a campaign of this size, and did not; nothing below 300 seeds. */
export function neverOccurred({
  seeds,
  covered,
}: Pick<BatchSummary, "seeds" | "covered">): readonly string[] {
  const asked = DEMANDS.filter(({ fromSeeds }) => seeds >= fromSeeds);
  return [...new Set(asked.flatMap(({ missing }) => missing(covered)))];
}

function struck(covered: Covered): readonly string[] {
  return Object.keys(covered);
}
