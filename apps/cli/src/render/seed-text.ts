import type { SeedProgress } from "@cloudphoenix/worker";
import { bytesText } from "./bytes-text.ts";

/** One line while a seed is under way. */
export function seedProgressText(progress: SeedProgress): string {
  const { ranges, looked, copied, bytes, workers } = progress;
  const all = Object.values(ranges).reduce((sum, count) => sum + count, 0);
  const whom =
    workers === 0 ? "no worker has one now" : `${ranges.claimed} with ${workers} workers`;
  return `ranges ${ranges.done} of ${all} done, ${whom}; ${looked} objects compared, ${copied} copied (${bytesText(bytes)})`;
}

/** What it came to, and what to do about what it left. */
export function seedText(progress: SeedProgress): string {
  const { ranges, looked, copied, bytes, failed, failures, trouble } = progress;
  const aside = ranges["set-aside"];
  return [
    `${looked} objects compared, ${copied} copied (${bytesText(bytes)}).`,
    ...(failed === 0 ? [] : [`${failed} objects need a person:`]),
    ...failures.map(({ name, code, message }) => `  ✗ ${name}: ${message} (${code})`),
    ...(aside === 0 ? [] : [`${aside} ranges were given up:`]),
    ...trouble.map((why) => `  ✗ ${why}`),
    ...(aside === 0 ? [] : ["Mend what is named, then run the seed again by another name."]),
  ].join("\n");
}
