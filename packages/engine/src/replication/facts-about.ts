/** What the watch knows of one standby of one site, and of no other. */
import type { ReplicationFacts, SiteId } from "@cloudphoenix/core";
import type { ReplicationWatch } from "../ports/database-control.ts";

/**
 * Right after a move the watch still tells of those that follow the former writer: not a word on
 * whether they follow the new one, and "unknown" here.
 */
export function factsAbout(
  watch: Pick<ReplicationWatch, "active" | "facts">,
  { active, standby }: { readonly active: SiteId; readonly standby: SiteId },
): ReplicationFacts {
  if (watch.active === active) return watch.facts(standby);
  return {
    writtenAtMs: null,
    appliedAtMs: null,
    readAtMs: null,
    lagBytes: null,
    state: "unknown",
    detail: `whether ${standby} follows ${active} is not known yet`,
  };
}
