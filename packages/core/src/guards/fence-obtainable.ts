import { fenceAtLeast } from "../fence.ts";
import { peopleText } from "../plan-words.ts";
import { type Guard, approve, pass } from "./guard.ts";

/**
 * Could the old writer be stopped surely enough? A weaker fence does not forbid the move, because
 * a person may know what no fencer can prove ("the building is dark"), but people must say so.
 */
export const fenceObtainable: Guard = ({ active, standby, situation }) => {
  const { approversForRisk, fenceMin } = situation.policy;
  const degree = standby?.fenceObtainable ?? "unproven";
  const found = `${active.id} could be fenced to degree ${degree}, at least ${fenceMin} is wanted`;
  if (fenceAtLeast(degree, fenceMin)) return pass("fence-obtainable", `${found}.`);
  const detail = standby === null ? "no forecast yet" : standby.fenceDetail;
  return approve(
    "fence-obtainable",
    `${found} (${detail}); ${peopleText(approversForRisk)} must accept that it may still write.`,
  );
};
