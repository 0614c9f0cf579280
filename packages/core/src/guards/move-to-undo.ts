import type { Situation } from "../decision.ts";
import { planWords } from "../plan-words.ts";
import { wayBackOf } from "../way-back.ts";
import { type Guard, approve, block, pass } from "./guard.ts";

/**
 * Is there a move to take back? A rollback stops the other site, and in calm times that is the standby.
 * It is refused only where all records were read, none tells of a move that was left half-way, and the
 * active site was just seen to serve with the names leading to it. Whatever is in doubt, a person decides.
 */
export const moveToUndo: Guard = ({ situation, active, leaves }) => {
  if (leaves === null) {
    const others = situation.application.sites.filter(({ id }) => id !== active.id);
    return block(
      "move-to-undo",
      `No run, and no name, tells which site the move to be undone went to; name it with --from: ${others.map(({ id }) => id).join(" or ")}.`,
    );
  }
  const { run, complete } = wayBackOf(situation, leaves);
  const troubles = troublesOf(situation);
  if (run !== null && run.opening !== "closed") {
    return pass(
      "move-to-undo",
      `Run ${run.id} (${planWords(run.kind)}) went to ${leaves}, and ${active.id} is still recorded as active.`,
    );
  }
  if (run !== null) {
    const left = `Run ${run.id} (${planWords(run.kind)}) ended ${run.status} and left something half-way`;
    if (troubles === null || troubles.length > 0) return pass("move-to-undo", `${left}.`);
    return approve("move-to-undo", `${left}, but ${calm(active.id)}. ${price(leaves)}`);
  }
  const none = complete
    ? `No move between ${active.id} and ${leaves} was left half-way`
    : `Among the newest runs no move between ${active.id} and ${leaves} was left half-way, older ones were not read`;
  if (troubles === null) {
    return approve(
      "move-to-undo",
      `${none}; whether ${active.id} serves was not seen. ${price(leaves)}`,
    );
  }
  if (troubles.length > 0) {
    return approve("move-to-undo", `${none}, but ${troubles.join(", and ")}. ${price(leaves)}`);
  }
  if (!complete) {
    return approve("move-to-undo", `${none}, and ${calm(active.id)}. ${price(leaves)}`);
  }
  return block(
    "move-to-undo",
    `There is nothing to roll back: ${none.charAt(0).toLowerCase()}${none.slice(1)}, and ${calm(active.id)}. It would only stop ${leaves}, and cost the standby.`,
  );
};

function calm(active: string): string {
  return `${active} serves and the names lead to it`;
}

function price(from: string): string {
  return `A rollback fences and stops ${from}: there is no standby then until ${from} is copied anew; 1 person must agree.`;
}

/** What speaks against the active site being in order; null if nobody has looked. */
function troublesOf({ standing, roles }: Situation): readonly string[] | null {
  if (standing === undefined) return null;
  const { serves, detail, namesLeadTo } = standing;
  const entry = serves ? [] : [`${roles.active} does not serve (${detail})`];
  if (namesLeadTo === roles.active) return entry;
  return [...entry, namesLeadTo === null ? NOWHERE : `the names lead to ${namesLeadTo}`];
}

const NOWHERE = "where the names lead could not be read";
