import { type Guard, approve, block, pass } from "./guard.ts";

const SHOWN_MAX = 3;

/** Do both databases have the same schema? The application would break on one that differs. */
export const schemaParity: Guard = ({ standby, target }) => {
  const differences = standby?.schemaDifferences ?? null;
  const where = target?.id ?? "the target";
  if (differences === null) {
    return approve(
      "schema-parity",
      `The schema of ${where} could not be compared; 1 person must agree.`,
    );
  }
  if (differences.length === 0) {
    return pass("schema-parity", `The schema of ${where} has 0 differences.`);
  }
  const more = differences.length - SHOWN_MAX;
  const shown = differences.slice(0, SHOWN_MAX).join("; ");
  return block(
    "schema-parity",
    `The schema of ${where} has ${differences.length} differences: ${shown}${more > 0 ? `; and ${more} more` : ""}.`,
  );
};
