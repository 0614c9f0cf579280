/** Chance of one seed, split into streams so that one part's draws do not move another's. */
import { SeededRandom } from "../seeded-random.ts";

/** One stream of chance. */
export class Chance extends SeededRandom {
  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** True in `share` of all cases. */
  hits(share: number): boolean {
    return this.next() < share;
  }

  /** One of them, all equally likely. @throws {RangeError} if there is none */
  pick<T>(choices: readonly T[]): T {
    const choice = choices[Math.floor(this.next() * choices.length)];
    if (choice === undefined) throw new RangeError("nothing to choose from");
    return choice;
  }
}

/** The stream called `name` of a seed. */
export function chanceOf(seed: number, name: string): Chance {
  // FNV-1a: names that differ in one letter give streams that have nothing in common.
  let hash = 0x811c9dc5 ^ seed;
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  const chance = new Chance(hash ^ Math.imul(seed, 0x9e3779b1));
  chance.next();
  return chance;
}
