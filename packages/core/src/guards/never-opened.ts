import { peopleText } from "../plan-words.ts";
import { otherSite, wayBackOf } from "../way-back.ts";
import { type Guard, approve, pass } from "./guard.ts";

/**
 * Did the target of the move never take a write? Going back gives up what it acknowledged. It can have
 * opened only if the roles were not settled afterwards, so this is rare, and then as bad as any loss.
 */
export const neverOpened: Guard = ({ situation, active, leaves }) => {
  const { run } = wayBackOf(situation, leaves ?? undefined);
  if (run === null || run.opening === "closed") {
    return pass("never-opened", "No record tells that another site opened writes.");
  }
  const people = peopleText(situation.policy.approversForRisk);
  const opened = run.opening === "opened" ? "opened" : "may have opened";
  return approve(
    "never-opened",
    `Run ${run.id} ${opened} writes at ${otherSite(run)}: what was acknowledged there since will not be at ${active.id}; ${people} must agree.`,
  );
};
