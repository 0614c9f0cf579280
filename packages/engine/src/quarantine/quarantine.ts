/**
 * A returned old primary and what people decided about it. Data and pure rules.
 *
 * 1. What only the returned site has is never given up without a decision that is on record.
 * 2. Giving it up takes as many distinct people as any other risk to data; keeping it takes one.
 */
import type { FenceProof, Json, QuarantineFact, SiteId } from "@cloudphoenix/core";
import type { DivergenceSummary } from "../ports/salvage.ts";
import { personOf } from "../runner/person.ts";

/** What somebody decided, or did, about the writes that only the returned site has. */
export type QuarantineDecision = {
  readonly by: string;
  readonly atMs: number;
  readonly reason: string;
} & (
  | { readonly kind: "accepted" }
  | { readonly kind: "exported"; readonly rows: number; readonly file: string }
  | { readonly kind: "reapplied"; readonly applied: number; readonly conflicting: number }
);

/** Plain JSON, as stored and sent. */
export interface Quarantine {
  readonly site: SiteId;
  /** The site that writes now. */
  readonly writer: SiteId;
  readonly foundAtMs: number;
  /** How the site came back: what its database said before it was fenced. */
  readonly found: { readonly role: "active" | "fenced"; readonly generation: number };
  /** The fence put on it; tried again until it is confirmed. */
  readonly fence: FenceProof;
  /** When it was last seen to take writes although it was quarantined; null if it never was. */
  readonly reopenedAtMs: number | null;
  /** What it alone holds; null until it could be read. */
  readonly divergence: DivergenceSummary | null;
  /** Why that could not be read, or not yet; null if it could, or was not tried yet. */
  readonly trouble: string | null;
  readonly decisions: readonly QuarantineDecision[];
}

/** Key of the fact that holds the quarantine of `site`. */
export function quarantineKey(site: SiteId): string {
  return `quarantine:${site}`;
}

/** The quarantine in a stored fact; null if there is none. */
export function quarantineIn(stored: Json): Quarantine | null {
  if (typeof stored !== "object" || stored === null || !("decisions" in stored)) return null;
  const quarantine: Quarantine = JSON.parse(JSON.stringify({ reopenedAtMs: null, ...stored }));
  return quarantine;
}

/**
 * Why the site may not rejoin yet, with what to type next; null if it may.
 * @param approvers - distinct people it takes to give data up
 */
export function missingDecision(quarantine: Quarantine, approvers: number): string | null {
  const { divergence, decisions, fence, site } = quarantine;
  if (fence.degree !== "confirmed") {
    return `${site} may still take writes (its fence is ${fence.degree}: ${fence.detail}), and they would be lost. It is fenced again every second.`;
  }
  if (divergence !== null && divergence.transactions === 0) return null;
  if (decisions.some((one) => one.kind === "exported")) return null;
  if (decisions.some((one) => one.kind === "reapplied" && one.conflicting === 0)) return null;
  const accepted = peopleWhoAccepted(quarantine).size;
  const needed = Math.max(1, approvers);
  if (accepted >= needed) return null;
  const held =
    divergence === null
      ? `What only ${site} holds could not be read (${quarantine.trouble ?? "not tried yet"})`
      : `${transactionsText(divergence.transactions)} exist only at ${site}`;
  const partly =
    accepted > 0
      ? ` ${accepted} of ${needed} people have accepted the loss.`
      : conflictText(decisions);
  return `${held}, and nobody has decided what becomes of them.${partly} ${WAYS_OUT}`;
}

const WAYS_OUT =
  "Keep them (cloudphoenix quarantine export --file FILE), write them to the current writer " +
  "(cloudphoenix quarantine reapply --reason TEXT), or give them up (cloudphoenix quarantine accept --reason TEXT).";

/** What plans need to know of a quarantine. */
export function quarantineFact(quarantine: Quarantine, approvers: number): QuarantineFact {
  const missing = missingDecision(quarantine, approvers);
  const { site, divergence } = quarantine;
  return {
    site,
    mayRejoin: missing === null,
    sentence: missing ?? decidedText(site, divergence?.transactions ?? null, quarantine.decisions),
  };
}

/** One name per person, however it was written. */
export function peopleWhoAccepted({ decisions }: Quarantine): ReadonlySet<string> {
  return new Set(decisions.filter((one) => one.kind === "accepted").map((one) => personOf(one.by)));
}

function decidedText(
  site: SiteId,
  transactions: number | null,
  decisions: readonly QuarantineDecision[],
): string {
  if (transactions === 0) return `Nothing exists only at ${site}.`;
  const what = decisions.map((one) => `${one.kind} by ${one.by}`).join(", ");
  return `What exists only at ${site} was decided on: ${what}.`;
}

function conflictText(decisions: readonly QuarantineDecision[]): string {
  const reapplied = decisions.find((one) => one.kind === "reapplied");
  if (reapplied?.kind !== "reapplied") return "";
  return ` ${reapplied.conflicting} changes conflicted when they were written back and still exist only there.`;
}

function transactionsText(count: number): string {
  return count === 1 ? "1 transaction" : `${count} transactions`;
}
