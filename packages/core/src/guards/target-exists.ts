import { unreachable } from "../error.ts";
import { planWords } from "../plan-words.ts";
import type { PlanKind } from "../plan.ts";
import type { Site } from "../topology.ts";
import { type Guard, block, pass } from "./guard.ts";

/** Is there a site this plan could go to? Says what to add or start instead if there is none. */
export const targetExists: Guard = ({ plan, target, active, situation }) => {
  const { application } = situation;
  if (target !== null) {
    if (target.id === active.id || plan === "heal")
      return pass("target-exists", `${target.id} itself is the target.`);
    return pass("target-exists", `${target.id} is a target for ${planWords(plan)}.`);
  }
  const sites = application.sites.map((site) => site.id).join(", ");
  return block(
    "target-exists",
    `${application.name} has no target for ${planWords(plan)}: ${wanted(plan, active)}, its sites are ${sites}. ${wayOut(plan)}`,
  );
};

function wanted(plan: PlanKind, active: Site): string {
  switch (plan) {
    case "region":
      return `it takes another region of ${active.cloud}`;
    case "dr":
      return `it takes a site outside ${active.cloud}`;
    case "switchover":
    case "rejoin":
      return `it takes a site other than ${active.id}`;
    case "failback":
      return `it takes a site preferred to ${active.id}, where it runs`;
    case "heal":
      return "it repairs one of its sites";
    case "rollback":
      return `it goes to the active site ${active.id}`;
    default:
      return unreachable(plan);
  }
}

function wayOut(plan: PlanKind): string {
  switch (plan) {
    case "region":
      return 'Add such a site, or move to the other cloud by hand: cloudphoenix failover --kind dr --reason "…".';
    case "dr":
      return 'Add such a site, or move within the cloud by hand: cloudphoenix failover --kind region --reason "…".';
    case "failback":
      return 'To move elsewhere on purpose: cloudphoenix failover --kind switchover --reason "…".';
    case "switchover":
    case "rejoin":
    case "heal":
    case "rollback":
      return "Name one of the sites that fit.";
    default:
      return unreachable(plan);
  }
}
