/** A quarantined site as it is shown: what it holds, and what people have to decide. */

import { missingDecision, type Quarantine } from "@cloudphoenix/engine";

export interface QuarantineView extends Quarantine {
  /** Why it may not rejoin yet, and what to type; null if it may. */
  readonly missing: string | null;
}

/** @param approvers - distinct people it takes to give data up */
export function quarantineView(quarantine: Quarantine, approvers: number): QuarantineView {
  return { ...quarantine, missing: missingDecision(quarantine, approvers) };
}
