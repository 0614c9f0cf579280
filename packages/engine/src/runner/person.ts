/** One name per person: who started a run as `operator:ann` and approves as `Ann` is one. */
export function personOf(name: string): string {
  return name
    .replace(/^operator:/, "")
    .trim()
    .toLowerCase();
}
