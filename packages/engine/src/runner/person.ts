/**
 * One name per person: who started a run as `operator:ann` and approves as `Ann` is one. Letters that
 * only look different (full width, composed or not) are the same, and so is any run of blanks.
 */
export function personOf(name: string): string {
  return name
    .normalize("NFKC")
    .trim()
    .replace(/^operator:/, "")
    .trim()
    .replaceAll(/\s+/gu, " ")
    .toLowerCase();
}
