/** What the same answers, given for a while, lead to. */
import type { Decision, Situation, Status } from "../src/index.ts";
import { ALL_HEALTHY, type Answers, SIGNALS, decideFor } from "./shop.ts";

/** The site is sick enough to be healed and well enough to stay. */
export const POD_CRASH: Answers = {
  ...ALL_HEALTHY,
  "aws-health": "degraded",
  "aws-lb": "unhealthy",
};

/** What a minute of the same answers leads to. */
export function afterAMinute(answers: Answers, change: Partial<Situation> = {}): Decision {
  return decideFor(60_000, () => answers, change).last;
}

/** A decision in two words at most, such as `act heal`. */
export function actionOf({ action }: Decision): string {
  return action.kind === "hold" || action.kind === "page"
    ? action.kind
    : `${action.kind} ${action.plan}`;
}

/** Every signal of a site answered alike. */
export function allOf(site: string, status: Status): Answers {
  return Object.fromEntries(
    SIGNALS.filter((one) => one.site === site).map((one) => [one.id, status]),
  );
}
