/** One mistake planted in the example, and where the finger must point. */
import type { Problem } from "../src/index.ts";
import { exampleWith } from "./example.ts";
import { placeOf } from "./validated.ts";

export interface Mistake {
  readonly name: string;
  /** What stands in the example, and what is written instead. */
  readonly from: string;
  readonly to: string;
  /** The text at whose start the problem is placed. */
  readonly marker: string;
  readonly path: string;
  readonly message: string;
  readonly suggestion: string | null;
}

/** The example with the mistake in it. */
export function planted({ from, to }: Mistake): string {
  return exampleWith(from, to);
}

/** The one problem that the planted mistake must lead to. */
export function problemOf(mistake: Mistake): Problem {
  return {
    severity: "error",
    file: "shop.yaml",
    ...placeOf(planted(mistake), mistake.marker),
    path: mistake.path,
    message: mistake.message,
    suggestion: mistake.suggestion,
  };
}
