import { peopleText } from "../plan-words.ts";
import { type Guard, type GuardFacts, approve, block, pass } from "./guard.ts";

const SHOWN_MAX = 3;
/** Who agrees to differences has to read them. */
const AGREED_MAX = 20;

/**
 * Do both databases have the same schema, and is every table replicated? The application would break
 * on one that differs, and what is not replicated is not at the target. Nothing moves by itself then,
 * and no planned move. A site that is lost cannot be mended: in a failover a person may accept it,
 * as they accept a loss.
 */
export const schemaParity: Guard = (facts) => {
  const { standby, target, situation } = facts;
  const differences = standby?.schemaDifferences ?? null;
  const where = target?.id ?? "the target";
  const people = peopleText(situation.policy.approversForRisk);
  if (differences === null) {
    return approve(
      "schema-parity",
      `The schema of ${where} could not be compared; ${people} must agree.`,
    );
  }
  if (differences.length === 0) {
    return pass("schema-parity", `The schema of ${where} has 0 differences.`);
  }
  const sentence = `The schema of ${where} has ${differences.length} differences`;
  if (!mayBeAccepted(facts)) {
    return block("schema-parity", `${sentence}: ${shown(differences, SHOWN_MAX)}.`);
  }
  if (facts.cause.kind === "person" && facts.cause.acceptLoss) {
    const all = shown(differences, AGREED_MAX);
    return approve(
      "schema-parity",
      `${sentence}, accepted by request (${people} must agree): ${all}.`,
    );
  }
  return block(
    "schema-parity",
    `${sentence}: ${shown(differences, SHOWN_MAX)}; ask again with --accept-loss to move without what is missing.`,
  );
};

/** By a person, for a site that may be lost. */
function mayBeAccepted({ cause, plan }: GuardFacts): boolean {
  return cause.kind === "person" && (plan === "dr" || plan === "region");
}

function shown(differences: readonly string[], max: number): string {
  const more = differences.length - max;
  return differences.slice(0, max).join("; ") + (more > 0 ? `; and ${more} more` : "");
}
