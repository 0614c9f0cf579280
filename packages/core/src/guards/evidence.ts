import { planWords } from "../plan-words.ts";
import { type Guard, block, pass } from "./guard.ts";

/**
 * Do enough independent witnesses agree? A move across clouds also needs one witness in the
 * target's cloud and one outside every site: without them the cut may lie between the clouds.
 */
export const evidence: Guard = ({ cause, evidence: seen, plan, situation, target }) => {
  if (cause.kind === "person") return pass("evidence", "A person asked; that is evidence enough.");
  const needed = situation.policy.evidenceMin[cause.level];
  const count = seen.failureDomains.length;
  const missing = [];
  if (count < needed) missing.push(`${needed - count} more`);
  if (cause.level === "dr" && !seen.seenFromTarget) {
    missing.push(`one in the target's cloud${target === null ? "" : ` (${target.cloud})`}`);
  }
  if (cause.level === "dr" && !seen.seenFromOutside) missing.push("one outside every site");
  const agree = `${count} failure ${count === 1 ? "domain agrees" : "domains agree"} (${seen.failureDomains.join(", ") || "none"}), ${planWords(plan)} needs ${needed}`;
  if (missing.length === 0) return pass("evidence", `${agree}.`);
  return block("evidence", `${agree}; missing: ${missing.join(", ")}.`);
};
