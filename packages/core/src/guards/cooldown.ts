import { limitText, measuredText } from "../span-text.ts";
import { type Guard, block, pass } from "./guard.ts";

/** Is the last move long enough ago? A fault that travels along must not carry us back and forth. */
export const cooldown: Guard = ({ situation }) => {
  const endedAtMs = situation.activity.lastMoveEndedAtMs;
  if (endedAtMs === null) return pass("cooldown", "No move has been made before.");
  const agoMs = Math.max(0, situation.nowMs - endedAtMs);
  const { cooldownMs } = situation.policy;
  const ended = `The last move ended ${measuredText(agoMs)} ago, cooldown ${limitText(cooldownMs)}`;
  if (agoMs >= cooldownMs) return pass("cooldown", `${ended}.`);
  return block("cooldown", `${ended}: ${measuredText(cooldownMs - agoMs)} left.`);
};
