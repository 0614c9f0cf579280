import { unreachable } from "../error.ts";
import { type Guard, approve, block, pass } from "./guard.ts";

/** May this level act by itself? What the operator decided in advance. */
export const mode: Guard = ({ cause, situation }) => {
  if (cause.kind === "person") return pass("mode", "A person asked; modes bind only the score.");
  const { level } = cause;
  const chosen = situation.policy.modes[level];
  switch (chosen) {
    case "auto":
      return pass("mode", `Level ${level} acts by itself (mode auto).`);
    case "approve":
      return approve("mode", `Level ${level} waits for 1 person to approve (mode approve).`);
    case "observe":
      return block("mode", `Level ${level} only observes (mode observe): start it by hand.`);
    default:
      return unreachable(chosen);
  }
};
