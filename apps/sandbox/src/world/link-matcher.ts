/** Chooses links by a pattern of their names. */
import type { LinkSpec } from "../network/operations.ts";

/** `*` stands for anything: `azure->aws:*`, `*->aws:entry`. */
export function linkMatcher(pattern: string): (link: LinkSpec) => boolean {
  const literal = pattern.replace(/[\\^$.|?+()[\]{}]/gu, "\\$&");
  const expression = new RegExp(`^${literal.replaceAll("*", ".*")}$`, "u");
  return ({ name }) => expression.test(name);
}
