/** How surely the old writer is stopped. */
import { hasCode, messageOf } from "./error.ts";
import { field, isList } from "./json-field.ts";
import type { Json } from "./run.ts";

/**
 * From weakest to strongest. `unproven`: nothing confirmed. `network`: what leads to the writer was
 * shut from outside (every way in, or every workload that is known to write) and was read back so.
 * `lease-expired`: the site stopped by itself when its lease lapsed. `confirmed`: the database
 * itself said that it refuses writes and has no session left; nobody else can say that.
 */
export const FENCE_DEGREES = ["unproven", "network", "lease-expired", "confirmed"] as const;
export type FenceDegree = (typeof FENCE_DEGREES)[number];

/** The means of fencing that is the writer itself. */
const DATABASE_MEANS = "database";

/** What one means of fencing achieved. */
export interface FenceProof {
  /** `database`, `workload`, `network`, … */
  readonly means: string;
  readonly degree: FenceDegree;
  /** What was read back, or why nothing could be. One sentence. */
  readonly detail: string;
  /** How often the writer lease had been renewed, where that is what proves it. */
  readonly renewals?: number;
  /**
   * The end of that lease, an instant all controllers share: no write was accepted later. Absent where
   * it is not known to have come.
   */
  readonly leaseEndedAtMs?: number;
}

/** The degree that a proof, or the result of a fence, holds; null if it holds none. */
export function fenceDegreeIn(result: Json): FenceDegree | null {
  const said = field(result, "degree");
  return FENCE_DEGREES.find((degree) => degree === said) ?? null;
}

/**
 * Whether the database itself confirmed that it stopped. No other means can: whoever writes without
 * being asked (a cron job, a person with psql) is known to the database only.
 */
export function databaseConfirmed(proofs: readonly FenceProof[]): boolean {
  return proofs.some(({ means, degree }) => means === DATABASE_MEANS && degree === "confirmed");
}

/** How often the writer lease had been renewed when a fence sealed it; null where no lease proves it. */
export function leaseRenewalsIn(result: Json): number | null {
  return numberInProofs(result, "renewals");
}

/** When the lease had ended that a fence sealed; null where that is not known. */
export function leaseEndedIn(result: Json): number | null {
  return numberInProofs(result, "leaseEndedAtMs");
}

function numberInProofs(result: Json, name: string): number | null {
  const proofs = field(result, "proofs");
  if (!isList(proofs)) return null;
  return proofs.map((proof) => field(proof, name)).find(isNumber) ?? null;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

/** The proofs that the result of a fence holds; none where it holds none. */
export function fenceProofsIn(result: Json): readonly FenceProof[] {
  const proofs = field(result, "proofs");
  return isList(proofs) ? proofs.flatMap((proof) => proofIn(proof) ?? []) : [];
}

function proofIn(value: Json): FenceProof | null {
  const degree = fenceDegreeIn(value);
  const means = field(value, "means");
  const detail = field(value, "detail");
  if (degree === null || typeof means !== "string") return null;
  return { means, degree, detail: typeof detail === "string" ? detail : "" };
}

/** Whether degree `a` is at least as strong as `b`. */
export function fenceAtLeast(a: FenceDegree, b: FenceDegree): boolean {
  return FENCE_DEGREES.indexOf(a) >= FENCE_DEGREES.indexOf(b);
}

/** The strongest degree among the proofs; `unproven` if there are none. */
export function strongestFence(proofs: readonly FenceProof[]): FenceDegree {
  return proofs.reduce<FenceDegree>(
    (best, proof) => (fenceAtLeast(proof.degree, best) ? proof.degree : best),
    "unproven",
  );
}

/**
 * The proof for a fence that ended in `error`: `unproven` with the reason, because a dead site
 * must not stop a failover. @throws `error` itself if it is `STALE_GENERATION`: then this plan
 * is the one that must stop.
 */
export function unprovenBecause(means: string, error: unknown): FenceProof {
  if (hasCode(error, "STALE_GENERATION")) throw error;
  return { means, degree: "unproven", detail: messageOf(error) };
}
