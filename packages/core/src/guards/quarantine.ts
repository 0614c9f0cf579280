import { type Guard, block, pass } from "./guard.ts";

/**
 * Does nothing wait for a decision? A returned site rejoins only once people decided what becomes of
 * the writes it alone holds, and nobody goes home while a site is still quarantined.
 */
export const quarantine: Guard = ({ plan, target, situation }) => {
  const quarantined = situation.quarantined ?? [];
  if (plan !== "rejoin") {
    const [first] = quarantined;
    if (first === undefined) return pass("quarantine", "No site is quarantined.");
    return block(
      "quarantine",
      `${first.site} is quarantined: ${first.sentence} Let it rejoin first: cloudphoenix quarantine rejoin --site ${first.site} --reason "…".`,
    );
  }
  const mine = quarantined.find((one) => one.site === target?.id);
  if (mine === undefined) {
    return block("quarantine", `${target?.id ?? "The site"} is not quarantined.`);
  }
  return mine.mayRejoin ? pass("quarantine", mine.sentence) : block("quarantine", mine.sentence);
};
